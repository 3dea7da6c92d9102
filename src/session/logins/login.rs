//! One login: permitted by the guard and counted before it is made, then judged, then recorded.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use super::{Live, Logins, lease::Held, now, update};
use crate::{
    Credentials, Error, Refusal, Secret, SessionToken,
    error::Fate,
    events,
    guard::{Guard, Permit, Try, Verdict},
    store::{Record, SessionStore as _, StoredSession},
    transport::TokenHeader,
};

/// The pause after the first try to tell the store what it missed; it doubles up to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What came of a login that the store could not be told.
pub(super) struct Owed {
    attempt: Try,
    verdict: Verdict,
    at: SystemTime,
}

impl Logins {
    /// One login, counted before it is made.
    pub(super) async fn log_in_with(
        self: &Arc<Self>,
        lease: &Held,
        mut record: Record,
        credentials: &Credentials,
    ) -> Result<(), Stop> {
        let found = record.guard.clone();
        let owed = self.catch_up(&mut record.guard, Some(credentials));
        let fingerprint = record.guard.fingerprint(credentials);
        let permit = record.guard.permit(&fingerprint, now());
        // Who has nothing to tell wakes nobody.
        if record.guard != found && !self.store.commit(&self.account, lease, &record).await? {
            return Err(Stop::Again);
        }
        self.caught_up(&owed);
        let attempt = match permit {
            Permit::Go(attempt) => attempt,
            Permit::Wait(until) => return Err(Stop::After(until.duration_since(now()).unwrap_or_default())),
            Permit::Suspended(suspension) => return Err(Error::LoginSuspended(suspension).into()),
        };
        let outcome = self.send_within(lease, credentials).await;
        let (verdict, at) = (verdict(&outcome), record.guard.after_all(now()));
        record.guard.settle(&attempt, verdict.clone(), now(), fastrand::f64());
        self.known.note_at_the_end(&record.guard);
        let wait = record.guard.wait(&fingerprint, now()).and_then(|until| until.duration_since(now()).ok());
        self.state().rest = wait.and_then(|wait| Instant::now().checked_add(wait));
        if let Ok(token) = &outcome {
            record.session = Some(StoredSession { token: token.clone(), used_at: now() });
        }
        let kept = self.store.commit(&self.account, lease, &record).await;
        if !matches!(kept, Ok(true)) && verdict.counts() {
            // The count must not miss it: this process remembers it, and tells the store as soon as it can.
            self.state().owed.push(Arc::new(Owed { attempt, verdict: verdict.clone(), at }));
            tokio::spawn(self.clone().pay());
        }
        match outcome {
            Ok(token) if matches!(kept, Ok(false)) => {
                // Somebody else has logged in since; theirs is the session.
                self.log_out(token).await;
                Err(Stop::Again)
            }
            Ok(token) => {
                if let Err(error) = kept {
                    events::store_failed(&error, "it does not know the session that was started");
                }
                self.take_up(token).await
            }
            Err(mut error) => {
                events::login_failed(&error);
                if let Some(suspension) = record.guard.suspension(&fingerprint) {
                    if let Error::Platform(refusal) = &mut error {
                        refusal.of_a_login(self.store.is_default());
                    }
                    events::login_suspended(&suspension.reason);
                }
                let is_unreached = verdict == Verdict::Unreached && error.is_retryable();
                Err(if is_unreached { Stop::Unreached(error) } else { Stop::Failed(error) })
            }
        }
    }

    /// Uses a session that was started; ends it, if this one was ended meanwhile.
    async fn take_up(&self, token: SessionToken) -> Result<(), Stop> {
        let live = Live::new(token.clone(), Duration::ZERO)?;
        {
            let mut state = self.state();
            if !state.is_ended {
                self.live.store(Some(Arc::new(live)));
                events::session_started(state.reason.take());
                return Ok(());
            }
        }
        self.forget(&token).await;
        self.log_out(token).await;
        Err(Error::SessionEnded.into())
    }

    /// Applies what the store has yet to be told, and what it has forgotten; says what the former was.
    pub(super) fn catch_up(&self, guard: &mut Guard, credentials: Option<&Credentials>) -> Vec<Arc<Owed>> {
        let owed = self.state().owed.clone();
        // First, because what is remembered has it in it.
        for Owed { attempt, verdict, at } in owed.iter().map(AsRef::as_ref) {
            if guard.awaits(attempt, *at) {
                guard.settle(attempt, verdict.clone(), *at, 1.0);
            }
        }
        self.known.recall(guard, credentials);
        self.known.note(guard);
        owed
    }

    /// The store has been told this much of it; what has come since is still owed.
    pub(super) fn caught_up(&self, told: &[Arc<Owed>]) {
        self.state().owed.retain(|owed| !told.iter().any(|told| Arc::ptr_eq(told, owed)));
    }

    /// Tells the store what it has yet to be told, however long it takes.
    async fn pay(self: Arc<Self>) {
        let mut pause = SHORTEST_PAUSE;
        while !self.state().owed.is_empty() {
            let mut owed = Vec::new();
            let change = |record: &mut Record| owed = self.catch_up(&mut record.guard, None);
            match update(&self.store, &self.account, self.transport.timeout(), change).await {
                Ok(()) => self.caught_up(&owed),
                Err(error) => {
                    events::store_failed(&error, "it does not know yet that a login has failed");
                    tokio::time::sleep(pause).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            }
        }
    }

    /// Sends the login if there is time for it before the right to it ends, and nobody has ended the session.
    async fn send_within(&self, lease: &Held, credentials: &Credentials) -> Result<SessionToken, Error> {
        if self.state().is_ended {
            return Err(Error::SessionEnded);
        }
        let time = lease.left();
        if time.is_zero() {
            return Err(Error::LoginBusy { after: self.transport.timeout() });
        }
        let late = Err(Error::Timeout { after: time, sent: true, retryable: false });
        tokio::time::timeout(time, self.send(credentials)).await.unwrap_or(late)
    }

    async fn send(&self, credentials: &Credentials) -> Result<SessionToken, Error> {
        let password = Secret::from(credentials.password().clone());
        let login = self.api.start_connectivity_management_session();
        let login = login.body_map(|body| body.username(credentials.username()).password(password));
        let answer = login.send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let token = answer.into_inner().session_token.filter(|token| !token.expose_secret().is_empty());
        let unfit = |problem: &str| Error::unexpected(problem, Refusal::new(status, headers.clone()));
        let token = token.ok_or_else(|| unfit("it holds no session token"))?;
        TokenHeader::new(token.expose_secret())
            .map_err(|_| unfit("its session token holds characters that no header takes"))?;
        Ok(token.into())
    }

    /// Ends a session that nobody uses. What comes of it does not matter.
    pub(super) async fn log_out(&self, token: SessionToken) {
        if let Ok(live) = Live::new(token, Duration::ZERO) {
            let _ = self.api_with(live.header.value().clone()).end_connectivity_management_session().send().await;
        }
    }
}

/// Why a login was not made, or made in vain.
pub(super) enum Stop {
    /// Somebody else was faster: look again.
    Again,
    /// Somebody else has the right to log in.
    Busy,
    /// The guard lets nobody log in for so long.
    After(Duration),
    /// It did not reach the platform and may be tried again.
    Unreached(Error),
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What a login came to, for the guard.
fn verdict(outcome: &Result<SessionToken, Error>) -> Verdict {
    let Err(error) = outcome else { return Verdict::Succeeded };
    match error.fate() {
        Fate::Unreached => Verdict::Unreached,
        Fate::Refused => Verdict::Refused { code: error.code().map(ToString::to_string) },
        Fate::Unknown { is_answered } => Verdict::Unknown { is_answered },
    }
}
