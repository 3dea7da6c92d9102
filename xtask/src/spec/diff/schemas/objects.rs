//! Compares the properties of an object: defined, required and additional ones.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        change::Class,
        compare::{Comparison, Found, Pair, Subject, both, found},
    },
    compare as schema,
    types::{self, Site},
};
use thingspace_codegen::{
    Place,
    load::{Kind, Node},
};

pub(super) fn compare<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject, site: Site) {
    let (before, after) = (required_of(pair.base), required_of(pair.now));
    let properties = properties(pair);
    let renamed = renamed(&properties).filter(|[(old, _), (new, _)]| {
        extra(pair.base) != Extra::Forbidden && before.contains_key(old) == after.contains_key(new)
    });
    let mut known = BTreeSet::new();
    for (name, property) in properties {
        known.insert(name);
        let here = here.part(name);
        let (was, is) = (before.get(name).copied(), after.get(name).copied());
        match property {
            Found::Both(property) => {
                requirement(comparison, property, (was, is), &here);
                schema(comparison, property, &here, Site::Field { base: was.is_none(), now: is.is_none() });
            }
            // Reported with the old name.
            Found::New(_) if renamed.is_some_and(|[_, (new, _)]| name == new) => {}
            Found::New(_) => {
                let (rule, what) = match is {
                    Some(_) => ("required-property-added", "is new, and required"),
                    None if extra(pair.base) == Extra::Forbidden => {
                        ("unexpected-property-added", "is new, and clients built before reject unknown properties")
                    }
                    None => ("optional-property-added", "is new"),
                };
                comparison.tell(rule, property.places(), &here, what);
            }
            Found::Gone(_) => {
                let rule = if was.is_some() { "required-property-removed" } else { "optional-property-removed" };
                if let Some([(_, was), (new, is)]) = renamed.filter(|[(old, _), _]| name == *old) {
                    let what = format!("is gone; {new} is new beside it and of the same type: was it renamed?");
                    comparison.tell(rule, (Some(was), Some(is)), &here, what);
                } else {
                    comparison.tell(rule, property.places(), &here, "is gone");
                }
            }
        }
    }
    // One part of an allOf may require a property of another part.
    let elsewhere: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    for name in elsewhere.difference(&known) {
        let places = (before.get(name).copied(), after.get(name).copied());
        let here = here.part(name);
        match places {
            (None, Some(_)) => comparison.tell("property-made-required", places, &here, "is required"),
            (Some(_), None) => comparison.tell("property-made-optional", places, &here, "may be left out"),
            _ => continue,
        }
        comparison.rust(Class::Breaking, "the field becomes another type");
    }
    others(comparison, pair, here, site);
}

/// The old and the new name of a renamed property, with the places: exactly one property is gone, and one is new.
fn renamed<'a>(properties: &[(&'a str, Found<'a>)]) -> Option<[(&'a str, Place); 2]> {
    let mut others = properties.iter().filter(|(_, property)| !matches!(property, Found::Both(_)));
    let (mut gone, mut new) = (None, None);
    for (name, property) in others.by_ref().take(2) {
        match property {
            Found::Gone(entry) => gone = Some((*name, entry)),
            Found::New(entry) => new = Some((*name, entry)),
            Found::Both(_) => {}
        }
    }
    let ((old, before), (new, after)) = gone.zip(new).filter(|_| others.next().is_none())?;
    let is_same = types::name(&before.value, &before.value) == types::name(&after.value, &after.value);
    is_same.then_some([(old, before.key), (new, after.key)])
}

/// The names of the required properties, with their places.
fn required_of(schema: &Node) -> BTreeMap<&str, Place> {
    let items = schema.get("required").map(Node::items).unwrap_or_default();
    items.iter().filter_map(|item| Some((item.text()?, item.place))).collect()
}

fn properties(pair: Pair<'_>) -> Vec<(&str, Found<'_>)> {
    match found(pair, "properties") {
        Some(Found::Both(pair)) => both(pair).collect(),
        Some(Found::New(entry)) => entry.value.entries().map(|(name, entry)| (name, Found::New(entry))).collect(),
        Some(Found::Gone(entry)) => entry.value.entries().map(|(name, entry)| (name, Found::Gone(entry))).collect(),
        None => Vec::new(),
    }
}

/// Reports a property that became required or optional.
fn requirement<'a>(
    comparison: &mut Comparison<'a>,
    property: Pair<'a>,
    (was, is): (Option<Place>, Option<Place>),
    here: &Subject,
) {
    let places = (was.or(Some(property.base.place)), is.or(Some(property.now.place)));
    match (was, is) {
        (None, Some(_)) => comparison.tell("property-made-required", places, here, "is required"),
        (Some(_), None) => comparison.tell("property-made-optional", places, here, "may be left out"),
        _ => return,
    }
    // A reference has its own type, independent of the target.
    types::judge(comparison, property, Site::Field { base: was.is_none(), now: is.is_none() });
}

/// Additional properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extra {
    Forbidden,
    Typed,
    Anything,
}

fn extra(schema: &Node) -> Extra {
    match schema.get("additionalProperties").map(|extra| &extra.kind) {
        Some(Kind::Scalar(value)) if value.as_bool() == Some(false) => Extra::Forbidden,
        Some(Kind::Map(_)) => Extra::Typed,
        _ => Extra::Anything,
    }
}

fn others<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject, site: Site) {
    let place = |node: &Node| Some(node.entry("additionalProperties").map_or(node.place, |entry| entry.key));
    let places = (place(pair.base), place(pair.now));
    let (rule, what) = match (extra(pair.base), extra(pair.now)) {
        (Extra::Typed, Extra::Typed) => {
            if let Some(Found::Both(extra)) = found(pair, "additionalProperties") {
                schema(comparison, extra, &here.part("*"), Site::Inline);
            }
            return;
        }
        (Extra::Forbidden, Extra::Forbidden) | (Extra::Anything, Extra::Anything) => return,
        (_, Extra::Forbidden) => ("extra-properties-forbidden", "may have no other properties"),
        (Extra::Forbidden, _) => ("extra-properties-allowed", "may have other properties"),
        (_, Extra::Typed) => ("extra-properties-typed", "sets a type for other properties"),
        (Extra::Typed, _) => ("extra-properties-untyped", "no longer sets a type for other properties"),
    };
    comparison.tell(rule, places, here, what);
    types::judge(comparison, pair, site);
}
