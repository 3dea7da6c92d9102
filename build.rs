//! `openapi.yaml` -> `client.rs`, progenitor's client, and `operations.rs`, what progenitor leaves out: which credentials an
//! operation needs, whether it may be sent twice, the servers.
//!
//! Every error in the document ends the build with its place and what to write instead; a warning is shown. Without the feature `codegen`
//! nothing is generated: the copies in `generated/` are compiled, if they are those of the document.

use std::fs;

const SPEC: &str = "openapi.yaml";

fn main() {
    if let Err(problems) = run() {
        for problem in problems {
            println!("cargo::error={problem}");
        }
    }
}

#[cfg(feature = "codegen")]
fn run() -> Result<(), Vec<String>> {
    use thingspace_codegen::{self as codegen, Finding, Generator, Output};

    // Warnings are shown at once, errors end the build.
    let told = |findings: Vec<Finding>| {
        let (errors, warnings): (Vec<_>, Vec<_>) = findings.into_iter().partition(Finding::is_error);
        warnings.iter().flat_map(|warning| warning.lines(SPEC)).for_each(|line| println!("cargo::warning={line}"));
        errors.iter().flat_map(|error| error.lines(SPEC)).collect::<Vec<_>>()
    };
    // The manifest says which crates there are for what is generated.
    let checked = codegen::check(&read(SPEC)?, &String::from_utf8_lossy(&read("Cargo.toml")?)).map_err(told)?;
    let output = codegen::attempt(&checked.document, |document| {
        let spec = codegen::adapt(document)?;
        let client = Generator::new(&codegen::settings()).generate_tokens(&spec).map_err(|error| error.to_string())?;
        let operations = codegen::operations(document, &spec, &client)?;
        Ok(Output::new(client, operations))
    });
    drop(told(checked.warnings));
    let out = std::env::var_os("OUT_DIR").ok_or("cargo has set no OUT_DIR: build this crate with cargo");
    output.map_err(told)?.write(out.map_err(|error| vec![error.to_owned()])?.as_ref()).map_err(|error| vec![error])
}

#[cfg(not(feature = "codegen"))]
fn run() -> Result<(), Vec<String>> {
    // FNV-1a, whatever the line ends. `cargo xtask regen` writes it into the copies.
    let bytes = read(SPEC)?.into_iter().filter(|byte| *byte != b'\r');
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    for copy in ["generated/client.rs", "generated/operations.rs"] {
        if !String::from_utf8_lossy(&read(copy)?).contains(&format!("openapi.yaml {hash:016x}")) {
            let what = format!("{copy} is not made of {SPEC} as it is");
            return Err(vec![format!("{what}: turn on the feature codegen, or run `cargo xtask regen`")]);
        }
    }
    Ok(())
}

fn read(file: &str) -> Result<Vec<u8>, Vec<String>> {
    println!("cargo::rerun-if-changed={file}");
    fs::read(file).map_err(|error| vec![format!("{file}: cannot be read: {error}")])
}
