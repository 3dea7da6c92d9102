//! Choices between objects of which serde would drop a part.
//!
//! A choice becomes an enum, of which serde takes the first variant that fits; what that one has no field for is lost. So
//! objects that another one would be taken for become one object, which has the properties of all of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{super::check::SCHEMAS, objects};

/// What may stand beside a choice.
const WORDS: [&str; 9] =
    ["title", "description", "nullable", "example", "deprecated", "externalDocs", "readOnly", "writeOnly", "xml"];

/// Makes one object of every choice that would lose something.
pub(super) fn merge(document: &mut Value) {
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    objects::each(document, &mut |schema| {
        for key in ["anyOf", "oneOf"] {
            if let Some(merged) = merged(schema, key, &schemas) {
                schema.remove(key);
                schema.extend(merged);
            }
        }
    });
}

fn merged(schema: &Map<String, Value>, key: &str, schemas: &Map<String, Value>) -> Option<Map<String, Value>> {
    let choices = schema.get(key)?.as_array().filter(|choices| choices.len() > 1)?;
    if !schema.keys().all(|known| known == key || WORDS.contains(&known.as_str()) || known.starts_with("x-")) {
        return None;
    }
    let choices: Vec<Choice<'_>> = choices.iter().map(|choice| Choice::of(choice, schemas)).collect::<Option<_>>()?;
    let pairs =
        choices.iter().enumerate().flat_map(|(at, first)| choices.iter().skip(at + 1).map(move |next| (first, next)));
    if !pairs.into_iter().any(|(first, next)| first.loses(next, key == "anyOf")) {
        return None;
    }
    let mut properties = Map::new();
    for (name, property) in choices.iter().flat_map(|choice| choice.properties) {
        // What one says in one way and another in another way may be anything.
        let known = properties.entry(name.clone()).or_insert_with(|| property.clone());
        if known != property {
            *known = json!({});
        }
    }
    let all = choices.iter().map(|choice| &choice.required);
    let required: Vec<&str> = all.cloned().reduce(|left, right| &left & &right)?.into_iter().collect();
    let mut merged = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        merged.as_object_mut()?.insert("required".to_owned(), required.into());
    }
    merged.as_object().cloned()
}

/// An object that is one of several.
struct Choice<'v> {
    properties: &'v Map<String, Value>,
    required: BTreeSet<&'v str>,
}

impl<'v> Choice<'v> {
    /// An object that says nothing but which properties it has.
    fn of(mut schema: &'v Value, schemas: &'v Map<String, Value>) -> Option<Self> {
        for _ in 0..16 {
            let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { break };
            schema = schemas.get(reference.strip_prefix(SCHEMAS)?)?;
        }
        let map = schema.as_object()?;
        let is_open = map.get("additionalProperties").is_none_or(|rest| rest == true || *rest == json!({}));
        let is_plain = map.keys().all(|key| {
            WORDS.contains(&key.as_str())
                || ["type", "properties", "required", "additionalProperties"].contains(&key.as_str())
                || key.starts_with("x-")
        });
        if !is_open || !is_plain || map.get("type").is_some_and(|of| of != "object") || map.contains_key("nullable") {
            return None;
        }
        let properties = map.get("properties")?.as_object()?;
        let required = map.get("required").and_then(Value::as_array).into_iter().flatten();
        Some(Self { properties, required: required.filter_map(Value::as_str).collect() })
    }

    /// Whether what is meant to be the next one may be taken for this one, which has not all of its properties.
    fn loses(&self, next: &Self, both: bool) -> bool {
        let lacks = next.properties.keys().any(|name| !self.properties.contains_key(name));
        let refuses = self.required.iter().any(|name| match (self.properties.get(*name), next.properties.get(*name)) {
            (Some(own), Some(other)) => are_apart(own, other),
            // A value of both has it.
            _ => !both,
        });
        lacks && !refuses
    }
}

/// Whether no value fits both, as far as their own words go.
fn are_apart(left: &Value, right: &Value) -> bool {
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
