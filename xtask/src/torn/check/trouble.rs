//! Derives from the conductor's events the times in which a fault explains a failure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::claims::Claim;
use crate::torn::history::{Event, host};

/// How long a host needs after a fault to detect a dead connection and to open another one, in microseconds.
const TAIL: u64 = 2_500_000;

/// The affected part.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Platform,
    Redis,
    /// The replica was stopped or killed.
    Replica,
    /// The replica has a wrong or a superseded password.
    Password,
}

/// One fault, as it affects a replica.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) kind: Kind,
    /// The affected host or replica. `None` affects all.
    pub(super) whose: Option<String>,
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Trouble {
    /// Whether it affects this replica.
    pub(super) fn strikes(&self, replica: &str) -> bool {
        self.whose.as_deref().is_none_or(|whose| whose == replica || whose == host(replica))
    }

    pub(super) fn overlaps(&self, from: u64, to: u64) -> bool {
        self.from <= to && from <= self.to
    }
}

/// The times in which a replica could not get a new session, in order: a fault affected the replica itself, or the
/// replica that held the claim.
pub(super) fn blocked(troubles: &[Trouble], claims: &[Claim], replica: &str) -> Vec<(u64, u64)> {
    let strikes = |trouble: &&Trouble, whom: &str| trouble.kind != Kind::Password && trouble.strikes(whom);
    let own = troubles.iter().filter(|trouble| strikes(trouble, replica)).map(|trouble| (trouble.from, trouble.to));
    let is_stuck = |claim: &&Claim| {
        let during = |trouble: &&Trouble| trouble.overlaps(claim.begins, claim.held);
        troubles.iter().filter(during).any(|trouble| strikes(&trouble, &claim.owner))
    };
    // After a login with an unknown outcome the crate pauses before the next one.
    let others = claims.iter().filter(is_stuck).map(|claim| (claim.begins, claim.held + TAIL));
    let mut times: Vec<_> = own.chain(others).collect();
    times.sort_unstable();
    let mut merged: Vec<(u64, u64)> = Vec::new();
    for (from, to) in times {
        match merged.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// All faults. One that has not ended lasts until the end of the history.
pub(super) fn of(events: &[Event]) -> Vec<Trouble> {
    let end = events.last().map_or(0, |event| event.t);
    let (mut all, mut lasting, mut down): (Vec<Trouble>, BTreeMap<u64, Vec<usize>>, Option<usize>) = Default::default();
    for event in events {
        match &*event.what {
            "fault" => {
                let first = all.len();
                let names = |name: &str| event.get(name).and_then(Value::as_array).into_iter().flatten();
                let of = |kind: Kind, name: &str| {
                    let whose = Some(name.to_owned());
                    Trouble { kind, whose, from: event.t, to: end }
                };
                all.extend(names("platform").filter_map(Value::as_str).map(|host| of(Kind::Platform, host)));
                all.extend(names("redis").filter_map(Value::as_str).map(|host| of(Kind::Redis, host)));
                all.extend(event.get("replica").and_then(Value::as_str).map(|name| of(Kind::Replica, name)));
                all.extend(event.get("wrong").and_then(Value::as_str).map(|host| of(Kind::Password, host)));
                lasting.insert(event.number("id"), (first..all.len()).collect());
            }
            "healed" => {
                for place in lasting.remove(&event.number("id")).unwrap_or_default() {
                    let Some(trouble) = all.get_mut(place) else { continue };
                    trouble.to = event.t + TAIL;
                }
            }
            "redis-down" => {
                let from = if event.number("since") == 0 { event.t } else { event.number("since") };
                all.push(Trouble { kind: Kind::Redis, whose: None, from, to: end });
                down = Some(all.len() - 1);
            }
            "redis-up" => {
                if let Some(trouble) = down.take().and_then(|place| all.get_mut(place)) {
                    trouble.to = event.t + TAIL;
                }
            }
            "late" => {
                let (from, to) = (event.number("since"), event.t + TAIL);
                all.push(Trouble { kind: Kind::Platform, whose: None, from, to });
            }
            // While a rotation is pending, the vault does not have the new password.
            "vault" if event.text("state") == "pending" => {
                all.push(Trouble { kind: Kind::Password, whose: None, from: event.t, to: end });
            }
            "vault" => {
                let is_pending = |trouble: &&mut Trouble| {
                    trouble.kind == Kind::Password && trouble.whose.is_none() && trouble.to == end
                };
                all.iter_mut().filter(is_pending).for_each(|trouble| trouble.to = event.t + TAIL);
            }
            _ => {}
        }
    }
    all
}
