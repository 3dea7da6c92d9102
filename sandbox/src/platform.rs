//! The state of the platform and the rules by which it changes.
//!
//! One lock protects the whole state, so concurrent requests never see a rule half applied. No rule waits while it
//! holds the lock.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::account::Account;
use crate::clock::Clock;
use crate::error_response::ErrorResponse;
use crate::faults::Faults;
use crate::history::History;
use crate::record::{Counters, Log};

/// The lifetime of an access token from its first issue. Repeated requests do not extend it.
pub(crate) const ACCESS_TOKEN_LIFE: Duration = Duration::from_secs(60 * 60);
/// How long a session lives without use.
const SESSION_IDLE_LIMIT: Duration = Duration::from_secs(20 * 60);
/// How many failed logins in a row lock an account.
const STRIKES_TO_LOCK: u32 = 5;
/// The length of a password that a reset returns, in characters.
const PASSWORD_LENGTH: usize = 12;

#[derive(Debug)]
pub(crate) struct Platform {
    accounts: Vec<Account>,
    pub(crate) numeric_fault_codes: bool,
    requests_per_session: Option<u64>,
    /// The simulator's access token.
    pub(crate) simulator: Option<String>,
    pub(crate) history: Option<History>,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) counters: Counters,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    requests_per_session: Option<u64>,
    applications: BTreeMap<String, Application>,
    users: BTreeMap<String, User>,
}

/// An application, which an API key identifies.
struct Application {
    secret: String,
    access_token: Option<AccessToken>,
}

struct AccessToken {
    value: String,
    issued: Duration,
}

pub(crate) struct User {
    pub(crate) password: String,
    pub(crate) strikes: u32,
    pub(crate) locked: bool,
    /// At most one session. A login replaces it, and the old one is then unknown.
    session: Option<Session>,
}

struct Session {
    token: String,
    last_used: Duration,
    requests: u64,
    expired: bool,
}

impl Platform {
    pub(crate) fn new(
        accounts: Vec<Account>,
        numeric_fault_codes: bool,
        requests_per_session: Option<u64>,
        simulator: Option<String>,
    ) -> Platform {
        let state = Mutex::new(State::new(&accounts, requests_per_session));
        let history = None;
        Platform { accounts, numeric_fault_codes, requests_per_session, simulator, history, state }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A rule that panicked fails its own request. Other requests still get a response.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Restores the initial state.
    pub(crate) fn reset(&self) {
        *self.lock() = State::new(&self.accounts, self.requests_per_session);
    }
}

impl State {
    fn new(accounts: &[Account], requests_per_session: Option<u64>) -> State {
        let application = |account: &Account| Application { secret: account.secret.clone(), access_token: None };
        let user =
            |account: &Account| User { password: account.password.clone(), strikes: 0, locked: false, session: None };
        State {
            clock: Clock::new(),
            counters: Counters::default(),
            faults: Faults::default(),
            log: Log::default(),
            requests_per_session,
            applications: accounts.iter().map(|account| (account.key.clone(), application(account))).collect(),
            users: accounts.iter().map(|account| (account.username.clone(), user(account))).collect(),
        }
    }

    pub(crate) fn knows_application(&self, key: &str, secret: &str) -> bool {
        self.applications.get(key).is_some_and(|application| application.secret == secret)
    }

    /// The access token of an application: its current one until that expires, then a new one.
    pub(crate) fn access_token(&mut self, key: &str) -> Option<String> {
        let now = self.clock.now();
        let application = self.applications.get_mut(key)?;
        application.access_token.take_if(|token| !token.lives_at(now));
        let fresh = || AccessToken { value: Uuid::new_v4().to_string(), issued: now };
        Some(application.access_token.get_or_insert_with(fresh).value.clone())
    }

    pub(crate) fn accepts_access_token(&self, value: &str) -> bool {
        let now = self.clock.now();
        self.access_tokens().any(|(_, token)| token.value == value && token.lives_at(now))
    }

    /// The key of the application that an access token was issued to, even if the token has expired.
    pub(crate) fn owner_of_access_token(&self, value: &str) -> Option<&str> {
        self.access_tokens().find(|(_, token)| token.value == value).map(|(key, _)| key)
    }

    pub(crate) fn revoke_access_token(&mut self, value: &str) {
        for application in self.applications.values_mut() {
            application.access_token.take_if(|token| token.value == value);
        }
    }

    pub(crate) fn revoke_access_tokens(&mut self) {
        for application in self.applications.values_mut() {
            application.access_token = None;
        }
    }

    /// Starts a session, or counts a failed login.
    pub(crate) fn log_in(&mut self, username: &str, password: &str) -> Result<String, ErrorResponse> {
        let now = self.clock.now();
        let outcome = match self.users.get_mut(username) {
            Some(user) => user.log_in(password, now),
            None => Err(ErrorResponse::LOGIN_FAILED),
        };
        match outcome {
            Ok(_) => self.counters.logins_succeeded += 1,
            Err(_) => self.counters.logins_failed += 1,
        }
        outcome
    }

    /// The user with this session. The call counts as a use of the session.
    pub(crate) fn use_session(&mut self, token: &str) -> Result<&mut User, ErrorResponse> {
        let (now, limit) = (self.clock.now(), self.requests_per_session);
        let holds = |user: &&mut User| user.session.as_ref().is_some_and(|session| session.token == token);
        let user = self.users.values_mut().find(holds).ok_or(ErrorResponse::SESSION_INVALID)?;
        if let Some(session) = &mut user.session {
            if session.expired || now.saturating_sub(session.last_used) >= SESSION_IDLE_LIMIT {
                return Err(ErrorResponse::SESSION_EXPIRED);
            }
            if limit.is_some_and(|limit| session.requests >= limit) {
                return Err(ErrorResponse::SESSION_EXPIRED);
            }
            session.last_used = now;
            session.requests += 1;
        }
        Ok(user)
    }

    pub(crate) fn user(&self, username: &str) -> Option<&User> {
        self.users.get(username)
    }

    pub(crate) fn user_mut(&mut self, username: &str) -> Option<&mut User> {
        self.users.get_mut(username)
    }

    fn access_tokens(&self) -> impl Iterator<Item = (&str, &AccessToken)> {
        self.applications
            .iter()
            .filter_map(|(key, application)| Some((key.as_str(), application.access_token.as_ref()?)))
    }
}

impl AccessToken {
    fn lives_at(&self, now: Duration) -> bool {
        now.saturating_sub(self.issued) < ACCESS_TOKEN_LIFE
    }
}

impl User {
    fn log_in(&mut self, password: &str, now: Duration) -> Result<String, ErrorResponse> {
        if self.locked {
            return Err(ErrorResponse::ACCOUNT_LOCKED);
        }
        if self.password != password {
            self.strikes += 1;
            self.locked = self.strikes >= STRIKES_TO_LOCK;
            return Err(ErrorResponse::LOGIN_FAILED);
        }
        self.strikes = 0;
        let token = Uuid::new_v4().to_string();
        self.session = Some(Session { token: token.clone(), last_used: now, requests: 0, expired: false });
        Ok(token)
    }

    pub(crate) fn end_session(&mut self) {
        self.session = None;
    }

    pub(crate) fn expire_session(&mut self) {
        if let Some(session) = &mut self.session {
            session.expired = true;
        }
    }

    pub(crate) fn unlock(&mut self) {
        self.locked = false;
        self.strikes = 0;
    }

    /// Replaces the password by a random one. The session stays. A wrong old password does not count as a failed login.
    pub(crate) fn reset_password(&mut self, old: &str) -> Result<String, ErrorResponse> {
        if self.password != old {
            return Err(ErrorResponse::OLD_PASSWORD_WRONG);
        }
        self.password = random_password();
        Ok(self.password.clone())
    }
}

/// Letters of both cases and digits, so that a client that folds case or parses numbers fails.
pub(crate) fn random_password() -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    // Two of a UUID's sixteen bytes hold its version and variant; the others are random.
    let random = Uuid::new_v4().into_bytes().into_iter().enumerate().filter(|(index, _)| ![6, 8].contains(index));
    let letter = |byte: u8| ALPHABET.get(usize::from(byte) % ALPHABET.len()).copied().map(char::from);
    random.filter_map(|(_, byte)| letter(byte)).take(PASSWORD_LENGTH).collect()
}

/// Leaves out the secret, so that printing a sandbox reveals none.
impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application").finish_non_exhaustive()
    }
}

/// Leaves out the password and the session token.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("strikes", &self.strikes).field("locked", &self.locked).finish_non_exhaustive()
    }
}
