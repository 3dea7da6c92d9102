//! Schemas that are made of others: `allOf`, `oneOf`, `anyOf`, `not`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    super::{
        finding::{Finding, Place},
        load::Node,
    },
    Context,
    shape::Shape,
};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for schema in context.objects.all(Shape::Schema) {
        for key in ["allOf", "oneOf", "anyOf"] {
            let Some(entry) = schema.entry(key) else { continue };
            if entry.value.items().is_empty() {
                findings.push(Finding::new(
                    "empty-composition",
                    entry.key,
                    format!("{key} of nothing"),
                    format!("write the schemas that it is made of, or remove {key}:"),
                ));
            }
            if key != "allOf" {
                twice(&entry.value, key, findings);
            }
        }
        conflict(context, schema, findings);
        if let Some(entry) = schema.entry("not") {
            findings.push(Finding::new(
                "unsupported-not",
                entry.key,
                "no type can be made of what something is not",
                "leave not: out and say it in description:",
            ));
        }
        if let Some(entry) = schema.entry("discriminator") {
            findings.push(Finding::new(
                "ignored-discriminator",
                entry.key,
                "nothing reads a discriminator: the first schema that fits would be taken",
                "remove it, and give each schema of the choice a required property with an enum of one value",
            ));
        }
    }
}

fn twice(choices: &Node, key: &str, findings: &mut Vec<Finding>) {
    let mut seen: Vec<(Value, Place)> = Vec::new();
    for item in choices.items() {
        let value = item.value();
        if let Some((_, first)) = seen.iter().find(|(known, _)| *known == value) {
            findings.push(Finding::new(
                "duplicate-choice",
                item.place,
                format!("{key} has this schema at line {} already", first.line),
                "remove one of the two",
            ));
        }
        seen.push((value, item.place));
    }
}

/// A schema that no value fits, because two parts of its `allOf` want different types.
fn conflict(context: &Context<'_>, schema: &Node, findings: &mut Vec<Finding>) {
    let (mut types, mut of_properties) = (Vec::new(), BTreeMap::<&str, Vec<(&str, Place)>>::new());
    for part in schema.get("allOf").map(Node::items).unwrap_or_default() {
        let Some(resolved) = context.resolved(part) else { continue };
        types.extend(resolved.text_of("type").map(|of| (of, part.place)));
        for (name, property) in resolved.get("properties").into_iter().flat_map(Node::entries) {
            let of = context.resolved(&property.value).and_then(|property| property.text_of("type"));
            of_properties.entry(name).or_default().extend(of.map(|of| (of, part.place)));
        }
    }
    let mut told = |what: &str, types: &[(&str, Place)]| {
        let number = |of| matches!(of, "integer" | "number");
        let Some((first, rest)) = types.split_first() else { return };
        let other = rest.iter().find(|(of, _)| *of != first.0 && !(number(*of) && number(first.0)));
        if let Some((of, place)) = other {
            findings.push(Finding::new(
                "conflicting-parts",
                *place,
                format!("{what} cannot be {of} here and {} at line {}", first.0, first.1.line),
                "give both the same type, or write a oneOf: if it is the one or the other",
            ));
        }
    };
    told("a value", &types);
    for (name, types) in &of_properties {
        told(name, types);
    }
}
