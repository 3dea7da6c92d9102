//! Checks every response against `openapi.yaml`.
//!
//! The check is stricter than the schemas, which require no field: a response must have exactly the described fields.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Answer;

/// The contract as a value.
pub(crate) static SPEC: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi.yaml");
    let text = std::fs::read_to_string(path).expect("openapi.yaml is readable");
    serde_saphyr::from_str(&text).expect("openapi.yaml is YAML")
});

const RESULT: &str = "#/components/schemas/ConnectivityManagementResult";
const FAULT: &str = "#/components/schemas/GatewayFault";

/// Checks a response of the sandbox against the contract, and panics if they differ.
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let judged = match answer.status {
        StatusCode::UNAUTHORIZED => gateway_fault(method, path, answer),
        StatusCode::METHOD_NOT_ALLOWED => method_not_allowed(answer),
        status => described(method, path, status, &answer.body),
    };
    if let Err(problem) = judged {
        panic!("{method} {path} returned {}, which breaks the contract: {problem}", answer.status);
    }
}

/// Whether the contract describes this path.
pub(crate) fn describes(path: &str) -> bool {
    SPEC["paths"].get(path).is_some()
}

fn described(method: &Method, path: &str, status: StatusCode, body: &Value) -> Result<(), String> {
    let response = &operation(method, path)["responses"][status.as_str()];
    let schema = &resolved(response)["content"]["application/json"]["schema"];
    let reference = schema["$ref"].as_str().ok_or("the contract has no such response")?;
    conforms(reference, body)
}

fn operation(method: &Method, path: &str) -> &'static Value {
    &SPEC["paths"][path][method.as_str().to_ascii_lowercase()]
}

fn conforms(reference: &str, body: &Value) -> Result<(), String> {
    let document = json!({ "$ref": reference, "components": SPEC["components"] });
    let validator = jsonschema::validator_for(&document).map_err(|error| error.to_string())?;
    validator.validate(body).map_err(|error| error.to_string())?;
    let schema = resolved(&document);
    same(&keys(&schema["properties"]), &keys(body))
}

/// The target of a reference, or the value itself.
fn resolved(value: &Value) -> &Value {
    let target =
        |reference: &str| SPEC.pointer(reference.trim_start_matches('#')).expect("the target of the reference exists");
    value["$ref"].as_str().map_or(value, target)
}

fn method_not_allowed(answer: &Answer) -> Result<(), String> {
    let allowed = answer.header("allow").ok_or("the header Allow is missing")?;
    if !["POST", "PUT"].contains(&allowed) {
        return Err(format!("Allow is {allowed}"));
    }
    conforms(RESULT, &answer.body)
}

fn gateway_fault(method: &Method, path: &str, answer: &Answer) -> Result<(), String> {
    answer.header("www-authenticate").ok_or("the header WWW-Authenticate is missing")?;
    fault_shape(&answer.body)?;
    // The gateway responds before the platform checks the method, so all methods get this response.
    match operation(method, path) {
        Value::Null => Ok(()),
        _ => described(method, path, answer.status, &answer.body),
    }
}

/// The gateway's `{"fault": {"code", "message", "description"}}`.
pub(crate) fn fault_shape(body: &Value) -> Result<(), String> {
    conforms(FAULT, body)?;
    same(&BTreeSet::from(["code", "message", "description"]), &keys(&body["fault"]))
}

fn same(expected: &BTreeSet<&str>, found: &BTreeSet<&str>) -> Result<(), String> {
    if expected == found { Ok(()) } else { Err(format!("fields {found:?} instead of {expected:?}")) }
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn the_check_rejects_a_field_of_the_wrong_type_an_additional_field_and_a_missing_field() {
    let login = "#/components/schemas/LogInResult";
    assert!(conforms(login, &json!({ "sessionToken": "t" })).is_ok());
    assert!(conforms(login, &json!({ "sessionToken": 1 })).is_err());
    assert!(conforms(login, &json!({ "sessionToken": "t", "extra": 1 })).is_err());
    assert!(conforms(login, &json!({})).is_err());
    assert!(conforms(RESULT, &json!([])).is_err());
}
