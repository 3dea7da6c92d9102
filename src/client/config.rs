//! The configuration in serde's form: all settings of the builder but those that are code.

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{ThingSpaceBuilder, TlsBackend};
use crate::{
    AccessToken, ApiKey, Environment, FileStore, RetryPolicy, Secret, credentials::redacting, transport::parse_url,
};

/// The settings of a [`ThingSpace`](crate::ThingSpace) from a file, for [`ThingSpaceBuilder::config`]: every method of the
/// builder but those that take code.
///
/// Reads from any format of serde. Every field is optional, and an unknown field is an error. The error names the field
/// and does not quote its value.
///
/// | field | value | method |
/// |---|---|---|
/// | `environment` or `base_url` | a name, such as `production`; a URL | `environment`, `base_url` |
/// | `api_key` | `key` and `secret` | `api_key` |
/// | `access_token` | a string | `access_token` |
/// | `share_access_token` | `true` or `false` | `share_access_token` |
/// | `scopes`, `allow_origins` | a list of strings | `scopes`, `allow_origin` for each |
/// | `timeout_ms`, `connect_timeout_ms`, `clock_skew_ms` | milliseconds | `timeout`, `connect_timeout`, `clock_skew` |
/// | `retry_policy` | see [`RetryPolicy`] | `retry_policy` |
/// | `response_limit` | bytes | `response_limit` |
/// | `user_agent` | a string | `user_agent` |
/// | `store` | the path of a [`FileStore`] | `store` |
/// | `tls_backend` | `rustls`; `native-tls` with the feature of that name | `tls_backend` |
/// | `allow_plain_http` | `true` or `false` | `allow_plain_http` |
///
/// ```
/// use thingspace_session::{Config, ThingSpace};
///
/// let text = r#"{
///     "api_key": { "key": "d5f1", "secret": "x8sQ" },
///     "environment": "mock",
///     "timeout_ms": 30000
/// }"#;
/// let config: Config = serde_json::from_str(text)?;
/// let thingspace = ThingSpace::builder().config(config).build()?;
/// # drop(thingspace);
/// let error = serde_json::from_str::<Config>(r#"{ "timeout_ms": "long" }"#).unwrap_err();
/// assert!(error.to_string().starts_with("`timeout_ms` has to be a whole number"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Config(Fields);

debug!(Config, |_this| "Config {{ .. }}");

#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    environment: Option<Environment>,
    base_url: Option<String>,
    api_key: Option<ApiKey>,
    access_token: Option<Secret>,
    share_access_token: Option<bool>,
    scopes: Option<Vec<String>>,
    allow_origins: Option<Vec<String>>,
    timeout_ms: Option<u64>,
    connect_timeout_ms: Option<u64>,
    clock_skew_ms: Option<u64>,
    retry_policy: Option<RetryPolicy>,
    response_limit: Option<usize>,
    user_agent: Option<String>,
    store: Option<PathBuf>,
    tls_backend: Option<TlsName>,
    allow_plain_http: Option<bool>,
}

/// The backends that a file can name.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum TlsName {
    #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
    Rustls,
    #[cfg(feature = "native-tls")]
    NativeTls,
}

impl From<TlsName> for TlsBackend {
    fn from(name: TlsName) -> Self {
        match name {
            #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
            TlsName::Rustls => Self::Rustls,
            #[cfg(feature = "native-tls")]
            TlsName::NativeTls => Self::NativeTls,
        }
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields: Fields = redacting::named_fields(deserializer, |field| match field {
            "environment" => Some("the name of an environment, such as production"),
            "scopes" | "allow_origins" => Some("a list of strings"),
            "timeout_ms" | "connect_timeout_ms" | "clock_skew_ms" => Some("a whole number of milliseconds"),
            "response_limit" => Some("a whole number of bytes"),
            "tls_backend" => Some("rustls, or native-tls with the feature of that name"),
            "allow_plain_http" | "share_access_token" => Some("true or false"),
            "base_url" | "user_agent" | "store" => Some("a string"),
            // The errors of these fields quote nothing and give more detail.
            _ => None,
        })?;
        if fields.environment.is_some() && fields.base_url.is_some() {
            return Err(D::Error::custom("`environment` and `base_url` are both set: leave one out"));
        }
        let base_url = fields.base_url.iter().map(|url| ("base_url", url));
        for (field, url) in base_url.chain(fields.allow_origins.iter().flatten().map(|url| ("allow_origins", url))) {
            // `build` decides about plain HTTP, which another field or method allows.
            parse_url(url, true).map_err(|error| D::Error::custom(format_args!("`{field}`: {error}")))?;
        }
        Ok(Self(fields))
    }
}

impl ThingSpaceBuilder {
    /// Takes the fields that the configuration has. All other settings stay as they are.
    #[must_use]
    pub fn config(self, config: Config) -> Self {
        fn set<T>(
            builder: ThingSpaceBuilder,
            value: Option<T>,
            set: impl FnOnce(ThingSpaceBuilder, T) -> ThingSpaceBuilder,
        ) -> ThingSpaceBuilder {
            match value {
                Some(value) => set(builder, value),
                None => builder,
            }
        }
        let Config(fields) = config;
        let builder = set(self, fields.environment, Self::environment);
        let builder = set(builder, fields.base_url, Self::base_url);
        let builder = set(builder, fields.api_key, Self::api_key);
        let builder = set(builder, fields.access_token.map(AccessToken::new), Self::access_token);
        let builder = set(builder, fields.share_access_token, Self::share_access_token);
        let builder = set(builder, fields.scopes, Self::scopes);
        let builder = fields.allow_origins.into_iter().flatten().fold(builder, Self::allow_origin);
        let builder = set(builder, fields.timeout_ms.map(Duration::from_millis), Self::timeout);
        let builder = set(builder, fields.connect_timeout_ms.map(Duration::from_millis), Self::connect_timeout);
        let builder = set(builder, fields.clock_skew_ms.map(Duration::from_millis), Self::clock_skew);
        let builder = set(builder, fields.retry_policy, Self::retry_policy);
        let builder = set(builder, fields.response_limit, Self::response_limit);
        let builder = set(builder, fields.user_agent, Self::user_agent);
        let builder = set(builder, fields.store.map(FileStore::new), Self::store);
        let builder = set(builder, fields.tls_backend.map(TlsBackend::from), Self::tls_backend);
        set(
            builder,
            fields.allow_plain_http,
            |builder, is_allowed| if is_allowed { builder.allow_plain_http() } else { builder },
        )
    }
}
