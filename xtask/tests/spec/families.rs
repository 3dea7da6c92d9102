//! Inheritance: an object of a family is of the schema that its tag names, and nothing of it is lost.

use serde_json::{Value, json};

use crate::{changed, fuzz, said, with_schemas};

fn to(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn base(property: &str, mapping: &[(&str, &str)]) -> Value {
    let mapping: serde_json::Map<String, Value> =
        mapping.iter().map(|(tag, name)| ((*tag).to_owned(), format!("#/components/schemas/{name}").into())).collect();
    let mut schema = json!({
        "type": "object",
        "required": [property, "id"],
        "properties": { property: { "type": "string" }, "id": { "type": "string" } },
        "discriminator": { "propertyName": property },
    });
    if !mapping.is_empty() {
        schema["discriminator"]["mapping"] = mapping.into();
    }
    schema
}

#[allow(clippy::needless_pass_by_value, reason = "it is a literal")]
fn made_of(name: &str, more: Value) -> Value {
    json!({ "allOf": [to(name), { "type": "object", "properties": more }] })
}

/// Schemas of each form of inheritance, each with values that it takes.
#[allow(clippy::too_many_lines, reason = "it is a table")]
pub(crate) fn schemas() -> Vec<(String, Value, Vec<Value>)> {
    let text = json!({ "type": "string" });
    let (small, big) =
        (json!({ "kind": "small", "id": "1", "a": "x" }), json!({ "kind": "big", "id": "2", "b": 2, "also": [] }));
    let both = || vec![small.clone(), big.clone()];
    let nested = json!({ "type": "object", "properties": { "deep": text } });
    let list = |name: &str| json!({ "type": "array", "items": to(name) });
    let of = |name: &str| json!({ "type": "object", "properties": { "p": to(name) } });
    let said =
        |name: &str| json!({ "type": "object", "properties": { "p": { "description": "It.", "allOf": [to(name)] } } });
    let may =
        |name: &str| json!({ "type": "object", "properties": { "p": { "nullable": true, "allOf": [to(name)] } } });
    let mut with_part = base("kind", &[("one", "PartOne")]);
    let part = with_part.as_object_mut().map(std::mem::take).unwrap();
    with_part = json!({ "allOf": [{ "type": "object", "properties": { "root": text } }, part] });
    let mut nullable = base("kind", &[("n", "NullableOne")]);
    nullable["nullable"] = true.into();
    let mut two = base("sort", &[("up", "TwoUp"), ("down", "TwoDown")]);
    two["allOf"] = json!([to("OuterBase")]);
    let mut optional = base("kind", &[("o", "OptionalOne")]);
    optional["required"] = json!(["id"]);
    let mut bare = base("kind", &[]);
    bare["discriminator"]["mapping"] = json!({ "b-1": "BareOne" });
    let all = [
        ("Mapped", base("kind", &[("small", "Small"), ("big", "Big")]), both()),
        ("Small", made_of("Mapped", json!({ "a": text })), vec![small.clone()]),
        (
            "Big",
            made_of("Mapped", json!({ "b": { "type": "integer" }, "also": list("Mapped") })),
            vec![big.clone(), json!({ "kind": "big", "id": "", "also": both() })],
        ),
        ("ListOf", list("Mapped"), vec![json!([]), json!(both())]),
        ("MapOf", json!({ "type": "object", "additionalProperties": to("Mapped") }), vec![json!({ "k": big })]),
        ("PropertyOf", of("Mapped"), vec![json!({}), json!({ "p": small })]),
        ("SaidOf", said("Mapped"), vec![json!({}), json!({ "p": big })]),
        ("MayOf", may("Mapped"), vec![json!({}), json!({ "p": null }), json!({ "p": big })]),
        ("AliasOf", json!({ "description": "Another name.", "allOf": [to("Mapped")] }), both()),
        ("ChoiceOf", json!({ "oneOf": [to("Mapped"), { "type": "integer" }] }), vec![json!(1), big.clone()]),
        (
            "MoreOf",
            json!({ "type": "object", "properties": { "p": { "allOf": [to("Mapped"), { "type": "object", "properties": { "more": text } }] } } }),
            vec![json!({ "p": { "kind": "small", "id": "1", "a": "x", "more": "m" } })],
        ),
        (
            "Named",
            base("petType", &[]),
            vec![
                json!({ "petType": "Cat", "id": "1", "name": "m" }),
                json!({ "petType": "Dog", "id": "1", "bark": true }),
            ],
        ),
        ("Cat", made_of("Named", json!({ "name": text })), vec![json!({ "petType": "Cat", "id": "1" })]),
        (
            "Dog",
            made_of("Named", json!({ "bark": { "type": "boolean" } })),
            vec![json!({ "petType": "Dog", "id": "1" })],
        ),
        (
            "Listed",
            base("type", &[]),
            vec![json!({ "type": "circle", "id": "1", "r": 1 }), json!({ "type": "square", "id": "1", "r": "1" })],
        ),
        (
            "Round",
            made_of("Listed", json!({ "type": { "type": "string", "enum": ["circle"] }, "r": { "type": "integer" } })),
            vec![json!({ "type": "circle", "id": "1", "r": 3 })],
        ),
        (
            "Square",
            made_of("Listed", json!({ "type": { "type": "string", "enum": ["square"] }, "r": text })),
            vec![json!({ "type": "square", "id": "1" })],
        ),
        (
            "Deep",
            base("kind", &[("leaf", "Leaf"), ("other", "OtherLeaf")]),
            vec![json!({ "kind": "leaf", "id": "1", "m": "x", "l": "y" }), json!({ "kind": "other", "id": "1" })],
        ),
        (
            "Middle",
            made_of("Deep", json!({ "m": text })),
            vec![json!({ "kind": "leaf", "id": "1", "m": "x", "l": "y" })],
        ),
        (
            "Leaf",
            made_of("Middle", json!({ "l": text })),
            vec![json!({ "kind": "leaf", "id": "1", "m": "x", "l": "y" })],
        ),
        ("OtherLeaf", made_of("Deep", json!({ "o": text })), vec![json!({ "kind": "other", "id": "1", "o": "" })]),
        (
            "Twice",
            base("protocol", &[("M3", "Mqtt"), ("M5", "Mqtt"), ("HTTP", "Http")]),
            vec![json!({ "protocol": "M5", "id": "1", "q": 1 }), json!({ "protocol": "HTTP", "id": "1" })],
        ),
        ("Mqtt", made_of("Twice", json!({ "q": { "type": "integer" } })), vec![json!({ "protocol": "M3", "id": "1" })]),
        ("Http", json!({ "allOf": [to("Twice")] }), vec![json!({ "protocol": "HTTP", "id": "1" })]),
        (
            "Itself",
            base("kind", &[("plain", "Itself"), ("rich", "Rich")]),
            vec![json!({ "kind": "plain", "id": "1" }), json!({ "kind": "rich", "id": "1", "gold": 1 })],
        ),
        (
            "Rich",
            made_of("Itself", json!({ "gold": { "type": "integer" } })),
            vec![json!({ "kind": "rich", "id": "1", "gold": 1 })],
        ),
        ("ItselfBase", json!({ "type": "integer" }), vec![]),
        ("InPart", with_part, vec![json!({ "kind": "one", "id": "1", "root": "r", "own": "o" })]),
        ("PartOne", made_of("InPart", json!({ "own": text })), vec![json!({ "kind": "one", "id": "1", "root": "r" })]),
        ("Nullable", nullable, vec![json!(null), json!({ "kind": "n", "id": "1", "x": "y" })]),
        ("NullableOne", made_of("Nullable", json!({ "x": text })), vec![json!({ "kind": "n", "id": "1", "x": "y" })]),
        (
            "NullableIn",
            of("Nullable"),
            vec![json!({}), json!({ "p": null }), json!({ "p": { "kind": "n", "id": "1" } })],
        ),
        (
            "OuterBase",
            base("kind", &[("two", "Two"), ("three", "Three")]),
            vec![json!({ "kind": "three", "id": "1" }), json!({ "kind": "two", "sort": "up", "id": "1", "u": "v" })],
        ),
        ("Two", two, vec![json!({ "kind": "two", "sort": "down", "id": "1", "u": 5 })]),
        ("Three", made_of("OuterBase", json!({ "t": text })), vec![json!({ "kind": "three", "id": "1", "t": "t" })]),
        ("TwoUp", made_of("Two", json!({ "u": text })), vec![json!({ "kind": "two", "sort": "up", "id": "1" })]),
        (
            "TwoDown",
            made_of("Two", json!({ "u": { "type": "integer" } })),
            vec![json!({ "kind": "two", "sort": "down", "id": "1", "u": 1 })],
        ),
        ("Optional", optional, vec![json!({ "kind": "o", "id": "1", "n": { "deep": "d" } })]),
        ("OptionalOne", made_of("Optional", json!({ "n": nested })), vec![json!({ "kind": "o", "id": "1" })]),
        ("Bare", bare, vec![json!({ "kind": "b-1", "id": "1", "n": {} })]),
        ("BareOne", made_of("Bare", json!({ "n": nested })), vec![json!({ "kind": "b-1", "id": "1" })]),
        ("Lonely", base("kind", &[]), vec![json!({ "kind": "any", "id": "1" })]),
    ];
    all.into_iter().map(|(name, schema, values)| (name.to_owned(), schema, values)).collect()
}

#[test]
fn each_value_of_a_family_fits_its_schema() {
    let document = crate::rounds::document(&schemas()).to_string();
    let document = thingspace_codegen::load::read(&document, &mut Vec::new()).unwrap();
    let findings = thingspace_codegen::examine(&document, "");
    let wrong: Vec<_> = findings.iter().filter(|one| one.rule == "example-mismatch").collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    // The other way round: a tag that is in none of the schemas is refused.
    let mut wrong = schemas();
    for (name, _, values) in &mut wrong {
        *values = if name == "Mapped" { vec![json!({ "kind": "huge", "id": "" })] } else { Vec::new() };
    }
    let document = crate::rounds::document(&wrong).to_string();
    let document = thingspace_codegen::load::read(&document, &mut Vec::new()).unwrap();
    let findings = thingspace_codegen::examine(&document, "");
    assert_eq!(findings.iter().filter(|one| one.rule == "example-mismatch").count(), 1, "{findings:?}");
}

const PARTS: &str = "    Base: {type: object, required: [kind], properties: {kind: {type: string}}, discriminator: {propertyName: kind, MAPPING}}
    One: {allOf: [{$ref: '#/components/schemas/Base'}, {type: object, properties: {a: {type: string}}}]}
    Other: {type: object, properties: {b: {type: string}}}
";

#[test]
fn a_discriminator_that_would_lead_to_wrong_code_is_an_error_in_its_place() {
    for (mapping, wanted) in [
        ("mapping: {one: One, none: Nowhere}", "error[discriminator-mapping]: none leads to \"Nowhere\""),
        ("mapping: {other: Other}", "error[discriminator-mapping]: other leads to a schema that is not made of Base"),
        ("mapping: {other: 'other.yaml#/Other'}", "error[discriminator-mapping]: other leads to"),
        ("mapping: {one: One, two: 5}", "error[discriminator-mapping]: two leads to"),
    ] {
        let told = said(with_schemas(&PARTS.replace("MAPPING", mapping)));
        assert!(told.starts_with("openapi.yaml:143:") && told.contains(wanted), "{mapping}: {told}");
    }
    let number = PARTS.replace("kind: {type: string}", "kind: {type: integer}").replace("MAPPING", "x-a: 1");
    assert!(said(with_schemas(&number)).contains("error[discriminator-type]"));
    let inline =
        "    A: {type: object, properties: {p: {type: object, discriminator: {propertyName: a, mapping: {b: A}}}}}\n";
    assert!(said(with_schemas(inline)).contains("error[ignored-discriminator]"));
    let alone = "    A: {type: object, discriminator: {propertyName: a}}\n";
    assert!(said(with_schemas(alone)).contains("warning[ignored-discriminator]"));
}

#[test]
fn a_family_is_a_choice_of_what_is_made_of_its_base() {
    let contract = with_schemas(&PARTS.replace("MAPPING", "mapping: {one: One, uno: One}"));
    assert_eq!(said(&contract), "");
    let compiled = thingspace_codegen::compile(contract.as_bytes(), &crate::manifest()).unwrap();
    assert_eq!(fuzz::flaw(&compiled.output.client), None);
    let adapted = serde_json::to_value(thingspace_codegen::adapt(&compiled.document).unwrap()).unwrap();
    let schemas = &adapted["components"]["schemas"];
    assert_eq!(schemas["Base"], json!({ "oneOf": [to("One")] }));
    let tag = json!({ "type": "object", "required": ["kind"], "properties": { "kind": { "type": "string", "enum": ["one", "uno"], "title": "OneKind" } } });
    assert_eq!(schemas["One"]["allOf"][0], tag);
    assert_eq!(schemas["One"]["allOf"][2]["properties"], json!({ "a": { "type": "string" } }));
}

#[test]
fn the_secrets_of_what_is_made_of_a_base_are_known() {
    let secret = PARTS
        .replace("MAPPING", "mapping: {one: One}")
        .replace("a: {type: string}", "a: {type: string, format: password}");
    let operation = "  /a: {post: {operationId: a, security: [], x-retry: always, requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Base'}}}}, responses: {'204': {description: A.}, default: {description: Refused.}}}}\n";
    let contract = changed(with_schemas(&secret), "\ncomponents:\n", &format!("\n{operation}\ncomponents:\n"));
    assert_eq!(said(&contract), "");
    let operations = thingspace_codegen::compile(contract.as_bytes(), &crate::manifest()).unwrap().output.operations;
    let words: String = operations.split_whitespace().collect();
    assert!(words.contains("id:\"a\""), "{operations}");
    let (_, row) = words.split_once("path:\"/a\"").unwrap();
    assert!(row.split_once("secrets:").unwrap().1.starts_with("&[\"a\"]"), "{row}");
}
