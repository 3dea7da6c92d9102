//! Every value that a schema takes is decoded and encoded to itself: `cargo xtask corpus` tries it, with one compilation.

use std::{fs, process::Command};

use fastrand::Rng;
use serde_json::{Map, Value, json};

use crate::{said, with_schemas};

/// The values that do not survive, and how many there are.
fn sent_round(documents: &[(&str, Value)]) -> (String, usize) {
    let folder = tempfile::tempdir().unwrap();
    for (name, document) in documents {
        fs::write(folder.path().join(name), document.to_string()).unwrap();
    }
    let output =
        Command::new(env!("CARGO_BIN_EXE_xtask")).args(["corpus", "--rest"]).arg(folder.path()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let rows = said.lines().filter(|line| line.starts_with("| ") && line.contains("| yes |"));
    let tried = rows.filter_map(|row| row.split(" of ").last()?.split(' ').next()?.parse::<usize>().ok()).sum();
    let wrong: Vec<&str> = said.lines().filter(|line| !line.starts_with('|')).collect();
    assert_eq!(output.status.success(), said.contains(" 0 of them wrong, 0 without a result"), "{said}");
    if output.status.success() {
        return (String::new(), tried);
    }
    (format!("{}\n{}", wrong.join("\n"), String::from_utf8_lossy(&output.stderr)), tried)
}

/// A document with these components, each with the values that are to be tried.
pub(crate) fn document(schemas: &[(String, Value, Vec<Value>)]) -> Value {
    let (mut components, mut paths) = (Map::new(), Map::new());
    for (name, schema, values) in schemas {
        components.insert(name.clone(), schema.clone());
        let examples: Map<String, Value> =
            values.iter().enumerate().map(|(index, value)| (format!("e{index}"), json!({ "value": value }))).collect();
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        let body = json!({ "application/json": { "schema": schema, "examples": examples } });
        let operation = json!({ "operationId": format!("get{name}"), "responses": { "200": { "description": "", "content": body } } });
        paths.insert(format!("/{name}"), json!({ "get": operation }));
    }
    json!({ "openapi": "3.0.3", "info": { "title": "A", "version": "1" }, "paths": paths, "components": { "schemas": components } })
}

#[test]
fn null_nothing_and_an_empty_list_are_told_apart() {
    let of = |schema: Value| json!({ "type": "object", "properties": { "a": schema } });
    let text = json!({ "type": "string" });
    let nullable = |mut schema: Value| {
        schema["nullable"] = true.into();
        schema
    };
    let state = json!({ "type": "string", "enum": ["on", "off"] });
    let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
    let list = json!({ "type": "array", "items": text });
    let map = json!({ "type": "object", "additionalProperties": text });
    let mut schemas = vec![
        (
            "Unsaid".to_owned(),
            json!({ "type": "object", "required": ["x"], "properties": { "a": text } }),
            vec![json!({ "x": null }), json!({ "x": { "y": [1] }, "a": "" })],
        ),
        ("State".to_owned(), nullable(state.clone()), vec![json!("on"), json!(null)]),
        ("List".to_owned(), list.clone(), vec![json!([])]),
    ];
    for (name, schema, values) in [
        ("Text", nullable(text.clone()), vec![json!("b"), json!("")]),
        ("Number", nullable(json!({ "type": "integer" })), vec![json!(1)]),
        ("Listed", nullable(state), vec![json!("off")]),
        ("Inner", nullable(of(nullable(text.clone()))), vec![json!({}), json!({ "a": null }), json!({ "a": "b" })]),
        ("Texts", nullable(list.clone()), vec![json!([]), json!(["b"])]),
        ("Map", nullable(map.clone()), vec![json!({}), json!({ "b": "c" })]),
        ("Choice", nullable(json!({ "oneOf": [text, { "type": "integer" }] })), vec![json!("b"), json!(1)]),
        ("Anything", json!({}), vec![json!(1), json!({ "b": null })]),
        ("Said", nullable(json!({ "allOf": [reference("List")] })), vec![json!([]), json!(["b"])]),
        ("Reference", reference("State"), vec![json!("on")]),
    ] {
        let values = [json!({}), json!({ "a": null })].into_iter().chain(values.into_iter().map(|a| json!({ "a": a })));
        schemas.push((name.to_owned(), of(schema), values.collect()));
    }
    for (name, schema, values) in [
        ("Empty", list.clone(), vec![json!([]), json!(["b"])]),
        ("EmptyMap", map, vec![json!({}), json!({ "b": "c" })]),
        ("Free", json!({ "type": "object" }), vec![json!({}), json!({ "b": 1 })]),
        ("EmptyReference", reference("List"), vec![json!([]), json!(["b"])]),
    ] {
        let values = [json!({})].into_iter().chain(values.into_iter().map(|a| json!({ "a": a })));
        schemas.push((name.to_owned(), of(schema), values.collect()));
    }
    let families = crate::families::schemas();
    let colliding = crate::types::colliding();
    let count = schemas.iter().chain(&families).chain(&colliding).map(|(_, _, values)| values.len()).sum::<usize>();
    // The random ones are compiled with them.
    let seed =
        std::env::var("THINGSPACE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    let cases = std::env::var("THINGSPACE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(100);
    println!("THINGSPACE_SEED={seed} THINGSPACE_CASES={cases}");
    let random = random(seed, cases);
    let documents = [
        ("families.json", document(&families)),
        ("nulls.json", document(&schemas)),
        ("random.json", document(&random)),
        ("types.json", document(&colliding)),
    ];
    let (wrong, tried) = sent_round(&documents);
    let is_wrong =
        |name: &str| wrong.contains(&format!("types::{name}:")) || wrong.contains(&format!("types::{name}>"));
    let shown: Vec<String> = random
        .iter()
        .filter(|(name, ..)| is_wrong(name))
        .map(|(name, schema, _)| format!("{name}: {schema}"))
        .collect();
    assert!(wrong.is_empty(), "THINGSPACE_SEED={seed} THINGSPACE_CASES={cases}\n{wrong}\n{}", shown.join("\n"));
    assert!(tried > count + cases, "{tried} values, of {count} and more");
}

/// Schemas, each with values that it takes.
fn random(seed: u64, cases: usize) -> Vec<(String, Value, Vec<Value>)> {
    let mut rng = Rng::with_seed(seed);
    let mut known = Vec::new();
    for index in 0..cases {
        let schema = schema(&mut rng, 0, index);
        let values = (0..8).map(|_| value(&mut rng, &schema, &known)).collect();
        known.push((format!("S{index}"), schema, values));
    }
    known
}

const NAMES: [&str; 6] = ["a", "b", "kind", "user-name", "type", "isOn"];

fn schema(rng: &mut Rng, depth: usize, known: usize) -> Value {
    let mut made = match rng.usize(..if depth > 3 { 5 } else { 11 }) {
        0 | 1 => json!({ "type": "string" }),
        2 => json!({ "type": (*rng.choice(&["integer", "number"]).unwrap()) }),
        3 => json!({ "type": "boolean" }),
        4 => json!({ "type": "string", "enum": (*rng.choice(&[["on", "off"], ["x", "y"], ["-1", "+1"]]).unwrap()) }),
        5 => json!({ "type": "array", "items": schema(rng, depth + 1, known) }),
        6 => json!({ "type": "object", "additionalProperties": schema(rng, depth + 1, known) }),
        7 if known > 0 => return json!({ "$ref": format!("#/components/schemas/S{}", rng.usize(..known)) }),
        8 => {
            let key = *rng.choice(&["oneOf", "anyOf"]).unwrap();
            let count = rng.usize(2..4);
            json!({ key: (0..count).map(|_| schema(rng, depth + 1, known)).collect::<Vec<_>>() })
        }
        _ => object(rng, depth, known),
    };
    if rng.u8(..5) == 0 {
        made["nullable"] = true.into();
    }
    made
}

fn object(rng: &mut Rng, depth: usize, known: usize) -> Value {
    let mut names = NAMES.to_vec();
    rng.shuffle(&mut names);
    let names: Vec<&str> = names.into_iter().take(rng.usize(1..4)).collect();
    let properties: Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), schema(rng, depth + 1, known))).collect();
    let required: Vec<&str> = names.into_iter().filter(|_| rng.bool()).collect();
    let mut made = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        made["required"] = required.into();
    }
    match rng.u8(..6) {
        0 => made["additionalProperties"] = false.into(),
        1 => made["additionalProperties"] = json!({ "type": "string" }),
        _ => {}
    }
    made
}

/// A value of a schema; that of a choice may be refused by it, and is not tried then.
fn value(rng: &mut Rng, schema: &Value, known: &[(String, Value, Vec<Value>)]) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        let (_, _, values) = known.iter().find(|(known, ..)| known == name).unwrap();
        return rng.choice(values).unwrap().clone();
    }
    if schema["nullable"] == true && rng.u8(..3) == 0 {
        return Value::Null;
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[key].as_array() {
            return value(rng, rng.clone().choice(choices).unwrap(), known);
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        return rng.choice(values).unwrap().clone();
    }
    match schema["type"].as_str().unwrap() {
        "string" => (*rng.choice(&["", "a", "on", "z", "ö\n"]).unwrap()).into(),
        "integer" => rng.i64(..).into(),
        "number" => rng.choice(&[json!(1), json!(0.5), json!(-1e9)]).unwrap().clone(),
        "boolean" => rng.bool().into(),
        "array" => (0..rng.usize(..3)).map(|_| value(rng, &schema["items"], known)).collect(),
        _ => {
            let mut fields = Map::new();
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let is_required = schema["required"].as_array().is_some_and(|all| all.contains(&json!(name)));
                if is_required || rng.bool() {
                    fields.insert(name.clone(), value(rng, property, known));
                }
            }
            if schema["additionalProperties"].is_object() && rng.bool() {
                fields.insert("other".to_owned(), value(rng, &schema["additionalProperties"], known));
            }
            Value::Object(fields)
        }
    }
}

/// What of a schema is required, once it is sent in a request or comes in an answer.
#[test]
fn what_travels_the_other_way_is_not_required() {
    let thing = |property: &str| {
        format!("{{type: object, required: [id, name], properties: {{id: {property}, name: {{type: string}}}}}}")
    };
    let (sent, answered) = ("requestBody: {content: {application/json: {schema: S}}}, ", "");
    for (schemas, used, wanted) in [
        (format!("    T: {}\n", thing("{type: string, readOnly: true}")), sent, json!(["name"])),
        (
            format!(
                "    T: {}\n    Id: {{type: string, readOnly: true}}\n",
                thing("{$ref: '#/components/schemas/Id'}")
            ),
            sent,
            json!(["name"]),
        ),
        (format!("    T: {}\n", thing("{type: string, readOnly: true}")), answered, json!(["id", "name"])),
        (format!("    T: {}\n", thing("{type: string, writeOnly: true}")), answered, json!(["name"])),
        (format!("    T: {}\n", thing("{type: string, writeOnly: true}")), sent, json!(["name"])),
        (format!("    T: {}\n", thing("{type: string}")), sent, json!(["id", "name"])),
    ] {
        let body = "content: {application/json: {schema: S}}";
        let operation = format!(
            "  /a: {{post: {{operationId: a, security: [], x-retry: always, {used}responses: {{'200': {{description: A., {body}}}, default: {{description: Refused.}}}}}}}}\n"
        );
        let operation = operation.replace("schema: S", "schema: {$ref: '#/components/schemas/T'}");
        let contract =
            crate::changed(with_schemas(&schemas), "\ncomponents:\n", &format!("\n{operation}\ncomponents:\n"));
        assert_eq!(said(&contract), "", "{schemas}");
        let compiled = thingspace_codegen::compile(contract.as_bytes(), &crate::manifest()).unwrap();
        let adapted = serde_json::to_value(thingspace_codegen::adapt(&compiled.document).unwrap()).unwrap();
        assert_eq!(adapted["components"]["schemas"]["T"]["required"], wanted, "{schemas} {used}");
    }
}

#[test]
fn whatever_lies_in_the_folder_has_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let deep = "[".repeat(100_000);
    let files: [(&str, &[u8]); 6] = [
        ("empty", b""),
        ("bytes.bin", &[0xff, 0, 0xfe]),
        ("deep.json", deep.as_bytes()),
        ("list.yaml", b"- 1\n- 2\n"),
        ("swagger.json", b"{\"swagger\": \"2.0\"}"),
        ("page.html", b"<html>\n\t<p>&amp;</p></html>"),
    ];
    fs::create_dir(folder.path().join("inner")).unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join("inner").join(name), bytes).unwrap();
    }
    // A rejected document compiles nothing: no other test waits for the package.
    let output = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("corpus").arg(folder.path()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for (name, _) in files {
        let row = said.lines().find(|line| line.starts_with(&format!("| inner/{name} |"))).unwrap();
        assert!(row.contains("| rejected |"), "{row}");
    }
}
