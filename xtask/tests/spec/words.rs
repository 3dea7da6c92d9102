//! What is said of a mistake leads to a document that is right.

use crate::{changed, contract, said, with_schemas};

/// The lines of help, and nothing else.
fn helps(contract: &str) -> Vec<String> {
    said(contract).lines().filter_map(|line| line.strip_prefix("  help: ")).map(str::to_owned).collect()
}

#[test]
fn values_without_a_type_are_told_which_type_they_have() {
    for (values, of) in [("400", "integer"), ("1, 2", "integer"), ("0.5, 1", "number"), ("true", "boolean")] {
        let enumerated = |of: &str| with_schemas(&format!("    Status: {{{of}enum: [{values}]}}\n"));
        assert_eq!(helps(&enumerated("")), [format!("write type: {of} beside enum:")], "{values}");
        assert_eq!(helps(&enumerated(&format!("type: {of}, "))), [""; 0], "{values}");
    }
}

#[test]
fn a_text_that_looks_like_something_else_needs_quotes() {
    for value in ["08540", "12", "1.50", "true"] {
        let schema = |value: &str| with_schemas(&format!("    Code: {{type: string, example: {value}}}\n"));
        assert_eq!(helps(&schema(value)), ["write it in quotes"], "{value}");
        assert_eq!(helps(&schema(&format!("'{value}'"))), [""; 0], "{value}");
    }
    let list = with_schemas("    Code: {type: string, example: [a]}\n");
    assert_eq!(helps(&list), ["write an example that fits, or change the schema"]);
}

#[test]
fn every_wrong_part_of_an_example_is_told_at_once() {
    let of =
        "{type: object, properties: {a: {type: string}, b: {type: integer}, c: {type: array, items: {type: string}}}}";
    for (example, found) in [
        ("{a: 1, b: x}", 2),
        ("{a: 1, b: x, c: [1, 2]}", 4),
        ("{a: ok, b: 1, c: [ok, 1]}", 1),
        ("{a: ok, b: 1, c: 5}", 1),
        ("5", 1),
    ] {
        assert_eq!(helps(&with_schemas(&format!("    Code: {{allOf: [{of}], example: {example}}}\n"))).len().min(1), 1);
        let schema = format!("    Code:\n      type: object\n      properties: {{inner: {of}}}\n");
        let schema = format!("{schema}      example: {{inner: {example}}}\n");
        assert_eq!(helps(&with_schemas(&schema)).len(), found, "{example}");
    }
}

#[test]
fn no_two_operations_are_offered_one_name() {
    let operation = |path: &str, summary: &str| {
        format!(
            "  {path}:\n    get:\n      security: []\n{summary}      responses: {{default: {{description: All.}}}}\n"
        )
    };
    let summary = "      summary: List devices\n";
    for (paths, offered) in [
        ([("/a", summary), ("/b", summary)], ["listDevices", "getB"]),
        ([("/a", summary), ("/b", "")], ["listDevices", "getB"]),
        ([("/a-b", ""), ("/a/b", "")], ["getAB", "getAB2"]),
        ([("/a", "      summary: Get b\n"), ("/b", "")], ["getB", "getB2"]),
        ([("/a", "      summary: Start connectivity management session\n"), ("/b", "")], ["getA", "getB"]),
    ] {
        let operations: String = paths.iter().map(|(path, summary)| operation(path, summary)).collect();
        let helps = helps(&changed(contract(), "\ncomponents:\n", &format!("\n{operations}\ncomponents:\n")));
        let expected = offered.map(|name| format!("write operationId: with a name for the method, such as {name}"));
        assert_eq!(helps, expected, "{paths:?}");
    }
}
