//! `cargo xtask spec check`: what it finds, and that nothing makes it fall over.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests"
)]

mod choices;
mod command;
mod credentials;
mod defaults;
mod families;
mod fuzz;
mod growth;
mod harmless;
mod letters;
#[path = "../../../tests/mistakes/mistake.rs"]
mod mistake;
mod mistakes;
mod open;
mod rounds;
mod texts;
mod types;
mod unreadable;
mod words;

use thingspace_codegen::{self as codegen, Finding};

/// What schemas are put behind; it is in the contract once.
const SCHEMAS: &str = "  schemas:\n";
/// What parameters of the logout are put in front of; it is there once, too.
const RETRY: &str = "      x-retry: always\n";

/// What is found in a contract, with the `Cargo.toml` that there is.
fn found(contract: impl AsRef<[u8]>) -> Vec<Finding> {
    codegen::compile(contract.as_ref(), &manifest()).map_or_else(|findings| findings, |compiled| compiled.warnings)
}

fn manifest() -> String {
    std::fs::read_to_string(mistake::folder().join("../../Cargo.toml")).unwrap()
}

/// The same in words.
fn said(contract: impl AsRef<[u8]>) -> String {
    found(contract).iter().flat_map(|finding| finding.lines("openapi.yaml")).map(|line| line + "\n").collect()
}

/// The contract that the tests change.
fn contract() -> String {
    mistake::contract()
}

/// The contract with more schemas in it.
fn with_schemas(schemas: &str) -> String {
    changed(contract(), SCHEMAS, &format!("{SCHEMAS}{schemas}"))
}

/// A contract with one thing in the place of another, which is in it once.
fn changed(contract: impl AsRef<str>, from: &str, to: &str) -> String {
    let contract = contract.as_ref();
    assert_eq!(contract.matches(from).count(), 1, "{from}");
    contract.replace(from, to)
}
