//! The requests, made by this crate.

use reqwest::Method;
use thingspace_session::{ApiKey, Credentials, Secret, Session, ThingSpace, ThingSpaceBuilder, blocking};

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

    /// Calls an operation of `openapi.yaml` through the generated client.
    ///
    /// # Errors
    ///
    /// If the call fails.
    pub async fn call(&self) -> Result<bool> {
        let login = self.session.api().start_connectivity_management_session();
        let login = login.body_map(|body| body.username(control::USERNAME).password(Secret::from(control::PASSWORD)));
        let answer = login.send().await.map_err(thingspace_session::Error::from)?;
        Ok(answer.into_inner().session_token.is_some())
    }

    /// The session of `send`.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }
}

/// A program that uses the blocking face.
#[derive(Debug)]
pub struct Blocking(blocking::Session);

impl Blocking {
    /// Opens a connection, gets an access token and starts a session.
    ///
    /// # Errors
    ///
    /// If one of these steps fails.
    pub fn ready() -> Result<Self> {
        let blocking = Self(builder()?.build_blocking()?.start_session(credentials())?);
        blocking.send()?;
        Ok(blocking)
    }

    /// Asks for the list of devices.
    ///
    /// # Errors
    ///
    /// If the request fails.
    pub fn send(&self) -> Result<Echo> {
        let request = self.0.request(Method::POST, LIST)?.json(&Query::of_all());
        Ok(self.0.send(request)?.error_for_status()?.json()?)
    }
}
