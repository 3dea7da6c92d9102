//! A password reset, made while nobody else can log in. Whatever becomes of the store afterwards, the new password
//! reaches the caller.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderValue, Method, header::ACCEPT};
use tokio::time::{Instant, sleep, timeout};

use super::{Held, Logins, SLACK, lease, now, update};
use crate::{
    Credentials, Error, Password, Refusal, events,
    generated::{Operation, client::types},
    rotation::Resets,
    store::{Record, SessionStore as _},
    transport::{Rejection, ResponseKind, TokenSource as _},
};

/// What the generated client calls the reset.
const RESET: &str = "reset_connectivity_management_password";
/// How often the store is told that a password was replaced, if it did not take it at once, and after what pause.
const TELLINGS: u32 = 20;
const PAUSE: Duration = Duration::from_secs(1);

/// The right to log in and to reset, with what the store holds, which nobody else changes meanwhile.
pub(crate) struct Right {
    pub(super) held: Held,
    pub(super) record: Record,
}

impl Logins {
    /// Resets the password and retires the old one.
    pub(crate) async fn reset_password(self: Arc<Self>, old: Password) -> Result<Password, Error> {
        let (right, session) = self.ready(Duration::ZERO).await?;
        match self.reset(&right, session.clone(), old.clone()).await {
            Ok(new) => {
                self.replaced(right, old, new.clone()).await;
                Ok(new)
            }
            Err(error) => {
                if !error.is_unprocessed() {
                    events::password_unknown(&error);
                }
                Err(self.failed(right, &session, error).await)
            }
        }
    }

    /// Tells the store, under this right for as long as it lasts, which keeps the others from logging in.
    async fn tell(self: Arc<Self>, right: Right, old: Credentials, new: Credentials) {
        let mut record = right.record.clone();
        self.known.recall(&mut record.guard, None);
        let (retired, proven) = (record.guard.fingerprint(&old), record.guard.fingerprint(&new));
        record.guard.retire(retired, now());
        record.guard.prove(proven, now());
        self.known.note(&record.guard);
        while !right.held.left().is_zero() {
            match self.store.commit(&self.account, &right.held, &record).await {
                Ok(true) => return right.held.release().await,
                Ok(false) => break,
                Err(error) => {
                    events::store_failed(&error, "it does not know yet that a password was replaced");
                }
            }
            sleep(PAUSE).await;
        }
        drop(right);
        for _ in 0..TELLINGS {
            let told = update(&self.store, &self.account, self.transport.timeout(), |record| {
                let retired = record.guard.fingerprint(&old);
                record.guard.retire(retired, now());
            });
            if told.await.is_ok() {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    async fn right_within(&self, patience: Duration, beyond: Duration) -> Result<Right, Error> {
        let time = self.transport.timeout().saturating_add(beyond).saturating_add(SLACK);
        let (held, record) = lease(&self.store, &self.account, time, patience).await?;
        Ok(Right { held, record })
    }
}

impl Resets for Arc<Logins> {
    type Right = Right;

    fn username(&self) -> &str {
        self.account.username()
    }

    fn now(&self) -> SystemTime {
        now()
    }

    async fn credentials(&self) -> Result<Credentials, Error> {
        Logins::credentials(self).await
    }

    /// A session that is alive, and then the right, both within the time of a call. The session is not renewed from
    /// then on, because nobody can log in.
    async fn ready(&self, beyond: Duration) -> Result<(Right, HeaderValue), Error> {
        let (limit, start) = (self.transport.timeout(), Instant::now());
        let session = timeout(limit, self.current()).await.map_err(|_| self.late(limit))??;
        let right = self.right_within(limit.saturating_sub(start.elapsed()), beyond).await?;
        Ok((right, session.header.value().clone()))
    }

    /// The bare reset, sent once, with the session that was made ready and no other.
    async fn reset(&self, right: &Right, session: HeaderValue, old: Password) -> Result<Password, Error> {
        let limit = self.transport.timeout();
        // Who was stopped on the way may have lost the right to somebody else.
        if right.held.left() < limit {
            return Err(Error::LoginBusy { after: limit });
        }
        let operation = Operation::by_id(RESET).ok_or_else(|| Error::configuration("the platform has no reset"))?;
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap_or_default();
        let body = types::SessionResetPasswordRequest { old_password: old.into() };
        let url = format!("{}{}", self.base_url(), operation.path);
        let request = self.transport.http().request(method, url).header(ACCEPT, "application/json").json(&body);
        let request = request.build().map_err(Error::from_reqwest)?;
        let transport = self.with_session(session);
        let answer = transport.execute(operation, request, ResponseKind::Typed).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(Error::from_reqwest)?;
        let said: Option<types::SessionResetPasswordResult> = serde_json::from_slice(&body).ok();
        let new = said.and_then(|said| said.new_password).filter(|new| !new.expose_secret().is_empty());
        // It may be there under another name.
        let problem = "it holds no new password where one belongs, and the old one may be dead: look into Error::body, \
                       then try one login with the old one before anything else";
        let refusal = || Refusal::new(status, headers).with_body(&body);
        new.map(Password::from).ok_or_else(|| Error::unexpected(problem, refusal()))
    }

    /// From here on the new password stands in for the old one, here and, as soon as the store takes it, elsewhere.
    async fn replaced(&self, right: Right, old: Password, new: Password) {
        events::password_reset();
        let user = self.account.username();
        let (old, new) = (Credentials::new(user, old), Credentials::new(user, new));
        self.replace(old.password().clone(), new.clone());
        let telling = tokio::spawn(self.clone().tell(right, old, new));
        if !matches!(timeout(SLACK, telling).await, Ok(Ok(()))) {
            events::store_failed(
                &"no answer yet",
                "it does not know yet that a password was replaced: others may try the old one",
            );
        }
    }

    async fn failed(&self, right: Right, session: &HeaderValue, error: Error) -> Error {
        self.give_back(right).await;
        if !error.is_session_expired() {
            return error;
        }
        // A platform that accepts no session is not worth another one, and nothing was renewed.
        if !self.invalidate(session, Rejection::Explicit) && !self.reconsider(session).await {
            return error;
        }
        let limit = self.transport.timeout();
        match timeout(limit, self.current()).await {
            Ok(Ok(_)) => Error::SessionRenewed,
            Ok(Err(error)) => error.without_session(),
            Err(_) => self.late(limit).without_session(),
        }
    }

    async fn right(&self, beyond: Duration) -> Result<Right, Error> {
        // First, because who fails here has kept nobody from logging in.
        self.transport.access().await?;
        self.right_within(self.transport.timeout(), beyond).await
    }

    async fn give_back(&self, right: Right) {
        right.held.release().await;
    }

    async fn prove(&self, right: &Right, credentials: &Credentials) -> Result<(), Error> {
        Logins::prove(self, right, credentials).await
    }
}
