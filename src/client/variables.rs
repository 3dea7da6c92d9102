//! What the environment says: `THINGSPACE_KEY` and its relatives.

use std::env;

use crate::{ApiKey, Credentials, CredentialsFuture, CredentialsProvider, Error};

impl ApiKey {
    /// Reads `THINGSPACE_KEY` and `THINGSPACE_SECRET`.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if one of them is missing, empty or not UTF-8.
    pub fn from_env() -> Result<Self, Error> {
        Ok(Self::new(variable("THINGSPACE_KEY")?, variable("THINGSPACE_SECRET")?))
    }
}

impl Credentials {
    /// Reads `THINGSPACE_USERNAME` and `THINGSPACE_PASSWORD`.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if one of them is missing, empty or not UTF-8.
    pub fn from_env() -> Result<Self, Error> {
        Ok(Self::new(variable("THINGSPACE_USERNAME")?, variable("THINGSPACE_PASSWORD")?))
    }
}

/// Reads `THINGSPACE_USERNAME` and `THINGSPACE_PASSWORD` anew at each login.
#[derive(Clone, Copy, Debug, Default)]
pub struct EnvironmentCredentials;

impl CredentialsProvider for EnvironmentCredentials {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(std::future::ready(Credentials::from_env().map_err(Into::into)))
    }
}

/// An environment variable that has to say something. An error names the variable, never what it holds.
fn variable(name: &str) -> Result<String, Error> {
    optional_variable(name)?.ok_or_else(|| Error::configuration(format!("the environment variable {name} is not set")))
}

/// An environment variable that may be missing.
pub(super) fn optional_variable(name: &str) -> Result<Option<String>, Error> {
    match env::var(name) {
        Ok(value) if value.is_empty() => {
            Err(Error::configuration(format!("the environment variable {name} is empty: set it or unset it")))
        }
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => {
            Err(Error::configuration(format!("the environment variable {name} is not UTF-8")))
        }
    }
}
