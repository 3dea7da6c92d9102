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

use super::calls::KINDS;
use super::note::{Goal, Note, Wanted};
use super::programs::Programs;
use super::{Extent, profile, programs};
use crate::sandbox::Running;
use crate::{Result, workspace};
pub(super) use counted::CALLS;

const RUNNER: &str = "gungraun-runner";

#[derive(Clone, Copy, Default, Deserialize)]
struct Allocations {
    count: f64,
    bytes: f64,
}

/// What Valgrind counts of a call.
#[derive(Clone, Copy, Default)]
struct Counted {
    instructions: f64,
    allocations: Allocations,
}

pub(super) fn measure(programs: &Programs, sandbox: &Running, extent: Extent, note: &mut Note) -> Result {
    println!("allocations");
    let all = programs::say(&mut programs.program("allocations", &sandbox.base_url))?;
    let all: BTreeMap<String, Allocations> = all.into_iter().next().ok_or("no allocations were counted")?;
    let counted = if extent.is_quick { BTreeMap::new() } else { instructions(sandbox)? };
    note.section("Instructions and allocations of a call");
    note.line(
        "Valgrind counts the instructions of the program; it does not count those of the operating system. Of a blocking \
         call it counts those of all threads.\n",
    );
    note.line("| call | client | instructions | allocations | bytes |\n|---|---|---:|---:|---:|");
    for kind in &KINDS {
        let name = |who: &str| format!("{}_{who}", kind.what);
        for (who, said) in [("facade", "this crate"), ("hand", kind.beside)] {
            let counted = counted.get(&name(who)).copied().unwrap_or_default();
            let Allocations { count, bytes } =
                all.get(&format!("{who} {}", kind.what)).copied().unwrap_or(counted.allocations);
            note.line(&format!("| {} | {said} | {:.0} | {count:.1} | {bytes:.0} |", kind.name, counted.instructions));
        }
        if let (Some(facade), Some(hand)) = (counted.get(&name("facade")), counted.get(&name("hand"))) {
            let (name, ratio) = (format!("{}, instructions", kind.ratio()), facade.instructions / hand.instructions);
            note.goal(Goal::new(&name, format!("{ratio:.3}"), ratio, Wanted::AtMost(kind.most, "≤ #")));
        }
    }
    let attaching = all.get("attach").ok_or("no allocation of attaching was counted")?;
    let figure = format!("{:.0}", attaching.count);
    let wanted = Wanted::AtMost(0.0, "#");
    note.goal(Goal::new("Attach both tokens, allocations", figure, attaching.count, wanted));
    if extent.is_quick { Ok(()) } else { profile::explain(note) }
}

/// By the name of the benchmark.
fn instructions(sandbox: &Running) -> Result<BTreeMap<String, Counted>> {
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
    let mut counts = BTreeMap::<String, Counted>::new();
    for summary in serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>() {
        let summary = summary?;
        let name = summary.get("function_name").and_then(Value::as_str).ok_or("a summary has no name")?;
        let per_call = |metric: &str| Some(metric_of(&summary, metric)? / f64::from(CALLS));
        // The run without the calls is a part of the one with them.
        let sign = if summary.get("id").and_then(Value::as_str) == Some("without") { -1.0 } else { 1.0 };
        let counted = counts.entry(name.to_owned()).or_default();
        counted.instructions += sign * per_call("Ir").ok_or("a summary has no instructions")?;
        counted.allocations.count += sign * per_call("TotalBlocks").unwrap_or_default();
        counted.allocations.bytes += sign * per_call("TotalBytes").unwrap_or_default();
    }
    if counts.len() == 2 * KINDS.len() { Ok(counts) } else { Err(format!("{RUNNER} counted {}", counts.len()).into()) }
}

/// A count of the whole run, from a summary in JSON.
fn metric_of(summary: &Value, metric: &str) -> Option<f64> {
    let value = |profile: &Value| profile.pointer(&format!("/data/total/metrics/{metric}/values/new"))?.as_f64();
    summary.get("profiles")?.as_array()?.iter().find_map(value)
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
