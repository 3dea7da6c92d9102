//! Every schema becomes the type that was written for it: none takes the place of another.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use syn::Item;

use crate::{fuzz, said, with_schemas};

/// The names of the types that schemas become, each of them once.
fn types(schemas: &str) -> BTreeSet<String> {
    let contract = with_schemas(schemas);
    assert_eq!(said(&contract), "", "{schemas}");
    types_of(&contract)
}

fn types_of(contract: &str) -> BTreeSet<String> {
    let schemas = contract;
    let output = thingspace_codegen::compile(contract.as_bytes(), &crate::manifest()).unwrap().output;
    assert_eq!(fuzz::flaw(&output.client), None, "{schemas}");
    let file = syn::parse_file(&output.client).unwrap();
    let module = file.items.iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content.as_ref(),
        _ => None,
    });
    let mut names = BTreeSet::new();
    for item in &module.unwrap().1 {
        let name = match item {
            Item::Struct(item) => item.ident.to_string(),
            Item::Enum(item) => item.ident.to_string(),
            _ => continue,
        };
        assert!(names.insert(name.clone()), "{name} is there twice: {schemas}");
    }
    names
}

const B: &str = "    B: {type: object, properties: {a: {type: string}}}\n";

#[test]
fn what_may_be_null_has_a_type_of_its_own_inside() {
    for (schemas, wanted) in [
        (
            "    State: {title: State, type: string, nullable: true, enum: [on, off]}\n".to_owned(),
            ["State", "StateInner"],
        ),
        (format!("    A: {{title: B, type: string, nullable: true, enum: [on, off]}}\n{B}"), ["AInner", "B"]),
        (
            "    A: {type: string, nullable: true, enum: [on]}\n    AInner: {type: string, enum: [off]}\n".to_owned(),
            ["AInner", "AInner2"],
        ),
        (
            format!("    A: {{title: A, type: object, nullable: true, properties: {{b: {{type: string}}}}}}\n{B}"),
            ["A", "AInner"],
        ),
        (format!("    A: {{title: B, nullable: true, oneOf: [{{type: string}}, {{type: integer}}]}}\n{B}"), ["A", "B"]),
        (format!("    A: {{title: B, type: string, nullable: true, maxLength: 3}}\n{B}"), ["AInner", "B"]),
    ] {
        let types = types(&schemas);
        assert!(wanted.iter().all(|name| types.contains(*name)), "{schemas}: {types:?}");
    }
}

#[test]
fn a_title_that_is_the_name_of_another_type_has_a_number() {
    let titled = "{title: B, type: object, properties: {m: {type: string}}}";
    for schema in [
        format!("{{type: array, items: {titled}}}"),
        format!("{{type: object, properties: {{p: {titled}}}}}"),
        format!("{{type: object, additionalProperties: {titled}}}"),
        format!("{{type: object, properties: {{p: {{oneOf: [{titled}]}}}}}}"),
        format!("{{type: object, properties: {{p: {{allOf: [{titled}]}}}}}}"),
        "{type: object, properties: {p: {title: B, nullable: true, oneOf: [{type: string}, {type: integer}]}}}"
            .to_owned(),
    ] {
        let contract = with_schemas(&format!("    A: {schema}\n{B}"));
        let told = said(&contract);
        assert!(told.starts_with("openapi.yaml:143:") && told.contains("warning[colliding-types]"), "{schema}: {told}");
        let types = types_of(&contract);
        assert!(types.contains("B") && types.contains("B2"), "{schema}: {types:?}");
    }
    // The title of a component is not its name.
    let types = types(&format!("    A: {{allOf: [{titled}]}}\n{B}"));
    assert!(types.contains("A") && types.contains("B"), "{types:?}");
}

#[allow(clippy::too_many_lines, reason = "it is a table")]
/// Schemas of which two would become one type, each with values that it takes.
pub(crate) fn colliding() -> Vec<(String, Value, Vec<Value>)> {
    let object =
        |name: &str| json!({ "type": "object", "required": [name], "properties": { name: { "type": "string" } } });
    let titled = |title: &str, name: &str| {
        let mut schema = object(name);
        schema["title"] = title.into();
        schema
    };
    let of = |schema: &Value| json!({ "type": "object", "properties": { "p": schema } });
    let list = |schema: Value| json!({ "type": "array", "items": schema });
    let tagged = |tag: &str, state: Value| {
        json!({ "type": "object", "required": ["kind", "state"], "properties": {
            "kind": { "type": "string", "enum": [tag] }, "state": state, "more": { "type": "integer" },
        } })
    };
    let values = |values: [&str; 2]| json!({ "type": "string", "enum": values });
    let nested = |title: &str, name: &str| json!({ "title": title, "type": "object", "properties": { "in": object(name), "own": { "type": "string" } } });
    let all = [
        ("AaTitle", of(&titled("Taken", "a")), vec![json!({ "p": { "a": "1" } })]),
        ("Taken", object("taken"), vec![json!({ "taken": "1" })]),
        ("ZzTitle", of(&titled("Taken", "z")), vec![json!({ "p": { "z": "1" } })]),
        ("TitleInList", list(titled("Taken", "l")), vec![json!([{ "l": "1" }])]),
        (
            "TitleInMap",
            json!({ "type": "object", "additionalProperties": titled("Taken", "m") }),
            vec![json!({ "k": { "m": "" } })],
        ),
        (
            "TitleInRest",
            json!({ "type": "object", "properties": { "a": { "type": "integer" } }, "additionalProperties": titled("Taken", "n") }),
            vec![json!({ "a": 1, "k": { "n": "" } })],
        ),
        (
            "TitleInChoice",
            of(&json!({ "oneOf": [list(titled("Taken", "c")), { "type": "integer" }] })),
            vec![json!({ "p": [{ "c": "" }] })],
        ),
        (
            "TitleInPart",
            of(&json!({ "allOf": [of(&titled("Taken", "d"))] })),
            vec![json!({ "p": { "p": { "d": "" } } })],
        ),
        (
            "Place",
            json!({ "type": "object", "properties": { "one-two": object("x") } }),
            vec![json!({ "one-two": { "x": "" } })],
        ),
        (
            "PlaceOne",
            json!({ "type": "object", "properties": { "two": object("y") } }),
            vec![json!({ "two": { "y": "" } })],
        ),
        ("PlaceOneTwo", object("w"), vec![json!({ "w": "" })]),
        ("Some", list(object("i")), vec![json!([{ "i": "" }])]),
        ("SomeItem", object("j"), vec![json!({ "j": "" })]),
        ("Same", object("same"), vec![json!({ "same": "" })]),
        ("AlsoSame", of(&titled("Same", "same")), vec![json!({ "p": { "same": "" } })]),
        ("ASame", of(&titled("Same", "same")), vec![json!({ "p": { "same": "" } })]),
        (
            "Tagged",
            json!({ "oneOf": [tagged("a", values(["on", "off"])), tagged("b", values(["up", "down"]))] }),
            vec![json!({ "kind": "a", "state": "off" }), json!({ "kind": "b", "state": "down", "more": 2 })],
        ),
        ("FirstNested", of(&nested("Nested", "x")), vec![json!({ "p": { "in": { "x": "" }, "own": "" } })]),
        ("NextNested", of(&nested("Nested", "y")), vec![json!({ "p": { "in": { "y": "" } } })]),
        ("LastNested", of(&nested("Nested", "y")), vec![json!({ "p": { "in": { "y": "" } } })]),
        (
            "EnumTitle",
            of(&json!({ "title": "Taken", "type": "string", "enum": ["a", "b"] })),
            vec![json!({ "p": "b" })],
        ),
        ("LengthTitle", of(&json!({ "title": "Taken", "type": "string", "maxLength": 3 })), vec![json!({ "p": "b" })]),
        (
            "Parent",
            json!({ "type": "object", "properties": { "s": object("q"), "only": object("only") } }),
            vec![json!({ "s": { "q": "" } })],
        ),
        (
            "Child",
            json!({ "allOf": [{ "$ref": "#/components/schemas/Parent" }, { "type": "object", "properties": { "s": object("r") } }] }),
            vec![json!({ "s": { "q": "1", "r": "2" }, "only": { "only": "" } })],
        ),
        ("ChildOnly", object("other"), vec![json!({ "other": "" })]),
        (
            "Null",
            of(&json!({ "nullable": true, "oneOf": [{ "type": "string" }, { "type": "integer" }] })),
            vec![json!({ "p": null }), json!({ "p": 1 })],
        ),
        ("NullP", object("n"), vec![json!({ "n": "" })]),
        (
            "Mixed",
            json!({ "type": "object", "properties": { "p": { "title": "Taken", "properties": { "e": { "type": "string" } }, "type": "object", "allOf": [object("f")] } } }),
            vec![json!({ "p": { "e": "", "f": "" } })],
        ),
    ];
    all.into_iter().map(|(name, schema, values)| (name.to_owned(), schema, values)).collect()
}

#[test]
fn each_type_of_an_operation_is_its_own() {
    let operation = "  /a/{state}:
    parameters:
      - {name: state, in: path, required: true, schema: {type: string, enum: [on, off]}}
    get:
      operationId: readA
      security: []
      parameters:
        - {name: sort, in: query, schema: {type: string, enum: [up, down]}}
      responses: {'200': {description: A., content: {application/json: {schema: {type: object, properties: {r: {type: string}}}}}}, default: {description: Refused.}}
    put:
      operationId: writeA
      security: []
      x-retry: always
      requestBody: {content: {application/json: {schema: {type: object, properties: {b: {type: string}}}}}}
      responses: {'204': {description: A.}, default: {description: Refused.}}
";
    let names = ["ReadAState", "ReadASort", "ReadAResponse", "WriteABody", "WriteAState"];
    for name in names {
        let schemas = format!("    {name}: {{type: object, properties: {{x: {{type: string}}}}}}\n");
        let contract =
            crate::changed(with_schemas(&schemas), "\ncomponents:\n", &format!("\n{operation}\ncomponents:\n"));
        let types = types_of(&contract);
        let wanted = names.iter().filter(|one| **one != "WriteAState").map(|one| (*one).to_owned());
        let numbered = if name == "WriteAState" { None } else { Some(format!("{name}2")) };
        for wanted in wanted.chain([name.to_owned()]).chain(numbered) {
            assert!(types.contains(&wanted), "{name}: {wanted} is not in {types:?}");
        }
    }
}

#[test]
fn two_types_of_which_neither_can_have_another_name_are_an_error() {
    let schemas = "    Parent: {type: object, properties: {s: {type: object, properties: {q: {type: string}}}}}
    Child: {allOf: [{$ref: '#/components/schemas/Parent'}, {type: object, properties: {s: {type: object, properties: {r: {type: string}}}}}]}
    ChildS: {type: integer}
";
    let told = said(with_schemas(schemas));
    assert!(told.contains("error[") && told.contains("ChildS"), "{told}");
}
