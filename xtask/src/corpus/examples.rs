//! The examples of a document that have a generated type.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use thingspace_codegen::{
    check::{self, Context, Judge, SCHEMAS, names},
    load::Node,
};

use super::sample;

/// A value and its type.
#[derive(Debug, Serialize)]
pub(super) struct Example {
    /// The type, in the module of the document.
    pub(super) of: String,
    line: u64,
    /// The number of the document's examples in it.
    count: usize,
    value: Value,
    /// The value after decoding and encoding: without the properties that no schema has.
    kept: Value,
}

/// The examples that match their schema. An example of a property becomes part of a value of its component.
pub(super) fn of(document: &Node, types: &BTreeSet<String>) -> Vec<Example> {
    let context = Context::of(document);
    let mut found = Found { context: &context, judge: Judge::new(&context), types, examples: Vec::new() };
    for (name, entry) in document.pointer("/components/schemas").into_iter().flat_map(Node::entries) {
        found.component(name, &entry.value);
    }
    let components = ["responses", "requestBodies", "parameters"]
        .into_iter()
        .filter_map(|section| document.get("components").and_then(|components| components.get(section)));
    for (_, entry) in components.flat_map(Node::entries) {
        found.holder(&entry.value, None);
    }
    for operation in check::operations_of(document) {
        let id = operation.node.text_of("operationId").unwrap_or_default();
        for parameter in operation.node.get("parameters").map(Node::items).unwrap_or_default() {
            found.holder(parameter, None);
        }
        if let Some(body) = operation.node.get("requestBody") {
            found.holder(body, Some(&format!("{id}-body")));
        }
        for (status, entry) in operation.node.get("responses").into_iter().flat_map(Node::entries) {
            let name = format!("{id}-response");
            found.holder(&entry.value, status.starts_with('2').then_some(name.as_str()));
        }
    }
    found.examples
}

struct Found<'c, 'a> {
    context: &'c Context<'a>,
    judge: Judge<'c, 'a>,
    types: &'c BTreeSet<String>,
    examples: Vec<Example>,
}

impl<'a> Found<'_, 'a> {
    fn component(&mut self, name: &str, schema: &'a Node) {
        let of = names::type_name(name);
        if !self.types.contains(&of) {
            return;
        }
        let of = format!("types::{of}");
        if let Some(example) = schema.get("example") {
            self.push(&of, schema, example.value(), example.place.line, 1);
        }
        for (name, property) in self.context.properties(schema) {
            let count = sample::examples_in(&property.value);
            if count == 0 {
                continue;
            }
            let (Some(Value::Object(mut value)), Some(own)) =
                (sample::least(self.context, schema), sample::of(self.context, &property.value))
            else {
                continue;
            };
            value.insert(name.to_owned(), own);
            self.push(&of, schema, Value::Object(value), property.key.line, count);
        }
    }

    /// The examples beside a schema.
    fn holder(&mut self, holder: &'a Node, name: Option<&str>) {
        let bodies = holder.get("content").into_iter().flat_map(Node::entries);
        let bodies = bodies.filter(|(media_type, _)| media_type.starts_with("application/json"));
        for media in bodies.map(|(_, media)| &media.value).chain([holder]) {
            let Some(schema) = media.get("schema") else { continue };
            let Some(of) = self.type_of(schema, name) else { continue };
            let named = media.get("examples").into_iter().flat_map(Node::entries);
            let named = named.filter_map(|(_, entry)| self.context.resolved(&entry.value)?.get("value"));
            let inner = schema.get("example").filter(|_| schema.text_of("$ref").is_none());
            let all: Vec<&Node> = media.get("example").into_iter().chain(named).chain(inner).collect();
            for example in all {
                self.push(&of, schema, example.value(), example.place.line, 1);
            }
        }
    }

    fn type_of(&self, schema: &Node, name: Option<&str>) -> Option<String> {
        let component =
            |schema: &Node| schema.text_of("$ref").and_then(|text| text.strip_prefix(SCHEMAS)).map(names::type_name);
        let known = |of: String| Some(of).filter(|of| self.types.contains(of));
        if let Some(of) = component(schema) {
            return known(of).map(|of| format!("types::{of}"));
        }
        if schema.text_of("type") == Some("array")
            && let Some(of) = schema.get("items").and_then(component)
        {
            return known(of).map(|of| format!("Vec<types::{of}>"));
        }
        let title = schema.text_of("title").map(names::type_name);
        known(title.or_else(|| name.map(names::type_name))?).map(|of| format!("types::{of}"))
    }

    fn push(&mut self, of: &str, schema: &'a Node, value: Value, line: u64, count: usize) {
        if self.judge.refusal(schema, &sample::node(&value)).is_none() {
            let kept = sample::described(self.context, &[schema], &value);
            self.examples.push(Example { of: of.to_owned(), line, count, value, kept });
        }
    }
}
