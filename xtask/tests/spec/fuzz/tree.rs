//! Changes of a document: it stays one that can be read.

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// Keys that mean something somewhere, and some that mean trouble.
const KEYS: [&str; 40] = [
    "type",
    "format",
    "enum",
    "default",
    "required",
    "properties",
    "items",
    "allOf",
    "oneOf",
    "anyOf",
    "not",
    "nullable",
    "additionalProperties",
    "minLength",
    "maxItems",
    "minItems",
    "minimum",
    "pattern",
    "title",
    "$ref",
    "parameters",
    "requestBody",
    "responses",
    "content",
    "schema",
    "security",
    "operationId",
    "in",
    "name",
    "example",
    "default",
    "get",
    "trace",
    "200",
    "4XX",
    "Default",
    "self",
    "",
    "日本",
    "password",
];

/// One or more parts of a document gone, exchanged, renamed, moved or replaced.
pub(super) fn mutated(text: &str, random: &mut Rng) -> String {
    let Ok(mut document) = serde_saphyr::from_str::<Value>(text) else { return text.to_owned() };
    for _ in 0..random.usize(1..3) {
        let paths = paths(&document);
        let Some(path) = random.choice(&paths).cloned() else { break };
        let other = random.choice(&paths).and_then(|path| document.pointer(path)).cloned().unwrap_or_default();
        match random.u8(..6) {
            0 => change(&mut document, &path, |_| value(random)),
            1 => change(&mut document, &path, |_| other),
            2 => within(&mut document, &path, |map, key| drop(map.remove(key))),
            3 => within(&mut document, &path, |map, key| {
                let value = map.remove(key).unwrap_or_default();
                map.insert((*random.choice(KEYS).unwrap()).to_owned(), value);
            }),
            4 => within(&mut document, &path, |map, _| {
                let value = if random.bool() { other } else { value(random) };
                map.insert((*random.choice(KEYS).unwrap()).to_owned(), value);
            }),
            _ => change(&mut document, &path, |old| match random.u8(..5) {
                0 => json!([old]),
                1 => json!({ "allOf": [old, other] }),
                2 => json!({ "oneOf": [other, old] }),
                3 => json!({ "type": "array", "items": old }),
                _ => json!({ "type": "object", "properties": { "a": old, "b": other } }),
            }),
        }
    }
    format!("{document:#}\n")
}

fn value(random: &mut Rng) -> Value {
    let schemas = ["LogInRequest", "Fault", "GatewayFault", "Nothing"];
    match random.u8(..12) {
        0 => Value::Null,
        1 => json!(random.bool()),
        2 => json!(random.i64(..)),
        3 => json!(-1),
        4 => json!(1e300),
        5 => json!(""),
        6 => json!([]),
        7 => json!({}),
        8 => {
            json!(random.choice(["string", "integer", "object", "array", "number", "boolean", "date-time", "password"]))
        }
        9 => json!(random.choice(KEYS)),
        10 => json!([random.choice(KEYS), random.choice(KEYS)]),
        _ => json!({ "$ref": format!("#/components/schemas/{}", random.choice(schemas).unwrap()) }),
    }
}

/// JSON pointers to everything.
fn paths(document: &Value) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), vec![(String::new(), document)]);
    while let Some((path, value)) = next.pop() {
        let step = |key: &str| format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
        match value {
            Value::Object(map) => next.extend(map.iter().map(|(key, inner)| (step(key), inner))),
            Value::Array(items) => {
                next.extend(items.iter().enumerate().map(|(index, inner)| (step(&index.to_string()), inner)));
            }
            _ => {}
        }
        found.push(path);
    }
    found
}

fn change(document: &mut Value, path: &str, new: impl FnOnce(Value) -> Value) {
    if let Some(value) = document.pointer_mut(path) {
        *value = new(value.take());
    }
}

/// The map that holds what the path leads to.
fn within(document: &mut Value, path: &str, change: impl FnOnce(&mut Map<String, Value>, &str)) {
    let Some((holder, key)) = path.rsplit_once('/') else { return };
    if let Some(map) = document.pointer_mut(holder).and_then(Value::as_object_mut) {
        change(map, &key.replace("~1", "/").replace("~0", "~"));
    }
}
