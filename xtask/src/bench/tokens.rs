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
        "Tasks that all send a request with a session that was killed: the time until all have an answer, beside the \
         time of one login, which the sandbox holds back, and that of two requests for each task with a session that \
         lives. Less than nothing, where the requests took less time than by themselves. Seconds, medians.\n",
    );
    note.line("| tasks | one login | the requests | all answered | in logins, without the requests | logins |");
    note.line("|---:|---:|---:|---:|---:|---:|");
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
    note.section("Both tokens put on a request, when neither has to be renewed");
    note.line(
        "In nanoseconds, medians; the load of others on the machine is in the first column and not in the second.",
    );
    note.line("\n| | wall | processor |\n|---|---:|---:|");
    note.line(&format!("| one task | {wall:.0} | {cpu:.0} |"));
    note.line(&format!("| {tasks} tasks on {cores} cores | {many_wall:.0} | {many_cpu:.0} |"));
    let (flat, figure) = (many_cpu / cpu, format!("{cpu:.0} ns (on the wall {wall:.0} ns)"));
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
    let dead = median(rounds.iter().map(|round| round.dead));
    // Less than nothing, where the requests took less time than by themselves.
    let logins = (dead - requests) / login;
    note.line(&format!("| {tasks} | {login:.3} | {requests:.3} | {dead:.3} | {logins:.2} | 1 |"));
    if Some(&tasks) == CROWDS.last() {
        let figure = format!("1 login, answered after {logins:.2} logins and the requests");
        let wanted = Wanted::AtMost(5.0, "1 login, ≤ # logins' time");
        note.goal(Goal::new(&format!("{tasks} tasks on a dead session"), figure, logins, wanted));
    }
    Ok(())
}
