//! Every password that the platform gave out is in a vault, or in an error.

use super::{Verdict, seconds};
use crate::torn::history::Event;

pub(super) fn are_kept(events: &[Event]) -> Verdict {
    let (mut kept, mut told, mut broken) = (0, 0, Vec::new());
    for (place, reset) in
        events.iter().enumerate().filter(|(_, event)| event.is_of_sandbox("reset") && event.holds("ok"))
    {
        let after = events.get(place..).unwrap_or_default();
        match fate(reset, events.get(..place).unwrap_or_default(), after) {
            Some(Fate::Kept) => kept += 1,
            Some(Fate::Told) => told += 1,
            None => broken.push(format!(
                "the password {} that {} was given at {} is in no vault and in no error",
                reset.text("new"),
                reset.text("by"),
                seconds(reset.t)
            )),
        }
    }
    Verdict {
        rule: "every given-out password is in a vault or in an error",
        measured: format!(
            "{kept} in the vault; of {told} the answer did not arrive, and an error or a recovery says so"
        ),
        broken,
    }
}

enum Fate {
    Kept,
    /// The answer was lost, and that was told.
    Told,
}

fn fate(reset: &Event, before: &[Event], after: &[Event]) -> Option<Fate> {
    let (new, by) = (reset.text("new"), reset.text("by"));
    let holds = |event: &&Event| match &*event.what {
        "vault" | "vault-at-end" => event.text("state") == "current" && event.text("password") == new,
        "rotated" => event.text("password") == new,
        _ => false,
    };
    if after.iter().any(|event| holds(&event)) {
        return Some(Fate::Kept);
    }
    // What is left is an answer that did not arrive: then the vault says that a rotation is pending.
    let vault = before.iter().rev().find(|event| event.is("vault"));
    if vault.is_none_or(|vault| vault.text("state") != "pending") {
        return None;
    }
    let end = |event: &&Event| event.who == by && (event.is("rotated") || event.is("started"));
    let end = after.iter().find(end);
    let is_unknown = end.is_some_and(|event| event.text("outcome") == "reset_outcome_unknown");
    // A replica that was killed told nothing, and another found it out.
    let was_killed = end.is_none_or(|event| event.is("started"));
    let is_found_out = after.iter().any(|event| event.text("outcome") == "NewPasswordLost");
    (is_unknown || was_killed && is_found_out).then_some(Fate::Told)
}
