//! Compares two documents and collects the changes.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;

use super::{
    change::{Change, Class, Rust, Use, Verdict},
    document, facade, rules, schemas,
    schemas::types,
};
use thingspace_codegen::{
    Place,
    check::resolved,
    load::{Entry, Kind, Node},
    one_line,
};

/// A node in both documents.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    pub(super) base: &'a Node,
    pub(super) now: &'a Node,
}

/// A node in one document or in both.
#[derive(Clone, Copy)]
pub(super) enum Found<'a> {
    Gone(&'a Entry),
    New(&'a Entry),
    Both(Pair<'a>),
}

/// The name of something in messages, and whether requests or responses contain it.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) within: Use,
}

/// The target of a reference, queued for comparison.
pub(super) struct Pending<'a> {
    pub(super) pair: Pair<'a>,
    pub(super) subject: Subject,
    pub(super) site: types::Site,
}

/// The state of a comparison.
pub(super) struct Comparison<'a> {
    pub(super) documents: Pair<'a>,
    pub(super) pending: Vec<Pending<'a>>,
    /// Schemas with a new name and the same contents.
    pub(super) renamed: BTreeMap<&'a str, &'a str>,
    seen: HashSet<(usize, usize, Use)>,
    changes: Vec<Change>,
}

/// All changes: the most severe first, then by line.
pub(super) fn compare(base: &Node, now: &Node) -> Vec<Change> {
    let mut comparison = Comparison {
        documents: Pair { base, now },
        pending: Vec::new(),
        renamed: BTreeMap::new(),
        seen: HashSet::new(),
        changes: Vec::new(),
    };
    document::compare(&mut comparison);
    comparison.rest();
    comparison.reports()
}

impl<'a> Comparison<'a> {
    /// A queue, because recursion would overflow the stack on a long chain of references.
    pub(super) fn rest(&mut self) {
        while let Some(Pending { pair, subject, site }) = self.pending.pop() {
            schemas::compare(self, pair, &subject, site);
        }
    }

    /// Reports a change once, with all of its uses, even if several paths lead to it.
    fn reports(self) -> Vec<Change> {
        let mut merged: BTreeMap<_, Change> = BTreeMap::new();
        for change in self.changes {
            let key = (change.rule.name, change.base, change.now, change.message.clone());
            match merged.get_mut(&key) {
                Some(known) => known.within = known.within.or(change.within),
                None => drop(merged.insert(key, change)),
            }
        }
        let mut changes: Vec<_> = merged.into_values().collect();
        facade::judge(self.documents, &mut changes);
        changes.sort_by_cached_key(|change| {
            (std::cmp::Reverse(change.class()), change.now.or(change.base), change.rule.name)
        });
        changes
    }

    /// Whether these two nodes have not been compared yet.
    pub(super) fn is_first(&mut self, pair: Pair<'_>, within: Use) -> bool {
        self.seen.insert((std::ptr::from_ref(pair.base).addr(), std::ptr::from_ref(pair.now).addr(), within))
    }

    /// Follows the references of both. Returns `None` if a target is missing.
    pub(super) fn resolved(&self, pair: Pair<'a>) -> Option<Pair<'a>> {
        Some(Pair { base: resolved(self.documents.base, pair.base)?, now: resolved(self.documents.now, pair.now)? })
    }

    pub(super) fn tell(
        &mut self,
        rule: &str,
        (base, now): (Option<Place>, Option<Place>),
        subject: &Subject,
        what: impl AsRef<str>,
    ) {
        let change = Change {
            rule: rules::find(rule),
            base,
            now,
            message: one_line(&format!("{} {}", subject.name, what.as_ref())),
            within: subject.within,
            wire: None,
            rust: None,
        };
        self.changes.push(change);
    }

    /// Judges the last reported change by the Rust types: breaking if they differ; otherwise the rule decides.
    pub(super) fn types(&mut self, before: &str, after: &str) {
        let Some(change) = self.changes.last_mut() else { return };
        if before != after {
            change.rust = Some(Verdict::new(Class::Breaking, format!("{after} replaces {before}")));
        } else if matches!(change.rule.rust, Rust::Type) {
            change.rust = Some(Verdict::new(Class::Compatible, format!("the Rust type stays {after}")));
        }
    }

    /// Replaces the rule's verdict on Rust callers for the last reported change.
    pub(super) fn rust(&mut self, class: Class, reason: &str) {
        if let Some(change) = self.changes.last_mut() {
            change.rust = Some(Verdict::new(class, reason));
        }
    }

    /// Reports a key that is added, removed or changed, with one rule for each case. Returns whether it reported one.
    pub(super) fn key(&mut self, pair: Pair<'a>, key: &str, [new, gone, other]: [&str; 3], subject: &Subject) -> bool {
        let Some(found) = found(pair, key) else { return false };
        match found {
            Found::New(entry) => {
                let what = format!("has {key}{}", shown(&entry.value, ": "));
                self.tell(new, found.places(), subject, what);
            }
            Found::Gone(_) => self.tell(gone, found.places(), subject, format!("no longer has {key}")),
            Found::Both(Pair { base, now }) if !same(base, now) => {
                let what = match (shown(base, ""), shown(now, "")) {
                    (before, after) if before.is_empty() || after.is_empty() || before == after => {
                        format!("differs in {key}")
                    }
                    (before, after) => format!("has {key} {after}, which was {before}"),
                };
                self.tell(other, found.places(), subject, what);
            }
            Found::Both(_) => return false,
        }
        true
    }

    /// Compares keys that need no special treatment.
    pub(super) fn keys(&mut self, pair: Pair<'a>, keys: &[(&str, &str)], subject: &Subject) {
        for (key, rule) in keys {
            self.key(pair, key, [rule; 3], subject);
        }
        self.flag(pair, "deprecated", ["deprecated", "no-longer-deprecated"], subject);
    }

    /// Reports a boolean that changed. A missing one is false.
    pub(super) fn flag(&mut self, pair: Pair<'a>, key: &str, [on, off]: [&str; 2], subject: &Subject) -> bool {
        let (before, after) = (pair.base.is(key), pair.now.is(key));
        let Some(found) = found(pair, key).filter(|_| before != after) else { return false };
        let (rule, what) = if after { (on, format!("is {key}")) } else { (off, format!("is not {key}")) };
        self.tell(rule, found.places(), subject, what);
        true
    }

    /// Compares the keys without a rule of their own.
    pub(super) fn others(&mut self, pair: Pair<'a>, known: &[&str], subject: &Subject) {
        for (key, _) in both(pair).filter(|(key, _)| !known.contains(key)) {
            let rule = if key.starts_with("x-") { "extension-changed" } else { "unclassified" };
            self.key(pair, key, [rule; 3], subject);
        }
    }
}

impl Found<'_> {
    pub(super) fn places(self) -> (Option<Place>, Option<Place>) {
        match self {
            Self::Gone(entry) => (Some(entry.key), None),
            Self::New(entry) => (None, Some(entry.key)),
            Self::Both(pair) => pair.places(),
        }
    }
}

impl Pair<'_> {
    pub(super) fn places(self) -> (Option<Place>, Option<Place>) {
        (Some(self.base.place), Some(self.now.place))
    }
}

impl Subject {
    /// A part of this subject.
    pub(super) fn part(&self, name: &str) -> Self {
        Self { name: format!("{}.{name}", self.name), within: self.within }
    }
}

/// The value of a key.
pub(super) fn found<'a>(pair: Pair<'a>, key: &str) -> Option<Found<'a>> {
    match (pair.base.entry(key), pair.now.entry(key)) {
        (Some(base), Some(now)) => Some(Found::Both(Pair { base: &base.value, now: &now.value })),
        (Some(base), None) => Some(Found::Gone(base)),
        (None, Some(now)) => Some(Found::New(now)),
        (None, None) => None,
    }
}

/// The value of a key in both documents.
pub(super) fn inner<'a>(pair: Pair<'a>, key: &str) -> Option<Pair<'a>> {
    Some(Pair { base: pair.base.get(key)?, now: pair.now.get(key)? })
}

/// Every key of two maps, with its values.
pub(super) fn both(pair: Pair<'_>) -> impl Iterator<Item = (&str, Found<'_>)> {
    let gone = pair.base.entries().filter(move |(key, _)| pair.now.entry(key).is_none());
    let now = pair.now.entries().map(move |(key, entry)| match pair.base.entry(key) {
        Some(base) => (key, Found::Both(Pair { base: &base.value, now: &entry.value })),
        None => (key, Found::New(entry)),
    });
    now.chain(gone.map(|(key, entry)| (key, Found::Gone(entry))))
}

/// Whether two nodes are equal, apart from their places.
pub(super) fn same(base: &Node, now: &Node) -> bool {
    match (&base.kind, &now.kind) {
        (Kind::Scalar(base), Kind::Scalar(now)) => base == now,
        (Kind::List(base), Kind::List(now)) => {
            base.len() == now.len() && base.iter().zip(now).all(|(base, now)| same(base, now))
        }
        (Kind::Map(base), Kind::Map(now)) => {
            base.len() == now.len()
                && base.iter().all(|(key, entry)| now.get(key).is_some_and(|now| same(&entry.value, &now.value)))
        }
        _ => false,
    }
}

/// Formats a short value for a message, after `before`. Returns an empty text for a long value.
pub(super) fn shown(node: &Node, before: &str) -> String {
    const LONGEST: usize = 60;
    match &node.kind {
        Kind::Scalar(Value::String(text)) if text.chars().count() > LONGEST || text.contains('\n') => String::new(),
        Kind::Scalar(value) => format!("{before}{value}"),
        _ => String::new(),
    }
}
