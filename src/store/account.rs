//! The account, which is the key of a record.

use std::fmt::Write as _;

use hmac_sha256::Hash;

/// The key of a record: base URL, API key and username.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Account {
    username: String,
    digest: [u8; 32],
}

debug!(Account, |this| "Account {{ username: {:?}, .. }}", this.username);

impl Account {
    /// The account of this user, of the application with this API key, on the platform at this URL.
    #[must_use]
    pub fn new(base_url: impl AsRef<str>, api_key: impl AsRef<str>, username: impl Into<String>) -> Self {
        let username = username.into();
        let mut hash = Hash::new();
        for part in [base_url.as_ref(), api_key.as_ref(), &username] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self { digest: hash.finalize(), username }
    }

    /// The name of the user.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// A hash of the account: 64 hexadecimal digits, the same in all processes.
    #[must_use]
    pub fn id(&self) -> String {
        self.digest.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// The bytes of the id.
    pub(crate) fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
}
