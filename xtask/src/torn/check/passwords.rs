//! Checks that the vault or an error has every password that the platform returned.

use super::{Verdict, seconds};
use crate::torn::history::Event;

pub(super) fn are_kept(events: &[Event]) -> Verdict {
    let (mut kept, mut reported, mut broken) = (0, 0, Vec::new());
    for (place, reset) in
        events.iter().enumerate().filter(|(_, event)| event.is_of_sandbox("reset") && event.holds("ok"))
    {
        let after = events.get(place..).unwrap_or_default();
        match fate(reset, events.get(..place).unwrap_or_default(), after) {
            Some(Fate::Kept) => kept += 1,
            Some(Fate::Reported) => reported += 1,
            None => broken.push(format!(
                "the password {} that the platform returned to {} at {} is neither in the vault nor in an error",
                reset.text("new"),
                reset.text("by"),
                seconds(reset.t)
            )),
        }
    }
    Verdict {
        rule: "every given-out password is in a vault or in an error",
        measured: format!(
            "{kept} in the vault; the response with {reported} was lost, and an error or a recovery reports it"
        ),
        broken,
    }
}

enum Fate {
    Kept,
    /// The response was lost, and an error or a recovery reports it.
    Reported,
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
    // Otherwise the response was lost, and the vault still has the pending rotation.
    let vault = before.iter().rev().find(|event| event.is("vault"));
    if vault.is_none_or(|vault| vault.text("state") != "pending") {
        return None;
    }
    let end = |event: &&Event| event.who == by && (event.is("rotated") || event.is("started"));
    let end = after.iter().find(end);
    let is_unknown = end.is_some_and(|event| event.text("outcome") == "reset_outcome_unknown");
    // A killed replica returned no error. A recovery by another replica must report the lost password.
    let was_killed = end.is_none_or(|event| event.is("started"));
    let is_found_out = after.iter().any(|event| event.text("outcome") == "NewPasswordLost");
    (is_unknown || was_killed && is_found_out).then_some(Fate::Reported)
}
