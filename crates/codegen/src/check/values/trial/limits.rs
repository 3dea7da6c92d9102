//! Checks values against limits of length, size and number.

use serde_json::{Map, Number, Value};

use super::super::super::super::load::Node;

/// Compares a count with its bounds.
fn count(schema: &Node, [least, most]: [&str; 2], found: usize, what: &str) -> Option<String> {
    let bound = |key: &str| schema.get(key).map(Node::value).as_ref().and_then(Value::as_u64);
    let found = found as u64;
    if let Some(least) = bound(least).filter(|least| found < *least) {
        return Some(format!("it has fewer than {least} {what}"));
    }
    bound(most).filter(|most| found > *most).map(|most| format!("it has more than {most} {what}"))
}

pub(super) fn text(schema: &Node, text: &str) -> Option<String> {
    let length = count(schema, ["minLength", "maxLength"], text.chars().count(), "letters");
    length.or_else(|| {
        let pattern = regress::Regex::new(schema.text_of("pattern")?).ok()?;
        pattern.find(text).is_none().then(|| "pattern: does not match it".to_owned())
    })
}

pub(super) fn list(schema: &Node, items: &[Value]) -> Option<String> {
    if schema.is("uniqueItems")
        && items.iter().enumerate().any(|(index, item)| items.iter().take(index).any(|other| other == item))
    {
        return Some("it has an item twice".to_owned());
    }
    count(schema, ["minItems", "maxItems"], items.len(), "items")
}

pub(super) fn object(schema: &Node, fields: &Map<String, Value>) -> Option<String> {
    let is_closed = schema.get("additionalProperties").is_some_and(|others| others.value() == false);
    let is_known = |name: &str| schema.get("properties").is_some_and(|properties| properties.get(name).is_some());
    let other = fields.keys().find(|name| is_closed && !is_known(name));
    let other = other.map(|name| format!("it has {name}, and there is no such property"));
    other.or_else(|| count(schema, ["minProperties", "maxProperties"], fields.len(), "properties"))
}

/// The range of each integer format.
const INTEGERS: [(&str, i128, i128); 9] = [
    ("int8", i8::MIN as i128, i8::MAX as i128),
    ("int16", i16::MIN as i128, i16::MAX as i128),
    ("int32", i32::MIN as i128, i32::MAX as i128),
    ("int64", i64::MIN as i128, i64::MAX as i128),
    ("uint8", 0, u8::MAX as i128),
    ("uint16", 0, u16::MAX as i128),
    ("uint32", 0, u32::MAX as i128),
    ("uint64", 0, u64::MAX as i128),
    ("uint", 0, u32::MAX as i128),
];

pub(super) fn number(schema: &Node, number: &Number) -> Option<String> {
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    let format = schema.text_of("format").unwrap_or_default();
    if let (Some(whole), Some((_, least, most))) = (whole, INTEGERS.iter().find(|(name, ..)| *name == format)) {
        if whole < *least {
            return Some(format!("it is too small: the least {format} is {least}"));
        }
        if whole > *most {
            return Some(format!("it is too large: the most {format} is {most}"));
        }
    }
    let bound = |key: &str| schema.get(key).map(Node::value).as_ref().and_then(Value::as_f64);
    let number = number.as_f64()?;
    if let Some(least) =
        bound("minimum").filter(|least| number < *least || number <= *least && schema.is("exclusiveMinimum"))
    {
        return Some(format!("it is too small: minimum is {least}"));
    }
    if let Some(most) =
        bound("maximum").filter(|most| number > *most || number >= *most && schema.is("exclusiveMaximum"))
    {
        return Some(format!("it is too large: maximum is {most}"));
    }
    if format == "float" && number.abs() > f64::from(f32::MAX) {
        return Some("it is beyond what a float holds".to_owned());
    }
    let step = bound("multipleOf").filter(|step| *step > 0.0)?;
    let steps = number / step;
    // 0.3 is no exact multiple of 0.1 in floating point, but is intended as one.
    let is_multiple = (steps - steps.round()).abs() <= 1e-9 * steps.abs().max(1.0);
    (!is_multiple).then(|| format!("it is no multiple of {step}"))
}
