//! Reports schemas that contain themselves without end.
//!
//! A property may refer back to its own schema. The generator copies `allOf` parts into the schema, however, and a copy
//! that contains itself has no end: the generator would run out of memory.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        finding::{Finding, Place},
        load::Node,
    },
    COMPOSED, Context, SCHEMAS, parts,
    shape::Shape,
};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut in_itself = BTreeSet::new();
    for (name, entry) in context.document.pointer("/components/schemas").into_iter().flat_map(Node::entries) {
        // A circle of references alone is reported in references.rs.
        if context.resolved(&entry.value).is_some() && leads_to(context, &entry.value, name, &mut BTreeSet::new()) {
            in_itself.insert(entry.value.place);
            findings.push(Finding::new(
                "circular-reference",
                entry.key,
                format!("the schema {name} is made of itself"),
                "take the $ref that leads back to it out of its allOf, anyOf or oneOf; a property may lead back",
            ));
        }
    }
    let mut walk = Walk { context, state: BTreeMap::new() };
    for schema in context.objects.all(Shape::Schema).filter(|schema| !in_itself.contains(&schema.place)) {
        if copies(schema) && walk.is_endless(schema, 0) {
            let key = COMPOSED.iter().find_map(|key| schema.entry(key));
            findings.push(Finding::new(
                "endless-copy",
                key.map_or(schema.place, |entry| entry.key),
                "this is a copy of what it is part of, with a change, and so without end",
                "put it into components/schemas under a name of its own, and refer to it",
            ));
        }
    }
}

/// Whether a schema leads to the schema of this name, without passing through a property or an item.
fn leads_to<'a>(context: &Context<'a>, node: &'a Node, name: &str, seen: &mut BTreeSet<&'a str>) -> bool {
    if let Some(reference) = node.text_of("$ref") {
        let target = reference.strip_prefix(SCHEMAS).unwrap_or_default();
        if target == name {
            return true;
        }
        let entry = context.document.pointer(reference.trim_start_matches('#'));
        return seen.insert(target) && entry.is_some_and(|entry| leads_to(context, entry, name, seen));
    }
    parts(node).any(|part| leads_to(context, part, name, seen))
}

/// Whether the generator copies the parts of a schema: it has several parts, or one part and further keys.
fn copies(schema: &Node) -> bool {
    const WORDS: [&str; 6] = ["title", "description", "example", "externalDocs", "deprecated", "nullable"];
    let beside = |composed: &str| {
        let mut others = schema.entries().filter(|(key, _)| *key != composed && !key.starts_with("x-"));
        others.any(|(key, _)| !WORDS.contains(&key))
    };
    schema.get("allOf").is_some_and(|parts| parts.items().len() > 1 || beside("allOf"))
        || ["oneOf", "anyOf"].into_iter().any(|key| schema.get(key).is_some() && beside(key))
}

/// Follows copies into further copies.
struct Walk<'a, 'c> {
    context: &'c Context<'a>,
    /// Whether a schema is endless; `None` while this is being determined.
    state: BTreeMap<Place, Option<bool>>,
}

impl<'a> Walk<'a, '_> {
    /// Whether a copied schema contains itself, directly or through another copy.
    fn is_endless(&mut self, schema: &'a Node, depth: usize) -> bool {
        // Deeper copies would take too long to follow.
        if depth > 100 {
            return true;
        }
        match self.state.get(&schema.place) {
            Some(Some(known)) => return *known,
            Some(None) => return true,
            None => drop(self.state.insert(schema.place, None)),
        }
        let context = self.context;
        // A base, as a value, is any of the schemas that are made of it: see adapt/families.rs.
        let is_member = context.member(schema).is_some();
        let named = |name: &String| context.document.pointer("/components/schemas")?.get(name);
        let targets: Vec<_> = parts(schema)
            .filter(|part| part.get("$ref").is_some())
            .filter_map(|part| context.resolved(part))
            .flat_map(|target| {
                let member = context.member(target).filter(|_| !is_member);
                std::iter::once(target).chain(member.into_iter().flat_map(|one| &one.variants).filter_map(named))
            })
            .collect();
        let is_endless = targets.into_iter().any(|target| self.holds_endless(target, depth));
        self.state.insert(schema.place, Some(is_endless));
        is_endless
    }

    /// Whether this node or a node inside it is an endless copy.
    fn holds_endless(&mut self, node: &'a Node, depth: usize) -> bool {
        copies(node) && self.is_endless(node, depth + 1)
            || node.entries().any(|(_, entry)| self.holds_endless(&entry.value, depth))
            || node.items().iter().any(|item| self.holds_endless(item, depth))
    }
}
