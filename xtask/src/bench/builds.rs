//! How long it takes to build the library where nothing is built yet, beside reqwest with the same features.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Deserialize;
use serde_json::Value;

use super::note::{Goal, Note, Wanted};
use crate::{Result, dependencies, workspace};

/// Its name in the note.
pub(super) const SECTION: &str = "A clean build";
/// How many of the longest units are named.
const LINES: usize = 12;
/// What Linux counts processor time in, for a second.
const TICKS: f64 = 100.0;

/// How long a build took, in seconds, and what it spent them on.
struct Built {
    wall: f64,
    cpu: f64,
    units: Vec<Unit>,
}

#[derive(Clone, Deserialize)]
struct Unit {
    name: String,
    version: String,
    target: String,
    duration: f64,
}

pub(super) fn measure(work: &Path, note: &mut Note) -> Result {
    let own = |more: &str| format!("thingspace-session = {{ path = '{}'{more} }}", workspace::root().display());
    let library = Program::new(work, "library", &own(""))?;
    let (version, features) = library.reqwest()?;
    let copied = Program::new(work, "copied", &own(", default-features = false, features = ['rustls']"))?;
    let plain = format!("reqwest = {{ version = \"={version}\", default-features = false, features = {features:?} }}");
    let plain = Program::new(work, "plain", &plain)?.build()?;
    let (copied, library) = (copied.build()?, library.build()?);
    note.section(SECTION);
    note.line(&format!(
        "An unoptimized build into an empty folder, on all cores, in seconds. Plain reqwest is built with the features \
         that this library turns on: {}.\n",
        features.join(", "),
    ));
    note.line("| | wall clock | processor |\n|---|---:|---:|");
    for (what, built) in [
        (format!("reqwest {version}"), &plain),
        ("this library, without `codegen`".to_owned(), &copied),
        ("this library".to_owned(), &library),
    ] {
        note.line(&format!("| {what} | {:.0} | {:.0} |", built.wall, built.cpu));
    }
    for (name, built, most) in [
        ("Clean build ÷ that of plain reqwest", &library, 1.45),
        ("Clean build ÷ that of plain reqwest, without `codegen`", &copied, 1.15),
    ] {
        let (wall, cpu) = (built.wall / plain.wall, built.cpu / plain.cpu);
        let figure = format!("{wall:.2} (processor {cpu:.2})");
        note.goal(Goal::new(name, figure, wall.max(cpu), Wanted::AtMost(most, "≤ #, both")));
    }
    let (normal, all) = (dependencies::count("normal", true)?, dependencies::count("normal,build", false)?);
    for (name, count, most) in
        [("Crates in a program", normal, 110.0), ("Crates, with those of the build, without `codegen`", all, 112.0)]
    {
        note.goal(Goal::new(name, count.to_string(), f64::from(u32::try_from(count)?), Wanted::AtMost(most, "≤ #")));
    }
    explain(note, "The library", &plain, &library);
    explain(note, "Without `codegen` it", &plain, &copied);
    Ok(())
}

/// The longest of what the library builds and plain reqwest does not.
fn explain(note: &mut Note, who: &str, plain: &Built, library: &Built) {
    let theirs: BTreeSet<_> = plain.units.iter().map(|unit| (&unit.name, &unit.version)).collect();
    let mut more: Vec<_> = library.units.iter().filter(|unit| !theirs.contains(&(&unit.name, &unit.version))).collect();
    more.sort_by(|one, other| other.duration.total_cmp(&one.duration));
    let all: f64 = more.iter().map(|unit| unit.duration).sum();
    note.line(&format!("\n{who} builds {} units more, which take {all:.0} s one by one:\n", more.len()));
    note.line("| unit | seconds |\n|---|---:|");
    for Unit { name, version, target, duration } in more.into_iter().take(LINES) {
        note.line(&format!("| {name} {version}{target} | {duration:.1} |"));
    }
}

/// A program that depends on one thing.
struct Program(PathBuf);

impl Program {
    fn new(work: &Path, name: &str, dependency: &str) -> Result<Self> {
        let folder = work.join("clean").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(folder.join("src"))?;
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[dependencies]\n{dependency}\n\n[workspace]\n"
        );
        fs::write(folder.join("Cargo.toml"), manifest)?;
        fs::write(folder.join("src").join("lib.rs"), "")?;
        // The same versions as here.
        fs::copy(workspace::root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
        Ok(Self(folder))
    }

    /// The version of reqwest that is built, and its features.
    fn reqwest(&self) -> Result<(String, Vec<String>)> {
        let metadata = self.metadata()?;
        let nodes = metadata.pointer("/resolve/nodes").and_then(Value::as_array).ok_or("no dependencies are told")?;
        let version = |node: &Value| node.get("id")?.as_str()?.split_once("#reqwest@").map(|(_, it)| it.to_owned());
        let node = nodes.iter().find_map(|node| Some((version(node)?, node.get("features")?.clone())));
        let (version, features) = node.ok_or("the library has no reqwest")?;
        let features: Vec<String> = serde_json::from_value(features)?;
        // What begins with two underscores is turned on by the others.
        Ok((version, features.into_iter().filter(|feature| !feature.starts_with("__")).collect()))
    }

    fn metadata(&self) -> Result<Value> {
        let mut cargo = workspace::cargo();
        let output = cargo.current_dir(&self.0).args(["metadata", "--format-version", "1", "--offline"]).output()?;
        Ok(serde_json::from_slice(&output.stdout).map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?)
    }

    /// Builds it, and throws away what was built.
    fn build(&self) -> Result<Built> {
        // Leaves in the lock what is needed.
        self.metadata()?;
        let target = self.0.join("target");
        let (cpu, start) = (worked()?, Instant::now());
        let mut cargo = workspace::cargo();
        cargo.current_dir(&self.0).env("CARGO_TARGET_DIR", &target);
        let status = cargo.args(["build", "--quiet", "--offline", "--locked", "--timings"]).status()?;
        let (wall, cpu) = (start.elapsed().as_secs_f64(), worked()? - cpu);
        if !status.success() {
            return Err(format!("{} does not build", self.0.display()).into());
        }
        let units = units(&fs::read_to_string(target.join("cargo-timings").join("cargo-timing.html"))?)?;
        fs::remove_dir_all(&self.0)?;
        Ok(Built { wall, cpu, units })
    }
}

/// Cargo's report has what it draws in it.
fn units(report: &str) -> Result<Vec<Unit>> {
    let (_, units) = report.split_once("UNIT_DATA = ").ok_or("cargo's report names no units")?;
    let mut units = serde_json::Deserializer::from_str(units).into_iter();
    Ok(units.next().ok_or("cargo's report has no units")??)
}

/// How many seconds the processor has worked for what this process has started and waited for.
fn worked() -> Result<f64> {
    let line = fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = line.rsplit_once(')').ok_or("this system tells no times")?;
    let times: Vec<f64> = fields.split_whitespace().skip(13).take(2).flat_map(str::parse).collect();
    Ok(times.iter().sum::<f64>() / TICKS)
}
