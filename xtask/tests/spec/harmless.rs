//! What looks like a mistake and is none: nothing is said of it.

use crate::{REPEATABLE, SCHEMAS, changed, contract, said, with_schemas};

/// The contract with a schema that has these properties.
fn with_properties(properties: &[&str]) -> String {
    let lines: String = properties.iter().flat_map(|property| ["        ", property, "\n"]).collect();
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
    assert_eq!(said(changed(names, SCHEMAS, &format!("{SCHEMAS}{schemas}"))), "");

    let parameters = "      parameters:
        - {name: pageToken, x-secret: false, in: query, schema: {type: string}}
        - {name: Idempotency-Key, in: header, schema: {type: string}}
        - {name: tokens, in: query, schema: {type: integer}}
";
    let contract = changed(contract(), REPEATABLE, &format!("{parameters}{REPEATABLE}"));
    assert_eq!(said(contract), "");
}

#[test]
fn an_example_may_leave_out_what_does_not_travel_its_way() {
    let schemas = "    Thing:
      type: object
      required: [id, name, pin]
      properties:
        id: {$ref: '#/components/schemas/Id'}
        name: {type: string}
        pin: {type: string, format: password, writeOnly: true}
      example: {name: a}
    Id: {type: string, readOnly: true}
    Whole: {allOf: [{$ref: '#/components/schemas/Thing'}, {required: [id]}], example: {name: a}}
";
    let used = |schema: &str| format!("                $ref: '#/components/schemas/{schema}'\n");
    let shown = format!("{}              example: {{id: b, name: a}}\n", used("Thing"));
    let contract = changed(with_schemas(schemas), &used("LogOutRequest"), &shown);
    let body = "  requestBodies: {Made: {content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}, \
                example: {name: a, pin: c}}}}}\n";
    let contract = changed(contract, SCHEMAS, &format!("{body}{SCHEMAS}"));
    assert_eq!(said(&contract), "");
    assert!(said(changed(contract, "{name: a, pin: c}", "{name: a}")).contains("it lacks pin"));
}

#[test]
fn values_that_fit_are_let_be() {
    assert_eq!(
        said(with_properties(&[
            "count: {type: integer, format: int64, example: 9223372036854775807, default: -9223372036854775808}",
            "large: {type: integer, format: uint64, example: 18446744073709551615}",
            "price: {type: number, multipleOf: 0.1, example: 0.3, maximum: 5, default: 5}",
            "picture: {type: string, format: byte, example: Y2F0Lg==}",
            "mail: {type: string, format: email, example: zaphod@example.com}",
            "link: {type: string, format: uri, example: 'https://example.com/?a=b'}",
            "nothing: {type: string, nullable: true, example: null}",
            "choice: {anyOf: [{type: integer}, {type: number}], example: 7}",
            "open: {type: object, required: [a], additionalProperties: {type: integer}, example: {a: 1}}",
            "map: {type: object, additionalProperties: {type: integer}, maxProperties: 2, example: {a: 1, b: 2}}",
        ])),
        ""
    );
}
