//! Checks composed schemas: `allOf`, `oneOf`, `anyOf`, `not`.

mod discriminators;

use std::collections::BTreeMap;

use super::{
    super::{
        finding::{Finding, Place},
        load::Node,
    },
    COMPOSED, Context,
    shape::Shape,
};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for schema in context.objects.all(Shape::Schema) {
        for key in COMPOSED {
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
    }
    discriminators::check(context, findings);
}

fn twice(choices: &Node, key: &str, findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<String, Place> = BTreeMap::new();
    for item in choices.items() {
        let first = *seen.entry(item.value().to_string()).or_insert(item.place);
        if first != item.place {
            findings.push(Finding::new(
                "duplicate-choice",
                item.place,
                format!("{key} has this schema at line {} already", first.line),
                "remove one of the two",
            ));
        }
    }
}

/// Reports an `allOf` whose parts contradict one another, so that no value fits.
fn conflict<'a>(context: &Context<'a>, schema: &'a Node, findings: &mut Vec<Finding>) {
    let Some(parts) = schema.get("allOf") else { return };
    let own = schema.entry("properties").or_else(|| schema.entry("type")).map_or(schema.place, |entry| entry.key);
    let mut all = vec![Part { of: schema, part: own }];
    for part in parts.items() {
        all.extend(context.merged(part).into_iter().map(|of| Part { of, part: part.place }));
    }
    contradictions("a value", &all, findings);
    let mut properties: BTreeMap<&str, Vec<Part<'_>>> = BTreeMap::new();
    for Part { of, part } in &all {
        for (name, entry) in of.get("properties").into_iter().flat_map(Node::entries) {
            let of = context.resolved(&entry.value);
            properties.entry(name).or_default().extend(of.map(|of| Part { of, part: *part }));
        }
    }
    for (name, parts) in &properties {
        contradictions(name, parts, findings);
    }
    for one in &all {
        closed(one, &properties, findings);
    }
}

/// A schema, and the part of the `allOf` that contains it.
#[derive(Clone, Copy)]
struct Part<'a> {
    of: &'a Node,
    part: Place,
}

/// Reports schemas that no value fits at the same time.
fn contradictions(what: &str, parts: &[Part<'_>], findings: &mut Vec<Finding>) {
    let line = |one: &Part<'_>| one.part.line;
    let mut types = parts.iter().filter_map(|one| Some((one, one.of.text_of("type")?)));
    let number = |of| matches!(of, "integer" | "number");
    if let Some((first, of)) = types.next()
        && let Some((other, another)) = types.find(|(_, other)| *other != of && !(number(*other) && number(of)))
    {
        findings.push(Finding::new(
            "conflicting-parts",
            other.part,
            format!("{what} cannot be {another} here and {of} at line {}", line(first)),
            "give both the same type, or write a oneOf: if it is the one or the other",
        ));
        return;
    }
    let values = |one: &Part<'_>| one.of.get("enum").map(|values| values.items().iter().map(Node::value).collect());
    let mut listed = parts.iter().filter_map(|one| Some((one, values(one).filter(|all: &Vec<_>| !all.is_empty())?)));
    if let Some((first, known)) = listed.next()
        && let Some((other, _)) = listed.find(|(_, values)| !values.iter().any(|value| known.contains(value)))
    {
        findings.push(Finding::new(
            "conflicting-parts",
            other.part,
            format!("{what} cannot be one of the values here and one of those at line {}", line(first)),
            "give both enum: a value in common, or write a oneOf: if it is the one or the other",
        ));
    }
}

/// Reports a closed part that refuses a property of another part.
fn closed(one: &Part<'_>, properties: &BTreeMap<&str, Vec<Part<'_>>>, findings: &mut Vec<Finding>) {
    let Some(entry) = one.of.entry("additionalProperties").filter(|entry| entry.value.value() == false) else { return };
    let is_known = |name: &str| one.of.get("properties").is_some_and(|properties| properties.get(name).is_some());
    let refused = properties.iter().find(|(name, _)| !is_known(name));
    if let Some((name, first)) = refused.and_then(|(name, parts)| Some((name, parts.first()?))) {
        findings.push(Finding::new(
            "conflicting-parts",
            first.part,
            format!("{name} is refused by additionalProperties: false at line {}", entry.key.line),
            "leave additionalProperties: false out, or write all properties into one schema",
        ));
    }
}
