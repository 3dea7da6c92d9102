//! Changes of info, servers, security schemes and components.

use super::{Edit, changes, hold, hold_edits, plain};
use thingspace_codegen::Place;

pub(super) const EDITS: &[Edit] = &[
    ("openapi: 3.0.3", "openapi: 3.0.4", &["openapi-version-changed D D"], &["openapi-version-changed D D"]),
    ("title: Things", "title: Other things", &["info-changed D D"], &["info-changed D D"]),
    ("version: 1.0.0", "version: 1.1.0", &["api-version-changed C C"], &["api-version-changed C C"]),
    ("All of them.", "Some of them.", &["description-changed D D"], &["description-changed D D"]),
    ("paths:", "x-owner: me\npaths:", &["extension-changed D D"], &["extension-changed D D"]),
    ("paths:", "nobody: knows\npaths:", &["unclassified B B"], &["unclassified B B"]),
    (
        "paths:",
        "externalDocs: {url: https://example.com}\npaths:",
        &["external-docs-changed D D"],
        &["external-docs-changed D D"],
    ),
    (
        "\n  - {url: https://mock.example.com/v1, x-environment: mock}",
        "",
        &["environment-removed B B"],
        &["environment-added C C"],
    ),
    ("x-environment: mock", "x-environment: test", &["environment-renamed D B"], &["environment-renamed D B"]),
    (
        "https://mock.example.com/v1",
        "https://mock.example.com/v2",
        &["server-url-changed B C"],
        &["server-url-changed B C"],
    ),
    (
        "servers:",
        "servers:\n  - {url: https://new.example.com, x-environment: new}",
        &["environment-added C C", "default-environment-changed C B"],
        &["environment-removed B B", "default-environment-changed C B"],
    ),
    ("example.com/v1/token", "example.com/v1/tokens", &["token-url-changed B C"], &["token-url-changed B C"]),
    ("name: Session-Token", "name: Other-Token", &["session-header-renamed B C"], &["session-header-renamed B C"]),
    ("scopes: {}", "scopes: {all: All.}", &["scopes-changed D D"], &["scopes-changed D D"]),
    (
        "scopes: {}",
        "refreshUrl: https://example.com, scopes: {}",
        &["security-scheme-changed B D"],
        &["security-scheme-changed B D"],
    ),
    ("  schemas:", "  schemas:\n    More: {type: integer}", &["schema-added C C"], &["schema-removed D B"]),
    (
        "  responses:\n    Thing:",
        "  responses:\n    More: {description: More.}\n    Thing:",
        &["component-added D D"],
        &["component-removed D D"],
    ),
];

#[test]
fn changes_outside_of_operations() {
    hold_edits(EDITS);
}

/// Edits that replace every occurrence.
pub(super) const RENAMES: &[Edit] = &[
    ("Answered", "Thing", &["schema-renamed D B"], &["schema-renamed D B"]),
    ("oauth:", "oauth2:", &["security-scheme-renamed D D"], &["security-scheme-renamed D D"]),
    ("id", "thing", &["path-parameter-renamed D B"], &["path-parameter-renamed D B"]),
    ("session", "login", &["security-scheme-renamed D D"], &["security-scheme-renamed D D"]),
];

#[test]
fn a_rename_is_not_a_change_of_contents() {
    for (before, after, there, back) in RENAMES {
        hold(&plain(), &plain().replace(before, after), there, back);
    }
}

#[test]
fn a_change_has_the_place_of_the_changed_word() {
    let base = plain();
    let change = changes(&base, &base.replace("title: Things", "title: Others")).remove(0);
    assert_eq!(change.now, Some(Place { line: 2, column: 15 }));
    assert_eq!(change.base, Some(Place { line: 2, column: 15 }));
    let gone = changes(&base, &base.replace("      summary: Show a thing.\n", "")).remove(0);
    assert_eq!((gone.base, gone.now), (Some(Place { line: 10, column: 7 }), None));
}
