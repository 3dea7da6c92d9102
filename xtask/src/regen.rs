//! `cargo xtask regen`: the spec has changed; what becomes of it is checked, built, and laid out for a reviewer.
//!
//! The client is generated anew with every build and never kept. What is kept, in `tests/snapshots/`, is a copy of it
//! that nothing compiles: there a change of the spec, or of progenitor, shows what it does to the code.

use std::fs;
use std::path::{Path, PathBuf};

use similar::{ChangeTag, TextDiff};

use crate::{Misuse, Result, generator::Output, spec, workspace};

/// How many unchanged lines stand around a change.
const CONTEXT: usize = 3;

/// With `--check` nothing is written, and a copy that is not up to date is an error.
pub(crate) fn run(arguments: &[String]) -> Result {
    let is_check = match arguments {
        [] => false,
        [argument] if argument == "--check" => true,
        [argument, ..] => return Err(Misuse(format!("`{argument}` is not understood")).into()),
    };
    let output = spec::generate()?;
    if !is_check {
        build()?;
    }
    let stale = refresh(&snapshots(), &output, !is_check)?;
    match (stale, is_check) {
        (false, _) => println!("tests/snapshots is up to date"),
        (true, true) => {
            return Err("tests/snapshots is stale: run `cargo xtask regen` and commit what it writes".into());
        }
        (true, false) => println!("tests/snapshots is refreshed: look at the change, and commit it with openapi.yaml"),
    }
    Ok(())
}

fn snapshots() -> PathBuf {
    workspace::root().join("tests").join("snapshots")
}

/// Tells what differs from the copy in this folder, and writes it if it is to. Whether anything differs.
fn refresh(folder: &Path, output: &Output, is_written: bool) -> Result<bool> {
    let mut is_stale = false;
    for (name, code) in [("client.rs", &output.client), ("operations.rs", &output.operations)] {
        let fresh = formatted(code).map_err(|error| format!("{name}: what was generated is not Rust: {error}"))?;
        let path = folder.join(name);
        let kept = fs::read_to_string(&path).unwrap_or_default();
        if kept == fresh {
            continue;
        }
        is_stale = true;
        print!("{}", told(name, &kept, &fresh));
        if is_written {
            fs::create_dir_all(folder)?;
            fs::write(&path, fresh).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(is_stale)
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
    format!("{patch}tests/snapshots/{name}: {added} lines added, {removed} removed\n\n")
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
        assert!(refresh(folder, &output("first"), true).unwrap());
        assert!(!refresh(folder, &output("first"), false).unwrap());
        assert!(refresh(folder, &output("second"), false).unwrap(), "a change is seen");
        assert!(fs::read_to_string(folder.join("client.rs")).unwrap().contains("pub fn first() {}"), "but not written");

        let patch = told("client.rs", "pub fn first() {}\n", "pub fn second() {}\n");
        assert!(patch.contains("-pub fn first() {}\n+pub fn second() {}\n"), "{patch}");
        assert!(patch.contains("1 lines added, 1 removed"), "{patch}");
    }
}
