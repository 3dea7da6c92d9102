//! Names with letters that Rust, JSON pointers or URLs do not take.

use std::collections::BTreeSet;

use crate::{changed, contract, fuzz, said, with_schemas};

/// An operation with this name and a parameter with that one, an answer and an error that are described in place.
fn with_operation(id: &str, parameter: &str) -> String {
    let schema = "{type: object, properties: {a: {type: string, enum: [x]}}}";
    let operation = format!(
        "  /m2m/v1/things:
    get:
      operationId: {id:?}
      security: []
      parameters: [{{name: {parameter:?}, in: query, schema: {{type: string}}}}]
      responses:
        '200': {{description: All., content: {{application/json: {{schema: {schema}}}}}}}
        '404': {{description: None., content: {{application/json: {{schema: {{type: object, required: [b], properties: {{b: {{type: string}}}}}}}}}}}}
        default: {{description: Refused., content: {{application/json: {{schema: {{type: object, properties: {{c: {{type: string}}}}}}}}}}}}
"
    );
    changed(contract(), "\ncomponents:\n", &format!("\n{operation}\ncomponents:\n"))
}

#[test]
fn an_operation_and_a_parameter_may_have_any_letters_in_their_names() {
    for (id, parameter, method) in [
        ("repos/list", "filter[name]", "repos_list"),
        ("meta~root", "x~y", "meta_root"),
        ("get things", "a b", "get_things"),
        ("a/b~0c~1 d", "a/b", "a_b_0c_1_d"),
        ("größe holen", "größe", "größe_holen"),
        ("列出设备", "$top", "列出设备"),
        ("%2F", "%", "_2f"),
        ("\"quoted\"", "@id", "quoted"),
        ("a\\b#c?d", "page.size", "a_b_c_d"),
        ("it's", "it's", "its"),
        ("²x", "½", "x"),
        ("fn", "self", "fn_"),
    ] {
        let contract = with_operation(id, parameter);
        assert_eq!(said(&contract), "", "{id}");
        let output = thingspace_codegen::compile(contract.as_bytes(), &crate::manifest()).unwrap().output;
        assert!(output.operations.contains(&format!("id : {method:?}")), "{id}: {}", output.operations);
        // What goes out is the name of the document.
        assert!(output.client.contains(&format!("{parameter:?}")), "{parameter}");
        for generated in [output.client, output.operations] {
            assert_eq!(fuzz::flaw(&generated), None, "{id}");
        }
    }
}

#[test]
fn names_that_become_one_are_told_where_they_stand() {
    let properties = |first: &str, second: &str| {
        format!("    A: {{type: object, properties: {{{first:?}: {{}}, {second:?}: {{}}}}}}\n")
    };
    for (first, second) in [("1", "x1"), ("$", "x"), ("½", "x"), ("a.b", "a~b"), ("²x", "x")] {
        let said = said(with_schemas(&properties(first, second)));
        assert!(
            said.starts_with("openapi.yaml:143:") && said.contains("error[colliding-properties]"),
            "{first}: {said}"
        );
    }
    for (first, second) in [("1", "x1"), ("_1", "1"), ("²", "x"), ("", "x")] {
        let said = said(with_schemas(&format!("    A: {{type: string, enum: [{first:?}, {second:?}]}}\n")));
        assert!(said.contains("[colliding-enum-values]"), "{first}: {said}");
    }
    for (first, second) in [("1", "X1"), ("a-b", "aB"), ("a.b", "a_b"), ("x", "X")] {
        let said = said(with_schemas(&format!("    {first:?}: {{type: string}}\n    {second:?}: {{type: string}}\n")));
        assert!(said.contains("error[colliding-schemas]"), "{first}: {said}");
    }
}

#[test]
fn no_finding_speaks_of_a_reference_that_is_not_in_the_file() {
    // Something that only the generator finds, beside errors that are put elsewhere in memory.
    for id in ["repos/list", "a~b", "a b", "a/b/c"] {
        let contract = with_operation(id, "a");
        let contract = changed(contract, "x-environment: production", "x-environment: production\n    x-other: 1");
        let contract = changed(
            contract,
            crate::SCHEMAS,
            "  schemas:\n    Odd: {type: array, items: {$ref: '#/components/schemas/Odd'}, maxItems: 40, minItems: 40}\n",
        );
        let told = said(&contract);
        let references: BTreeSet<&str> =
            told.split(|letter: char| letter.is_whitespace()).filter(|word| word.starts_with("#/")).collect();
        assert!(references.iter().all(|reference| contract.contains(reference)), "{told}");
    }
}
