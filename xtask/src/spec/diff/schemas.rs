//! Compares schemas.
//!
//! A component of both documents is compared once, at its definition, with all of its uses. Any other schema is
//! compared where it is used.

mod objects;
pub(super) mod types;
mod values;

use super::{
    change::Class,
    compare::{Comparison, Found, Pair, Pending, Subject, found, inner, same},
};
use thingspace_codegen::{check::SCHEMAS, load::Node};
use types::Site;

/// Compares two schemas. Skips a component, which is compared at its definition.
pub(super) fn compare<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject, site: Site) {
    let pair = match (alone(pair.base), alone(pair.now)) {
        (Some(base), None) if pair.now.get("allOf").is_none() => {
            wrapped(comparison, pair, here);
            Pair { base, ..pair }
        }
        (None, Some(now)) if pair.base.get("allOf").is_none() => {
            wrapped(comparison, pair, here);
            Pair { now, ..pair }
        }
        _ => pair,
    };
    let names = (pair.base.text_of("$ref"), pair.now.text_of("$ref"));
    let Some(target) = comparison.resolved(pair) else {
        if !same(pair.base, pair.now) {
            comparison.tell("schema-changed", pair.places(), here, "has a reference without a target");
        }
        return;
    };
    if names == (None, None) {
        one(comparison, pair, here, site);
        return;
    }
    match names {
        (Some(before), Some(after)) if is_renamed(comparison, before, after) => return,
        // The reference leads into a component.
        (before, after) if before == after => {}
        (before, after) => exchanged(comparison, pair, target, (before, after), here),
    }
    // Named after the target, so that names do not grow with the chain of references.
    let called = names.1.or(names.0).and_then(|name| name.strip_prefix(SCHEMAS)).unwrap_or(&here.name);
    let subject = Subject { name: called.to_owned(), within: here.within };
    comparison.pending.push(Pending { pair: target, subject, site });
}

/// The `$ref` of an `allOf` with one part and only documentation beside it.
fn alone(schema: &Node) -> Option<&Node> {
    let [part] = schema.get("allOf")?.items() else { return None };
    let is_alone = schema.entries().all(|(key, _)| key == "allOf" || WORDS.iter().any(|(word, _)| *word == key));
    (is_alone && part.get("$ref").is_some()).then_some(part)
}

/// Compares the documentation beside a `$ref` that gained or lost an `allOf` around it.
fn wrapped<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject) {
    if pair.base.get("$ref").is_some() || pair.now.get("$ref").is_some() {
        comparison.keys(pair, &WORDS, here);
    }
}

/// Reports a reference that is added, removed or changed.
fn exchanged<'a>(
    comparison: &mut Comparison<'a>,
    pair: Pair<'a>,
    target: Pair<'a>,
    names: (Option<&str>, Option<&str>),
    here: &Subject,
) {
    let name = |reference: Option<&str>| reference.map(|name| name.strip_prefix(SCHEMAS).unwrap_or(name).to_owned());
    let what = match (name(names.0), name(names.1)) {
        (Some(before), Some(after)) => format!("is {after}, which was {before}"),
        (None, Some(after)) => format!("is {after}, which was written out here"),
        (Some(before), None) => format!("is written out here, which was {before}"),
        (None, None) => "is another".to_owned(),
    };
    comparison.tell("reference-changed", pair.places(), here, what);
    let (before, after) = (types::name(pair.base, target.base), types::name(pair.now, target.now));
    comparison.types(&before, &after);
}

/// Whether two references lead to the same component, which is compared at its definition.
fn is_renamed(comparison: &Comparison<'_>, before: &str, after: &str) -> bool {
    let (Some(before), Some(after)) = (before.strip_prefix(SCHEMAS), after.strip_prefix(SCHEMAS)) else {
        return false;
    };
    before == after || comparison.renamed.get(before) == Some(&after)
}

/// Compares two schemas without references.
fn one<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject, site: Site) {
    if !comparison.is_first(pair, here.within) {
        return;
    }
    if pair.base.map().is_none() || pair.now.map().is_none() {
        if !same(pair.base, pair.now) {
            comparison.tell("schema-changed", pair.places(), here, "is another");
        }
        return;
    }
    words(comparison, pair, here, site);
    // Schemas of different types have no common keys.
    if values::kind(comparison, pair, here, site) {
        return;
    }
    values::compare(comparison, pair, here, site);
    objects::compare(comparison, pair, here, site);
    items(comparison, pair, here, site);
    for key in ["allOf", "oneOf", "anyOf"] {
        parts(comparison, pair, key, here);
    }
    comparison.key(pair, "not", ["not-changed"; 3], here);
    comparison.key(pair, "discriminator", ["discriminator-changed"; 3], here);
    comparison.others(pair, &KNOWN, here);
}

/// Keys with rules of their own.
const KNOWN: [&str; 35] = [
    "title",
    "multipleOf",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "maxProperties",
    "minProperties",
    "required",
    "enum",
    "type",
    "allOf",
    "oneOf",
    "anyOf",
    "not",
    "items",
    "properties",
    "additionalProperties",
    "description",
    "format",
    "default",
    "nullable",
    "discriminator",
    "readOnly",
    "writeOnly",
    "xml",
    "externalDocs",
    "example",
    "deprecated",
];

/// Compares documentation.
const WORDS: [(&str, &str); 4] = [
    ("description", "description-changed"),
    ("example", "example-changed"),
    ("externalDocs", "external-docs-changed"),
    ("xml", "xml-changed"),
];

fn words<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject, site: Site) {
    comparison.keys(pair, &WORDS, here);
    let is_renamed_title = comparison.key(pair, "title", ["title-changed"; 3], here);
    // A component names its type; an inline type is named after its title.
    if is_renamed_title && !matches!(site, Site::Component) && types::is_named(pair.now) {
        comparison.rust(Class::Breaking, "the type is named after its title, and the name changes");
    }
    comparison.flag(pair, "readOnly", ["made-read-only", "no-longer-read-only"], here);
    comparison.flag(pair, "writeOnly", ["made-write-only", "no-longer-write-only"], here);
}

fn items<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject, site: Site) {
    if let Some(items) = inner(pair, "items") {
        let here = Subject { name: format!("{}[]", here.name), within: here.within };
        compare(comparison, items, &here, Site::Inline);
    } else {
        comparison.key(pair, "items", ["schema-stated", "schema-dropped", "schema-changed"], here);
    }
    if comparison.flag(pair, "uniqueItems", ["items-made-unique", "items-may-repeat"], here) {
        types::judge(comparison, pair, site);
    }
}

/// Compares the parts of a combined schema: matched by reference or title, by content, then by order.
fn parts<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, key: &str, here: &Subject) {
    let parts = match found(pair, key) {
        Some(Found::Both(parts)) => parts,
        Some(_) => {
            comparison.key(pair, key, ["combination-added", "combination-removed", "schema-changed"], here);
            return;
        }
        None => return,
    };
    let (added, removed) =
        if key == "allOf" { ("part-added", "part-removed") } else { ("variant-added", "variant-removed") };
    let (mut before, mut after): (Vec<&Node>, Vec<&Node>) =
        (parts.base.items().iter().collect(), parts.now.items().iter().collect());
    let name = |part: &Node| part.text_of("$ref").or_else(|| part.text_of("title")).map(str::to_owned);
    let mut matched = Vec::new();
    for is_match in [
        (&|base: &Node, now: &Node| name(base).is_some() && name(base) == name(now)) as &dyn Fn(&Node, &Node) -> bool,
        &|base, now| same(base, now),
    ] {
        after.retain(|now| match before.iter().position(|base| is_match(base, now)) {
            Some(index) => {
                matched.push(Pair { base: before.remove(index), now });
                false
            }
            None => true,
        });
    }
    // If the same number of parts was removed and added, each new part replaces an old one.
    if before.len() == after.len() {
        matched.extend(before.drain(..).zip(after.drain(..)).map(|(base, now)| Pair { base, now }));
    }
    matched.sort_by_key(|part| part.now.place);
    if key != "allOf" && !matched.is_sorted_by_key(|part| part.base.place) {
        let places = (Some(parts.base.place), Some(parts.now.place));
        comparison.tell("variants-reordered", places, here, format!("has its {key} in another order"));
    }
    for (index, part) in matched.into_iter().enumerate() {
        compare(comparison, part, &here.part(&format!("{key}[{index}]")), Site::Inline);
    }
    let label = |part: &Node| name(part).map_or_else(String::new, |name| name.replace(SCHEMAS, " "));
    for now in after {
        comparison.tell(added, (None, Some(now.place)), here, format!("has one more in {key}{}", label(now)));
    }
    for base in before {
        comparison.tell(removed, (Some(base.place), None), here, format!("has one less in {key}{}", label(base)));
    }
}
