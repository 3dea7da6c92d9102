//! The versions of the record: which one a swap replaced, and which ones a replica had seen.

use std::collections::HashMap;

use crate::torn::history::Event;

/// The versions that replicas wrote and read.
#[derive(Default)]
pub(super) struct Versions<'a> {
    /// For each version the one that it replaced. If two versions replaced the same one, the store has lost one of
    /// them.
    before: HashMap<&'a str, &'a str>,
    /// For each replica the versions that it has loaded or stored.
    seen: HashMap<&'a str, Vec<(u64, &'a str)>>,
    /// When each replica started.
    started: HashMap<&'a str, Vec<u64>>,
}

impl<'a> Versions<'a> {
    pub(super) fn of(events: &'a [Event]) -> Self {
        let mut all = Self::default();
        for event in events {
            let (who, version) = (&*event.who, event.text("version"));
            match &*event.what {
                "started" => all.started.entry(who).or_default().push(event.t),
                "swap" => drop(all.before.insert(version, event.text("before"))),
                "loaded" => all.seen.entry(who).or_default().push((event.t, version)),
                "swapped" if event.text("outcome") == "ok" => all.seen.entry(who).or_default().push((event.t, version)),
                _ => {}
            }
        }
        all
    }

    /// Whether a chain of swaps leads from the other version to this one.
    pub(super) fn is_from(&self, version: &'a str, other: &str) -> bool {
        let before = |version: &&'a str| self.before.get(version).copied().filter(|before| !before.is_empty());
        std::iter::successors(Some(version), before).take(self.before.len() + 1).any(|version| version == other)
    }

    /// Whether a replica has seen a version, or a later one of its chain, between two times. A restarted process has
    /// seen only what it loaded or stored since then.
    pub(super) fn had_seen(&self, who: &str, version: &str, since: u64, time: u64) -> bool {
        let started = self.started.get(who).into_iter().flatten().rfind(|started| **started <= time);
        let during = started.copied().unwrap_or_default().max(since)..=time;
        let mut seen = self.seen.get(who).into_iter().flatten().filter(|(at, _)| during.contains(at));
        seen.any(|(_, seen)| self.is_from(seen, version))
    }
}
