//! A replica that is stopped while it logs in, and goes on when its claim has expired and another has logged in.
//!
//! By then its login has been answered, and the time for it is over. It can end the session only if it reads the answer
//! before it notes the time, and SIGCONT has it look at the clock first. So it has one thread and many callers, whose
//! time is over, too: the thread reads the answer before it is through with them. Those that came after the login see to
//! it that the login is not the last to be woken, which tokio runs first.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;

use super::day::GRACE;
use super::replica::Told;
use super::server::Keeps;
use super::stage::{Request, Stage, until};
use super::{Plan, Row};
use crate::Result;

/// How long the login takes in which it is stopped, and when in it that is.
const LOGIN: Duration = Duration::from_millis(1500);
const STOP: Duration = Duration::from_millis(300);
/// In what time after it goes on it has ended what came late, and uses the newer session.
const LATE: Duration = Duration::from_secs(2);
/// How many stalls more there may be if none has brought a late session.
const MORE: usize = 2;
/// What the one that is stopped asks for, by which its requests are known.
const STOPPED: &str = "/m2m/v1/stopped";

/// What came of stalls.
#[derive(Default)]
struct Stalls {
    all: usize,
    /// How many sessions those that were stopped have ended, none of which was used.
    ended: usize,
    /// How many sessions were in use at most, once the newer one was there.
    in_use: usize,
    overwritten: usize,
    /// How many of those that were stopped went on with the newer session.
    resumed: usize,
    others: Told,
}

pub(super) fn stalls(plan: &Plan) -> Result<Row> {
    let (rounds, mut stalls) = (if plan.quick { 1 } else { 5 }, Stalls::default());
    while stalls.all < rounds || stalls.ended == 0 && stalls.all < rounds + MORE {
        stall(plan, &mut stalls)?;
    }
    let Stalls { all, ended, in_use, overwritten, resumed, others } = stalls;
    let failed = others.failures();
    Ok(Row {
        what: "5. stopped while it logs in, continued after its claim: one session in use, no record overwritten, what \
               comes late is ended",
        measured: format!(
            "{all} stalls: {ended} late sessions ended by their owner, {in_use} session(s) in use, {overwritten} \
             records overwritten, {resumed} went on with the newer session; others {} requests, {failed} failed",
            others.ok
        ),
        holds: ended > 0 && in_use == 1 && overwritten == 0 && resumed == all && others.ok > 0 && failed == 0,
    })
}

fn stall(plan: &Plan, stalls: &mut Stalls) -> Result {
    let stage = Stage::set(plan, "stall", Keeps::Nothing)?;
    let arguments = format!("--tasks 400 --pause 500 --seconds 14 --timeout 2 --path {STOPPED}");
    let stopped = stage.replica_with("stopped", &arguments, ("TOKIO_WORKER_THREADS", "1"))?;
    until("a session", || Ok(stage.counter("other_requests")? > 10))?;
    stage.delay_login(LOGIN)?;
    stage.expire()?;
    let logins = |requests: &[Request]| requests.iter().filter(|request| request.path.ends_with("/login")).count();
    until("a login", || Ok(logins(&stage.requests()?) == 2))?;
    sleep(STOP);
    stopped.signal(Signal::STOP)?;
    until("the answer to it", || Ok(stage.logins()? == 2))?;
    let others = (0..3)
        .map(|number| stage.replica(&format!("other-{number}"), "--tasks 4 --pause 50 --seconds 6 --timeout 20"))
        .collect::<Result<Vec<_>>>()?;
    until("a newer session", || Ok(stage.logins()? == 3 && stage.server.session()?.is_some()))?;
    let (newer, before) = (stage.server.session()?, stage.requests()?.len());
    stopped.signal(Signal::CONT)?;
    sleep(LATE);

    let requests = stage.requests()?.split_off(before);
    let with_session = requests.iter().filter_map(|request| Some((request.path.as_str(), request.session.as_deref()?)));
    let (ends, uses): (Vec<_>, Vec<_>) = with_session.partition(|(path, _)| path.ends_with("/session/logout"));
    let in_use: BTreeSet<_> = uses.iter().map(|(_, session)| session).collect();
    stalls.all += 1;
    stalls.ended += ends.iter().filter(|(_, session)| !in_use.contains(session)).count();
    stalls.in_use = stalls.in_use.max(in_use.len());
    stalls.resumed += usize::from(uses.iter().any(|(path, _)| path.ends_with(STOPPED)));
    for other in others {
        other.end(GRACE, &mut stalls.others)?;
    }
    // Those of its requests that waited meanwhile have failed.
    stopped.end(GRACE, &mut Told::default())?;
    stalls.overwritten += usize::from(stage.server.session()? != newer);
    Ok(())
}
