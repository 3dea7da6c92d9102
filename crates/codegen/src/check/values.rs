//! Compares the values in a document with their schemas: enums, defaults and examples.
//!
//! No code is generated from a default or an example. A wrong one still misleads the readers of the document and of the
//! client's docs.

mod trial;

use super::{
    super::{
        finding::{Finding, Place},
        load::{Kind, Node},
    },
    Context,
    shape::Shape,
};
use trial::{Trial, Way};

/// Determines whether a value from outside of the document fits one of its schemas.
#[allow(missing_debug_implementations, reason = "its fields cache borrowed nodes")]
pub struct Judge<'c, 'a>(Trial<'c, 'a>);

impl<'c, 'a> Judge<'c, 'a> {
    /// Creates a judge for the schemas of this document.
    pub fn new(context: &'c Context<'a>) -> Self {
        Self(Trial::new(context, Way::Either))
    }

    /// Why the schema refuses a value, or `None` if the value fits.
    pub fn refusal(&mut self, schema: &'a Node, value: &Node) -> Option<String> {
        self.0.forget();
        self.0.refusal(schema, value).map(|(_, why)| why)
    }
}

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut either = Trial::new(context, Way::Either);
    for schema in context.objects.all(Shape::Schema) {
        listed(&mut either, schema, findings);
        if let Some((place, why)) = schema.get("default").and_then(|default| either.refusal(schema, default)) {
            // The generated code ignores defaults: see adapt.rs.
            findings.push(Finding::warning(
                "default-mismatch",
                place,
                format!("the schema refuses this default: {why}"),
                "write a default that fits, or leave it out",
            ));
        }
        if let Some(example) = schema.get("example") {
            refused(&mut either, schema, example, findings);
        }
    }
    for (way, holders) in
        [(Way::Sent, [Shape::RequestBody, Shape::Parameter]), (Way::Answered, [Shape::Response, Shape::Header])]
    {
        let mut trial = Trial::new(context, way);
        for holder in holders.into_iter().flat_map(|shape| context.objects.all(shape)) {
            let bodies = holder.get("content").into_iter().flat_map(Node::entries).map(|(_, media)| &media.value);
            for holder in bodies.chain([holder]) {
                examples(context, &mut trial, holder, findings);
            }
        }
    }
}

/// Checks the examples beside a schema.
fn examples<'a>(context: &Context<'a>, trial: &mut Trial<'_, 'a>, holder: &'a Node, findings: &mut Vec<Finding>) {
    let Some(schema) = holder.get("schema") else { return };
    let named = holder.get("examples").into_iter().flat_map(Node::entries);
    let named = named.filter_map(|(_, entry)| context.resolved(&entry.value)?.get("value"));
    for example in holder.get("example").into_iter().chain(named) {
        refused(trial, schema, example, findings);
    }
}

fn refused<'a>(trial: &mut Trial<'_, 'a>, schema: &'a Node, example: &'a Node, findings: &mut Vec<Finding>) {
    for (place, why) in trial.refusals(schema, example) {
        let is_scalar =
            at(example, place).is_some_and(|node| matches!(&node.kind, Kind::Scalar(value) if !value.is_null()));
        let is_other = |text: &str| text.parse::<f64>().is_ok() || ["true", "false"].contains(&text);
        let is_quoted = at(example, place).and_then(Node::text).is_some_and(is_other);
        let help = match why.as_str() {
            "it is no string" if is_scalar => "write it in quotes",
            "it is no integer" | "it is no number" | "it is no boolean" if is_quoted => "write it without quotes",
            _ => "write an example that fits, or change the schema",
        };
        // The generated code ignores examples.
        let message = format!("the schema refuses this example: {why}");
        findings.push(Finding::warning("example-mismatch", place, message, help));
    }
}

/// The scalar at a place.
fn at(node: &Node, place: Place) -> Option<&Node> {
    if node.place == place && matches!(node.kind, Kind::Scalar(_)) {
        return Some(node);
    }
    node.entries().map(|(_, entry)| &entry.value).chain(node.items()).find_map(|inner| at(inner, place))
}

fn listed<'a>(trial: &mut Trial<'_, 'a>, schema: &'a Node, findings: &mut Vec<Finding>) {
    let Some(entry) = schema.entry("enum") else { return };
    let Kind::List(items) = &entry.value.kind else {
        findings.push(Finding::new(
            "wrong-kind",
            entry.value.place,
            "enum is a list",
            "write one value after each dash",
        ));
        return;
    };
    if items.is_empty() {
        findings.push(Finding::new(
            "empty-enum",
            entry.key,
            "no value is one of none",
            "write the values, or remove enum:",
        ));
        return;
    }
    let of = schema.text_of("type");
    if let (None, Some(of)) = (of, type_of(items)) {
        // The enum gets this type: see adapt/open.rs.
        findings.push(Finding::warning(
            "unsupported-enum",
            entry.key,
            "these values are no texts, and no type: says what they are",
            format!("write type: {of} beside enum:"),
        ));
        return;
    }
    if of.is_some_and(|of| matches!(of, "array" | "object")) || of.is_none() && items.iter().any(is_no_text) {
        findings.push(Finding::new(
            "unsupported-enum",
            entry.key,
            "only texts and numbers can be listed",
            "leave enum: out and say in description: which values there are, or write a minimum: and a maximum:",
        ));
        return;
    }
    for item in items {
        let Some((_, why)) = trial.refusal(schema, item) else { continue };
        let help = if of == Some("string") && item.text().is_none() {
            "write it in quotes"
        } else {
            "write a value that fits, or remove it"
        };
        findings.push(Finding::new("enum-mismatch", item.place, format!("the schema refuses this value: {why}"), help));
    }
}

/// The common type of these values, if it is not `string` and can be written beside them.
fn type_of(items: &[Node]) -> Option<&'static str> {
    let values: Vec<_> = items.iter().map(Node::value).filter(|value| !value.is_null()).collect();
    let all = |fits: fn(&serde_json::Value) -> bool| !values.is_empty() && values.iter().all(fits);
    match () {
        () if all(|value| value.is_i64() || value.is_u64()) => Some("integer"),
        () if all(serde_json::Value::is_number) => Some("number"),
        () if all(serde_json::Value::is_boolean) => Some("boolean"),
        () => None,
    }
}

fn is_no_text(item: &Node) -> bool {
    item.text().is_none() && !item.value().is_null()
}
