//! Checks schemas: types, formats, limits and required properties.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    super::{
        finding::{Finding, Level, Place},
        load::{Kind, Node},
    },
    Context,
    crates::Crates,
    names, parts,
    shape::Shape,
};

pub(super) const TYPES: [&str; 6] = ["string", "number", "integer", "boolean", "array", "object"];

/// The known formats of each type, from OpenAPI and JSON Schema.
const FORMATS: [(&str, &[&str]); 3] = [
    (
        "string",
        &[
            "byte",
            "binary",
            "date",
            "date-time",
            "password",
            "uuid",
            "ip",
            "ipv4",
            "ipv6",
            "email",
            "hostname",
            "uri",
            "uri-reference",
            "time",
            "duration",
            "regex",
            "json-pointer",
        ],
    ),
    ("integer", &["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "uint"]),
    ("number", &["float", "double"]),
];

/// Formats whose Rust type cannot have a pattern.
pub(super) const TYPED: [&str; 7] = ["date", "date-time", "ip", "ipv4", "ipv6", "password", "uuid"];

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let (mut crates, wholes, undecoded) = (Crates::of(context.manifest), wholes(context), undecoded(context));
    let beside = items_beside(context);
    for schema in context.objects.all(Shape::Schema) {
        let is_decoded = !undecoded.contains(&schema.place);
        kind(schema, beside.get(&schema.place).copied(), findings);
        format(schema, is_decoded, &mut crates, findings);
        pattern(schema, is_decoded, &mut crates, findings);
        required(context, schema, wholes.get(&schema.place).copied().unwrap_or(schema), findings);
        length(schema, findings);
        bounds(schema, findings);
    }
}

/// The schemas that do not become types: those of response headers, and of bodies that are returned undecoded.
fn undecoded(context: &Context<'_>) -> BTreeSet<Place> {
    let headers = context.objects.all(Shape::Header).filter_map(|header| header.get("schema"));
    let bodies = context.objects.all(Shape::Response).filter_map(|response| response.get("content"));
    let raw = bodies.flat_map(Node::entries).filter(|(name, _)| !name.contains("json"));
    let mut next: Vec<&Node> = headers.chain(raw.filter_map(|(_, media)| media.value.get("schema"))).collect();
    let mut found = BTreeSet::new();
    while let Some(schema) = next.pop() {
        found.insert(schema.place);
        next.extend(schema.entries().map(|(_, entry)| &entry.value).chain(schema.items()));
    }
    found
}

/// The properties before a property named `items`, with its line: `items` may belong to the property before it.
fn items_beside(context: &Context<'_>) -> BTreeMap<Place, u64> {
    let mut beside = BTreeMap::new();
    for properties in context.objects.all(Shape::Schema).filter_map(|schema| schema.get("properties")) {
        let mut before = None;
        for (name, entry) in properties.entries() {
            if let Some(before) = before.replace(entry.value.place).filter(|_| name == "items") {
                beside.insert(before, entry.key.line);
            }
        }
    }
    beside
}

fn kind(schema: &Node, beside: Option<u64>, findings: &mut Vec<Finding>) {
    let Some(stated) = schema.get("type") else { return };
    // A type that is no text already has a finding.
    let Some(text) = stated.text() else { return };
    if !TYPES.contains(&text) {
        let types = "rite string, number, integer, boolean, array or object";
        let help = match names::nearest(text, TYPES) {
            _ if text == "null" => "write nullable: true beside the type".to_owned(),
            Some(near) => format!("did you mean {near}? W{types}"),
            None => format!("w{types}"),
        };
        findings.push(Finding::new("unknown-type", stated.place, format!("there is no type {text}"), help));
    } else if text == "array" && schema.get("items").is_none() {
        // The list may hold anything.
        findings.push(Finding::warning(
            "missing-items",
            stated.place,
            "this list does not say what it holds",
            beside.map_or_else(
                || "write items: with a type beside it".to_owned(),
                |line| format!("move items: of line {line} further right; there it is a property beside this list"),
            ),
        ));
    }
}

/// The greatest fixed length of a list for which a Rust type exists.
const MAX_FIXED_LENGTH: u64 = 32;

fn length(schema: &Node, findings: &mut Vec<Finding>) {
    let bound = |key: &str| schema.get(key).and_then(|bound| Some((bound.place, bound.value().as_u64()?)));
    if let (Some((_, least)), Some((place, most))) = (bound("minItems"), bound("maxItems"))
        && least == most
        && most > MAX_FIXED_LENGTH
    {
        findings.push(Finding::new(
            "unsupported-length",
            place,
            format!("there is no type for a list of exactly {most}"),
            format!("leave maxItems out, or write at most {MAX_FIXED_LENGTH}"),
        ));
    }
}

fn format(schema: &Node, is_decoded: bool, crates: &mut Crates, findings: &mut Vec<Finding>) {
    let Some(format) = schema.get("format") else { return };
    let Some(of) = schema.text_of("type") else {
        let is_password = format.text().is_some_and(|text| text.eq_ignore_ascii_case("password"));
        if schema.get("type").is_none() && !is_password {
            findings.push(Finding::new(
                "missing-type",
                format.place,
                "format: says more of a type, and there is none",
                "write type: beside it, such as type: string",
            ));
        }
        return;
    };
    let Some(text) = format.text().filter(|text| !text.eq_ignore_ascii_case("password")) else { return };
    let known = FORMATS.iter().find(|(kind, _)| *kind == of).map(|(_, known)| *known).unwrap_or_default();
    if !known.contains(&text) {
        let help = match (FORMATS.iter().find(|(_, known)| known.contains(&text)), known) {
            (Some((kind, _)), _) => format!("it belongs to type: {kind}"),
            (None, []) => "leave it out".to_owned(),
            // OpenAPI allows any format. Only a format similar to a known one is a mistake.
            (None, known) => match names::nearest(text, known.iter().copied()).filter(|near| is_slip(text, near)) {
                Some(near) => format!("did you mean {near}? Write that, or leave it out"),
                None => return,
            },
        };
        let message = format!("there is no format {text} of {of}");
        // An unknown format has no effect: see adapt.rs.
        findings.push(Finding::warning("unknown-format", format.place, message, help));
    } else if of == "string" && is_decoded && schema.get("enum").is_none() {
        findings.extend(crates.lacking(text, format.place));
    }
}

/// Whether two formats differ only in case and punctuation, or in one letter.
fn is_slip(written: &str, known: &str) -> bool {
    let letters =
        |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let (written, known) = (letters(written), letters(known));
    written == known
        || known.len() > 4
            && !known.ends_with(|last: char| last.is_ascii_digit())
            && strsim::damerau_levenshtein(&written, &known) <= 1
}

fn pattern(schema: &Node, is_decoded: bool, crates: &mut Crates, findings: &mut Vec<Finding>) {
    let Some((pattern, text)) = schema.get("pattern").and_then(|pattern| Some((pattern, pattern.text()?))) else {
        return;
    };
    if let Err(error) = regress::Regex::new(text) {
        findings.push(Finding::new(
            "invalid-pattern",
            pattern.place,
            format!("this is no regular expression: {error}"),
            "write one as JavaScript (ECMA-262) reads it",
        ));
    } else if schema.text_of("type") == Some("string")
        && is_decoded
        && schema.get("enum").is_none()
        && schema.text_of("format").is_none_or(|format| !TYPED.contains(&format))
    {
        findings.extend(crates.lacking("pattern", pattern.place));
    }
}

/// The schema that each part belongs to: a part may require properties of its siblings.
pub(super) fn wholes<'a>(context: &Context<'a>) -> BTreeMap<Place, &'a Node> {
    let mut wholes = BTreeMap::new();
    for schema in context.objects.all(Shape::Schema) {
        // A whole comes before its parts.
        let whole = wholes.get(&schema.place).copied().unwrap_or(schema);
        wholes.extend(parts(schema).map(|part| (part.place, whole)));
    }
    wholes
}

fn required(context: &Context<'_>, schema: &Node, whole: &Node, findings: &mut Vec<Finding>) {
    let Some(required) = schema.get("required").filter(|required| matches!(required.kind, Kind::List(_))) else {
        return;
    };
    let mut known = BTreeSet::new();
    let is_closed = properties(context, whole, usize::from(whole.place != schema.place), &mut known);
    let refuses = |schema: &Node| schema.get("additionalProperties").is_some_and(|others| others.value() == false);
    let refuses = context.merged(whole).into_iter().chain([schema]).any(refuses);
    let mut seen = BTreeSet::new();
    for item in required.items() {
        let Some(name) = item.text() else { continue };
        if !seen.insert(name) {
            // The order and number of names do not matter.
            findings.push(Finding::warning(
                "duplicate-required",
                item.place,
                format!("{name} is required twice"),
                "remove one of the two",
            ));
        }
        if is_closed && !known.contains(name) {
            let finding = Finding::new(
                "undefined-required",
                item.place,
                format!("{name} is required, but there is no such property"),
                names::nearest(name, known.iter().copied()).map_or_else(
                    || format!("add {name} to properties, or remove it here"),
                    |near| format!("did you mean {near}? Otherwise add {name} to properties, or remove it here"),
                ),
            );
            // The property may be anything, unless the schema forbids other properties.
            let field = names::member_name(name);
            let others = known.iter().copied().chain(seen.iter().copied().filter(|other| *other != name));
            let is_taken = others.map(names::member_name).any(|other| other == field) || field == names::REST;
            let level = if refuses || is_taken { Level::Error } else { Level::Warning };
            findings.push(Finding { level, ..finding });
        }
    }
}

/// Collects the properties of a schema and its parts. Returns `false` if the schema allows others explicitly.
fn properties<'a>(context: &Context<'a>, schema: &'a Node, depth: usize, known: &mut BTreeSet<&'a str>) -> bool {
    let Some(schema) = context.resolved(schema).filter(|_| depth < 16) else { return false };
    known.extend(schema.get("properties").into_iter().flat_map(Node::entries).map(|(name, _)| name));
    if schema.get("additionalProperties").is_some_and(|others| others.value() != false) {
        return false;
    }
    parts(schema).all(|part| properties(context, part, depth + 1, known))
        && (depth > 0 || schema.get("properties").is_some() || schema.text_of("type") == Some("object"))
}

/// Whether the value fits the generator's type for counts.
fn is_count(value: &Value) -> bool {
    value.as_u64().is_some_and(|count| u32::try_from(count).is_ok())
}

fn bounds(schema: &Node, findings: &mut Vec<Finding>) {
    for (least, most) in [
        ("minimum", "maximum"),
        ("minLength", "maxLength"),
        ("minItems", "maxItems"),
        ("minProperties", "maxProperties"),
    ] {
        let number = |key: &str| schema.get(key).map(Node::value).as_ref().and_then(Value::as_f64);
        if let (Some(low), Some(high), Some(node)) = (number(least), number(most), schema.get(most))
            && low > high
        {
            findings.push(Finding::new(
                "empty-range",
                node.place,
                format!("no value lies between {least} {low} and {most} {high}"),
                format!("write a {most} that is not below {least}"),
            ));
        }
        for key in [least, most].into_iter().filter(|key| key.len() > 7) {
            if let Some(node) = schema.get(key).filter(|node| node.value().is_number() && !is_count(&node.value())) {
                findings.push(Finding::new(
                    "wrong-kind",
                    node.place,
                    format!("{key} counts, and this is no count"),
                    format!("write a whole number from 0 to {}", u32::MAX),
                ));
            }
        }
    }
    if let Some(step) = schema.get("multipleOf").filter(|step| step.value().as_f64().is_some_and(|step| step <= 0.0)) {
        findings.push(Finding::new(
            "wrong-kind",
            step.place,
            "nothing is a multiple of this",
            "write a number above 0, or leave multipleOf: out",
        ));
    }
    for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if let Some(entry) = schema.entry(flag).filter(|_| schema.is(flag) && schema.get(bound).is_none()) {
            // The flag has no effect, and adapt.rs removes it.
            findings.push(Finding::warning(
                "missing-bound",
                entry.key,
                format!("{flag} says something of {bound}, which is not there"),
                format!("write {bound}: beside it, or remove it"),
            ));
        }
    }
}
