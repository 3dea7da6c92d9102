//! Tests every kind of change in both directions, and the report of it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod documents;
mod facade;
mod forms;
mod generated;
mod oddities;
mod operations;
mod release;
mod revisions;
mod schemas;

use std::collections::BTreeSet;

use super::{
    change::{Change, Class},
    compare::compare,
    rules,
};
use thingspace_codegen::load::{self, Node};

/// The default contents of `SENT` and `ANSWERED`.
const PLAIN: &str = "{type: string}";

/// A small API. Requests contain the schema Sent, responses the schema Answered.
const DOCUMENT: &str = "openapi: 3.0.3
info: {title: Things, version: 1.0.0, description: All of them.}
servers:
  - {url: https://api.example.com/v1, x-environment: production, description: Production.}
  - {url: https://mock.example.com/v1, x-environment: mock}
paths:
  /things/{id}:
    get:
      operationId: showThing
      summary: Show a thing.
      tags: [Things]
      security: [{oauth: []}]
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: limit, in: query, schema: {type: integer}}
        - {name: X-Trace, in: header, schema: {type: string}}
      responses:
        '200': {$ref: '#/components/responses/Thing'}
        '400': {description: Refused., content: {application/json: {schema: {$ref: '#/components/schemas/Error'}}}}
  /things:
    post:
      operationId: makeThing
      security: [{oauth: [], session: []}]
      x-retry: if-not-processed
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Sent'}}}}
      responses:
        '201': {description: Made.}
        '400': {description: Refused., content: {application/json: {schema: {$ref: '#/components/schemas/Error'}}}}
components:
  securitySchemes:
    oauth: {type: oauth2, flows: {clientCredentials: {tokenUrl: https://api.example.com/v1/token, scopes: {}}}}
    session: {type: apiKey, in: header, name: Session-Token}
  responses:
    Thing:
      description: A thing.
      headers: {Trace: {schema: {type: string}}}
      content: {application/json: {schema: {$ref: '#/components/schemas/Answered'}}}
  schemas:
    Sent: {type: object, properties: {probe: SENT}}
    Answered: {type: object, properties: {probe: ANSWERED}}
    Error: {type: object, properties: {code: {type: string}}}
";

fn document(sent: &str, answered: &str) -> String {
    DOCUMENT.replace("SENT", sent).replace("ANSWERED", answered)
}

fn plain() -> String {
    document(PLAIN, PLAIN)
}

fn node(text: &str) -> Node {
    let mut findings = Vec::new();
    let node = load::read(text, &mut findings);
    assert!(findings.is_empty(), "{findings:?} in\n{text}");
    node.unwrap()
}

fn changes(base: &str, now: &str) -> Vec<Change> {
    compare(&node(base), &node(now))
}

fn letter(class: Class) -> &'static str {
    match class {
        Class::DocumentationOnly => "D",
        Class::Compatible => "C",
        Class::Breaking => "B",
    }
}

/// `kind wire rust`, with the first letters of the classes.
fn reported(base: &str, now: &str) -> BTreeSet<String> {
    let line = |change: &Change| {
        format!("{} {} {}", change.rule.name, letter(change.wire().class), letter(change.rust().class))
    };
    changes(base, now).iter().map(line).collect()
}

/// The text, its replacement, and the changes reported in this direction and in the other.
type Edit = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

fn hold(base: &str, now: &str, there: &[&str], back: &[&str]) {
    let set = |lines: &[&str]| lines.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    assert_ne!(base, now);
    assert_eq!(reported(base, now), set(there), "{:#?}", changes(base, now));
    assert_eq!(reported(now, base), set(back), "{:#?}", changes(now, base));
}

fn hold_edits(edits: &[Edit]) {
    for (before, after, there, back) in edits {
        let base = plain();
        assert!(base.contains(before), "{before}");
        hold(&base, &base.replacen(before, after, 1), there, back);
    }
}

#[test]
fn every_kind_has_a_test() {
    let lines: String = [documents::EDITS, documents::RENAMES, operations::EDITS]
        .into_iter()
        .flatten()
        .flat_map(|(_, _, there, back)| there.iter().chain(*back))
        .map(|line| format!("{line}\n"))
        .chain(schemas::PROBES.iter().map(|probe| format!("{} -\n{} -\n", probe.2.0, probe.3.0)))
        .collect();
    let tested: BTreeSet<&str> = lines.lines().filter_map(|line| line.split(' ').next()).collect();
    let rules: BTreeSet<&str> = rules::TABLES.iter().flat_map(|table| table.iter()).map(|rule| rule.name).collect();
    assert_eq!(rules.difference(&tested).collect::<Vec<_>>(), Vec::<&&str>::new(), "kinds without a test");
    assert_eq!(tested.difference(&rules).collect::<Vec<_>>(), [&"unclassified"], "tests of unknown kinds");
}

#[test]
fn a_kind_has_one_rule() {
    let rules: Vec<&str> = rules::TABLES.iter().flat_map(|table| table.iter()).map(|rule| rule.name).collect();
    assert_eq!(rules.len(), rules.iter().collect::<BTreeSet<_>>().len());
}
