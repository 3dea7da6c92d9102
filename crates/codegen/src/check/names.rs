//! Names that become one name in Rust.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry as Slot};

use heck::{ToPascalCase, ToSnakeCase};

use super::{
    super::{
        finding::{Finding, Level, Place},
        load::Node,
    },
    Context,
    shape::Shape,
};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for section in
        ["schemas", "responses", "parameters", "requestBodies", "headers", "examples", "links", "securitySchemes"]
    {
        let components = context.document.pointer(&format!("/components/{section}"));
        for (name, entry) in components.into_iter().flat_map(Node::entries) {
            let fits = |letter: char| letter.is_ascii_alphanumeric() || ['.', '-', '_'].contains(&letter);
            if name.is_empty() || !name.chars().all(fits) {
                findings.push(Finding::new(
                    "component-name",
                    entry.key,
                    format!("{name:?} is no name for a component"),
                    "use letters, digits, dots, dashes and underscores",
                ));
            }
        }
    }
    if let Some(schemas) = context.document.pointer("/components/schemas") {
        let names = schemas.entries().map(|(name, entry)| (name, entry.key));
        for (name, entry) in schemas.entries().filter(|(name, _)| type_name(name) == RESERVED) {
            findings.push(Finding::new(
                "reserved-schema",
                entry.key,
                format!("{name} becomes a type {RESERVED}, which the generated code has a trait for"),
                "give the schema another name",
            ));
        }
        collide("colliding-schemas", "type", names, type_name, RENAME, findings);
    }
    for schema in context.objects.all(Shape::Schema) {
        let properties = schema.get("properties").into_iter().flat_map(Node::entries);
        collide(
            "colliding-properties",
            "field",
            properties.map(|(name, entry)| (name, entry.key)),
            member_name,
            "leave one out of properties: and write additionalProperties: with its schema, so that it stays what the \
             server calls it; both are then read, the one that was left out from the field extra",
            findings,
        );
        values(schema, findings);
        rest(schema, findings);
    }
}

/// The field that holds the properties without a name.
pub(super) const REST: &str = "extra";

fn rest(schema: &Node, findings: &mut Vec<Finding>) {
    let has_rest = schema.get("additionalProperties").is_some_and(|rest| rest.entries().next().is_some());
    let properties = schema.get("properties").into_iter().flat_map(Node::entries).filter(|_| has_rest);
    for (name, entry) in properties.filter(|(name, _)| member_name(name) == REST) {
        findings.push(Finding::new(
            "colliding-properties",
            entry.key,
            format!("{name} and the field for additionalProperties become one field in Rust: {REST}"),
            "leave the property out of properties:, so that it stays what the server calls it: the field extra has it, too",
        ));
    }
}

/// The one name that generated code uses without saying where it is from.
const RESERVED: &str = "Default";

fn values(schema: &Node, findings: &mut Vec<Finding>) {
    let Some(values) = schema.get("enum") else { return };
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut distinct = Vec::new();
    for item in values.items() {
        match seen.entry(item.value().to_string()) {
            // One of them is left out: see adapt.rs.
            Slot::Occupied(first) => findings.push(Finding::warning(
                "duplicate-enum-value",
                item.place,
                format!("line {} has this value already", first.get()),
                "remove one of the two",
            )),
            Slot::Vacant(slot) => {
                slot.insert(item.place.line);
                distinct.extend(item.text().map(|text| (text, item.place)));
            }
        }
    }
    if !are_one(&distinct.iter().map(|(text, _)| *text).collect::<Vec<_>>()) {
        return;
    }
    let before = findings.len();
    collide(
        "colliding-enum-values",
        "variant",
        distinct.into_iter(),
        type_name,
        "leave enum: out and list the values in description:, so that they stay what the server calls them",
        findings,
    );
    // Any text is taken instead: see adapt/open.rs.
    findings.iter_mut().skip(before).for_each(|finding| finding.level = Level::Warning);
}

/// Whether there is no way to name a variant after each of these values.
pub(crate) fn are_one(values: &[&str]) -> bool {
    let names = |rust: fn(&str) -> String| values.iter().map(|value| rust(value)).collect::<BTreeSet<_>>().len();
    let number = values.iter().collect::<BTreeSet<_>>().len();
    // The generator takes the second name for all of them, if that tells them apart.
    names(type_name) < number && names(spelt_out) < number
}

/// What to do if the name belongs to the document alone.
pub(super) const RENAME: &str = "rename one of the two";

/// Tells of every name that becomes the same in Rust as an earlier one. A name that is the same to the letter is
/// somebody else's to tell.
pub(super) fn collide<'a>(
    rule: &'static str,
    what: &str,
    names: impl Iterator<Item = (&'a str, Place)>,
    rust: impl Fn(&str) -> String,
    help: &str,
    findings: &mut Vec<Finding>,
) {
    let mut seen: BTreeMap<String, (&str, Place)> = BTreeMap::new();
    for (name, place) in names {
        let become_ = rust(name);
        match seen.get(&become_) {
            Some((first, at)) if *first != name => findings.push(Finding::new(
                rule,
                place,
                format!("{} and {} (line {}) become one {what} in Rust: {become_}", shown(name), shown(first), at.line),
                help,
            )),
            Some(_) => {}
            None => drop(seen.insert(become_, (name, place))),
        }
    }
}

/// In quotes, where a name would not be seen as one.
fn shown(name: &str) -> String {
    let is_plain =
        !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || ['-', '_'].contains(&letter));
    if is_plain { name.to_owned() } else { format!("{name:?}") }
}

/// The name of a method or a parameter, as progenitor makes it.
pub fn field_name(name: &str) -> String {
    identifier(name, ToSnakeCase::to_snake_case, "_")
}

/// The name of a field, as typify makes it.
pub(super) fn member_name(name: &str) -> String {
    identifier(name, ToSnakeCase::to_snake_case, "x")
}

/// The other name of a variant: what is no letter counts.
fn spelt_out(name: &str) -> String {
    type_name(&name.replace(|letter: char| letter == '_' || !is_part(letter), "X"))
}

/// The name of a type or a variant, as typify makes it.
pub fn type_name(name: &str) -> String {
    identifier(name, ToPascalCase::to_pascal_case, "X")
}

fn identifier(name: &str, to_case: impl Fn(&str) -> String, prefix: &str) -> String {
    let plain = name.replace('\'', "").replace(|letter: char| !is_part(letter), "-");
    let text = match name {
        "+1" => "plus1".to_owned(),
        "-1" => "minus1".to_owned(),
        _ => to_case(&plain),
    };
    match text.chars().next() {
        None => to_case("x"),
        Some(first) if first == '_' || is_part(first) && is_start(first) => text,
        Some(_) => format!("{prefix}{text}"),
    }
}

/// Whether a letter may stand in a name of Rust.
fn is_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || !letter.is_ascii() && is_ident(&format!("a{letter}"))
}

/// Whether a name of Rust may begin with it.
fn is_start(letter: char) -> bool {
    letter.is_ascii_alphabetic() || !letter.is_ascii() && is_ident(letter.encode_utf8(&mut [0; 4]))
}

fn is_ident(text: &str) -> bool {
    syn::parse_str::<syn::Ident>(text).is_ok()
}

/// With its first letter in upper case.
pub(crate) fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// The one of a few words that another is most like, if it is like one.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let likeness = known.into_iter().map(|known| (strsim::jaro_winkler(known, &word), known));
    likeness.max_by(|left, right| left.0.total_cmp(&right.0)).filter(|(like, _)| *like > 0.8).map(|(_, known)| known)
}

/// The extension of an object that is probably meant to be another one, and is not read.
pub(super) fn misspelt<'a>(object: &'a Node, meant: &str) -> Option<(&'a str, Place)> {
    let mut others = object.entries().filter(|(key, _)| key.starts_with("x-") && *key != meant);
    others.find(|(key, _)| strsim::jaro_winkler(&key.to_lowercase(), meant) > 0.9).map(|(key, entry)| (key, entry.key))
}
