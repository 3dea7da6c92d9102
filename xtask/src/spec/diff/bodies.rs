//! Compares bodies of requests and responses, their media types, and headers.

use std::collections::BTreeSet;

use super::{
    change::{Class, Use},
    compare::{Comparison, Found, Pair, Subject, both, found, inner, same},
    schemas::{self, types::Site},
};
use thingspace_codegen::{
    check::{self, resolved},
    load::Node,
};

/// Rules for a media type that is added, removed or replaced.
type Kinds = [&'static str; 3];

const REQUEST: Kinds = ["request-media-type-added", "request-media-type-removed", "request-media-type-changed"];
const ANSWER: Kinds = ["answer-media-type-added", "answer-media-type-removed", "answer-media-type-changed"];

/// The bodies of an operation.
pub(super) fn compare<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject) {
    let subject = Subject { name: format!("{}: request body", here.name), within: Use::SENT };
    match found(pair, "requestBody") {
        Some(Found::Both(pair)) => request(comparison, pair, &subject),
        Some(found @ Found::New(entry)) => {
            let body = resolved(comparison.documents.now, &entry.value);
            let (rule, what) = if body.is_some_and(|body| body.is("required")) {
                ("required-body-added", "is new, and required")
            } else {
                ("optional-body-added", "is new")
            };
            comparison.tell(rule, found.places(), &subject, what);
        }
        Some(found @ Found::Gone(_)) => comparison.tell("request-body-removed", found.places(), &subject, "is gone"),
        None => {}
    }
    answers(comparison, pair, here);
}

/// Compares responses by status. All error responses together decide whether the error type of `send()` changes.
fn answers<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject) {
    let Some(answers) = inner(pair, "responses") else {
        comparison.key(pair, "responses", ["unclassified"; 3], here);
        return;
    };
    let stays = errors(comparison.documents.base, answers.base, comparison)
        == errors(comparison.documents.now, answers.now, comparison);
    for (status, found_here) in both(answers) {
        if status.starts_with("x-") {
            comparison.key(answers, status, ["extension-changed"; 3], here);
            continue;
        }
        let (added, removed) = if status.starts_with('2') {
            ("success-answer-added", "success-answer-removed")
        } else {
            ("error-answer-added", "error-answer-removed")
        };
        match found_here {
            Found::Both(pair) => {
                answer(comparison, pair, &Subject { name: format!("{}: {status}", here.name), within: Use::ANSWERED });
                continue;
            }
            Found::New(_) => {
                comparison.tell(added, found_here.places(), here, format!("may answer {status}"));
            }
            Found::Gone(_) => {
                comparison.tell(removed, found_here.places(), here, format!("no longer answers {status}"));
            }
        }
        if !stays && !status.starts_with('2') {
            comparison.rust(Class::Breaking, "the error type of send() changes, and code may name it");
        }
    }
}

/// The schemas of the error bodies: by name, or by content if they have no name.
fn errors(document: &Node, answers: &Node, comparison: &Comparison<'_>) -> BTreeSet<String> {
    let errors = answers.entries().filter(|(status, _)| !status.starts_with('2') && !status.starts_with("x-"));
    let bodies = errors.filter_map(|(_, entry)| resolved(document, &entry.value)?.get("content"));
    let media = bodies.flat_map(Node::entries).filter(|(name, _)| name.starts_with("application/json"));
    media
        .filter_map(|(_, entry)| {
            let schema = entry.value.get("schema")?;
            let name = schema.text_of("$ref").map(|name| name.strip_prefix(check::SCHEMAS).unwrap_or(name));
            let name = name.map(|name| comparison.renamed.get(name).copied().unwrap_or(name).to_owned());
            Some(name.unwrap_or_else(|| schema.value().to_string()))
        })
        .collect()
}

/// Compares a request body.
pub(super) fn request<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject) {
    let Some(pair) = comparison.resolved(pair) else { return };
    if !comparison.is_first(pair, Use::default()) {
        return;
    }
    let here = &Subject { name: here.name.clone(), within: Use::SENT };
    comparison.flag(pair, "required", ["request-body-made-required", "request-body-made-optional"], here);
    comparison.keys(pair, &[("description", "description-changed")], here);
    comparison.others(pair, &["required", "description", "content"], here);
    content(comparison, pair, &REQUEST, here);
}

/// Compares a response.
pub(super) fn answer<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject) {
    let Some(pair) = comparison.resolved(pair) else { return };
    if !comparison.is_first(pair, Use::default()) {
        return;
    }
    let here = &Subject { name: here.name.clone(), within: Use::ANSWERED };
    comparison.keys(pair, &[("description", "description-changed"), ("links", "links-changed")], here);
    comparison.others(pair, &["description", "links", "headers", "content"], here);
    headers(comparison, pair, here);
    let types = |node: &Node| node.get("content").map_or(0, |content| content.entries().count());
    let place = |node: &Node| Some(node.entry("content").map_or(node.place, |content| content.key));
    let places = (place(pair.base), place(pair.now));
    match (types(pair.base), types(pair.now)) {
        (0, 0) => {}
        (0, _) => comparison.tell("answer-body-added", places, here, "has a body"),
        (_, 0) => comparison.tell("answer-body-removed", places, here, "no longer has a body"),
        _ => content(comparison, pair, &ANSWER, here),
    }
}

/// Compares media types by name. If each document has exactly one, they form a pair.
fn content<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, kinds: &Kinds, here: &Subject) {
    let [added, removed, changed] = kinds;
    let Some(content) = inner(pair, "content") else {
        comparison.key(pair, "content", [added, removed, changed], here);
        return;
    };
    let all: Vec<_> = both(content).collect();
    if let [(name, Found::New(new)), (old, Found::Gone(gone))] = all.as_slice() {
        let what = format!("is {name}, which was {old}");
        comparison.tell(changed, (Some(gone.key), Some(new.key)), here, what);
        media(comparison, Pair { base: &gone.value, now: &new.value }, here);
        return;
    }
    for (name, found) in all {
        match found {
            Found::Both(pair) => media(comparison, pair, here),
            Found::New(_) => comparison.tell(added, found.places(), here, format!("may be {name}")),
            Found::Gone(_) => comparison.tell(removed, found.places(), here, format!("is no longer {name}")),
        }
    }
}

fn media<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject) {
    let keys = [("example", "example-changed"), ("examples", "example-changed"), ("encoding", "encoding-changed")];
    comparison.keys(pair, &keys, here);
    comparison.others(pair, &["example", "examples", "encoding", "schema"], here);
    if let Some(schema) = inner(pair, "schema") {
        schemas::compare(comparison, schema, here, Site::Inline);
    } else {
        comparison.key(pair, "schema", ["schema-stated", "schema-dropped", "schema-changed"], here);
    }
}

/// Compares headers of responses, which have no Rust type.
fn headers<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject) {
    let places = |found: Option<Found<'a>>| found.map_or((None, None), Found::places);
    match found(pair, "headers") {
        Some(Found::Both(headers)) => {
            for (name, found) in both(headers) {
                let here = Subject { name: format!("{} header {name}", here.name), within: here.within };
                match found {
                    Found::New(_) => comparison.tell("answer-header-added", found.places(), &here, "is new"),
                    Found::Gone(_) => comparison.tell("answer-header-removed", found.places(), &here, "is gone"),
                    Found::Both(pair) => header(comparison, pair, &here),
                }
            }
        }
        new @ Some(Found::New(_)) => comparison.tell("answer-header-added", places(new), here, "has headers"),
        gone @ Some(Found::Gone(_)) => {
            comparison.tell("answer-header-removed", places(gone), here, "no longer has headers");
        }
        None => {}
    }
}

/// Compares a header.
pub(super) fn header<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject) {
    let Some(pair) = comparison.resolved(pair) else { return };
    if !comparison.is_first(pair, Use::default()) {
        return;
    }
    let words =
        [("description", "description-changed"), ("example", "example-changed"), ("examples", "example-changed")];
    comparison.keys(pair, &words, here);
    let known =
        ["required", "style", "explode", "content", "schema", "description", "example", "examples", "deprecated"];
    comparison.others(pair, &known, here);
    for key in ["required", "style", "explode", "content"] {
        comparison.key(pair, key, ["answer-header-changed"; 3], here);
    }
    if let Some(Pair { base, now }) = inner(pair, "schema")
        && !same(base, now)
    {
        comparison.tell("answer-header-changed", (Some(base.place), Some(now.place)), here, "has another type");
        comparison.rust(Class::DocumentationOnly, "headers have no Rust type");
    }
}
