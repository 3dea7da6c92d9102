//! The time of a call: by this crate, without it, and by the official Python SDK, in turns.

use serde::Deserialize;

use super::Extent;
use super::chart::{self, Bar, Group};
use super::note::{Goal, Note, Wanted};
use super::programs::{Programs, Worker};
use crate::Result;
use crate::python::Python;
use crate::sandbox::Running;

/// One call, which this crate and a program without it make in turns.
pub(super) struct Kind {
    /// Its word in the programs.
    pub(super) what: &'static str,
    pub(super) name: &'static str,
    /// What makes the call without this crate.
    pub(super) beside: &'static str,
    /// How much this crate may take, in the other's time and instructions.
    pub(super) most: f64,
    has_python: bool,
}

pub(super) const KINDS: [Kind; 4] = [
    Kind { what: "start", name: "`start_session`", beside: "by hand on reqwest", most: 1.25, has_python: true },
    Kind { what: "send", name: "`send`", beside: "by hand on reqwest", most: 1.03, has_python: true },
    Kind { what: "api", name: "`session.api()`", beside: "plain progenitor", most: 1.05, has_python: false },
    Kind { what: "blocking", name: "blocking `send`", beside: "reqwest::blocking", most: 1.1, has_python: false },
];

impl Kind {
    /// The names of the clients that make it.
    fn clients(&self) -> impl Iterator<Item = &'static str> {
        ["this crate", self.beside].into_iter().chain(self.has_python.then_some("official Python SDK"))
    }

    /// How the ratio to the other client is named.
    pub(super) fn ratio(&self) -> String {
        format!("{} ÷ {}", self.name, self.beside.trim_end_matches(" on reqwest"))
    }
}

/// The nanoseconds of a call.
#[derive(Clone, Copy, Deserialize)]
struct Taken {
    wall: f64,
    cpu: f64,
}

/// What each of them took in one turn: this crate, the other, the Python SDK.
type Turn = Vec<Taken>;

pub(super) fn measure(
    programs: &Programs,
    python: &Python,
    sandbox: &Running,
    extent: Extent,
    note: &mut Note,
) -> Result {
    let mut rust = Worker::start(programs.program("calls", &sandbox.base_url))?;
    let mut python = Worker::start(python.script("calls.py", &sandbox.base_url))?;
    note.section("Time of a call");
    note.line(
        "Medians, in microseconds of wall-clock time and of processor time. `session.api()` calls the login of \
         `openapi.yaml` through the generated client. Plain progenitor is the client that progenitor generates from the \
         same document, on reqwest alone. `blocking::Session` sends the same request as `send`.\n",
    );
    note.line("| call | client | wall clock | processor |\n|---|---|---:|---:|");
    let mut groups = Vec::new();
    for kind in &KINDS {
        let calls = if kind.what == "start" { extent.starts } else { extent.sends };
        let turns: Vec<Turn> =
            (0..extent.pairs).map(|number| turn(number, kind, calls, &mut rust, &mut python)).collect::<Result<_>>()?;
        let mut group = Group { name: kind.name.replace('`', ""), bars: Vec::new() };
        for (client, who) in kind.clients().enumerate() {
            let column = || turns.iter().filter_map(|turn| turn.get(client));
            let (wall, cpu) = (median(column().map(|it| it.wall)), median(column().map(|it| it.cpu)));
            note.line(&format!("| {} | {who} | {:.0} | {:.0} |", kind.name, wall / 1e3, cpu / 1e3));
            group.bars.push(Bar { name: who, micros: wall / 1e3 });
        }
        goals(note, kind, &turns);
        groups.push(group);
    }
    note.line("\n![Time of a call](bench.svg)\n");
    note.line("This page compares no TypeScript SDK, because none of Verizon's was found in the npm registry.");
    note.chart = chart::svg("Wall-clock time of a call, in microseconds", &groups);
    Ok(())
}

/// One turn of each, in changing order.
fn turn(number: usize, kind: &Kind, calls: u32, rust: &mut Worker, python: &mut Worker) -> Result<Turn> {
    let mut ask = |who: &str| -> Result<Taken> {
        let worker = if who == "python" { &mut *python } else { &mut *rust };
        let taken: Taken = worker.ask(&format!("{who} {} {calls}", kind.what))?;
        Ok(Taken { wall: taken.wall / f64::from(calls), cpu: taken.cpu / f64::from(calls) })
    };
    let mut turn = if number.is_multiple_of(2) {
        vec![ask("facade")?, ask("hand")?]
    } else {
        let hand = ask("hand")?;
        vec![ask("facade")?, hand]
    };
    if kind.has_python {
        turn.push(ask("python")?);
    }
    Ok(turn)
}

fn goals(note: &mut Note, kind: &Kind, turns: &[Turn]) {
    let median_of = |ratio: &dyn Fn(&[Taken]) -> Option<f64>| median(turns.iter().filter_map(|turn| ratio(turn)));
    let wall = median_of(&|turn| Some(turn.first()?.wall / turn.get(1)?.wall));
    let cpu = median_of(&|turn| Some(turn.first()?.cpu / turn.get(1)?.cpu));
    let figure = format!("{wall:.3} (processor {cpu:.3}; {} pairs)", turns.len());
    note.goal(Goal::new(&format!("{}, time", kind.ratio()), figure, wall, Wanted::AtMost(kind.most, "≤ #")));
    if kind.has_python {
        let python = median_of(&|turn| Some(turn.get(2)?.wall / turn.first()?.wall));
        let name = format!("Python SDK ÷ this crate, {}", kind.name);
        note.goal(Goal::new(&name, format!("{python:.1}"), python, Wanted::AtLeast(7.0, "≥ #")));
    }
}

pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
