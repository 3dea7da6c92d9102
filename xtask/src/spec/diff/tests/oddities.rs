//! Invalid documents and large ones.

use super::{DOCUMENT, changes, document, plain};
use thingspace_codegen::load;

#[test]
fn another_layout_is_not_a_change() {
    let base = plain();
    assert_eq!(changes(&base, &base).len(), 0);
    assert_eq!(changes(&base, &format!("# A comment.\n{}", base.replace(", ", ",   "))).len(), 0);
    let summary = "      summary: Show a thing.\n";
    let moved =
        base.replace(summary, "").replace("      tags: [Things]\n", &format!("      tags: [Things]\n{summary}"));
    assert_eq!(changes(&base, &moved).len(), 0);
}

#[test]
fn circular_references_do_not_loop() {
    let circle = |more: &str| {
        let schemas = format!(
            "    A: {{type: object, properties: {{b: {{$ref: '#/components/schemas/B'}}{more}}}}}\n    B: {{type: object, properties: {{a: {{$ref: '#/components/schemas/A'}}}}}}\n    C: {{$ref: '#/components/schemas/C'}}\n"
        );
        document("{$ref: '#/components/schemas/A'}", "{$ref: '#/components/schemas/C'}") + &schemas
    };
    assert_eq!(changes(&circle(""), &circle(", c: {type: string}")).len(), 1);
    // The same circle with other names.
    let renamed = circle("")
        .replace("schemas/A", "schemas/Aa")
        .replace("    A:", "    Aa:")
        .replace("schemas/B", "schemas/Bb")
        .replace("    B:", "    Bb:");
    assert!(!changes(&circle(""), &renamed).is_empty());
}

/// The comparison follows chains of new names without recursion.
#[test]
fn a_chain_of_references_may_have_any_length() {
    let chain = |name: &str| {
        let links = (0..5_000).map(|at| {
            let next = at + 1;
            format!("    {name}{at}: {{type: object, properties: {{next: {{$ref: '#/components/schemas/{name}{next}'}}}}}}\n")
        });
        let links: String = links.collect();
        document(&format!("{{$ref: '#/components/schemas/{name}0'}}"), "{type: string}") + &links
    };
    assert!(changes(&chain("A"), &chain("B")).len() > 10_000);
}

/// Either side may be broken.
#[test]
fn no_document_causes_a_panic() {
    let base = plain();
    let lines: Vec<&str> = base.lines().collect();
    let good = super::node(&base);
    let mut tried = 0;
    let mut compare = |text: &str| {
        if let Some(bad) = load::read(text, &mut Vec::new()) {
            tried += 1;
            super::compare(&good, &bad);
            super::compare(&bad, &good);
            let none = super::compare(&bad, &bad);
            assert!(none.is_empty(), "{none:?} in\n{text}");
        }
    };
    for at in 0..lines.len() {
        let mut left = lines.clone();
        left.remove(at);
        compare(&left.join("\n"));
        if let Some((key, _)) = lines[at].split_once(": ") {
            for value in [
                "",
                "[]",
                "{}",
                "1",
                "true",
                "text",
                "[1, [], {}]",
                "{a: {$ref: '#/components'}}",
                "{$ref: 1}",
                "{$ref: '#'}",
            ] {
                let mut other: Vec<String> = lines.iter().map(ToString::to_string).collect();
                other[at] = format!("{key}: {value}");
                compare(&other.join("\n"));
            }
        }
    }
    for probe in [
        "[]",
        "1",
        "null",
        "true",
        "{properties: []}",
        "{required: {}}",
        "{enum: 1}",
        "{oneOf: {}}",
        "{items: []}",
        "{type: [string]}",
        "{minimum: a}",
        "{additionalProperties: 1}",
        "{$ref: '#/components/schemas/Sent/properties/probe'}",
    ] {
        compare(&DOCUMENT.replace("SENT", probe).replace("ANSWERED", probe));
    }
    assert!(tried > 200, "{tried}");
}
