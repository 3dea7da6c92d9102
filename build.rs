//! `openapi.yaml` -> `$OUT_DIR/client.rs` and `$OUT_DIR/operations.rs`.
//!
//! The first is progenitor's client; the second holds what progenitor leaves out: which credentials an operation
//! needs, whether it may be sent twice, the servers. Both come from one parsed document. Every mistake in it ends the
//! build with its place and what to write instead.

#[path = "build/spec.rs"]
mod spec;

use std::{env, fs, path::Path};

/// The contract, beside this file.
const SPEC: &str = "openapi.yaml";
/// Which crates there are for what is generated.
const MANIFEST: &str = "Cargo.toml";

fn main() {
    println!("cargo::rerun-if-changed={SPEC}");
    println!("cargo::rerun-if-changed={MANIFEST}");
    if let Err(problems) = run() {
        for problem in problems {
            println!("cargo::error={problem}");
        }
    }
}

fn run() -> Result<(), Vec<String>> {
    let out =
        env::var_os("OUT_DIR").ok_or_else(|| vec!["cargo has set no OUT_DIR: build this crate with cargo".into()])?;
    let read = |file: &str| fs::read(file).map_err(|error| vec![format!("{file}: cannot be read: {error}")]);
    let (contract, manifest) = (read(SPEC)?, read(MANIFEST)?);
    let output = spec::compile(&contract, &String::from_utf8_lossy(&manifest));
    let (_, output) =
        output.map_err(|findings| findings.iter().flat_map(|finding| finding.lines(SPEC)).collect::<Vec<_>>())?;
    write_if_changed(&Path::new(&out).join("client.rs"), &output.client)?;
    write_if_changed(&Path::new(&out).join("operations.rs"), &output.operations)
}

/// An unchanged file keeps its date, so that nothing is compiled again because of it.
fn write_if_changed(path: &Path, text: &str) -> Result<(), Vec<String>> {
    if fs::read_to_string(path).is_ok_and(|current| current == text) {
        return Ok(());
    }
    fs::write(path, text).map_err(|error| vec![format!("{} cannot be written: {error}", path.display())])
}
