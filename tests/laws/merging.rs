//! The order and the number of merges do not change the merged history.

use proptest::prelude::*;

use super::{config, histories, timestamps};
use crate::guard::History;

fn merged(one: &History, other: &History) -> History {
    let mut merged = one.clone();
    merged.merge(other);
    merged
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn merging_is_commutative(one in histories(6), other in histories(6)) {
        prop_assert_eq!(merged(&one, &other), merged(&other, &one));
    }

    #[test]
    fn merging_is_associative(one in histories(6), two in histories(6), three in histories(6)) {
        prop_assert_eq!(merged(&merged(&one, &two), &three), merged(&one, &merged(&two, &three)));
    }

    #[test]
    fn merging_is_idempotent(one in histories(6), other in histories(6)) {
        let both = merged(&one, &other);
        prop_assert_eq!(&merged(&both, &other), &both);
        prop_assert_eq!(&merged(&both, &both), &both);
    }

    #[test]
    fn merging_loses_nothing(one in histories(6), other in histories(6)) {
        let both = merged(&one, &other);
        prop_assert!(both.last_success >= one.last_success.max(other.last_success));
        for (id, attempt) in one.attempts.iter().chain(&other.attempts) {
            let kept = &both.attempts[id];
            prop_assert!(kept.outcome >= attempt.outcome && kept.claimed_until >= attempt.claimed_until);
            prop_assert!(kept.is_over || !attempt.is_over);
        }
    }

    #[test]
    fn trimming_is_idempotent(history in histories(60), now in timestamps()) {
        let mut once = history;
        once.trim(now);
        let mut twice = once.clone();
        twice.trim(now);
        prop_assert_eq!(once, twice);
    }

    #[test]
    fn trimming_drops_no_claim(history in histories(60), now in timestamps()) {
        let mut trimmed = history.clone();
        trimmed.trim(now);
        for (id, attempt) in history.attempts.iter().filter(|(_, attempt)| history.claim_left(attempt, now).is_some()) {
            prop_assert_eq!(trimmed.attempts.get(id), Some(attempt));
        }
    }
}
