//! Drops `readOnly` properties from what requests require, and `writeOnly` properties from what responses require.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    super::check::{COMPOSED, SCHEMAS},
    optional::{each, is_true, is_value, target},
};

/// Makes `readOnly` properties optional in requests, and `writeOnly` properties optional in responses.
pub(super) fn properties(document: &mut Value) {
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    let schemas = &schemas;
    let (mut sent, mut answered) = (BTreeSet::new(), BTreeSet::new());
    collect(document, "requestBody", schemas, &mut sent);
    collect(document, "requestBodies", schemas, &mut sent);
    collect(document, "responses", schemas, &mut answered);
    if let Some(components) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        for (name, schema) in components.iter_mut() {
            for (reached, way) in [(&sent, "readOnly"), (&answered, "writeOnly")] {
                if reached.contains(name) {
                    let none = BTreeSet::new();
                    loosen(schema, way, schemas, &none);
                }
            }
        }
    }
    for (holder, way) in [("requestBody", "readOnly"), ("requestBodies", "readOnly"), ("responses", "writeOnly")] {
        below(document, holder, &mut |inner| loosen(inner, way, schemas, &BTreeSet::new()));
    }
}

/// Applies a change to every value under a key of this name.
fn below(value: &mut Value, holder: &str, change: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut().filter(|(key, _)| !is_value(key) && *key != "schemas") {
                if key == holder {
                    change(inner);
                } else {
                    below(inner, holder, change);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| below(item, holder, change)),
        _ => {}
    }
}

/// Collects the names of the components that values under a key of this name refer to.
fn collect(document: &Value, holder: &str, schemas: &Map<String, Value>, found: &mut BTreeSet<String>) {
    let (mut within, mut next) = (Vec::new(), Vec::new());
    holders(document, holder, &mut within);
    for value in within {
        references(value, &mut next);
    }
    while let Some(name) = next.pop() {
        if let Some(schema) = schemas.get(&name).filter(|_| found.insert(name.clone())) {
            references(schema, &mut next);
        }
    }
}

fn holders<'v>(value: &'v Value, holder: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter().filter(|(key, _)| !is_value(key) && *key != "schemas") {
                if key == holder {
                    found.push(inner);
                } else {
                    holders(inner, holder, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| holders(item, holder, found)),
        _ => {}
    }
}

fn references(value: &Value, names: &mut Vec<String>) {
    each(value, &mut |map| {
        let name = map.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix(SCHEMAS));
        names.extend(name.map(str::to_owned));
    });
}

/// Removes the properties of the other direction from `required`. `names` are those of the enclosing composition.
fn loosen(value: &mut Value, way: &str, schemas: &Map<String, Value>, names: &BTreeSet<String>) {
    let mut own = names.clone();
    flagged(value, way, schemas, &mut BTreeSet::new(), &mut own);
    match value {
        Value::Object(map) => {
            if let Some(required) = map.get_mut("required").and_then(Value::as_array_mut) {
                required.retain(|name| name.as_str().is_none_or(|name| !own.contains(name)));
                if required.is_empty() {
                    map.remove("required");
                }
            }
            for (key, inner) in map.iter_mut().filter(|(key, _)| !is_value(key)) {
                match inner {
                    Value::Array(parts) if COMPOSED.contains(&key.as_str()) => {
                        for part in parts {
                            loosen(part, way, schemas, &own);
                        }
                    }
                    Value::Object(properties) if key == "properties" => {
                        properties.values_mut().for_each(|one| loosen(one, way, schemas, &BTreeSet::new()));
                    }
                    inner => loosen(inner, way, schemas, &BTreeSet::new()),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| loosen(item, way, schemas, &BTreeSet::new())),
        _ => {}
    }
}

/// Collects the one-way properties of a schema and of its `allOf` parts.
fn flagged(
    schema: &Value,
    way: &str,
    schemas: &Map<String, Value>,
    seen: &mut BTreeSet<*const Value>,
    names: &mut BTreeSet<String>,
) {
    if !seen.insert(std::ptr::from_ref(schema)) {
        return;
    }
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let says = |schema: &Value| is_true(schema.get(way));
        if says(property) || target(property, schemas).is_some_and(says) {
            names.insert(name.clone());
        }
    }
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        if let Some(part) = target(part, schemas) {
            flagged(part, way, schemas, seen, names);
        }
    }
}
