//! What is compared with: a file, or a revision that git knows.

use std::{
    error::Error,
    path::Path,
    process::{Command, Stdio},
};

use super::super::{SPEC, bytes};
use crate::Result;

/// The document of before.
#[derive(Debug)]
pub(super) struct Base {
    /// How its places are told.
    pub(super) name: String,
    pub(super) contract: Vec<u8>,
    /// What else was there. A file has nothing beside it.
    pub(super) release: Option<Release>,
}

/// What says which version is the next one. A file that is not there is empty.
#[derive(Debug, Default)]
pub(super) struct Release {
    pub(super) manifest: String,
    pub(super) changelog: String,
}

pub(super) const MANIFEST: &str = "Cargo.toml";
pub(super) const CHANGELOG: &str = "CHANGELOG.md";

impl Base {
    /// A file, if there is one of this name; a revision otherwise.
    pub(super) fn of(root: &Path, word: &str) -> Result<Self> {
        let path = Path::new(word);
        if path.is_file() {
            return Ok(Self { name: word.to_owned(), contract: bytes(path)?, release: None });
        }
        let commit = commit(root, word)?;
        let show = |file: &str| git(root, &["show", &format!("{commit}:./{file}")]);
        let text = |file: &str| Ok::<_, Box<dyn Error>>(show(file)?.map(lossy).unwrap_or_default());
        Ok(Self {
            name: format!("{word}:{SPEC}"),
            contract: show(SPEC)?.ok_or_else(|| format!("there is no {SPEC} in {word}"))?,
            release: Some(Release { manifest: text(MANIFEST)?, changelog: text(CHANGELOG)? }),
        })
    }
}

/// The hash of the commit.
fn commit(root: &Path, word: &str) -> Result<String> {
    if git(root, &["rev-parse", "--is-inside-work-tree"])?.is_none() {
        return Err(format!("`{word}` is no file, and {} is no git repository: name a file", root.display()).into());
    }
    let revision = format!("{word}^{{commit}}");
    // What begins with a dash would be an option to a git that is too old for --end-of-options.
    let found = if word.starts_with('-') {
        None
    } else {
        git(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &revision])?
    };
    let found = found
        .map(|found| lossy(found).trim().to_owned())
        .filter(|found| !found.is_empty() && found.chars().all(|letter| letter.is_ascii_hexdigit()));
    found.ok_or_else(|| format!("`{word}` is neither a file nor a revision that git knows").into())
}

/// What git answers; nothing if it says no.
fn git(root: &Path, arguments: &[&str]) -> Result<Option<Vec<u8>>> {
    let mut command = Command::new("git");
    let output = command.current_dir(root).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("git does not start: {error}"))?;
    Ok(output.status.success().then_some(output.stdout))
}

fn lossy(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(bytes.as_ref()).into_owned()
}
