//! What looks like a mistake and is none: nothing is said of it.

use serde_json::json;

use crate::{RETRY, SCHEMAS, changed, contract, said, with_schemas};

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
    let contract = changed(contract(), RETRY, &format!("{parameters}{RETRY}"));
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

/// An operation that answers with this, behind the others of the contract.
fn with_operation(rest: &str) -> String {
    let operation = format!("  /m2m/v1/devices:\n    get:\n      operationId: listDevices\n      security: []\n{rest}");
    changed(contract(), "\ncomponents:\n", &format!("\n{operation}\ncomponents:\n"))
}

const ANSWERS: &str = "      responses:
        '200': {description: The devices., content: {application/json: {schema: {type: string}}}}
        '400': {description: Refused.}
";

#[test]
fn a_reference_may_have_a_description_beside_it() {
    let device = |uses: &[&str]| {
        let lines: String = uses.iter().flat_map(|property| ["        ", property, "\n"]).collect();
        format!(
            "    Device:\n      type: object\n      properties:\n{lines}    DeviceState: {{type: string, enum: [on]}}\n"
        )
    };
    let state = "allOf: [{$ref: '#/components/schemas/DeviceState'}]";
    for uses in [
        &[&*format!("state: {{{state}, description: Whether it is on.}}")][..],
        &[&format!("state: {{{state}, nullable: true, description: Whether it is on.}}")],
        &[&format!("state: {{{state}, readOnly: true}}"), "other: {$ref: '#/components/schemas/DeviceState'}"],
        &[&format!("state: {{{state}, deprecated: true, x-since: 2}}")],
        &[&format!("state: {{{state}, title: State}}"), &format!("last: {{{state}, title: State}}")],
    ] {
        assert_eq!(said(with_schemas(&device(uses))), "", "{uses:?}");
    }
    // What says more is a type of its own.
    let more = format!("state: {{{state}, properties: {{a: {{type: string}}}}}}");
    assert!(said(with_schemas(&device(&[&more]))).contains("warning[colliding-types]"));
}

#[test]
fn values_for_which_the_generator_finds_two_names_are_no_collision() {
    for values in [
        "created, '-created'",
        "'a', '+a', '-a '",
        "up.1, up1",
        "'name', 'name:desc', 'name-desc2', '_name'",
        "'1', '-1', '+1'",
    ] {
        assert_eq!(said(with_schemas(&format!("    Order: {{type: string, enum: [{values}]}}\n"))), "", "{values}");
    }
    for values in ["in use, in-use", "On, on", "a b, a_b"] {
        let said = said(with_schemas(&format!("    Order: {{type: string, enum: [{values}]}}\n")));
        assert!(said.contains("[colliding-enum-values]"), "{values}: {said}");
    }
}

#[test]
fn a_format_of_ones_own_says_nothing() {
    assert_eq!(
        said(with_properties(&[
            "number: {type: string, format: iccid}",
            "phone: {type: string, format: phone-number}",
            "currency: {type: number, format: currency}",
            "money: {type: number, format: decimal}",
            "seconds: {type: integer, format: unix-time}",
            "day: {type: string, format: date_of_birth}",
        ])),
        ""
    );
    for (property, meant) in [
        ("{type: string, format: date_time}", "date-time"),
        ("{type: string, format: datetime}", "date-time"),
        ("{type: string, format: Uuid}", "uuid"),
        ("{type: string, format: hostnam}", "hostname"),
        ("{type: integer, format: Int32}", "int32"),
        ("{type: number, format: doubel}", "double"),
    ] {
        let said = said(with_properties(&[&format!("a: {property}")]));
        assert!(said.contains("warning[unknown-format]"), "{property}: {said}");
        assert!(said.contains(&format!("did you mean {meant}?")), "{property}: {said}");
    }
}

#[test]
fn where_a_page_begins_and_the_key_of_a_pair_are_no_secrets() {
    assert_eq!(
        said(with_properties(&[
            "nextToken: {type: string}",
            "next_page_token: {type: string}",
            "lastEvaluatedKey: {type: string}",
            "continuationToken: {type: string}",
            "customFields: {type: array, items: {type: object, properties: {key: {type: string}, value: {type: string}}}}",
            "keys: {type: array, items: {type: string}}",
        ])),
        ""
    );
    let parameters = "      parameters:
        - {name: pageToken, in: query, schema: {type: string}}
        - {name: Next-Token, in: header, schema: {type: string}}
        - {name: last_evaluated_key, in: query, schema: {type: string}}
        - {name: key, in: query, schema: {type: string}}
";
    assert_eq!(said(with_operation(&format!("{parameters}{ANSWERS}"))), "");
    for name in ["accessToken", "nextAccessToken", "apiKey", "key_secret", "pageTokenSecret"] {
        assert!(
            said(with_properties(&[&format!("{name}: {{type: string}}")])).contains("error[unmarked-secret]"),
            "{name}"
        );
    }
}

#[test]
fn json_among_other_media_types_of_an_answer_is_what_is_read() {
    let answer = |content: &str| {
        with_operation(&format!(
            "      responses:\n        '200': {{description: The devices., content: {{{content}}}}}\n        \
             '400': {{description: Refused.}}\n"
        ))
    };
    let json = "application/json: {schema: {type: string}}";
    for other in ["text/plain: {schema: {type: string}}", "application/xml: {}", "text/csv: {schema: {type: string}}"] {
        assert_eq!(said(answer(&format!("{json}, {other}"))), "", "{other}");
        assert_eq!(said(answer(&format!("{other}, {json}"))), "", "{other}");
    }
    let hal = "application/hal+json: {schema: {type: string}}";
    assert_eq!(said(answer(&format!("{json}, {hal}"))), "");
    assert!(said(answer(hal)).contains("error[unsupported-media-type]"));
}

#[test]
fn servers_that_are_those_of_the_document_are_no_others() {
    let server = "https://thingspace.verizon.com/api";
    for servers in [
        format!("[{{url: '{server}'}}]"),
        format!("[{{url: '{server}/'}}]"),
        format!("[{{url: '{server}', description: The one.}}]"),
        format!("[{{url: '{server}', x-environment: production}}]"),
    ] {
        assert_eq!(said(with_operation(&format!("      servers: {servers}\n{ANSWERS}"))), "", "{servers}");
    }
    for servers in ["[]".to_owned(), format!("[{{url: '{server}'}}, {{url: 'https://elsewhere.example'}}]")] {
        let said = said(with_operation(&format!("      servers: {servers}\n{ANSWERS}")));
        assert!(said.contains("error[ignored-servers]"), "{servers}: {said}");
    }
}

#[test]
fn what_is_not_decoded_needs_no_crate() {
    let answer = |headers: &str, content: &str| {
        with_operation(&format!(
            "      responses:\n        '200': {{description: The devices., headers: {{{headers}}}, content: \
             {{{content}}}}}\n        '400': {{description: Refused.}}\n"
        ))
    };
    let json = "application/json: {schema: {type: string}}";
    for header in [
        "Reset: {schema: {type: string, format: date-time}}",
        "Trace: {schema: {type: string, format: uuid}}",
        "Link: {schema: {type: string, pattern: '^<'}}",
        "Days: {schema: {type: array, items: {type: string, format: date}}}",
    ] {
        assert_eq!(said(answer(header, json)), "", "{header}");
    }
    assert_eq!(said(answer("", "text/csv: {schema: {type: string, pattern: '^a'}}")), "");
    let decoded = answer("", "application/json: {schema: {type: string, format: uuid}}");
    assert!(said(decoded).contains("error[missing-crate]"));
}

#[test]
fn default_may_be_the_one_answer() {
    for answers in [
        "default: {description: Anything.}",
        "default: {description: Anything., content: {application/json: {schema: {type: string}}}}",
        "default: {description: Anything.}, '400': {description: Refused.}",
        "2XX: {description: Done.}, default: {description: Refused.}",
    ] {
        assert_eq!(said(with_operation(&format!("      responses: {{{answers}}}\n"))), "", "{answers}");
    }
}

#[test]
fn a_body_that_is_sent_as_it_is_needs_no_exact_schema() {
    let bytes = json!({ "schema": { "type": "string", "format": "binary" } });
    for (body, wanted) in [
        ("'*/*': {schema: {type: string, format: binary}}", json!({ "application/octet-stream": bytes })),
        ("'*/*': {schema: {}}", json!({ "application/octet-stream": bytes })),
        (
            "'*/*': {schema: {type: array, items: {type: string}}}",
            json!({ "application/json": { "schema": { "type": "array", "items": { "type": "string" } } } }),
        ),
        (
            "application/octet-stream: {schema: {type: string, format: byte}}",
            json!({ "application/octet-stream": bytes }),
        ),
        (
            "application/octet-stream: {schema: {type: string, format: binary, maxLength: 9}}",
            json!({ "application/octet-stream": bytes }),
        ),
        (
            "text/plain: {schema: {type: string, maxLength: 5}}",
            json!({ "text/plain": { "schema": { "type": "string" } } }),
        ),
    ] {
        let operation = format!(
            "  /a: {{post: {{operationId: a, security: [], x-retry: always, requestBody: {{content: {{{body}}}}}, responses: {{'204': {{description: A.}}, default: {{description: Refused.}}}}}}}}\n"
        );
        let contract = changed(contract(), "\ncomponents:\n", &format!("\n{operation}\ncomponents:\n"));
        assert!(!said(&contract).contains("error["), "{body}: {}", said(&contract));
        let compiled = thingspace_codegen::compile(contract.as_bytes(), &crate::manifest()).unwrap();
        let adapted = serde_json::to_value(thingspace_codegen::adapt(&compiled.document).unwrap()).unwrap();
        assert_eq!(adapted["paths"]["/a"]["post"]["requestBody"]["content"], wanted, "{body}");
    }
}

#[test]
fn a_required_property_without_a_schema_is_any_json() {
    for schema in [
        "{type: object, required: [x], properties: {a: {type: string}}}",
        "{type: object, required: [x]}",
        "{allOf: [{type: object, properties: {a: {type: string}}}, {type: object, required: [a, x]}]}",
        "{type: object, required: [x, y], properties: {x: {type: string}}}",
    ] {
        let told = said(with_schemas(&format!("    A: {schema}\n")));
        assert!(told.contains("warning[undefined-required]") && !told.contains("error["), "{schema}: {told}");
        let told = said(with_schemas(&format!(
            "    A: {}\n",
            schema.replace("required: [", "additionalProperties: false, required: [")
        )));
        assert!(
            told.contains("error[undefined-required]") || told.contains("error[conflicting-parts]"),
            "{schema}: {told}"
        );
    }
}
