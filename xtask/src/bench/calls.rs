//! The time of a call: by this crate, by hand, and by the official Python SDK, in turns.

use serde::Deserialize;

use super::Extent;
use super::chart::{self, Bar};
use super::note::{Goal, Note, Wanted};
use super::programs::{Programs, Worker};
use crate::Result;
use crate::python::Python;
use crate::sandbox::Running;

const WHO: [(&str, &str); 3] =
    [("facade", "this crate"), ("hand", "by hand on reqwest"), ("python", "official Python SDK")];
pub(super) const WHAT: [(&str, &str); 2] = [("start", "`start_session`"), ("send", "`send`")];

/// The nanoseconds of a call.
#[derive(Clone, Copy, Deserialize)]
struct Taken {
    wall: f64,
    cpu: f64,
}

/// What each of them took in one turn.
type Turn = [Taken; 3];

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
    note.line("In microseconds, on the wall and on the processor; medians.\n");
    note.line("| | | wall | processor |\n|---|---|---:|---:|");
    let mut bars = Vec::new();
    for (what, name) in WHAT {
        let calls = if what == "start" { extent.starts } else { extent.sends };
        let turns: Vec<Turn> =
            (0..extent.pairs).map(|number| turn(number, what, calls, &mut rust, &mut python)).collect::<Result<_>>()?;
        for ((_, who), column) in WHO.into_iter().zip(columns(&turns)) {
            let (wall, cpu) = (median(column.iter().map(|it| it.wall)), median(column.iter().map(|it| it.cpu)));
            note.line(&format!("| {name} | {who} | {:.0} | {:.0} |", wall / 1e3, cpu / 1e3));
            bars.push(Bar { name: format!("{}, {who}", name.trim_matches('`')), micros: wall / 1e3 });
        }
        goals(note, name, &turns);
    }
    note.line("\n![Time of a call](bench.svg)");
    note.chart = chart::svg("Time of a call on the wall, in microseconds", &bars);
    Ok(())
}

/// One turn of each, in changing order.
fn turn(number: usize, what: &str, calls: u32, rust: &mut Worker, python: &mut Worker) -> Result<Turn> {
    let mut ask = |who: &str| -> Result<Taken> {
        let worker = if who == "python" { &mut *python } else { &mut *rust };
        let taken: Taken = worker.ask(&format!("{who} {what} {calls}"))?;
        Ok(Taken { wall: taken.wall / f64::from(calls), cpu: taken.cpu / f64::from(calls) })
    };
    if number.is_multiple_of(2) {
        let (facade, hand) = (ask("facade")?, ask("hand")?);
        Ok([facade, hand, ask("python")?])
    } else {
        let (hand, facade) = (ask("hand")?, ask("facade")?);
        Ok([facade, hand, ask("python")?])
    }
}

fn columns(turns: &[Turn]) -> [Vec<Taken>; 3] {
    let mut columns = [Vec::new(), Vec::new(), Vec::new()];
    for turn in turns {
        for (column, taken) in columns.iter_mut().zip(turn) {
            column.push(*taken);
        }
    }
    columns
}

fn goals(note: &mut Note, name: &str, turns: &[Turn]) {
    let wall = median(turns.iter().map(|[facade, hand, _]| facade.wall / hand.wall));
    let cpu = median(turns.iter().map(|[facade, hand, _]| facade.cpu / hand.cpu));
    let python = median(turns.iter().map(|[facade, _, python]| python.wall / facade.wall));
    let pairs = turns.len();
    let figure = format!("{wall:.3} (on the processor {cpu:.3}; {pairs} pairs)");
    note.goal(Goal::new(&format!("{name} ÷ by hand, time"), figure, wall, Wanted::AtMost(1.03, "≤ #")));
    let name = format!("Python SDK ÷ this crate, {name}");
    note.goal(Goal::new(&name, format!("{python:.1}"), python, Wanted::AtLeast(7.0, "≥ #")));
}

pub(super) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
