//! Obtains, caches and renews the two kinds of tokens.

mod access_token;
mod cache;
mod live_session;
mod login;
mod logout;
mod provider;
mod record;
mod reset;
mod resume;
mod session_token;
mod shared_token;

pub(crate) use access_token::{AccessTokens, Grant, Observer};
pub(crate) use login::SLACK;
pub use provider::{AccessTokenProvider, ProviderError};
pub(crate) use record::{Claim, Seen, SharedRecord};
pub(crate) use session_token::{SessionTokens, ask};
pub(crate) use shared_token::SharedToken;
