//! Schemas that never come to an end.
//!
//! A property may lead back to the schema that it belongs to: that is a reference. What an `allOf` is made of is
//! copied into it, and a copy that contains itself has no end: the generator would run out of memory.

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
        // A circle of nothing but references is reported with these.
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

/// Whether a schema, without going through a property or an item, leads to the one with this name.
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

/// Whether a schema is put together from copies: of several parts, or of one and what stands beside it.
fn copies(schema: &Node) -> bool {
    const WORDS: [&str; 6] = ["title", "description", "example", "externalDocs", "deprecated", "nullable"];
    let beside = |composed: &str| {
        let mut others = schema.entries().filter(|(key, _)| *key != composed && !key.starts_with("x-"));
        others.any(|(key, _)| !WORDS.contains(&key))
    };
    schema.get("allOf").is_some_and(|parts| parts.items().len() > 1 || beside("allOf"))
        || ["oneOf", "anyOf"].into_iter().any(|key| schema.get(key).is_some() && beside(key))
}

/// The way from copy to copy.
struct Walk<'a, 'c> {
    context: &'c Context<'a>,
    /// Whether a schema is endless; nothing while that is being found out.
    state: BTreeMap<Place, Option<bool>>,
}

impl<'a> Walk<'a, '_> {
    /// Whether a copy, or a copy that it contains, contains itself.
    fn is_endless(&mut self, schema: &'a Node, depth: usize) -> bool {
        // Copies that nest so deeply take too long to follow.
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

    /// Whether there is an endless copy in what is written at this place, itself included.
    fn holds_endless(&mut self, node: &'a Node, depth: usize) -> bool {
        copies(node) && self.is_endless(node, depth + 1)
            || node.entries().any(|(_, entry)| self.holds_endless(&entry.value, depth))
            || node.items().iter().any(|item| self.holds_endless(item, depth))
    }
}
