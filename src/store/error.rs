//! Why a store could not do what it was asked for.

/// Why a store could not do what it was asked for. Nothing was changed, as far as can be known.
///
/// The variants answer one question: does calling again help, while the operator does nothing?
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Calling again does not help: the stored content cannot be understood. The operator has to look at it. A fresh
    /// start would forget how many logins have failed.
    #[error("{place}: {problem}")]
    Damaged {
        /// Which file, key or address.
        place: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// Calling again does not help: the operator has to change the configuration or the environment. Examples are a
    /// missing directory, a missing right and a wrong password of the server.
    #[error("{place} cannot be used: {problem}")]
    Misconfigured {
        /// Which file, key or address.
        place: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Calling again may help: the store cannot be used for now. Examples are a server that does not answer, a full disk
    /// and a lock that another process keeps. [`Error::is_retryable`](crate::Error::is_retryable) holds for this
    /// variant alone.
    #[error("{place} cannot be used: {problem}")]
    Unavailable {
        /// Which file, key or address.
        place: String,
        /// Why.
        problem: String,
    },
}

impl StoreError {
    /// Whether calling again may help.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
