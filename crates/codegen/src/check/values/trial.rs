//! Determines whether a value fits a schema, and if not, where and why.
//!
//! In doubt, a value fits. Other rules report mistakes of the schema, such as a reference without a target.

mod formats;
mod limits;

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::super::{
    super::{
        families::Member,
        finding::Place,
        load::{Kind, Node},
    },
    Context, schemas,
};

/// The direction of a value: `readOnly` properties are not sent, and `writeOnly` properties are not received.
#[derive(Clone, Copy)]
pub(super) enum Way {
    Sent,
    Answered,
    Either,
}

/// The place that does not fit, and the reason.
type Refusal = (Place, String);

/// Compares values with schemas.
pub(super) struct Trial<'c, 'a> {
    context: &'c Context<'a>,
    way: Way,
    /// The schema that each part belongs to: a part may require properties of its siblings.
    wholes: BTreeMap<Place, &'a Node>,
    /// The results for pairs of schema and value. A pair in progress counts as fitting: some schemas lead back to
    /// themselves.
    known: HashMap<(usize, usize, bool), Option<Refusal>>,
}

impl<'c, 'a> Trial<'c, 'a> {
    pub(super) fn new(context: &'c Context<'a>, way: Way) -> Self {
        Self { context, way, wholes: schemas::wholes(context), known: HashMap::new() }
    }

    /// Drops the results: the address of a dropped value may belong to another one later.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// Where and why a schema refuses a value.
    pub(super) fn refusal(&mut self, schema: &'a Node, node: &Node) -> Option<Refusal> {
        self.below(schema, node, 0)
    }

    /// All places where a schema refuses a value, with the reasons, as far as each can be judged separately.
    pub(super) fn refusals(&mut self, schema: &'a Node, node: &Node) -> Vec<Refusal> {
        let (mut found, mut next) = (Vec::new(), vec![(schema, node)]);
        while let Some((schema, node)) = next.pop() {
            let Some(refusal) = self.refusal(schema, node) else { continue };
            let before = next.len();
            let resolved = self.context.resolved(schema);
            for (name, field) in node.entries() {
                let property = resolved.and_then(|schema| schema.get("properties")?.get(name));
                next.extend(property.map(|property| (property, &field.value)));
            }
            if let Some(of) = resolved.and_then(|schema| schema.get("items")) {
                next.extend(node.items().iter().map(|item| (of, item)));
            }
            // The deeper place gets the finding.
            let is_deeper = next
                .get(before..)
                .is_some_and(|inner| inner.iter().copied().any(|(schema, node)| self.refusal(schema, node).is_some()));
            if !is_deeper {
                next.truncate(before);
                found.push(refusal);
            }
        }
        found
    }

    fn below(&mut self, schema: &'a Node, node: &Node, depth: usize) -> Option<Refusal> {
        self.cached(schema, node, depth, false)
    }

    fn cached(&mut self, schema: &'a Node, node: &Node, depth: usize, is_part: bool) -> Option<Refusal> {
        let schema = self.context.resolved(schema).filter(|_| depth < 200)?;
        let key = (std::ptr::from_ref(schema).addr(), std::ptr::from_ref(node).addr(), is_part);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        self.known.insert(key, None);
        let found = match self.context.member(schema).filter(|_| !is_part && node.map().is_some()) {
            Some(member) => self.of_family(member, node, depth + 1),
            None => self.judge(schema, node, depth + 1),
        };
        self.known.insert(key, found.clone());
        found
    }

    /// Compares an object of a family with the schema that its tag names.
    fn of_family(&mut self, member: &Member, node: &Node, depth: usize) -> Option<Refusal> {
        let refusals: Vec<_> =
            self.context.variants(member, node).into_iter().map(|one| self.cached(one, node, depth, true)).collect();
        if refusals.iter().any(Option::is_none) {
            return None;
        }
        refusals.into_iter().flatten().next().or_else(|| {
            let property = member.tags().next().map(|(property, _)| property).unwrap_or_default();
            let place = node.get(property).map_or(node.place, |tag| tag.place);
            Some((place, format!("its {property} names none of the schemas that the discriminator tells apart")))
        })
    }

    fn judge(&mut self, schema: &'a Node, node: &Node, depth: usize) -> Option<Refusal> {
        let value = node.value();
        if value.is_null() && (schema.is("nullable") || schema.get("type").is_none()) {
            return None;
        }
        let refused = own(schema, &value).or_else(|| unlisted(schema, node, &value));
        if let Some(why) = refused.or_else(|| self.lacking(schema, node)) {
            return Some((node.place, why));
        }
        self.inside(schema, node, depth).or_else(|| self.of_parts(schema, node, depth))
    }

    /// The reason for an object without a required property.
    fn lacking(&self, schema: &'a Node, node: &Node) -> Option<String> {
        node.map()?;
        let whole = self.wholes.get(&schema.place).copied().unwrap_or(schema);
        let properties = self.context.properties(whole);
        let is_absent = |name: &str| {
            let found = properties.iter().filter(|(known, _)| *known == name);
            found.filter_map(|(_, entry)| self.context.resolved(&entry.value)).any(|property| match self.way {
                Way::Sent => property.is("readOnly"),
                Way::Answered => property.is("writeOnly"),
                Way::Either => property.is("readOnly") || property.is("writeOnly"),
            })
        };
        let required = schema.get("required").map(Node::items).unwrap_or_default();
        let mut lacking = required.iter().filter_map(Node::text).filter(|name| node.get(name).is_none());
        lacking.find(|name| !is_absent(name)).map(|name| format!("it lacks {name}"))
    }

    /// Compares the items of a list or the properties of an object.
    fn inside(&mut self, schema: &'a Node, node: &Node, depth: usize) -> Option<Refusal> {
        if let (Kind::List(items), Some(of)) = (&node.kind, schema.get("items")) {
            return items.iter().find_map(|item| self.below(of, item, depth));
        }
        node.entries().find_map(|(name, field)| {
            let property = schema.get("properties").and_then(|properties| properties.get(name));
            let of = property.or_else(|| schema.get("additionalProperties").filter(|others| others.map().is_some()));
            self.below(of?, &field.value, depth)
        })
    }

    fn of_parts(&mut self, schema: &'a Node, node: &Node, depth: usize) -> Option<Refusal> {
        let parts = |key: &str| schema.get(key).map(Node::items).unwrap_or_default();
        if let Some(refused) = parts("allOf").iter().find_map(|part| self.cached(part, node, depth, true)) {
            return Some(refused);
        }
        for key in ["oneOf", "anyOf"] {
            let fitting = parts(key).iter().filter(|choice| self.below(choice, node, depth).is_none()).count();
            match (key, fitting) {
                (_, 0) if !parts(key).is_empty() => {
                    return Some((node.place, format!("none of the schemas in {key} takes it")));
                }
                ("oneOf", 2..) => {
                    return Some((node.place, "more than one of the schemas in oneOf takes it".to_owned()));
                }
                _ => {}
            }
        }
        None
    }
}

/// Why a value does not fit a schema, apart from parts, items and properties.
fn own(schema: &Node, value: &Value) -> Option<String> {
    if let Some(of) = schema.text_of("type").filter(|of| !is_of(value, of)) {
        let whole = value.as_f64().filter(|number| of == "integer" && number.fract() == 0.0);
        return Some(whole.map_or_else(|| format!("it is no {of}"), |_| "an integer has no decimal point".to_owned()));
    }
    match value {
        Value::String(text) => limits::text(schema, text).or_else(|| {
            let format = schema.text_of("format").filter(|format| !formats::fits(format, text))?;
            Some(format!("it is no {format}"))
        }),
        Value::Array(items) => limits::list(schema, items),
        Value::Object(fields) => limits::object(schema, fields),
        Value::Number(number) => limits::number(schema, number),
        Value::Null | Value::Bool(_) => None,
    }
}

/// Why a value is none of the listed ones. The listed values themselves are not compared.
fn unlisted(schema: &Node, node: &Node, value: &Value) -> Option<String> {
    let values = schema.get("enum").map(Node::items).filter(|values| !values.is_empty())?;
    let is_listed = values.as_ptr_range().contains(&std::ptr::from_ref(node));
    (!is_listed && values.iter().all(|known| known.value() != *value))
        .then(|| "it is none of the values of enum:".to_owned())
}

fn is_of(value: &Value, of: &str) -> bool {
    match of {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}
