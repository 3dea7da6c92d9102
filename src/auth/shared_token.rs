//! The access token of a fleet: kept in the store, under the name of the application.
//!
//! A replica takes the stored token, or claims to fetch the next one while the others wait. If the store or another
//! replica takes too long, it fetches a token by itself.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};

use super::record::CONFLICT_PAUSE;
use crate::{
    AccessToken, Secret, events,
    guard::{Timestamp, encode},
    store::{Account, Limited, SessionStore as _, Snapshot, StoreError, Version},
};

/// How long a claim lasts, and a wait for the token of another replica or for the store at most.
const CLAIM: Duration = Duration::from_secs(5);
/// What a failure of the store means.
const CONSEQUENCE: &str = "the access token is not shared: each process fetches one of its own";

/// What the store holds.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// Is missing while a replica fetches one.
    token: Option<Secret>,
    /// The end of the token or of the claim, by the store's clock.
    until: Option<Timestamp>,
    /// Whether the platform has granted it a second time: it is the one until its end.
    is_last: bool,
}

/// The place of the token in the store.
pub(crate) struct SharedToken {
    account: Account,
    store: Arc<Limited>,
    patience: Duration,
}

/// The claim to store the next token.
pub(super) struct TokenClaim {
    version: Version,
    now: Timestamp,
    at: Instant,
    /// The token that was stored before.
    pub(super) last: Option<AccessToken>,
}

impl SharedToken {
    pub(crate) fn new(account: Account, store: Arc<Limited>, call: Duration) -> Self {
        Self { account, store, patience: CLAIM.min(call / 4) }
    }

    /// The stored token, or a claim. `Err(None)`: fetch a token and do not store it.
    pub(super) async fn take(
        &self,
        is_usable: impl Fn(&AccessToken, bool) -> bool,
    ) -> Result<AccessToken, Option<TokenClaim>> {
        match timeout(self.patience, self.take_or_claim(is_usable)).await {
            Ok(Ok(taken)) => return taken.map_err(Some),
            Ok(Err(error)) => events::store_failed(&error, CONSEQUENCE),
            Err(_) => events::store_failed(
                &"it is slow, or another process fetches the access token and has not stored it in time",
                CONSEQUENCE,
            ),
        }
        Err(None)
    }

    async fn take_or_claim(
        &self,
        is_usable: impl Fn(&AccessToken, bool) -> bool,
    ) -> Result<Result<AccessToken, TokenClaim>, StoreError> {
        loop {
            let Snapshot { now, value } = self.store.load(&self.account).await?;
            let (now, at) = (Timestamp::from(now), Instant::now());
            let seen = value.as_ref().map(|value| value.version);
            // What cannot be read is replaced.
            let stored: Option<Stored> = value.and_then(|value| serde_json::from_slice(value.bytes()).ok());
            let left = |until: Timestamp| until.after(now).unwrap_or_default();
            let last = match stored {
                Some(Stored { token: Some(token), until, is_last }) => {
                    let token = AccessToken { token, end: until.and_then(|until| at.checked_add(left(until))) };
                    if is_usable(&token, is_last) {
                        return Ok(Ok(token));
                    }
                    Some(token)
                }
                Some(Stored { token: None, until: Some(until), .. })
                    if (1..=CLAIM.as_millis()).contains(&left(until).as_millis()) =>
                {
                    self.store.changed(&self.account, seen, left(until)).await;
                    continue;
                }
                _ => None,
            };
            let claim = TokenClaim { version: Version::random(), now, at, last };
            let stored = Stored { token: None, until: Some(now.plus(CLAIM)), is_last: false };
            if self.swap(seen, claim.version, &stored).await? {
                return Ok(Err(claim));
            }
            sleep(CONFLICT_PAUSE).await;
        }
    }

    /// Stores the token, or releases the claim without one.
    pub(super) async fn settle(&self, claim: TokenClaim, token: Option<AccessToken>) {
        let end = token.as_ref().and_then(|token| token.end);
        let until = end.map(|end| claim.now.plus(end.saturating_duration_since(claim.at)));
        let token = token.map(|token| token.token);
        let is_last = claim.last.is_some_and(|last| Some(last.token) == token);
        let stored = Stored { token, until, is_last };
        // If another replica has claimed since, its token stays.
        let swap = self.swap(Some(claim.version), Version::random(), &stored);
        match timeout(self.patience, swap).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => events::store_failed(&error, CONSEQUENCE),
            Err(_) => events::store_failed(&"it has not taken the access token in time", CONSEQUENCE),
        }
    }

    async fn swap(&self, seen: Option<Version>, new: Version, stored: &Stored) -> Result<bool, StoreError> {
        let bytes = encode(stored).unwrap_or_default();
        self.store.compare_and_swap(&self.account, seen, new, &bytes).await
    }
}
