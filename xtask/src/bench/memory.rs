//! The memory of a process: for a million requests, for 10,000 sessions, and in an outage of a day.

use std::process::Stdio;

use serde::Deserialize;

use super::note::{Goal, Note, Wanted};
use super::programs::Programs;
use super::{Extent, programs};
use crate::sandbox::Running;
use crate::{Result, workspace};

/// Its name in the note.
pub(super) const SECTION: &str = "Memory";
/// The test that lets a day pass.
const OUTAGE: &str = "outage::an_outage_of_a_day_takes_no_more_memory_than_its_beginning";
/// How much more memory is no growth, in KiB: the allocator takes and returns whole pages.
const FLAT: Wanted = Wanted::AtMost(1024.0, "flat: ≤ # KiB");

/// The memory at a checkpoint, in KiB.
#[derive(Deserialize)]
struct Checkpoint {
    at: String,
    kib: f64,
    peak: f64,
}

pub(super) fn measure(programs: &Programs, sandbox: &Running, extent: Extent, note: &mut Note) -> Result {
    note.section(SECTION);
    note.line(
        "The resident memory of the process at checkpoints, and its peak until then, in KiB. 16 tasks send the requests \
         through one session. The sessions belong to different users of one client. During the outage nothing listens \
         at the base URL, and ten tasks make a call every minute; the test build runs on virtual time.\n",
    );
    note.line("| | checkpoint | resident | peak |\n|---|---|---:|---:|");
    let run = |what: &str, number: u32| {
        println!("memory: {number} {what}");
        let mut program = programs.program("memory", &sandbox.base_url);
        programs::say::<Checkpoint>(program.args([what, &number.to_string()]))
    };
    let requests = run("requests", extent.requests)?;
    list(note, "requests", &requests);
    goal(note, &format!("{} requests", extent.requests), "after the first tenth", requests.first(), requests.last());
    let sessions = run("sessions", extent.sessions)?;
    list(note, "sessions", &sessions);
    let [before, .., after, once, twice] = sessions.as_slice() else { return Err("a checkpoint is missing".into()) };
    let each = (after.kib - before.kib) / f64::from(extent.sessions);
    let name = format!("Memory of a session, of {}", extent.sessions);
    note.goal(Goal::new(&name, format!("{each:.1} KiB"), each, Wanted::AtMost(16.0, "≤ # KiB")));
    let name = format!("{} sessions", extent.sessions);
    goal(note, &name, "by a second request through each", Some(once), Some(twice));
    if extent.is_quick {
        return Ok(());
    }
    let outage = outage()?;
    list(note, "outage", &outage);
    goal(note, "an outage of a day", "after the first tenth", outage.first(), outage.last());
    Ok(())
}

fn list(note: &mut Note, what: &str, checkpoints: &[Checkpoint]) {
    for Checkpoint { at, kib, peak } in checkpoints {
        note.line(&format!("| {what} | {at} | {kib:.0} | {peak:.0} |"));
    }
}

fn goal(note: &mut Note, what: &str, since: &str, first: Option<&Checkpoint>, last: Option<&Checkpoint>) {
    if let (Some(first), Some(last)) = (first, last) {
        let growth = last.kib - first.kib;
        note.goal(Goal::new(&format!("Growth {since}, {what}"), format!("{growth:+.0} KiB"), growth, FLAT));
    }
}

/// Runs the test by itself, because it measures its process.
fn outage() -> Result<Vec<Checkpoint>> {
    println!("memory: an outage of a day, on virtual time");
    let mut cargo = workspace::cargo();
    cargo.args(["test", "--quiet", "--locked", "--test", "promises", OUTAGE, "--"]);
    let output = cargo.args(["--ignored", "--exact", "--nocapture"]).stderr(Stdio::inherit()).output()?;
    let told = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        return Err(format!("the outage failed\n{told}").into());
    }
    let checkpoints: Vec<_> = told.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    if checkpoints.is_empty() { Err("the outage told no memory".into()) } else { Ok(checkpoints) }
}
