//! Checks that requests fail only on a host that is cut off from the platform, or if a problem outlasts the request.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::claims::Claim;
use super::trouble::{self, Kind, Trouble};
use super::{Verdict, seconds};
use crate::torn::history::Event;

/// How long before its deadline a request may return, because it skips a pause that would end after the deadline.
const EARLY: u64 = 1_000_000;
/// How long an operation waits for Redis: this share of the deadline, and at most this time.
const STORE_SHARE: u64 = 2;
const STORE_MOST: u64 = 6_000_000;

pub(super) fn fail_with_a_reason(events: &[Event], claims: &[Claim], is_careless: bool) -> Verdict {
    let (troubles, mut broken) = (trouble::of(events), Vec::new());
    let (mut ok, mut failed) = (0, BTreeMap::<&str, u64>::new());
    let deadline = events.iter().find(|event| event.is("started")).map_or(0, |event| event.number("deadline"));
    let mut blocked = BTreeMap::new();
    for event in events {
        match (&*event.what, event.text("outcome")) {
            ("request", "ok") => ok += 1,
            ("request", kind) if event.who != "sandbox" => {
                *failed.entry(kind).or_default() += 1;
                let times =
                    blocked.entry(&*event.who).or_insert_with(|| trouble::blocked(&troubles, claims, &event.who));
                let is_split = || is_careless && is_split(event, &troubles);
                if !has_reason(event, kind, deadline, &troubles, times) && !is_split() {
                    let took = event.t.saturating_sub(event.number("from"));
                    broken.push(format!(
                        "at {} a request of {} failed after {} although nothing explains it: {kind}: {}",
                        seconds(event.t),
                        event.who,
                        seconds(took),
                        event.text("error")
                    ));
                }
            }
            _ => {}
        }
    }
    let free = free_percent(events, &troubles, claims);
    let mut measured = format!(
        "{ok} succeeded, {} failed; a replica could log in for {free} % of the time",
        failed.values().sum::<u64>()
    );
    for (kind, count) in failed {
        let _ = write!(measured, "; {count} × {kind}");
    }
    let rule = "requests fail only where a host was cut off from the platform, or for longer than the deadline";
    Verdict { rule, measured, broken }
}

/// The share of the time without a fault that explains a missing session, over all replicas, in percent.
fn free_percent(events: &[Event], troubles: &[Trouble], claims: &[Claim]) -> u64 {
    let time = |what: &str| events.iter().find(|event| event.is_of_conductor(what)).map_or(0, |event| event.t);
    let (begin, calm) = (time("begin"), time("calm"));
    let replicas: BTreeSet<_> = events.iter().filter(|event| event.is("started")).map(|event| &*event.who).collect();
    let times = replicas.iter().flat_map(|replica| trouble::blocked(troubles, claims, replica));
    let blocked: u64 = times.map(|(from, to)| to.min(calm).saturating_sub(from.max(begin))).sum();
    let all = calm.saturating_sub(begin) * u64::try_from(replicas.len()).unwrap_or_default();
    all.saturating_sub(blocked) * 100 / all.max(1)
}

/// Whether Redis may have had two primaries. Then replicas on each side log in and end the session of the other side.
fn is_split(event: &Event, troubles: &[Trouble]) -> bool {
    troubles.iter().any(|trouble| trouble.kind == Kind::Redis && trouble.overlaps(event.number("from"), event.t))
}

fn has_reason(event: &Event, kind: &str, deadline: u64, troubles: &[Trouble], times: &[(u64, u64)]) -> bool {
    let (from, to) = (event.number("from"), event.t);
    let mine = |trouble: &&Trouble| trouble.strikes(&event.who) && trouble.overlaps(from, to);
    let of = |wanted: Kind| troubles.iter().filter(mine).filter(move |trouble| trouble.kind == wanted);
    // The host was cut off from the platform, or the process was stopped or killed.
    if of(Kind::Platform).chain(of(Kind::Replica)).next().is_some() {
        return true;
    }
    let lasts = |began: u64, time: u64| began + time <= to + EARLY;
    match kind {
        // The replica had a wrong password.
        "login_suspended" | "platform" | "credentials_provider" => of(Kind::Password).next().is_some(),
        "store" => {
            let patience = (deadline / STORE_SHARE).min(STORE_MOST);
            of(Kind::Redis).any(|trouble| lasts(trouble.from, patience))
        }
        // The replica had to wait for a session.
        _ => times.iter().any(|(began, ended)| *began <= to && from <= *ended && lasts(*began, deadline)),
    }
}
