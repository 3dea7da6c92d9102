//! Defaults belong to the one who reads: no code is made of them, whatever they stand beside.

use crate::{fuzz, said, with_schemas};

const PARTS: &str = "    E: {type: string, enum: [a, b]}
    O: {type: object, properties: {l: {type: string}}}
    R: {type: object, required: [r], properties: {r: {type: string}}}
";

fn holds(schemas: &str) {
    let with = with_schemas(&format!("{PARTS}{schemas}"));
    assert_eq!(said(&with), "", "{schemas}");
    let client = |contract: &str| {
        let compiled = thingspace_codegen::compile(contract.as_bytes(), &crate::manifest()).unwrap();
        assert_eq!(fuzz::flaw(&compiled.output.client), None, "{schemas}");
        compiled.output.client
    };
    let code = client(&with);
    assert!(!code.contains("mod defaults") && !code.contains("defaults::"), "{schemas}");
}

#[test]
fn a_default_on_a_composition_is_no_code() {
    let of = |name: &str| format!("{{$ref: '#/components/schemas/{name}'}}");
    for schema in [
        format!("{{allOf: [{}], default: a}}", of("E")),
        format!("{{allOf: [{}], nullable: true, default: a}}", of("E")),
        format!("{{allOf: [{}], default: {{l: x}}}}", of("O")),
        format!("{{allOf: [{}, {}], default: {{l: x, r: y}}}}", of("O"), of("R")),
        "{oneOf: [{type: string, maxLength: 3}, {type: integer}], default: 5}".to_owned(),
        format!("{{anyOf: [{}, {}], default: {{r: y}}}}", of("R"), of("O")),
    ] {
        holds(&format!("    D: {{type: object, properties: {{p: {schema}}}}}\n"));
        holds(&format!("    D: {{type: object, required: [p], properties: {{p: {schema}}}}}\n"));
        holds(&format!("    D: {schema}\n"));
    }
}

#[test]
fn a_default_behind_a_reference_is_no_code() {
    for schema in [
        "{type: string, enum: [a, b], default: b}",
        "{type: string, nullable: true, default: b}",
        "{type: object, properties: {l: {type: string, default: x}}, default: {l: y}}",
        "{type: array, items: {type: string, default: a}, default: [b]}",
        "{type: integer, format: int8, minimum: 1, default: 5}",
    ] {
        holds(&format!(
            "    F: {schema}\n    D: {{type: object, properties: {{p: {{$ref: '#/components/schemas/F'}}}}}}\n"
        ));
    }
}

#[test]
fn a_property_may_be_called_default() {
    for name in ["default", "enum", "example", "properties"] {
        let schemas = format!(
            "    D: {{type: object, required: [{name}], properties: {{{name}: {{type: string, default: a}}}}}}\n"
        );
        holds(&schemas);
        let contract = with_schemas(&schemas);
        let document = thingspace_codegen::check(contract.as_bytes(), &crate::manifest()).unwrap().document;
        let adapted = serde_json::to_value(thingspace_codegen::adapt(&document).unwrap()).unwrap();
        assert_eq!(adapted["components"]["schemas"]["D"]["properties"][name], serde_json::json!({ "type": "string" }));
    }
}

#[test]
fn a_default_that_does_not_fit_is_a_warning() {
    for property in [
        "{type: integer, default: a}",
        "{type: string, enum: [a, b], default: c}",
        "{oneOf: [{type: integer}, {type: boolean}], default: a}",
        "{allOf: [{$ref: '#/components/schemas/E'}], default: c}",
    ] {
        let told = said(with_schemas(&format!("{PARTS}    D: {{type: object, properties: {{p: {property}}}}}\n")));
        assert!(told.contains("warning[default-mismatch]") && told.lines().count() == 2, "{property}: {told}");
    }
}
