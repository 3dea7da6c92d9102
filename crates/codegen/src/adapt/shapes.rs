//! Names the shapes of errors, and makes one type of each set of shapes.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::{Map, Value, json};

use super::super::check::{SCHEMAS, names::capitalised};

/// A named schema. The schema with the most required properties comes first: serde tries variants in this order, and a
/// schema without required properties accepts everything.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape {
    demands: Reverse<usize>,
    reference: String,
}

/// The schemas that the fold adds to `components/schemas`.
pub(super) struct Shapes {
    /// The names as Rust types: names that differ only in a dash become the same type.
    taken: BTreeSet<String>,
    /// The inline schemas that became components, by their text.
    lifted: BTreeMap<String, Shape>,
    /// The references to the types made of several shapes.
    unions: BTreeMap<Vec<Shape>, String>,
    added: Map<String, Value>,
}

impl Shapes {
    /// Reserves the names of the schemas, and the names that progenitor gives to the bodies and responses of
    /// `operations`. progenitor would silently use a schema of such a name in their place.
    pub(super) fn new<'a>(components: &Value, operations: impl Iterator<Item = &'a str>) -> Self {
        let schemas = components.get("schemas").and_then(Value::as_object);
        let mut taken: BTreeSet<String> = schemas.into_iter().flat_map(Map::keys).map(|name| as_seen(name)).collect();
        taken.extend(operations.flat_map(|id| ["Body", "Response"].map(|part| as_seen(&format!("{id}{part}")))));
        Self { taken, lifted: BTreeMap::new(), unions: BTreeMap::new(), added: Map::new() }
    }

    /// The shape of a schema. An inline schema becomes a component, named after its response or else after the
    /// operation.
    pub(super) fn shape(
        &mut self,
        schema: &Value,
        response: Option<&str>,
        operation: &str,
        components: &Value,
    ) -> Shape {
        let demands = Reverse(demands(schema, components, 0));
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            return Shape { demands, reference: reference.to_owned() };
        }
        let text = schema.to_string();
        if let Some(known) = self.lifted.get(&text) {
            return known.clone();
        }
        let name = response.map_or_else(|| format!("{operation}Error"), str::to_owned);
        let shape = Shape { demands, reference: self.add(&name, schema.clone()) };
        self.lifted.insert(text, shape.clone());
        shape
    }

    /// The reference to the type of a set of shapes. A single shape is that type itself.
    pub(super) fn one_of(&mut self, shapes: BTreeSet<Shape>) -> Option<String> {
        let shapes: Vec<Shape> = shapes.into_iter().collect();
        if let ([] | [_], first) = (shapes.as_slice(), shapes.first()) {
            return first.map(|shape| shape.reference.clone());
        }
        if let Some(known) = self.unions.get(&shapes) {
            return Some(known.clone());
        }
        let names: Vec<String> = shapes.iter().map(|shape| capitalised(name_of(&shape.reference))).collect();
        let variants: Vec<Value> = shapes.iter().map(|shape| json!({ "$ref": shape.reference })).collect();
        let schema = json!({ "description": "An error in one of its documented shapes.", "oneOf": variants });
        let reference = self.add(&names.join("Or"), schema);
        self.unions.insert(shapes, reference.clone());
        Some(reference)
    }

    /// Adds the new schemas to the components.
    pub(super) fn add_to(self, components: &mut Value) {
        if self.added.is_empty() {
            return;
        }
        if !components.is_object() {
            *components = json!({});
        }
        if let Some(components) = components.as_object_mut()
            && let Some(schemas) = components.entry("schemas").or_insert_with(|| json!({})).as_object_mut()
        {
            schemas.extend(self.added);
        }
    }

    /// Adds a schema under this name or a free variation of it, and returns its reference.
    fn add(&mut self, name: &str, schema: Value) -> String {
        // The name becomes part of a JSON pointer, in which some characters of an operationId would need escapes.
        let name = &name.replace(|letter: char| !letter.is_alphanumeric() && !['_', '.', '-'].contains(&letter), "-");
        let numbered = (2_usize..).map(|number| format!("{name}{number}"));
        let mut names = [name.to_owned(), format!("{name}Error")].into_iter().chain(numbered);
        let name = names.find(|name| self.taken.insert(as_seen(name))).unwrap_or_default();
        let reference = format!("{SCHEMAS}{name}");
        self.added.insert(name, schema);
        reference
    }
}

/// How many properties a schema requires.
fn demands(schema: &Value, components: &Value, depth: usize) -> usize {
    if depth > 16 {
        return 0;
    }
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = components.get("schemas").and_then(|schemas| schemas.get(name_of(reference)));
        return target.map_or(0, |target| demands(target, components, depth + 1));
    }
    let own = schema.get("required").and_then(Value::as_array).map_or(0, Vec::len);
    let parts = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
    own + parts.map(|part| demands(part, components, depth + 1)).sum::<usize>()
}

fn name_of(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

fn as_seen(name: &str) -> String {
    name.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
