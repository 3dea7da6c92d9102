//! The claims in the records that replicas wrote, and the logins that replicas sent under them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Verdict, seconds};
use crate::torn::history::Event;

/// A claim and its login.
pub(super) struct Claim {
    pub(super) id: String,
    pub(super) owner: String,
    credentials: String,
    /// When its owner wrote it.
    pub(super) begins: u64,
    /// When it was released or expired: no other login is allowed before.
    pub(super) ends: u64,
    /// When it expires unless it is released.
    pub(super) until: u64,
    /// When the store confirmed the release, or when the claim expired: other processes may have waited until then.
    pub(super) held: u64,
    /// When its owner sent the login, and when that call returned.
    pub(super) login: Option<(u64, u64)>,
    /// Whether the store confirmed it.
    pub(super) is_stored: bool,
    /// The version of the record with the claim.
    pub(super) version: String,
}

/// All claims, in the order of their first write.
pub(super) fn of(events: &[Event]) -> Vec<Claim> {
    let offset = events.iter().find(|event| event.is_of_conductor("clock")).map_or(0, |event| event.number("offset"));
    // The versions that a replica has loaded or replaced, and that were therefore in the store.
    let version = |event: &Event| match &*event.what {
        "swap" => Some(event.text("before").to_owned()),
        "loaded" => Some(event.text("version").to_owned()),
        _ => None,
    };
    let known: BTreeSet<_> = events.iter().filter_map(version).collect();
    let mut claims: BTreeMap<String, Claim> = BTreeMap::new();
    // The claims that a version releases.
    let mut releases = BTreeMap::new();
    // For each replica: the last claim that it wrote, and the claim of its login in progress.
    let (mut last, mut open): (BTreeMap<&str, String>, BTreeMap<&str, String>) = Default::default();
    for event in events {
        match &*event.what {
            "started" => drop((last.remove(&*event.who), open.remove(&*event.who))),
            "swap" => {
                for (id, attempt) in event.get("attempts").and_then(Value::as_object).into_iter().flatten() {
                    if write(&mut claims, &mut releases, event, id, attempt, offset) {
                        last.insert(&event.who, id.clone());
                    }
                }
            }
            "swapped" => {
                for id in releases.remove(event.text("version")).unwrap_or_default() {
                    if let Some(claim) = claims.get_mut(&id).filter(|_| event.text("outcome") == "ok") {
                        claim.held = claim.held.min(event.t);
                    }
                }
                let claim = last.get(&*event.who).and_then(|id| claims.get_mut(id));
                if let Some(claim) = claim.filter(|claim| claim.version == event.text("version")) {
                    claim.is_stored |= event.text("outcome") == "ok";
                    // A retry may return a conflict although the store accepted the version: another swap replaced it.
                    if event.text("outcome") == "conflict" && !known.contains(&*claim.version) {
                        (claim.ends, claim.held) = (claim.begins, claim.begins);
                    }
                }
            }
            "login-begun" => {
                if let Some(id) = last.get(&*event.who) {
                    open.insert(&event.who, id.clone());
                    if let Some(claim) = claims.get_mut(id) {
                        claim.login = Some((event.t, u64::MAX));
                    }
                }
            }
            "login-over" => {
                let claim = open.remove(&*event.who).and_then(|id| claims.get_mut(&id));
                if let Some((_, over)) = claim.and_then(|claim| claim.login.as_mut()) {
                    *over = event.t;
                }
            }
            _ => {}
        }
    }
    let mut claims: Vec<_> = claims.into_values().collect();
    claims.sort_by_key(|claim| claim.begins);
    claims
}

/// Reads an attempt of a record. Returns whether it is a new claim, which belongs to the replica that wrote it first.
fn write(
    claims: &mut BTreeMap<String, Claim>,
    releases: &mut BTreeMap<String, Vec<String>>,
    event: &Event,
    id: &str,
    attempt: &Value,
    offset: u64,
) -> bool {
    let text = |name: &str| attempt.get(name).and_then(Value::as_str).unwrap_or_default();
    let until = attempt.get("claimed_until").and_then(Value::as_u64).unwrap_or_default();
    let until = until.saturating_mul(1000).saturating_sub(offset);
    let is_over = attempt.get("is_over").and_then(Value::as_bool).unwrap_or_default();
    let is_closed = is_over || !matches!(text("outcome"), "pending" | "unsure");
    match claims.get_mut(id) {
        None if is_closed => false,
        None => {
            let claim = Claim {
                id: id.to_owned(),
                owner: event.who.clone(),
                credentials: text("credentials").to_owned(),
                begins: event.t,
                ends: until,
                until,
                held: until,
                login: None,
                is_stored: false,
                version: event.text("version").to_owned(),
            };
            claims.insert(id.to_owned(), claim);
            true
        }
        Some(claim) => {
            if is_closed {
                claim.ends = claim.ends.min(event.t);
                releases.entry(event.text("version").to_owned()).or_default().push(id.to_owned());
            } else {
                (claim.ends, claim.until) = (claim.ends.max(until), claim.until.max(until));
                claim.held = claim.held.max(until);
            }
            if claim.owner == event.who && claim.login.is_none() {
                event.text("version").clone_into(&mut claim.version);
            }
            false
        }
    }
}

/// A replica that has read of a reset does not log in with the superseded password.
pub(super) fn superseded(events: &[Event], claims: &[Claim]) -> Verdict {
    let mut heard: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    let (mut broken, mut resets) = (Vec::new(), BTreeSet::new());
    let sent = |event: &Event| {
        claims.iter().find(|claim| claim.owner == event.who && claim.login.is_some_and(|(from, _)| from == event.t))
    };
    for event in events {
        match &*event.what {
            // A new process has not read of any reset.
            "started" => drop(heard.remove(&*event.who)),
            "heard" => {
                resets.insert(event.text("superseded"));
                heard.entry(&event.who).or_default().insert(event.text("superseded"), event.t);
            }
            "login-begun" => {
                let credentials = sent(event).map_or("", |claim| &claim.credentials);
                if let Some(when) = heard.get(&*event.who).and_then(|heard| heard.get(credentials)) {
                    broken.push(format!(
                        "at {} {} sent a login with a superseded password; it knew of the reset since {}",
                        seconds(event.t),
                        event.who,
                        seconds(*when)
                    ));
                }
            }
            _ => {}
        }
    }
    let heard: usize = events.iter().filter(|event| event.is("heard")).count();
    Verdict {
        rule: "no login with a superseded password by a replica that had heard of it",
        measured: format!("{} superseded passwords; replicas learnt of a reset {heard} times", resets.len()),
        broken,
    }
}
