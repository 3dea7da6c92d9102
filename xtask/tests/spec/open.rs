//! What a document leaves open has one meaning, which the client has: a warning says which.

use serde_json::{Value, json};

use crate::{RETRY, changed, contract, found, fuzz, said, with_schemas};

/// What a document without errors is adapted to.
fn adapted(contract: &str) -> Value {
    assert!(found(contract).iter().all(|finding| !finding.is_error()), "{}", said(contract));
    let compiled = thingspace_codegen::compile(contract.as_bytes(), &crate::manifest()).unwrap();
    assert_eq!(fuzz::flaw(&compiled.output.client), None, "{contract}");
    serde_json::to_value(thingspace_codegen::adapt(&compiled.document).unwrap()).unwrap()
}

/// What a schema is adapted to, and the rule that warns of it.
fn schema(text: &str) -> (Value, String) {
    let contract = with_schemas(&format!("    C: {text}\n"));
    let rule = said(&contract).split(['[', ']']).nth(1).unwrap_or_default().to_owned();
    (adapted(&contract)["components"]["schemas"]["C"].clone(), rule)
}

#[test]
fn values_and_lists_without_a_type_have_the_one_that_fits() {
    for (text, wanted, rule) in [
        ("{enum: [400]}", json!({ "type": "integer" }), "unsupported-enum"),
        ("{enum: [0.5, 1]}", json!({ "type": "number" }), "unsupported-enum"),
        ("{enum: [true]}", json!({ "type": "boolean", "enum": [true] }), "unsupported-enum"),
        ("{type: array}", json!({ "type": "array" }), "missing-items"),
        ("{type: string, enum: [in use, in-use]}", json!({ "type": "string" }), "colliding-enum-values"),
        ("{enum: [Add, add]}", json!({ "type": "string" }), "colliding-enum-values"),
        ("{type: string, x-rust-type: {crate: a}}", json!({ "type": "string" }), "foreign-extension"),
    ] {
        assert_eq!(schema(text), (wanted, rule.to_owned()), "{text}");
    }
}

/// The log-out with something more.
fn with(more: &str) -> String {
    changed(contract(), RETRY, &format!("{more}{RETRY}"))
}

const LOGOUT: &str = "/paths/~1m2m~1v1~1session~1logout/post";

#[test]
fn of_several_ways_to_send_a_body_json_is_taken() {
    let text = "{schema: {type: string}}";
    for (content, taken, warnings) in [
        (format!("application/json: {text}, application/xml: {text}"), "application/json", 1),
        (format!("application/xml: {text}, application/json: {text}"), "application/json", 1),
        (format!("multipart/form-data: {text}, text/plain: {text}"), "text/plain", 1),
        (format!("text/plain: {text}, application/json: {{example: a}}, a/b: {text}"), "application/json", 2),
        (format!("application/json: {text}"), "application/json", 0),
    ] {
        // The facade calls the log-out without a body, so that another operation has it.
        let operation = format!(
            "  /a:\n    post:\n      operationId: a\n      security: []\n      x-retry: always\n      requestBody: {{content: \
             {{{content}}}}}\n      responses: {{default: {{description: All.}}}}\n"
        );
        let contract = changed(contract(), "\ncomponents:\n", &format!("\n{operation}\ncomponents:\n"));
        let adapted = adapted(&contract);
        let sent = adapted.pointer("/paths/~1a/post/requestBody/content").and_then(Value::as_object).unwrap();
        assert_eq!(sent.keys().collect::<Vec<_>>(), [taken], "{content}");
        assert_eq!(found(&contract).len(), warnings, "{content}: {}", said(&contract));
    }
}

#[test]
fn headers_that_openapi_has_ignored_are_not_asked_for() {
    for header in ["Accept", "Content-Type", "Authorization", "authorization"] {
        let parameter = format!("{{name: {header}, in: header, schema: {{type: string}}}}");
        let contract = with(&format!("      parameters: [{parameter}]\n"));
        assert!(said(&contract).contains("warning[reserved-header]"), "{header}");
        let parameters = adapted(&contract).pointer(&format!("{LOGOUT}/parameters")).cloned();
        assert!(parameters.is_none_or(|parameters| parameters == json!([])), "{header}");
    }
    let own = with("      parameters: [{name: VZ-M2M-Token, in: header, schema: {type: string}}]\n");
    assert!(said(own).contains("error[reserved-header]"));
}

#[test]
fn what_says_the_same_beside_a_reference_is_a_warning() {
    let device = |beside: &str| {
        let target = "    Device: {type: object, minProperties: 1}\n";
        with_schemas(&format!("{target}    C: {{$ref: '#/components/schemas/Device', {beside}}}\n"))
    };
    for (beside, level) in [
        ("type: object", "warning"),
        ("minProperties: 1", "warning"),
        ("type: string", "error"),
        ("minProperties: 2", "error"),
        ("nullable: true", "error"),
    ] {
        let said = said(device(beside));
        assert!(said.contains(&format!("{level}[ignored-beside-reference]")), "{beside}: {said}");
    }
}
