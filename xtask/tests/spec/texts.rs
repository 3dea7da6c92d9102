//! What is written in a description is text, wherever it stands: rustdoc finds no code in it.

use std::{fmt::Write as _, fs, process::Command};

use serde_json::{Map, Value};
use syn::visit::Visit;

use crate::{contract, found};

/// Each would be compiled, and most of them run.
const TEXTS: [&str; 18] = [
    "```\npanic!()\n```",
    "Fenced:\n\n```rust\nstd::fs::write(\"x\", \"\").unwrap();\n```\n\nAnd so on.",
    "~~~\npanic!()\n~~~",
    "Indented:\n\n    panic!();\n\tpanic!();\n",
    "    panic!()",
    "A list:\n- ```\n  panic!()\n  ```\n- b\n    - c\n\n          panic!()\n",
    "1. one\n\n       panic!()\n2.      panic!()\n",
    "-     panic!()",
    "> ```\n> panic!()\n> ```\n>\n>     panic!()\n",
    "never closed\n```\npanic!()",
    "never closed\n\n````rust,should_panic\n```\nlet a = `b`;\n",
    "<pre>\n```\npanic!()\n</pre>\n```\npanic!()\n```\n",
    "<!-- \n\n```\n-->\npanic!()\n```",
    "<div>\n\n    panic!()\n</div>",
    "Text.\r\n\r\n    panic!();\r\n```\rpanic!()\r```",
    "- `a`:\n\n```\n- ```rust\n-     `panic!()`\n",
    "+ a\n\n  ~~~text\n  ```\n  ~~~\n  ```\n  panic!()\n  ```",
    "`` ` ``\n\n\t\tpanic!()\n* * *\n*\t\tpanic!()",
];

/// The contract with a text in every place for one.
fn with(text: &str) -> String {
    let mut document: Value = serde_saphyr::from_str(&contract()).unwrap();
    let schema: Value = serde_json::json!({
        "title": "Thing", "description": "", "type": "object", "properties": {
            "description": { "description": "", "type": "string" },
            "default": { "description": "", "type": "string", "enum": ["description", "b"] },
            "inner": { "description": "", "type": "object", "properties": { "a": { "title": "", "description": "", "type": "integer" } } },
            "choice": { "oneOf": [{ "description": "", "type": "string" }, { "description": "", "type": "integer" }] },
            "list": { "type": "array", "items": { "description": "", "type": "string", "maxLength": 3 } },
        },
    });
    document["components"]["schemas"]["Thing"] = schema;
    document["tags"] = serde_json::json!([{ "name": "a", "description": "" }]);
    document["paths"]["/things/{id}"] = serde_json::json!({ "post": {
        "operationId": "makeThing", "summary": "", "description": "", "security": [], "x-retry": "always",
        "tags": ["a"],
        "parameters": [
            { "name": "id", "in": "path", "required": true, "description": "", "schema": { "type": "string" } },
            { "name": "b", "in": "query", "description": "", "schema": { "description": "", "type": "string" } },
        ],
        "requestBody": { "description": "", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } } },
        "responses": {
            "200": { "description": "", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } } },
            "default": { "description": "" },
        },
    } });
    fill(&mut document, text);
    document.to_string()
}

/// Puts the text wherever there is one.
fn fill(value: &mut Value, text: &str) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                let is_text = ["description", "summary"].contains(&key.as_str()) || key == "title" && inner == "";
                if is_text && inner.is_string() {
                    *inner = text.into();
                } else {
                    fill(inner, text);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, text)),
        _ => {}
    }
}

/// Every doc comment of a client, and the one that is being read.
#[derive(Default)]
struct Docs(Vec<String>, String);

impl<'a> Visit<'a> for Docs {
    fn visit_attribute(&mut self, attribute: &'a syn::Attribute) {
        if let syn::Meta::NameValue(syn::MetaNameValue { value: syn::Expr::Lit(literal), .. }) = &attribute.meta
            && let (true, syn::Lit::Str(text)) = (attribute.path().is_ident("doc"), &literal.lit)
        {
            self.1 += &text.value();
            self.1.push('\n');
        }
    }

    // Attributes come before the name of what they belong to.
    fn visit_ident(&mut self, _: &'a syn::Ident) {
        if !self.1.is_empty() {
            self.0.push(std::mem::take(&mut self.1));
        }
    }
}

fn docs(code: &str) -> Vec<String> {
    let mut docs = Docs::default();
    docs.visit_file(&syn::parse_file(code).unwrap());
    docs.0
}

#[test]
fn no_text_of_the_document_becomes_code() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = String::new();
    let mut number = 0;
    for text in TEXTS {
        let document = with(text);
        assert!(found(&document).iter().all(|finding| !finding.is_error()), "{text}: {:?}", found(&document));
        let output = thingspace_codegen::compile(document.as_bytes(), &crate::manifest()).unwrap().output;
        let docs: Vec<String> = [output.client, output.operations].iter().flat_map(|code| docs(code)).collect();
        assert!(docs.len() > 40 && docs.iter().any(|doc| doc.contains("Arguments:")), "{}", docs.len());
        for doc in docs {
            number += 1;
            writeln!(library, "#[doc = {doc:?}]\npub mod m{number} {{}}").unwrap();
        }
    }
    let file = folder.path().join("lib.rs");
    fs::write(&file, library).unwrap();
    let rustdoc = std::env::var_os("RUSTDOC").unwrap_or_else(|| "rustdoc".into());
    let tested = Command::new(rustdoc).args(["--edition", "2024", "--test"]).arg(&file).output().unwrap();
    let said = String::from_utf8(tested.stdout).unwrap();
    let ignored = said.lines().filter(|line| line.ends_with("... ignored")).count();
    assert!(tested.status.success() && ignored > 0, "{said}");
    assert!(
        said.lines()
            .filter(|line| line.starts_with("test m") || line.contains(" - m"))
            .all(|line| line.ends_with("... ignored")),
        "{said}"
    );
    assert!(said.contains("test result: ok. 0 passed;"), "{said}");
}

#[test]
fn a_text_without_code_stays_as_it_is_and_values_do_too() {
    let schemas = |of: &Value| -> Map<String, Value> { of["components"]["schemas"].as_object().unwrap().clone() };
    for text in [
        "One line.",
        "Two\nlines.\n\n- a\n  - b\n\n1. c\n> d",
        "`code` and <https://a.example> and a < b",
        "| a |\n|---|\n| b |",
    ] {
        let document = thingspace_codegen::check(with(text).as_bytes(), &crate::manifest()).unwrap().document;
        let before = document.value();
        let adapted = serde_json::to_value(thingspace_codegen::adapt(&document).unwrap()).unwrap();
        assert_eq!(schemas(&adapted)["Thing"]["description"], text);
        let inner = |of: &Value| schemas(of)["Thing"]["properties"]["inner"]["description"].clone();
        assert_eq!(inner(&before), inner(&adapted));
    }
    let code = "```\nlet a = 1;\n```";
    let schema = format!("    Code: {{type: string, enum: [{code:?}], description: {code:?}}}\n");
    let contract = crate::with_schemas(&schema);
    let document = thingspace_codegen::check(contract.as_bytes(), &crate::manifest()).unwrap().document;
    let adapted = serde_json::to_value(thingspace_codegen::adapt(&document).unwrap()).unwrap();
    assert_eq!(schemas(&adapted)["Code"]["enum"][0], code);
    assert_eq!(schemas(&adapted)["Code"]["description"], "`let a = 1;`  ");
}
