//! The three output formats: lines, JSON and Markdown.

use super::{
    super::{base::Release, bump::Demand, show::Report},
    changes, plain,
};

/// The same changes as lines, as JSON and as Markdown.
fn printed() -> [String; 3] {
    let base = plain();
    let now = base.replace("showThing", "get|<Thing>").replace("      summary: Show a thing.\n", "");
    let changes = changes(&base, &now);
    let release = |version: &str| Release {
        manifest: format!("[workspace.package]\nversion = \"{version}\"\n"),
        changelog: "## [0.1.0]\n".to_owned(),
    };
    let worst = changes.iter().map(super::Change::class).max();
    let demand = Demand::of(worst, Some(&release("0.1.0")), &release("0.1.0"));
    let report = Report { base: "HEAD:openapi.yaml", now: "openapi.yaml", changes: &changes, demand: &demand };
    [report.text(), report.json().to_string(), report.markdown()]
}

#[test]
fn a_line_has_place_class_kind_and_reasons() {
    let [text, ..] = printed();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "openapi.yaml:9:20: breaking[operation-renamed]: get|<Thing> has operationId \"get|<Thing>\", which was \"showThing\"",
            "  wire: documentation-only: requests and responses stay the same",
            "  rust: breaking: the method has another name",
            "HEAD:openapi.yaml:10:7: documentation-only[summary-changed]: get|<Thing> no longer has summary",
            "  wire: documentation-only: requests and responses stay the same",
            "  rust: documentation-only: only doc comments change",
            "1 breaking, 0 compatible, 1 documentation-only",
            "requires a minor bump: 0.2.0 or later, after 0.1.0",
            "Cargo.toml: 0.1.0 is too low; write 0.2.0",
            "CHANGELOG.md: has no new entry; write one under \"Unreleased\"",
        ]
    );
}

#[test]
fn json_has_every_part_of_the_report() {
    let [_, json, _] = printed();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let [renamed, gone] = [0, 1].map(|at| json["changes"][at].clone());
    assert_eq!(renamed["kind"], "operation-renamed");
    assert_eq!(renamed["class"], "breaking");
    assert_eq!(renamed["wire"]["class"], "documentation-only");
    assert_eq!(renamed["rust"]["reason"], "the method has another name");
    assert!(renamed["message"].as_str().unwrap().contains("showThing"));
    let place = |file: &str| serde_json::json!({ "file": file, "line": 9, "column": 20 });
    assert_eq!((&renamed["base"], &renamed["now"]), (&place("HEAD:openapi.yaml"), &place("openapi.yaml")));
    assert_eq!((&gone["base"]["line"], &gone["now"]), (&10.into(), &serde_json::Value::Null));
    let release = serde_json::json!({
        "bump": "minor", "from": "0.1.0", "least": "0.2.0", "version": "0.1.0", "bumped": false, "logged": false,
    });
    assert_eq!(json["release"], release);
}

#[test]
fn markdown_is_a_table_even_with_names_that_hold_markup() {
    let [.., text] = printed();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 4, "{text}");
    for row in &rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 6, "{row}");
    }
    assert!(rows[2].starts_with("| **breaking** | `operation-renamed`: get\\|&lt;Thing> has"), "{}", rows[2]);
    assert!(text.contains("\n- requires a minor bump: 0.2.0"), "{text}");
}
