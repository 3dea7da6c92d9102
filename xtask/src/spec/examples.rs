//! Examples and defaults, held against their schema.
//!
//! Nothing is generated from an example, so a wrong one does not stop a build; but it misleads whoever reads it.

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use crate::generator::{
    check::shape::{Objects, Shape},
    finding::Finding,
    load::Node,
};

/// Every example and default that its schema refuses.
pub(super) fn check(document: &Node) -> Vec<Finding> {
    let objects = Objects::of(document, &mut Vec::new());
    let mut findings = Vec::new();
    for schema in objects.all(Shape::Schema) {
        let stated = ["example", "default"].into_iter().filter_map(|key| Some((key, schema.get(key)?)));
        let stated: Vec<_> = stated.collect();
        hold(document, schema, &stated, &mut findings);
    }
    for holder in [Shape::MediaType, Shape::Parameter, Shape::Header].into_iter().flat_map(|shape| objects.all(shape)) {
        let Some(schema) = holder.get("schema") else { continue };
        let named = holder.get("examples").into_iter().flat_map(Node::entries);
        let named = named.filter_map(|(_, entry)| Some(("example", entry.value.get("value")?)));
        let stated: Vec<_> = holder.get("example").map(|node| ("example", node)).into_iter().chain(named).collect();
        hold(document, schema, &stated, &mut findings);
    }
    findings
}

fn hold(document: &Node, schema: &Node, stated: &[(&str, &Node)], findings: &mut Vec<Finding>) {
    if stated.is_empty() {
        return;
    }
    // A schema that is none is told of by other rules.
    let Some(validator) = validator(document, schema) else { return };
    for (what, node) in stated {
        let value = node.value();
        if let Some(error) = validator.iter_errors(&value).next() {
            let place = node.pointer(error.instance_path().as_str()).unwrap_or(node).place;
            findings.push(Finding::new(
                "example-mismatch",
                place,
                format!("the schema refuses this {what}: {error}"),
                format!("write {} {what} that fits, or change the schema", if *what == "example" { "an" } else { "a" }),
            ));
        }
    }
}

fn validator(document: &Node, schema: &Node) -> Option<Validator> {
    let mut root = json_schema(schema.value());
    // Draft 4 reads nothing beside a `$ref`.
    if root.get("$ref").is_some() {
        root = json!({ "allOf": [root] });
    }
    let schemas = needed(document, schema);
    root.as_object_mut()?.insert("components".to_owned(), json!({ "schemas": schemas }));
    jsonschema::options().with_draft(Draft::Draft4).should_validate_formats(true).build(&root).ok()
}

/// The schemas that one leads to: in a large document, few of all.
fn needed(document: &Node, schema: &Node) -> Map<String, Value> {
    let all = document.pointer("/components/schemas");
    let (mut found, mut next) = (Map::new(), vec![schema]);
    while let Some(node) = next.pop() {
        let name = node.text_of("$ref").and_then(|reference| reference.strip_prefix("#/components/schemas/"));
        if let Some((name, target)) = name.and_then(|name| Some((name, all?.get(name)?)))
            && !found.contains_key(name)
        {
            found.insert(name.to_owned(), json_schema(target.value()));
            next.push(target);
        }
        next.extend(node.entries().map(|(_, entry)| &entry.value));
        next.extend(node.items());
    }
    found
}

/// A schema of OpenAPI 3.0 as one of JSON Schema, draft 4: they differ in `nullable` alone, as far as values go.
fn json_schema(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let map: Map<String, Value> = map.into_iter().map(|(key, inner)| (key, json_schema(inner))).collect();
            if map.get("nullable") == Some(&Value::Bool(true)) {
                let inner: Map<_, _> = map.into_iter().filter(|(key, _)| key != "nullable").collect();
                json!({ "anyOf": [{ "enum": [null] }, inner] })
            } else {
                Value::Object(map)
            }
        }
        Value::Array(items) => items.into_iter().map(json_schema).collect(),
        other => other,
    }
}
