//! The parsed document: every value with its place.

use indexmap::IndexMap;
use serde_json::Value;

use super::super::finding::Place;

/// A value with its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where the value is written.
    pub place: Place,
    /// The value.
    pub kind: Kind,
}

/// The kinds of values.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A string, a number, a boolean or null.
    Scalar(Value),
    /// The items in their order.
    List(Vec<Node>),
    /// The keys and their values in their order.
    Map(IndexMap<String, Entry>),
}

/// The value of a key, with the places of the key.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where the key is written.
    pub key: Place,
    /// The value.
    pub value: Node,
    /// The places where the same key is repeated. The repeated values are ignored.
    pub again: Vec<Place>,
}

impl Node {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.map()?.get(key)
    }

    /// The map, if this is one.
    pub fn map(&self) -> Option<&IndexMap<String, Entry>> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The entries of a map. Other kinds have none.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.map().into_iter().flatten().map(|(key, entry)| (key.as_str(), entry))
    }

    /// The items of a list. Other kinds have none.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The text, if this is one.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The text of a key.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// Whether the value of a key is `true`.
    pub fn is(&self, key: &str) -> bool {
        matches!(self.get(key), Some(Node { kind: Kind::Scalar(Value::Bool(true)), .. }))
    }

    /// The target of a JSON pointer (RFC 6901).
    pub fn pointer(&self, pointer: &str) -> Option<&Node> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |node, step| match &node.kind {
            Kind::Map(map) => {
                let step = step.replace("~1", "/").replace("~0", "~");
                map.get(&step).map(|entry| &entry.value)
            }
            Kind::List(items) => items.get(step.parse::<usize>().ok()?),
            Kind::Scalar(_) => None,
        })
    }

    /// The value without places.
    pub fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(Node::value).collect(),
            Kind::Map(map) => map.iter().map(|(key, entry)| (key.clone(), entry.value.value())).collect(),
        }
    }
}
