//! The TLS backend: rustls, or the one that the caller names. Features of other crates change reqwest's default, and not
//! this one.

use reqwest::ClientBuilder;

use crate::Error;

/// Encrypts the connections and decides which servers are trusted.
///
/// A feature makes a backend available and changes nothing else. The default is [`Rustls`](Self::Rustls), whatever
/// features other crates turn on.
///
/// ```
/// # #[cfg(feature = "native-tls")]
/// # {
/// use thingspace_session::{ApiKey, ThingSpace, TlsBackend};
///
/// let thingspace = ThingSpace::builder()
///     .api_key(ApiKey::new("key", "secret"))
///     .tls_backend(TlsBackend::NativeTls)
///     .build()?;
/// # }
/// # Ok::<(), thingspace_session::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TlsBackend {
    /// rustls with the trust store of the operating system. Its cryptography is the provider that the program has
    /// installed with `CryptoProvider::install_default`. With the feature `rustls` the default provider is aws-lc.
    // `rustls` implies `rustls-no-provider`; the documentation shows both.
    #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
    Rustls,
    /// rustls with a configuration of yours, which has its own provider and roots. Other settings of TLS have no effect
    /// then, such as the certificates that `http_client` adds.
    #[cfg(feature = "rustls-no-provider")]
    Preconfigured(std::sync::Arc<rustls::ClientConfig>),
    /// The TLS of the operating system with its trust store; on Linux OpenSSL.
    #[cfg(feature = "native-tls")]
    NativeTls,
}

impl TlsBackend {
    /// The named backend, or rustls. `None` if no backend is compiled in and none is needed.
    pub(super) fn choose(named: Option<Self>, is_needed: bool) -> Result<Option<Self>, Error> {
        #[cfg(feature = "rustls-no-provider")]
        let named = named.or(Some(Self::Rustls));
        // reqwest panics where rustls has no provider.
        #[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
        if matches!(named, Some(Self::Rustls)) && rustls::crypto::CryptoProvider::get_default().is_none() {
            return Err(Error::configuration(
                "rustls has no provider of cryptography: call install_default() on one before, name \
                 TlsBackend::Preconfigured, or turn the feature rustls on, which brings aws-lc",
            ));
        }
        if named.is_none() && is_needed {
            return Err(Error::configuration(if cfg!(feature = "native-tls") {
                "no TLS backend is named: add .tls_backend(TlsBackend::NativeTls), or turn the feature rustls on"
            } else {
                "there is no TLS: turn the feature rustls on, or native-tls and add .tls_backend(TlsBackend::NativeTls)"
            }));
        }
        Ok(named)
    }

    #[allow(unused_variables, clippy::needless_pass_by_value, reason = "without rustls there is nothing to move")]
    pub(super) fn applied(builder: ClientBuilder, backend: Self) -> ClientBuilder {
        match backend {
            #[cfg(feature = "rustls-no-provider")]
            Self::Rustls => builder.tls_backend_rustls(),
            #[cfg(feature = "rustls-no-provider")]
            Self::Preconfigured(config) => builder.tls_backend_preconfigured(std::sync::Arc::unwrap_or_clone(config)),
            #[cfg(feature = "native-tls")]
            Self::NativeTls => builder.tls_backend_native(),
        }
    }
}
