//! Parses YAML or JSON text into nodes with their places.

mod node;

use std::fmt;

use indexmap::{IndexMap, map::Entry as Slot};
use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Error, Location, Spanned};

use super::finding::{Finding, Place};
pub use node::{Entry, Kind, Node};

/// The maximum depth of a document: the code that reads it is recursive.
const MAX_DEPTH: usize = 64;
/// The maximum number of values. A document with a thousand operations has a few hundred thousand.
const MAX_VALUES: usize = 1_000_000;
/// How many values aliases may repeat: few files use aliases.
const MAX_ALIASED: usize = 50_000;

/// The help for YAML that cannot be parsed.
const LOOK: &str =
    "look for a bracket, a quote, a colon or an indentation that is missing or too much, here or just above";

/// Reads the bytes of a file as UTF-8.
///
/// # Errors
///
/// The place of the first byte that is not UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str, Finding> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).map(String::from_utf8_lossy).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let place = Place { line: before.matches('\n').count() as u64 + 1, column: line.chars().count() as u64 + 1 };
        Finding::new("not-utf-8", place, "here the file is not UTF-8", "save the file in UTF-8")
    })
}

/// Parses YAML. JSON is YAML too. The document may be usable even if there are findings.
pub fn read(text: &str, findings: &mut Vec<Finding>) -> Option<Node> {
    let document = match parse(text, DuplicateKeyPolicy::Error) {
        Err(error) if matches!(error.without_snippet(), Error::DuplicateMappingKey { .. }) => {
            findings.push(duplicate(error.location().map_or_else(Place::default, Place::from)));
            parse(text, DuplicateKeyPolicy::LastWins)
        }
        parsed => parsed,
    };
    match document {
        Ok(document) => {
            duplicates(&document, findings);
            Some(document)
        }
        Err(error) => {
            findings.push(unreadable(&error, text));
            None
        }
    }
}

fn parse(text: &str, duplicate_keys: DuplicateKeyPolicy) -> Result<Node, Error> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        // As in YAML 1.2, `no` and `y` are texts.
        strict_booleans: true,
        reject_unsupported_tags: true,
        duplicate_keys: duplicate_keys,
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_nodes: MAX_VALUES, max_events: 2 * MAX_VALUES, max_recorded_anchor_events: MAX_ALIASED },
    };
    serde_saphyr::from_str_with_options(text, options)
}

/// Reports keys that are equal, or equal as texts: `200` and `'200'`.
fn duplicates(node: &Node, findings: &mut Vec<Finding>) {
    for (_, entry) in node.entries() {
        findings.extend(entry.again.iter().copied().map(duplicate));
        duplicates(&entry.value, findings);
    }
    node.items().iter().for_each(|item| duplicates(item, findings));
}

fn duplicate(place: Place) -> Finding {
    Finding::new(
        "duplicate-key",
        place,
        "this key is written twice in the same map, and only one of them can count",
        "remove one of the two",
    )
}

fn unreadable(error: &Error, text: &str) -> Finding {
    let place = error.location().map_or_else(Place::default, Place::from);
    let reason = error.without_snippet().to_string();
    // The parser's message ends with the place, which the finding already has.
    let reason = reason.split(" at line ").next().unwrap_or_default();
    let reason = reason.split('\n').next().unwrap_or_default();
    let help = match error.without_snippet() {
        Error::NonFiniteFloat { .. } => "write a number that JSON has, or put a text in quotes",
        Error::MultipleDocuments { .. } => "keep one document: remove the line --- above and all that follows",
        Error::UnknownAnchor { .. } => {
            "write the anchor with & before it is used, or put a text that begins with * in quotes"
        }
        Error::UnsupportedTag { .. } => "remove the tag, or put a text that begins with ! in quotes",
        Error::NullIntoString { .. } => "write a key that is a text; null and ~ need quotes",
        _ if reason.contains("tab") => "indent with spaces",
        _ if ["budget", "recursion limit", "alias"].iter().any(|word| reason.contains(word)) => {
            "nest less deeply, and repeat less with aliases"
        }
        _ => LOOK,
    };
    let help = match dedented(text, place.line).filter(|_| help == LOOK) {
        Some(line) => format!("{help}; line {line} is further left: if it belongs to the same map, indent it as far"),
        None => help.to_owned(),
    };
    Finding::new("yaml-syntax", place, format!("this cannot be read as YAML: {reason}"), help)
}

/// The line that ends the map to which `line` seems to belong. It has less indentation, and the lines below it begin
/// differently.
fn dedented(text: &str, line: u64) -> Option<u64> {
    let is_empty = |line: &str| line.trim_start().is_empty() || line.trim_start().starts_with('#');
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let is_item = |line: &str| line.trim_start().starts_with("- ");
    let lines: Vec<(u64, &str)> = (1..=line).zip(text.lines()).filter(|(_, line)| !is_empty(line)).collect();
    let ((_, here), above) = lines.split_last()?;
    let mut below = here;
    for (number, line) in above.iter().rev() {
        if indent(line) < indent(here) {
            let is_other = indent(below) != indent(here) || is_item(below) && !is_item(here);
            let is_full = below == here && !line.trim_end().ends_with(':');
            return (is_other || is_full).then_some(*number);
        }
        below = line;
    }
    None
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

/// Builds a [`Kind`] from any YAML value.
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
        let mut entries: IndexMap<String, Entry> = IndexMap::new();
        while let Some((Spanned { value: name, referenced, .. }, value)) = map.next_entry::<Spanned<String>, Node>()? {
            let key = referenced.into();
            match entries.entry(name) {
                Slot::Occupied(mut first) => first.get_mut().again.push(key),
                Slot::Vacant(slot) => drop(slot.insert(Entry { key, value, again: Vec::new() })),
            }
        }
        Ok(Kind::Map(entries))
    }
}
