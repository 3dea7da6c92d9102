//! Everything that can be found in a contract: what stops or misleads the generator, which a build tells as well, and
//! what is wrong with the examples.

use std::collections::BTreeSet;

use super::examples;
use crate::generator::{self, finding::Finding};

/// In the order of the lines.
pub(crate) fn findings(contract: &[u8], manifest: &str) -> Vec<Finding> {
    let text = match generator::load::text(contract) {
        Ok(text) => text,
        Err(finding) => return vec![finding],
    };
    let (document, mut findings) = generator::read(text, manifest);
    if let Some(document) = document.as_ref().filter(|_| findings.is_empty()) {
        findings.extend(generator::output(document).err());
    }
    // What has been told in other words is not told again.
    let told: BTreeSet<_> = findings.iter().map(|finding| finding.place).collect();
    let examples = document.iter().flat_map(examples::check);
    findings.extend(examples.filter(|finding| !told.contains(&finding.place)));
    findings.sort();
    findings.dedup();
    findings
}
