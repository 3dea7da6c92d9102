//! The error of a store.

/// Why an operation of a store failed. As far as the store knows, it has changed nothing.
///
/// The variants answer one question: does a repeated call help without an operator?
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A repeated call does not help: the stored content is damaged. The operator has to look at it. A fresh start would
    /// lose the count of failed logins.
    #[error("{place}: {problem}")]
    Damaged {
        /// Which file, key or address.
        place: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// A repeated call does not help: the operator has to change the configuration or the environment. Examples are a
    /// missing directory, a missing right and a wrong password of the server.
    #[error("{place} cannot be used: {problem}")]
    Misconfigured {
        /// Which file, key or address.
        place: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A repeated call may help. Examples are a server that does not answer, a full disk and a lock that another process
    /// keeps. [`Error::is_retryable`](crate::Error::is_retryable) is true for this variant only.
    #[error("{place} cannot be used: {problem}")]
    Unavailable {
        /// Which file, key or address.
        place: String,
        /// Why.
        problem: String,
    },
}

impl StoreError {
    /// Whether a repeated call may help.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
