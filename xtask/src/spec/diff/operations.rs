//! Matches the operations of both documents, and compares each pair.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    bodies,
    change::Use,
    compare::{Comparison, Pair, Subject, same},
    parameters,
};
use thingspace_codegen::{
    Place,
    check::{Described, operations_of, security::Schemes},
    load::{Entry, Node},
};

/// Compares an operation.
#[derive(Clone, Copy)]
pub(super) struct Both<'a> {
    pub(super) base: Described<'a>,
    pub(super) now: Described<'a>,
}

/// Matches operations by operationId, and the remaining ones by method and path.
pub(super) fn compare(comparison: &mut Comparison<'_>) {
    let Pair { base, now } = comparison.documents;
    let before: Vec<_> = operations_of(base).collect();
    let after: Vec<_> = operations_of(now).collect();
    let mut partner: Vec<Option<usize>> = vec![None; after.len()];
    let mut taken = BTreeSet::new();
    let id = |one: &Described<'_>| one.node.text_of("operationId").map(str::to_owned);
    let request = |one: &Described<'_>| Some(format!("{} {}", one.method, template(one.path).0));
    for by in [&id as &dyn Fn(&Described<'_>) -> Option<String>, &request] {
        let known: HashMap<String, usize> = before
            .iter()
            .enumerate()
            .rev()
            .filter(|(index, _)| !taken.contains(index))
            .filter_map(|(index, one)| Some((by(one)?, index)))
            .collect();
        for (one, partner) in after.iter().zip(&mut partner).filter(|(_, partner)| partner.is_none()) {
            *partner = by(one).and_then(|key| known.get(&key).copied()).filter(|index| taken.insert(*index));
        }
    }
    for (now, partner) in after.into_iter().zip(partner) {
        match partner.and_then(|index| before.get(index)) {
            Some(base) => one(comparison, Both { base: *base, now }),
            None => comparison.tell("operation-added", (None, Some(now.method_key)), &subject(&now), "is new"),
        }
    }
    for (_, base) in before.iter().enumerate().filter(|(index, _)| !taken.contains(index)) {
        comparison.tell("operation-removed", (Some(base.method_key), None), &subject(base), "is gone");
    }
}

fn subject(operation: &Described<'_>) -> Subject {
    let name = match operation.node.text_of("operationId") {
        Some(id) => id.to_owned(),
        None => format!("{} {}", operation.method.to_uppercase(), operation.path),
    };
    Subject { name, within: Use::default() }
}

/// A path without the names of its parameters, and those names.
fn template(path: &str) -> (String, Vec<&str>) {
    let (mut bare, mut names) = (String::new(), Vec::new());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        bare.push_str(before);
        bare.push_str("{}");
        names.push(name);
        rest = after;
    }
    bare.push_str(rest);
    (bare, names)
}

fn one<'a>(comparison: &mut Comparison<'a>, both: Both<'a>) {
    let Both { base, now } = both;
    let pair = Pair { base: base.node, now: now.node };
    let here = subject(&now);
    comparison.key(pair, "operationId", ["operation-renamed"; 3], &here);
    if base.method != now.method {
        let what = format!("is {}, which was {}", now.method.to_uppercase(), base.method.to_uppercase());
        comparison.tell("method-changed", (Some(base.method_key), Some(now.method_key)), &here, what);
    }
    let ((bare, names), (bare_now, names_now)) = (template(base.path), template(now.path));
    if bare != bare_now {
        let what = format!("is at {}, which was {}", now.path, base.path);
        comparison.tell("path-changed", (Some(base.path_key), Some(now.path_key)), &here, what);
    }
    let mut renamed = BTreeMap::new();
    if names.len() == names_now.len() {
        for (name, name_now) in names.iter().zip(&names_now).filter(|(name, name_now)| name != name_now) {
            // Parameters that only swap places keep their names.
            if !names_now.contains(name) && !names.contains(name_now) {
                renamed.insert(*name, *name_now);
                let what = format!("has {{{name_now}}} in its path, which was {{{name}}}");
                comparison.tell("path-parameter-renamed", (Some(base.path_key), Some(now.path_key)), &here, what);
            }
        }
    }
    words(comparison, both, &here);
    security(comparison, both, &here);
    compare_retry(comparison, both, &here);
    parameters::compare(comparison, both, &renamed, &here);
    bodies::compare(comparison, pair, &here);
}

fn words<'a>(comparison: &mut Comparison<'a>, both: Both<'a>, here: &Subject) {
    let texts = [("description", "description-changed"), ("summary", "summary-changed")];
    let more = [
        ("tags", "tags-changed"),
        ("externalDocs", "external-docs-changed"),
        ("callbacks", "callbacks-changed"),
        ("servers", "operation-servers-changed"),
    ];
    let pair = Pair { base: both.base.node, now: both.now.node };
    comparison.keys(pair, &texts, here);
    comparison.keys(pair, &more, here);
    let known = [
        "operationId",
        "deprecated",
        "description",
        "summary",
        "tags",
        "externalDocs",
        "callbacks",
        "servers",
        "security",
        "x-retry",
        "parameters",
        "requestBody",
        "responses",
    ];
    comparison.others(pair, &known, here);
    let path = Pair { base: both.base.item, now: both.now.item };
    if comparison.is_first(path, Use::default()) {
        let here = Subject { name: both.now.path.to_owned(), within: Use::default() };
        comparison.keys(path, &texts, &here);
        comparison.keys(path, &[("servers", "operation-servers-changed")], &here);
        let known = [
            "description",
            "summary",
            "servers",
            "parameters",
            "get",
            "put",
            "post",
            "delete",
            "options",
            "head",
            "patch",
            "trace",
        ];
        comparison.others(path, &known, &here);
    }
}

/// Compares the tokens of an operation. If they are unknown, compares the text of `security`.
fn security(comparison: &mut Comparison<'_>, Both { base, now }: Both<'_>, here: &Subject) {
    let documents = comparison.documents;
    let needs =
        |document, operation: &Described<'_>| Schemes::read(document, &mut Vec::new())?.needs(document, operation).ok();
    let (old, new) = (stated(documents.base, base.node), stated(documents.now, now.node));
    let places =
        (Some(old.map_or(base.method_key, |entry| entry.key)), Some(new.map_or(now.method_key, |entry| entry.key)));
    let (Some(before), Some(after)) = (needs(documents.base, &base), needs(documents.now, &now)) else {
        let is_same = match (old, new) {
            (Some(old), Some(new)) => same(&old.value, &new.value),
            (old, new) => old.is_none() && new.is_none(),
        };
        if !is_same {
            comparison.tell("security-changed", places, here, "requires other credentials");
        }
        return;
    };
    for (before, after, what, [needed, dropped]) in [
        (before.access, after.access, "access", ["access-token-required", "access-token-dropped"]),
        (
            before.session.is_some(),
            after.session.is_some(),
            "session",
            ["session-token-required", "session-token-dropped"],
        ),
    ] {
        match (before, after) {
            (false, true) => comparison.tell(needed, places, here, format!("needs the {what} token")),
            (true, false) => comparison.tell(dropped, places, here, format!("no longer needs the {what} token")),
            _ => {}
        }
    }
    // The comparison of the schemes reports a changed header of a scheme.
    if let (Some(before), Some(after)) = (before.session, after.session)
        && !before.eq_ignore_ascii_case(after)
        && [documents.base, documents.now]
            .into_iter()
            .all(|document| Schemes::read(document, &mut Vec::new()).is_some_and(|schemes| schemes.has_header(before)))
    {
        comparison.tell("security-changed", places, here, format!("carries the session token in {after}"));
    }
}

/// The `security` of an operation, or that of the document.
fn stated<'a>(document: &'a Node, operation: &'a Node) -> Option<&'a Entry> {
    operation.entry("security").or_else(|| document.entry("security"))
}

/// Compares `x-retry`, whose values are ordered: `if-not-sent`, `if-not-processed`, `always`.
fn compare_retry(comparison: &mut Comparison<'_>, Both { base, now }: Both<'_>, here: &Subject) {
    let rank = |one: &Described<'_>| match one.node.text_of("x-retry") {
        Some("always") => (2, "always"),
        Some("if-not-processed") => (1, "if-not-processed"),
        None if one.is_safe() => (2, "always"),
        _ => (0, "if-not-sent"),
    };
    let place = |one: &Described<'_>| -> Option<Place> {
        Some(one.node.get("x-retry").map_or(one.method_key, |node| node.place))
    };
    let ((before, old), (after, new)) = (rank(&base), rank(&now));
    if before != after {
        let rule = if after > before { "retry-widened" } else { "retry-narrowed" };
        comparison.tell(rule, (place(&base), place(&now)), here, format!("has x-retry {new}, which was {old}"));
    }
}
