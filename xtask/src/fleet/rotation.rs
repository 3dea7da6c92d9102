//! One replica replaces the password. Half of the fleet learns the new one, the others keep the old one.

use std::thread::sleep;
use std::time::Duration;

use super::day::{Day, REPLICAS, USED};
use super::replica::Replica;
use super::server::Keeps;
use super::stage::{Stage, until};
use super::{Plan, Row};
use crate::Result;

/// How long it takes at least: the password is replaced half-way, and sessions die after that.
const LEAST: Duration = Duration::from_secs(12);
/// How long the first login after the reset takes: long enough for every replica to ask for a session meanwhile.
const SLOW: Duration = Duration::from_millis(500);
/// What a replica says that has nothing but the old password.
const SUSPENDED: &str = "login_suspended";

pub(super) fn rotation(plan: &Plan) -> Result<Row> {
    let mut stage = Stage::set(plan, "rotation", Keeps::Nothing)?;
    let vault = stage.directory.join("vault.json");
    let mut day = Day::begin(plan.time.max(LEAST), None);
    let start = |number| {
        let arguments = match number {
            0 => format!("{} --vault {} --rotate yes", day.load(), vault.display()),
            _ if number < REPLICAS / 2 => format!("{} --vault {}", day.load(), vault.display()),
            _ => day.load(),
        };
        stage.replica(&format!("replica-{number}"), &arguments)
    };
    let mut informed = (0..REPLICAS).map(start).collect::<Result<Vec<Replica>>>()?;
    let uninformed = informed.split_off(REPLICAS / 2);

    day.go_on(&mut stage, |stage| Ok(stage.counter("resets_processed")? > 0))?;
    until("a session after the reset", || Ok(stage.logins()? == 1 + day.killed))?;
    sleep(USED);
    let before = day.killed;
    stage.delay_login(SLOW)?;
    day.kill(&stage)?;
    until("a login after the reset", || Ok(stage.logins()? == 1 + day.killed))?;
    day.go_on(&mut stage, |_| Ok(false))?;

    let (informed, uninformed) = (day.end(informed)?, day.end(uninformed)?);
    let (resets, refused) = (stage.counter("resets_processed")?, stage.counter("logins_failed")?);
    let (logins, killed) = (stage.logins()?, day.killed - before);
    let suspended = uninformed.failed.get(SUSPENDED).copied().unwrap_or_default();
    let otherwise = uninformed.failures() - suspended;
    Ok(Row {
        what: "6. a rotation: no login with the old password after it; a replica without another gets an error",
        measured: format!(
            "{resets} reset, then {killed} sessions killed; {logins} logins, {refused} with the old password after it; \
             with the vault {} requests, {} failed; without it {}, {suspended} × {SUSPENDED}, {otherwise} failed otherwise",
            informed.ok,
            informed.failures(),
            uninformed.ok,
        ),
        holds: resets == 1
            && killed > 0
            && logins == 1 + day.killed
            && refused == 0
            && informed.ok > 0
            && informed.failures() == 0
            && suspended > 0
            && otherwise == 0,
    })
}
