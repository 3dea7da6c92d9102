//! Optional properties: an unset property is not sent, and an empty list and null are sent as such.
//!
//! typify omits an optional list if it is empty, and an optional nullable value if it is null. This module makes the
//! list nullable, because typify then omits it only if it is unset. It marks a nullable value, so that
//! [`super::super::nulls`] can tell null from unset.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::{
    check::{COMPOSED, SCHEMAS},
    nulls::{ANYTHING, NULLABLE},
};

/// Rewrites every optional property.
pub(super) fn properties(document: &mut Value) {
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut parts = Parts::default();
    each(document, &mut |schema| parts.collect(schema));
    if let Some(components) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        for (name, schema) in components.iter_mut() {
            let is_part = parts.references.contains(name);
            walk(schema, &schemas, &parts, is_part);
        }
    }
    if let Some(paths) = document.get_mut("paths") {
        walk(paths, &schemas, &parts, false);
    }
    for section in ["responses", "requestBodies"] {
        document.pointer_mut(&format!("/components/{section}")).into_iter().for_each(|section| {
            walk(section, &schemas, &parts, false);
        });
    }
}

/// The parts of all compositions: one part may require what another part has.
#[derive(Default)]
struct Parts {
    references: BTreeSet<String>,
    required: BTreeSet<String>,
}

impl Parts {
    fn collect(&mut self, schema: &Map<String, Value>) {
        let parts = merged(schema);
        if parts.is_empty() || parts.len() == 1 && !says_more(schema) {
            return;
        }
        let names = |schema: Option<&Value>| schema.and_then(Value::as_array).cloned().unwrap_or_default();
        let own = names(schema.get("required")).into_iter();
        let all = own.chain(parts.iter().flat_map(|part| names(part.get("required"))));
        self.required.extend(all.filter_map(|name| Some(name.as_str()?.to_owned())));
        let references = parts.iter().filter_map(|part| part.get("$ref")?.as_str()?.strip_prefix(SCHEMAS));
        self.references.extend(references.map(str::to_owned));
    }
}

/// The keys whose schemas typify merges with the rest of the schema into one type.
fn merged_keys(schema: &Map<String, Value>) -> &'static [&'static str] {
    if says_more(schema) || schema.contains_key("allOf") { &COMPOSED } else { &["allOf"] }
}

fn merged(schema: &Map<String, Value>) -> Vec<&Value> {
    merged_keys(schema).iter().filter_map(|key| schema.get(*key)?.as_array()).flatten().collect()
}

fn says_more(schema: &Map<String, Value>) -> bool {
    ["properties", "required"].iter().any(|key| schema.contains_key(*key))
}

pub(super) fn each(value: &Value, see: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            see(map);
            map.values().for_each(|inner| each(inner, see));
        }
        Value::Array(items) => items.iter().for_each(|item| each(item, see)),
        _ => {}
    }
}

fn walk(value: &mut Value, schemas: &Map<String, Value>, parts: &Parts, is_part: bool) {
    match value {
        Value::Object(map) => {
            let keys = merged_keys(map);
            let is_composed = is_part || keys.iter().any(|key| map.contains_key(*key));
            if map.get("properties").is_some_and(Value::is_object) {
                of_object(map, schemas, parts, is_composed);
            }
            for (key, inner) in map.iter_mut().filter(|(key, _)| !is_value(key)) {
                if key == "properties" {
                    inner.as_object_mut().into_iter().flat_map(Map::values_mut).for_each(|property| {
                        walk(property, schemas, parts, false);
                    });
                } else {
                    walk(inner, schemas, parts, keys.contains(&key.as_str()));
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, schemas, parts, is_part)),
        _ => {}
    }
}

pub(super) fn is_value(key: &str) -> bool {
    ["default", "enum", "example", "examples", "required"].contains(&key) || key.starts_with("x-")
}

fn of_object(schema: &mut Map<String, Value>, schemas: &Map<String, Value>, parts: &Parts, is_composed: bool) {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let required: BTreeSet<String> = required.filter_map(|name| Some(name.as_str()?.to_owned())).collect();
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    let optional = properties
        .into_iter()
        .flatten()
        .filter(|(name, _)| !(required.contains(*name) || is_composed && parts.required.contains(*name)));
    for (_, property) in optional {
        let has_null = takes_null(property, schemas, &mut BTreeSet::new());
        let is_reference = property.get("$ref").is_some();
        let Some(map) = property.as_object_mut() else { continue };
        if is_true(map.get("nullable")) {
            mark(map, NULLABLE);
        } else if has_null {
            if is_reference {
                let reference = Value::Object(std::mem::take(map));
                *map = json!({ "allOf": [reference] }).as_object().cloned().unwrap_or_default();
            }
            mark(map, ANYTHING);
        } else if is_collection(map) {
            map.insert("nullable".to_owned(), true.into());
        }
    }
}

fn mark(schema: &mut Map<String, Value>, mark: &str) {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let marked = format!("{mark}{text}");
    schema.insert("description".to_owned(), marked.into());
}

pub(super) fn is_true(value: Option<&Value>) -> bool {
    value.and_then(Value::as_bool) == Some(true)
}

/// Whether a schema allows any value.
fn is_anything(schema: &Map<String, Value>) -> bool {
    ["type", "$ref", "enum", "properties", "required", "items", "additionalProperties", "not"]
        .iter()
        .chain(&COMPOSED)
        .all(|key| !schema.contains_key(*key))
}

/// Whether a schema or one of its choices allows null. `seen` holds the schemas visited so far.
fn takes_null<'v>(schema: &'v Value, schemas: &'v Map<String, Value>, seen: &mut BTreeSet<*const Value>) -> bool {
    let Some(schema) = target(schema, schemas).filter(|schema| seen.insert(std::ptr::from_ref(*schema))) else {
        return false;
    };
    let Some(map) = schema.as_object() else { return false };
    if is_true(map.get("nullable")) || is_anything(map) {
        return true;
    }
    let parts = |key: &str| map.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let alone = parts("allOf").iter().filter(|_| parts("allOf").len() == 1);
    parts("oneOf").iter().chain(parts("anyOf")).chain(alone).any(|part| takes_null(part, schemas, seen))
}

/// Whether a schema is a list, or a map with free keys.
fn is_collection(schema: &Map<String, Value>) -> bool {
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => true,
        Some("object") => !schema.contains_key("properties") && COMPOSED.iter().all(|key| !schema.contains_key(*key)),
        _ => false,
    }
}

/// Follows the references of a schema to its target.
pub(super) fn target<'v>(schema: &'v Value, schemas: &'v Map<String, Value>) -> Option<&'v Value> {
    let mut schema = schema;
    for _ in 0..16 {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(reference) => schema = schemas.get(reference.strip_prefix(SCHEMAS)?)?,
            None => return Some(schema),
        }
    }
    None
}
