//! What a schema says of values.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    super::{
        finding::Finding,
        load::{Kind, Node},
    },
    Context,
    shape::Shape,
};

const TYPES: [&str; 6] = ["string", "number", "integer", "boolean", "array", "object"];

/// The formats that are known, and of what: those of OpenAPI and of JSON Schema.
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

/// What a generated type needs a crate for, and the line that adds it.
const CRATES: [(&str, &[&str], &str); 2] = [
    (
        "chrono",
        &["date", "date-time"],
        "chrono = { version = \"0.4\", default-features = false, features = [\"serde\", \"std\"] }",
    ),
    ("uuid", &["uuid"], "uuid = { version = \"1\", features = [\"serde\"] }"),
];
const REGRESS: &str = "regress = \"0.12\"";

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let crates = Crates::of(context.manifest);
    for schema in context.objects.all(Shape::Schema) {
        kind(schema, findings);
        format(schema, &crates, findings);
        pattern(schema, &crates, findings);
        required(context, schema, findings);
        values(schema, findings);
        bounds(schema, findings);
    }
}

fn kind(schema: &Node, findings: &mut Vec<Finding>) {
    let Some(stated) = schema.get("type") else { return };
    // What is no text has been told of already.
    let Some(text) = stated.text() else { return };
    if !TYPES.contains(&text) {
        let help = if text == "null" {
            "write nullable: true beside the type"
        } else {
            "write string, number, integer, boolean, array or object"
        };
        findings.push(Finding::new("unknown-type", stated.place, format!("there is no type {text}"), help));
    } else if text == "array" && schema.get("items").is_none() {
        findings.push(Finding::new(
            "missing-items",
            stated.place,
            "this list does not say what it holds",
            "write items: with a type beside it",
        ));
    }
}

fn format(schema: &Node, crates: &Crates, findings: &mut Vec<Finding>) {
    let (Some(format), Some(of)) = (schema.get("format"), schema.text_of("type")) else { return };
    let Some(text) = format.text().filter(|text| !text.eq_ignore_ascii_case("password")) else { return };
    let known = FORMATS.iter().find(|(kind, _)| *kind == of).map(|(_, known)| *known).unwrap_or_default();
    if !known.contains(&text) {
        let help = match (FORMATS.iter().find(|(_, known)| known.contains(&text)), known) {
            (Some((kind, _)), _) => format!("it belongs to type: {kind}"),
            (None, []) => "leave it out".to_owned(),
            (None, known) => format!("write one of {}, or leave it out", known.join(", ")),
        };
        findings.push(Finding::new("unknown-format", format.place, format!("there is no format {text} of {of}"), help));
    } else if of == "string"
        && schema.get("enum").is_none()
        && let Some((name, _, line)) = CRATES.iter().find(|(_, formats, _)| formats.contains(&text))
    {
        crates.need(name, line, format, &format!("format: {text}"), findings);
    }
}

fn pattern(schema: &Node, crates: &Crates, findings: &mut Vec<Finding>) {
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
    } else if schema.text_of("type") == Some("string") && schema.get("format").is_none() && schema.get("enum").is_none()
    {
        crates.need("regress", REGRESS, pattern, "pattern:", findings);
    }
}

/// What `Cargo.toml` holds.
struct Crates(Option<BTreeSet<String>>);

impl Crates {
    fn of(manifest: &str) -> Self {
        // If it cannot be read, cargo tells why.
        let table: Option<toml::Table> = manifest.parse().ok();
        let dependencies = table.and_then(|table| Some(table.get("dependencies")?.as_table()?.clone()));
        Self(dependencies.map(|dependencies| dependencies.into_iter().map(|(name, _)| name).collect()))
    }

    fn need(&self, name: &str, line: &str, node: &Node, what: &str, findings: &mut Vec<Finding>) {
        if self.0.as_ref().is_some_and(|known| !known.contains(name)) {
            findings.push(Finding::new(
                "missing-crate",
                node.place,
                format!("{what} becomes a type of the crate {name}, which Cargo.toml lacks"),
                format!("add to [dependencies] in Cargo.toml: {line}"),
            ));
        }
    }
}

fn required(context: &Context<'_>, schema: &Node, findings: &mut Vec<Finding>) {
    let Some(required) = schema.get("required").filter(|required| matches!(required.kind, Kind::List(_))) else {
        return;
    };
    let mut known = BTreeSet::new();
    let is_closed = properties(context, schema, 0, &mut known);
    let mut seen = BTreeSet::new();
    for item in required.items() {
        let Some(name) = item.text() else { continue };
        if !seen.insert(name) {
            findings.push(Finding::new(
                "duplicate-required",
                item.place,
                format!("{name} is required twice"),
                "remove one of the two",
            ));
        }
        if is_closed && !known.contains(name) {
            findings.push(Finding::new(
                "undefined-required",
                item.place,
                format!("{name} is required, but there is no such property"),
                format!("add {name} to properties, or remove it here"),
            ));
        }
    }
}

/// The names of the properties of a schema and of what it is made of; `false` if they cannot be told.
fn properties<'a>(context: &Context<'a>, schema: &'a Node, depth: usize, known: &mut BTreeSet<&'a str>) -> bool {
    let Some(schema) = context.resolved(schema).filter(|_| depth < 16) else { return false };
    known.extend(schema.get("properties").into_iter().flat_map(Node::entries).map(|(name, _)| name));
    let parts = ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key)).flat_map(Node::items);
    parts.into_iter().all(|part| properties(context, part, depth + 1, known))
        // A part of an allOf may require what its siblings have.
        && (depth > 0 || schema.get("properties").is_some() || schema.text_of("type") == Some("object"))
}

fn values(schema: &Node, findings: &mut Vec<Finding>) {
    let Some(entry) = schema.entry("enum") else { return };
    let Kind::List(items) = &entry.value.kind else {
        findings.push(Finding::new(
            "wrong-kind",
            entry.value.place,
            "enum is a list",
            "write one value after each dash",
        ));
        return;
    };
    if items.is_empty() {
        findings.push(Finding::new(
            "empty-enum",
            entry.key,
            "no value is one of none",
            "write the values, or remove enum:",
        ));
    }
    let Some(of) = schema.text_of("type") else { return };
    for item in items.iter().filter(|item| !fits(item, of) && !(item.value().is_null() && schema.is("nullable"))) {
        findings.push(Finding::new(
            "enum-type",
            item.place,
            format!("this value is no {of}"),
            if of == "string" { "write it in quotes".to_owned() } else { format!("write a value of type {of}") },
        ));
    }
}

fn fits(item: &Node, of: &str) -> bool {
    let value = item.value();
    match of {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
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
            if let Some(node) =
                schema.get(key).filter(|node| node.value().is_number() && node.value().as_u64().is_none())
            {
                findings.push(Finding::new(
                    "wrong-kind",
                    node.place,
                    format!("{key} counts, and this is no count"),
                    "write a whole number from 0 on",
                ));
            }
        }
    }
    for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if let Some(entry) = schema.entry(flag).filter(|_| schema.is(flag) && schema.get(bound).is_none()) {
            findings.push(Finding::new(
                "missing-bound",
                entry.key,
                format!("{flag} says something of {bound}, which is not there"),
                format!("write {bound}: beside it, or remove it"),
            ));
        }
    }
}
