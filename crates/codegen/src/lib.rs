//! `openapi.yaml` -> the client and the table of operations of thingspace-session: the one reader of the document.
//!
//! The build script of thingspace-session and `cargo xtask` share it, so both say the same of the same document.
//! [`compile`] is all of it. Its steps are there one by one, too: [`check()`] reads the document, [`adapt`] changes what
//! progenitor has to be spared, [`Generator`] with the [`settings`] writes the client, [`operations`] writes the table of
//! what progenitor leaves out, and [`attempt`] runs the last three so that a panic of progenitor is a [`Finding`].
//!
//! ```
//! let document = b"openapi: 4.0.0";
//! let findings = thingspace_codegen::compile(document, "").unwrap_err();
//! assert_eq!(
//!     findings[0].lines("openapi.yaml"),
//!     [
//!         "openapi.yaml:1:10: error[openapi-version]: this is OpenAPI 4.0.0, but the generator reads 3.0 alone",
//!         "  help: write openapi: 3.0.3",
//!     ]
//! );
//! ```
#![allow(clippy::must_use_candidate, reason = "functions that read a document do nothing but return")]

mod adapt;
pub mod check;
mod families;
mod finding;
mod generate;
pub mod load;
mod nulls;
mod operations;
mod schemas;
mod stack;
mod write;

use std::{collections::BTreeSet, fs, path::Path};

use openapiv3::OpenAPI;
use proc_macro2::TokenStream;
pub use progenitor::Generator;
use serde::Deserialize as _;

pub use families::{Families, Member};
pub use finding::{Finding, Level, Place, one_line};
pub use generate::{attempt, settings};
use load::Node;

/// What a document is turned into.
#[derive(Debug)]
pub struct Output {
    /// progenitor's client.
    pub client: String,
    /// What progenitor leaves out.
    pub operations: String,
}

impl Output {
    /// The text of what was generated. The JSON schemas of the client's types are behind the feature `schemars`.
    pub fn new(client: TokenStream, operations: TokenStream) -> Self {
        Self {
            client: write::text(schemas::behind_the_feature(nulls::told_apart(client))),
            operations: write::text(operations),
        }
    }

    /// The text of a client alone.
    pub fn of_client(client: TokenStream) -> Self {
        Self::new(client, TokenStream::new())
    }

    /// Writes `client.rs` and `operations.rs` into a folder. An unchanged file keeps its date, so that nothing is compiled
    /// again because of it.
    ///
    /// # Errors
    ///
    /// The file that cannot be written, and why.
    pub fn write(&self, folder: &Path) -> Result<(), String> {
        for (name, text) in [("client.rs", &self.client), ("operations.rs", &self.operations)] {
            let path = folder.join(name);
            if !fs::read_to_string(&path).is_ok_and(|current| current == *text) {
                fs::write(&path, text).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
            }
        }
        Ok(())
    }
}

/// A document without errors.
#[derive(Debug)]
pub struct Checked {
    /// What was read.
    pub document: Node,
    /// What is found in it all the same: no error is among them.
    pub warnings: Vec<Finding>,
}

/// A document without errors, and what becomes of it.
#[derive(Debug)]
pub struct Compiled {
    /// What was read.
    pub document: Node,
    /// What was generated from it.
    pub output: Output,
    /// What is found in it all the same: no error is among them.
    pub warnings: Vec<Finding>,
}

/// Turns the bytes of a document into code. `manifest` is the `Cargo.toml` of the crate that the code becomes part of.
///
/// # Errors
///
/// Everything that is found in the document, errors and warnings, in the order of its lines; at least one is an error.
pub fn compile(contract: &[u8], manifest: &str) -> Result<Compiled, Vec<Finding>> {
    let Checked { document, warnings } = check(contract, manifest)?;
    let output = attempt(&document, |document| {
        let spec = adapt(document)?;
        let client = Generator::new(&settings()).generate_tokens(&spec).map_err(|error| error.to_string())?;
        let operations = operations(document, &spec, &client)?;
        Ok(Output::new(client, operations))
    });
    match output {
        Ok(output) => Ok(Compiled { document, output, warnings }),
        Err(errors) => {
            let mut findings: Vec<_> = warnings.into_iter().chain(errors).collect();
            findings.sort();
            Err(findings)
        }
    }
}

/// Reads a document in which no error is found: nothing that would stop what is made of it, or make it wrong. `manifest`
/// is the `Cargo.toml` of the crate that the code becomes part of: it has to have the crates of generated types.
///
/// # Errors
///
/// Everything that is found, errors and warnings, in the order of its lines; at least one is an error.
pub fn check(contract: &[u8], manifest: &str) -> Result<Checked, Vec<Finding>> {
    let text = load::text(contract).map_err(|finding| vec![finding])?;
    let (document, findings) = match stack::deep(|| examined(text, manifest)) {
        Ok(Ok(examined)) => examined,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => {
            let message = format!("no thread could be started to read this: {error}");
            (None, vec![Finding::new("unsupported", Place::default(), message, "try again when there is more memory")])
        }
    };
    match document {
        Some(document) if !findings.iter().any(Finding::is_error) => Ok(Checked { document, warnings: findings }),
        _ => Err(findings),
    }
}

/// Reads a document as far as it can be read, with all that is found in it.
fn examined(text: &str, manifest: &str) -> (Option<Node>, Vec<Finding>) {
    let mut findings = Vec::new();
    let document = load::read(text, &mut findings);
    if let Some(document) = &document {
        findings.extend(examine(document, manifest));
    }
    findings.sort();
    findings.dedup();
    (document, findings)
}

/// Everything that is found in a document that has been read, in the order of its lines.
pub fn examine(document: &Node, manifest: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    check::check(document, manifest, &mut findings);
    findings.sort();
    findings.dedup();
    findings
}

/// The names of the types that a client has.
///
/// # Errors
///
/// The name that two types have.
pub fn type_names(client: &TokenStream) -> Result<BTreeSet<String>, String> {
    operations::type_names(client.clone())
}

/// The document as progenitor takes it; the file stays as it is written. Every secret can be recognised as one, and the
/// errors of each operation have one type.
///
/// # Errors
///
/// What `check` would have found.
pub fn adapt(document: &Node) -> Result<OpenAPI, String> {
    let mut adapted = document.value();
    adapt::adapt(&mut adapted)?;
    OpenAPI::deserialize(&adapted).map_err(|error| format!("it is no OpenAPI 3.0: {error}"))
}

/// The table of what progenitor leaves out: which credentials an operation needs, whether it may be sent twice, the
/// servers. `client` is what was generated from `spec`, and `spec` what `document` was adapted to.
///
/// # Errors
///
/// What `check` would have found, or a client that does not have the operations of the document.
pub fn operations(document: &Node, spec: &OpenAPI, client: &TokenStream) -> Result<TokenStream, String> {
    let described: Vec<_> = spec.operations().map(|(path, method, _)| (method.to_owned(), path.to_owned())).collect();
    operations::table(document, &described, client.clone())
}
