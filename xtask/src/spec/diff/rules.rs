//! The table of all kinds of change, with their effects.
//!
//! Rust callers use progenitor's builders and typify's types. A change is also breaking if code still compiles but
//! fails or behaves differently. An added field counts as compatible, because callers use builders and read single
//! fields. It breaks only a struct literal or a pattern without `..`. Otherwise every field that the platform adds
//! would require a breaking version.

use super::change::{
    Class::{Breaking, Compatible, DocumentationOnly},
    Rule,
    Rust::{self, Role, Type},
    Wire::{self, Answered, Narrower, Other, Sent, Wider},
};

const WORDS: Wire = Wire::Is(DocumentationOnly, "requests and responses stay the same");
const SAME: Rust = Rust::Is(DocumentationOnly, "the generated code stays the same");
const COMMENT: Rust = Rust::Is(DocumentationOnly, "only doc comments change");

const UNHEARD: &str = "the platform ignores or rejects what clients send in it";

const ALWAYS_SENT: &str = "send() always sends a body, and returns an error until all required parts are set";

const fn is(class: super::change::Class, reason: &'static str) -> Wire {
    Wire::Is(class, reason)
}

const fn breaks(reason: &'static str) -> Rust {
    Rust::Is(Breaking, reason)
}

const fn goes_on(reason: &'static str) -> Rust {
    Rust::Is(Compatible, reason)
}

const fn rule(name: &'static str, wire: Wire, rust: Rust) -> Rule {
    Rule { name, wire, rust }
}

/// The rule for a change without a rule of its own.
const UNCLASSIFIED: &Rule =
    &rule("unclassified", is(Breaking, "no rule covers this change"), breaks("no rule covers this change"));

/// The rule with this name.
pub(super) fn find(name: &str) -> &'static Rule {
    TABLES.iter().flat_map(|table| table.iter()).find(|rule| rule.name == name).unwrap_or(UNCLASSIFIED)
}

/// Whether a rule is about documentation only.
pub(super) fn is_wording(rule: &Rule) -> bool {
    WORDING.iter().any(|one| one.name == rule.name)
}

pub(super) const TABLES: [&[Rule]; 5] = [WORDING, DOCUMENT, OPERATIONS, BODIES, SCHEMAS];

const WORDING: &[Rule] = &[
    rule("description-changed", WORDS, COMMENT),
    rule("summary-changed", WORDS, COMMENT),
    rule("tags-changed", WORDS, COMMENT),
    rule("example-changed", WORDS, COMMENT),
    rule("external-docs-changed", WORDS, COMMENT),
    rule("extension-changed", WORDS, SAME),
    rule("deprecated", WORDS, SAME),
    rule("no-longer-deprecated", WORDS, SAME),
    rule("info-changed", WORDS, COMMENT),
    rule("xml-changed", is(DocumentationOnly, "clients send and read no XML"), SAME),
    rule("links-changed", is(DocumentationOnly, "clients follow no links"), SAME),
    rule("callbacks-changed", is(DocumentationOnly, "the generator ignores callbacks"), SAME),
];

const DOCUMENT: &[Rule] = &[
    rule("openapi-version-changed", WORDS, SAME),
    rule(
        "api-version-changed",
        is(Compatible, "every request carries another api-version header, and the platform reads none"),
        goes_on("api_version() gives another text"),
    ),
    rule("environment-added", is(Compatible, "the other environments stay"), goes_on("Environment is non_exhaustive")),
    rule(
        "environment-removed",
        is(Breaking, "clients that use this server get no answer"),
        breaks("the variant of Environment is gone"),
    ),
    rule("environment-renamed", WORDS, breaks("the variant of Environment has another name")),
    rule(
        "server-url-changed",
        is(Breaking, "clients built before still call the old address"),
        goes_on("the variant of Environment stays, with the new address"),
    ),
    rule(
        "default-environment-changed",
        is(Compatible, "clients built before know both servers, and keep theirs"),
        breaks("code that names no environment sends its credentials to another server"),
    ),
    rule(
        "token-url-changed",
        is(Breaking, "clients built before ask the old address for access tokens"),
        goes_on("the facade follows"),
    ),
    rule(
        "session-header-renamed",
        is(Breaking, "clients built before send the session token in the old header"),
        goes_on("the facade follows"),
    ),
    rule("security-scheme-renamed", WORDS, SAME),
    rule("security-scheme-changed", is(Breaking, "clients built before send other credentials"), SAME),
    rule("scopes-changed", is(DocumentationOnly, "the crate requests access tokens without scopes"), SAME),
    rule("schema-added", is(Compatible, "the places that use it are listed"), goes_on("a new type")),
    rule("schema-removed", is(DocumentationOnly, "the places that used it are listed"), breaks("the type is gone")),
    rule("schema-renamed", is(DocumentationOnly, "values stay"), breaks("the type has another name")),
    rule("component-added", is(DocumentationOnly, "the places that use it are listed"), SAME),
    rule("component-removed", is(DocumentationOnly, "the places that used it are listed"), SAME),
];

const OPERATIONS: &[Rule] = &[
    rule("operation-added", is(Compatible, "no client calls it yet"), goes_on("a new method")),
    rule("operation-removed", is(Breaking, "clients built before still call it"), breaks("the method is gone")),
    rule("operation-renamed", WORDS, breaks("the method has another name")),
    rule("path-changed", is(Breaking, "clients built before call the old path"), goes_on("the method stays")),
    rule("method-changed", is(Breaking, "clients built before send the old method"), goes_on("the Rust method stays")),
    rule("path-parameter-renamed", WORDS, breaks("the setter has another name")),
    rule("operation-servers-changed", is(DocumentationOnly, "the client has one base URL for everything"), SAME),
    rule(
        "access-token-required",
        is(Breaking, "clients built before send no access token"),
        goes_on("the facade attaches it"),
    ),
    rule("access-token-dropped", is(Compatible, "an extra token is ignored"), goes_on("the facade leaves it out")),
    rule(
        "session-token-required",
        is(Breaking, "clients built before send no session token"),
        goes_on("the facade logs in and attaches it"),
    ),
    rule("session-token-dropped", is(Compatible, "an extra token is ignored"), goes_on("the facade leaves it out")),
    rule(
        "security-changed",
        is(Breaking, "clients built before may send other credentials"),
        goes_on("the facade attaches them"),
    ),
    rule(
        "retry-narrowed",
        is(Breaking, "clients built before repeat requests that must not be repeated"),
        goes_on("the crate repeats fewer requests"),
    ),
    rule(
        "retry-widened",
        is(Compatible, "clients built before repeat fewer requests"),
        goes_on("the crate repeats more requests"),
    ),
    rule(
        "required-parameter-added",
        is(Breaking, "clients built before leave it out"),
        breaks("send() returns an error until it is set"),
    ),
    rule("optional-parameter-added", is(Compatible, "it is optional"), goes_on("a new setter")),
    rule("parameter-removed", is(Breaking, "the platform ignores it"), breaks("the setter is gone")),
    rule(
        "parameter-made-required",
        is(Breaking, "the platform rejects requests without it"),
        breaks("send() returns an error if it is not set"),
    ),
    rule("parameter-made-optional", is(Compatible, "it may still be sent"), goes_on("the setter stays")),
    rule("parameter-moved", is(Breaking, "clients built before send it elsewhere"), goes_on("the setter stays")),
    rule("header-respelled", is(DocumentationOnly, "HTTP ignores the case of a header name"), SAME),
    rule("parameter-style-changed", is(Breaking, "clients built before use the old style"), SAME),
];

const BODIES: &[Rule] = &[
    rule("required-body-added", is(Breaking, "clients built before send no body"), breaks(ALWAYS_SENT)),
    rule("optional-body-added", is(Compatible, "it is optional"), breaks(ALWAYS_SENT)),
    rule("request-body-removed", is(Breaking, "the platform ignores the body"), breaks("body() is gone")),
    rule(
        "request-body-made-required",
        is(Breaking, "the platform rejects requests without it"),
        goes_on("the generated client always sends it"),
    ),
    rule(
        "request-body-made-optional",
        is(Compatible, "it may still be sent"),
        goes_on("the generated client always sends it"),
    ),
    rule("request-media-type-added", is(Compatible, "the platform still accepts the earlier one"), SAME),
    rule("request-media-type-removed", is(Breaking, "clients built before may send it"), SAME),
    rule(
        "request-media-type-changed",
        is(Breaking, "clients built before send the old one"),
        breaks("body() may take another type"),
    ),
    rule(
        "success-answer-added",
        is(Breaking, "clients built before treat an undocumented success as an error"),
        goes_on("another status is a success"),
    ),
    rule("success-answer-removed", is(Compatible, "the platform no longer sends it"), goes_on("it becomes an error")),
    rule(
        "error-answer-added",
        is(Compatible, "every other status is already an Error"),
        goes_on("the error's type stays"),
    ),
    rule(
        "error-answer-removed",
        is(Compatible, "every other status is an Error anyway"),
        goes_on("the error's type stays"),
    ),
    rule("answer-body-added", is(Compatible, "clients built before ignore it"), breaks("the answer has a type")),
    rule("answer-body-removed", is(Breaking, "clients built before expect a body"), breaks("the answer is ()")),
    rule("answer-media-type-added", is(Breaking, "clients built before cannot read it"), SAME),
    rule("answer-media-type-removed", is(Compatible, "the others stay"), SAME),
    rule(
        "answer-media-type-changed",
        is(Breaking, "clients built before cannot read it"),
        breaks("the answer may have another type"),
    ),
    rule("encoding-changed", is(DocumentationOnly, "clients ignore `encoding`"), SAME),
    rule("answer-header-added", is(Compatible, "it may be ignored"), SAME),
    rule("answer-header-removed", is(Breaking, "clients built before may look for it"), SAME),
    rule("answer-header-changed", is(Breaking, "clients built before may not understand it"), SAME),
];

const SCHEMAS: &[Rule] = &[
    rule("schema-changed", Other, breaks("the type may become another")),
    rule("schema-stated", Narrower, breaks("a type takes the place of any value")),
    rule("schema-dropped", Wider, breaks("any value takes the place of a type")),
    rule("reference-changed", is(DocumentationOnly, "differences of the values are reported separately"), Type),
    rule("type-changed", Other, Type),
    rule("type-widened", Wider, Type),
    rule("type-narrowed", Narrower, Type),
    rule("type-stated", Narrower, Type),
    rule("type-dropped", Wider, Type),
    rule("format-added", Narrower, Type),
    rule("format-removed", Wider, Type),
    rule("format-widened", Wider, Type),
    rule("format-narrowed", Narrower, Type),
    rule("format-changed", Other, Type),
    rule("secret-marked", WORDS, breaks("a Secret takes the place of a String, and is not printed")),
    rule("secret-unmarked", WORDS, breaks("a String takes the place of the Secret, and is printed")),
    rule("made-nullable", Wider, Type),
    rule("no-longer-nullable", Narrower, Type),
    rule("enum-added", Narrower, Type),
    rule("enum-removed", Wider, Type),
    rule("enum-value-added", Wider, breaks("the enum is not non_exhaustive: match must name the new variant")),
    rule("enum-value-removed", Narrower, breaks("the variant is gone")),
    rule("enum-reordered", WORDS, goes_on("the variants compare, as in `<`, in another order")),
    rule("range-narrowed", Narrower, Type),
    rule("range-widened", Wider, Type),
    rule("length-narrowed", Narrower, Type),
    rule("length-widened", Wider, Type),
    rule("size-narrowed", Narrower, Type),
    rule("size-widened", Wider, Type),
    rule("pattern-added", Narrower, Type),
    rule("pattern-removed", Wider, Type),
    rule("pattern-changed", Other, Type),
    rule("multiple-added", Narrower, Type),
    rule("multiple-removed", Wider, Type),
    rule("multiple-changed", Other, Type),
    rule("items-made-unique", Narrower, Type),
    rule("items-may-repeat", Wider, Type),
    rule("default-added", is(Compatible, "the platform accepted a missing value before, too"), Type),
    rule("default-removed", is(Compatible, "the platform still accepts a missing value"), Type),
    rule("default-changed", is(Breaking, "a missing value has another meaning"), Type),
    rule("title-changed", WORDS, COMMENT),
    rule("made-read-only", Sent(&Narrower), SAME),
    rule("no-longer-read-only", Sent(&Wider), SAME),
    rule("made-write-only", Answered(&Wider), SAME),
    rule("no-longer-write-only", Answered(&Narrower), SAME),
    rule("discriminator-changed", Other, SAME),
    rule("not-changed", Other, breaks("the type may become another")),
    rule("variant-added", Wider, breaks("the enum is not non_exhaustive: match must name the new variant")),
    rule("variant-removed", Narrower, breaks("the variant is gone")),
    rule("variants-reordered", WORDS, breaks("variants are tried in this order: a response may become another one")),
    rule("part-added", Narrower, breaks("the type is made of more parts")),
    rule("part-removed", Wider, breaks("the fields of the part are gone")),
    rule("combination-added", Narrower, breaks("another type takes its place")),
    rule("combination-removed", Wider, breaks("another type takes its place")),
    rule("extra-properties-forbidden", Narrower, Type),
    rule("extra-properties-allowed", Wider, Type),
    rule("extra-properties-typed", Narrower, Type),
    rule("extra-properties-untyped", Wider, Type),
    rule(
        "optional-property-added",
        is(Compatible, "it is optional, and clients built before ignore it"),
        goes_on("a new field: it breaks only a struct literal or a pattern without `..`"),
    ),
    rule(
        "required-property-added",
        Narrower,
        Role(
            (Breaking, "the builder returns an error until it is set"),
            (Compatible, "a new field: it breaks only a pattern without `..`"),
        ),
    ),
    rule("unexpected-property-added", Wider, goes_on("a new field")),
    rule(
        "optional-property-removed",
        Wire::Role((Breaking, UNHEARD), (Compatible, "it could be missing before, too")),
        breaks("the field is gone"),
    ),
    rule(
        "required-property-removed",
        Wire::Role((Breaking, UNHEARD), (Breaking, "clients built before cannot read an answer without it")),
        breaks("the field is gone"),
    ),
    rule(
        "property-made-required",
        Narrower,
        Role((Breaking, "the builder returns an error if it is not set"), (Compatible, "the Rust type stays")),
    ),
    rule("property-made-optional", Wider, Type),
];
