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

/// The log-out with these parameters.
fn with_parameter(parameter: &str) -> String {
    changed(contract(), crate::RETRY, &format!("      parameters: [{parameter}]\n{}", crate::RETRY))
}

#[test]
fn help_for_a_style_keeps_what_the_server_reads() {
    let list = "schema: {type: array, items: {type: string}}";
    for (style, between) in [
        ("explode: false", "commas"),
        ("style: form, explode: false", "commas"),
        ("style: pipeDelimited", "bars"),
        ("style: spaceDelimited", "spaces"),
    ] {
        let helps = helps(&with_parameter(&format!("{{name: ids, in: query, {style}, {list}}}")));
        let help = format!(
            "write type: string instead of the list, and say in description: that {between} stand between the items"
        );
        assert!(helps.iter().any(|said| said.starts_with(&help)), "{style}: {helps:?}");
        assert!(!helps.iter().any(|said| said.contains("leave explode")), "{style}: {helps:?}");
    }
    let helped = "{name: ids, in: query, description: With commas between., schema: {type: string}}";
    assert_eq!(helps(&with_parameter(helped)), [""; 0]);
    for (within, style) in [("query", "deepObject"), ("header", "form"), ("query", "simple"), ("query", "matrix")] {
        let helps =
            helps(&with_parameter(&format!("{{name: ids, in: {within}, style: {style}, schema: {{type: string}}}}")));
        assert!(helps[0].starts_with("this is not supported: "), "{style}: {helps:?}");
    }
    assert!(
        helps(&with_parameter("{name: ids, in: query, style: frm, schema: {type: string}}"))[0]
            .contains("no such style")
    );
}

#[test]
fn help_for_names_of_the_server_does_not_rename_them() {
    let properties = "properties: {userName: {type: string}, user_name: {type: string}}";
    let parameters =
        "{name: userName, in: query, schema: {type: string}}, {name: user_name, in: query, schema: {type: string}}";
    for (wrong, right) in [
        (
            with_schemas("    State: {type: string, enum: [in use, in-use]}\n"),
            with_schemas("    State: {type: string, description: in use or in-use}\n"),
        ),
        (
            with_schemas(&format!("    Device: {{type: object, {properties}}}\n")),
            with_schemas(
                "    Device: {type: object, properties: {userName: {type: string}}, additionalProperties: {type: string}}\n",
            ),
        ),
        (
            with_schemas(
                "    Device: {type: object, properties: {extra: {type: string}}, additionalProperties: {type: string}}\n",
            ),
            with_schemas("    Device: {type: object, additionalProperties: {type: string}}\n"),
        ),
        (with_parameter(parameters), with_parameter("{name: userName, in: query, schema: {type: string}}")),
    ] {
        let helps = helps(&wrong);
        assert!(helps.len() == 1 && helps[0].contains("leave") && !helps[0].contains("rename"), "{helps:?}");
        assert_eq!(said(right), "");
    }
}

#[test]
fn a_document_of_another_version_has_to_be_converted() {
    for (version, with) in [
        ("swagger: '2.0'", "swagger2openapi"),
        ("openapi: 2.0.0", "swagger2openapi"),
        ("openapi: 3.1.0", "openapi-down-convert"),
        ("openapi: 3.2.0", "openapi-down-convert"),
    ] {
        let helps = helps(&changed(contract(), "openapi: 3.0.3", version));
        assert!(helps.len() == 1 && helps[0].contains("convert") && helps[0].contains(with), "{version}: {helps:?}");
    }
}

#[test]
fn a_success_that_may_have_no_body_is_an_option() {
    let contract_with = |other: &str, schema: &str| {
        let body = format!("content: {{application/json: {{schema: {schema}}}}}");
        let answers = format!("'200': {{description: Some., {body}}}, {other}, default: {{description: Refused.}}");
        let path =
            format!("  /a:\n    get:\n      operationId: a\n      security: []\n      responses: {{{answers}}}\n");
        changed(contract(), "\ncomponents:\n", &format!("\n{path}\ncomponents:\n"))
    };
    for (other, schema, of, empty) in [
        ("'204': {description: None.}", "{type: string}", "::std::string::String", "(204u16,204u16)"),
        ("'202': {description: None.}", "{type: object}", "", "(202u16,202u16)"),
        ("'204': {description: None., content: {}}", "{type: string, nullable: true}", "", "(204u16,204u16)"),
        ("2XX: {description: None.}", "{$ref: '#/components/schemas/LogInResult'}", "types::LogInResult", "(200,299)"),
        (
            "'202': {description: A.}, '204': {description: B.}",
            "{type: integer}",
            "i64",
            "(202u16,202u16),(204u16,204u16)",
        ),
    ] {
        let contract = contract_with(other, schema);
        assert_eq!(said(&contract), "", "{other}");
        let output = thingspace_codegen::compile(contract.as_bytes(), &crate::manifest()).unwrap().output;
        let table = output.operations.replace([' ', '\n'], "");
        let row = table.split("Body::JsonOrNone(fits::<").nth(1).unwrap();
        assert!(row.starts_with(&format!("::std::option::Option<{of}")), "{other}: {row}");
        assert!(row.split(">,&[").nth(1).unwrap().starts_with(&format!("{empty}])")), "{other}: {row}");
    }
    let json = "'201': {description: Other., content: {application/json: {schema: {type: integer}}}}";
    assert!(helps(&contract_with(json, "{type: string}"))[0].contains("the same schema"));
    let raw = "'201': {description: Other., content: {text/plain: {schema: {type: string}}}}";
    assert!(helps(&contract_with(raw, "{type: string}"))[0].contains("Session::request"));
}
