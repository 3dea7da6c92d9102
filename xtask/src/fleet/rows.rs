//! The rows of the table, each with a sandbox and a server of its own.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::replica::{Replica, Stage, Told};
use super::server::{Keeps, NAMED, Program};
use super::{Plan, Row};
use crate::{Result, process, workspace};

const REPLICAS: usize = 12;
/// Workers of a replica: a thousand in all.
const WORKERS: usize = 84;
/// How much longer than its time a replica may run.
const GRACE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(50);
/// In what time every replica has used a new session.
const USED: Duration = Duration::from_secs(1);
/// How often the server is killed.
const RESTARTS: Duration = Duration::from_secs(5);

pub(super) const ALL: [fn(&Plan) -> Result<Row>; 8] =
    [conformance, sessions_killed, wrong_password, restarts_with_a_log, restarts_without, stalls, rotation, cost];

/// On the server of the other rows, and on Valkey if there is one.
fn conformance(plan: &Plan) -> Result<Row> {
    let valkey = Program::find("valkey-server").filter(|valkey| valkey.name != plan.programs.server.name);
    let (mut measured, mut holds) = (Vec::new(), true);
    for server in [Some(plan.programs.server.clone()), valkey].into_iter().flatten() {
        let mut command = workspace::cargo();
        command.args(["test", "--quiet", "--test", "stores", "redis::redis_keeps"]).env(NAMED, &server.path);
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

/// What happens while replicas send.
struct Day {
    killed: u64,
    restarts: u64,
    told: Told,
}

impl Day {
    fn failed(&self) -> u64 {
        self.told.failed.values().sum()
    }

    fn says(&self, stage: &Stage) -> Result<String> {
        let mut text = format!(
            "{} requests, {} failed, {} sessions killed, {} restarts, {} logins, {} strikes",
            self.told.ok,
            self.failed(),
            self.killed,
            self.restarts,
            stage.counter("logins_succeeded")?,
            stage.strikes()?,
        );
        for (kind, count) in &self.told.failed {
            write!(text, "; {count} × {kind}")?;
        }
        Ok(text)
    }
}

/// Starts all replicas, with arguments of each one's own.
fn all(plan: &Plan, stage: &Stage, extra: impl Fn(usize) -> String) -> Result<Vec<Replica>> {
    let seconds = plan.time.as_secs();
    let start = |number: usize| {
        let arguments = format!("--tasks {WORKERS} --pause 2000 --seconds {seconds} {}", extra(number));
        stage.replica(&format!("replica-{number}.log"), &arguments)
    };
    (0..REPLICAS).map(start).collect()
}

/// Kills sessions at random until the replicas end, and the server as often as is said.
fn day(plan: &Plan, stage: &mut Stage, replicas: Vec<Replica>, restarts: Option<Duration>) -> Result<Day> {
    let begin = Instant::now();
    let mut day = Day { killed: 0, restarts: 0, told: Told::default() };
    let mut next_kill = begin + Duration::from_secs(2);
    let mut logins = 0;
    // The last one is killed early enough for somebody to find it out.
    while begin.elapsed() + Duration::from_secs(3) < plan.time {
        sleep(TICK);
        let found = stage.counter("logins_succeeded")?;
        if Instant::now() >= next_kill && found > logins {
            logins = found;
            stage.expire()?;
            day.killed += 1;
            // Killed before anybody has used it, a session is taken for one that the platform never accepts.
            next_kill = Instant::now() + USED + chance(1500);
        }
        if restarts.is_some_and(|every| begin.elapsed() >= every * u32::try_from(day.restarts + 1).unwrap_or(u32::MAX))
        {
            stage.server.restart()?;
            day.restarts += 1;
        }
    }
    for replica in replicas {
        replica.end(plan.time + GRACE, &mut day.told)?;
    }
    Ok(day)
}

/// Some time up to this many milliseconds.
fn chance(milliseconds: u32) -> Duration {
    let nanoseconds =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().subsec_nanos();
    Duration::from_millis(u64::from((nanoseconds / 1000) % milliseconds))
}

fn sessions_killed(plan: &Plan) -> Result<Row> {
    let mut stage = Stage::set(&plan.programs, &plan.directory.join("killed"), Keeps::Nothing)?;
    let replicas = all(plan, &stage, |_| String::new())?;
    let day = day(plan, &mut stage, replicas, None)?;
    // The first login is no renewal.
    let renewals = stage.counter("logins_succeeded")?.saturating_sub(1);
    let measured = format!("{renewals} renewals; {}", day.says(&stage)?);
    Ok(Row {
        what: "2. sessions killed at random: renewals ÷ kills = 1",
        holds: renewals == day.killed && day.failed() == 0 && day.killed > 0,
        measured,
    })
}

fn wrong_password(plan: &Plan) -> Result<Row> {
    let stage = Stage::set(&plan.programs, &plan.directory.join("wrong"), Keeps::Nothing)?;
    let (rounds, mut told) = (if plan.quick { 3 } else { 10 }, Told::default());
    for _ in 0..rounds {
        let start = |number| stage.replica_with(&format!("replica-{number}.log"), "--tasks 1 --requests 1", "wrong");
        for replica in (0..REPLICAS).map(start).collect::<Result<Vec<_>>>()? {
            replica.end(GRACE, &mut told)?;
        }
    }
    let strikes = stage.strikes()?;
    let failed: u64 = told.failed.values().sum();
    Ok(Row {
        what: "3. a wrong password: strikes ≤ 2",
        measured: format!("{REPLICAS} processes, started {rounds} times each: {failed} refused, {strikes} strikes"),
        holds: strikes <= 2 && told.ok == 0,
    })
}

fn restarts_with_a_log(plan: &Plan) -> Result<Row> {
    restarts(plan, Keeps::All, "4a. Redis killed every 5 s, appendonly: 0 failed, logins ≤ 1 + kills, 0 strikes")
}

fn restarts_without(plan: &Plan) -> Result<Row> {
    restarts(plan, Keeps::Nothing, "4b. the same, without a log: 0 failed, logins ≤ 1 + kills + restarts, 0 strikes")
}

fn restarts(plan: &Plan, keeps: Keeps, what: &'static str) -> Result<Row> {
    let mut stage = Stage::set(&plan.programs, &plan.directory.join("restarts"), keeps)?;
    let replicas = all(plan, &stage, |_| String::new())?;
    let every = if plan.quick { RESTARTS / 2 } else { RESTARTS };
    let day = day(plan, &mut stage, replicas, Some(every))?;
    let spare = if keeps == Keeps::All { 0 } else { day.restarts };
    let logins = stage.counter("logins_succeeded")?;
    Ok(Row {
        what,
        measured: day.says(&stage)?,
        holds: day.failed() == 0 && logins <= 1 + day.killed + spare && stage.strikes()? == 0 && day.restarts > 0,
    })
}

/// A replica is stopped while it logs in, and goes on when another has logged in.
fn stalls(plan: &Plan) -> Result<Row> {
    let rounds = if plan.quick { 1 } else { 5 };
    let (mut ended, mut holds) = (0, true);
    for _ in 0..rounds {
        let stage = Stage::set(&plan.programs, &plan.directory.join("stalls"), Keeps::Nothing)?;
        let stalled = stage.replica("stalled.log", "--tasks 4 --pause 50 --seconds 15 --timeout 2")?;
        until(|| Ok(stage.counter("other_requests")? > 10))?;
        stage.delay_login(500)?;
        stage.expire()?;
        until(|| Ok(stage.server.field("holder")?.is_some()))?;
        sleep(Duration::from_millis(200));
        stalled.signal(Signal::STOP)?;
        let others = (0..3)
            .map(|number| {
                stage.replica(&format!("other-{number}.log"), "--tasks 4 --pause 50 --seconds 6 --timeout 20")
            })
            .collect::<Result<Vec<_>>>()?;
        let before = stage.counter("other_requests")?;
        until(|| Ok(stage.counter("other_requests")? > before + 20))?;
        let newer = stage.server.field("id")?;
        stalled.signal(Signal::CONT)?;
        sleep(Duration::from_secs(2));
        let tokens = stage.tokens_in_use(20)?.len();
        holds &= newer.is_some() && stage.server.field("id")? == newer && tokens == 1;
        ended += stage.counter("logouts")?;
        let mut told = Told::default();
        for other in others {
            other.end(GRACE, &mut told)?;
        }
        holds &= told.failed.is_empty();
        let mut own = Told::default();
        stalled.end(GRACE, &mut own)?;
        holds &= own.ok > 0 && stage.server.field("id")? == newer;
    }
    Ok(Row {
        what: "5. stopped while it logs in: one session in use, no record overwritten",
        measured: format!("{rounds} stalls, {ended} late sessions ended by their owner"),
        holds,
    })
}

/// Waits for something that comes about by itself.
fn until(is_so: impl Fn() -> Result<bool>) -> Result {
    let begin = Instant::now();
    while !is_so()? {
        if begin.elapsed() > Duration::from_secs(30) {
            return Err("what was waited for has not come about".into());
        }
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// One replica rotates half-way. Half of them learn the new password, the others keep the old one.
fn rotation(plan: &Plan) -> Result<Row> {
    let mut stage = Stage::set(&plan.programs, &plan.directory.join("rotation"), Keeps::Nothing)?;
    let vault = stage.directory.join("vault.json");
    let replicas = all(plan, &stage, |number| match number {
        0 => format!("--vault {} --rotate yes", vault.display()),
        1..6 => format!("--vault {}", vault.display()),
        _ => String::new(),
    })?;
    let day = day(plan, &mut stage, replicas, None)?;
    let (resets, refused) = (stage.counter("resets_processed")?, stage.counter("logins_failed")?);
    Ok(Row {
        what: "6. a rotation: no login with the old password after it",
        measured: format!("{resets} reset, {refused} logins refused; {}", day.says(&stage)?),
        holds: resets == 1 && refused == 0,
    })
}

fn cost(plan: &Plan) -> Result<Row> {
    const LOGIN: Duration = Duration::from_millis(500);
    let stage = Stage::set(&plan.programs, &plan.directory.join("cost"), Keeps::Nothing)?;
    let replicas = (0..REPLICAS)
        .map(|number| stage.replica(&format!("replica-{number}.log"), "--tasks 10 --pause 100 --seconds 12"))
        .collect::<Result<Vec<_>>>()?;
    sleep(Duration::from_secs(4));
    let (commands, requests) = (stage.server.commands()?, stage.counter("other_requests")?);
    sleep(Duration::from_secs(2));
    let (idle, sent) = (stage.server.commands()? - commands, stage.counter("other_requests")? - requests);
    let before = stage.server.commands()?;
    stage.delay_login(u64::try_from(LOGIN.as_millis())?)?;
    stage.expire()?;
    sleep(Duration::from_secs(3));
    let renewal = stage.server.commands()? - before;
    let mut told = Told::default();
    for replica in replicas {
        replica.end(GRACE, &mut told)?;
    }
    let times = told.slowest.as_secs_f64() / LOGIN.as_secs_f64();
    Ok(Row {
        what: "7. cost",
        measured: format!(
            "{idle} commands for {sent} requests; {renewal} commands for a renewal of {REPLICAS} processes; slowest \
             request {times:.2} × a login of {} ms",
            LOGIN.as_millis()
        ),
        holds: idle == 0 && sent > 0 && told.failed.is_empty(),
    })
}
