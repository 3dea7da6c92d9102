//! A day of the fleet: a thousand workers send, sessions are killed at random, and the server as often as is said.

use std::fmt::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::replica::{Replica, Told};
use super::server::Keeps;
use super::stage::Stage;
use super::{Plan, Row};
use crate::Result;

pub(super) const REPLICAS: usize = 12;
/// Workers of a replica: a thousand in all.
const WORKERS: usize = 84;
/// How much longer than its time a replica may run.
pub(super) const GRACE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(50);
/// How long a session lives at least once its login is seen. By then every replica has taken it up and used it: a
/// request is sent once more, and not once more again.
pub(super) const USED: Duration = Duration::from_millis(600);
/// The same where the server is killed as well: a replica may miss what it says, and looks again after a second.
const USED_WITH_RESTARTS: Duration = Duration::from_millis(1500);
/// How much longer it may live, in milliseconds.
const LONGER: u64 = 1500;
/// How long before the end the last session is killed, so that a replica finds it dead.
const LAST: Duration = Duration::from_secs(3);
/// How often the server is killed.
const RESTARTS: Duration = Duration::from_secs(5);

/// What has happened while replicas send.
pub(super) struct Day {
    begin: Instant,
    time: Duration,
    used: Duration,
    pub(super) killed: u64,
    logins: u64,
    next_kill: Option<Instant>,
    /// How often the server is to be killed, and how often it was.
    every: Option<Duration>,
    restarts: u64,
}

impl Day {
    pub(super) fn begin(time: Duration, every: Option<Duration>) -> Self {
        let (killed, logins, next_kill, restarts) = Default::default();
        let used = if every.is_some() { USED_WITH_RESTARTS } else { USED };
        Self { begin: Instant::now(), time, used, killed, logins, next_kill, every, restarts }
    }

    /// Arguments for a replica that sends all day.
    pub(super) fn load(&self) -> String {
        format!("--tasks {WORKERS} --pause 2000 --seconds {}", self.time.as_secs())
    }

    /// Goes on until this is so, at most until the end.
    pub(super) fn go_on(&mut self, stage: &mut Stage, is_so: impl Fn(&Stage) -> Result<bool>) -> Result {
        while self.begin.elapsed() + LAST < self.time && !is_so(stage)? {
            sleep(TICK);
            let logins = stage.logins()?;
            if logins > self.logins {
                self.logins = logins;
                self.next_kill = Some(Instant::now() + self.used + Duration::from_millis(fastrand::u64(..LONGER)));
            }
            if self.next_kill.take_if(|next| Instant::now() >= *next).is_some() {
                self.kill(stage)?;
            }
            let restarts = u32::try_from(self.restarts + 1)?;
            if self.every.is_some_and(|every| self.begin.elapsed() >= every * restarts) {
                stage.server.restart()?;
                self.restarts += 1;
            }
        }
        Ok(())
    }

    /// Kills the session.
    pub(super) fn kill(&mut self, stage: &Stage) -> Result {
        self.killed += 1;
        stage.expire()
    }

    /// What replicas tell when the day is over.
    pub(super) fn end(&self, replicas: Vec<Replica>) -> Result<Told> {
        let mut told = Told::default();
        for replica in replicas {
            replica.end(self.time + GRACE, &mut told)?;
        }
        Ok(told)
    }

    fn says(&self, stage: &Stage, told: &Told) -> Result<String> {
        let mut text = format!(
            "{} sessions killed, {} logins, {} strikes; {} requests, {} failed",
            self.killed,
            stage.logins()?,
            stage.strikes()?,
            told.ok,
            told.failures(),
        );
        for (kind, count) in &told.failed {
            write!(text, "; {count} × {kind}")?;
        }
        Ok(text)
    }
}

/// Starts all replicas.
fn all(stage: &Stage, day: &Day) -> Result<Vec<Replica>> {
    (0..REPLICAS).map(|number| stage.replica(&format!("replica-{number}"), &day.load())).collect()
}

pub(super) fn sessions_killed(plan: &Plan) -> Result<Row> {
    let mut stage = Stage::set(plan, "killed", Keeps::Nothing)?;
    let mut day = Day::begin(plan.time, None);
    let replicas = all(&stage, &day)?;
    day.go_on(&mut stage, |_| Ok(false))?;
    let told = day.end(replicas)?;
    // The first login is no renewal.
    let renewals = stage.logins()?.saturating_sub(1);
    Ok(Row {
        what: "2. sessions killed at random: renewals ÷ kills = 1, 0 failed",
        measured: format!("{renewals} renewals; {}", day.says(&stage, &told)?),
        holds: renewals == day.killed && day.killed > 0 && told.ok > 0 && told.failures() == 0,
    })
}

pub(super) fn restarts_with_a_log(plan: &Plan) -> Result<Row> {
    restarts(plan, Keeps::All, "4a. server killed time and again, appendonly: 0 failed, logins ≤ 1 + kills, 0 strikes")
}

pub(super) fn restarts_without(plan: &Plan) -> Result<Row> {
    restarts(plan, Keeps::Nothing, "4b. the same, without a log: 0 failed, logins ≤ 1 + kills + restarts, 0 strikes")
}

fn restarts(plan: &Plan, keeps: Keeps, what: &'static str) -> Result<Row> {
    let mut stage = Stage::set(plan, "restarts", keeps)?;
    let every = if plan.quick { RESTARTS / 2 } else { RESTARTS };
    let mut day = Day::begin(plan.time, Some(every));
    let replicas = all(&stage, &day)?;
    day.go_on(&mut stage, |_| Ok(false))?;
    let told = day.end(replicas)?;
    let happened = day.killed > 0 && day.restarts > 0 && told.ok > 0;
    let spare = if keeps == Keeps::All { 0 } else { day.restarts };
    let spared = stage.logins()? <= 1 + day.killed + spare;
    Ok(Row {
        what,
        measured: format!("{} restarts, one every {every:?}; {}", day.restarts, day.says(&stage, &told)?),
        holds: happened && spared && told.failures() == 0 && stage.strikes()? == 0,
    })
}
