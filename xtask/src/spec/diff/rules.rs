//! Every kind of change, and what it does: the table that all comparisons report through.
//!
//! Rust callers are those of the builders that progenitor makes and of the types that typify makes. Where code goes on
//! compiling and yet fails or does something else, that breaks it, too. A field that is added counts as compatible:
//! types are made by their builder and read by field, and only a struct literal, or a pattern without `..`, minds.
//! Otherwise every field that the platform adds would ask for a breaking version.

use super::change::{
    Class::{Breaking, Compatible, DocumentationOnly},
    Rule,
    Rust::{self, Role, Type},
    Wire::{self, Answered, Narrower, Other, Sent, Wider},
};

const WORDS: Wire = Wire::Is(DocumentationOnly, "nothing is sent or read in another way");
const SAME: Rust = Rust::Is(DocumentationOnly, "the code stays as it is");
const COMMENT: Rust = Rust::Is(DocumentationOnly, "doc comments alone change");

const UNHEARD: &str = "what clients say with it is not heard, or refused";

const ALWAYS_SENT: &str = "send() always sends one, and answers with an error while it lacks what it requires";

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

/// What is told of a change that has no kind of its own.
const UNCLASSIFIED: &Rule =
    &rule("unclassified", is(Breaking, "no rule says yet what this means"), breaks("no rule says yet what this means"));

/// The kind of this name.
pub(super) fn find(name: &str) -> &'static Rule {
    TABLES.iter().flat_map(|table| table.iter()).find(|rule| rule.name == name).unwrap_or(UNCLASSIFIED)
}

/// Whether a kind of change is one of words alone.
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
    rule("xml-changed", is(DocumentationOnly, "nothing here is sent or read as XML"), SAME),
    rule("links-changed", is(DocumentationOnly, "nothing follows links"), SAME),
    rule("callbacks-changed", is(DocumentationOnly, "callbacks are not read from the spec"), SAME),
];

const DOCUMENT: &[Rule] = &[
    rule("openapi-version-changed", WORDS, SAME),
    rule(
        "api-version-changed",
        is(Compatible, "every request carries another api-version header, and the platform reads none"),
        goes_on("api_version() gives another text"),
    ),
    rule("environment-added", is(Compatible, "the others stay"), goes_on("Environment is non_exhaustive")),
    rule(
        "environment-removed",
        is(Breaking, "clients that use this server get no answer"),
        breaks("the variant of Environment is gone"),
    ),
    rule("environment-renamed", WORDS, breaks("the variant of Environment has another name")),
    rule(
        "server-url-changed",
        is(Breaking, "clients built before go on calling the old address"),
        goes_on("the variant of Environment stays, and leads elsewhere"),
    ),
    rule(
        "default-environment-changed",
        is(Compatible, "clients built before know both servers, and stay with theirs"),
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
    rule("scopes-changed", is(DocumentationOnly, "access tokens are asked for without scopes"), SAME),
    rule("schema-added", is(Compatible, "the places that use it are listed"), goes_on("a type more")),
    rule("schema-removed", is(DocumentationOnly, "the places that used it are listed"), breaks("the type is gone")),
    rule("schema-renamed", is(DocumentationOnly, "values stay"), breaks("the type has another name")),
    rule("component-added", is(DocumentationOnly, "the places that use it are listed"), SAME),
    rule("component-removed", is(DocumentationOnly, "the places that used it are listed"), SAME),
];

const OPERATIONS: &[Rule] = &[
    rule("operation-added", is(Compatible, "no client calls it yet"), goes_on("a method more")),
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
    rule("access-token-dropped", is(Compatible, "a token too many does no harm"), goes_on("the facade leaves it out")),
    rule(
        "session-token-required",
        is(Breaking, "clients built before send no session token"),
        goes_on("the facade logs in and attaches it"),
    ),
    rule("session-token-dropped", is(Compatible, "a token too many does no harm"), goes_on("the facade leaves it out")),
    rule(
        "security-changed",
        is(Breaking, "clients built before may send other credentials"),
        goes_on("the facade attaches them"),
    ),
    rule(
        "retry-narrowed",
        is(Breaking, "clients built before repeat what must not be repeated"),
        goes_on("fewer failures are mended by sending again"),
    ),
    rule("retry-widened", is(Compatible, "clients built before repeat less than they may"), goes_on("more are")),
    rule(
        "required-parameter-added",
        is(Breaking, "clients built before leave it out"),
        breaks("send() answers with an error until it is set"),
    ),
    rule("optional-parameter-added", is(Compatible, "it may be left out"), goes_on("a setter more")),
    rule("parameter-removed", is(Breaking, "what clients ask for with it is not heard"), breaks("the setter is gone")),
    rule(
        "parameter-made-required",
        is(Breaking, "clients that leave it out are refused"),
        breaks("send() answers with an error where it is not set"),
    ),
    rule("parameter-made-optional", is(Compatible, "it may still be sent"), goes_on("the setter stays")),
    rule("parameter-moved", is(Breaking, "clients built before send it elsewhere"), goes_on("the setter stays")),
    rule("header-respelled", is(DocumentationOnly, "the case of a header means nothing"), SAME),
    rule("parameter-style-changed", is(Breaking, "clients built before write it in another way"), SAME),
];

const BODIES: &[Rule] = &[
    rule("required-body-added", is(Breaking, "clients built before send none"), breaks(ALWAYS_SENT)),
    rule("optional-body-added", is(Compatible, "it may be left out"), breaks(ALWAYS_SENT)),
    rule("request-body-removed", is(Breaking, "what clients say in it is not heard"), breaks("body() is gone")),
    rule(
        "request-body-made-required",
        is(Breaking, "requests without it are refused"),
        goes_on("the generated client always sends it"),
    ),
    rule(
        "request-body-made-optional",
        is(Compatible, "it may still be sent"),
        goes_on("the generated client always sends it"),
    ),
    rule("request-media-type-added", is(Compatible, "the one of before is still taken"), SAME),
    rule("request-media-type-removed", is(Breaking, "clients built before may send it"), SAME),
    rule(
        "request-media-type-changed",
        is(Breaking, "clients built before send the old one"),
        breaks("body() may take another type"),
    ),
    rule(
        "success-answer-added",
        is(Breaking, "clients built before take an undocumented success for an error"),
        goes_on("another status is a success"),
    ),
    rule("success-answer-removed", is(Compatible, "it does not come any more"), goes_on("it becomes an error")),
    rule(
        "error-answer-added",
        is(Compatible, "any status that is no success is an Error already"),
        goes_on("the error's type stays"),
    ),
    rule(
        "error-answer-removed",
        is(Compatible, "any status that is no success is an Error anyway"),
        goes_on("the error's type stays"),
    ),
    rule("answer-body-added", is(Compatible, "clients built before ignore it"), breaks("the answer has a type")),
    rule("answer-body-removed", is(Breaking, "clients built before want to read it"), breaks("the answer is ()")),
    rule("answer-media-type-added", is(Breaking, "clients built before cannot read it"), SAME),
    rule("answer-media-type-removed", is(Compatible, "the others stay"), SAME),
    rule(
        "answer-media-type-changed",
        is(Breaking, "clients built before cannot read it"),
        breaks("the answer may have another type"),
    ),
    rule("encoding-changed", is(DocumentationOnly, "nothing reads an encoding of its own"), SAME),
    rule("answer-header-added", is(Compatible, "it may be ignored"), SAME),
    rule("answer-header-removed", is(Breaking, "clients built before may look for it"), SAME),
    rule("answer-header-changed", is(Breaking, "clients built before may read it otherwise"), SAME),
];

const SCHEMAS: &[Rule] = &[
    rule("schema-changed", Other, breaks("the type may become another")),
    rule("schema-stated", Narrower, breaks("a type takes the place of any value")),
    rule("schema-dropped", Wider, breaks("any value takes the place of a type")),
    rule("reference-changed", is(DocumentationOnly, "what differs in the values is told apart"), Type),
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
    rule(
        "enum-value-added",
        Wider,
        breaks("the enum has a variant more, and is not non_exhaustive: match must name it"),
    ),
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
    rule("default-added", is(Compatible, "what is left out was taken for something before, too"), Type),
    rule("default-removed", is(Compatible, "what is left out is still taken for something"), Type),
    rule("default-changed", is(Breaking, "what is left out means something else"), Type),
    rule("title-changed", WORDS, COMMENT),
    rule("made-read-only", Sent(&Narrower), SAME),
    rule("no-longer-read-only", Sent(&Wider), SAME),
    rule("made-write-only", Answered(&Wider), SAME),
    rule("no-longer-write-only", Answered(&Narrower), SAME),
    rule("discriminator-changed", Other, SAME),
    rule("not-changed", Other, breaks("the type may become another")),
    rule("variant-added", Wider, breaks("the enum has a variant more, and is not non_exhaustive: match must name it")),
    rule("variant-removed", Narrower, breaks("the variant is gone")),
    rule(
        "variants-reordered",
        WORDS,
        breaks("the variants are named and tried in this order: an answer may become another one"),
    ),
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
        is(Compatible, "it may be left out, and clients built before ignore it"),
        goes_on("a field more: builders and readers go on, only a struct literal or a pattern without `..` minds"),
    ),
    rule(
        "required-property-added",
        Narrower,
        Role(
            (Breaking, "the builder answers with an error until it is set"),
            (Compatible, "a field more: readers go on, only a pattern without `..` minds"),
        ),
    ),
    rule("unexpected-property-added", Wider, goes_on("a field more")),
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
        Role((Breaking, "the builder answers with an error where it is not set"), (Compatible, "the Rust type stays")),
    ),
    rule("property-made-optional", Wider, Type),
];
