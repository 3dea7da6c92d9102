//! Reports valid keys in the wrong place.

use super::{
    super::{
        finding::{Finding, Level},
        load::Node,
    },
    Context,
    shape::Shape,
};

/// Keys that apply to values of some types only.
const BELONGS: [(&[&str], &[&str]); 4] = [
    (&["minLength", "maxLength", "pattern"], &["string"]),
    (&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"], &["integer", "number"]),
    (&["items", "minItems", "maxItems", "uniqueItems"], &["array"]),
    (&["properties", "required", "additionalProperties", "minProperties", "maxProperties"], &["object"]),
];

/// Extensions that the generator would treat as instructions. adapt/open.rs removes all but the first.
const FOREIGN: [(Shape, &str); 3] = [
    (Shape::Operation, "x-dropshot-websocket"),
    (Shape::Operation, "x-dropshot-pagination"),
    (Shape::Schema, "x-rust-type"),
];

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for schema in context.objects.all(Shape::Schema) {
        misplaced(schema, findings);
    }
    for (shape, key) in FOREIGN {
        for entry in context.objects.all(shape).filter_map(|object| object.entry(key)) {
            let finding = Finding::new(
                "foreign-extension",
                entry.key,
                format!("{key} would change what is generated, in a way that fits nothing here"),
                "remove it",
            );
            let level = if key == "x-dropshot-websocket" { Level::Error } else { Level::Warning };
            findings.push(Finding { level, ..finding });
        }
    }
    for entry in [Shape::PathItem, Shape::Operation].into_iter().flat_map(|shape| context.objects.all(shape)) {
        let urls = |holder: &Node| -> Vec<String> {
            let servers = holder.get("servers").map(Node::items).unwrap_or_default();
            let urls = servers.iter().filter_map(|server| server.text_of("url"));
            urls.map(|url| url.trim_end_matches('/').to_owned()).collect()
        };
        let known = urls(context.document);
        let others = |servers: &Node| {
            servers.items().is_empty()
                || !urls(entry).iter().all(|url| known.contains(url))
                || urls(entry).len() != servers.items().len()
        };
        if let Some(servers) = entry.entry("servers").filter(|servers| others(&servers.value)) {
            findings.push(Finding::new(
                "ignored-servers",
                servers.key,
                "nothing reads servers: here: requests and their credentials go where all others go",
                "remove it; servers stand at the top of the document",
            ));
        }
    }
}

fn misplaced(schema: &Node, findings: &mut Vec<Finding>) {
    let Some(of) =
        schema.text_of("type").filter(|of| BELONGS.iter().any(|(_, types)| types.contains(of)) || *of == "boolean")
    else {
        return;
    };
    // A boolean `required` has its own finding.
    let has_finding =
        |key: &str| key == "required" && schema.get(key).is_some_and(|required| required.value().is_boolean());
    for (keys, types) in BELONGS.iter().filter(|(_, types)| !types.contains(&of)) {
        for entry in keys.iter().filter(|key| !has_finding(key)).filter_map(|key| Some((key, schema.entry(key)?))) {
            // In JSON Schema, the key does not apply to such a value.
            findings.push(Finding::warning(
                "misplaced-key",
                entry.1.key,
                format!("{} says nothing of type: {of}", entry.0),
                format!("write type: {}, or remove it", types.join(" or ")),
            ));
        }
    }
}
