//! The package that has all documents as modules.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::Value;

use super::document::Row;
use crate::{Result, process, workspace};

/// The crates of the generated code, at the versions of this workspace.
const MANIFEST: &str = r#"[package]
name = "corpus"
version = "0.0.0"
edition = "2024"

[workspace]

[profile.dev]
debug = false
incremental = false

[dependencies]
chrono = { version = "0.4", default-features = false, features = ["serde", "std"] }
progenitor-client = "0.15.1"
regress = "0.12"
reqwest = { version = "0.13.5", default-features = false, features = ["form", "json", "query", "stream"] }
serde = { version = "1", features = ["derive"] }
serde_json = "1"
uuid = { version = "1", features = ["serde"] }
"#;

/// The code that the modules need in their crate.
const MAIN: &str = include_str!("main.rs.txt");

const BUILD: Duration = Duration::from_secs(3600);
const ROUND: Duration = Duration::from_secs(120);

/// Its folder, and the lock that another run waits for.
pub(super) struct Package(PathBuf, #[allow(dead_code, reason = "dropping it releases the lock")] fs::File);

impl Package {
    /// A package without modules. Keeps the target folder of the last run.
    pub(super) fn empty(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let lock = fs::File::create(folder.join("lock"))?;
        lock.lock()?;
        let sources = folder.join("src");
        if sources.exists() {
            fs::remove_dir_all(&sources)?;
        }
        fs::create_dir_all(&sources)?;
        fs::write(folder.join("Cargo.toml"), MANIFEST)?;
        fs::copy(workspace::root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
        Ok(Self(folder.to_owned(), lock))
    }

    pub(super) fn sources(&self) -> PathBuf {
        self.0.join("src")
    }

    /// Compiles all modules at once, and then again without those that have errors.
    pub(super) fn compile(&self, rows: &mut [Row]) -> Result {
        loop {
            fs::write(self.sources().join("main.rs"), main(rows)?)?;
            let errors = self.build()?;
            if errors.is_empty() {
                return Ok(());
            }
            for (module, error) in errors {
                let row = rows.iter_mut().find(|row| row.module.as_ref() == Some(&module) && row.flaw.is_none());
                let Some(row) = row else { return Err(format!("{module} does not compile: {error}").into()) };
                row.flaw = Some(format!("does not compile: {error}"));
            }
        }
    }

    /// The first error of each module that has errors.
    fn build(&self) -> Result<BTreeMap<String, String>> {
        let (out, log) = (self.0.join("messages"), self.0.join("log"));
        let mut cargo = workspace::cargo();
        cargo
            .current_dir(&self.0)
            .args(["build", "--message-format=json"])
            .env("CARGO_TARGET_DIR", self.0.join("target"));
        cargo.stdin(Stdio::null()).stdout(fs::File::create(&out)?).stderr(fs::File::create(&log)?);
        let status = process::Process::start("cargo", &mut cargo)?.wait(BUILD)?;
        let mut errors = BTreeMap::new();
        for line in fs::read_to_string(&out)?.lines() {
            let message: Value = serde_json::from_str(line)?;
            let message =
                message.get("message").filter(|message| message.get("level").is_some_and(|level| level == "error"));
            let spans = message.and_then(|message| message.get("spans")?.as_array());
            let text = message.and_then(|message| message.get("rendered")?.as_str()).unwrap_or_default();
            for file in spans.into_iter().flatten().filter_map(|span| span.get("file_name")?.as_str()) {
                let module = Path::new(file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
                errors.entry(module).or_insert_with(|| text.replace('\n', "\n    "));
            }
        }
        if errors.is_empty() && !status.success() {
            return Err(format!("cargo build failed\n{}", process::read(&log)).into());
        }
        Ok(errors)
    }

    /// Decodes and encodes every example, one process for each module.
    pub(super) fn try_examples(&self, rows: &mut [Row]) -> Result {
        for row in rows.iter_mut().filter(|row| row.flaw.is_none()) {
            let Some(module) = row.module.clone() else { continue };
            let out = self.sources().join(format!("{module}.out"));
            let mut command = Command::new(self.0.join("target/debug/corpus"));
            command.arg(&module).arg(self.sources().join(format!("{module}.json")));
            command.stdin(Stdio::null()).stdout(fs::File::create(&out)?);
            let status = process::Process::start("the round trip", &mut command)?.wait(ROUND);
            for line in fs::read_to_string(&out)?.lines() {
                let (count, result) = line.split_once(' ').unwrap_or_default();
                let count = count.parse::<usize>().unwrap_or_default();
                row.tried += count;
                match result {
                    "ok" => row.survived += count,
                    problem => row.lost.push(problem.to_owned()),
                }
            }
            match status {
                Ok(status) if status.success() => {}
                Ok(status) => row.flaw = Some(format!("the round trip ended with {status}")),
                Err(error) => row.flaw = Some(error.to_string()),
            }
        }
        Ok(())
    }
}

/// The program with all modules that compile.
fn main(rows: &[Row]) -> Result<String> {
    let mut text = MAIN.to_owned();
    let mut arms = String::new();
    for (module, row) in
        rows.iter().filter(|row| row.flaw.is_none()).filter_map(|row| Some((row.module.as_ref()?, row)))
    {
        writeln!(
            text,
            "mod {module};\nimpl progenitor_client::ClientHooks<transport::Transport> for {module}::Client {{}}"
        )?;
        writeln!(text, "fn {module}(of: &str, value: serde_json::Value) -> Result<serde_json::Value, String> {{")?;
        writeln!(text, "    use {module}::types;\n    match of {{")?;
        for of in &row.types {
            writeln!(text, "        {of:?} => round::<{of}>(value),")?;
        }
        writeln!(text, "        other => Err(format!(\"there is no type {{other}}\")),\n    }}\n}}")?;
        writeln!(arms, "        {module:?} => {module},")?;
    }
    writeln!(text, "fn of(module: &str) -> fn(&str, serde_json::Value) -> Result<serde_json::Value, String> {{")?;
    writeln!(
        text,
        "    match module {{\n{arms}        other => panic!(\"there is no module {{other}}\"),\n    }}\n}}"
    )?;
    Ok(text)
}
