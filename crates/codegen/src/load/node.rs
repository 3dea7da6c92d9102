//! What was read: every value with the place where it is written.

use indexmap::IndexMap;
use serde_json::Value;

use super::super::finding::Place;

/// A value, and where it is written.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it is written.
    pub place: Place,
    /// What is written there.
    pub kind: Kind,
}

/// What is written.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A text, a number, a truth value or nothing.
    Scalar(Value),
    /// Items, in their order.
    List(Vec<Node>),
    /// Keys and what stands behind them, in their order.
    Map(IndexMap<String, Entry>),
}

/// What a key of a map stands before.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where the key is written.
    pub key: Place,
    /// What stands behind it.
    pub value: Node,
    /// Where the same key is written again, with something that does not count.
    pub again: Vec<Place>,
}

impl Node {
    /// What stands behind a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A key with what stands behind it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.map()?.get(key)
    }

    /// What is written, if it is a map.
    pub fn map(&self) -> Option<&IndexMap<String, Entry>> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The entries of a map; of anything else, none.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.map().into_iter().flatten().map(|(key, entry)| (key.as_str(), entry))
    }

    /// The items of a list; of anything else, none.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// What is written, if it is a text.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The text behind a key.
    pub fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// Whether `true` stands behind a key.
    pub fn is(&self, key: &str) -> bool {
        matches!(self.get(key), Some(Node { kind: Kind::Scalar(Value::Bool(true)), .. }))
    }

    /// What a JSON pointer (RFC 6901) leads to.
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

    /// The same without the places.
    pub fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(Node::value).collect(),
            Kind::Map(map) => map.iter().map(|(key, entry)| (key.clone(), entry.value.value())).collect(),
        }
    }
}
