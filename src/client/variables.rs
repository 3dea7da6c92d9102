//! Reads the configuration and the credentials from environment variables.

use std::{env, time::Duration};

use serde::{
    Deserialize as _,
    de::{IntoDeserializer, value},
};

use super::ThingSpaceBuilder;
use crate::{ApiKey, Credentials, CredentialsFuture, CredentialsProvider, Environment, Error, FileStore};

impl ThingSpaceBuilder {
    /// Begins with `THINGSPACE_KEY` and `THINGSPACE_SECRET`, and with these, if they are set:
    ///
    /// | variable | value |
    /// |---|---|
    /// | `THINGSPACE_ENVIRONMENT` or `THINGSPACE_BASE_URL` | the name of an environment, such as `production`; another server |
    /// | `THINGSPACE_TIMEOUT` | the time of a call in seconds, such as `30` or `2.5` |
    /// | `THINGSPACE_STORE` | the path of a [`FileStore`], whose directory has to exist |
    ///
    /// Set `THINGSPACE_STORE` if a supervisor restarts the process: see [`store`](Self::store).
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`], which names the variable and does not quote it, if one is empty, not UTF-8 or cannot be
    /// read, if one of the first two is missing, or if both an environment and a base URL are set.
    pub fn from_env() -> Result<Self, Error> {
        let mut builder = Self::default().api_key(ApiKey::from_env()?);
        builder = match (optional_variable("THINGSPACE_ENVIRONMENT")?, optional_variable("THINGSPACE_BASE_URL")?) {
            (Some(_), Some(_)) => {
                return Err(Error::configuration(
                    "the environment variables THINGSPACE_ENVIRONMENT and THINGSPACE_BASE_URL are both set: unset one",
                ));
            }
            (Some(name), None) => builder.environment(environment(&name)?),
            (None, Some(base_url)) => builder.base_url(base_url),
            (None, None) => builder,
        };
        if let Some(seconds) = optional_variable("THINGSPACE_TIMEOUT")? {
            builder = builder.timeout(timeout(&seconds)?);
        }
        if let Some(path) = optional_variable("THINGSPACE_STORE")? {
            builder = builder.store(FileStore::new(path));
        }
        Ok(builder)
    }
}

fn environment(name: &str) -> Result<Environment, Error> {
    Environment::deserialize(IntoDeserializer::<value::Error>::into_deserializer(name)).map_err(|_| {
        Error::configuration(
            "the environment variable THINGSPACE_ENVIRONMENT names no environment: set one of openapi.yaml, such as \
             production",
        )
    })
}

fn timeout(seconds: &str) -> Result<Duration, Error> {
    let time = seconds.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.filter(|time| !time.is_zero()).ok_or_else(|| {
        Error::configuration(
            "the environment variable THINGSPACE_TIMEOUT is no time: set it to seconds above zero, such as 30 or 2.5",
        )
    })
}

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

/// Reads `THINGSPACE_USERNAME` and `THINGSPACE_PASSWORD` at each login.
#[derive(Clone, Copy, Debug, Default)]
pub struct EnvironmentCredentials;

impl CredentialsProvider for EnvironmentCredentials {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(std::future::ready(Credentials::from_env().map_err(Into::into)))
    }
}

/// An environment variable that must have a value. The error names the variable and does not quote its value.
fn variable(name: &str) -> Result<String, Error> {
    optional_variable(name)?.ok_or_else(|| Error::configuration(format!("the environment variable {name} is not set")))
}

/// An environment variable that may be missing.
fn optional_variable(name: &str) -> Result<Option<String>, Error> {
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
