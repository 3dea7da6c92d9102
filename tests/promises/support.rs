//! Helpers that all tests share.

use std::{fmt::Write as _, process::Command};

use thingspace_sandbox::Sandbox;
use thingspace_session::{
    ApiKey, Credentials, Error, Session, ThingSpace, ThingSpaceBuilder,
    store::{Account, SessionStore, Version},
};

pub(crate) use crate::patience::{calls_until, until, watch};

pub(crate) const USERNAME: &str = "zbeeblebrox";
pub(crate) const PASSWORD: &str = "IMgr8";
/// A path that no operation of the platform has, so that `openapi.yaml` will not describe it. The sandbox echoes it.
pub(crate) const ECHO: &str = "/m2m/v1/no-operation";

pub(crate) fn api_key() -> ApiKey {
    watch();
    ApiKey::new("sandbox-key", "sandbox-secret")
}

pub(crate) fn credentials() -> Credentials {
    watch();
    Credentials::new(USERNAME, PASSWORD)
}

/// The builder of a client for this sandbox.
pub(crate) fn client_of(sandbox: &Sandbox) -> ThingSpaceBuilder {
    ThingSpace::builder().api_key(api_key()).base_url(sandbox.base_url())
}

pub(crate) async fn sandbox() -> (Sandbox, ThingSpace) {
    let sandbox = Sandbox::start().await.unwrap();
    let thingspace = client_of(&sandbox).build().unwrap();
    (sandbox, thingspace)
}

pub(crate) async fn session() -> (Sandbox, ThingSpace, Session) {
    let (sandbox, thingspace) = sandbox().await;
    let session = thingspace.start_session(credentials()).await.unwrap();
    (sandbox, thingspace, session)
}

/// Advances the clock, also the sandbox's. Tasks do not run in between.
pub(crate) async fn pass(time: std::time::Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// The cause of a failed token request.
pub(crate) fn on_the_way(error: Error) -> Error {
    assert!(error.to_string().contains("not sent"), "{error}");
    let Error::AccessToken { source } = error else { panic!("{error:?}") };
    *source
}

/// Two runtimes: one with its own thread that stays, and one that the test drives and shuts down.
pub(crate) fn runtimes() -> [tokio::runtime::Runtime; 2] {
    use tokio::runtime::Builder;
    let stays = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    [stays, Builder::new_current_thread().enable_all().build().unwrap()]
}

/// Number of received requests whose path has this suffix.
pub(crate) fn arrived(sandbox: &Sandbox, path: &str) -> usize {
    sandbox.requests().iter().filter(|request| request.path.ends_with(path)).count()
}

/// Number of received requests for an access token.
pub(crate) fn token_requests(sandbox: &Sandbox) -> usize {
    arrived(sandbox, "/oauth2/token")
}

/// Number of received requests except those for an access token.
pub(crate) fn platform_requests(sandbox: &Sandbox) -> usize {
    arrived(sandbox, "") - token_requests(sandbox)
}

/// All printed forms of an error and its sources.
pub(crate) fn shown(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = format!("{error} | {error:?} | {error:#?}");
    let mut next = error.source();
    while let Some(source) = next {
        write!(text, " | {source} | {source:?}").unwrap();
        next = source.source();
    }
    text
}

/// A listener with a full queue, and the connection that fills it.
pub(crate) fn full(address: std::net::SocketAddr) -> (tokio::net::TcpListener, std::net::TcpStream) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    let listener = socket.listen(0).unwrap();
    let first = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (listener, first)
}

/// A command that runs one test of this program in another process, without the THINGSPACE variables of this process.
pub(crate) fn alone(test: &str) -> Command {
    watch();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]);
    for name in
        ["KEY", "SECRET", "BASE_URL", "ENVIRONMENT", "TIMEOUT", "USERNAME", "PASSWORD", "STORE", "PASSWORD_FILE"]
    {
        command.env_remove(format!("THINGSPACE_{name}"));
    }
    command
}

/// The output of such a test, which must exist and pass.
pub(crate) fn passed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && printed.contains("test result: ok. 1 passed"), "{printed}");
    printed.into_owned()
}

/// The account of the sandbox's user in a store.
pub(crate) fn account(sandbox: &Sandbox) -> Account {
    Account::new(sandbox.base_url().trim_end_matches('/'), "sandbox-key", USERNAME)
}

/// The record of the sandbox's user.
pub(crate) async fn record(sandbox: &Sandbox, store: &impl SessionStore) -> serde_json::Value {
    let snapshot = store.load(&account(sandbox)).await.unwrap();
    serde_json::from_slice(snapshot.value.unwrap().bytes()).unwrap()
}

/// Changes the record of the sandbox's user.
pub(crate) async fn edit(sandbox: &Sandbox, store: &impl SessionStore, change: impl FnOnce(&mut serde_json::Value)) {
    let mut edited = record(sandbox, store).await;
    change(&mut edited);
    put(sandbox, store, &serde_json::to_vec(&edited).unwrap()).await;
}

/// Replaces the record of the sandbox's user.
pub(crate) async fn put(sandbox: &Sandbox, store: &impl SessionStore, bytes: &[u8]) {
    let expected = store.load(&account(sandbox)).await.unwrap().value.map(|value| value.version);
    assert!(store.compare_and_swap(&account(sandbox), expected, Version::random(), bytes).await.unwrap());
}

/// Number of claims in the record of the sandbox's user.
pub(crate) async fn claims(sandbox: &Sandbox, store: &impl SessionStore) -> usize {
    let record = record(sandbox, store).await;
    let attempts = record["record"]["history"]["attempts"].as_object().unwrap();
    attempts.values().filter(|attempt| attempt.get("is_over").is_none()).count()
}
