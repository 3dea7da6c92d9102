//! Whose record it is.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Whose session it is: base URL, API key and username.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    base_url: String,
    api_key: String,
    username: String,
}

impl Account {
    /// The account of this user of this application on this platform.
    #[must_use]
    pub fn new(base_url: impl Into<String>, api_key: impl Into<String>, username: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), api_key: api_key.into(), username: username.into() }
    }

    /// The name of the user.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// A name for the account that tells nothing of it: 64 hexadecimal digits, the same everywhere.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.base_url, &self.api_key, &self.username] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
