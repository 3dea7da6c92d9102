//! Classifies the schemas of a choice as far as serde can tell them apart.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{super::super::check::SCHEMAS, FIELDS, is_word};

/// How many references and levels are followed.
const MAX_DEPTH: usize = 16;
/// How many parts an object may consist of.
const MAX_PARTS: usize = 256;

/// The kind of value that a schema describes.
pub(super) enum Kind {
    Object(Object),
    /// The schema of the list's items.
    List(Value),
    /// A string, a number, a boolean or an unknown schema. serde keeps such a value whole or rejects it.
    Other,
}

impl Kind {
    pub(super) fn of(schema: &Value, schemas: &Map<String, Value>) -> Self {
        if let Some(object) = Object::of(schema, schemas, 0) {
            return Self::Object(object);
        }
        match resolved(schema, schemas) {
            Some(list) if list.get("type").is_some_and(|of| of == "array") => {
                Self::List(list.get("items").cloned().unwrap_or_else(|| json!({})))
            }
            _ => Self::Other,
        }
    }
}

/// An object, with the properties of all its `allOf` parts.
#[derive(Clone, Default)]
pub(super) struct Object {
    pub(super) properties: Map<String, Value>,
    pub(super) required: BTreeSet<String>,
    pub(super) is_nullable: bool,
    /// Whether it has a schema for all other properties.
    pub(super) has_rest: bool,
    /// Whether it forbids other properties.
    is_closed: bool,
}

impl Object {
    pub(super) fn of(schema: &Value, schemas: &Map<String, Value>, depth: usize) -> Option<Self> {
        let mut left = MAX_PARTS;
        Self::within(schema, schemas, depth, &mut left)
    }

    fn within(schema: &Value, schemas: &Map<String, Value>, depth: usize, left: &mut usize) -> Option<Self> {
        *left = left.checked_sub(1)?;
        let map = resolved(schema, schemas).filter(|_| depth < MAX_DEPTH)?.as_object()?;
        let is_known = |key: &String| {
            is_word(key)
                || FIELDS.contains(&key.as_str())
                || ["allOf", "minProperties", "maxProperties"].contains(&key.as_str())
        };
        let says_object = ["properties", "required", "additionalProperties"].iter().any(|key| map.contains_key(*key));
        let is_object = map.get("type").map_or(says_object || map.contains_key("allOf"), |of| of == "object");
        if !is_object || !map.keys().all(is_known) {
            return None;
        }
        let mut object = Self {
            properties: map.get("properties").and_then(Value::as_object).cloned().unwrap_or_default(),
            is_nullable: map.get("nullable").is_some_and(|nullable| *nullable == true),
            ..Self::default()
        };
        let required = map.get("required").and_then(Value::as_array).into_iter().flatten();
        object.required.extend(required.filter_map(Value::as_str).map(str::to_owned));
        match map.get("additionalProperties") {
            Some(Value::Bool(false)) => object.is_closed = true,
            Some(Value::Object(rest)) if !rest.is_empty() => object.has_rest = true,
            _ => {}
        }
        for part in map.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            let part = Self::within(part, schemas, depth + 1, left)?;
            for (name, property) in part.properties {
                object.properties.entry(name).or_insert(property);
            }
            object.required.extend(part.required);
            object.has_rest |= part.has_rest;
        }
        Some(object)
    }

    pub(super) fn schema(&self) -> Value {
        let mut schema = json!({ "type": "object", "properties": self.properties });
        if let Some(map) = schema.as_object_mut() {
            super::require(map, self.required.clone());
            if self.is_nullable {
                map.insert("nullable".to_owned(), true.into());
            }
        }
        schema
    }

    /// Whether decoding as this object keeps all properties of a value, or rejects the value.
    fn keeps_all(&self) -> bool {
        self.is_closed || self.has_rest || self.properties.is_empty()
    }
}

pub(super) fn resolved<'v>(mut schema: &'v Value, schemas: &'v Map<String, Value>) -> Option<&'v Value> {
    for _ in 0..MAX_DEPTH {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return Some(schema) };
        schema = schemas.get(reference.strip_prefix(SCHEMAS)?)?;
    }
    None
}

/// Whether serde could decode a value of `next` as `first` and lose properties. `both` states that a value may match
/// both schemas.
pub(super) fn loses(first: &Kind, next: &Kind, both: bool, schemas: &Map<String, Value>, depth: usize) -> bool {
    match (first, next) {
        (Kind::List(first), Kind::List(next)) if depth < MAX_DEPTH => {
            loses(&Kind::of(first, schemas), &Kind::of(next, schemas), both, schemas, depth + 1)
        }
        (Kind::Object(first), Kind::Object(next)) => {
            if first.keeps_all() {
                return false;
            }
            let refuses = first.required.iter().any(|name| {
                match (first.properties.get(name), next.properties.get(name)) {
                    (Some(own), Some(other)) => are_apart(own, other, schemas),
                    // A value of both schemas has the property.
                    _ => !both,
                }
            });
            let lacks = next.has_rest
                || next.properties.is_empty()
                || next.properties.keys().any(|name| !first.properties.contains_key(name));
            let is_lost_inside = |(name, other): (&String, &Value)| {
                let own = first.properties.get(name).filter(|own| *own != other && depth < 2);
                own.is_some_and(|own| {
                    loses(&Kind::of(own, schemas), &Kind::of(other, schemas), both, schemas, depth + 1)
                })
            };
            !refuses && (lacks || next.properties.iter().any(is_lost_inside))
        }
        _ => false,
    }
}

/// Whether no value fits both schemas. Compares their own types and enums only.
fn are_apart(left: &Value, right: &Value, schemas: &Map<String, Value>) -> bool {
    let (Some(left), Some(right)) = (resolved(left, schemas), resolved(right, schemas)) else { return false };
    let kind =
        |schema: &Value| schema.get("type").and_then(Value::as_str).map(|kind| kind.replace("integer", "number"));
    if let (Some(left), Some(right)) = (kind(left), kind(right))
        && left != right
    {
        return true;
    }
    let values = |schema: &Value| schema.get("enum").and_then(Value::as_array).cloned();
    let of_texts = left.get("type").is_none_or(|of| of == "string");
    matches!((values(left), values(right)), (Some(left), Some(right)) if of_texts && !left.iter().any(|one| right.contains(one)))
}
