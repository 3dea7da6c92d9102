//! A model of replicas that share a store, and every order in which what they do can happen.
//!
//! Two replicas log in, at most twice each; a third resets the password. Each step is one script of the server or one
//! request to the platform (`src/store/redis/*.lua`, `src/session/logins/login.rs`, `reset.rs`), and between any two of
//! them anything may happen: somebody is stopped until the lease is over, a process or a session dies, the store loses
//! all that it holds. Every rule is left out once, to see that the model needs it.
//!
//! It tells that the rules are enough, and calls nothing in `src/`. The suite (`conformance.rs`) holds the stores to
//! them, `tests/promises/` the logins and resets.

mod world;

use std::collections::{HashSet, VecDeque};

use world::World;

/// A rule that is left out.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Without {
    Nothing,
    Fencing,
    /// Fences come from the clock of the server, and so are not granted twice.
    Clock,
    /// Who wants a lease while another one runs gets none.
    Exclusion,
    /// Who resets holds the right to log in.
    Right,
    Retiring,
    /// Who was stopped for longer than the lease does not log in.
    Patience,
}

/// How many states there are; or which promise is broken first.
fn explore(without: Without) -> Result<usize, &'static str> {
    let mut found = HashSet::from([World::default()]);
    let mut open = VecDeque::from([World::default()]);
    while let Some(world) = open.pop_front() {
        world.check()?;
        for next in world.next(without) {
            let next = next?;
            if found.insert(next.clone()) {
                open.push_back(next);
            }
        }
    }
    Ok(found.len())
}

#[test]
#[expect(clippy::print_stdout, reason = "how much was looked at is what the test is worth")]
fn no_order_of_logins_stalls_losses_and_a_reset_breaks_a_promise() {
    let states = explore(Without::Nothing).unwrap();
    println!("{states} states");
    assert!(states > 500_000, "{states}");
}

#[test]
fn the_model_needs_every_rule() {
    let overwritten = "a newer record is overwritten by an older";
    let old = "a login with the old password after the reset";
    for (without, broken) in [
        (Without::Fencing, overwritten),
        (Without::Clock, overwritten),
        (Without::Exclusion, old),
        (Without::Right, old),
        (Without::Retiring, old),
        (Without::Patience, old),
    ] {
        assert_eq!(explore(without), Err(broken), "{without:?}");
    }
}
