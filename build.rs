//! `openapi.yaml` -> `$OUT_DIR/client.rs`, progenitor's client, and `$OUT_DIR/operations.rs`, what progenitor leaves out:
//! which credentials an operation needs, whether it may be sent twice, the servers.
//!
//! Every mistake in the document ends the build with its place and what to write instead.

use std::{env, fs, path::Path};

use thingspace_codegen::{self as codegen, Finding, Generator, Output};

/// The contract, beside this file.
const SPEC: &str = "openapi.yaml";
/// Which crates there are for what is generated.
const MANIFEST: &str = "Cargo.toml";

fn main() {
    println!("cargo::rerun-if-changed={SPEC}");
    println!("cargo::rerun-if-changed={MANIFEST}");
    if let Err(problems) = run() {
        problems.iter().for_each(|problem| println!("cargo::error={problem}"));
    }
}

fn run() -> Result<(), Vec<String>> {
    let out =
        env::var_os("OUT_DIR").ok_or_else(|| vec!["cargo has set no OUT_DIR: build this crate with cargo".into()])?;
    let read = |file: &str| fs::read(file).map_err(|error| vec![format!("{file}: cannot be read: {error}")]);
    let output = generate(&read(SPEC)?, &String::from_utf8_lossy(&read(MANIFEST)?));
    let output = output.map_err(|findings| findings.iter().flat_map(|it| it.lines(SPEC)).collect::<Vec<_>>())?;
    write(&Path::new(&out).join("client.rs"), &output.client)?;
    write(&Path::new(&out).join("operations.rs"), &output.operations)
}

fn generate(contract: &[u8], manifest: &str) -> Result<Output, Vec<Finding>> {
    let document = codegen::check(contract, manifest)?;
    codegen::attempt(&document, |document| {
        let spec = codegen::adapt(document)?;
        let client = Generator::new(&codegen::settings()).generate_tokens(&spec).map_err(|error| error.to_string())?;
        let operations = codegen::operations(document, &spec, &client)?;
        Ok(Output::new(client, operations))
    })
}

/// An unchanged file keeps its date, so that nothing is compiled again because of it.
fn write(path: &Path, text: &str) -> Result<(), Vec<String>> {
    if fs::read_to_string(path).is_ok_and(|current| current == text) {
        return Ok(());
    }
    fs::write(path, text).map_err(|error| vec![format!("{} cannot be written: {error}", path.display())])
}
