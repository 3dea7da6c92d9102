//! `cargo xtask interop`: runs third-party clients against the sandbox.
//!
//! Verizon's Python SDK calls every operation. A file records its requests, and the tests compare the crate's requests
//! with them. Schemathesis generates valid and invalid requests from `openapi.yaml` and checks each response against
//! the spec. The scripts are in `xtask/interop/`.

mod diff;
mod report;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::python::Python;
use crate::sandbox::{self, Running};
use crate::{Result, process, workspace};
use report::Report;

/// The operations that the sandbox plays. It answers all others with an echo of the request, which fits no documented
/// answer, so schemathesis would report a failure for each.
const PLAYED: &str = "^/m2m/v1/session/";
const SDK_LIMIT: Duration = Duration::from_secs(60);
const SCHEMATHESIS_LIMIT: Duration = Duration::from_secs(180);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Record the requests of the Python SDK as the expected ones
    #[arg(long)]
    record: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    let places = Places::new()?;

    println!("python: environment in {}", places.work.join("venv").display());
    let python = Python::prepare(&places.scripts, &places.work, "verizon, schemathesis")?;
    println!("sandbox: building");
    let program = sandbox::build()?;
    let sandbox = Running::start(&program, &places.work.join("sandbox.log"))?;
    println!("sandbox: {}", sandbox.base_url);

    let sent = places.work.join("python-sdk-wire.json");
    let mut sdk = python.script("sdk.py", &sandbox.base_url);
    process::run_visibly("the Python SDK's run", sdk.arg(&sent), SDK_LIMIT)?;
    let kept = places.scripts.join("python-sdk-wire.json");
    if arguments.record {
        fs::copy(&sent, &kept)?;
        println!("python sdk: recorded its requests");
    } else {
        compare(&kept, &sent)?;
        println!("python sdk: its requests are as recorded");
    }

    println!("{}", schemathesis(&places, &python, &sandbox)?);
    Ok(())
}

/// Paths of a run.
struct Places {
    /// Scripts and recorded requests, under version control.
    scripts: PathBuf,
    spec: PathBuf,
    /// Output of the run.
    work: PathBuf,
}

impl Places {
    fn new() -> Result<Places> {
        let root = workspace::root();
        let work = workspace::target()?.join("interop");
        fs::create_dir_all(&work)?;
        Ok(Places { scripts: root.join("xtask").join("interop"), spec: root.join("openapi.yaml"), work })
    }
}

fn compare(kept: &Path, sent: &Path) -> Result {
    if !kept.exists() {
        return Err(format!("{} is missing: write it with `cargo xtask interop --record`", kept.display()).into());
    }
    let read = |path: &Path| fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()));
    match diff::lines(&read(kept)?, &read(sent)?) {
        None => Ok(()),
        Some(difference) => Err(format!(
            "the requests of the Python SDK differ from {} (- recorded, + sent now):\n\n{difference}\n\
             If the new ones are right, record them with `cargo xtask interop --record`.",
            kept.display(),
        )
        .into()),
    }
}

fn schemathesis(places: &Places, python: &Python, sandbox: &Running) -> Result<Report> {
    let report = places.work.join("schemathesis.json");
    // A report of an earlier run would hide that this run wrote none.
    if report.exists() {
        fs::remove_file(&report)?;
    }
    let mut command = python.program("st", &sandbox.base_url);
    command
        .env("SCHEMATHESIS_HOOKS", places.scripts.join("schemathesis_hooks.py"))
        .arg("--config-file")
        .arg(places.scripts.join("schemathesis.toml"))
        .arg("run")
        .arg(&places.spec)
        .args(["--include-path-regex", PLAYED])
        .args(["--url", &sandbox.base_url, "--no-color", "--report", "json", "--report-json-path"])
        .arg(&report);
    process::run("schemathesis", &mut command, &places.work.join("schemathesis.log"), SCHEMATHESIS_LIMIT)?;
    Report::read(&report)
}
