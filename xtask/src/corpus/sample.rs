//! Values of schemas, made of their examples if they have any.

use serde_json::{Map, Value, json};
use thingspace_codegen::{
    Member, Place,
    check::{Context, parts},
    load::{Entry, Kind, Node},
};

/// The maximum depth of a value.
const DEEPEST: usize = 24;

/// The smallest value of a schema.
pub(super) fn least<'a>(context: &Context<'a>, schema: &'a Node) -> Option<Value> {
    Sampler { context, has_examples: false }.value(schema, 0)
}

/// A value of a schema with all its examples.
pub(super) fn of<'a>(context: &Context<'a>, schema: &'a Node) -> Option<Value> {
    Sampler { context, has_examples: true }.value(schema, 0)
}

/// The number of examples in a schema itself. A schema that it refers to has its own.
pub(super) fn examples_in(schema: &Node) -> usize {
    if schema.get("example").is_some() {
        return 1;
    }
    let inner = ["items", "additionalProperties"].into_iter().filter_map(|key| schema.get(key));
    let properties = schema.get("properties").into_iter().flat_map(Node::entries).map(|(_, entry)| &entry.value);
    inner.chain(properties).chain(parts(schema)).map(examples_in).sum()
}

/// The part of a value that any of these schemas describes.
pub(super) fn described<'a>(context: &Context<'a>, schemas: &[&'a Node], value: &Value) -> Value {
    let mut all: Vec<&'a Node> = Vec::new();
    let mut next = schemas.to_vec();
    let object = value.is_object().then(|| node(value));
    while let Some(schema) = next.pop().and_then(|schema| context.resolved(schema)) {
        if !all.iter().any(|known| std::ptr::eq(*known, schema)) {
            all.push(schema);
            next.extend(parts(schema));
            let variants = context.member(schema).zip(object.as_ref());
            next.extend(variants.into_iter().flat_map(|(member, object)| context.variants(member, object)));
        }
    }
    match value {
        Value::Array(items) => {
            let of: Vec<_> = all.iter().filter_map(|schema| schema.get("items")).collect();
            items.iter().map(|item| described(context, &of, item)).collect()
        }
        Value::Object(fields) => {
            let has_properties = all.iter().any(|schema| schema.get("properties").is_some());
            let required = |schema: &&Node| schema.get("required").map(Node::items).unwrap_or_default().to_vec();
            let required: Vec<Node> = all.iter().flat_map(required).collect();
            let is_required = |name: &str| required.iter().any(|known| known.text() == Some(name));
            let mut kept = Map::new();
            for (name, field) in fields {
                let own = all.iter().filter_map(|schema| schema.get("properties")?.get(name));
                let own: Vec<_> = own.collect();
                let rest = all.iter().filter_map(|schema| schema.get("additionalProperties"));
                let rest: Vec<_> = rest.filter(|rest| rest.map().is_some()).collect();
                if !own.is_empty() {
                    kept.insert(name.clone(), described(context, &own, field));
                } else if is_required(name) {
                    kept.insert(name.clone(), field.clone());
                } else if !rest.is_empty() || !has_properties {
                    kept.insert(name.clone(), described(context, &rest, field));
                }
            }
            Value::Object(kept)
        }
        other => other.clone(),
    }
}

/// A value as a node of a document.
pub(super) fn node(value: &Value) -> Node {
    let kind = match value {
        Value::Array(items) => Kind::List(items.iter().map(node).collect()),
        Value::Object(fields) => {
            let entry = |value| Entry { key: Place::default(), value: node(value), again: Vec::new() };
            Kind::Map(fields.iter().map(|(name, value)| (name.clone(), entry(value))).collect())
        }
        other => Kind::Scalar(other.clone()),
    };
    Node { place: Place::default(), kind }
}

struct Sampler<'c, 'a> {
    context: &'c Context<'a>,
    has_examples: bool,
}

impl<'a> Sampler<'_, 'a> {
    fn value(&self, schema: &'a Node, depth: usize) -> Option<Value> {
        let schema = self.context.resolved(schema).filter(|_| depth < DEEPEST)?;
        if let Some(member) = self.context.member(schema).filter(|_| schema.get("example").is_none()) {
            return self.of_family(member, depth);
        }
        if let Some(example) = schema.get("example") {
            return Some(example.value());
        }
        if let Some(first) = schema.get("enum").and_then(|values| values.items().first()) {
            return Some(first.value());
        }
        for key in ["oneOf", "anyOf"] {
            let mut choices = schema.get(key).map(Node::items).unwrap_or_default().iter();
            if let Some(chosen) = choices.find_map(|choice| self.value(choice, depth + 1)) {
                return Some(self.object(schema, depth, chosen));
            }
        }
        let is_object = !self.context.properties(schema).is_empty() || schema.text_of("type") == Some("object");
        match schema.text_of("type") {
            _ if is_object => Some(self.object(schema, depth, json!({}))),
            Some("string") => Some(text(schema)),
            Some("integer" | "number") => Some(number(schema)),
            Some("boolean") => Some(true.into()),
            Some("array") => self.list(schema, depth),
            None if schema.get("items").is_some() => self.list(schema, depth),
            _ => match schema.get("allOf").map(Node::items) {
                Some(parts) => parts.iter().find_map(|part| self.value(part, depth + 1)),
                None => Some(json!("any")),
            },
        }
    }

    /// An object of the first schema of a family that has one, with its tags.
    fn of_family(&self, member: &Member, depth: usize) -> Option<Value> {
        let families = self.context.families();
        member.variants.iter().find_map(|name| {
            let schema = self.context.document.pointer("/components/schemas")?.get(name)?;
            let tags = families.get(name)?.tags().filter_map(|(property, tags)| Some((property, tags.first()?)));
            let begun = tags.map(|(property, tag)| (property.to_owned(), tag.as_str().into())).collect();
            Some(self.object(schema, depth, Value::Object(begun)))
        })
    }

    fn list(&self, schema: &'a Node, depth: usize) -> Option<Value> {
        let least = schema.get("minItems").and_then(|least| least.value().as_u64()).unwrap_or_default();
        let wanted = least.max(u64::from(self.has_examples));
        if wanted == 0 {
            return Some(json!([]));
        }
        let Some(item) = schema.get("items").and_then(|items| self.value(items, depth + 1)) else {
            return (least == 0).then(|| json!([]));
        };
        Some((0..wanted).map(|_| item.clone()).collect())
    }

    /// The object of a schema, with the fields of `base`.
    fn object(&self, schema: &'a Node, depth: usize, base: Value) -> Value {
        let Value::Object(mut fields) = base else { return base };
        let required = self.context.required(schema);
        for (name, property) in self.context.properties(schema) {
            let is_wanted = required.iter().any(|(known, _)| *known == name)
                || self.has_examples && examples_in(&property.value) > 0;
            if is_wanted
                && !fields.contains_key(name)
                && let Some(value) = self.value(&property.value, depth + 1)
            {
                fields.insert(name.to_owned(), value);
            }
        }
        Value::Object(fields)
    }
}

fn text(schema: &Node) -> Value {
    let known = match schema.text_of("format") {
        Some("date-time") => "2026-11-29T05:34:40Z",
        Some("date") => "2026-11-29",
        Some("uuid") => "6a036076-cb74-4366-9a03-6076cb745366",
        Some("ipv4" | "ip") => "192.0.2.1",
        Some("ipv6") => "2001:db8::1",
        Some("email") => "a@example.com",
        Some("uri" | "url") => "https://example.com/a",
        Some("byte") => "YQ==",
        _ => "a",
    };
    let least = schema.get("minLength").and_then(|least| least.value().as_u64()).unwrap_or_default();
    let missing = usize::try_from(least).unwrap_or_default().min(1000).saturating_sub(known.len());
    format!("{known}{}", "a".repeat(missing)).into()
}

fn number(schema: &Node) -> Value {
    ["minimum", "maximum"].iter().find_map(|key| Some(schema.get(key)?.value())).unwrap_or_else(|| 1.into())
}
