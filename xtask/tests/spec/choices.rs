//! A choice between objects keeps what is in a value of any of them.

use serde_json::{Value, json};

use crate::{fuzz, said, with_schemas};

/// What the schema `C` is adapted to.
fn adapted(schemas: &str) -> Value {
    let contract = with_schemas(schemas);
    assert_eq!(said(&contract), "", "{schemas}");
    let compiled = thingspace_codegen::compile(contract.as_bytes(), &crate::manifest()).unwrap();
    assert_eq!(fuzz::flaw(&compiled.output.client), None, "{schemas}");
    let adapted = serde_json::to_value(thingspace_codegen::adapt(&compiled.document).unwrap()).unwrap();
    adapted["components"]["schemas"]["C"].clone()
}

const PARTS: &str = "    L: {type: object, properties: {l: {type: string}}}
    R: {type: object, required: [r], properties: {r: {type: string}}}
    Both: {type: object, required: [r], properties: {l: {type: string}, r: {type: string}}}
    On: {type: object, required: [is, a], properties: {is: {type: string, enum: [on]}, a: {type: string}}}
    Off: {type: object, required: [is, b], properties: {is: {type: string, enum: [off]}, b: {type: string}}}
";

fn of(key: &str, names: &[&str]) -> String {
    let parts: Vec<_> = names.iter().map(|name| format!("{{$ref: '#/components/schemas/{name}'}}")).collect();
    format!("{PARTS}    C: {{{key}: [{}]}}\n", parts.join(", "))
}

#[test]
fn objects_of_which_a_part_would_be_lost_become_one() {
    let text = json!({ "type": "string" });
    let (l, r) = ("{type: object, properties: {l: {type: string}}}", "{type: object, properties: {r: {type: string}}}");
    for (schemas, required) in [
        (format!("    C: {{anyOf: [{l}, {r}]}}\n"), json!(null)),
        (format!("    C: {{oneOf: [{l}, {r}]}}\n"), json!(null)),
        (of("anyOf", &["L", "R"]), json!(null)),
        (of("anyOf", &["R", "L"]), json!(null)),
        (of("oneOf", &["L", "R"]), json!(null)),
        (of("oneOf", &["R", "Both"]), json!(["r"])),
    ] {
        let schema = adapted(&schemas);
        assert_eq!((&schema["type"], &schema["required"]), (&json!("object"), &required), "{schemas}");
        assert_eq!(schema["properties"], json!({ "l": text, "r": text }), "{schemas}");
    }
    let differ = "    C: {anyOf: [{type: object, properties: {a: {type: string}}}, {type: object, properties: {a: {type: integer}, b: {type: string}}}]}\n";
    assert_eq!(adapted(differ)["properties"], json!({ "a": {}, "b": text }));
}

#[test]
fn objects_that_can_be_told_apart_stay_a_choice() {
    for (key, names) in [
        ("oneOf", &["On", "Off"][..]),
        ("anyOf", &["On", "Off"]),
        ("anyOf", &["Both", "R"]),
        ("oneOf", &["Both", "L"]),
        ("oneOf", &["R", "On"]),
    ] {
        let schema = adapted(&of(key, names));
        assert_eq!(schema[key].as_array().map(Vec::len), Some(names.len()), "{key} {names:?}: {schema}");
    }
    let mixed = "    C: {anyOf: [{type: object, properties: {a: {type: string}}}, {type: integer}]}\n";
    assert_eq!(adapted(mixed)["anyOf"].as_array().map(Vec::len), Some(2));
}
