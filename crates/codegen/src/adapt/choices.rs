//! Merges the schemas of a choice where serde would lose data.
//!
//! A choice becomes an enum. serde takes the first variant that fits, and drops properties that this variant has no
//! field for. Objects that serde could confuse therefore become one object with the properties of all. A choice that
//! cannot be merged becomes any JSON.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::objects;

mod kinds;

use kinds::{Kind, Object, loses};

/// Keys that may stand beside a choice.
const WORDS: [&str; 9] =
    ["title", "description", "nullable", "example", "deprecated", "externalDocs", "readOnly", "writeOnly", "xml"];

/// Keys that state which properties an object has.
const FIELDS: [&str; 4] = ["type", "properties", "required", "additionalProperties"];

/// Choices of this many schemas or more are not compared.
const MAX_CHOICES: usize = 256;

/// Whether a key leaves the set of values unchanged, apart from null.
fn is_word(key: &str) -> bool {
    WORDS.contains(&key) || key == "discriminator" || key.starts_with("x-")
}

/// Merges every choice in which serde would lose data.
pub(super) fn merge(document: &mut Value) {
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    objects::each(document, &mut |schema| {
        for key in ["anyOf", "oneOf"] {
            open_all(schema, key);
            let choices = schema.get(key).and_then(Value::as_array);
            let Some(choices) = choices.filter(|all| all.len() > 1 && all.len() < MAX_CHOICES).cloned() else {
                continue;
            };
            if schema.contains_key("properties") {
                let kinds: Vec<Kind> = choices.iter().map(|choice| Kind::of(choice, &schemas)).collect();
                with_own(schema, key, &kinds, &schemas);
            } else if schema.keys().all(|other| other == key || is_word(other)) {
                let mut flat = Flat { schemas: &schemas, choices: Vec::new(), has_null: false, seen: BTreeSet::new() };
                for choice in &choices {
                    flat.add(choice);
                }
                let kinds: Vec<Kind> = flat.choices.iter().map(|choice| Kind::of(choice, &schemas)).collect();
                if alone(schema, key, flat.choices, &kinds, &schemas) && flat.has_null {
                    schema.insert("nullable".to_owned(), true.into());
                }
            }
        }
        // For `anyOf`, typify generates a struct with a field for each choice, which lists and texts do not fit.
        if !schema.contains_key("oneOf")
            && let Some(choices) = schema.remove("anyOf")
        {
            schema.insert("oneOf".to_owned(), choices);
        }
    });
}

/// typify closes either all inline objects of a choice or none. If one of them is open, this opens all.
fn open_all(schema: &mut Map<String, Value>, key: &str) {
    let Some(choices) = schema.get_mut(key).and_then(Value::as_array_mut) else { return };
    let has_fields = |choice: &Map<String, Value>| FIELDS.iter().skip(1).any(|key| choice.contains_key(*key));
    let is_closed = |choice: &Map<String, Value>| choice.get("additionalProperties").is_some_and(|rest| *rest == false);
    if choices.iter().filter_map(Value::as_object).any(|choice| has_fields(choice) && !is_closed(choice)) {
        for choice in choices.iter_mut().filter_map(Value::as_object_mut).filter(|choice| is_closed(choice)) {
            choice.remove("additionalProperties");
        }
    }
}

/// The choices of a schema. A nested choice is replaced by its own choices.
struct Flat<'v> {
    schemas: &'v Map<String, Value>,
    choices: Vec<Value>,
    has_null: bool,
    /// The schemas visited so far: some choices lead back to themselves.
    seen: BTreeSet<*const Value>,
}

impl<'v> Flat<'v> {
    fn add(&mut self, choice: &'v Value) {
        let target = kinds::resolved(choice, self.schemas);
        let inner = target.and_then(Value::as_object).and_then(|map| {
            let [key] = ["anyOf", "oneOf"].into_iter().filter(|key| map.contains_key(*key)).collect::<Vec<_>>()[..]
            else {
                return None;
            };
            map.keys().all(|other| other == key || is_word(other)).then(|| map.get(key)?.as_array()).flatten()
        });
        match (target, inner) {
            (Some(target), Some(inner)) => {
                if self.seen.insert(std::ptr::from_ref(target)) {
                    self.has_null |= target.get("nullable").is_some_and(|nullable| *nullable == true);
                    for choice in inner {
                        self.add(choice);
                    }
                }
            }
            _ => self.choices.push(choice.clone()),
        }
    }
}

/// Merges an object that has a choice and its own properties beside it.
fn with_own(schema: &mut Map<String, Value>, key: &str, kinds: &[Kind], schemas: &Map<String, Value>) {
    if !schema.keys().all(|other| other == key || is_word(other) || FIELDS.contains(&other.as_str())) {
        return;
    }
    let mut own = schema.clone();
    own.remove(key);
    let Some(own) = Object::of(&Value::Object(own), schemas, 0) else { return };
    let Some(merged) = merged(kinds.iter()) else { return };
    let required: BTreeSet<String> = own.required.union(&merged.required).cloned().collect();
    let mut properties = merged.properties;
    // The object's own schema of a property applies to every choice.
    properties.extend(own.properties);
    schema.remove(key);
    schema.insert("properties".to_owned(), Value::Object(properties));
    require(schema, required);
}

fn require(schema: &mut Map<String, Value>, required: BTreeSet<String>) {
    schema.remove("required");
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into_iter().collect());
    }
}

/// Rewrites a choice in which serde would lose data. Returns whether it changed the schema.
fn alone(
    schema: &mut Map<String, Value>,
    key: &str,
    choices: Vec<Value>,
    kinds: &[Kind],
    schemas: &Map<String, Value>,
) -> bool {
    let pairs =
        kinds.iter().enumerate().flat_map(|(at, first)| kinds.iter().skip(at + 1).map(move |next| (first, next)));
    let (mut objects, mut lists) = (false, false);
    for (first, next) in pairs {
        if loses(first, next, key == "anyOf", schemas, 0) {
            objects |= matches!(first, Kind::Object(_));
            lists |= matches!(first, Kind::List(_));
        }
    }
    if !objects && !lists {
        return false;
    }
    let mut left: Vec<Value> = Vec::new();
    let is_taken = |kind: &Kind| matches!(kind, Kind::Object(_)) && objects || matches!(kind, Kind::List(_)) && lists;
    left.extend(choices.into_iter().zip(kinds).filter(|(_, kind)| !is_taken(kind)).map(|(choice, _)| choice));
    if lists {
        let items = kinds.iter().filter_map(|kind| match kind {
            Kind::List(items) => Some(items.clone()),
            _ => None,
        });
        left.push(json!({ "type": "array", "items": { "oneOf": items.collect::<Vec<_>>() } }));
    }
    if objects {
        let all = || kinds.iter().filter(|kind| matches!(kind, Kind::Object(_)));
        let is_free = |kind: &Kind| matches!(kind, Kind::Object(object) if object.properties.is_empty());
        match merged(all()).filter(|_| !all().any(is_free)) {
            Some(object) => left.push(object.schema()),
            None => left = vec![json!({})],
        }
    }
    schema.remove(key);
    match left.as_slice() {
        [Value::Object(one)] => {
            // A schema for any JSON needs no title.
            if one.is_empty() {
                schema.retain(|word, _| word == "description");
            }
            schema.extend(one.clone());
        }
        _ => drop(schema.insert(key.to_owned(), left.into())),
    }
    true
}

/// An object with the properties of all of these, or `None` if the properties of one of them are unknown.
fn merged<'k>(kinds: impl Iterator<Item = &'k Kind>) -> Option<Object> {
    let mut merged: Option<Object> = None;
    for kind in kinds {
        let Kind::Object(object) = kind else { return None };
        if object.has_rest {
            return None;
        }
        let Some(known) = &mut merged else {
            merged = Some(object.clone());
            continue;
        };
        for (name, property) in &object.properties {
            // A property with two different schemas takes any JSON.
            let before = known.properties.entry(name.clone()).or_insert_with(|| property.clone());
            if before != property {
                *before = json!({});
            }
        }
        known.required = &known.required & &object.required;
        known.is_nullable |= object.is_nullable;
    }
    merged
}
