//! Walks through a document: collects every object, and reports keys that are wrong where they stand.

use indexmap::IndexMap;

use super::{
    super::super::{
        finding::Finding,
        load::{Entry, Kind, Node},
    },
    Expect::{self, Any, Flag, List, Map, Maps, Number, One, Text, TextMap, Texts},
    Shape,
};

/// Every object of a document, with its kind. A `$ref` is not among them.
#[derive(Debug)]
pub(crate) struct Objects<'a> {
    found: Vec<(Shape, &'a Node)>,
    /// Every `$ref`, with the kind of object that it replaces.
    pub(crate) references: Vec<(Shape, &'a Node)>,
}

impl<'a> Objects<'a> {
    pub(crate) fn of(document: &'a Node, findings: &mut Vec<Finding>) -> Self {
        let mut objects = Self { found: Vec::new(), references: Vec::new() };
        objects.enter(Shape::Document, document, findings);
        objects
    }

    pub(crate) fn all(&self, shape: Shape) -> impl Iterator<Item = &'a Node> {
        self.found.iter().filter(move |(found, _)| *found == shape).map(|(_, node)| *node)
    }

    fn enter(&mut self, shape: Shape, node: &'a Node, findings: &mut Vec<Finding>) {
        let Some(map) = node.map() else {
            findings.push(wrong_kind(node, "a map"));
            return;
        };
        if let Some(reference) = map.get("$ref") {
            if shape.section().is_some() {
                self.references.push((shape, node));
            } else {
                findings.push(Finding::new(
                    "foreign-reference",
                    reference.key,
                    "a $ref cannot stand for this",
                    "write here what it leads to",
                ));
            }
            return;
        }
        self.found.push((shape, node));
        for (key, entry) in map.iter().filter(|(key, _)| !key.starts_with("x-")) {
            match shape.fields().iter().find(|(name, ..)| name == key) {
                Some((_, expected, _)) => self.descend(key, *expected, &entry.value, findings),
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

    /// Visits properties. A schema key with too little indentation appears beside its property, and the property is
    /// empty.
    fn properties(&mut self, map: &'a IndexMap<String, Entry>, findings: &mut Vec<Finding>) {
        let mut entries = map.iter().peekable();
        while let Some((name, property)) = entries.next() {
            let is_empty = matches!(&property.value.kind, Kind::Scalar(value) if value.is_null());
            let mut is_misplaced = false;
            while is_empty && let Some((key, entry)) = entries.next_if(|(key, entry)| is_of_schema(key, &entry.value)) {
                is_misplaced = true;
                let (message, help) =
                    (format!("{key} is a property here"), format!("move it further right, under {name}:"));
                findings.push(Finding::new("wrong-kind", entry.key, message, help));
            }
            if !is_misplaced {
                self.enter(Shape::Schema, &property.value, findings);
            }
        }
    }

    fn descend(&mut self, key: &str, expected: Expect, node: &'a Node, findings: &mut Vec<Finding>) {
        let scalar = match &node.kind {
            Kind::Scalar(value) => Some(value),
            _ => None,
        };
        match (expected, &node.kind) {
            (Any, _) => {}
            (Text, _) if node.text().is_some() => {}
            (Flag, _) if scalar.is_some_and(serde_json::Value::is_boolean) => {}
            (Number, _) if scalar.is_some_and(serde_json::Value::is_number) => {}
            // `additionalProperties: false`
            (One(Shape::Schema), _)
                if key == "additionalProperties" && scalar.is_some_and(serde_json::Value::is_boolean) => {}
            (Texts, Kind::List(items)) => {
                findings
                    .extend(items.iter().filter(|item| item.text().is_none()).map(|item| wrong_kind(item, "a text")));
            }
            (One(shape), _) => self.enter(shape, node, findings),
            (List(shape), Kind::List(items)) => items.iter().for_each(|item| self.enter(shape, item, findings)),
            (Map(Shape::Schema), Kind::Map(map)) if key == "properties" => self.properties(map, findings),
            (Map(shape), Kind::Map(map)) => {
                for (_, entry) in map.iter().filter(|(key, _)| !key.starts_with("x-") || shape == Shape::Schema) {
                    self.enter(shape, &entry.value, findings);
                }
            }
            (TextMap, Kind::Map(map)) => findings.extend(
                map.values()
                    .filter(|entry| entry.value.text().is_none())
                    .map(|entry| wrong_kind(&entry.value, "a text")),
            ),
            (Maps, Kind::Map(map)) => findings.extend(
                map.values().filter(|entry| entry.value.map().is_none()).map(|entry| wrong_kind(&entry.value, "a map")),
            ),
            (Text, Kind::List(_)) if key == "type" => findings.push(Finding::new(
                "wrong-kind",
                node.place,
                "this is a list, and a type is one",
                "write one type, with nullable: true beside it if null is one of them",
            )),
            (Texts, Kind::Scalar(value)) if key == "required" && value.is_boolean() => findings.push(Finding::new(
                "wrong-kind",
                node.place,
                "required is the list of the properties that have to be there",
                "write the name of this property into required: beside properties:",
            )),
            (Text, _) => findings.push(wrong_kind(node, "a text")),
            (Flag, _) => findings.push(wrong_kind(node, "true or false")),
            (Number, _) => findings.push(wrong_kind(node, "a number")),
            (Texts | List(_), _) => findings.push(wrong_kind(node, "a list")),
            (Map(_) | Maps | TextMap, _) => findings.push(wrong_kind(node, "a map")),
        }
    }
}

/// Whether this is a key of a schema rather than a property of that name.
fn is_of_schema(key: &str, node: &Node) -> bool {
    node.map().is_none() && (key == "$ref" || Shape::Schema.fields().iter().any(|(name, ..)| *name == key))
}

fn wrong_kind(node: &Node, wanted: &str) -> Finding {
    let found = match &node.kind {
        Kind::Scalar(value) if value.is_null() => "nothing",
        Kind::Scalar(value) if value.is_boolean() => "true or false",
        Kind::Scalar(value) if value.is_number() => "a number",
        Kind::Scalar(_) => "a text",
        Kind::List(_) => "a list",
        Kind::Map(_) => "a map",
    };
    let help = match (found, wanted) {
        ("nothing", _) => format!("write {wanted}, or remove the key"),
        ("true or false" | "a number", "a text") => "write it in quotes".to_owned(),
        (_, "a list") => "write a dash before each item".to_owned(),
        (_, "a map") => "write key: value, further to the right than the key above; a dash makes a list".to_owned(),
        ("a text", _) => format!("write {wanted}, without quotes"),
        _ => format!("write {wanted}"),
    };
    Finding::new("wrong-kind", node.place, format!("this is {found}, not {wanted}"), help)
}

fn unknown_key(shape: Shape, key: &str, entry: &Entry) -> Finding {
    let near = shape
        .fields()
        .iter()
        .map(|(name, ..)| (strsim::jaro_winkler(&name.to_lowercase(), &key.to_lowercase()), *name))
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .filter(|(likeness, _)| *likeness > 0.8);
    let help = match (key, near) {
        (status, _) if shape == Shape::Operation && is_status(status) => {
            format!("move {status}: further right, below responses:")
        }
        ("const", _) => "write enum: with one value; const is OpenAPI 3.1".to_owned(),
        (_, Some((_, name))) => format!("did you mean {name}:? A key of your own begins with x-"),
        (_, None) => "remove it, or let it begin with x- if it is one of your own".to_owned(),
    };
    Finding::new("unknown-key", entry.key, format!("nothing reads the key {key} here"), help)
}

/// Whether this is a key of `responses`.
fn is_status(key: &str) -> bool {
    key == "default" || key.len() == 3 && key.starts_with(|first: char| ('1'..='5').contains(&first))
}
