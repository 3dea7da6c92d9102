//! The API key, the user's credentials, the tokens they buy, and the type that redacts all of them.
//!
//! Keeps the promise that no secret is printed and that secrets are erased when dropped: every type that holds one holds
//! a [`Secret`].

pub(crate) mod redacting;

use std::{error::Error as StdError, future::Future, pin::Pin, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;
use zeroize::Zeroize as _;

/// Text that is never printed and is erased when it is dropped.
///
/// Every property that `openapi.yaml` declares `format: password` has this type.
///
/// ```
/// use thingspace_session::Secret;
///
/// let secret = Secret::from("IMgr8");
/// assert_eq!(secret.expose_secret(), "IMgr8");
/// assert!(!format!("{secret:?}").contains("IMgr8"));
/// ```
#[derive(Clone)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schemars", schemars(inline, transparent, extend("format" = "password")))]
pub struct Secret(#[cfg_attr(feature = "schemars", schemars(with = "String"))] SecretString);

debug!(Secret, |_this| "[redacted]");

impl Secret {
    /// The text itself. Protecting it is then the caller's task.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Rejects a name or a secret that is missing, or has the line break of the file that it was read from.
pub(crate) fn complete(name: &str, text: &str) -> Result<(), String> {
    if !text.is_empty() && !text.starts_with(char::is_control) && !text.ends_with(char::is_control) {
        return Ok(());
    }
    let problem = "is empty, or has a line break or another control character at an end";
    Err(format!("the {name} {problem}: trim what you read from a file; nothing was sent"))
}

impl PartialEq for Secret {
    /// Takes the same time wherever the two secrets differ.
    fn eq(&self, other: &Self) -> bool {
        self.expose_secret().as_bytes().ct_eq(other.expose_secret().as_bytes()).into()
    }
}

impl Eq for Secret {}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(SecretString::from(text))
    }
}

impl From<String> for Secret {
    /// Makes a copy of exactly the right size and erases `text`, spare capacity included.
    fn from(mut text: String) -> Self {
        let secret = Self::from(text.as_str());
        text.zeroize();
        secret
    }
}

impl Serialize for Secret {
    /// Writes the text itself: a request needs it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose_secret())
    }
}

impl<'de> Deserialize<'de> for Secret {
    /// The error for a value that is no string does not quote it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        redacting::text(deserializer)
    }
}

/// A [`Secret`] of one kind, so that the compiler rejects another kind in its place.
macro_rules! secret_kind {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(Secret);

        impl $name {
            /// Takes the text, which is erased when this is dropped.
            #[must_use]
            pub fn new(text: impl Into<Secret>) -> Self {
                Self(text.into())
            }

            /// The text itself. Protecting it is then the caller's task.
            #[must_use]
            pub fn expose_secret(&self) -> &str {
                self.0.expose_secret()
            }
        }

        secret_kind!($name: From<&str>, From<String>, From<Secret>);

        impl From<$name> for Secret {
            fn from(secret: $name) -> Self {
                secret.0
            }
        }
    };
    ($name:ident: $(From<$text:ty>),*) => {$(
        impl From<$text> for $name {
            fn from(text: $text) -> Self {
                Self(text.into())
            }
        }
    )*};
}

secret_kind! {
    /// The password of a Connectivity Management user.
    ///
    /// ```
    /// use thingspace_session::Password;
    ///
    /// let password = Password::from("IMgr8");
    /// assert_eq!(format!("{password:?}"), "Password([redacted])");
    /// ```
    Password
}

secret_kind! {
    /// The result of a login, which every later request carries as `VZ-M2M-Token`. The platform ends it after 20 minutes
    /// without use (Verizon's documentation of the operation).
    SessionToken
}

/// The OAuth 2.0 bearer token that the API key buys and every request carries. The platform's tokens last one hour
/// (Verizon's page "Getting Credentials").
///
/// ```
/// use std::time::Duration;
/// use thingspace_session::AccessToken;
///
/// let token = AccessToken::new("d5f1…").expires_in(Duration::from_secs(3600));
/// # let _ = token;
/// ```
#[derive(Clone, Debug)]
pub struct AccessToken {
    pub(crate) token: Secret,
    pub(crate) end: Option<Instant>,
}

impl AccessToken {
    /// A token of unknown lifetime: the crate uses it until the gateway rejects it.
    #[must_use]
    pub fn new(token: impl Into<Secret>) -> Self {
        Self { token: token.into(), end: None }
    }

    /// Sets the time until it expires, counted from now.
    #[must_use]
    pub fn expires_in(mut self, left: Duration) -> Self {
        self.end = Instant::now().checked_add(left);
        self
    }

    /// The time until it expires, counted from now; `None` if that is unknown.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.end.map(|end| end.saturating_duration_since(Instant::now()))
    }

    /// The text itself. Protecting it is then the caller's task.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        self.token.expose_secret()
    }
}

/// The key and secret of a ThingSpace application (OAuth 2.0 client credentials), which buy the access token.
///
/// Can be read from a configuration, in which an unknown field is an error. **Serialized, it is in the clear.**
///
/// ```
/// # use thingspace_session::ApiKey;
/// let api_key: ApiKey = serde_json::from_str(r#"{ "key": "d5f1", "secret": "x8sQ" }"#)?;
/// assert_eq!(api_key.key(), "d5f1");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Serialize)]
pub struct ApiKey {
    key: String,
    secret: Secret,
}

debug!(ApiKey, |_this| "ApiKey {{ .. }}");

impl ApiKey {
    /// The pair as the ThingSpace portal shows it.
    #[must_use]
    pub fn new(key: impl Into<String>, secret: impl Into<Secret>) -> Self {
        Self { key: key.into(), secret: secret.into() }
    }

    /// The key, which is the public half.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Checks that Basic authentication can carry it: there the first colon ends the key (RFC 7617, section 2).
    pub(crate) fn check(&self) -> Result<(), String> {
        complete("key of the API key", &self.key)?;
        complete("secret of the API key", self.secret.expose_secret())?;
        if self.key.contains(':') {
            return Err("there is a colon in the key of the API key: copy the key alone".to_owned());
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for ApiKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            key: String,
            secret: Secret,
        }
        redacting::fields(deserializer).map(|Fields { key, secret }| Self { key, secret })
    }
}

/// The username and password of a Connectivity Management user ("UWS" credentials), which buy the session token.
///
/// ```
/// use thingspace_session::Credentials;
///
/// let credentials = Credentials::new("zbeeblebrox", "IMgr8");
/// assert!(!format!("{credentials:?}").contains("IMgr8"));
/// ```
///
/// They can be read from a configuration, in which an unknown field is an error. **Serialized, they are in the clear.**
///
/// ```
/// # use thingspace_session::Credentials;
/// let text = r#"{ "username": "zbeeblebrox", "password": "IMgr8" }"#;
/// let credentials: Credentials = serde_json::from_str(text)?;
/// assert_eq!(credentials, Credentials::new("zbeeblebrox", "IMgr8"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Credentials {
    username: String,
    password: Password,
}

impl Credentials {
    /// The username and password of a UWS user.
    #[must_use]
    pub fn new(username: impl Into<String>, password: impl Into<Password>) -> Self {
        Self { username: username.into(), password: password.into() }
    }

    /// The name of the user.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The password of the user.
    #[must_use]
    pub fn password(&self) -> &Password {
        &self.password
    }
}

impl<'de> Deserialize<'de> for Credentials {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            username: String,
            password: Password,
        }
        redacting::fields(deserializer).map(|Fields { username, password }| Self { username, password })
    }
}

/// Supplies the username and password at each login, so that the crate uses a password that was changed elsewhere.
///
/// The crate asks it for the username when a session starts, and for both before each login. Two logins of one session
/// never ask at the same time. [`Credentials`], [`EnvironmentCredentials`](crate::EnvironmentCredentials) and a closure
/// that returns a future are providers:
///
/// ```
/// # use thingspace_session::{ApiKey, Credentials, Error, ThingSpace};
/// # async fn ask_the_vault() -> Result<String, std::io::Error> { Ok("IMgr8".to_owned()) }
/// # async fn example(thingspace: ThingSpace) -> Result<(), Error> {
/// let provider = || async { Ok(Credentials::new("zbeeblebrox", ask_the_vault().await?)) };
/// let session = thingspace.start_session(provider).await?;
/// # Ok(())
/// # }
/// ```
///
/// The username must always be the same: another user is another session.
pub trait CredentialsProvider: Send + Sync {
    /// The current credentials.
    fn credentials(&self) -> CredentialsFuture<'_>;
}

/// What a [`CredentialsProvider`] returns.
pub type CredentialsFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Credentials, Box<dyn StdError + Send + Sync>>> + Send + 'a>>;

impl CredentialsProvider for Credentials {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(std::future::ready(Ok(self.clone())))
    }
}

impl<F, T> CredentialsProvider for F
where
    F: Fn() -> T + Send + Sync,
    T: Future<Output = Result<Credentials, Box<dyn StdError + Send + Sync>>> + Send + 'static,
{
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(self())
    }
}
