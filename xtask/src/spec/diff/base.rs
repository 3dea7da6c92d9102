//! The base of the comparison: a file or a git revision.

use std::{
    error::Error,
    path::Path,
    process::{Command, Stdio},
};

use super::super::{SPEC, bytes};
use crate::Result;

/// The earlier document.
#[derive(Debug)]
pub(super) struct Base {
    /// Its name in messages.
    pub(super) name: String,
    pub(super) contract: Vec<u8>,
    /// The release files of a revision; a file has none.
    pub(super) release: Option<Release>,
}

/// The files that determine the next version. A missing file is empty.
#[derive(Debug, Default)]
pub(super) struct Release {
    pub(super) manifest: String,
    pub(super) changelog: String,
}

pub(super) const MANIFEST: &str = "Cargo.toml";
pub(super) const CHANGELOG: &str = "CHANGELOG.md";

impl Base {
    /// Reads the file of this name or, if it does not exist, the revision.
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
            contract: show(SPEC)?.ok_or_else(|| format!("{word} has no {SPEC}"))?,
            release: Some(Release { manifest: text(MANIFEST)?, changelog: text(CHANGELOG)? }),
        })
    }
}

/// The hash of the commit.
fn commit(root: &Path, word: &str) -> Result<String> {
    if git(root, &["rev-parse", "--is-inside-work-tree"])?.is_none() {
        return Err(format!("`{word}` is not a file, {} not a git repository: name a file", root.display()).into());
    }
    let revision = format!("{word}^{{commit}}");
    // A git without --end-of-options would take a leading dash for an option.
    let found = if word.starts_with('-') {
        None
    } else {
        git(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &revision])?
    };
    let found = found
        .map(|found| lossy(found).trim().to_owned())
        .filter(|found| !found.is_empty() && found.chars().all(|letter| letter.is_ascii_hexdigit()));
    found.ok_or_else(|| format!("`{word}` is neither a file nor a git revision").into())
}

/// The output of git, or `None` if git fails.
fn git(root: &Path, arguments: &[&str]) -> Result<Option<Vec<u8>>> {
    let mut command = Command::new("git");
    let output = command.current_dir(root).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot start git: {error}"))?;
    Ok(output.status.success().then_some(output.stdout))
}

fn lossy(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(bytes.as_ref()).into_owned()
}
