//! `cargo xtask corpus`: checks public OpenAPI documents, generates and compiles a client for each, and decodes and
//! encodes their examples.
//!
//! It tests the check in both directions: a document that passes compiles and keeps its examples, and one that does not
//! pass gets a reason. Rules of the facade only, such as `x-retry`, are counted separately and stop nothing.

mod document;
mod examples;
mod package;
mod sample;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use document::Row;
use package::Package;

use crate::{Result, process::Process, workspace};

/// The time limit of one document. The largest known takes a tenth of it.
const LIMIT: Duration = Duration::from_secs(600);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The folder with the documents: each file that is YAML or JSON, whatever its extension
    folder: PathBuf,
    /// Print each error, too
    #[arg(long)]
    errors: bool,
    /// Leave out each operation and component with an error, and continue with the rest
    #[arg(long)]
    rest: bool,
    /// Process one document as the module of this name. The command runs itself with this for each document
    #[arg(long, hide = true)]
    module: Option<String>,
    #[arg(long, hide = true, default_value = ".")]
    into: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    if let Some(module) = &arguments.module {
        return document::run(&arguments.folder, arguments.rest, module, &arguments.into);
    }
    let files = files(&arguments.folder)?;
    let package = Package::empty(&workspace::target()?.join("corpus"))?;
    let mut rows = Vec::new();
    for (index, file) in files.iter().enumerate() {
        eprintln!("{}", file.display());
        rows.push(row_of(arguments, file, &format!("m{index}"), &package));
    }
    if rows.iter().any(|row| row.module.is_some()) {
        package.compile(&mut rows)?;
        package.try_examples(&mut rows)?;
    }
    print(&rows, arguments.errors);
    let number = |is_so: fn(&Row) -> bool| rows.iter().filter(|row| is_so(row)).count();
    let passed = number(|row| row.module.is_some());
    let (wrong, crashed) = (number(Row::is_wrong), number(|row| row.crashed.is_some()));
    println!("\n{} documents, {passed} generated, {wrong} of them wrong, {crashed} without a result", rows.len());
    if wrong + crashed > 0 {
        Err(format!("{} documents show a mistake of the generator", wrong + crashed).into())
    } else {
        Ok(())
    }
}

/// Every file below a folder, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{} cannot be read: {error}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Processes a document in a process of its own, so that a crash does not stop the others.
fn row_of(arguments: &Arguments, file: &Path, module: &str, package: &Package) -> Row {
    let name = file.strip_prefix(&arguments.folder).unwrap_or(file).display().to_string();
    let result = || -> Result<Row> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("corpus").arg(file).args(["--module", module]).arg("--into").arg(package.sources());
        if arguments.rest {
            command.arg("--rest");
        }
        let status = Process::start("the check", command.stdin(Stdio::null()))?.wait(LIMIT)?;
        if !status.success() {
            return Err(format!("the check ended with {status}").into());
        }
        Ok(serde_json::from_slice(&fs::read(package.sources().join(format!("{module}.row")))?)?)
    };
    match result() {
        Ok(row) => Row { name, ..row },
        Err(error) => Row { name, crashed: Some(error.to_string()), ..Row::default() },
    }
}

fn print(rows: &[Row], has_errors: bool) {
    println!("| document | facade | errors | warnings | operations | compiled | examples |");
    println!("|---|---:|---:|---:|---:|---|---:|");
    for row in rows {
        let compiled = match (&row.crashed, &row.module, &row.flaw) {
            (Some(_), ..) => "NO RESULT",
            (_, None, _) => "rejected",
            (_, _, Some(_)) => "NO",
            _ => "yes",
        };
        let kept = if row.kept == row.operations {
            row.kept.to_string()
        } else {
            format!("{} of {}", row.kept, row.operations)
        };
        let examples = if compiled == "yes" { format!("{} of {}", row.survived, row.tried) } else { "-".to_owned() };
        let Row { name, facade, errors, warnings, .. } = row;
        println!("| {name} | {facade} | {} | {warnings} | {kept} | {compiled} | {examples} |", errors.len());
    }
    for row in rows {
        let shown = if has_errors { usize::MAX } else { 1 };
        for line in row.errors.iter().take(shown).filter(|_| has_errors || row.module.is_none()) {
            println!("{}: {line}", row.name);
        }
        for line in row.crashed.iter().chain(&row.flaw).chain(&row.lost) {
            println!("{}: {line}", row.name);
        }
    }
}
