//! The rows of the table, and those of them that take no day.

use std::thread::sleep;
use std::time::Duration;

use super::day::{self, GRACE, REPLICAS};
use super::replica::{Replica, Told};
use super::rotation::rotation;
use super::server::{Keeps, NAMED, Program};
use super::stage::Stage;
use super::stall::stalls;
use super::{Plan, Row};
use crate::{Result, process, workspace};

pub(super) const ALL: [fn(&Plan) -> Result<Row>; 8] = [
    conformance,
    day::sessions_killed,
    wrong_password,
    day::restarts_with_a_log,
    day::restarts_without,
    stalls,
    rotation,
    cost,
];

/// On the server of the other rows, and on Valkey if there is one.
fn conformance(plan: &Plan) -> Result<Row> {
    let valkey = Program::find("valkey-server").filter(|valkey| valkey.name != plan.server.name);
    let (mut measured, mut holds) = (Vec::new(), true);
    for server in [Some(plan.server.clone()), valkey].into_iter().flatten() {
        let mut command = workspace::cargo();
        command
            .args(["test", "--quiet", "--package", "thingspace-session-redis", "--test", "redis", "one::redis_keeps"])
            .env(NAMED, &server.path);
        std::fs::create_dir_all(&plan.directory)?;
        let log = plan.directory.join("conformance.log");
        let outcome = process::run("the suite", &mut command, &log, Duration::from_secs(600));
        let text = process::read(&log);
        let result = text.lines().find(|line| line.contains(" passed")).unwrap_or("no result");
        holds &= outcome.is_ok() && result.contains(" 2 passed");
        let result: Vec<_> = result.trim_start_matches("test result: ").split("; ").take(2).collect();
        measured.push(format!("{}: {}", server.name, result.join("; ")));
    }
    Ok(Row { what: "1. conformance, in memory and appendonly", measured: measured.join("<br>"), holds })
}

fn wrong_password(plan: &Plan) -> Result<Row> {
    let stage = Stage::set(plan, "wrong", Keeps::Nothing)?;
    let (rounds, mut told) = (if plan.quick { 3 } else { 10 }, Told::default());
    let start = |number| {
        let wrong = ("THINGSPACE_PASSWORD", "wrong");
        stage.replica_with(&format!("replica-{number}"), "--tasks 1 --requests 1", wrong)
    };
    for _ in 0..rounds {
        for replica in (0..REPLICAS).map(start).collect::<Result<Vec<_>>>()? {
            replica.end(GRACE, &mut told)?;
        }
    }
    let (strikes, failed, starts) = (stage.strikes()?, told.failures(), (REPLICAS * rounds) as u64);
    let suspended: u64 =
        told.failed.iter().filter(|(said, _)| said.contains("logging in is suspended")).map(|(_, count)| count).sum();
    Ok(Row {
        what: "3. a wrong password: strikes ≤ 2, every start refused",
        measured: format!(
            "{REPLICAS} processes, started {rounds} times each: {failed} refused, {suspended} of them without a login; \
             {strikes} strikes"
        ),
        holds: (1..=2).contains(&strikes) && failed == starts && suspended == starts - strikes && told.ok == 0,
    })
}

fn cost(plan: &Plan) -> Result<Row> {
    const LOGIN: Duration = Duration::from_millis(500);
    let stage = Stage::set(plan, "cost", Keeps::Nothing)?;
    let replicas = (0..REPLICAS)
        .map(|number| stage.replica(&format!("replica-{number}"), "--tasks 10 --pause 100 --seconds 12"))
        .collect::<Result<Vec<Replica>>>()?;
    sleep(Duration::from_secs(4));
    let (commands, requests) = (stage.server.commands()?, stage.counter("other_requests")?);
    sleep(Duration::from_secs(2));
    let (idle, sent) = (stage.server.commands()? - commands, stage.counter("other_requests")? - requests);
    let before = stage.server.commands()?;
    stage.delay_login(LOGIN)?;
    stage.expire()?;
    sleep(Duration::from_secs(3));
    let (renewal, logins) = (stage.server.commands()? - before, stage.logins()?);
    let mut told = Told::default();
    for replica in replicas {
        replica.end(GRACE, &mut told)?;
    }
    let times = told.slowest.as_secs_f64() / LOGIN.as_secs_f64();
    Ok(Row {
        what: "7. cost: no command when nothing happens",
        measured: format!(
            "{idle} commands for {sent} requests; {renewal} commands for a renewal of {REPLICAS} processes; slowest \
             request {times:.2} × a login of {} ms",
            LOGIN.as_millis()
        ),
        holds: idle == 0 && sent > 0 && logins == 2 && told.failed.is_empty(),
    })
}
