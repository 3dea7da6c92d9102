//! The requests as this crate makes them.

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
    /// The session of `send`. A session of `thingspace` ends as soon as its start is measured.
    session: Session,
}

/// The user of the sandbox.
#[must_use]
pub fn credentials() -> Credentials {
    Credentials::new(control::USERNAME, control::PASSWORD)
}

/// A client of the sandbox, as far as it has to be configured.
///
/// # Errors
///
/// If it is not said where the sandbox is.
pub fn builder() -> Result<ThingSpaceBuilder> {
    let api_key = ApiKey::new(control::KEY, control::SECRET);
    Ok(ThingSpace::builder().api_key(api_key).base_url(control::base_url()?))
}

impl Facade {
    /// With an access token, connections and a session.
    ///
    /// # Errors
    ///
    /// If one of them could not be had.
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
    /// If that failed.
    pub async fn start(&self) -> Result<Session> {
        Ok(self.thingspace.start_session(credentials()).await?)
    }

    /// Asks for the list of devices.
    ///
    /// # Errors
    ///
    /// If there was none.
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
