//! Text -> document: what is written, and where it is written.

use std::fmt;

use indexmap::IndexMap;
use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Location, Spanned};

use super::finding::{Finding, Place};

/// How deep a document may be nested: what reads it goes down into it step by step.
const DEEPEST: usize = 64;
/// How many values a document may hold. A thousand operations have some hundred thousand.
const LARGEST: usize = 4_000_000;

/// A value, and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
}

/// What is written.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A text, a number, a truth value or nothing.
    Scalar(Value),
    List(Vec<Node>),
    Map(IndexMap<String, Entry>),
}

/// What a key of a map stands before.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Where the key is written.
    pub(crate) key: Place,
    pub(crate) value: Node,
}

/// Reads YAML, or JSON, which is YAML. What is read may be of use although something was found.
pub(crate) fn read(text: &str, findings: &mut Vec<Finding>) -> Option<Node> {
    match parse(text, DuplicateKeyPolicy::Error) {
        Ok(document) => Some(document),
        Err(error) => {
            let place = error.location().map_or_else(Place::default, Place::from);
            if !matches!(error.without_snippet(), serde_saphyr::Error::DuplicateMappingKey { .. }) {
                findings.push(unreadable(&error, place));
                return None;
            }
            findings.push(Finding::new(
                "duplicate-key",
                place,
                "this key is written twice in the same map, and only one of them can count",
                "remove one of the two",
            ));
            parse(text, DuplicateKeyPolicy::FirstWins).ok()
        }
    }
}

fn parse(text: &str, duplicate_keys: DuplicateKeyPolicy) -> Result<Node, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        duplicate_keys: duplicate_keys,
        budget: serde_saphyr::budget! { max_depth: DEEPEST, max_nodes: LARGEST, max_events: 2 * LARGEST },
    };
    serde_saphyr::from_str_with_options(text, options)
}

fn unreadable(error: &serde_saphyr::Error, place: Place) -> Finding {
    let said = error.without_snippet().to_string();
    // Its own words end in the place, which stands before them here.
    let said = said.split(" at line ").next().unwrap_or_default();
    let said = said.split("\n").next().unwrap_or_default();
    Finding::new(
        "yaml-syntax",
        place,
        format!("this is not valid YAML: {said}"),
        "look for a bracket, a quote, a colon or an indentation that is missing or too much, here or just above",
    )
}

impl Node {
    /// What stands behind a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A key with what stands behind it.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.map()?.get(key)
    }

    pub(crate) fn map(&self) -> Option<&IndexMap<String, Entry>> {
        match &self.kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The entries of a map; of anything else, none.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.map().into_iter().flatten().map(|(key, entry)| (key.as_str(), entry))
    }

    /// The items of a list; of anything else, none.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The text behind a key.
    pub(crate) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// Whether `true` stands behind a key.
    pub(crate) fn is(&self, key: &str) -> bool {
        matches!(self.get(key), Some(Node { kind: Kind::Scalar(Value::Bool(true)), .. }))
    }

    /// What a JSON pointer (RFC 6901) leads to.
    pub(crate) fn pointer(&self, pointer: &str) -> Option<&Node> {
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
    pub(crate) fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::List(items) => items.iter().map(Node::value).collect(),
            Kind::Map(map) => map.iter().map(|(key, entry)| (key.clone(), entry.value.value())).collect(),
        }
    }
}

impl From<Location> for Place {
    fn from(location: Location) -> Self {
        Self { line: location.line(), column: location.column() }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value: kind, referenced, .. } = Spanned::deserialize(deserializer)?;
        Ok(Self { place: referenced.into(), kind })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Builds a [`Kind`] from whatever is there.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Kind;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(Kind::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Kind, E> {
        Ok(Kind::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Kind, E> {
        Ok(Kind::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        Kind::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Kind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut entries = IndexMap::new();
        while let Some((Spanned { value: name, referenced, .. }, value)) = map.next_entry::<Spanned<String>, Node>()? {
            entries.insert(name, Entry { key: referenced.into(), value });
        }
        Ok(Kind::Map(entries))
    }
}
