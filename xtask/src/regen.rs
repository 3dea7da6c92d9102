//! `cargo xtask regen`: the spec has changed; what becomes of it is checked, built, and laid out for a reviewer.
//!
//! The client is generated anew with every build and never kept. What is kept, in `tests/snapshots/`, is a copy of it
//! that nothing compiles: there a change of the spec, or of progenitor, shows what it does to the code.

use std::fs;
use std::path::{Path, PathBuf};

use similar::{ChangeTag, TextDiff};
use thingspace_codegen::Output;

use crate::{Result, spec, workspace};

/// How many unchanged lines stand around a change.
const CONTEXT: usize = 3;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Build and write nothing; fail if the copy is stale
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    let is_check = arguments.check;
    let output = spec::generate()?;
    if !is_check {
        build()?;
    }
    let stale = refresh(&snapshots(), &output, !is_check)?;
    match (stale.as_slice(), is_check) {
        ([], _) => println!("tests/snapshots: client.rs and operations.rs are up to date with openapi.yaml"),
        (stale, true) => {
            let verb = if stale.len() == 1 { "is" } else { "are" };
            let stale = stale.join(" and ");
            return Err(format!("{stale} {verb} stale: run `cargo xtask regen`, and commit what it writes").into());
        }
        (stale, false) => {
            println!("refreshed {}: look at the change, and commit it with openapi.yaml", stale.join(" and "));
        }
    }
    Ok(())
}

fn snapshots() -> PathBuf {
    workspace::root().join("tests").join("snapshots")
}

/// Tells what differs from the copy in this folder, and writes it if it is to. The files that differ.
fn refresh(folder: &Path, output: &Output, is_written: bool) -> Result<Vec<String>> {
    let mut stale = Vec::new();
    for (name, code) in [("client.rs", &output.client), ("operations.rs", &output.operations)] {
        let fresh = formatted(code).map_err(|error| format!("{name}: what was generated is not Rust: {error}"))?;
        let path = folder.join(name);
        let kept = fs::read_to_string(&path).unwrap_or_default();
        if kept == fresh {
            continue;
        }
        stale.push(format!("tests/snapshots/{name}"));
        print!("{}", told(name, &kept, &fresh));
        if is_written {
            fs::create_dir_all(folder)?;
            fs::write(&path, fresh).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(stale)
}

/// As people write it.
fn formatted(code: &str) -> std::result::Result<String, syn::Error> {
    let file = syn::parse_file(code)?;
    Ok(format!(
        "// Generated from openapi.yaml by `cargo xtask regen`. Nothing compiles this copy.\n\n{}",
        prettyplease::unparse(&file)
    ))
}

/// The difference as a patch, with a count. A copy that is new has none to show.
fn told(name: &str, kept: &str, fresh: &str) -> String {
    let diff = TextDiff::from_lines(kept, fresh);
    let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    let (added, removed) = (count(ChangeTag::Insert), count(ChangeTag::Delete));
    let (old, new) = (format!("a/tests/snapshots/{name}"), format!("b/tests/snapshots/{name}"));
    let patch = diff.unified_diff().context_radius(CONTEXT).header(&old, &new).to_string();
    let patch = if kept.is_empty() { String::new() } else { patch };
    format!("{patch}tests/snapshots/{name}: lines added: {added}, removed: {removed}\n\n")
}

fn build() -> Result {
    let status = workspace::cargo().args(["build", "--package", "thingspace-session"]).status()?;
    if status.success() { Ok(()) } else { Err("the generated client does not build with src/ as it is".into()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_is_not_up_to_date_is_told_with_a_patch_and_refreshed_on_demand() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let output = |name: &str| Output { client: format!("pub fn {name} ( ) {{ }}"), operations: String::new() };
        let (client, operations) = ("tests/snapshots/client.rs", "tests/snapshots/operations.rs");
        assert_eq!(refresh(folder, &output("first"), true).unwrap(), [client, operations]);
        assert_eq!(refresh(folder, &output("first"), false).unwrap(), [""; 0]);
        assert_eq!(refresh(folder, &output("second"), false).unwrap(), [client], "a change is seen");
        assert!(fs::read_to_string(folder.join("client.rs")).unwrap().contains("pub fn first() {}"), "but not written");

        let patch = told("client.rs", "pub fn first() {}\n", "pub fn second() {}\n");
        assert!(patch.contains("-pub fn first() {}\n+pub fn second() {}\n"), "{patch}");
        assert!(patch.contains("lines added: 1, removed: 1"), "{patch}");
    }
}
