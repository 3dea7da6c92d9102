//! Inline types, which are named after their place. Reports two inline schemas with the same name: the second type gets
//! a number in its name.

use std::collections::BTreeMap;

use super::{
    super::{
        finding::{Finding, Place},
        load::{Kind, Node},
    },
    COMPOSED, Context, Described, names,
};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut named = Named { seen: BTreeMap::new(), findings };
    let schemas = context.document.pointer("/components/schemas");
    for (name, entry) in schemas.into_iter().flat_map(Node::entries) {
        named.seen.entry(names::type_name(name)).or_insert((entry.key, &entry.value));
    }
    for (name, entry) in schemas.into_iter().flat_map(Node::entries) {
        let inner = if entry.value.is("nullable") { format!("{name}Inner") } else { name.to_owned() };
        named.within(&inner, &entry.value);
    }
    for operation in context.operations() {
        of_operation(context, &operation, &mut named);
    }
}

fn of_operation<'a>(context: &Context<'a>, operation: &Described<'a>, named: &mut Named<'a, '_>) {
    let Some(id) = operation.node.text_of("operationId") else { return };
    let body = operation.node.get("requestBody").and_then(|body| context.resolved(body));
    for schema in body.into_iter().filter_map(media) {
        named.schema(&format!("{id}-body"), schema);
    }
    // The inline schema of an error gets a unique name: see adapt/shapes.rs.
    let responses = operation.node.get("responses").into_iter().flat_map(Node::entries);
    for (_, response) in responses.filter(|(status, _)| status.starts_with('2')) {
        if let Some(schema) = context.resolved(&response.value).and_then(media) {
            named.schema(&format!("{id}-response"), schema);
        }
    }
    for holder in [operation.item, operation.node] {
        for parameter in holder.get("parameters").map(Node::items).unwrap_or_default() {
            let parameter = context.resolved(parameter);
            if let Some((name, schema)) = parameter.and_then(|one| one.text_of("name").zip(one.get("schema"))) {
                named.schema(&format!("{id}-{name}"), schema);
            }
        }
    }
}

/// The schema of a body.
fn media(holder: &Node) -> Option<&Node> {
    holder.get("content")?.entries().next()?.1.value.get("schema")
}

/// The schemas of the type names seen so far.
struct Named<'a, 'f> {
    seen: BTreeMap<String, (Place, &'a Node)>,
    findings: &'f mut Vec<Finding>,
}

impl<'a> Named<'a, '_> {
    /// Visits an inline schema.
    fn schema(&mut self, name: &str, schema: &'a Node) {
        if schema.get("$ref").is_some() || schema.map().is_none() {
            return;
        }
        let title = schema.text_of("title").filter(|title| !title.is_empty());
        let name = title.unwrap_or(name);
        // A composition of one schema equals that schema.
        let composed = COMPOSED.iter().filter_map(|key| schema.get(key)).map(Node::items);
        if let Some([part]) = composed.into_iter().next().filter(|_| schema.get("properties").is_none()) {
            self.schema(name, part);
            return;
        }
        if becomes_type(schema) {
            let rust = names::type_name(name);
            match self.seen.get(&rust) {
                // The second type gets a number: see adapt/titles/unique.rs.
                Some((first, known)) if !same(known, schema, false) => self.findings.push(Finding::warning(
                    "colliding-types",
                    schema.place,
                    format!(
                        "this would become a type {rust}, as does line {}, and has a number in its name",
                        first.line
                    ),
                    "give it a title: of its own, or put it into components/schemas and refer to it",
                )),
                Some(_) => {}
                None => drop(self.seen.insert(rust, (schema.place, schema))),
            }
        }
        self.within(name, schema);
    }

    /// Visits the schemas inside a schema of this name.
    fn within(&mut self, name: &str, schema: &'a Node) {
        for (property, entry) in schema.get("properties").into_iter().flat_map(Node::entries) {
            self.schema(&format!("{name}_{property}"), &entry.value);
        }
        if let Some(items) = schema.get("items") {
            self.schema(&format!("{name}Item"), items);
        }
        if let Some(values) = schema.get("additionalProperties") {
            let has_fields = schema.get("properties").is_some_and(|properties| properties.entries().next().is_some());
            self.schema(&format!("{name}{}", if has_fields { "_extraValue" } else { "Value" }), values);
        }
        for part in schema.get("allOf").map(Node::items).unwrap_or_default() {
            if part.get("$ref").is_none() {
                self.within(name, part);
            }
        }
        for key in ["oneOf", "anyOf"] {
            for (index, choice) in schema.get(key).map(Node::items).unwrap_or_default().iter().enumerate() {
                if choice.get("$ref").is_none() {
                    self.within(&format!("{name}_Variant{index}"), choice);
                }
            }
        }
    }
}

/// Whether a schema only refers to another one: the usual way to write a description beside a `$ref`.
fn is_reference(schema: &Node) -> bool {
    let says_nothing =
        |key: &str| WORDS.contains(&key) || ["allOf", "nullable"].contains(&key) || key.starts_with("x-");
    let parts = schema.get("allOf").map(Node::items).unwrap_or_default();
    matches!(parts, [part] if part.get("$ref").is_some()) && schema.entries().all(|(key, _)| says_nothing(key))
}

/// Whether typify makes a named type of a schema.
fn becomes_type(schema: &Node) -> bool {
    if is_reference(schema) {
        return false;
    }
    let is_text = schema.text_of("type") == Some("string") && schema.get("format").is_none();
    schema.get("properties").is_some()
        || ["enum", "oneOf", "anyOf", "allOf"].iter().any(|key| schema.get(key).is_some())
        || is_text && ["minLength", "maxLength", "pattern"].iter().any(|key| schema.get(key).is_some())
}

/// Keys that do not affect the type of a value.
const WORDS: [&str; 9] =
    ["description", "title", "example", "externalDocs", "deprecated", "readOnly", "writeOnly", "xml", "x-secret"];

/// Whether two schemas describe the same values. With `are_names`, the keys are names.
fn same(left: &Node, right: &Node, are_names: bool) -> bool {
    let counts = |key: &str| are_names || !WORDS.contains(&key);
    match (&left.kind, &right.kind) {
        (Kind::Scalar(left), Kind::Scalar(right)) => left == right,
        (Kind::List(left), Kind::List(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right, false))
        }
        (Kind::Map(left), Kind::Map(right)) => {
            left.keys().filter(|key| counts(key)).count() == right.keys().filter(|key| counts(key)).count()
                && left.iter().filter(|(key, _)| counts(key)).all(|(key, entry)| {
                    right
                        .get(key)
                        .is_some_and(|other| same(&entry.value, &other.value, key == "properties" && !are_names))
                })
        }
        _ => false,
    }
}
