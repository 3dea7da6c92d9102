//! The provider of access tokens that the caller supplies.

use std::{error::Error as StdError, future::Future, pin::Pin};

use crate::AccessToken;

/// Supplies access tokens from another place, such as a vault or a token service of yours.
///
/// The crate calls it if it has no token, if its token is about to expire, and if the gateway has rejected the token; never
/// from two calls at a time. A closure that returns a future is a provider.
///
/// ```
/// use std::time::Duration;
/// use thingspace_session::{AccessToken, ThingSpace};
///
/// # async fn ask_the_vault() -> Result<String, std::io::Error> { Ok("token".to_owned()) }
/// let thingspace = ThingSpace::builder()
///     .access_token_provider(|| async {
///         Ok(AccessToken::new(ask_the_vault().await?).expires_in(Duration::from_secs(3600)))
///     })
///     .build()?;
/// # Ok::<(), thingspace_session::Error>(())
/// ```
pub trait AccessTokenProvider: Send + Sync {
    /// A valid token.
    fn access_token(&self) -> Pin<Box<dyn Future<Output = Result<AccessToken, ProviderError>> + Send + '_>>;
}

/// The error of a provider.
pub type ProviderError = Box<dyn StdError + Send + Sync>;

impl<F, T> AccessTokenProvider for F
where
    F: Fn() -> T + Send + Sync,
    T: Future<Output = Result<AccessToken, ProviderError>> + Send + 'static,
{
    fn access_token(&self) -> Pin<Box<dyn Future<Output = Result<AccessToken, ProviderError>> + Send + '_>> {
        Box::pin(self())
    }
}
