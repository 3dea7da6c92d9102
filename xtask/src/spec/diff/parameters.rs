//! Compares the parameters of an operation by name and place.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    change::{Class, Use},
    compare::{Comparison, Pair, Subject, inner},
    operations::Both,
    schemas::{self, types::Site},
};
use thingspace_codegen::{
    check::{Described, names, resolved},
    load::Node,
};

/// Place and name of a parameter. Names of headers are in lower case, because HTTP ignores their case.
type Key<'a> = (&'a str, Cow<'a, str>);

/// `renamed` has the path parameters with another name at the same place.
pub(super) fn compare<'a>(
    comparison: &mut Comparison<'a>,
    Both { base, now }: Both<'a>,
    renamed: &BTreeMap<&'a str, &'a str>,
    here: &Subject,
) {
    let new_name = |(within, name): Key<'a>| match renamed.get(&*name) {
        Some(name) if within == "path" => (within, Cow::Borrowed(*name)),
        _ => (within, name),
    };
    let before = of(comparison.documents.base, &base);
    let mut before: BTreeMap<Key<'_>, &Node> = before.into_iter().map(|(key, node)| (new_name(key), node)).collect();
    let (mut new, mut left) = (Vec::new(), of(comparison.documents.now, &now));
    left.retain(|key, now| match before.remove(key) {
        Some(base) => {
            new.push((key.clone(), Some(base), *now));
            false
        }
        None => true,
    });
    for (key, now) in left {
        let moved = before.keys().find(|(_, name)| *name == key.1).cloned();
        new.push((key, moved.and_then(|key| before.remove(&key)), now));
    }
    for (key, base, now) in new {
        let here = subject(here, &key, now);
        match base {
            Some(base) => one(comparison, Pair { base, now }, &here),
            None if now.is("required") => {
                comparison.tell("required-parameter-added", (None, Some(now.place)), &here, "is new, and required");
            }
            None => comparison.tell("optional-parameter-added", (None, Some(now.place)), &here, "is new"),
        }
    }
    for (key, base) in before {
        comparison.tell("parameter-removed", (Some(base.place), None), &subject(here, &key, base), "is gone");
    }
}

fn subject(operation: &Subject, (within, name): &Key<'_>, parameter: &Node) -> Subject {
    let name = if *within == "header" { parameter.text_of("name").unwrap_or(name) } else { name };
    Subject { name: format!("{}: {within} parameter {name}", operation.name), within: Use::SENT }
}

/// The parameters of a path, overridden by those of the operation.
fn of<'a>(document: &'a Node, operation: &Described<'a>) -> BTreeMap<Key<'a>, &'a Node> {
    let listed = [operation.item, operation.node].into_iter().filter_map(|holder| holder.get("parameters"));
    let listed = listed.flat_map(Node::items).filter_map(|parameter| resolved(document, parameter));
    let key = |parameter: &'a Node| {
        let (within, name) = parameter.text_of("in").zip(parameter.text_of("name"))?;
        Some((within, if within == "header" { name.to_ascii_lowercase().into() } else { name.into() }))
    };
    listed.filter_map(|parameter| Some((key(parameter)?, parameter))).collect()
}

/// Reports a header name that differs only in case.
fn respelled<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject) {
    let Some((before, after)) = pair.base.text_of("name").zip(pair.now.text_of("name")) else { return };
    let is_header = pair.base.text_of("in") == Some("header") && pair.now.text_of("in") == Some("header");
    if !is_header || !before.eq_ignore_ascii_case(after) {
        return;
    }
    if comparison.key(pair, "name", ["header-respelled"; 3], here)
        && names::field_name(before) != names::field_name(after)
    {
        comparison.rust(Class::Breaking, "the setter has another name");
    }
}

/// Compares a parameter.
pub(super) fn one<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject) {
    let Some(pair) = comparison.resolved(pair) else { return };
    if !comparison.is_first(pair, Use::default()) {
        return;
    }
    let here = &Subject { name: here.name.clone(), within: Use::SENT };
    comparison.key(pair, "in", ["parameter-moved"; 3], here);
    respelled(comparison, pair, here);
    comparison.flag(pair, "required", ["parameter-made-required", "parameter-made-optional"], here);
    for key in ["style", "explode", "allowReserved", "allowEmptyValue", "content"] {
        comparison.key(pair, key, ["parameter-style-changed"; 3], here);
    }
    let words =
        [("description", "description-changed"), ("example", "example-changed"), ("examples", "example-changed")];
    comparison.keys(pair, &words, here);
    if let Some(schema) = inner(pair, "schema") {
        schemas::compare(comparison, schema, here, Site::Setter);
    } else {
        comparison.key(pair, "schema", ["schema-stated", "schema-dropped", "schema-changed"], here);
    }
    let known = [
        "name",
        "in",
        "required",
        "style",
        "explode",
        "allowReserved",
        "allowEmptyValue",
        "content",
        "description",
        "example",
        "examples",
        "schema",
        "deprecated",
    ];
    comparison.others(pair, &known, here);
}
