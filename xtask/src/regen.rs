//! `cargo xtask regen`: the spec has changed; what becomes of it is checked, built, and laid out for a reviewer.
//!
//! The client is generated anew with every build and never kept. What is kept, in `tests/snapshots/`, is a copy of it
//! that nothing compiles: there a change of the spec, or of progenitor, shows what it does to the code.

use std::fs;
use std::path::PathBuf;

use similar::{ChangeTag, TextDiff};

use crate::{Misuse, Result, spec, workspace};

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
    let mut stale = 0;
    for (name, code) in [("client.rs", output.client), ("operations.rs", output.operations)] {
        let fresh = formatted(&code).map_err(|error| format!("{name}: what was generated is not Rust: {error}"))?;
        let path = snapshots().join(name);
        let kept = fs::read_to_string(&path).unwrap_or_default();
        if kept != fresh {
            stale += 1;
            tell(name, &kept, &fresh);
            if !is_check {
                fs::create_dir_all(snapshots())?;
                fs::write(&path, fresh).map_err(|error| format!("{}: {error}", path.display()))?;
            }
        }
    }
    match (stale, is_check) {
        (0, _) => println!("tests/snapshots is up to date"),
        (_, true) => return Err("tests/snapshots is stale: run `cargo xtask regen` and commit what it writes".into()),
        (_, false) => {
            println!("tests/snapshots has been refreshed: look at the change, and commit it with openapi.yaml")
        }
    }
    if is_check { Ok(()) } else { build() }
}

fn snapshots() -> PathBuf {
    workspace::root().join("tests").join("snapshots")
}

/// As people write it.
fn formatted(code: &str) -> std::result::Result<String, syn::Error> {
    let file = syn::parse_file(code)?;
    Ok(format!(
        "// Generated from openapi.yaml by `cargo xtask regen`. Nothing compiles this copy.\n\n{}",
        prettyplease::unparse(&file)
    ))
}

fn tell(name: &str, kept: &str, fresh: &str) {
    let diff = TextDiff::from_lines(kept, fresh);
    let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    let (added, removed) = (count(ChangeTag::Insert), count(ChangeTag::Delete));
    if !kept.is_empty() {
        let (old, new) = (format!("a/tests/snapshots/{name}"), format!("b/tests/snapshots/{name}"));
        print!("{}", diff.unified_diff().context_radius(CONTEXT).header(&old, &new));
    }
    println!("tests/snapshots/{name}: {added} lines added, {removed} removed\n");
}

fn build() -> Result {
    let status = workspace::cargo().args(["build", "--package", "thingspace-session"]).status()?;
    if status.success() { Ok(()) } else { Err("the generated client does not build with src/ as it is".into()) }
}
