//! The Rust type of a schema, as far as it decides whether callers still compile.

use serde_json::Value;

use super::super::compare::{Comparison, Pair};
use thingspace_codegen::load::Node;

/// The position of a schema.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Site {
    /// Under `components`, with a name of its own.
    Component,
    /// In a body, a list or a map.
    Inline,
    /// A parameter. Its setter takes the value itself, even if it is optional.
    Setter,
    /// A property: whether it was and is optional.
    Field { base: bool, now: bool },
}

/// Judges the last reported change by the Rust types of two schemas.
pub(super) fn judge(comparison: &mut Comparison<'_>, pair: Pair<'_>, site: Site) {
    let (base, now) = match site {
        Site::Component | Site::Inline => (whole(pair.base, false), whole(pair.now, false)),
        Site::Setter => (bare(pair.base), bare(pair.now)),
        Site::Field { base, now } => (whole(pair.base, base), whole(pair.now, now)),
    };
    comparison.types(&base, &now);
}

/// Whether typify gives the type a name of its own.
pub(super) fn is_named(schema: &Node) -> bool {
    matches!(bare(schema).as_str(), "an enum" | "a struct" | "a struct with extra" | "a checked String")
}

/// The type of a schema, which may be a reference, and the type of its target.
pub(super) fn name(written: &Node, target: &Node) -> String {
    match written.text_of("$ref") {
        Some(reference) => reference.rsplit('/').next().unwrap_or(reference).to_owned(),
        None => whole(target, false),
    }
}

/// A value that may be missing and may be null gets two options.
fn whole(schema: &Node, optional: bool) -> String {
    let bare = bare(schema);
    match (optional, schema.is("nullable")) {
        (true, true) => format!("Option<Option<{bare}>>"),
        (false, false) => bare,
        _ => format!("Option<{bare}>"),
    }
}

fn bare(schema: &Node) -> String {
    if let Some(reference) = schema.text_of("$ref") {
        return reference.rsplit('/').next().unwrap_or(reference).to_owned();
    }
    if ["enum", "oneOf", "anyOf"].iter().any(|key| schema.get(key).is_some()) {
        return "an enum".to_owned();
    }
    let kind = schema.text_of("type");
    match kind {
        Some("boolean") => "bool".to_owned(),
        Some("number") => if schema.text_of("format") == Some("float") { "f32" } else { "f64" }.to_owned(),
        Some("integer") => integer(schema),
        Some("string") => string(schema).to_owned(),
        Some("array") => list(schema),
        _ if kind == Some("object") || schema.get("properties").is_some() => object(schema),
        _ if schema.get("allOf").is_some() => "a struct".to_owned(),
        _ => "a Value".to_owned(),
    }
}

/// The format determines the width. Without a format, a minimum of 0 makes the type unsigned.
fn integer(schema: &Node) -> String {
    let least = schema.get("minimum").map(Node::value).as_ref().and_then(Value::as_f64);
    let is_zero = least.is_some_and(|least| least.abs() < f64::EPSILON);
    let (width, is_signed) = match schema.text_of("format") {
        Some("int8") => (8, true),
        Some("int16") => (16, true),
        Some("int32") => (32, true),
        Some("uint8") => (8, false),
        Some("uint16") => (16, false),
        Some("uint32" | "uint") => (32, false),
        Some("uint64") => (64, false),
        None if is_zero && schema.get("maximum").is_none() => (64, false),
        _ => (64, true),
    };
    if is_signed { format!("i{width}") } else { format!("u{width}") }
}

fn string(schema: &Node) -> &'static str {
    match schema.text_of("format") {
        Some("password") => "Secret",
        Some("uuid") => "Uuid",
        Some("date") => "NaiveDate",
        Some("date-time") => "DateTime",
        Some("ip") => "IpAddr",
        Some("ipv4") => "Ipv4Addr",
        Some("ipv6") => "Ipv6Addr",
        _ if ["pattern", "minLength", "maxLength"].iter().any(|key| schema.get(key).is_some()) => "a checked String",
        _ => "String",
    }
}

fn list(schema: &Node) -> String {
    let item = schema.get("items").map_or_else(|| "Value".to_owned(), |items| whole(items, false));
    let number = |key: &str| schema.get(key).map(Node::value).as_ref().and_then(Value::as_u64);
    match (number("minItems"), number("maxItems")) {
        (Some(least), Some(most)) if least == most && !schema.is("uniqueItems") => format!("[{item}; {least}]"),
        _ => format!("Vec<{item}>"),
    }
}

fn object(schema: &Node) -> String {
    let has_fields = schema.get("properties").is_some_and(|properties| properties.entries().next().is_some());
    let extra = schema.get("additionalProperties").filter(|extra| extra.map().is_some());
    let is_closed = schema.get("additionalProperties").is_some_and(|extra| extra.value() == Value::Bool(false));
    match (has_fields, extra) {
        (true, Some(_)) => "a struct with extra".to_owned(),
        (true, None) => "a struct".to_owned(),
        (false, Some(extra)) => format!("Map<{}>", whole(extra, false)),
        (false, None) if is_closed => "a struct".to_owned(),
        (false, None) => "Map<Value>".to_owned(),
    }
}
