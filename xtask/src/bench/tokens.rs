//! Tokens: put on a request when they are at hand, and waited for by a crowd when they are not.

use serde::Deserialize;

use super::calls::median;
use super::note::{Goal, Note, Wanted};
use super::programs::Programs;
use super::{Extent, programs};
use crate::Result;
use crate::sandbox::Running;

/// How many tasks meet a dead session.
const CROWDS: [usize; 3] = [1, 100, 10_000];

/// The nanoseconds of a request.
#[derive(Deserialize)]
struct Each {
    wall: f64,
    cpu: f64,
}

#[derive(Deserialize)]
struct Attached {
    cores: usize,
    tasks: usize,
    one: Vec<Each>,
    many: Vec<Each>,
}

/// In seconds; and what was counted while the session was dead.
#[derive(Deserialize)]
struct Round {
    login: f64,
    requests: f64,
    first: f64,
    dead: f64,
    logins: u64,
    answered: u64,
}

pub(super) fn measure(programs: &Programs, sandbox: &Running, extent: Extent, note: &mut Note) -> Result {
    println!("tokens at hand");
    attached(programs, sandbox, extent, note)?;
    println!("a dead session");
    note.section("A dead session");
    note.line(
        "All tasks send a request at once, and the platform has ended their session. The crate logs in once, and the \
         sandbox delays the response to this login. The table has the time until the first task and until all tasks have \
         their responses. Beside it are the time of a login by itself, and the time that the tasks need for two requests \
         each with a live session. The last column is the time until all have their responses, less that of the requests, \
         divided by that of a login. It is below 0 if the requests took less time than by themselves. Medians, in \
         seconds.\n",
    );
    note.line("| tasks | logins | first response | all responses | a login | the requests | waiting, in logins |");
    note.line("|---:|---:|---:|---:|---:|---:|---:|");
    for tasks in CROWDS {
        crowd(tasks, programs, sandbox, extent, note)?;
    }
    Ok(())
}

fn attached(programs: &Programs, sandbox: &Running, extent: Extent, note: &mut Note) -> Result {
    let mut program = programs.program("attach", &sandbox.base_url);
    let said = programs::say(program.arg(extent.turns.to_string()))?;
    let Attached { cores, tasks, one, many } = said.into_iter().next().ok_or("nothing was attached")?;
    let of = |each: &[Each]| (median(each.iter().map(|it| it.wall)), median(each.iter().map(|it| it.cpu)));
    let ((wall, cpu), (many_wall, many_cpu)) = (of(&one), of(&many));
    note.section("Attaching both tokens");
    note.line(
        "The time that the crate needs to put two valid tokens on a request. Medians, in nanoseconds. Other programs on \
         the machine lengthen the wall-clock time; they hardly change the processor time.",
    );
    note.line("\n| | wall clock | processor |\n|---|---:|---:|");
    note.line(&format!("| one task | {wall:.0} | {cpu:.0} |"));
    note.line(&format!("| {tasks} tasks on {cores} cores | {many_wall:.0} | {many_cpu:.0} |"));
    let (flat, figure) = (many_cpu / cpu, format!("{cpu:.0} ns (wall clock {wall:.0} ns)"));
    note.goal(Goal::new("Attach both tokens", figure, cpu, Wanted::AtMost(100.0, "≤ # ns")));
    let name = format!("The same on all {cores} cores ÷ on one");
    note.goal(Goal::new(&name, format!("{flat:.2}"), flat, Wanted::AtMost(1.1, "flat: ≤ #")));
    Ok(())
}

fn crowd(tasks: usize, programs: &Programs, sandbox: &Running, extent: Extent, note: &mut Note) -> Result {
    let mut program = programs.program("crowd", &sandbox.base_url);
    let rounds: Vec<Round> = programs::say(program.args([tasks.to_string(), extent.rounds.to_string()]))?;
    if rounds.len() != extent.rounds {
        return Err(format!("{tasks} tasks: {} rounds of {}", rounds.len(), extent.rounds).into());
    }
    if let Some(wrong) =
        rounds.iter().find(|round| round.logins != 1 || round.answered != u64::try_from(tasks).unwrap_or(0))
    {
        return Err(format!("{tasks} tasks: {} logins and {} answers", wrong.logins, wrong.answered).into());
    }
    let login = median(rounds.iter().map(|round| round.login));
    let requests = median(rounds.iter().map(|round| round.requests));
    let (first, dead) = (median(rounds.iter().map(|round| round.first)), median(rounds.iter().map(|round| round.dead)));
    let logins = (dead - requests) / login;
    note.line(&format!("| {tasks} | 1 | {first:.3} | {dead:.3} | {login:.3} | {requests:.3} | {logins:.2} |"));
    if Some(&tasks) == CROWDS.last() {
        let figure = format!("1 login; first response after {first:.3} s, all after {dead:.3} s");
        let wanted = Wanted::AtMost(5.0, "1 login, ≤ # logins' time");
        note.goal(Goal::new(&format!("{tasks} tasks on a dead session"), figure, logins, wanted));
    }
    Ok(())
}
