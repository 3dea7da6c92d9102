//! `cargo xtask torn`: runs a fleet on three hosts whose network splits, and checks afterwards what happened.
//!
//! `network` makes the hosts of network namespaces. `schedule` derives the faults from a seed, and `conduct` causes
//! them. The sandbox, the replicas and the conductor write one `history`. `check` reads it and says which promises
//! hold.

mod check;
mod conduct;
mod filter;
mod history;
mod network;
mod schedule;
mod servers;
mod stage;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use conduct::Conductor;
use history::{History, micros};
use network::Network;
use rustix::time::ClockId;
use serde_json::json;
use servers::Servers;
use stage::Stage;

use crate::fleet::server::Program;
use crate::{Result, sandbox, workspace};

/// The seed of the gate: its faults include lost logins, a rotation, a failover and an isolated primary.
const SEED: u64 = 19700;
const SECONDS: u64 = 560;
const QUICK_SECONDS: u64 = 28;
/// How long the fleet may take after the last fault to agree on one session, and how long the run watches it then.
const CALM: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Run for a minute, with a fixed seed
    #[arg(long)]
    quick: bool,
    /// The seed of the faults [default: a random one, or 19700 with --quick]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// How long faults happen [default: 560, or 28 with --quick]
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// Cause only these faults, such as `PlatformCut,SessionKilled`
    #[arg(long, value_name = "FAULTS", value_delimiter = ',')]
    only: Vec<String>,
    /// How many of the two replicas of Redis confirm each swap: see docs/fleet.md
    #[arg(long, value_name = "NUMBER", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=2))]
    replicated_to: u32,
    /// Leave out the settings that docs/fleet.md recommends against the loss of writes
    #[arg(long, conflicts_with = "replicated_to")]
    careless: bool,
    /// Skip the run, with a reason, on a machine that cannot make network namespaces
    #[arg(long)]
    if_possible: bool,
    /// Check the history of an earlier run again
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["quick", "seed", "seconds", "if_possible"])]
    check: Option<PathBuf>,
}

/// The settings and programs of a run.
struct Plan {
    server: Program,
    sandbox: PathBuf,
    replica: PathBuf,
    faketime: Option<PathBuf>,
    /// How many replicas of Redis confirm each swap.
    confirmations: u32,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    if let Some(directory) = &arguments.check {
        return report(directory, &format!("the history in {}", directory.display()));
    }
    if let Some(obstacle) = network::obstacle() {
        let problem = format!("this machine cannot make network namespaces: {obstacle}");
        if arguments.if_possible {
            println!("SKIPPED: {problem}");
            return Ok(());
        }
        return Err(problem.into());
    }
    let plan = Plan {
        server: Program::chosen()?,
        sandbox: sandbox::build()?,
        replica: sandbox::program(&["--package", "thingspace-session-redis", "--example", "replica"])?,
        faketime: faketime(),
        confirmations: if arguments.careless { 0 } else { arguments.replicated_to },
    };
    if plan.faketime.is_none() {
        println!("The package faketime is missing: the run moves no clock.");
    }
    let seed = arguments.seed.unwrap_or_else(|| if arguments.quick { SEED } else { u64::from(fastrand::u32(..)) });
    let directory = workspace::target()?.join("torn").join(format!("seed-{seed}"));
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    println!("Seed {seed}; the history is in {}.", directory.display());
    tear(&plan, arguments, seed, &directory)?;
    let quick = if arguments.quick { " --quick" } else { "" };
    let set = match plan.confirmations {
        0 => " --careless",
        1 => " --replicated-to 1",
        _ => "",
    };
    report(&directory, &format!("{}, `cargo xtask torn{quick} --seed {seed}{set}`", plan.server.name))
}

fn tear(plan: &Plan, arguments: &Arguments, seed: u64, directory: &Path) -> Result {
    let time = Duration::from_secs(arguments.seconds.unwrap_or(if arguments.quick { QUICK_SECONDS } else { SECONDS }));
    let mut steps = schedule::faults(seed, time, stage::ALL);
    steps.retain(|step| arguments.only.is_empty() || arguments.only.iter().any(|name| step.fault.has(name)));
    let history = History::open(&directory.join("conductor.jsonl"))?;
    let offset = micros(ClockId::Realtime).saturating_sub(micros(ClockId::Monotonic));
    history.note(json!({ "what": "clock", "offset": offset, "seed": seed, "confirmations": plan.confirmations }))?;

    let mut network = Network::set_up(directory)?;
    let mut servers = Servers::start(&plan.server, directory, plan.confirmations)?;
    let mut stage = Stage::set(plan, directory)?;
    (0..stage::ALL).try_for_each(|number| stage.start(number))?;
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| conduct::watch(&history, plan.confirmations, &stop));
        scope.spawn(|| conduct::watch_platform(&history, &stop));
        let mut conductor = Conductor::new(&mut network, &mut servers, &mut stage, &history);
        let mut conduct = || {
            conductor.rest(Duration::from_secs(5))?;
            history.note(json!({ "what": "begin" }))?;
            conductor.carry_out(&steps)?;
            history.note(json!({ "what": "calm", "within": u64::try_from(CALM.as_micros())? }))?;
            stage::kill_session()?;
            conductor.rest(CALM + LOOK)?;
            history.note(json!({ "what": "end" }))
        };
        let outcome = conduct();
        stop.store(true, Ordering::Relaxed);
        outcome
    })?;
    stage.end()
}

fn report(directory: &Path, what: &str) -> Result {
    let begin = Instant::now();
    let (events, size) = history::read(directory)?;
    let verdicts = check::all(&events);
    println!("\n| {what} | measured | holds |\n|---|---|---|");
    for verdict in &verdicts {
        let holds = if verdict.broken.is_empty() { "yes" } else { "NO" };
        println!("| {} | {} | {holds} |", verdict.rule, verdict.measured);
    }
    println!("\nHistory: {} events, {size} bytes; checked in {:.1} s.", events.len(), begin.elapsed().as_secs_f64());
    let mut broken = Vec::new();
    for verdict in verdicts.iter().filter(|verdict| !verdict.broken.is_empty()) {
        broken.push(verdict.rule);
        for reason in verdict.broken.iter().take(20) {
            println!("NO {}: {reason}", verdict.rule);
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(format!("these promises do not hold: {}", broken.join("; ")).into()) }
}

/// The library that moves the clock of a process, where Debian and other distributions install it.
fn faketime() -> Option<PathBuf> {
    let folders = ["/usr/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"];
    let library = |folder: &str| Path::new(folder).join("faketime/libfaketimeMT.so.1");
    folders.into_iter().map(library).find(|path| path.exists())
}
