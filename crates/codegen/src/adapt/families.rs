//! Rewrites inheritance. Used as a value, a schema with a `discriminator` becomes a choice of the schemas derived from
//! it, each with its own tag. Used as a part of a derived schema, it contributes its properties only.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::{
    check::{SCHEMAS, names::type_name},
    families::{Families, is_word, referred},
};

pub(super) fn split(document: &mut Value) {
    let Some(components) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    let schemas = components.clone();
    let families = Families::of(&schemas);
    let mut taken: BTreeSet<String> = schemas.keys().map(|name| type_name(name)).collect();
    let mut alone = Vec::new();
    for (name, member) in families.iter().filter(|(_, member)| member.is_base && member.is_concrete()) {
        let numbered = (2_usize..).map(|number| format!("{name}Base{number}"));
        let free = [format!("{name}Base")].into_iter().chain(numbered).find(|free| taken.insert(type_name(free)));
        alone.push((name, free.unwrap_or_default(), member));
    }
    let shared = Family { schemas: &schemas, families: &families };
    for (name, member) in families.iter() {
        let Some(schema) = schemas.get(name).and_then(Value::as_object) else { continue };
        let mut changed = words(schema);
        if member.is_base {
            let variants = member.variants.iter().map(|variant| {
                let own = alone.iter().find(|(name, ..)| name == variant).map(|(_, own, _)| own);
                json!({ "$ref": format!("{SCHEMAS}{}", own.unwrap_or(variant)) })
            });
            changed.insert("oneOf".to_owned(), variants.collect());
        } else {
            changed.extend(shared.alone(name));
        }
        components.insert(name.to_owned(), Value::Object(changed));
    }
    for (name, own, _) in &alone {
        let mut schema = schemas.get(*name).and_then(Value::as_object).map(words).unwrap_or_default();
        schema.remove("nullable");
        schema.extend(shared.alone(name));
        components.insert(own.clone(), Value::Object(schema));
    }
}

struct Family<'v> {
    schemas: &'v Map<String, Value>,
    families: &'v Families,
}

impl Family<'_> {
    /// The schema of a member without its variants: its parts, with the member's own tags.
    fn alone(&self, name: &str) -> Map<String, Value> {
        let mut parts = Vec::new();
        if let Some(schema) = self.schemas.get(name).and_then(Value::as_object) {
            self.parts(schema, &mut BTreeSet::from([name.to_owned()]), &mut parts);
        }
        let mut tags = Map::new();
        for (property, values) in self.families.get(name).into_iter().flat_map(super::super::families::Member::tags) {
            let mut words = Map::new();
            for part in parts.iter_mut().filter_map(Value::as_object_mut) {
                if let Some(known) = without(part, property).and_then(|known| known.get("description").cloned()) {
                    words.insert("description".to_owned(), known);
                }
            }
            words.insert("type".to_owned(), "string".into());
            words.insert("enum".to_owned(), json!(values));
            tags.insert(property.to_owned(), Value::Object(words));
        }
        let required: Vec<&String> = tags.keys().collect();
        let tag = json!({ "type": "object", "required": required, "properties": tags });
        let parts: Vec<Value> = [tag].into_iter().chain(parts).collect();
        Map::from_iter([("allOf".to_owned(), parts.into())])
    }

    /// Collects the parts of a schema. References to schemas of the family are replaced by the parts of those schemas.
    fn parts(&self, schema: &Map<String, Value>, seen: &mut BTreeSet<String>, found: &mut Vec<Value>) {
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            match referred(part, self.schemas) {
                Some(name) if self.families.get(name).is_some() => {
                    if let Some(schema) = self.schemas.get(name).and_then(Value::as_object)
                        && seen.insert(name.to_owned())
                    {
                        self.parts(schema, seen, found);
                    }
                }
                Some(_) => found.push(part.clone()),
                None => part.as_object().into_iter().for_each(|part| self.parts(part, seen, found)),
            }
        }
        let own = schema.iter().filter(|(key, _)| *key != "allOf" && !is_word(key));
        let own: Map<String, Value> = own.map(|(key, inner)| (key.clone(), inner.clone())).collect();
        if !own.is_empty() {
            found.push(Value::Object(own));
        }
    }
}

/// The keys of a schema that do not describe its objects.
fn words(schema: &Map<String, Value>) -> Map<String, Value> {
    let words = schema.iter().filter(|(key, _)| is_word(key) && *key != "discriminator");
    words.map(|(key, word)| (key.clone(), word.clone())).collect()
}

/// Removes a property from a part.
fn without(part: &mut Map<String, Value>, property: &str) -> Option<Value> {
    if let Some(required) = part.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| name != property);
        if required.is_empty() {
            part.remove("required");
        }
    }
    part.get_mut("properties").and_then(Value::as_object_mut)?.remove(property)
}
