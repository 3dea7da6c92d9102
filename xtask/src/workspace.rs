//! Paths of the workspace, and its cargo.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::Result;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask).to_owned()
}

/// The cargo that runs this, at the root of the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    // cargo sets these variables for xtask. Some build scripts run again when one of them changes.
    let is_of_xtask =
        |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].iter().any(|part| name.starts_with(part));
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_xtask(&name.to_string_lossy())) {
        cargo.env_remove(name);
    }
    cargo.current_dir(root());
    cargo
}

/// The directory that cargo builds in, after all of cargo's settings.
pub(crate) fn target() -> Result<PathBuf> {
    let output = cargo().args(["metadata", "--format-version", "1", "--no-deps"]).output();
    let output = output.map_err(|error| format!("cannot start cargo: {error}"))?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)))?;
    let target = metadata.get("target_directory").and_then(Value::as_str);
    Ok(target.ok_or("cargo metadata names no target directory")?.into())
}
