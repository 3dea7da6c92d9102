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
    assert_eq!(adapted(differ)["properties"], json!({ "a": { "description": "\u{e001}" }, "b": text }));
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
        assert_eq!(schema["oneOf"].as_array().map(Vec::len), Some(names.len()), "{key} {names:?}: {schema}");
    }
    let mixed = "    C: {anyOf: [{type: object, properties: {a: {type: string}}}, {type: integer}]}\n";
    assert_eq!(adapted(mixed)["oneOf"].as_array().map(Vec::len), Some(2));
}

#[test]
fn what_an_object_may_be_beside_its_properties_is_one_object() {
    let own = "type: object, properties: {a: {type: string}, b: {type: string}}";
    let text = json!({ "type": "string" });
    for (schema, required, more) in [
        (format!("{{{own}, anyOf: [{{required: [a]}}, {{required: [b]}}]}}"), json!(null), &[][..]),
        (format!("{{{own}, anyOf: [{{required: [a, b]}}, {{required: [a]}}]}}"), json!(["a"]), &[]),
        (format!("{{{own}, required: [b], oneOf: [{{required: [a]}}, {{type: object}}]}}"), json!(["b"]), &[]),
        (
            format!("{{{own}, oneOf: [{{properties: {{c: {{type: string}}}}}}, {{required: [a]}}]}}"),
            json!(null),
            &["c"],
        ),
        (format!("{{{own}, anyOf: [{{properties: {{a: {{enum: [x]}}}}}}, {{required: [b]}}]}}"), json!(null), &[]),
    ] {
        let schema = adapted(&format!("    C: {schema}\n"));
        assert_eq!(schema["required"], required, "{schema}");
        assert_eq!((&schema["anyOf"], &schema["oneOf"]), (&json!(null), &json!(null)), "{schema}");
        let properties = schema["properties"].as_object().unwrap();
        let names: Vec<&str> = ["a", "b"].iter().chain(more).copied().collect();
        assert_eq!(properties.keys().collect::<Vec<_>>(), names, "{schema}");
        assert!(names.iter().all(|name| properties[*name] == text), "{schema}");
    }
}

#[test]
fn what_cannot_become_one_object_is_any_json() {
    for choices in [
        "{type: object, properties: {l: {type: string}}}, {type: object, additionalProperties: {type: integer}}",
        "{type: object, properties: {l: {type: string}}}, {type: object}",
        "{type: object, properties: {l: {type: string}}}, {type: object, properties: {r: {type: string}}, additionalProperties: {type: integer}}",
        "{type: string}, {type: object, properties: {l: {type: string}}}, {type: object}",
    ] {
        let schema = adapted(&format!("    C: {{description: Any., anyOf: [{choices}]}}\n"));
        assert_eq!(schema, json!({ "description": "Any." }), "{choices}");
    }
}
