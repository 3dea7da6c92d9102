//! What encrypts the connections. It is named or rustls, never what the features of other crates have made of reqwest's
//! default.

use reqwest::ClientBuilder;

use crate::Error;

/// What encrypts the connections and decides which servers are trusted.
///
/// A feature makes a backend available and changes nothing else: without a word it is [`Rustls`](Self::Rustls),
/// whatever features this crate and others have.
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
    /// rustls, which trusts what the operating system trusts. Its cryptography is the provider that the program has
    /// installed with `CryptoProvider::install_default`; with the feature `rustls` it is aws-lc where none is.
    // The first brings the second; both are named for the documentation.
    #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
    Rustls,
    /// rustls in a configuration of one's own, which has its provider and its roots in it. Nothing else that is set on
    /// TLS has a say then, such as the certificates that `http_client` adds.
    #[cfg(feature = "rustls-no-provider")]
    Preconfigured(std::sync::Arc<rustls::ClientConfig>),
    /// The TLS of the operating system, with what that trusts; on Linux OpenSSL.
    #[cfg(feature = "native-tls")]
    NativeTls,
}

impl TlsBackend {
    /// The one that was named, or else rustls. Nothing only where neither is there nor needed.
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
