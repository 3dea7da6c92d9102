//! `cargo xtask bench` measures what this crate costs, beside the same requests without it and beside the official Python
//! SDK, and writes `docs/bench.md`.
//!
//! One run measures all clients in turns, so that other load on the machine affects each of them.

mod builds;
mod calls;
mod chart;
mod counts;
mod memory;
mod note;
mod profile;
mod programs;
mod tokens;

use std::fs;

use crate::python::Python;
use crate::sandbox::{self, Running};
use crate::{Result, workspace};
use note::Note;
use programs::Programs;

/// How much is measured.
#[derive(Clone, Copy)]
struct Extent {
    /// Turns of each kind of call, and the calls in each.
    pairs: usize,
    starts: u32,
    sends: u32,
    /// Turns of ten thousand requests that tokens are put on.
    turns: u32,
    rounds: usize,
    /// Requests through one session, and sessions in one process, whose memory is measured.
    requests: u32,
    sessions: u32,
    is_quick: bool,
}

const WHOLE: Extent = Extent {
    pairs: 101,
    starts: 20,
    sends: 50,
    turns: 40,
    rounds: 5,
    requests: 1_000_000,
    sessions: 10_000,
    is_quick: false,
};
const QUICK: Extent =
    Extent { pairs: 1, starts: 2, sends: 2, turns: 1, rounds: 1, requests: 2000, sessions: 100, is_quick: true };

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Find out whether the programs run; measure and write nothing
    #[arg(long)]
    quick: bool,
    /// Measure the clean builds alone, and replace what docs/bench.md says of them
    #[arg(long, conflicts_with = "quick")]
    #[allow(clippy::doc_markdown, reason = "it is the text of --help")]
    builds: bool,
    /// Measure the memory alone, and replace what docs/bench.md says of it
    #[arg(long, conflicts_with_all = ["quick", "builds"])]
    #[allow(clippy::doc_markdown, reason = "it is the text of --help")]
    memory: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    let extent = if arguments.quick { QUICK } else { WHOLE };
    let root = workspace::root();
    let (work, interop) = (workspace::target()?.join("bench"), workspace::target()?.join("interop"));
    fs::create_dir_all(&work)?;
    fs::create_dir_all(&interop)?;
    if arguments.builds {
        let mut note = Note::default();
        println!("clean builds: three, which takes minutes");
        builds::measure(&work, &mut note)?;
        return note.replace(&root.join("docs"), builds::SECTION);
    }
    if arguments.memory {
        let programs = Programs::build(&work, extent)?;
        let sandbox = Running::start(&sandbox::build_as(programs.profile())?, &work.join("sandbox.log"))?;
        let mut note = Note::default();
        memory::measure(&programs, &sandbox, extent, &mut note)?;
        return note.replace(&root.join("docs"), memory::SECTION);
    }
    println!("python: environment in {}", interop.join("venv").display());
    let python = Python::prepare(&root.join("xtask").join("interop"), &interop, "verizon, schemathesis")?;
    println!("programs: building");
    let programs = Programs::build(&work, extent)?;
    let sandbox = Running::start(&sandbox::build_as(programs.profile())?, &work.join("sandbox.log"))?;

    let mut note = Note::default();
    println!("calls: {} turns", extent.pairs);
    calls::measure(&programs, &python, &sandbox, extent, &mut note)?;
    counts::measure(&programs, &sandbox, extent, &mut note)?;
    tokens::measure(&programs, &sandbox, extent, &mut note)?;
    memory::measure(&programs, &sandbox, extent, &mut note)?;
    if extent.is_quick {
        // What so few calls take says nothing.
        println!("the programs run, and each crowd made one login; instructions were not counted");
        return Ok(());
    }
    println!("clean builds: three, which takes minutes");
    builds::measure(&work, &mut note)?;
    note.write(&root.join("docs"))
}
