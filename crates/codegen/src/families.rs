//! Inheritance: a schema with a `discriminator`, and the schemas derived from it by `allOf`.
//!
//! The value of one property, the tag, selects the schema of an object. The tags of a schema are its keys in `mapping`,
//! else the values of its own property's `enum`, else its name.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::check::SCHEMAS;

/// Keys that do not describe the objects of a schema.
const WORDS: [&str; 9] =
    ["title", "description", "nullable", "example", "deprecated", "externalDocs", "readOnly", "writeOnly", "xml"];

/// How many references are followed, and how many levels of parts.
const MAX_DEPTH: usize = 16;

/// The schemas of all families, by name.
#[derive(Debug, Default)]
pub struct Families {
    members: BTreeMap<String, Member>,
    /// Mapping keys without a derived schema: the schema with the discriminator, the key, and the reason.
    pub(crate) flaws: Vec<(String, String, Flaw)>,
}

/// Why a key of a mapping selects no schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The target does not exist.
    Unresolved,
    /// The target is not derived from the schema with the discriminator.
    Unrelated,
}

/// A schema of a family.
#[derive(Debug, Default)]
pub struct Member {
    /// The tag properties and their values. If a property has no values, no object is of exactly this schema.
    tags: BTreeMap<String, BTreeSet<String>>,
    /// The schemas that an object of this schema may have: the schema itself and all derived ones.
    pub variants: Vec<String>,
    /// Whether another schema is derived from it.
    pub is_base: bool,
}

struct Discriminator<'v> {
    property: &'v str,
    /// The keys, and the names of their target schemas.
    mapping: Vec<(&'v str, Option<&'v str>)>,
}

impl Member {
    /// The tag properties of exactly this schema, with their values.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &BTreeSet<String>)> {
        self.tags.iter().map(|(property, tags)| (property.as_str(), tags))
    }

    /// Whether an object may be of exactly this schema.
    pub(crate) fn is_concrete(&self) -> bool {
        self.tags.values().all(|tags| !tags.is_empty())
    }
}

impl Families {
    /// The families of `components/schemas`.
    pub fn of(schemas: &Map<String, Value>) -> Self {
        let all = || schemas.iter().filter_map(|(name, schema)| Some((name.as_str(), schema.as_object()?)));
        let discriminators: BTreeMap<&str, Discriminator<'_>> =
            all().filter_map(|(name, schema)| Some((name, discriminator(schema, schemas, 0)?))).collect();
        if discriminators.is_empty() {
            return Self::default();
        }
        let mapped: BTreeSet<&str> =
            discriminators.values().flat_map(|one| one.mapping.iter().filter_map(|(_, name)| *name)).collect();
        let mut parents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, schema) in all() {
            let mut found = Vec::new();
            ancestors(schema, schemas, 0, &mut found);
            // A schema without additions is an alias, unless a discriminator names it.
            let is_named =
                |of: &&str| mapped.contains(name) || discriminators.get(*of).is_some_and(|one| one.mapping.is_empty());
            if is_alias(schema) && (schema.contains_key("nullable") || !found.iter().any(is_named)) {
                continue;
            }
            for parent in found {
                children.entry(parent).or_default().push(name);
                parents.entry(name).or_default().push(parent);
            }
        }
        let mut families = Self::default();
        for (name, discriminator) in &discriminators {
            let made = reached(name, &children);
            for (key, target) in &discriminator.mapping {
                let flaw = match target {
                    None => Flaw::Unresolved,
                    Some(target) if !made.contains(target) => Flaw::Unrelated,
                    Some(_) => continue,
                };
                families.flaws.push(((*name).to_owned(), (*key).to_owned(), flaw));
            }
            if made.len() > 1 {
                for member in made {
                    families.members.entry(member.to_owned()).or_default();
                }
            }
        }
        let tree = Tree { schemas, discriminators: &discriminators, parents: &parents };
        for (name, member) in &mut families.members {
            member.is_base = children.contains_key(name.as_str());
            member.tags = tree.tags(name, member.is_base);
        }
        let concrete: BTreeSet<&str> =
            families.members.iter().filter(|(_, one)| one.is_concrete()).map(|(name, _)| name.as_str()).collect();
        let order: BTreeMap<&str, usize> = all().enumerate().map(|(index, (name, _))| (name, index)).collect();
        let variants = |name: &String| {
            let mut made: Vec<&str> =
                reached(name, &children).into_iter().filter(|one| concrete.contains(one)).collect();
            made.sort_by_key(|one| order.get(one));
            made.into_iter().map(str::to_owned).collect()
        };
        let found: Vec<Vec<String>> = families.members.keys().map(variants).collect();
        families.members.values_mut().zip(found).for_each(|(member, found)| member.variants = found);
        // Another rule reports a circle.
        families.members.retain(|_, member| !member.variants.is_empty());
        families
    }

    /// The member of a family with this name.
    pub fn get(&self, name: &str) -> Option<&Member> {
        self.members.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Member)> {
        self.members.iter().map(|(name, member)| (name.as_str(), member))
    }
}

/// The schema of this name and all schemas derived from it.
fn reached<'v>(name: &'v str, children: &BTreeMap<&'v str, Vec<&'v str>>) -> BTreeSet<&'v str> {
    let (mut found, mut next) = (BTreeSet::new(), vec![name]);
    while let Some(name) = next.pop() {
        if found.insert(name) {
            next.extend(children.get(name).into_iter().flatten());
        }
    }
    found
}

struct Tree<'t, 'v> {
    schemas: &'v Map<String, Value>,
    discriminators: &'t BTreeMap<&'v str, Discriminator<'v>>,
    parents: &'t BTreeMap<&'v str, Vec<&'v str>>,
}

impl Tree<'_, '_> {
    fn tags(&self, name: &str, is_base: bool) -> BTreeMap<String, BTreeSet<String>> {
        // The schema and its ancestors, the nearest first.
        let mut line: Vec<&str> = vec![name];
        let mut seen = BTreeSet::from([name]);
        let mut at = 0;
        while let Some(next) = line.get(at) {
            for parent in self.parents.get(next).into_iter().flatten() {
                if seen.insert(*parent) {
                    line.push(parent);
                }
            }
            at += 1;
        }
        let mut tags: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for property in line.iter().filter_map(|one| Some(self.discriminators.get(one)?.property)) {
            if !tags.contains_key(property) {
                tags.insert(property.to_owned(), self.of_property(name, property, &line, is_base));
            }
        }
        tags
    }

    fn of_property(&self, name: &str, property: &str, line: &[&str], is_base: bool) -> BTreeSet<String> {
        let all = || line.iter().filter_map(|one| self.discriminators.get(one)).filter(|one| one.property == property);
        let keys = |of: &str| -> BTreeSet<String> {
            let keys = all().flat_map(|one| &one.mapping).filter(|(_, target)| *target == Some(of));
            keys.map(|(key, _)| (*key).to_owned()).collect()
        };
        let is_root = self.discriminators.get(name).is_some_and(|one| one.property == property);
        let own = keys(name);
        let listed = self.listed(name, property);
        if !own.is_empty() {
            let both = &own & &listed;
            return if both.is_empty() || is_root { own } else { both };
        }
        if is_root && is_base {
            return own;
        }
        if !listed.is_empty() && !is_base {
            return listed;
        }
        if let Some(tags) = line.iter().skip(1).map(|one| keys(one)).find(|tags| !tags.is_empty()) {
            return tags;
        }
        if is_base && all().any(|one| !one.mapping.is_empty()) { own } else { BTreeSet::from([name.to_owned()]) }
    }

    /// The enum values of a property in the schema itself, without its ancestors.
    fn listed(&self, name: &str, property: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut next: Vec<&Value> = self.schemas.get(name).into_iter().collect();
        while let Some(schema) = next.pop() {
            let values = schema.get("properties").and_then(|all| all.get(property)?.get("enum")?.as_array());
            found.extend(values.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
            next.extend(schema.get("allOf").and_then(Value::as_array).into_iter().flatten());
        }
        found
    }
}

/// The discriminator of a schema that is no choice.
fn discriminator<'v>(
    schema: &'v Map<String, Value>,
    schemas: &'v Map<String, Value>,
    depth: usize,
) -> Option<Discriminator<'v>> {
    if let Some(discriminator) = schema.get("discriminator").filter(|_| !is_choice(schema)) {
        let property = discriminator.get("propertyName")?.as_str()?;
        let mapping = discriminator.get("mapping").and_then(Value::as_object).into_iter().flatten();
        let mapping = mapping.map(|(key, target)| {
            let name = target.as_str().map(|target| target.strip_prefix(SCHEMAS).unwrap_or(target));
            (key.as_str(), name.and_then(|name| component(name, schemas)))
        });
        return Some(Discriminator { property, mapping: mapping.collect() });
    }
    let parts = schema.get("allOf").and_then(Value::as_array).filter(|_| depth < MAX_DEPTH);
    parts.into_iter().flatten().find_map(|part| discriminator(part.as_object()?, schemas, depth + 1))
}

/// Whether a schema has a choice already.
pub(crate) fn is_choice(schema: &Map<String, Value>) -> bool {
    ["oneOf", "anyOf"].iter().any(|key| schema.contains_key(*key))
}

/// The component of a name. Follows components that are references.
pub(crate) fn component<'v>(mut name: &'v str, schemas: &'v Map<String, Value>) -> Option<&'v str> {
    for _ in 0..MAX_DEPTH {
        match schemas.get(name)?.get("$ref").and_then(Value::as_str) {
            Some(reference) => name = reference.strip_prefix(SCHEMAS)?,
            None => return Some(name),
        }
    }
    None
}

/// The component that a part refers to.
pub(crate) fn referred<'v>(part: &'v Value, schemas: &'v Map<String, Value>) -> Option<&'v str> {
    component(part.get("$ref")?.as_str()?.strip_prefix(SCHEMAS)?, schemas)
}

/// Collects the components that a schema is derived from.
fn ancestors<'v>(
    schema: &'v Map<String, Value>,
    schemas: &'v Map<String, Value>,
    depth: usize,
    found: &mut Vec<&'v str>,
) {
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten().filter(|_| depth < MAX_DEPTH) {
        if let Some(name) = referred(part, schemas) {
            found.push(name);
        } else if let Some(part) = part.as_object() {
            ancestors(part, schemas, depth + 1, found);
        }
    }
}

/// Whether a key does not describe the objects of a schema.
pub(crate) fn is_word(key: &str) -> bool {
    WORDS.contains(&key) || key == "discriminator" || key.starts_with("x-")
}

/// Whether a schema adds nothing to its only part.
fn is_alias(schema: &Map<String, Value>) -> bool {
    let parts = schema.get("allOf").and_then(Value::as_array);
    parts.is_some_and(|parts| matches!(parts.as_slice(), [part] if part.get("$ref").is_some()))
        && schema.keys().all(|key| key == "allOf" || is_word(key))
}
