//! What any session store has to prove before an account is entrusted to it: the guarantees of [`SessionStore`], one
//! by one.
//!
//! It is code of the library and not of its tests, so that a store that is written elsewhere is held to the same.

mod crowd;
mod leases;
mod records;
mod sessions;

use std::{
    fmt::Display,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::{sleep, timeout};

use super::{Account, Lease, Record, SessionStore, StoreError};
use crate::SessionToken;

/// Two handles onto one store, as two processes would hold them.
pub type Handles = (Arc<dyn SessionStore>, Arc<dyn SessionStore>);

/// The length of a lease that is to outlast its test.
const LONG: Duration = Duration::from_secs(120);
/// The length of a lease that is to end soon.
const SHORT: Duration = Duration::from_millis(100);
/// How early a lease may end: two clocks need not agree to the millisecond.
const TOLERANCE: Duration = Duration::from_millis(5);
/// What "soon" and "promptly" mean; far more than any store needs, for machines that are busy.
const SOON: Duration = Duration::from_secs(5);
/// How long a single test may take before the store is taken to hang.
const LIMIT: Duration = Duration::from_secs(60);

/// Checks every guarantee of [`SessionStore`], each on a fresh store, of which `make` gives two handles.
///
/// It is the one place of this crate where tests wait for the clock, because a store that is shared has its own: leases
/// of a tenth of a second are left to end. It takes a few seconds in all, and wants a runtime whose clock runs.
///
/// ```
/// use std::sync::Arc;
/// use thingspace_session::{
///     MemoryStore,
///     store::testing::{Handles, conformance},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// conformance(|| async {
///     let store = MemoryStore::new();
///     let handles: Handles = (Arc::new(store.clone()), Arc::new(store));
///     handles
/// })
/// .await;
/// # }
/// ```
///
/// # Panics
///
/// If a guarantee is broken; the message says which and how.
pub async fn conformance<F, Fut>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Handles>,
{
    /// Runs functions of two handles, one after another, each on a fresh store.
    macro_rules! check {
        ($($module:ident :: $test:ident),+ $(,)?) => {
            $(
                let (one, other) = make().await;
                let name = stringify!($test).replace('_', " ");
                if timeout(LIMIT, $module::$test(Pair { one, other })).await.is_err() {
                    let limit = LIMIT.as_secs();
                    broken(format_args!("{name}: not finished after {limit} s, so the store hangs or forgets leases"));
                }
            )+
        };
    }

    check!(
        records::an_account_that_was_never_written_has_the_default_record,
        records::a_commit_is_seen_by_everybody_as_a_whole,
        leases::the_right_is_exclusive_until_it_is_released,
        leases::the_right_expires_but_not_early,
        records::a_read_is_whole_and_waits_for_nobody,
        leases::fences_grow,
        leases::who_stalled_cannot_overwrite_the_successor,
        leases::an_expired_lease_without_a_successor_may_commit,
        leases::a_released_lease_may_not_commit,
        leases::a_lease_that_was_never_granted_may_not_commit,
        leases::an_old_lease_releases_nothing,
        sessions::a_touch_moves_the_time_of_use_forward_only,
        sessions::forgetting_drops_the_session_alone,
        sessions::a_newer_session_is_never_touched_nor_forgotten,
        sessions::touching_and_forgetting_do_not_disturb_a_lease,
        records::accounts_do_not_meet,
        crowd::a_wait_ends_with_patience_and_soon_after_a_change,
        crowd::no_update_of_many_tasks_is_lost,
        crowd::what_a_commit_confirms_is_kept_even_if_holders_stall,
        crowd::a_dropped_future_leaves_a_consistent_record,
        crowd::a_dropped_future_does_not_keep_the_right,
    );
}

/// The store under test.
struct Pair {
    one: Arc<dyn SessionStore>,
    other: Arc<dyn SessionStore>,
}

impl Pair {
    /// Both handles, the writer and the reader, and the other way round.
    fn both_ways(&self) -> [(&dyn SessionStore, &dyn SessionStore); 2] {
        [(&*self.one, &*self.other), (&*self.other, &*self.one)]
    }
}

fn account() -> Account {
    Account::new("https://thingspace.example", "key", "zbeeblebrox")
}

/// Ends the suite. It runs in the tests of whoever wrote the store, where an assertion is the verdict: nothing of this
/// crate calls it, and the invariant that does not hold is the store's.
#[expect(clippy::panic, reason = "a broken guarantee is told by panicking")]
#[track_caller]
fn broken(guarantee: impl Display) -> ! {
    panic!("{guarantee}")
}

/// What the store says, which has to be something: nothing is wrong with it.
fn told<T>(result: Result<T, StoreError>) -> T {
    result.unwrap_or_else(|error| {
        broken(format_args!("guarantee 6: nothing is wrong with the store, but it says: {error}"))
    })
}

/// The right to log in, which has to be free.
async fn granted(store: &dyn SessionStore, account: &Account, time: Duration) -> (Lease, Record) {
    told(store.acquire(account, time).await)
        .unwrap_or_else(|| broken("guarantee 2: nobody has the right to log in, but it was not granted"))
}

/// Asserts that the right to log in is taken.
async fn refused(store: &dyn SessionStore, account: &Account, why: impl Display) {
    let grant = told(store.acquire(account, LONG).await);
    assert!(grant.is_none(), "guarantee 2: {why}, but another lease was granted");
}

/// The right to log in for a long time, once a short lease has expired.
async fn granted_in_turn(store: &dyn SessionStore, account: &Account) -> (Lease, Record) {
    granted_in_turn_for(store, account, LONG).await
}

/// The right to log in for this time, once a short lease has expired.
async fn granted_in_turn_for(store: &dyn SessionStore, account: &Account, time: Duration) -> (Lease, Record) {
    let expired = async {
        loop {
            if let Some(grant) = told(store.acquire(account, time).await) {
                return grant;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SHORT + SOON, expired).await.unwrap_or_else(|_| {
        broken(format_args!("guarantee 2: a lease of {SHORT:?} still keeps the others out {SOON:?} after its end"))
    })
}

/// Commits, which has to be allowed.
async fn committed(store: &dyn SessionStore, account: &Account, lease: &Lease, record: &Record, who: &str) {
    let done = told(store.commit(account, lease, record).await);
    assert!(done, "guarantee 3: {who} may commit, but was refused");
}

async fn loaded(store: &dyn SessionStore, account: &Account) -> Record {
    told(store.load(account).await)
}

/// A lease that equals this one: what a holder has that believes in its right for longer than the store does.
fn same(lease: &Lease) -> Lease {
    Lease::new(lease.fence())
}

fn token(number: u64) -> SessionToken {
    SessionToken::from(format!("token-{number}"))
}

/// A time for each number, with a fraction of a second that every platform can tell.
fn at(number: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000 + number) + Duration::from_nanos(123_456_700)
}

/// The record with the session of this number.
fn numbered(record: Record, number: u64) -> Record {
    record.with_session(token(number), at(number))
}

/// The number of the record; 0 without a session. Its parts have to agree.
fn number(record: &Record) -> u64 {
    let (Some(found), Some(used_at)) = (record.session(), record.used_at()) else { return 0 };
    let number = used_at.duration_since(at(0)).unwrap_or_default().as_secs();
    assert!(
        *found == token(number),
        "guarantee 1: a record is a mixture of two: the session of one, the time of another"
    );
    number
}
