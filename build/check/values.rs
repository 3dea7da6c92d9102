//! Values that stand in a schema, held against it: the values of an `enum`, and defaults.
//!
//! A default that does not fit is found by nobody before the code that is made of it panics.

use serde_json::Value;

use super::{
    super::{
        finding::{Finding, Place},
        load::{Kind, Node},
    },
    Context,
    shape::Shape,
};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for schema in context.objects.all(Shape::Schema) {
        listed(context, schema, findings);
        let Some(default) = schema.get("default") else { continue };
        if let Some((place, why)) = refusal(context, schema, default, 0) {
            findings.push(Finding::new(
                "default-mismatch",
                place,
                format!("the schema refuses this default: {why}"),
                "write a default that fits, or leave it out",
            ));
        }
    }
}

fn listed(context: &Context<'_>, schema: &Node, findings: &mut Vec<Finding>) {
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
        return;
    }
    let of = schema.text_of("type");
    if of.is_some_and(|of| matches!(of, "array" | "object")) || of.is_none() && items.iter().any(is_no_text) {
        findings.push(Finding::new(
            "unsupported-enum",
            entry.key,
            "only texts and numbers can be listed",
            "leave enum: out and say in description: which values there are, or write a minimum: and a maximum:",
        ));
        return;
    }
    for item in items {
        let Some((_, why)) = refusal(context, schema, item, 0) else { continue };
        let help = if of == Some("string") && item.text().is_none() {
            "write it in quotes"
        } else {
            "write a value that fits, or remove it"
        };
        findings.push(Finding::new("enum-mismatch", item.place, format!("the schema refuses this value: {why}"), help));
    }
}

fn is_no_text(item: &Node) -> bool {
    item.text().is_none() && !item.value().is_null()
}

/// Where a schema refuses a value, and why, as far as can be told.
fn refusal<'a>(context: &Context<'a>, schema: &'a Node, node: &Node, depth: usize) -> Option<(Place, String)> {
    let schema = context.resolved(schema).filter(|_| depth < 16)?;
    let here = |why: String| Some((node.place, why));
    let value = node.value();
    if value.is_null() && (schema.is("nullable") || schema.get("type").is_none()) {
        return None;
    }
    if let Some(of) = schema.text_of("type").filter(|of| !is_of(&value, of)) {
        return here(format!("it is no {of}"));
    }
    let values = schema.get("enum").map(Node::items).unwrap_or_default();
    if !values.is_empty() && values.iter().all(|known| known.value() != value) {
        return here("it is none of the values of enum:".to_owned());
    }
    let own = match &value {
        Value::String(text) => text_refusal(schema, text),
        Value::Array(items) => list_refusal(schema, items),
        Value::Object(fields) => object_refusal(schema, fields),
        Value::Number(number) => number_refusal(schema, number.as_f64().unwrap_or_default()),
        _ => None,
    };
    if let Some(why) = own {
        return here(why);
    }
    if let (Kind::List(items), Some(of)) = (&node.kind, schema.get("items"))
        && let Some(refused) = items.iter().find_map(|item| refusal(context, of, item, depth + 1))
    {
        return Some(refused);
    }
    for (name, field) in node.entries() {
        let property = schema.get("properties").and_then(|properties| properties.get(name));
        let of = property.or_else(|| schema.get("additionalProperties").filter(|others| others.map().is_some()));
        if let Some(refused) = of.and_then(|of| refusal(context, of, &field.value, depth + 1)) {
            return Some(refused);
        }
    }
    let required = schema.get("required").map(Node::items).unwrap_or_default();
    if let Some(name) =
        required.iter().filter_map(Node::text).find(|name| value.is_object() && node.get(name).is_none())
    {
        return here(format!("it lacks {name}"));
    }
    let parts = |key: &str| schema.get(key).map(Node::items).unwrap_or_default();
    let of_all = parts("allOf").iter().find_map(|part| refusal(context, part, node, depth + 1));
    of_all.or_else(|| {
        let choices = [parts("oneOf"), parts("anyOf")].into_iter().find(|choices| !choices.is_empty())?;
        let fits = choices.iter().any(|choice| refusal(context, choice, node, depth + 1).is_none());
        if fits { None } else { here("none of the schemas that it may have takes it".to_owned()) }
    })
}

fn is_of(value: &Value, of: &str) -> bool {
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

fn list_refusal(schema: &Node, items: &[Value]) -> Option<String> {
    let length = items.len() as u64;
    if schema.is("uniqueItems")
        && items.iter().enumerate().any(|(index, item)| items.iter().take(index).any(|other| other == item))
    {
        return Some("it has an item twice".to_owned());
    }
    let bound = |key: &str| schema.get(key).map(Node::value).as_ref().and_then(Value::as_u64);
    if let Some(least) = bound("minItems").filter(|least| length < *least) {
        return Some(format!("it has fewer than {least} items"));
    }
    bound("maxItems").filter(|most| length > *most).map(|most| format!("it has more than {most} items"))
}

fn object_refusal(schema: &Node, fields: &serde_json::Map<String, Value>) -> Option<String> {
    let is_closed = schema.get("additionalProperties").is_some_and(|others| others.value() == false);
    let is_known = |name: &str| schema.get("properties").is_some_and(|properties| properties.get(name).is_some());
    let other = fields.keys().find(|name| is_closed && !is_known(name));
    other.map(|name| format!("it has {name}, and there is no such property"))
}

fn text_refusal(schema: &Node, text: &str) -> Option<String> {
    let bound = |key: &str| schema.get(key).map(Node::value).as_ref().and_then(Value::as_u64);
    let length = text.chars().count() as u64;
    if let Some(least) = bound("minLength").filter(|least| length < *least) {
        return Some(format!("it is shorter than {least}"));
    }
    if let Some(most) = bound("maxLength").filter(|most| length > *most) {
        return Some(format!("it is longer than {most}"));
    }
    if let Some(pattern) = schema.text_of("pattern")
        && regress::Regex::new(pattern).is_ok_and(|pattern| pattern.find(text).is_none())
    {
        return Some("pattern: does not match it".to_owned());
    }
    let format = schema.text_of("format")?;
    let shape = match format {
        "date" => r"^\d{4}-\d{2}-\d{2}$",
        "date-time" => r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$",
        "uuid" => r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        _ => "",
    };
    let fits = match format {
        "ip" => text.parse::<std::net::IpAddr>().is_ok(),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        _ => regress::Regex::new(shape).is_ok_and(|shape| shape.find(text).is_some()),
    };
    (!fits).then(|| format!("it is no {format}"))
}

fn number_refusal(schema: &Node, number: f64) -> Option<String> {
    let bound = |key: &str| schema.get(key).map(Node::value).as_ref().and_then(Value::as_f64);
    let (format_low, format_high) = match schema.text_of("format") {
        Some("int8") => (f64::from(i8::MIN), f64::from(i8::MAX)),
        Some("int16") => (f64::from(i16::MIN), f64::from(i16::MAX)),
        Some("int32") => (f64::from(i32::MIN), f64::from(i32::MAX)),
        Some("uint8") => (0.0, f64::from(u8::MAX)),
        Some("uint16") => (0.0, f64::from(u16::MAX)),
        Some("uint32") => (0.0, f64::from(u32::MAX)),
        Some("uint64" | "uint") => (0.0, f64::MAX),
        _ => (f64::MIN, f64::MAX),
    };
    let (low, high) = (bound("minimum").unwrap_or(format_low), bound("maximum").unwrap_or(format_high));
    let (low, high) = (low.max(format_low), high.min(format_high));
    if number < low || number <= low && schema.is("exclusiveMinimum") {
        return Some(format!("it is too small: the least is {low}"));
    }
    if number > high || number >= high && schema.is("exclusiveMaximum") {
        return Some(format!("it is too large: the most is {high}"));
    }
    None
}
