//! The accounts of the sandbox.

use std::fmt;

/// The credentials of a caller: an API key with its secret, and a user with a password.
///
/// As on the platform, the two are independent: any access token works with any session. Several accounts may share an
/// API key.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// The API key, which is OAuth's client identifier.
    pub key: String,
    /// The secret that belongs to the key.
    pub secret: String,
    /// The name of the Connectivity Management user.
    pub username: String,
    /// The password that the user starts with.
    pub password: String,
}

impl Account {
    /// The account that every sandbox has: `sandbox-key`, `sandbox-secret`, `zbeeblebrox`, `IMgr8`.
    ///
    /// ```
    /// let account = thingspace_sandbox::Account::built_in();
    /// assert_eq!(account.username, "zbeeblebrox");
    /// ```
    #[must_use]
    pub fn built_in() -> Account {
        Account::new("sandbox-key", "sandbox-secret", "zbeeblebrox", "IMgr8")
    }

    /// An account for [`SandboxBuilder::account`](crate::SandboxBuilder::account).
    #[must_use]
    pub fn new(
        key: impl Into<String>,
        secret: impl Into<String>,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Account {
        Account { key: key.into(), secret: secret.into(), username: username.into(), password: password.into() }
    }
}

/// Leaves out the secrets, because a test may use real ones.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").field("key", &self.key).field("username", &self.username).finish_non_exhaustive()
    }
}
