//! The generated client without the facade, as progenitor writes it, with the access token put on by hand.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::{
    Result, control,
    hand::{self, Hand},
};

#[allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_imports,
    dead_code,
    rust_2018_idioms,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_errors_doc,
    reason = "generated"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/plain.rs"));
}

/// A program on progenitor's client.
#[derive(Debug)]
pub struct Plain(generated::Client);

impl Plain {
    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// If the call fails.
    pub async fn ready(hand: &Hand) -> Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {}", hand.access_token()))?);
        let http = hand::client().default_headers(headers).build()?;
        let plain = Self(generated::Client::new_with_client(&control::base_url()?, http));
        plain.call().await?;
        Ok(plain)
    }

    /// Calls an operation of `openapi.yaml`.
    ///
    /// # Errors
    ///
    /// If the call fails.
    pub async fn call(&self) -> Result<bool> {
        let login = self.0.start_connectivity_management_session();
        let login = login.body_map(|body| body.username(control::USERNAME).password(control::PASSWORD));
        let answer = login.send().await.map_err(|error| error.to_string())?;
        Ok(answer.into_inner().session_token.is_some())
    }
}
