//! Reports different names that become the same name in Rust.

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

/// The field for properties that the schema does not name.
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

/// The one name that generated code uses unqualified.
const RESERVED: &str = "Default";

fn values(schema: &Node, findings: &mut Vec<Finding>) {
    let Some(values) = schema.get("enum") else { return };
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let mut distinct = Vec::new();
    for item in values.items() {
        match seen.entry(item.value().to_string()) {
            // adapt.rs removes the repeated value.
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
    // adapt/open.rs makes it any text.
    findings.iter_mut().skip(before).for_each(|finding| finding.level = Level::Warning);
}

/// Whether variants cannot be named after these values without a collision.
pub(crate) fn are_one(values: &[&str]) -> bool {
    let names = |rust: fn(&str) -> String| values.iter().map(|value| rust(value)).collect::<BTreeSet<_>>().len();
    let number = values.iter().collect::<BTreeSet<_>>().len();
    // The generator uses the second form for all values if the first form collides.
    names(type_name) < number && names(alternative_name) < number
}

/// The help for names that only the document uses.
pub(super) const RENAME: &str = "rename one of the two";

/// Reports every name that becomes the same in Rust as an earlier name. Another rule reports identical names.
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

/// Quotes a name that would not be recognised as a name.
fn shown(name: &str) -> String {
    let is_plain =
        !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || ['-', '_'].contains(&letter));
    if is_plain { name.to_owned() } else { format!("{name:?}") }
}

/// The name that progenitor gives to a method or a parameter.
pub fn field_name(name: &str) -> String {
    identifier(name, ToSnakeCase::to_snake_case, "_")
}

/// The name that typify gives to a field.
pub(super) fn member_name(name: &str) -> String {
    identifier(name, ToSnakeCase::to_snake_case, "x")
}

/// typify's alternative name of a variant, in which other characters become X.
fn alternative_name(name: &str) -> String {
    type_name(&name.replace(|letter: char| letter == '_' || !is_part(letter), "X"))
}

/// The name that typify gives to a type or a variant.
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

/// Whether a Rust name may contain this character.
fn is_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || !letter.is_ascii() && is_ident(&format!("a{letter}"))
}

/// Whether a Rust name may begin with this character.
fn is_start(letter: char) -> bool {
    letter.is_ascii_alphabetic() || !letter.is_ascii() && is_ident(letter.encode_utf8(&mut [0; 4]))
}

fn is_ident(text: &str) -> bool {
    syn::parse_str::<syn::Ident>(text).is_ok()
}

pub(crate) fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

/// The known word that is most similar to `word`, if one is similar enough.
pub(super) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let likeness = known.into_iter().map(|known| (strsim::jaro_winkler(known, &word), known));
    likeness.max_by(|left, right| left.0.total_cmp(&right.0)).filter(|(like, _)| *like > 0.8).map(|(_, known)| known)
}

/// An extension of an object that is probably a misspelling of `meant`.
pub(super) fn misspelt<'a>(object: &'a Node, meant: &str) -> Option<(&'a str, Place)> {
    let mut others = object.entries().filter(|(key, _)| key.starts_with("x-") && *key != meant);
    others.find(|(key, _)| strsim::jaro_winkler(&key.to_lowercase(), meant) > 0.9).map(|(key, entry)| (key, entry.key))
}
