//! Why a change that removes a need of the facade is breaking, and which change that is.

use super::super::{
    change::{Change, Use},
    rules,
};
use thingspace_codegen::Place;

/// Why the facade needs a part.
#[derive(Clone, Default)]
pub(super) struct Why {
    pub(super) does: String,
    pub(super) fails: String,
    /// Whether several operations have the same need, which is reported once.
    pub(super) is_shared: bool,
}

impl Why {
    /// The reason in one sentence, with the number of other operations that lose the same part.
    pub(super) fn reason(&self, others: usize) -> String {
        let Self { does, fails, .. } = self;
        match others {
            0 => format!("src/ {does}: {fails}"),
            1 => format!("src/ {does}, and from another: {fails}"),
            _ => format!("src/ {does}, and from {others} others: {fails}"),
        }
    }
}

/// The indices of the changes at these places. Adds a change if no change is there.
pub(super) fn culprits(
    changes: &mut Vec<Change>,
    is_culprit: impl Fn(&Change) -> bool,
    (base, now): (Option<Place>, Option<Place>),
) -> Vec<usize> {
    let is_one = |change: &Change| !rules::is_wording(change.rule) && is_culprit(change);
    let found: Vec<usize> =
        (0..).zip(changes.iter()).filter(|(_, change)| is_one(change)).map(|(index, _)| index).collect();
    if !found.is_empty() {
        return found;
    }
    changes.push(Change {
        rule: rules::find("unclassified"),
        base,
        now,
        message: "a part that the facade needs has changed".to_owned(),
        within: Use::default(),
        wire: None,
        rust: None,
    });
    vec![changes.len() - 1]
}
