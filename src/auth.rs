//! Tokens: how each of the two kinds is obtained, cached and renewed.

mod access_token;
mod cache;
mod live_session;
mod login;
mod logout;
mod record;
mod reset;
mod session_token;

pub use access_token::{AccessTokenProvider, ProviderError};
pub(crate) use access_token::{AccessTokens, Grant, Observer};
pub(crate) use login::SLACK;
pub(crate) use record::{Claim, Seen, SharedRecord};
pub(crate) use session_token::{SessionTokens, ask};
