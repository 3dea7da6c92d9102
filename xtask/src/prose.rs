//! `cargo xtask prose`: what a program can check of the documents.
//!
//! README and ARCHITECTURE have a length that a reader gets through. typos checks the spelling and the words that
//! `typos.toml` retires. rumdl checks that links between files, and their anchors, lead somewhere; it asks no network.

use std::fs;
use std::time::Duration;

use crate::python::Python;
use crate::{Result, process, workspace};

/// The documents that have a limit, in lines.
const LIMITS: [(&str, usize); 2] = [("README.md", 200), ("ARCHITECTURE.md", 150)];
/// Anchors, references without a target, and relative links.
const RULES: &str = "MD051,MD052,MD057";
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments) -> Result {
    for (name, limit) in LIMITS {
        check_length(name, limit)?;
    }
    let work = workspace::target()?.join("prose");
    fs::create_dir_all(&work)?;
    let python = Python::prepare(&workspace::root().join("xtask").join("prose"), &work, "rumdl")?;
    let mut typos = python.program("typos", "");
    process::run_in_the_open("typos", typos.current_dir(workspace::root()), LIMIT)?;
    let mut rumdl = python.program("rumdl", "");
    rumdl.args(["check", "--isolated", "--no-cache", "--enable", RULES, "."]);
    process::run_in_the_open("rumdl", rumdl.current_dir(workspace::root()), LIMIT)?;
    println!("the documents are spelt and linked, and as long as they may be");
    Ok(())
}

fn check_length(name: &str, limit: usize) -> Result {
    let lines = fs::read_to_string(workspace::root().join(name))?.lines().count();
    if lines > limit {
        return Err(format!("{name} has {lines} lines, and may have {limit}: move something into docs/guide/").into());
    }
    Ok(())
}
