//! Everything that can be found in a contract: what a build tells as well.

use crate::generator::{self, finding::Finding};

/// In the order of the lines.
pub(crate) fn findings(contract: &[u8], manifest: &str) -> Vec<Finding> {
    let text = match generator::load::text(contract) {
        Ok(text) => text,
        Err(finding) => return vec![finding],
    };
    generator::compile(text, manifest).err().unwrap_or_default()
}
