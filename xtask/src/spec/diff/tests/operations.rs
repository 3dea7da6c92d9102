//! Changes of operations, parameters, bodies and responses.

use super::{Edit, changes, hold, hold_edits, plain};

const SECURITY: &str = "security: [{oauth: [], session: []}]";
const LIMIT: &str = "\n        - {name: limit, in: query, schema: {type: integer}}";
const BODY: &str =
    "requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Sent'}}}}";
const THING: &str = "content: {application/json: {schema: {$ref: '#/components/schemas/Answered'}}}";

pub(super) const EDITS: &[Edit] = &[
    ("summary: Show a thing.", "summary: Show.", &["summary-changed D D"], &["summary-changed D D"]),
    ("tags: [Things]", "tags: [Things, All]", &["tags-changed D D"], &["tags-changed D D"]),
    ("tags: [Things]", "tags: [Things]\n      deprecated: true", &["deprecated D D"], &["no-longer-deprecated D D"]),
    ("tags: [Things]", "tags: [Things]\n      callbacks: {}", &["callbacks-changed D D"], &["callbacks-changed D D"]),
    (
        "tags: [Things]",
        "tags: [Things]\n      servers: [{url: https://example.com}]",
        &["operation-servers-changed D D"],
        &["operation-servers-changed D D"],
    ),
    (
        "  /things:\n",
        "  /more:\n    get: {operationId: more, security: [], responses: {'200': {description: More.}}}\n  /things:\n",
        &["operation-added C C"],
        &["operation-removed B B"],
    ),
    ("showThing", "getThing", &["operation-renamed D B"], &["operation-renamed D B"]),
    ("  /things:", "  /objects:", &["path-changed B C"], &["path-changed B C"]),
    ("    post:", "    put:", &["method-changed B C"], &["method-changed B C"]),
    (SECURITY, "security: [{oauth: []}]", &["session-token-dropped C C"], &["session-token-required B C"]),
    (SECURITY, "security: [{session: []}]", &["access-token-dropped C C"], &["access-token-required B C"]),
    (SECURITY, "security: [{unknown: []}]", &["security-changed B C"], &["security-changed B C"]),
    // The client takes the first alternative.
    (
        SECURITY,
        "security: [{oauth: []}, {session: []}]",
        &["session-token-dropped C C"],
        &["session-token-required B C"],
    ),
    ("if-not-processed", "always", &["retry-widened C C"], &["retry-narrowed B C"]),
    ("if-not-processed", "if-not-sent", &["retry-narrowed B C"], &["retry-widened C C"]),
    (LIMIT, "", &["parameter-removed B B"], &["optional-parameter-added C C"]),
    (
        "limit, in: query",
        "limit, required: true, in: query",
        &["parameter-made-required B B"],
        &["parameter-made-optional C C"],
    ),
    ("X-Trace", "x-trace", &["header-respelled D D"], &["header-respelled D D"]),
    ("X-Trace", "X-TRaCE", &["header-respelled D B"], &["header-respelled D B"]),
    ("limit, in: query", "limit, in: header", &["parameter-moved B C"], &["parameter-moved B C"]),
    (
        "limit, in: query",
        "limit, explode: false, in: query",
        &["parameter-style-changed B D"],
        &["parameter-style-changed B D"],
    ),
    ("limit, in: query", "limit, example: 3, in: query", &["example-changed D D"], &["example-changed D D"]),
    (
        LIMIT,
        "\n        - {name: limit, in: query, schema: {type: integer}}\n        - {name: from, in: query, required: true, schema: {type: integer}}",
        &["required-parameter-added B B"],
        &["parameter-removed B B"],
    ),
    (
        LIMIT,
        "\n        - {name: limit, in: query, schema: {type: string}}",
        &["type-changed B B"],
        &["type-changed B B"],
    ),
    (
        BODY,
        "x-none: 1",
        &["request-body-removed B B", "extension-changed D D"],
        &["required-body-added B B", "extension-changed D D"],
    ),
    (
        "      responses:\n        '200'",
        "      requestBody: {content: {text/plain: {schema: {type: string}}}}\n      responses:\n        '200'",
        &["optional-body-added C B"],
        &["request-body-removed B B"],
    ),
    (
        "{required: true, content",
        "{required: false, content",
        &["request-body-made-optional C C"],
        &["request-body-made-required B C"],
    ),
    (
        "true, content: {application/json:",
        "true, content: {text/plain: {schema: {type: string}}, application/json:",
        &["request-media-type-added C D"],
        &["request-media-type-removed B D"],
    ),
    (
        "true, content: {application/json:",
        "true, content: {application/x-www-form-urlencoded:",
        &["request-media-type-changed B B"],
        &["request-media-type-changed B B"],
    ),
    (
        "true, content: {application/json: {",
        "true, content: {application/json: {encoding: {}, ",
        &["encoding-changed D D"],
        &["encoding-changed D D"],
    ),
    (
        "        '201':",
        "        '202': {description: Later.}\n        '201':",
        &["success-answer-added B C"],
        &["success-answer-removed C C"],
    ),
    (
        "        '201':",
        "        '429': {description: Later.}\n        '201':",
        &["error-answer-added C C"],
        &["error-answer-removed C C"],
    ),
    (
        "        '201':",
        "        '429': {description: Later., content: {application/json: {schema: {type: string}}}}\n        '201':",
        &["error-answer-added C B"],
        &["error-answer-removed C B"],
    ),
    (
        "{description: Made.}",
        "{description: Made., content: {application/json: {schema: {type: string}}}}",
        &["answer-body-added C B"],
        &["answer-body-removed B B"],
    ),
    ("{description: Made.}", "{description: Made., links: {}}", &["links-changed D D"], &["links-changed D D"]),
    (
        THING,
        "content: {text/plain: {schema: {$ref: '#/components/schemas/Answered'}}}",
        &["answer-media-type-changed B B"],
        &["answer-media-type-changed B B"],
    ),
    (
        THING,
        "content: {text/plain: {}, application/json: {schema: {$ref: '#/components/schemas/Answered'}}}",
        &["answer-media-type-added B D"],
        &["answer-media-type-removed C D"],
    ),
    (
        "headers: {Trace:",
        "headers: {Span: {schema: {type: string}}, Trace:",
        &["answer-header-added C D"],
        &["answer-header-removed B D"],
    ),
    (
        "headers: {Trace: {schema: {type: string}}}",
        "headers: {Trace: {schema: {type: integer}}}",
        &["answer-header-changed B D"],
        &["answer-header-changed B D"],
    ),
    ("description: A thing.", "description: One thing.", &["description-changed D D"], &["description-changed D D"]),
    (
        "schema: {$ref: '#/components/schemas/Sent'}",
        "schema: {$ref: '#/components/schemas/Error'}",
        &["reference-changed D B", "optional-property-removed B B"],
        &["reference-changed D B", "optional-property-removed B B"],
    ),
    ("/things/{id}:", "/things/{id}:\n    summary: One.", &["summary-changed D D"], &["summary-changed D D"]),
    (
        "schema: {$ref: '#/components/schemas/Sent'}",
        "x-a: 1",
        &["schema-dropped C B", "extension-changed D D"],
        &["schema-stated B B", "extension-changed D D"],
    ),
];

#[test]
fn changes_of_operations() {
    hold_edits(EDITS);
}

#[test]
fn a_shared_part_is_reported_once() {
    let base = plain().replace("{description: Made.}", "{$ref: '#/components/responses/Thing'}");
    let now = base.replace("description: A thing.", "description: One thing.");
    assert_eq!(changes(&base, &now).len(), 1);
}

#[test]
fn a_parameter_may_be_written_at_the_path_or_at_the_operation() {
    let base = plain();
    let id = "        - {name: id, in: path, required: true, schema: {type: string}}\n";
    let now = base.replace(id, "").replace("    get:", &format!("    parameters:\n{id}    get:"));
    assert_eq!(changes(&base, &now).len(), 0);
}

#[test]
fn one_change_of_several_operations_is_reported_for_each() {
    let base = plain().replace("paths:", "security: [{oauth: []}]\npaths:");
    let base = base.replace("      security: [{oauth: []}]\n", "").replace(&format!("      {SECURITY}\n"), "");
    let now = base.replace("security: [{oauth: []}]", SECURITY);
    let lines: Vec<_> =
        changes(&base, &now).iter().map(|change| format!("{} {}", change.rule.name, change.message)).collect();
    assert_eq!(lines.iter().filter(|line| line.starts_with("session-token-required")).count(), 2, "{lines:?}");
}

#[test]
fn a_new_id_and_a_new_path_make_another_operation() {
    let base = plain();
    let now = base.replace("showThing", "showOne").replace("/things/{id}", "/ones/{id}");
    hold(
        &base,
        &now,
        &["operation-added C C", "operation-removed B B"],
        &["operation-added C C", "operation-removed B B"],
    );
}

#[test]
fn unused_shared_parts_are_compared_too() {
    let shared = "  parameters:\n    Page: {name: page, in: query, schema: {type: integer}}\n  headers:\n    Page: {schema: {type: integer}}\n  requestBodies:\n    Page: {content: {application/json: {schema: {type: integer}}}}\n  schemas:";
    let base = plain().replace("  schemas:", shared);
    let now = base
        .replace("schema: {type: integer}}\n", "schema: {type: boolean}}\n")
        .replace("{schema: {type: integer}}}", "{schema: {type: boolean}}}");
    hold(
        &base,
        &now,
        &["type-changed B B", "answer-header-changed B D"],
        &["type-changed B B", "answer-header-changed B D"],
    );
}
