//! `cargo xtask prose`: checks the documents.
//!
//! README and ARCHITECTURE have a maximum length, and with the guide a maximum of words. typos checks the spelling and finds the words that `typos.toml`
//! retires. rumdl checks links between files and their anchors; it does not use the network.

use std::fs;
use std::time::Duration;

use crate::python::Python;
use crate::{Result, process, workspace};

/// Maximum lengths in lines.
const LIMITS: [(&str, usize); 2] = [("README.md", 200), ("ARCHITECTURE.md", 150)];
/// Anchors, references without a target, and relative links.
const RULES: &str = "MD051,MD052,MD057";
/// Of the README, the map and the guide together.
const MOST_WORDS: usize = 12_000;
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments) -> Result {
    for (name, limit) in LIMITS {
        check_length(name, limit)?;
    }
    check_words()?;
    let work = workspace::target()?.join("prose");
    fs::create_dir_all(&work)?;
    let python = Python::prepare(&workspace::root().join("xtask").join("prose"), &work, "rumdl")?;
    let mut typos = python.program("typos", "");
    process::run_visibly("typos", typos.current_dir(workspace::root()), LIMIT)?;
    let mut rumdl = python.program("rumdl", "");
    rumdl.args(["check", "--isolated", "--no-cache", "--enable", RULES, "."]);
    process::run_visibly("rumdl", rumdl.current_dir(workspace::root()), LIMIT)?;
    println!("spelling, links and lengths of the documents are correct");
    Ok(())
}

/// Counts the words of the README, the map and the guide, programs included. A bar of a table is no word.
fn check_words() -> Result {
    let root = workspace::root();
    let pages = fs::read_dir(root.join("docs/guide"))?.map(|page| Ok(page?.path()));
    let pages: Vec<_> = pages.collect::<Result<_>>()?;
    let mut words = 0;
    for page in pages.into_iter().chain(LIMITS.map(|(name, _)| root.join(name))) {
        let text = fs::read_to_string(page)?;
        words += text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
    }
    if words > MOST_WORDS {
        return Err(format!(
            "README.md, ARCHITECTURE.md and docs/guide/ have {words} words, the limit is {MOST_WORDS}"
        )
        .into());
    }
    println!("README.md, ARCHITECTURE.md and docs/guide/ have {words} words");
    Ok(())
}

fn check_length(name: &str, limit: usize) -> Result {
    let lines = fs::read_to_string(workspace::root().join(name))?.lines().count();
    if lines > limit {
        return Err(format!("{name} has {lines} lines, the limit is {limit}: move text into docs/guide/").into());
    }
    Ok(())
}
