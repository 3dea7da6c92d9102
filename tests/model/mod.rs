//! Replicas log in and reset through a store, and the model explores every order of their steps.
//!
//! The model calls the guard's own functions (`src/guard`) and does not repeat its rules. Between any two steps a
//! replica may crash or stall, a response of the platform or of the store may be lost, and the store may lose its value
//! or return to an earlier one. The model also leaves out each rule once, and checks that a promise then breaks.
//!
//! An ordinary run explores all states of the small configurations and the first states of the large ones.
//! `THINGSPACE_MODEL=full` explores up to four million states of each; a number such as 20000000 sets another limit,
//! best with `--config 'profile.dev.package.thingspace-session.opt-level=3'`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::similar_names,
    clippy::format_push_string,
    clippy::struct_excessive_bools,
    clippy::match_same_arms,
    clippy::unused_self,
    clippy::unnecessary_to_owned,
    clippy::print_stdout,
    reason = "a test fails by panicking, and each step of the model reads alike"
)]

mod configuration;
mod events;
mod explore;
mod platform;
mod pool;
mod promises;
mod replica;
mod rules;
mod small;
mod world;

use configuration::{Configuration, large};
use explore::explore;
use rules::Rule;
use small::{covered, small};

/// How many states of a large configuration the model explores.
fn limit() -> usize {
    match std::env::var("THINGSPACE_MODEL").as_deref() {
        Ok("full") => 4_000_000,
        Ok(limit) => limit.parse().unwrap(),
        Err(_) => 3000,
    }
}

#[test]
fn no_order_of_events_breaks_a_promise() {
    for configuration in large() {
        let explored = explore(&configuration, None, limit());
        let (name, whole) = (configuration.name, if explored.is_whole { "all" } else { "the first" });
        println!("{name}: {whole} {} states, {:.1} s", explored.states, explored.seconds);
        if let Some((broken, trace)) = explored.broken {
            panic!("{name}: {broken}:\n{trace}");
        }
    }
}

/// More states than any small configuration has.
const LIMIT: usize = 50_000;

#[test]
fn leaving_out_a_rule_breaks_a_promise_and_keeping_all_rules_breaks_none() {
    for (rule, configuration) in small() {
        let states = holds(&configuration, None);
        let without = explore(&configuration, Some(rule), LIMIT);
        let Some((broken, trace)) = without.broken else {
            panic!("no promise breaks without {rule:?}: {} states", without.states)
        };
        println!("all {states} states; without {rule:?}, after {}: {broken}:\n{trace}", without.states);
    }
}

#[test]
fn leaving_out_a_rule_that_another_one_covers_breaks_no_promise() {
    for (rule, configuration) in covered() {
        let (with, without) = (holds(&configuration, None), holds(&configuration, Some(rule)));
        println!("all {with} states; without {rule:?} {without}");
    }
}

/// The number of states. Panics if a promise breaks in one of them.
fn holds(configuration: &Configuration, left_out: Option<Rule>) -> usize {
    let explored = explore(configuration, left_out, LIMIT);
    if let Some((broken, trace)) = explored.broken {
        panic!("without {left_out:?}, {configuration:?}: {broken}:\n{trace}");
    }
    assert!(explored.is_whole, "without {left_out:?}, {configuration:?}: too many states");
    explored.states
}
