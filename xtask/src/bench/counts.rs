//! Instructions and allocations of a call: what no other load on the machine changes.

#[path = "../../../benches/src/counted.rs"]
#[allow(unreachable_pub, reason = "it is a part of a library as well")]
mod counted;

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use serde::Deserialize;
use serde_json::Value;

use super::calls::WHAT;
use super::note::{Goal, Note, Wanted};
use super::programs::Programs;
use super::{Extent, profile, programs};
use crate::sandbox::Running;
use crate::{Result, workspace};
pub(super) use counted::CALLS;

const RUNNER: &str = "gungraun-runner";
/// Where a summary, in JSON, has the instructions of the whole run.
const INSTRUCTIONS: &str = "/profiles/0/data/total/metrics/Ir/values/new";

#[derive(Deserialize)]
struct Allocations {
    count: f64,
    bytes: f64,
}

pub(super) fn measure(programs: &Programs, sandbox: &Running, extent: Extent, note: &mut Note) -> Result {
    println!("allocations");
    let all = programs::say(&mut programs.program("allocations", &sandbox.base_url))?;
    let all: BTreeMap<String, Allocations> = all.into_iter().next().ok_or("no allocations were counted")?;
    let instructions = if extent.is_quick { BTreeMap::new() } else { instructions(sandbox)? };
    note.section("Instructions and allocations of a call");
    note.line("On the one thread that all of a call is on, what the operating system does not counted.\n");
    note.line("| | | instructions | allocations | bytes |\n|---|---|---:|---:|---:|");
    for (what, name) in WHAT {
        for (who, said) in [("facade", "this crate"), ("hand", "by hand on reqwest")] {
            let Allocations { count, bytes } = all.get(&format!("{who} {what}")).ok_or("an allocation is missing")?;
            let count_of =
                instructions.get(&format!("{what}_{who}")).map_or(f64::NAN, |count| count / f64::from(CALLS));
            note.line(&format!("| {name} | {said} | {count_of:.0} | {count:.1} | {bytes:.0} |"));
        }
        if let (Some(facade), Some(hand)) =
            (instructions.get(&format!("{what}_facade")), instructions.get(&format!("{what}_hand")))
        {
            let (name, ratio) = (format!("{name} ÷ by hand, instructions"), facade / hand);
            note.goal(Goal::new(&name, format!("{ratio:.3}"), ratio, Wanted::AtMost(1.05, "≤ #")));
        }
    }
    let attaching = all.get("attach").ok_or("no allocation of attaching was counted")?;
    let figure = format!("{:.0}", attaching.count);
    let wanted = Wanted::AtMost(0.0, "#");
    note.goal(Goal::new("Attach both tokens, allocations", figure, attaching.count, wanted));
    if extent.is_quick { Ok(()) } else { profile::explain(note) }
}

/// By the name of the benchmark.
fn instructions(sandbox: &Running) -> Result<BTreeMap<String, f64>> {
    println!("instructions");
    let tools = workspace::target()?.join("bench").join("tools");
    if !tools.join("bin").join(RUNNER).exists() {
        install(&tools)?;
    }
    let paths = env::var_os("PATH").unwrap_or_default();
    let paths: Vec<_> = [tools.join("bin")].into_iter().chain(env::split_paths(&paths)).collect();
    let path: OsString = env::join_paths(paths)?;
    let mut cargo = programs::instructions(&sandbox.base_url);
    let output = cargo.env("PATH", path).env("GUNGRAUN_OUTPUT_FORMAT", "json").stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the instructions were not counted: is valgrind installed?".into());
    }
    let mut counts = BTreeMap::new();
    for summary in serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>() {
        let summary = summary?;
        let name = summary.get("function_name").and_then(Value::as_str);
        let count = summary.pointer(INSTRUCTIONS).and_then(Value::as_f64);
        let (Some(name), Some(count)) = (name, count) else {
            return Err(format!("a summary of {RUNNER} has no name, or no {INSTRUCTIONS}").into());
        };
        counts.insert(name.to_owned(), count);
    }
    if counts.len() == 2 * WHAT.len() { Ok(counts) } else { Err(format!("{RUNNER} counted {}", counts.len()).into()) }
}

/// The counter's own program, in the version that the benchmarks were locked to.
fn install(tools: &Path) -> Result {
    let lock = fs::read_to_string(workspace::root().join("Cargo.lock"))?;
    let version = lock.split_once("name = \"gungraun\"\nversion = \"").and_then(|(_, rest)| rest.split('"').next());
    let version = version.ok_or("Cargo.lock names no gungraun")?;
    let mut cargo = workspace::cargo();
    cargo.args(["install", RUNNER, "--quiet", "--debug", "--locked", "--version", version, "--root"]).arg(tools);
    if cargo.status()?.success() { Ok(()) } else { Err(format!("{RUNNER} could not be installed").into()) }
}
