//! Finds the components of requests and of responses, through any chain of references.

use std::collections::BTreeMap;

use super::change::Use;
use thingspace_codegen::{
    check::{Described, operations_of},
    load::Node,
};

/// Uses of the components that operations reach, by reference.
pub(super) struct Uses<'a>(BTreeMap<&'a str, Use>);

impl<'a> Uses<'a> {
    pub(super) fn of(document: &'a Node) -> Self {
        let mut uses = Self(BTreeMap::new());
        let mut next: Vec<(&'a Node, Use)> = Vec::new();
        for Described { item, node, .. } in operations_of(document) {
            let sent = [item.get("parameters"), node.get("parameters"), node.get("requestBody")];
            next.extend(sent.into_iter().flatten().map(|node| (node, Use::SENT)));
            next.extend(node.get("responses").map(|node| (node, Use::ANSWERED)));
        }
        while let Some((node, within)) = next.pop() {
            let Some(reference) = node.text_of("$ref") else {
                next.extend(node.entries().map(|(_, entry)| (&entry.value, within)));
                next.extend(node.items().iter().map(|item| (item, within)));
                continue;
            };
            let known = uses.0.entry(reference).or_default();
            if known.or(within) != *known {
                *known = known.or(within);
                let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
                next.extend(target.map(|target| (target, within)));
            }
        }
        uses
    }

    /// The uses of a schema under `components`.
    pub(super) fn schema(&self, name: &str) -> Use {
        let reference = format!("#/components/schemas/{}", name.replace('~', "~0").replace('/', "~1"));
        self.0.get(reference.as_str()).copied().unwrap_or_default()
    }
}
