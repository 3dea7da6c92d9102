//! A password reset, made while nobody can log in.

use std::sync::Arc;

use super::{Logins, SLACK, lease, now};
use crate::{
    Credentials, Error, Password, Refusal, Secret,
    generated::client as api,
    store::SessionStore as _,
    transport::{Doubt, TokenSource as _},
};

impl Logins {
    /// Resets the password while nobody can log in, and retires the old one. `reset` is given a client with the
    /// session that holds; it is not renewed meanwhile, because nobody can log in.
    pub(crate) async fn reset<F>(
        self: &Arc<Self>,
        old: Password,
        reset: impl FnOnce(api::Client) -> F,
    ) -> Result<Password, Error>
    where
        F: Future<Output = Result<Password, Error>>,
    {
        let limit = self.transport.timeout();
        let (header, _) = self.current().await?;
        let (lease, mut record) = lease(&self.store, &self.account, limit + SLACK, limit).await?;
        let outcome = reset(self.api_with(header.clone())).await;
        if let Ok(new) | Err(Error::PasswordNotKept { password: new, .. }) = &outcome {
            let user = self.account.username();
            let (old, new) = (Credentials::new(user, old), Credentials::new(user, new.clone()));
            let (retired, proven) = (record.guard.fingerprint(&old), record.guard.fingerprint(&new));
            record.guard.retire(retired, now());
            record.guard.prove(proven);
            // From here on the new password must reach the caller, whatever becomes of the store.
            self.replace(old.password().clone(), new);
            let kept = self.store.commit(&self.account, &lease, &record).await;
            if !matches!(kept, Ok(true)) {
                tracing::warn!(?kept, "the password was reset, but the store was not told: others may try the old one");
            }
        }
        self.release(lease).await;
        match outcome {
            Err(error) if error.is_session_expired() => {
                self.refused(&header, Doubt::None);
                self.current().await.map_err(Error::without_session)?;
                Err(Error::SessionRenewed)
            }
            outcome => outcome,
        }
    }
}

/// The bare reset, sent once.
pub(crate) async fn send_reset(api: &api::Client, old: Password) -> Result<Password, Error> {
    let (reset, old) = (api.reset_connectivity_management_password(), Secret::from(old));
    let answer = reset.body_map(|body| body.old_password(old)).send().await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let new = answer.into_inner().new_password.filter(|new| !new.expose_secret().is_empty());
    let problem = "it holds no new password: the old one may be dead, so try one login with it before anything else";
    new.map(Password::from).ok_or_else(|| Error::unexpected(problem, Refusal::new(status, headers)))
}
