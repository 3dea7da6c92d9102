//! Every schema becomes the type that was written for it: none takes the place of another.

use std::collections::BTreeSet;

use syn::Item;

use crate::{fuzz, said, with_schemas};

/// The names of the types that schemas become, each of them once.
fn types(schemas: &str) -> BTreeSet<String> {
    let contract = with_schemas(schemas);
    assert_eq!(said(&contract), "", "{schemas}");
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
fn a_title_that_is_the_name_of_another_type_is_told() {
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
        let told = said(with_schemas(&format!("    A: {schema}\n{B}")));
        assert!(told.starts_with("openapi.yaml:143:") && told.contains("error[colliding-types]"), "{schema}: {told}");
    }
    // The title of a component is not its name.
    let types = types(&format!("    A: {{allOf: [{titled}]}}\n{B}"));
    assert!(types.contains("A") && types.contains("B"), "{types:?}");
}
