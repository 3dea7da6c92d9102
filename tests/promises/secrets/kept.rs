//! Output of the parts that keep secrets: rotations and their vault, the store, the provider of credentials.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime},
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    AccessToken, Credentials, CredentialsFuture, CredentialsProvider, Error, FileStore, FileVault, Session,
    rotation::{PasswordVault, Pending, VaultState},
};

use super::{WRONG, print, print_error, print_result};
use crate::{
    leaks,
    support::{ECHO, PASSWORD, USERNAME, arrived, client_of, credentials, sandbox, session, until},
    vaults::{BEGIN, Brittle, COMMIT, STEPS, Trouble},
};

fn vault() -> (TempDir, FileVault) {
    let directory = tempfile::tempdir().unwrap();
    let vault = FileVault::new(directory.path().join("password.json"));
    (directory, vault)
}

/// Rotations and recoveries with a fault.
pub(super) async fn rotations(fault: &Fault) -> BTreeSet<String> {
    let (sandbox, thingspace, session) = session().await;
    let (_directory, vault) = vault();
    let mut secrets = BTreeSet::new();
    sandbox.fault(Operation::Reset, fault.clone(), 1);
    for _ in 0..2 {
        print_result(session.rotate_password(&vault).await);
        print(&(&vault, vault.load().await));
        secrets.extend(leaks::secrets_of(&sandbox));
    }
    sandbox.fault(Operation::Login, fault.clone(), 1);
    for _ in 0..2 {
        print_result(thingspace.recover_rotation(&vault).await);
        // After a login of unknown outcome, the next one waits.
        tokio::time::sleep(Duration::from_secs(301)).await;
    }
    secrets
}

/// Vaults that fail: at each step, in the middle of a reset, and always.
pub(super) async fn vaults() -> BTreeSet<String> {
    let mut secrets = BTreeSet::new();
    for step in 1..=STEPS {
        let (sandbox, _thingspace, session) = session().await;
        let (_directory, vault) = vault();
        // A swap with a lost result has taken effect.
        if [BEGIN + 1, COMMIT + 1].contains(&step) {
            print_result(session.rotate_password(&Brittle::new(vault, step, Trouble::Fails)).await);
            secrets.extend(leaks::secrets_of(&sandbox));
            continue;
        }
        let error = session.rotate_password(&Brittle::new(vault, step, Trouble::Fails)).await.unwrap_err();
        // From here on, the error holds the new password.
        assert_eq!(matches!(error, Error::PasswordNotSaved { .. }), step >= COMMIT, "{step}: {error:?}");
        print_error(error);
        secrets.extend(leaks::secrets_of(&sandbox));
    }
    let (sandbox, thingspace, session) = session().await;
    let (_directory, vault) = vault();
    session.rotate_password(&vault).await.unwrap();
    let holds = sandbox.password(USERNAME).unwrap();
    spoilt(vault.path(), &holds, async || {
        print_result(session.rotate_password(&vault).await);
        print_result(thingspace.recover_rotation(&vault).await);
        print_result(thingspace.start_session(vault.clone()).await);
    })
    .await;
    let error = meanwhile(&sandbox, &session, &vault, || misplace(vault.path(), &holds)).await.unwrap_err();
    assert!(matches!(error, Error::PasswordNotSaved { .. }), "{error:?}");
    print_error(error);
    secrets.extend(leaks::secrets_of(&sandbox));
    secrets
}

/// A store whose file, which has the session token, is damaged or readable by other users at any moment.
pub(super) async fn stores() -> BTreeSet<String> {
    let sandbox = Sandbox::start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = FileStore::new(directory.path().join("sessions.json"));
    let client = || client_of(&sandbox).timeout(Duration::from_secs(2)).store(store.clone()).build().unwrap();
    let session = client().start_session(credentials()).await.unwrap();
    let token = session.token().await.unwrap().expose_secret().to_owned();
    print(&store);
    spoilt(store.path(), &token, async || {
        print_result(client().start_session(credentials()).await);
        print_result(client().reset_login_guard(USERNAME).await);
        print_result(session.reset_password(PASSWORD).await);
        // The crate records the use of the session once a minute.
        tokio::time::sleep(Duration::from_secs(61)).await;
        print(&session.token().await);
    })
    .await;
    // The store fails to record the new password and the end.
    let (_directory, vault) = vault();
    print_result(meanwhile(&sandbox, &session, &vault, || misplace(store.path(), &token)).await);
    let mut secrets = leaks::secrets_of(&sandbox);
    print_result(session.end().await);
    secrets.insert(token);
    secrets
}

/// A rotation with an event during its reset.
async fn meanwhile(
    sandbox: &Sandbox,
    session: &Session,
    vault: &FileVault,
    happens: impl FnOnce(),
) -> Result<(), Error> {
    let before = arrived(sandbox, "/actions/reset");
    sandbox.fault(Operation::Reset, Fault::Delay(Duration::from_secs(1)), 1);
    let (session, vault) = (session.clone(), vault.clone());
    let rotating = tokio::spawn(async move { session.rotate_password(&vault).await });
    until(|| arrived(sandbox, "/actions/reset") > before).await;
    happens();
    rotating.await.unwrap()
}

/// Calls with a file that is truncated, has its secret in the wrong place, or is readable by other users. Restores the
/// file at the end.
async fn spoilt(path: &Path, secret: &str, mut act: impl AsyncFnMut()) {
    let whole = fs::read(path).unwrap();
    for length in (0..whole.len()).step_by(whole.len() / 12) {
        fs::write(path, &whole[..length]).unwrap();
        act().await;
    }
    fs::write(path, &whole).unwrap();
    misplace(path, secret);
    act().await;
    fs::write(path, &whole).unwrap();
    #[cfg(unix)]
    for mode in [0o644, 0o600] {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        if mode != 0o600 {
            act().await;
        }
    }
}

/// Puts a secret in the place of a number, where the parser's own error would quote it.
fn misplace(path: &Path, secret: &str) {
    let text = fs::read_to_string(path).unwrap();
    if text.contains(secret) {
        assert!(text.contains("\"version\":1"), "{text}");
        return fs::write(path, text.replace("\"version\":1", &format!("\"version\":\"{secret}\""))).unwrap();
    }
    let mut document: Value = serde_json::from_str(&text).unwrap();
    for entry in document["accounts"].as_object_mut().unwrap().values_mut() {
        let record = BASE64_STANDARD.decode(entry["value"].as_str().unwrap()).unwrap();
        let record = String::from_utf8(record).unwrap();
        assert!(record.contains(secret) && record.contains("\"format\":1"), "{record}");
        let record = record.replace("\"format\":1", &format!("\"format\":\"{secret}\""));
        entry["value"] = BASE64_STANDARD.encode(record).into();
    }
    fs::write(path, document.to_string()).unwrap();
}

/// What no header takes.
const UNFIT: &str = "unfit-for-a-header";

/// What hands tokens out, and takes them in.
pub(super) async fn handed_out() -> BTreeSet<String> {
    let sandbox = Sandbox::start().await.unwrap();
    let observer = |token: &AccessToken| {
        print(token);
        panic!("an observer panics: {token:?}");
    };
    let builder = client_of(&sandbox).on_access_token(observer);
    print(&builder);
    let thingspace = builder.build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    sandbox.revoke_access_tokens();
    print_result(session.send(session.request(Method::GET, ECHO).unwrap()).await.map(|answer| answer.status()));
    print_result(thingspace.access_token().await);
    let mut secrets = leaks::secrets_of(&sandbox);
    secrets.extend(shared().await);
    let token = session.token().await.unwrap();
    let resumed = client_of(&sandbox).build().unwrap().resume_session(credentials(), token.clone()).await.unwrap();
    print(&(&resumed, resumed.token().await));
    print_result(client_of(&sandbox).build().unwrap().resume_session(credentials(), format!("\n{UNFIT}")).await);
    secrets.extend([UNFIT.to_owned(), token.expose_secret().to_owned()]);
    secrets
}

/// A shared access token, in a file that is damaged in every way and in one that is sealed.
async fn shared() -> BTreeSet<String> {
    let sandbox = Sandbox::start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = FileStore::new(directory.path().join("sessions.json"));
    let client = || client_of(&sandbox).timeout(Duration::from_secs(2)).store(store.clone()).share_access_token(true);
    let thingspace = client().build().unwrap();
    let token = thingspace.access_token().await.unwrap().expose_secret().to_owned();
    let holds = || fs::read_to_string(store.path()).unwrap();
    let (begun, claimed) = (BASE64_STANDARD.encode(r#"{"token":""#), BASE64_STANDARD.encode(r#"{"token":nul"#));
    until(|| holds().contains(&begun[..13]) && !holds().contains(&claimed[..15])).await;
    print(&(&store, client(), &thingspace));
    let whole = holds();
    for length in (0..whole.len()).step_by(whole.len() / 12) {
        fs::write(store.path(), &whole[..length]).unwrap();
        print_result(client().build().unwrap().access_token().await);
    }
    let number = BASE64_STANDARD.encode(format!(r#"{{"token":{{"{token}":5}},"until":"{token}"}}"#));
    let mut document: Value = serde_json::from_str(&whole).unwrap();
    for entry in document["accounts"].as_object_mut().unwrap().values_mut() {
        entry["value"] = number.clone().into();
    }
    fs::write(store.path(), document.to_string()).unwrap();
    print_result(client().build().unwrap().access_token().await);
    let mut secrets = leaks::secrets_of(&sandbox);
    secrets.insert(token);
    secrets
}

/// Providers that fail at the start of a session or at its renewal.
pub(super) async fn sources() {
    let (_directory, vault) = vault();
    let (_sandbox, thingspace) = sandbox().await;
    print_result(thingspace.start_session(vault.clone()).await);
    let pending = VaultState::Pending(Pending::new(credentials(), SystemTime::now()));
    vault.compare_and_swap(&VaultState::Empty, &pending).await.unwrap();
    print_result(thingspace.start_session(vault).await);
    for failure in [Failure::Sealed, Failure::Panics, Failure::Silent, Failure::AnotherUser] {
        let (sandbox, _thingspace, session) = session_of(failure).await;
        sandbox.expire_session(USERNAME);
        let answer = session.send(session.request(Method::GET, ECHO).unwrap()).await;
        print_error(answer.unwrap_err());
    }
}

async fn session_of(failure: Failure) -> (Sandbox, thingspace_session::ThingSpace, Session) {
    let (sandbox, thingspace) = sandbox().await;
    let source = Fickle { failure, is_spent: [false, false].map(AtomicBool::new) };
    let session = thingspace.start_session(source).await.unwrap();
    (sandbox, thingspace, session)
}

#[derive(Clone, Copy)]
enum Failure {
    Sealed,
    Panics,
    Silent,
    AnotherUser,
}

/// Returns the credentials twice, for the start of a session, and then fails.
struct Fickle {
    failure: Failure,
    is_spent: [AtomicBool; 2],
}

impl CredentialsProvider for Fickle {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(async {
            if self.is_spent.iter().any(|is_spent| !is_spent.swap(true, Ordering::SeqCst)) {
                return Ok(credentials());
            }
            match self.failure {
                Failure::Sealed => Err("the vault is sealed".into()),
                Failure::Panics => panic!("the provider panics"),
                Failure::Silent => std::future::pending().await,
                Failure::AnotherUser => Ok(Credentials::new("marvin", WRONG)),
            }
        })
    }
}
