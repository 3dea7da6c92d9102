//! One login: permitted by the guard and counted before it is made, then judged, then recorded.

use std::time::Duration;

use super::{Live, Logins, now};
use crate::{
    Credentials, Error, Refusal, Secret, SessionToken,
    guard::{Permit, Verdict},
    store::{Lease, Record, StoredSession},
    transport::secret_header,
};

impl Logins {
    /// One login, counted before it is made.
    pub(super) async fn log_in(&self, lease: &Lease, record: Record) -> Result<(), Stop> {
        if self.adopt(&record)? {
            return Ok(());
        }
        let credentials = self.credentials().await?;
        self.log_in_with(lease, record, &credentials).await
    }

    pub(super) async fn log_in_with(
        &self,
        lease: &Lease,
        mut record: Record,
        credentials: &Credentials,
    ) -> Result<(), Stop> {
        let fingerprint = record.guard.fingerprint(credentials);
        let permit = record.guard.permit(&fingerprint, now());
        // Who holds the right has found it dead: nobody is to take it up meanwhile.
        record.session = None;
        if !self.store.commit(&self.account, lease, &record).await? {
            return Err(Stop::Again);
        }
        match permit {
            Permit::Go => {}
            Permit::Wait(until) => {
                return Err(Stop::After(until.duration_since(now()).unwrap_or_default()));
            }
            Permit::Suspended(suspension) => return Err(Stop::Failed(Error::LoginSuspended(suspension))),
        }
        let outcome = self.send(credentials).await;
        let verdict = verdict(&outcome);
        record.guard.settle(&fingerprint, verdict.clone(), now(), fastrand::f64());
        if let Ok(token) = &outcome {
            record.session = Some(StoredSession { token: token.clone(), used_at: now() });
        }
        let kept = self.store.commit(&self.account, lease, &record).await;
        match (outcome, kept) {
            (Ok(token), Ok(false)) => {
                // Somebody else has logged in since; theirs is the session.
                self.log_out(token).await;
                Err(Stop::Again)
            }
            (Ok(token), kept) => {
                if let Err(error) = kept {
                    tracing::warn!(%error, "the session was started, but could not be stored");
                }
                let live = Live::new(token, Duration::ZERO)?;
                self.state().live = Some(live);
                Ok(())
            }
            (Err(error), _) if verdict == Verdict::Unreached && error.is_retryable() => Err(Stop::Unreached(error)),
            (Err(error), _) => Err(Stop::Failed(error)),
        }
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
        secret_header(token.expose_secret())
            .map_err(|_| unfit("its session token holds characters that no header takes"))?;
        Ok(token.into())
    }

    /// Ends a session that nobody uses. What comes of it does not matter.
    async fn log_out(&self, token: SessionToken) {
        if let Ok(live) = Live::new(token, Duration::ZERO) {
            let _ = self.api_with(live.header).end_connectivity_management_session().send().await;
        }
    }
}

/// Why a login was not made, or made in vain.
pub(super) enum Stop {
    /// Somebody else was faster: look again.
    Again,
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
    match outcome {
        Ok(_) => Verdict::Succeeded,
        Err(error) if !error.may_have_been_processed() => Verdict::Unreached,
        Err(error) => match (error, error.status().map(|status| status.as_u16())) {
            (_, Some(429)) => Verdict::Unreached,
            (Error::Platform(refusal), Some(status)) if (400..500).contains(&status) && status != 408 => {
                Verdict::Refused { code: refusal.code().map(ToString::to_string) }
            }
            _ => Verdict::Unknown,
        },
    }
}
