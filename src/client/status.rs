//! The record of an account for an operator: without secrets, and independent of the stored form.

use std::time::SystemTime;

use crate::{Suspension, auth::Seen};

/// The record of an account in the store, with this process's memory of it. It holds no secret: the store has hashes of
/// credentials only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountStatus {
    /// Whether the store has a record of the account. If not, no client has logged in through this store with this base
    /// URL, API key and username, or the store has lost the record.
    pub is_recorded: bool,
    /// When the stored session was last recorded as used, to the minute; `None` without a stored session.
    pub session_used_at: Option<SystemTime>,
    /// The logins in a row that the platform may have counted as failed, with any credentials. A login with credentials
    /// that are not verified counts from its start until it succeeds.
    pub failures_in_a_row: u32,
    /// The suspensions in force, the oldest first: one for each suspended pair of credentials, and
    /// [`FailureLimit`](crate::SuspensionReason::FailureLimit) for all credentials.
    pub suspensions: Vec<Suspension>,
}

impl AccountStatus {
    pub(super) fn of(seen: &Seen) -> Self {
        Self {
            is_recorded: seen.version.is_some(),
            session_used_at: seen.record.session.as_ref().map(|session| session.used_at.into()),
            failures_in_a_row: u32::try_from(seen.record.failures_in_a_row()).unwrap_or(u32::MAX),
            suspensions: seen.record.suspensions(),
        }
    }
}
