//! Checks the targets of `$ref`s.

use super::{
    super::{
        finding::{Finding, Level},
        load::Node,
    },
    Context,
    shape::Shape,
};

/// How many names the search for the intended one compares. So many wrong references are not misspelled names.
const COMPARED: usize = 100_000;

/// Keys that do not affect values.
const WORDS: [&str; 6] = ["title", "example", "examples", "externalDocs", "deprecated", "xml"];

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut left = COMPARED;
    for (shape, node) in &context.objects.references {
        reference(context, *shape, node, &mut left, findings);
    }
}

fn reference(context: &Context<'_>, shape: Shape, node: &Node, left: &mut usize, findings: &mut Vec<Finding>) {
    let Some((entry, section)) = node.entry("$ref").zip(shape.section()) else { return };
    for (key, sibling) in node.entries() {
        if !matches!(key, "$ref" | "description" | "summary") && !key.starts_with("x-") {
            // OpenAPI 3.0 ignores keys beside a `$ref`. The generated code is wrong if the server applies them.
            let says_the_same = || Some(context.resolved(node)?.get(key)?.value() == sibling.value.value());
            let is_harmless = WORDS.contains(&key) || says_the_same() == Some(true);
            let level = if is_harmless { Level::Warning } else { Level::Error };
            let finding = Finding::new(
                "ignored-beside-reference",
                sibling.key,
                format!("{key} stands beside a $ref, where nothing reads it"),
                "put it into what the $ref leads to, or write an allOf: with the $ref in it",
            );
            findings.push(Finding { level, ..finding });
        }
    }
    let place = entry.value.place;
    let Some(text) = entry.value.text() else {
        findings.push(Finding::new("wrong-kind", place, "a $ref is a text", "write it in quotes"));
        return;
    };
    let name = text.strip_prefix("#/components/").and_then(|rest| rest.strip_prefix(section)?.strip_prefix('/'));
    let known = context.document.pointer(&format!("/components/{section}"));
    let Some(name) = name.filter(|name| !name.contains('/')) else {
        let last = text.strip_prefix('#').and_then(|text| text.rsplit('/').next());
        let meant = last.filter(|name| known.is_some_and(|known| known.entry(name).is_some()));
        let help = meant.map_or_else(
            || format!("put what it stands for into components/{section} and write '#/components/{section}/Name'"),
            |name| format!("did you mean '#/components/{section}/{name}'?"),
        );
        let message = format!("{text} leads to a place that is not read here");
        findings.push(Finding::new("foreign-reference", place, message, help));
        return;
    };
    if context.document.pointer(text.trim_start_matches('#')).is_none() {
        let known: Vec<&str> = known.into_iter().flat_map(Node::entries).map(|(name, _)| name).take(*left).collect();
        *left -= known.len();
        let near = known.into_iter().map(|known| (strsim::jaro_winkler(known, name), known));
        let near = near.max_by(|(left, _), (right, _)| left.total_cmp(right)).filter(|(likeness, _)| *likeness > 0.8);
        let help = near.map_or_else(
            || format!("add {name} to components/{section}, or write the name of one that is there"),
            |(_, known)| format!("did you mean '#/components/{section}/{known}'?"),
        );
        findings.push(Finding::new("unresolved-reference", place, format!("{text} does not exist"), help));
    } else if context.resolved(node).is_none() && is_reported(context.document, node) {
        findings.push(Finding::new(
            "circular-reference",
            place,
            format!("{text} leads to another $ref, and never to anything else"),
            "write what it stands for in one of them",
        ));
    }
}

/// Whether to report this unresolvable `$ref`. Of a circle, only the first is reported, and none that leads into it.
fn is_reported(document: &Node, node: &Node) -> bool {
    let mut way = vec![node];
    while let Some(next) = way.last().and_then(|node| document.pointer(node.text_of("$ref")?.strip_prefix('#')?)) {
        if let Some(start) = way.iter().position(|known| std::ptr::eq(*known, next)) {
            return start == 0 && way.iter().all(|other| node.place <= other.place);
        }
        // A longer chain is no circle, but would take too long to follow.
        if way.len() > 100 {
            return true;
        }
        way.push(next);
    }
    true
}
