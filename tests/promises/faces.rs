//! Promises of both APIs: each test runs on the async and on the blocking API.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    AccessToken, AccountStatus, Credentials, CredentialsProvider, Error, FileStore, FileVault, Password, SessionToken,
    SuspensionReason, ThingSpaceBuilder, api::types::SessionResetPasswordRequest, blocking, rotation::Recovery,
};
use tokio::runtime::Runtime;

use crate::support::{ECHO, PASSWORD, USERNAME, arrived, client_of, credentials, runtimes};
use crate::vaults::{Brittle, COMMIT, Trouble, kept, vault};

/// A client with blocking calls.
trait Face: Sized + Send + Sync {
    type Session: FaceSession;
    fn build(builder: ThingSpaceBuilder) -> Result<Self, Error>;
    fn start_session(&self, credentials: impl CredentialsProvider + 'static) -> Result<Self::Session, Error>;
    fn access_token(&self) -> Result<AccessToken, Error>;
    fn resume_session(&self, token: &str) -> Result<Self::Session, Error>;
    fn recover_rotation(&self, vault: &FileVault) -> Result<Recovery, Error>;
    fn reset_login_guard(&self, username: &str) -> Result<(), Error>;
    fn account_status(&self, username: &str) -> Result<AccountStatus, Error>;
}

trait FaceSession: Clone + Send + Sync + 'static {
    fn post(&self, path: &str, body: &Value) -> Result<(StatusCode, Value), Error>;
    fn ask_within(&self, limit: Duration) -> Result<StatusCode, Error>;
    fn reset_through_the_api(&self, old: &str) -> Result<Password, Error>;
    fn reset_password(&self, old: &str) -> Result<Password, Error>;
    fn rotate_password(&self, vault: &Brittle) -> Result<(), Error>;
    fn token(&self) -> Result<SessionToken, Error>;
    fn end(self) -> Result<(), Error>;
}

impl Face for blocking::ThingSpace {
    type Session = blocking::Session;

    fn build(builder: ThingSpaceBuilder) -> Result<Self, Error> {
        builder.build_blocking()
    }

    fn start_session(&self, credentials: impl CredentialsProvider + 'static) -> Result<Self::Session, Error> {
        self.start_session(credentials)
    }

    fn access_token(&self) -> Result<AccessToken, Error> {
        self.access_token()
    }

    fn resume_session(&self, token: &str) -> Result<Self::Session, Error> {
        self.resume_session(credentials(), token)
    }

    fn recover_rotation(&self, vault: &FileVault) -> Result<Recovery, Error> {
        self.recover_rotation(vault)
    }

    fn reset_login_guard(&self, username: &str) -> Result<(), Error> {
        self.reset_login_guard(username)
    }

    fn account_status(&self, username: &str) -> Result<AccountStatus, Error> {
        self.account_status(username)
    }
}

impl FaceSession for blocking::Session {
    fn post(&self, path: &str, body: &Value) -> Result<(StatusCode, Value), Error> {
        let answer = self.send(self.request(Method::POST, path)?.json(body))?;
        Ok((answer.status(), answer.json()?))
    }

    fn ask_within(&self, limit: Duration) -> Result<StatusCode, Error> {
        Ok(self.send(self.request(Method::GET, ECHO)?.timeout(limit))?.status())
    }

    fn reset_through_the_api(&self, old: &str) -> Result<Password, Error> {
        let body = SessionResetPasswordRequest::builder().old_password(old);
        let answer = self.call(self.api().reset_connectivity_management_password().body(body).send())?;
        Ok(answer.into_inner().new_password.unwrap().into())
    }

    fn reset_password(&self, old: &str) -> Result<Password, Error> {
        self.reset_password(old)
    }

    fn rotate_password(&self, vault: &Brittle) -> Result<(), Error> {
        self.rotate_password(vault)
    }

    fn token(&self) -> Result<SessionToken, Error> {
        self.token()
    }

    fn end(self) -> Result<(), Error> {
        self.end()
    }
}

/// An object of the async API, with its runtime.
#[derive(Clone)]
struct Driven<T>(T, Arc<Runtime>);

impl Face for Driven<thingspace_session::ThingSpace> {
    type Session = Driven<thingspace_session::Session>;

    fn build(builder: ThingSpaceBuilder) -> Result<Self, Error> {
        let [runtime, _] = runtimes();
        Ok(Self(builder.build()?, Arc::new(runtime)))
    }

    fn start_session(&self, credentials: impl CredentialsProvider + 'static) -> Result<Self::Session, Error> {
        Ok(Driven(self.1.block_on(self.0.start_session(credentials))?, self.1.clone()))
    }

    fn access_token(&self) -> Result<AccessToken, Error> {
        self.1.block_on(self.0.access_token())
    }

    fn resume_session(&self, token: &str) -> Result<Self::Session, Error> {
        Ok(Driven(self.1.block_on(self.0.resume_session(credentials(), token))?, self.1.clone()))
    }

    fn recover_rotation(&self, vault: &FileVault) -> Result<Recovery, Error> {
        self.1.block_on(self.0.recover_rotation(vault))
    }

    fn reset_login_guard(&self, username: &str) -> Result<(), Error> {
        self.1.block_on(self.0.reset_login_guard(username))
    }

    fn account_status(&self, username: &str) -> Result<AccountStatus, Error> {
        self.1.block_on(self.0.account_status(username))
    }
}

impl FaceSession for Driven<thingspace_session::Session> {
    fn post(&self, path: &str, body: &Value) -> Result<(StatusCode, Value), Error> {
        let answer = self.1.block_on(self.0.send(self.0.request(Method::POST, path)?.json(body)))?;
        Ok((answer.status(), self.1.block_on(answer.json()).unwrap()))
    }

    fn ask_within(&self, limit: Duration) -> Result<StatusCode, Error> {
        Ok(self.1.block_on(self.0.send(self.0.request(Method::GET, ECHO)?.timeout(limit)))?.status())
    }

    fn reset_through_the_api(&self, old: &str) -> Result<Password, Error> {
        let body = SessionResetPasswordRequest::builder().old_password(old);
        let answer = self.1.block_on(self.0.api().reset_connectivity_management_password().body(body).send())?;
        Ok(answer.into_inner().new_password.unwrap().into())
    }

    fn reset_password(&self, old: &str) -> Result<Password, Error> {
        self.1.block_on(self.0.reset_password(old))
    }

    fn rotate_password(&self, vault: &Brittle) -> Result<(), Error> {
        self.1.block_on(self.0.rotate_password(vault))
    }

    fn token(&self) -> Result<SessionToken, Error> {
        self.1.block_on(self.0.token())
    }

    fn end(self) -> Result<(), Error> {
        self.1.block_on(self.0.end())
    }
}

/// A sandbox on its own runtime.
struct Platform {
    sandbox: Sandbox,
    runtime: Runtime,
}

impl Platform {
    fn start() -> Self {
        let [runtime, _] = runtimes();
        Self { sandbox: runtime.block_on(Sandbox::start()).unwrap(), runtime }
    }

    fn client<F: Face>(&self) -> F {
        F::build(client_of(&self.sandbox)).unwrap()
    }
}

macro_rules! on_both_faces {
    ($($name:ident)*) => {
        mod asynchronous {
            $(#[test] fn $name() { super::$name::<super::Driven<thingspace_session::ThingSpace>>() })*
        }
        mod blocked {
            $(#[test] fn $name() { super::$name::<thingspace_session::blocking::ThingSpace>() })*
        }
    };
}

on_both_faces! {
    a_request_carries_both_tokens_and_its_answer_comes_back
    any_number_of_threads_that_meet_a_dead_session_cause_one_login
    a_wrong_password_is_tried_once_until_the_login_guard_is_reset
    the_status_of_an_account_tells_failures_and_suspensions
    an_error_has_its_status_and_code
    after_a_reset_the_session_logs_in_with_the_new_password
    the_generated_client_is_at_hand_with_the_session
    a_rotation_that_is_interrupted_is_recovered
    a_password_that_the_vault_would_not_keep_is_in_the_error
    the_end_of_a_session_is_the_end_of_its_clones
    a_second_client_on_the_same_store_takes_up_the_session
    a_call_ends_at_its_deadline
    the_access_token_is_handed_out
    the_session_of_another_program_is_resumed
}

fn the_session_of_another_program_is_resumed<F: Face>() {
    let platform = Platform::start();
    let other = platform.client::<F>().start_session(credentials()).unwrap();
    let session = platform.client::<F>().resume_session(other.token().unwrap().expose_secret()).unwrap();
    for session in [&session, &other] {
        assert_eq!(session.post(ECHO, &json!({})).unwrap().0, 200);
    }
    assert_eq!(platform.sandbox.counters().logins_succeeded, 1);
    platform.sandbox.expire_session(USERNAME);
    assert_eq!(session.post(ECHO, &json!({})).unwrap().0, 200);
    assert_eq!(platform.sandbox.counters().logins_succeeded, 2);
}

fn the_access_token_is_handed_out<F: Face>() {
    let platform = Platform::start();
    let thingspace = platform.client::<F>();
    let token = thingspace.access_token().unwrap();
    assert!(token.time_left().unwrap() > Duration::from_secs(3500), "{token:?}");
    thingspace.start_session(credentials()).unwrap();
    let requests = platform.sandbox.requests();
    let sent = requests.last().unwrap().header("authorization").unwrap();
    assert_eq!((sent, requests.len()), (format!("Bearer {}", token.expose_secret()).as_str(), 2));
}

fn a_request_carries_both_tokens_and_its_answer_comes_back<F: Face>() {
    let platform = Platform::start();
    let session = platform.client::<F>().start_session(credentials()).unwrap();
    let (status, answer) = session.post(ECHO, &json!({"accountName": "0000123456-00001"})).unwrap();
    assert_eq!((status.as_u16(), &answer["body"]["accountName"]), (200, &json!("0000123456-00001")), "{answer}");
    let requests = platform.sandbox.requests();
    let request = requests.iter().find(|request| request.path.ends_with(ECHO)).unwrap();
    assert_eq!(request.header("vz-m2m-token"), Some(session.token().unwrap().expose_secret()));
    assert!(request.header("authorization").unwrap().starts_with("Bearer "));
}

fn any_number_of_threads_that_meet_a_dead_session_cause_one_login<F: Face>() {
    let platform = Platform::start();
    let session = platform.client::<F>().start_session(credentials()).unwrap();
    platform.sandbox.expire_session(USERNAME);
    let threads: Vec<_> = (0..16)
        .map(|_| {
            let session = session.clone();
            std::thread::spawn(move || session.post(ECHO, &json!({})).unwrap().0)
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap() == 200));
    assert_eq!(platform.sandbox.counters().logins_succeeded, 2);
}

fn a_wrong_password_is_tried_once_until_the_login_guard_is_reset<F: Face>() {
    let platform = Platform::start();
    let thingspace = platform.client::<F>();
    let wrong = || Credentials::new(USERNAME, "wrong");
    let error = thingspace.start_session(wrong()).err().unwrap();
    assert!(matches!(error, Error::Platform { .. }), "{error:?}");
    for _ in 0..3 {
        let error = thingspace.start_session(wrong()).err().unwrap();
        assert!(matches!(error, Error::LoginSuspended(_)), "{error:?}");
    }
    assert_eq!(platform.sandbox.strikes(USERNAME), 1);
    thingspace.reset_login_guard(USERNAME).unwrap();
    assert!(matches!(thingspace.start_session(wrong()).err().unwrap(), Error::Platform { .. }));
    assert_eq!(platform.sandbox.strikes(USERNAME), 2);
    thingspace.start_session(credentials()).unwrap();
}

fn the_status_of_an_account_tells_failures_and_suspensions<F: Face>() {
    let platform = Platform::start();
    let thingspace = platform.client::<F>();
    let fresh = thingspace.account_status(USERNAME).unwrap();
    assert!(!fresh.is_recorded && fresh.session_used_at.is_none() && fresh.suspensions.is_empty(), "{fresh:?}");
    // The record has whole milliseconds.
    let began = SystemTime::now() - Duration::from_millis(1);
    thingspace.start_session(Credentials::new(USERNAME, "wrong")).err().unwrap();
    let status = thingspace.account_status(USERNAME).unwrap();
    assert!(status.is_recorded && status.session_used_at.is_none(), "{status:?}");
    assert_eq!((status.failures_in_a_row, status.suspensions.len()), (1, 1), "{status:?}");
    assert!(matches!(status.suspensions[0].reason, SuspensionReason::Rejected { code: Some(_) }), "{status:?}");
    assert!((began..=SystemTime::now()).contains(&status.suspensions[0].since), "{status:?}");
    assert!(!thingspace.account_status("marvin").unwrap().is_recorded, "another account");

    thingspace.reset_login_guard(USERNAME).unwrap();
    let status = thingspace.account_status(USERNAME).unwrap();
    assert!(status.is_recorded && status.failures_in_a_row == 0 && status.suspensions.is_empty(), "{status:?}");
    thingspace.start_session(credentials()).unwrap();
    let used_at = thingspace.account_status(USERNAME).unwrap().session_used_at.unwrap();
    assert!((began..=SystemTime::now()).contains(&used_at), "{used_at:?}");
    assert_eq!(platform.sandbox.strikes(USERNAME), 0);
}

fn an_error_has_its_status_and_code<F: Face>() {
    let platform = Platform::start();
    let session = platform.client::<F>().start_session(credentials()).unwrap();
    platform.sandbox.fault(Operation::Reset, Fault::answer(500, "broken"), 1);
    let error = session.reset_password(PASSWORD).unwrap_err();
    assert_eq!(error.status().unwrap(), 500, "{error:?}");
    let error = session.reset_password("not the old one").unwrap_err();
    assert_eq!(*error.code().unwrap(), "REQUEST_FAILED.OldPasswordIncorrect", "{error:?}");
    platform.sandbox.fault(Operation::Other, Fault::json(503, &json!({"error": "away"})), 9);
    let (status, answer) = session.post(ECHO, &json!({})).unwrap();
    assert_eq!((status.as_u16(), answer), (503, json!({"error": "away"})), "what send hands back is the answer");
}

fn after_a_reset_the_session_logs_in_with_the_new_password<F: Face>() {
    let platform = Platform::start();
    let session = platform.client::<F>().start_session(credentials()).unwrap();
    let new = session.reset_password(PASSWORD).unwrap();
    assert_eq!(Some(new.expose_secret()), platform.sandbox.password(USERNAME).as_deref());
    platform.sandbox.expire_session(USERNAME);
    assert_eq!(session.post(ECHO, &json!({})).unwrap().0, 200);
    assert_eq!(platform.sandbox.counters().logins_failed, 0);
}

fn the_generated_client_is_at_hand_with_the_session<F: Face>() {
    let platform = Platform::start();
    let session = platform.client::<F>().start_session(credentials()).unwrap();
    let new = session.reset_through_the_api(PASSWORD).unwrap();
    assert_eq!(Some(new.expose_secret()), platform.sandbox.password(USERNAME).as_deref());
    let error = session.reset_through_the_api("not the old one").unwrap_err();
    assert_eq!(error.status().unwrap(), 400, "{error:?}");
}

fn a_rotation_that_is_interrupted_is_recovered<F: Face>() {
    let platform = Platform::start();
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    let thingspace = platform.client::<F>();
    let session = thingspace.start_session(credentials()).unwrap();
    platform.sandbox.fault(Operation::Reset, Fault::CloseBefore, 1);
    let steady = Brittle::new(vault.clone(), u32::MAX, Trouble::Fails);
    assert!(matches!(session.rotate_password(&steady).unwrap_err(), Error::ResetOutcomeUnknown { .. }));
    assert!(matches!(session.rotate_password(&steady).unwrap_err(), Error::RotationPending { .. }));
    let recovery = thingspace.recover_rotation(&vault).unwrap();
    assert!(matches!(recovery, Recovery::OldPasswordValid), "{recovery:?}");
    // The login of the recovery has ended this session.
    assert_eq!(session.post(ECHO, &json!({})).unwrap().0, 200);
    session.rotate_password(&steady).unwrap();
    assert_eq!(platform.runtime.block_on(kept(&vault)), platform.sandbox.password(USERNAME));
}

fn a_password_that_the_vault_would_not_keep_is_in_the_error<F: Face>() {
    let platform = Platform::start();
    let directory = tempfile::tempdir().unwrap();
    let session = platform.client::<F>().start_session(credentials()).unwrap();
    let error = session.rotate_password(&Brittle::new(vault(&directory), COMMIT, Trouble::Fails)).unwrap_err();
    let Error::PasswordNotSaved { password, .. } = &error else { panic!("{error:?}") };
    assert_eq!(Some(password.expose_secret()), platform.sandbox.password(USERNAME).as_deref());
}

fn the_end_of_a_session_is_the_end_of_its_clones<F: Face>() {
    let platform = Platform::start();
    let session = platform.client::<F>().start_session(credentials()).unwrap();
    let clone = session.clone();
    session.end().unwrap();
    assert!(matches!(clone.post(ECHO, &json!({})).unwrap_err(), Error::SessionEnded));
    assert!(matches!(clone.token().unwrap_err(), Error::SessionEnded));
    assert!(matches!(clone.end().unwrap_err(), Error::SessionEnded));
    assert_eq!((platform.sandbox.counters().logins_succeeded, arrived(&platform.sandbox, ECHO)), (1, 0));
}

fn a_second_client_on_the_same_store_takes_up_the_session<F: Face>() {
    let platform = Platform::start();
    let directory = tempfile::tempdir().unwrap();
    let tokens = [(); 2].map(|()| {
        let store = FileStore::new(directory.path().join("sessions.json"));
        let thingspace = F::build(client_of(&platform.sandbox).store(store)).unwrap();
        thingspace.start_session(credentials()).unwrap().token().unwrap()
    });
    assert_eq!(tokens[0], tokens[1]);
    assert_eq!(platform.sandbox.counters().logins_succeeded, 1);
}

fn a_call_ends_at_its_deadline<F: Face>() {
    let platform = Platform::start();
    let session = platform.client::<F>().start_session(credentials()).unwrap();
    platform.sandbox.fault(Operation::Other, Fault::Delay(Duration::from_secs(3600)), 1);
    let started = Instant::now();
    let error = session.ask_within(Duration::from_millis(50)).unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }), "{error:?}");
    // The timeout of the request overrides the client's minute.
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
}
