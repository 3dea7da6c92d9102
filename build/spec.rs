//! `openapi.yaml` -> the client and the table of operations: the one reader of the contract.
//!
//! `build.rs` and `cargo xtask spec` share it, so that both say the same of the same document.

pub(crate) mod adapt;
pub(crate) mod check;
pub(crate) mod finding;
pub(crate) mod generate;
pub(crate) mod load;
pub(crate) mod operations;
mod stack;
pub(crate) mod write;

use finding::{Finding, Place};
use load::Node;
use openapiv3::OpenAPI;
use serde::Deserialize as _;

/// What a document is turned into.
pub(crate) struct Output {
    /// progenitor's client.
    pub(crate) client: String,
    /// What progenitor leaves out.
    pub(crate) operations: String,
}

/// Turns the bytes of a document into code, or says what is wrong with it: everything at once, in the order of its lines.
/// `manifest` is the `Cargo.toml` of the crate that the code becomes part of.
pub(crate) fn compile(contract: &[u8], manifest: &str) -> Result<(Node, Output), Vec<Finding>> {
    let text = load::text(contract).map_err(|finding| vec![finding])?;
    let document = checked(text, manifest)?;
    let output = output(&document).map_err(|finding| vec![finding])?;
    Ok((document, output))
}

/// Reads a document in which nothing is found that would stop or mislead what is made of it.
pub(crate) fn checked(text: &str, manifest: &str) -> Result<Node, Vec<Finding>> {
    let (document, findings) = match stack::deep(|| examined(text, manifest)) {
        Ok(Ok(examined)) => examined,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => {
            let message = format!("no thread could be started to read this: {error}");
            (None, vec![Finding::new("unsupported", Place::default(), message, "try again when there is more memory")])
        }
    };
    document.filter(|_| findings.is_empty()).ok_or(findings)
}

/// Reads a document as far as it can be read, with all that is found in it.
fn examined(text: &str, manifest: &str) -> (Option<Node>, Vec<Finding>) {
    let mut findings = Vec::new();
    let document = load::read(text, &mut findings);
    if let Some(document) = &document {
        check::check(document, manifest, &mut findings);
    }
    findings.sort();
    findings.dedup();
    (document, findings)
}

/// What nobody foresaw: progenitor cannot do it, and says why in its own words.
pub(crate) fn output(document: &Node) -> Result<Output, Finding> {
    let guarded = |part: &Node| generate::guarded(|| code(part));
    guarded(document).map_err(|reason| {
        let (place, what) = generate::blame(document, |part| guarded(part).is_err());
        Finding::new(
            "unsupported",
            place,
            format!("{what} cannot be turned into a client: {reason}"),
            "say the same in another way; what can be read is OpenAPI 3.0 as progenitor and typify understand it",
        )
    })
}

fn code(document: &Node) -> Result<Output, String> {
    let mut adapted = document.value();
    adapt::adapt(&mut adapted)?;
    let spec = OpenAPI::deserialize(&adapted).map_err(|error| format!("it is no OpenAPI 3.0: {error}"))?;
    let client = generate::client(&spec)?;
    let described: Vec<_> = spec.operations().map(|(path, method, _)| (method.to_owned(), path.to_owned())).collect();
    let operations = operations::table(document, &described, client.clone())?;
    Ok(Output { client: write::text(client), operations: write::text(operations) })
}
