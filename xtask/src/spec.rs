//! `cargo xtask spec`: what can be said of `openapi.yaml` without building anything.

mod check;
mod diff;

use std::path::{Path, PathBuf};

use crate::{
    Misuse, Result,
    generator::{self, Output},
    workspace,
};

/// The contract.
const SPEC: &str = "openapi.yaml";

/// The first argument says what to do.
pub(crate) fn run(arguments: &[String]) -> Result {
    match arguments.split_first() {
        Some((name, rest)) if name == "check" => check::run(&Arguments::of(rest, &["text", "json"])?),
        Some((name, rest)) if name == "diff" => diff::run(rest),
        Some((name, _)) => Err(Misuse(format!("there is no command `spec {name}`")).into()),
        None => Err(Misuse("spec what?".to_owned()).into()),
    }
}

/// At most one word, and how to say it.
struct Arguments {
    word: Option<String>,
    format: String,
}

impl Arguments {
    /// The first of the formats is the default.
    fn of(arguments: &[String], formats: &[&str]) -> Result<Self> {
        let (mut word, mut format) = (None, None);
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let given = match argument.strip_prefix("--format") {
                Some("") => Some(
                    rest.next()
                        .map(String::as_str)
                        .ok_or_else(|| Misuse(format!("--format wants to know which: {}", formats.join(", "))))?,
                ),
                Some(value) => value.strip_prefix('='),
                None => None,
            };
            match given {
                Some(given) if formats.contains(&given) => format = Some(given.to_owned()),
                Some(given) => {
                    return Err(Misuse(format!("`{given}` is no format: {} are", formats.join(", "))).into());
                }
                None if argument.starts_with('-') || word.is_some() => {
                    return Err(Misuse(format!("`{argument}` is not understood")).into());
                }
                None => word = Some(argument.clone()),
            }
        }
        let format = format.or_else(|| formats.first().map(ToString::to_string)).unwrap_or_default();
        Ok(Self { word, format })
    }
}

/// The client and the table that the contract becomes, if there is no mistake in it; mistakes are told.
pub(crate) fn generate() -> Result<Output> {
    check::run(&Arguments { word: None, format: "text".to_owned() })?;
    let (contract, manifest) = (bytes(&path(None))?, read(&workspace::root().join("Cargo.toml"))?);
    generator::compile(&contract, &manifest).map_err(|_| "openapi.yaml has changed in the meantime".into())
}

/// The path as it was given, from where the command was called; the contract if none was.
fn path(given: Option<&str>) -> PathBuf {
    given.map_or_else(|| workspace::root().join(SPEC), PathBuf::from)
}

/// How the path is told: the contract by its name alone.
fn shown(path: &Path) -> String {
    path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string()
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

/// A contract, which may be anything.
fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Box<dyn std::error::Error> {
    format!("{} cannot be read: {error}", shown(path)).into()
}
