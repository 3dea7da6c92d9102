//! Changes of a property's schema, in requests and in responses.

use super::{PLAIN, changes, document, hold, plain, reported};

/// A kind, its effect on the wire in a request and in a response, and its effect on Rust callers.
type Effect = (&'static str, &'static str, &'static str);
/// The property, its replacement, the kinds reported in this direction and in the other. Two letters for Rust are those
/// for a request and for a response.
pub(super) type Probe = (&'static str, &'static str, Effect, Effect);

const TEXT: &str = "{type: string}";
const NUMBER: &str = "{type: integer}";
const LIST: &str = "{type: array, items: {type: string}}";
const EMPTY: &str = "{type: object, properties: {a: {type: string}}}";
const CLOSED: &str = "{type: object, properties: {a: {type: string}}, additionalProperties: false}";
const ONE_OF: &str = "{oneOf: [{type: string}, {type: integer}]}";

pub(super) const PROBES: &[Probe] = &[
    (TEXT, NUMBER, ("type-changed", "BB", "B"), ("type-changed", "BB", "B")),
    (NUMBER, "{type: number}", ("type-widened", "CB", "B"), ("type-narrowed", "BC", "B")),
    ("{}", TEXT, ("type-stated", "BC", "B"), ("type-dropped", "CB", "B")),
    (TEXT, "{type: string, format: uuid}", ("format-added", "BC", "B"), ("format-removed", "CB", "B")),
    (TEXT, "{type: string, format: email}", ("format-added", "BC", "C"), ("format-removed", "CB", "C")),
    (
        "{type: integer, format: int32}",
        "{type: integer, format: int64}",
        ("format-widened", "CB", "B"),
        ("format-narrowed", "BC", "B"),
    ),
    (
        "{type: string, format: date}",
        "{type: string, format: date-time}",
        ("format-changed", "BB", "B"),
        ("format-changed", "BB", "B"),
    ),
    (TEXT, "{type: string, format: password}", ("secret-marked", "DD", "B"), ("secret-unmarked", "DD", "B")),
    (TEXT, "{type: string, nullable: true}", ("made-nullable", "CB", "B"), ("no-longer-nullable", "BC", "B")),
    (
        LIST,
        "{type: array, nullable: true, items: {type: string}}",
        ("made-nullable", "CB", "B"),
        ("no-longer-nullable", "BC", "B"),
    ),
    (TEXT, "{type: string, enum: [a]}", ("enum-added", "BC", "B"), ("enum-removed", "CB", "B")),
    (
        "{type: string, enum: [a]}",
        "{type: string, enum: [a, b]}",
        ("enum-value-added", "CB", "B"),
        ("enum-value-removed", "BC", "B"),
    ),
    (
        "{type: string, enum: [a, b]}",
        "{type: string, enum: [b, a]}",
        ("enum-reordered", "DD", "C"),
        ("enum-reordered", "DD", "C"),
    ),
    (NUMBER, "{type: integer, maximum: 9}", ("range-narrowed", "BC", "C"), ("range-widened", "CB", "C")),
    (NUMBER, "{type: integer, minimum: 0}", ("range-narrowed", "BC", "B"), ("range-widened", "CB", "B")),
    (NUMBER, "{type: integer, minimum: 1}", ("range-narrowed", "BC", "C"), ("range-widened", "CB", "C")),
    (
        "{type: number, minimum: 1}",
        "{type: number, minimum: 1, exclusiveMinimum: true}",
        ("range-narrowed", "BC", "C"),
        ("range-widened", "CB", "C"),
    ),
    (TEXT, "{type: string, maxLength: 9}", ("length-narrowed", "BC", "B"), ("length-widened", "CB", "B")),
    (
        "{type: string, minLength: 1}",
        "{type: string, minLength: 2}",
        ("length-narrowed", "BC", "C"),
        ("length-widened", "CB", "C"),
    ),
    (
        LIST,
        "{type: array, items: {type: string}, maxItems: 9}",
        ("size-narrowed", "BC", "C"),
        ("size-widened", "CB", "C"),
    ),
    (TEXT, "{type: string, pattern: a}", ("pattern-added", "BC", "B"), ("pattern-removed", "CB", "B")),
    (
        "{type: string, pattern: a}",
        "{type: string, pattern: b}",
        ("pattern-changed", "BB", "C"),
        ("pattern-changed", "BB", "C"),
    ),
    (NUMBER, "{type: integer, multipleOf: 2}", ("multiple-added", "BC", "C"), ("multiple-removed", "CB", "C")),
    (
        "{type: integer, multipleOf: 2}",
        "{type: integer, multipleOf: 3}",
        ("multiple-changed", "BB", "C"),
        ("multiple-changed", "BB", "C"),
    ),
    (
        LIST,
        "{type: array, items: {type: string}, uniqueItems: true}",
        ("items-made-unique", "BC", "C"),
        ("items-may-repeat", "CB", "C"),
    ),
    (LIST, "{type: array, items: {type: integer}}", ("type-changed", "BB", "B"), ("type-changed", "BB", "B")),
    (TEXT, "{type: string, default: a}", ("default-added", "CC", "C"), ("default-removed", "CC", "C")),
    (
        "{type: string, default: a}",
        "{type: string, default: b}",
        ("default-changed", "BB", "C"),
        ("default-changed", "BB", "C"),
    ),
    (TEXT, "{type: string, title: A}", ("title-changed", "DD", "D"), ("title-changed", "DD", "D")),
    (
        "{type: string, enum: [a]}",
        "{type: string, enum: [a], title: A}",
        ("title-changed", "DD", "B"),
        ("title-changed", "DD", "B"),
    ),
    (TEXT, "{type: string, readOnly: true}", ("made-read-only", "BD", "D"), ("no-longer-read-only", "CD", "D")),
    (TEXT, "{type: string, writeOnly: true}", ("made-write-only", "DB", "D"), ("no-longer-write-only", "DC", "D")),
    (TEXT, "{type: string, xml: {name: a}}", ("xml-changed", "DD", "D"), ("xml-changed", "DD", "D")),
    (TEXT, "{type: string, x-secret: false}", ("extension-changed", "DD", "D"), ("extension-changed", "DD", "D")),
    (TEXT, "{type: string, what: ever}", ("unclassified", "BB", "B"), ("unclassified", "BB", "B")),
    (TEXT, "{type: string, not: {enum: [a]}}", ("not-changed", "BB", "B"), ("not-changed", "BB", "B")),
    (
        ONE_OF,
        "{oneOf: [{type: string}, {type: integer}], discriminator: {propertyName: a}}",
        ("discriminator-changed", "BB", "D"),
        ("discriminator-changed", "BB", "D"),
    ),
    (
        ONE_OF,
        "{oneOf: [{type: integer}, {type: string}]}",
        ("variants-reordered", "DD", "B"),
        ("variants-reordered", "DD", "B"),
    ),
    (
        ONE_OF,
        "{oneOf: [{type: boolean}, {type: string}, {type: integer}]}",
        ("variant-added", "CB", "B"),
        ("variant-removed", "BC", "B"),
    ),
    (
        "{allOf: [{type: object}]}",
        "{allOf: [{type: object}, {$ref: '#/components/schemas/Error'}]}",
        ("part-added", "BC", "B"),
        ("part-removed", "CB", "B"),
    ),
    (
        "{x-a: 1}",
        "{x-a: 1, anyOf: [{type: string}]}",
        ("combination-added", "BC", "B"),
        ("combination-removed", "CB", "B"),
    ),
    (EMPTY, CLOSED, ("extra-properties-forbidden", "BC", "C"), ("extra-properties-allowed", "CB", "C")),
    (
        EMPTY,
        "{type: object, properties: {a: {type: string}}, additionalProperties: {type: string}}",
        ("extra-properties-typed", "BC", "B"),
        ("extra-properties-untyped", "CB", "B"),
    ),
    (
        EMPTY,
        "{type: object, properties: {a: {type: string}, b: {type: string}}}",
        ("optional-property-added", "CC", "C"),
        ("optional-property-removed", "BC", "B"),
    ),
    (
        EMPTY,
        "{type: object, properties: {a: {type: string}, b: {type: string}}, required: [b]}",
        ("required-property-added", "BC", "BC"),
        ("required-property-removed", "BB", "B"),
    ),
    (
        CLOSED,
        "{type: object, properties: {a: {type: string}, b: {type: string}}, additionalProperties: false}",
        ("unexpected-property-added", "CB", "C"),
        ("optional-property-removed", "BC", "B"),
    ),
    (
        EMPTY,
        "{type: object, properties: {a: {type: string}}, required: [a]}",
        ("property-made-required", "BC", "B"),
        ("property-made-optional", "CB", "B"),
    ),
    (
        "{type: object, properties: {a: {type: array, items: {type: string}}}}",
        "{type: object, properties: {a: {type: array, items: {type: string}}}, required: [a]}",
        ("property-made-required", "BC", "B"),
        ("property-made-optional", "CB", "B"),
    ),
    (
        "{not: {}, additionalProperties: {}}",
        "{not: {}, additionalProperties: {type: string}}",
        ("type-stated", "BC", "B"),
        ("type-dropped", "CB", "B"),
    ),
    (
        "{type: array, items: {type: array}}",
        "{type: array, items: {type: array, items: {type: string}}}",
        ("schema-stated", "BC", "B"),
        ("schema-dropped", "CB", "B"),
    ),
    ("{$ref: '#/nowhere'}", "{$ref: '#/elsewhere'}", ("schema-changed", "BB", "B"), ("schema-changed", "BB", "B")),
    (
        "{$ref: '#/components/schemas/Error'}",
        "{type: object, properties: {code: {type: string}}}",
        ("reference-changed", "DD", "B"),
        ("reference-changed", "DD", "B"),
    ),
];

#[test]
fn changes_of_schemas() {
    for (before, after, there, back) in PROBES {
        for role in 0..2 {
            let [base, now] = [before, after].map(|probe| match role {
                0 => document(probe, PLAIN),
                _ => document(PLAIN, probe),
            });
            let letter = |letters: &str| letters.chars().nth(role).or(letters.chars().next()).unwrap();
            let line = |it: &Effect| format!("{} {} {}", it.0, letter(it.1), letter(it.2));
            hold(&base, &now, &[&line(there)], &[&line(back)]);
        }
    }
}

#[test]
fn a_schema_of_requests_and_responses_gets_the_more_severe_class() {
    let base = plain().replace("schemas/Answered", "schemas/Sent");
    let enum_ = |values: &str| base.replace("Sent: {type: object, properties: {probe: {type: string}}}", values);
    let [one, two] = ["[a]", "[a, b]"].map(|values| enum_(&format!("Sent: {{type: string, enum: {values}}}")));
    hold(&one, &two, &["enum-value-added B B"], &["enum-value-removed B B"]);
}

#[test]
fn an_unused_schema_is_a_public_type() {
    let with = |more: &str| format!("{}    More: {more}\n", plain());
    let (one, two) = (with("{type: string, enum: [a]}"), with("{type: string, enum: [a, b]}"));
    hold(&one, &two, &["enum-value-added D B"], &["enum-value-removed D B"]);
}

#[test]
fn a_component_is_judged_by_all_operations_that_reach_it() {
    let more = "    More: {type: array, items: {$ref: '#/components/schemas/Deep'}}\n    Deep: {type: integer}\n";
    let base = document("{$ref: '#/components/schemas/More'}", PLAIN) + more;
    let now = base.replace("Deep: {type: integer}", "Deep: {type: integer, maximum: 3}");
    hold(&base, &now, &["range-narrowed B C"], &["range-widened C C"]);
    let changes = changes(&base, &now);
    assert_eq!(changes.len(), 1);
    assert!(changes[0].message.starts_with("Deep "), "{changes:?}");
}

#[test]
fn whether_a_property_is_required_does_not_depend_on_the_order() {
    let [one, two] = ["[a, b]", "[b, a]"].map(|required| {
        let probe = "{type: object, properties: {a: {type: string}, b: {type: string}}, required: REQUIRED}";
        document(&probe.replace("REQUIRED", required), PLAIN)
    });
    assert_eq!(changes(&one, &two).len(), 0);
}

#[test]
fn an_all_of_with_one_reference_equals_the_reference() {
    let reference = "$ref: '#/components/schemas/Error'";
    let plain = |words: &str| document(&format!("{{{reference}{words}}}"), PLAIN);
    let wrapped = |words: &str| document(&format!("{{allOf: [{{{reference}}}]{words}}}"), PLAIN);
    hold(&plain(""), &wrapped(""), &[], &[]);
    hold(&plain(", description: One."), &wrapped(", description: One."), &[], &[]);
    let described = ["description-changed D D"];
    hold(&plain(""), &wrapped(", description: One."), &described, &described);
    let other = document("{$ref: '#/components/schemas/Answered'}", PLAIN);
    for (base, now) in [(&other, &wrapped("")), (&wrapped(""), &other)] {
        assert!(reported(base, now).contains("reference-changed D B"));
    }
}
