//! What an OpenAPI 3.0 document is made of: which keys each object may have, and what stands behind them.
//!
//! The tables are those of the specification (3.0.4, section 4.7). Walking down them finds every object of a kind,
//! wherever it is written, and whatever is written where nothing reads it.

use super::super::{
    finding::Finding,
    load::{Entry, Kind, Node},
};

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Document,
    Info,
    Server,
    Tag,
    Components,
    PathItem,
    Operation,
    Parameter,
    RequestBody,
    MediaType,
    Response,
    Header,
    Schema,
    SecurityScheme,
    Flows,
    Flow,
}

/// What stands behind a key.
#[derive(Clone, Copy, Debug)]
enum Expect {
    Any,
    Text,
    Flag,
    Number,
    Texts,
    One(Shape),
    List(Shape),
    Map(Shape),
}

use Expect::{Any, Flag, List, Map, Number, One, Text, Texts};

/// Key, what stands behind it, whether it has to be there.
type Field = (&'static str, Expect, bool);

const MUST: bool = true;
const MAY: bool = false;

impl Shape {
    fn fields(self) -> &'static [Field] {
        match self {
            Self::Document => &[
                ("openapi", Text, MUST),
                ("info", One(Self::Info), MUST),
                ("servers", List(Self::Server), MAY),
                ("paths", Map(Self::PathItem), MUST),
                ("components", One(Self::Components), MAY),
                ("security", Any, MAY),
                ("tags", List(Self::Tag), MAY),
                ("externalDocs", Any, MAY),
            ],
            Self::Info => &[
                ("title", Text, MUST),
                ("description", Text, MAY),
                ("termsOfService", Text, MAY),
                ("contact", Any, MAY),
                ("license", Any, MAY),
                ("version", Text, MUST),
            ],
            Self::Server => &[("url", Text, MUST), ("description", Text, MAY), ("variables", Any, MAY)],
            Self::Tag => &[("name", Text, MUST), ("description", Text, MAY), ("externalDocs", Any, MAY)],
            Self::Components => &[
                ("schemas", Map(Self::Schema), MAY),
                ("responses", Map(Self::Response), MAY),
                ("parameters", Map(Self::Parameter), MAY),
                ("examples", Any, MAY),
                ("requestBodies", Map(Self::RequestBody), MAY),
                ("headers", Map(Self::Header), MAY),
                ("securitySchemes", Map(Self::SecurityScheme), MAY),
                ("links", Any, MAY),
                ("callbacks", Any, MAY),
            ],
            Self::PathItem => &[
                ("summary", Text, MAY),
                ("description", Text, MAY),
                ("get", One(Self::Operation), MAY),
                ("put", One(Self::Operation), MAY),
                ("post", One(Self::Operation), MAY),
                ("delete", One(Self::Operation), MAY),
                ("options", One(Self::Operation), MAY),
                ("head", One(Self::Operation), MAY),
                ("patch", One(Self::Operation), MAY),
                ("trace", One(Self::Operation), MAY),
                ("servers", List(Self::Server), MAY),
                ("parameters", List(Self::Parameter), MAY),
            ],
            Self::Operation => &[
                ("tags", Texts, MAY),
                ("summary", Text, MAY),
                ("description", Text, MAY),
                ("externalDocs", Any, MAY),
                ("operationId", Text, MAY),
                ("parameters", List(Self::Parameter), MAY),
                ("requestBody", One(Self::RequestBody), MAY),
                ("responses", Map(Self::Response), MUST),
                ("callbacks", Any, MAY),
                ("deprecated", Flag, MAY),
                ("security", Any, MAY),
                ("servers", List(Self::Server), MAY),
            ],
            Self::Parameter => &[
                ("name", Text, MUST),
                ("in", Text, MUST),
                ("description", Text, MAY),
                ("required", Flag, MAY),
                ("deprecated", Flag, MAY),
                ("allowEmptyValue", Flag, MAY),
                ("style", Text, MAY),
                ("explode", Flag, MAY),
                ("allowReserved", Flag, MAY),
                ("schema", One(Self::Schema), MAY),
                ("example", Any, MAY),
                ("examples", Any, MAY),
                ("content", Map(Self::MediaType), MAY),
            ],
            Self::RequestBody => {
                &[("description", Text, MAY), ("content", Map(Self::MediaType), MUST), ("required", Flag, MAY)]
            }
            Self::MediaType => &[
                ("schema", One(Self::Schema), MAY),
                ("example", Any, MAY),
                ("examples", Any, MAY),
                ("encoding", Any, MAY),
            ],
            Self::Response => &[
                ("description", Text, MUST),
                ("headers", Map(Self::Header), MAY),
                ("content", Map(Self::MediaType), MAY),
                ("links", Any, MAY),
            ],
            Self::Header => &[
                ("description", Text, MAY),
                ("required", Flag, MAY),
                ("deprecated", Flag, MAY),
                ("style", Text, MAY),
                ("explode", Flag, MAY),
                ("schema", One(Self::Schema), MAY),
                ("example", Any, MAY),
                ("examples", Any, MAY),
                ("content", Map(Self::MediaType), MAY),
            ],
            Self::Schema => &[
                ("title", Text, MAY),
                ("multipleOf", Number, MAY),
                ("maximum", Number, MAY),
                ("exclusiveMaximum", Flag, MAY),
                ("minimum", Number, MAY),
                ("exclusiveMinimum", Flag, MAY),
                ("maxLength", Number, MAY),
                ("minLength", Number, MAY),
                ("pattern", Text, MAY),
                ("maxItems", Number, MAY),
                ("minItems", Number, MAY),
                ("uniqueItems", Flag, MAY),
                ("maxProperties", Number, MAY),
                ("minProperties", Number, MAY),
                ("required", Texts, MAY),
                ("enum", Any, MAY),
                ("type", Text, MAY),
                ("allOf", List(Self::Schema), MAY),
                ("oneOf", List(Self::Schema), MAY),
                ("anyOf", List(Self::Schema), MAY),
                ("not", One(Self::Schema), MAY),
                ("items", One(Self::Schema), MAY),
                ("properties", Map(Self::Schema), MAY),
                ("additionalProperties", One(Self::Schema), MAY),
                ("description", Text, MAY),
                ("format", Text, MAY),
                ("default", Any, MAY),
                ("nullable", Flag, MAY),
                ("discriminator", Any, MAY),
                ("readOnly", Flag, MAY),
                ("writeOnly", Flag, MAY),
                ("xml", Any, MAY),
                ("externalDocs", Any, MAY),
                ("example", Any, MAY),
                ("deprecated", Flag, MAY),
            ],
            Self::SecurityScheme => &[
                ("type", Text, MUST),
                ("description", Text, MAY),
                ("name", Text, MAY),
                ("in", Text, MAY),
                ("scheme", Text, MAY),
                ("bearerFormat", Text, MAY),
                ("flows", One(Self::Flows), MAY),
                ("openIdConnectUrl", Text, MAY),
            ],
            Self::Flows => &[
                ("implicit", One(Self::Flow), MAY),
                ("password", One(Self::Flow), MAY),
                ("clientCredentials", One(Self::Flow), MAY),
                ("authorizationCode", One(Self::Flow), MAY),
            ],
            Self::Flow => &[
                ("authorizationUrl", Text, MAY),
                ("tokenUrl", Text, MAY),
                ("refreshUrl", Text, MAY),
                ("scopes", Any, MUST),
            ],
        }
    }

    /// Where under `components` an object of this kind is kept, if a `$ref` may stand for it.
    pub(crate) fn section(self) -> Option<&'static str> {
        match self {
            Self::Schema => Some("schemas"),
            Self::Response => Some("responses"),
            Self::Parameter => Some("parameters"),
            Self::RequestBody => Some("requestBodies"),
            Self::Header => Some("headers"),
            _ => None,
        }
    }
}

/// Every object of a document that is not a `$ref`, with its kind.
pub(crate) struct Objects<'a> {
    found: Vec<(Shape, &'a Node)>,
    /// Every `$ref`, with what it stands for.
    pub(crate) references: Vec<(Shape, &'a Node)>,
}

impl<'a> Objects<'a> {
    /// Walks down the document.
    pub(crate) fn of(document: &'a Node, findings: &mut Vec<Finding>) -> Self {
        let mut objects = Self { found: Vec::new(), references: Vec::new() };
        objects.enter(Shape::Document, document, findings);
        objects
    }

    pub(crate) fn all(&self, shape: Shape) -> impl Iterator<Item = &'a Node> {
        self.found.iter().filter(move |(found, _)| *found == shape).map(|(_, node)| *node)
    }

    fn enter(&mut self, shape: Shape, node: &'a Node, findings: &mut Vec<Finding>) {
        let is_flag = matches!(&node.kind, Kind::Scalar(value) if value.is_boolean());
        let Some(map) = node.map() else {
            // `additionalProperties: false`
            if !(shape == Shape::Schema && is_flag) {
                findings.push(wrong_kind(node, "a map"));
            }
            return;
        };
        if map.contains_key("$ref") && shape.section().is_some() {
            self.references.push((shape, node));
            return;
        }
        self.found.push((shape, node));
        for (key, entry) in map.iter().filter(|(key, _)| !key.starts_with("x-")) {
            match shape.fields().iter().find(|(name, ..)| name == key) {
                Some((_, expected, _)) => self.descend(*expected, &entry.value, findings),
                None => findings.push(unknown_key(shape, key, entry)),
            }
        }
        for (name, ..) in shape.fields().iter().filter(|(name, _, must)| *must && !map.contains_key(*name)) {
            findings.push(Finding::new(
                "missing-key",
                node.place,
                format!("this lacks {name}:"),
                format!("write {name}: here; OpenAPI wants it"),
            ));
        }
    }

    fn descend(&mut self, expected: Expect, node: &'a Node, findings: &mut Vec<Finding>) {
        let fits = |what: &str, does: bool, findings: &mut Vec<Finding>| {
            if !does {
                findings.push(wrong_kind(node, what));
            }
        };
        match (expected, &node.kind) {
            (Any, _) => {}
            (Text, _) => fits("a text: write it in quotes", node.text().is_some(), findings),
            (Flag, Kind::Scalar(value)) => fits("true or false", value.is_boolean(), findings),
            (Number, Kind::Scalar(value)) => fits("a number", value.is_number(), findings),
            (Texts, Kind::List(items)) => {
                items.iter().filter(|item| item.text().is_none()).for_each(|item| {
                    findings.push(wrong_kind(item, "a text: write it in quotes"));
                });
            }
            (One(shape), _) => self.enter(shape, node, findings),
            (List(shape), Kind::List(items)) => items.iter().for_each(|item| self.enter(shape, item, findings)),
            (Map(shape), Kind::Map(map)) => {
                for (_, entry) in map.iter().filter(|(key, _)| !key.starts_with("x-") || shape == Shape::Schema) {
                    self.enter(shape, &entry.value, findings);
                }
            }
            (Flag, _) => findings.push(wrong_kind(node, "true or false")),
            (Number, _) => findings.push(wrong_kind(node, "a number")),
            (Texts | List(_), _) => findings.push(wrong_kind(node, "a list")),
            (Map(_), _) => findings.push(wrong_kind(node, "a map")),
        }
    }
}

fn wrong_kind(node: &Node, wanted: &str) -> Finding {
    let found = match &node.kind {
        Kind::Scalar(value) if value.is_null() => "nothing",
        Kind::Scalar(value) if value.is_boolean() => "a truth value",
        Kind::Scalar(value) if value.is_number() => "a number",
        Kind::Scalar(_) => "a text",
        Kind::List(_) => "a list",
        Kind::Map(_) => "a map",
    };
    let what = wanted.split(':').next().unwrap_or(wanted);
    Finding::new("wrong-kind", node.place, format!("this is {found}, not {what}"), format!("write {wanted}"))
}

fn unknown_key(shape: Shape, key: &str, entry: &Entry) -> Finding {
    let near = shape
        .fields()
        .iter()
        .map(|(name, ..)| (strsim::jaro_winkler(&name.to_lowercase(), &key.to_lowercase()), *name))
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .filter(|(likeness, _)| *likeness > 0.8);
    let help = match near {
        Some((_, name)) => format!("did you mean {name}:? A key of your own begins with x-"),
        None => "remove it, or let it begin with x- if it is one of your own".to_owned(),
    };
    Finding::new("unknown-key", entry.key, format!("nothing reads the key {key} here"), help)
}
