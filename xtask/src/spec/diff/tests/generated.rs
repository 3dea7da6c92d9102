//! Compares the verdicts on Rust types with the types that the generator writes.

use std::collections::BTreeSet;

use syn::{Fields, Item};

use super::{Change, Class, PLAIN, changes, document, node, schemas::PROBES};
use thingspace_codegen::{Generator, Output, adapt, attempt, settings};

/// The public types of the client, or `None` if the generator fails.
fn types(text: &str) -> Option<Vec<String>> {
    let types = attempt(&node(text), |document| {
        let client =
            Generator::new(&settings()).generate_tokens(&adapt(document)?).map_err(|error| error.to_string())?;
        Ok(public(syn::parse_file(&Output::of_client(client).client).map_err(|error| error.to_string())?))
    });
    types.ok()
}

/// The names of types, with their fields and variants.
fn public(client: syn::File) -> Vec<String> {
    let types = client.items.into_iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content,
        _ => None,
    });
    let line = |item: &Item| match item {
        Item::Struct(item) => Some(format!("struct {} {}", item.ident, fields(&item.fields))),
        Item::Enum(item) => {
            let variants: BTreeSet<_> =
                item.variants.iter().map(|variant| format!("{} {}", variant.ident, fields(&variant.fields))).collect();
            // The order of derives does not affect callers.
            Some(format!("enum {} {variants:?}", item.ident))
        }
        _ => None,
    };
    types.unwrap().1.iter().filter_map(line).collect()
}

fn fields(fields: &Fields) -> String {
    let field = |field: &syn::Field| {
        let (name, of) = (&field.ident, &field.ty);
        format!("{}: {}", name.as_ref().map(ToString::to_string).unwrap_or_default(), quote::quote!(#of))
    };
    fields.iter().map(field).collect::<Vec<_>>().join(", ")
}

/// Changes that break callers although the types stay: the builder fails at run time, a response becomes another
/// variant, or no rule knows the change.
const OTHERWISE: [&str; 3] = ["property-made-required", "variants-reordered", "unclassified"];

/// Schemas whose differences determine the Rust type.
const FAMILIES: [&[&str]; 6] = [
    &[
        "{$ref: '#/components/schemas/Error'}",
        "{allOf: [{$ref: '#/components/schemas/Error'}]}",
        "{allOf: [{$ref: '#/components/schemas/Error'}], description: One.}",
    ],
    &[
        "{type: integer}",
        "{type: integer, minimum: 0}",
        "{type: integer, minimum: 1}",
        "{type: integer, minimum: 2}",
        "{type: integer, maximum: 7}",
        "{type: integer, minimum: 0, maximum: 7}",
        "{type: integer, minimum: 1, maximum: 7}",
        "{type: integer, format: int32}",
        "{type: integer, format: int32, minimum: 1}",
        "{type: integer, format: int32, maximum: 7}",
        "{type: integer, format: int64}",
        "{type: integer, format: uint8}",
        "{type: integer, format: int64, default: 3}",
        "{type: integer, nullable: true}",
    ],
    &[
        "{type: number}",
        "{type: number, format: float}",
        "{type: number, format: double}",
        "{type: number, minimum: 1}",
    ],
    &[
        "{type: string}",
        "{type: string, format: uuid}",
        "{type: string, format: uuid, maxLength: 36}",
        "{type: string, format: date}",
        "{type: string, format: date-time}",
        "{type: string, format: ipv4}",
        "{type: string, format: uri}",
        "{type: string, format: password}",
        "{type: string, minLength: 1}",
        "{type: string, minLength: 1, maxLength: 7}",
        "{type: string, enum: [a, b]}",
        "{type: string, enum: [a, b], nullable: true}",
        "{type: string, default: a}",
    ],
    &[
        "{type: array, items: {type: string}}",
        "{type: array, items: {type: string}, minItems: 1}",
        "{type: array, items: {type: string}, minItems: 2, maxItems: 2}",
        "{type: array, items: {type: string}, uniqueItems: true}",
        "{type: array, items: {type: string}, nullable: true}",
        "{type: array, items: {type: string, nullable: true}}",
        "{type: array, items: {type: integer, format: int32}}",
    ],
    &[
        "{type: object}",
        "{type: object, additionalProperties: true}",
        "{type: object, additionalProperties: {type: string}}",
        "{type: object, additionalProperties: {type: integer}}",
        "{type: object, properties: {a: {type: string}}}",
        "{type: object, properties: {a: {type: string}}, additionalProperties: false}",
        "{type: object, properties: {a: {type: string}}, additionalProperties: {type: string}}",
    ],
];

/// A document, and its types if the generator succeeds.
type Typed = (String, Option<Vec<String>>);

fn typed(probe: &str) -> Typed {
    let text = document(probe, PLAIN);
    let types = types(&text);
    (text, types)
}

/// Describes a verdict that contradicts the types. Returns `None` if it is right or if there are no types.
fn wrong((base, base_types): &Typed, (now, now_types): &Typed) -> Option<String> {
    let (base_types, now_types) = (base_types.as_ref()?, now_types.as_ref()?);
    let changes = changes(base, now);
    let is_reported =
        |change: &Change| change.rust().class == Class::Breaking || change.rule.name.ends_with("property-added");
    let is_fine = (base_types != now_types) == changes.iter().any(is_reported)
        || changes.iter().any(|change| OTHERWISE.contains(&change.rule.name));
    (!is_fine).then(|| format!("{changes:#?}\n{base_types:#?}\n{now_types:#?}"))
}

#[test]
fn a_verdict_on_rust_types_agrees_with_the_generator() {
    let mut held = 0;
    for (before, after, ..) in PROBES {
        let (base, now) = (typed(before), typed(after));
        held += usize::from(base.1.is_some() && now.1.is_some());
        for (base, now) in [(&base, &now), (&now, &base)] {
            assert_eq!(wrong(base, now), None, "{before} -> {after}");
        }
    }
    assert!(held > 40, "{held} of {}", PROBES.len());
}

#[test]
fn a_difference_of_rust_types_is_found() {
    for family in FAMILIES {
        let typed: Vec<_> = family.iter().map(|probe| (probe, typed(probe))).collect();
        for (before, base) in &typed {
            assert!(base.1.is_some(), "{before}");
            for (after, now) in &typed {
                assert_eq!(wrong(base, now), None, "{before} -> {after}");
            }
        }
    }
}
