//! `openapi.yaml` -> `$OUT_DIR/client.rs` and `$OUT_DIR/operations.rs`.
//!
//! The first is progenitor's client; the second holds what progenitor leaves out: which credentials an operation
//! needs, whether it may be sent twice, the servers. Both come from one parsed document. A document that cannot be
//! turned into a client ends the build with one line that says what to change.

#[path = "build/adapt.rs"]
mod adapt;
#[path = "build/generate.rs"]
mod generate;
#[path = "build/load.rs"]
mod load;
#[path = "build/operations.rs"]
mod operations;

use std::{env, fs, path::Path};

/// The contract, beside this file.
const SPEC: &str = "openapi.yaml";

fn main() {
    println!("cargo::rerun-if-changed={SPEC}");
    if let Err(reason) = run() {
        // One line, whatever the reason is made of: cargo ends an error at the first line break.
        let line = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        println!("cargo::error={SPEC}: {line}");
    }
}

fn run() -> Result<(), String> {
    let out = env::var_os("OUT_DIR").ok_or("cargo has set no OUT_DIR: build this crate with cargo")?;
    let text = fs::read_to_string(SPEC).map_err(|error| format!("cannot be read: {error}"))?;
    let mut document = load::document(&text)?;
    adapt::adapt(&mut document)?;
    let spec = load::typed(&document)?;
    let client = generate::client(&spec)?;
    let operations = operations::table(&document, &spec, &client)?;
    write_if_changed(&Path::new(&out).join("client.rs"), &prettyplease::unparse(&client))?;
    write_if_changed(&Path::new(&out).join("operations.rs"), &prettyplease::unparse(&operations))
}

/// An unchanged file keeps its date, so that nothing is compiled again because of it.
fn write_if_changed(path: &Path, text: &str) -> Result<(), String> {
    if fs::read_to_string(path).is_ok_and(|current| current == text) {
        return Ok(());
    }
    fs::write(path, text).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}
