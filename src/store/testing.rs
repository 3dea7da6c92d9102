//! A suite that checks the guarantees of [`SessionStore`] one by one. It is part of the library, so that stores in other
//! crates pass the same checks.

use std::{
    fmt::Display,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::{join, join_all, ready, select};
use tokio::{
    task::yield_now,
    time::{Instant, sleep, timeout},
};

use super::{Account, SessionStore, StoreError, Value, Version};

/// Two handles of one store, as two processes have them.
pub type Handles = (Arc<dyn SessionStore>, Arc<dyn SessionStore>);

/// A pause in which the store may act.
const PAUSE: Duration = Duration::from_millis(50);
/// The required precision of the store's clock.
const TOLERANCE: Duration = Duration::from_millis(10);
/// Longer than any operation of a store, even on a busy machine.
const SOON: Duration = Duration::from_secs(5);
/// Longer than any check.
const LONG: Duration = Duration::from_secs(120);
/// The time after which a check has failed, because the store hangs.
const LIMIT: Duration = Duration::from_secs(60);
const TASKS: u64 = 50;

/// Checks every guarantee of [`SessionStore`], each on a new store. `make` returns two handles of it.
///
/// The suite takes a few seconds. The clocks of the store and of the runtime must run at the same speed: in virtual time
/// both are virtual.
///
/// ```
/// use std::sync::Arc;
/// use thingspace_session::store::{MemoryStore, testing::{Handles, conformance}};
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
/// If the store breaks a guarantee. The message names it.
pub async fn conformance<F, Fut>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Handles>,
{
    macro_rules! check {
        ($($check:ident),+ $(,)?) => {
            $(
                if timeout(LIMIT, $check(make().await)).await.is_err() {
                    let name = stringify!($check).replace('_', " ");
                    broken(format_args!("{name}: not finished after {LIMIT:?}, so the store hangs"));
                }
            )+
        };
    }
    check!(
        a_value_is_read_as_it_was_swapped_in,
        a_swap_needs_the_expected_version,
        a_swap_that_is_sent_again_is_confirmed,
        accounts_do_not_meet,
        the_clock_runs_and_is_shared,
        a_read_is_whole_and_never_older,
        no_swap_of_many_tasks_is_lost,
        a_wait_ends_with_patience_and_with_a_change,
        a_dropped_swap_does_not_come_after_a_later_one,
    );
}

type Store<'a> = &'a dyn SessionStore;

fn both_ways((one, other): &Handles) -> [(Store<'_>, Store<'_>); 2] {
    [(&**one, &**other), (&**other, &**one)]
}

#[expect(clippy::panic, reason = "the suite runs in a test of the store, where a panic is the result")]
#[track_caller]
fn broken(problem: impl Display) -> ! {
    panic!("{problem}")
}

fn successful<T>(outcome: Result<T, StoreError>) -> T {
    outcome.unwrap_or_else(|error| broken(format_args!("guarantee 1: the store works, but returns an error: {error}")))
}

fn account() -> Account {
    Account::new("https://thingspace.example", "key", "zbeeblebrox")
}

async fn load(store: Store<'_>, account: &Account) -> Option<Value> {
    successful(store.load(account).await).value
}

async fn swap(store: Store<'_>, expected: Option<Version>, new: Version, bytes: &[u8]) -> bool {
    successful(store.compare_and_swap(&account(), expected, new, bytes).await)
}

/// Swaps in a new version. The swap must succeed.
async fn put(store: Store<'_>, account: &Account, expected: Option<Version>, bytes: &[u8]) -> Version {
    let new = Version::random();
    let is_stored = successful(store.compare_and_swap(account, expected, new, bytes).await);
    assert!(is_stored, "guarantee 2: the stored version was expected, but the swap returned false");
    new
}

/// Asserts that each of the handles loads this value.
async fn expect(pair: &Handles, account: &Account, expected: Option<(Version, &[u8])>, broken: &str) {
    for (store, _) in both_ways(pair) {
        let found = load(store, account).await;
        let found = found.as_ref().map(|value| (value.version, value.bytes()));
        assert!(found == expected, "{broken}");
    }
}

/// A value with its number in each of its parts.
fn numbered(number: u64) -> Vec<u8> {
    number.to_be_bytes().repeat(512)
}

/// The number of a value; 0 without a value.
fn number(value: Option<&Value>) -> u64 {
    let Some(value) = value else { return 0 };
    let number = value.bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
    assert!(value.bytes() == numbered(number), "guarantee 1: a value is a part of one, or a mixture of two");
    number
}

async fn a_value_is_read_as_it_was_swapped_in(pair: Handles) {
    let all: Vec<u8> = (0..=u8::MAX).collect();
    let values = [b"value".to_vec(), Vec::new(), all.clone(), all.repeat(256), b"\r\n".to_vec()];
    expect(&pair, &account(), None, "guarantee 1: a fresh account has a value").await;
    let mut version = None;
    for (index, bytes) in values.iter().enumerate() {
        let store = if index % 2 == 0 { &pair.0 } else { &pair.1 };
        let new = put(&**store, &account(), version, bytes).await;
        let broken = "guarantee 1: a loaded value differs from the one that was swapped in";
        expect(&pair, &account(), Some((new, bytes)), broken).await;
        version = Some(new);
    }
}

async fn a_swap_needs_the_expected_version(pair: Handles) {
    let mut stored = None;
    for (store, other) in both_ways(&pair).repeat(2) {
        let was: Option<Version> = stored.map(|(version, _)| version);
        for wrong in [None, Some(Version::random())].into_iter().filter(|wrong| *wrong != was) {
            let is_stored = swap(other, wrong, Version::random(), b"wrong").await;
            assert!(!is_stored, "guarantee 2: the stored version was not expected, but the swap returned true");
            expect(&pair, &account(), stored, "guarantee 2: a swap returned false, but changed the value").await;
        }
        stored = Some((put(store, &account(), was, b"value").await, &b"value"[..]));
        if let Some(old) = was {
            let is_stored = swap(other, Some(old), Version::random(), b"wrong").await;
            assert!(!is_stored, "guarantee 2: an older version was expected, but the swap returned true");
        }
    }
}

async fn a_swap_that_is_sent_again_is_confirmed(pair: Handles) {
    let mut was = None;
    for (store, other) in both_ways(&pair) {
        let new = put(store, &account(), was, b"value").await;
        for again in [store, other] {
            assert!(swap(again, was, new, b"value").await, "guarantee 3: a swap was sent again, and returned false");
            let broken = "guarantee 3: a swap that was sent again changed the value";
            expect(&pair, &account(), Some((new, b"value")), broken).await;
        }
        let later = put(other, &account(), Some(new), b"later").await;
        assert!(!swap(store, was, new, b"value").await, "guarantee 3: a swap came after a later one");
        expect(&pair, &account(), Some((later, b"later")), "guarantee 3: a late swap undid a later one").await;
        was = Some(later);
    }
}

async fn accounts_do_not_meet(pair: Handles) {
    let accounts = [
        account(),
        Account::new("https://other.example", "key", "zbeeblebrox"),
        Account::new("https://thingspace.example", "other", "zbeeblebrox"),
        Account::new("https://thingspace.example", "key", "Zbeeblebrox"),
        // The same letters, divided differently.
        Account::new("https://thingspace.example", "keyz", "beeblebrox"),
    ];
    for (index, account) in accounts.iter().enumerate() {
        let broken = "guarantee 1: the value of one account is seen on another";
        expect(&pair, account, None, broken).await;
        let bytes = index.to_string().into_bytes();
        let version = put(&*pair.0, account, None, &bytes).await;
        expect(&pair, account, Some((version, &bytes)), broken).await;
    }
}

async fn the_clock_runs_and_is_shared(pair: Handles) {
    for (store, other) in both_ways(&pair) {
        let begin = Instant::now();
        let before = successful(store.load(&account()).await).now;
        sleep(PAUSE).await;
        let passed = successful(other.load(&account()).await).now.duration_since(before).unwrap_or_default();
        let is_exact = passed + TOLERANCE >= PAUSE && passed <= begin.elapsed() + TOLERANCE;
        assert!(is_exact, "guarantee 4: `now` advanced by {passed:?} in {:?}", begin.elapsed());
    }
}

async fn a_read_is_whole_and_never_older(pair: Handles) {
    let is_done = AtomicBool::new(false);
    let write = async {
        let mut version = None;
        for next in 1..=100 {
            version = Some(put(&*pair.0, &account(), version, &numbered(next)).await);
            yield_now().await;
        }
        is_done.store(true, Ordering::SeqCst);
    };
    let read = async {
        let mut last = 0;
        while !is_done.load(Ordering::SeqCst) {
            let found = number(load(&*pair.1, &account()).await.as_ref());
            assert!(found >= last, "guarantee 1: after value {last}, a read went back to {found}");
            last = found;
            yield_now().await;
        }
    };
    join(write, read).await;
    assert_eq!(number(load(&*pair.1, &account()).await.as_ref()), 100, "guarantee 1: the last value is not seen");
}

async fn no_swap_of_many_tasks_is_lost(pair: Handles) {
    let tasks = (0..TASKS).map(|task| {
        let store = if task % 2 == 0 { pair.0.clone() } else { pair.1.clone() };
        tokio::spawn(async move {
            loop {
                let found = load(&*store, &account()).await;
                let (seen, next) = (found.as_ref().map(|value| value.version), number(found.as_ref()) + 1);
                if swap(&*store, seen, Version::random(), &numbered(next)).await {
                    return;
                }
                store.changed(&account(), seen, PAUSE).await;
            }
        })
    });
    let has_failed = join_all(tasks).await.iter().any(Result::is_err);
    assert!(!has_failed, "one of many tasks has panicked: see its message");
    let found = number(load(&*pair.0, &account()).await.as_ref());
    assert_eq!(found, TASKS, "guarantee 2: {TASKS} tasks counted up by one swap each, and the value is {found}");
}

async fn a_wait_ends_with_patience_and_with_a_change(pair: Handles) {
    let mut version = None;
    for (store, other) in both_ways(&pair) {
        for patience in [Duration::ZERO, PAUSE] {
            let ended = timeout(patience + SOON, store.changed(&account(), version, patience)).await;
            assert!(ended.is_ok(), "`changed` did not return after its patience of {patience:?}");
        }
        let old = version;
        // A wait may end early, so repeat it until the value has changed.
        let wait = async {
            while load(store, &account()).await.map(|value| value.version) == old {
                store.changed(&account(), old, LONG).await;
            }
        };
        let change = async {
            sleep(PAUSE).await;
            put(other, &account(), old, b"value").await
        };
        let (ended, new) = join(timeout(PAUSE + SOON, wait), change).await;
        assert!(ended.is_ok(), "`changed` did not return after a swap");
        let ended = timeout(SOON, store.changed(&account(), old, LONG)).await;
        assert!(ended.is_ok(), "`changed` did not return, though another version than `seen` was stored before");
        version = Some(new);
    }
}

async fn a_dropped_swap_does_not_come_after_a_later_one(pair: Handles) {
    for round in 0..10 {
        let found = load(&*pair.0, &account()).await.map(|value| value.version);
        let begun = Version::random();
        select(pair.0.compare_and_swap(&account(), found, begun, b"dropped"), ready(())).await;
        select(pair.0.load(&account()), ready(())).await;
        let broken = "a dropped swap came after a later one, or wrote a part";
        let later = Version::random();
        let mut is_stored = false;
        while !is_stored {
            let found = load(&*pair.1, &account()).await.map(|value| value.version);
            is_stored = swap(&*pair.1, found, later, b"later").await;
        }
        sleep(PAUSE / (1 + round % 3)).await;
        expect(&pair, &account(), Some((later, b"later")), broken).await;
    }
}
