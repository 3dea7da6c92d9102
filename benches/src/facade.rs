//! The requests, made by this crate.

use reqwest::Method;
use thingspace_session::{ApiKey, Credentials, Session, ThingSpace, ThingSpaceBuilder};

use crate::{
    Result, control,
    requests::{Echo, LIST, Query},
};

/// A program that uses this crate.
#[derive(Debug)]
pub struct Facade {
    thingspace: ThingSpace,
    /// The session of `send`. A session that `thingspace` starts for a measurement ends right after it.
    session: Session,
}

/// The user of the sandbox.
#[must_use]
pub fn credentials() -> Credentials {
    Credentials::new(control::USERNAME, control::PASSWORD)
}

/// The builder of a client for the sandbox.
///
/// # Errors
///
/// If `THINGSPACE_BASE_URL` is not set.
pub fn builder() -> Result<ThingSpaceBuilder> {
    let api_key = ApiKey::new(control::KEY, control::SECRET);
    Ok(ThingSpace::builder().api_key(api_key).base_url(control::base_url()?))
}

impl Facade {
    /// Opens connections, gets an access token and starts a session.
    ///
    /// # Errors
    ///
    /// If one of these steps fails.
    pub async fn ready() -> Result<Self> {
        let thingspace = builder()?.build()?;
        let session = builder()?.build()?.start_session(credentials()).await?;
        let facade = Self { thingspace, session };
        facade.start().await?.end().await?;
        facade.send().await?;
        Ok(facade)
    }

    /// Starts a session.
    ///
    /// # Errors
    ///
    /// If the login fails.
    pub async fn start(&self) -> Result<Session> {
        Ok(self.thingspace.start_session(credentials()).await?)
    }

    /// Asks for the list of devices.
    ///
    /// # Errors
    ///
    /// If the request fails.
    pub async fn send(&self) -> Result<Echo> {
        let request = self.session.request(Method::POST, LIST)?.json(&Query::of_all());
        Ok(self.session.send(request).await?.error_for_status()?.json().await?)
    }

    /// The session of `send`.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }
}
