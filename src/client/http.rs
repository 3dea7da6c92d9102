//! The HTTP client. It sets every default that a feature of reqwest, turned on by another crate, would change. It turns
//! off what could leak a secret, however the caller has configured it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use reqwest::{ClientBuilder, Url, redirect};

use super::TlsBackend;
use crate::{Error, error::cause, transport::is_loopback};

/// The default `User-Agent`.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));

/// The time to establish a connection, at most half of the time of a call. It distinguishes a host that does not answer
/// from a platform that does not.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The caller's function for the builder, which can be cloned.
pub(super) trait Configure: Send {
    fn configured(self: Box<Self>, builder: ClientBuilder) -> ClientBuilder;
    fn duplicate(&self) -> Box<dyn Configure>;
}

impl<F: FnOnce(ClientBuilder) -> ClientBuilder + Clone + Send + 'static> Configure for F {
    fn configured(self: Box<Self>, builder: ClientBuilder) -> ClientBuilder {
        self(builder)
    }

    fn duplicate(&self) -> Box<dyn Configure> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Configure> {
    fn clone(&self) -> Self {
        (**self).duplicate()
    }
}

/// The limits of the time that sent data may stay unacknowledged. The longer one is reqwest's own.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const UNACKNOWLEDGED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The caller's settings of the HTTP client.
#[derive(Clone, Default)]
pub(super) struct HttpOptions {
    pub(super) configure: Option<Box<dyn Configure>>,
    pub(super) tls: Option<TlsBackend>,
    pub(super) connect_timeout: Option<Duration>,
    pub(super) user_agent: Option<String>,
}

impl HttpOptions {
    pub(super) fn build(
        self,
        base_url: &Url,
        timeout: Duration,
        is_tls_needed: bool,
    ) -> Result<reqwest::Client, Error> {
        let tls = TlsBackend::choose(self.tls.clone(), is_tls_needed)?;
        let connect_timeout = CONNECT_TIMEOUT.min(timeout / 2);
        let builder = reqwest::Client::builder().http1_only().connect_timeout(connect_timeout);
        let builder = builder.no_gzip().no_brotli().no_zstd().no_deflate().no_hickory_dns().user_agent(USER_AGENT);
        // Otherwise the kernel may deliver a login after its call has timed out and its claim has expired.
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        let builder =
            builder.tcp_user_timeout(timeout.saturating_sub(connect_timeout).clamp(UNACKNOWLEDGED.0, UNACKNOWLEDGED.1));
        // A proxy of the environment must not see plain HTTP that is meant for this machine.
        let builder = if is_loopback(base_url) { builder.no_proxy() } else { builder };
        let builder = tls.into_iter().fold(builder, TlsBackend::applied);
        let builder = self.configure.into_iter().fold(builder, |builder, configure| configure.configured(builder));
        // The crate's own settings take precedence over the caller's function.
        let builder = self.tls.into_iter().fold(builder, TlsBackend::applied);
        let builder = self.connect_timeout.into_iter().fold(builder, ClientBuilder::connect_timeout);
        let builder = self.user_agent.into_iter().fold(builder, ClientBuilder::user_agent);
        let builder = builder.redirect(redirect::Policy::none()).retry(reqwest::retry::never());
        let builder = builder.referer(false).connection_verbose(false);
        // reqwest panics if another crate has turned rustls on and no provider of cryptography is installed.
        let client = catch_unwind(AssertUnwindSafe(|| builder.build())).map_err(|_| {
            Error::configuration("the HTTP client cannot be built: install a provider of cryptography for rustls")
        })?;
        client.map_err(|error| Error::configuration(format!("the HTTP client cannot be built: {}", cause(&error))))
    }
}
