//! `openapi.yaml` -> `plain.rs`: the client as progenitor generates it without the facade, for comparison.

use std::{env, error::Error, fs, path::Path};

use progenitor::{GenerationSettings, InterfaceStyle};
use thingspace_codegen::{self as codegen, Generator};

const SPEC: &str = "../openapi.yaml";
const MANIFEST: &str = "../Cargo.toml";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={SPEC}");
    println!("cargo::rerun-if-changed={MANIFEST}");
    let checked = codegen::check(&fs::read(SPEC)?, &fs::read_to_string(MANIFEST)?);
    let document = checked.map_err(|_| format!("{SPEC} has errors: build thingspace-session to see them"))?.document;
    let mut settings = GenerationSettings::new();
    settings.with_interface(InterfaceStyle::Builder);
    let client = Generator::new(&settings).generate_tokens(&codegen::adapt(&document)?)?;
    let out = env::var_os("OUT_DIR").ok_or("cargo has set no OUT_DIR")?;
    fs::write(Path::new(&out).join("plain.rs"), client.to_string())?;
    Ok(())
}
