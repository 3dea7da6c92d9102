//! What looks like a mistake and is none: nothing is said of it.

use crate::{contract, said};

/// The contract with more schemas in it.
fn with_schemas(schemas: &str) -> String {
    contract().replacen("  schemas:\n", &format!("  schemas:\n{schemas}"), 1)
}

/// The contract with a schema that has these properties.
fn with_properties(properties: &[&str]) -> String {
    let lines: String = properties.iter().map(|property| format!("        {property}\n")).collect();
    with_schemas(&format!("    Device:\n      type: object\n      properties:\n{lines}"))
}

#[test]
fn what_only_sounds_like_a_secret_may_be_said_not_to_be_one() {
    let names = with_properties(&[
        "tokenType: {type: string}",
        "tokenExpiresIn: {type: string}",
        "passwordChangedAt: {type: string}",
        "passwordRequired: {type: string}",
        "publicKey: {type: string}",
        "keyId: {type: string}",
        "pinCount: {type: integer}",
        "token: {type: boolean}",
        "secret: {type: string, enum: [yes, no]}",
        "secretId: {type: string, x-secret: false}",
        "tokens: {type: array, items: {$ref: '#/components/schemas/Told'}}",
        "tokenOfTheDay: {$ref: '#/components/schemas/Open'}",
        "credentials: {$ref: '#/components/schemas/Login'}",
    ]);
    let schemas = "    Told: {type: string, format: password}\n    Open: {type: string, x-secret: false}\n    \
                   Login: {type: object, properties: {user: {type: string}, pin: {$ref: '#/components/schemas/Told'}}}\n";
    assert_eq!(said(names.replacen("  schemas:\n", &format!("  schemas:\n{schemas}"), 1)), "");

    let parameters = "      parameters:
        - {name: pageToken, x-secret: false, in: query, schema: {type: string}}
        - {name: Idempotency-Key, in: header, schema: {type: string}}
        - {name: tokens, in: query, schema: {type: integer}}
";
    let contract =
        contract().replacen("      x-repeatable: always\n", &format!("{parameters}      x-repeatable: always\n"), 1);
    assert_eq!(said(contract), "");
}
