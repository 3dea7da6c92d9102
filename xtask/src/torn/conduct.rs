//! Causes the faults of a schedule, and records them in the history.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use rustix::time::ClockId;
use serde_json::json;

use super::filter::Direction;
use super::history::{History, micros};
use super::network::{Filter, HOSTS, Network, PLATFORM};
use super::schedule::{Fault, Step};
use super::servers::{self, Servers};
use super::stage::{self, ALL, Stage};
use crate::Result;

const TICK: Duration = Duration::from_millis(50);
/// How long the sandbox may take to answer, in microseconds.
const LATE: u64 = 500_000;
/// How long a rotation may be pending before the operator recovers it. The claim of a rotation has expired by then.
const PENDING: Duration = Duration::from_secs(8);

pub(super) struct Conductor<'a> {
    pub(super) network: &'a mut Network,
    pub(super) servers: &'a mut Servers,
    pub(super) stage: &'a mut Stage,
    pub(super) history: &'a History,
    recovery: Recovery,
}

/// The operator's recovery of an interrupted rotation.
#[derive(Default)]
struct Recovery {
    pending: Option<Instant>,
    lost: usize,
    passwords: u32,
}

/// How to end a fault.
enum Undo {
    Nothing,
    Filters(Vec<Filter>),
    Delay(usize),
    Server(usize),
    Replica(usize),
    Stopped(usize),
    Clock,
    Deployed(usize),
}

/// The hosts whose requests may fail because of a fault.
#[derive(Default)]
struct Suffers {
    platform: Vec<usize>,
    redis: Vec<usize>,
}

impl<'a> Conductor<'a> {
    pub(super) fn new(
        network: &'a mut Network,
        servers: &'a mut Servers,
        stage: &'a mut Stage,
        history: &'a History,
    ) -> Self {
        Self { network, servers, stage, history, recovery: Recovery::default() }
    }

    /// Causes the faults. Returns after the last one has ended.
    pub(super) fn carry_out(&mut self, steps: &[Step]) -> Result {
        let (begin, mut coming, mut ending) = (Instant::now(), steps.iter().enumerate().peekable(), BTreeMap::new());
        while coming.peek().is_some() || !ending.is_empty() {
            sleep(TICK);
            let now = begin.elapsed();
            while let Some((number, _)) =
                ending.first_key_value().map(|((at, number), _)| (*number, *at)).filter(|(_, at)| *at <= now)
            {
                let Some((_, undo)) = ending.pop_first() else { break };
                self.end(undo)?;
                self.history.note(json!({ "what": "healed", "id": number }))?;
            }
            while let Some((number, step)) = coming.next_if(|(_, step)| step.at <= now) {
                let undo = self.begin(number, step.fault)?;
                ending.insert((now + step.lasts, number), undo);
            }
            self.recover()?;
        }
        Ok(())
    }

    /// Waits. The operator recovers rotations meanwhile.
    pub(super) fn rest(&mut self, time: Duration) -> Result {
        let begin = Instant::now();
        while begin.elapsed() < time {
            sleep(TICK);
            self.recover()?;
        }
        Ok(())
    }

    fn begin(&mut self, number: usize, fault: Fault) -> Result<Undo> {
        let (undo, suffers) = self.strike(number, fault)?;
        let hosts = |hosts: &[usize]| hosts.iter().map(|host| format!("h{host}")).collect::<Vec<_>>();
        let replica = match fault {
            Fault::Killed { replica } | Fault::Stopped { replica } => Some(self.stage.name(replica)),
            _ => None,
        };
        let wrong = match fault {
            Fault::WrongPassword { host } => Some(format!("h{}", nth(host, None))),
            _ => None,
        };
        self.history.note(json!({
            "what": "fault", "id": number, "kind": format!("{fault:?}"), "platform": hosts(&suffers.platform),
            "redis": hosts(&suffers.redis), "replica": replica, "wrong": wrong,
        }))?;
        Ok(undo)
    }

    fn strike(&mut self, number: usize, fault: Fault) -> Result<(Undo, Suffers)> {
        use Direction::{Received, Sent};
        let primary = servers::primary();
        let others = |host: usize| HOSTS.into_iter().filter(|other| *other != host).collect::<Vec<_>>();
        let whole = || HOSTS.to_vec();
        // `watch` records when Redis cannot confirm writes because of another host.
        let redis = |host: usize| if primary == Some(host) { whole() } else { vec![host] };
        let mut suffers = Suffers::default();
        let undo = match fault {
            Fault::RedisCut { host } => {
                let host = nth(host, primary);
                suffers.redis = vec![host];
                self.lose(host, &[Sent, Received], &others(host), 100)?
            }
            Fault::PlatformCut { host } => {
                suffers.platform = vec![nth(host, None)];
                self.lose(nth(host, None), &[Sent, Received], &[PLATFORM], 100)?
            }
            Fault::PlatformMute { host } => {
                suffers.platform = vec![nth(host, None)];
                self.lose(nth(host, None), &[Received], &[PLATFORM], 100)?
            }
            Fault::RedisMute { host } => {
                let host = primary.unwrap_or(nth(host, None));
                suffers.redis = whole();
                self.lose(host, &[Sent], &others(host), 100)?
            }
            Fault::LoginsLost => {
                suffers.platform = whole();
                let filters = HOSTS.map(|host| self.network.lose_logins(host));
                let filters = filters.into_iter().collect::<Result<_>>()?;
                // Immediately, so that the first login is lost as long as possible.
                stage::kill_session()?;
                Undo::Filters(filters)
            }
            Fault::Loss { host } => {
                let host = nth(host, None);
                suffers = Suffers { platform: vec![host], redis: redis(host) };
                self.lose(host, &[Sent, Received], &[&others(host)[..], &[PLATFORM]].concat(), 30)?
            }
            Fault::Delay { host } => {
                let host = nth(host, None);
                suffers = Suffers { platform: vec![host], redis: redis(host) };
                self.network.delay(host, 500)?;
                Undo::Delay(host)
            }
            Fault::IsolatedPrimary => {
                let host = primary.unwrap_or(1);
                suffers.redis = whole();
                self.lose(host, &[Sent, Received], &others(host), 100)?
            }
            Fault::Failover => {
                suffers.redis = whole();
                servers::fail_over();
                Undo::Nothing
            }
            Fault::CrashedPrimary => {
                let host = primary.unwrap_or(1);
                suffers.redis = whole();
                self.servers.kill(host);
                Undo::Server(host)
            }
            Fault::Killed { replica } => {
                self.stage.kill(replica);
                Undo::Replica(replica)
            }
            Fault::Stopped { replica } => {
                self.stage.signal(replica, Signal::STOP)?;
                Undo::Stopped(replica)
            }
            Fault::Clock { seconds } => {
                self.stage.shift_clock(seconds)?;
                Undo::Clock
            }
            Fault::WrongPassword { host } => {
                self.stage.deploy(nth(host, None), Some(&format!("wrong-{number}")))?;
                Undo::Deployed(nth(host, None))
            }
            Fault::SessionKilled => {
                stage::kill_session()?;
                Undo::Nothing
            }
            Fault::Rotation { replica } => {
                self.stage.order(replica, "rotate");
                Undo::Nothing
            }
        };
        Ok((undo, suffers))
    }

    fn lose(&mut self, host: usize, directions: &[Direction], peers: &[usize], percent: u32) -> Result<Undo> {
        let filters = directions.iter().map(|direction| self.network.lose(host, *direction, peers, percent));
        Ok(Undo::Filters(filters.collect::<Result<_>>()?))
    }

    fn end(&mut self, undo: Undo) -> Result {
        match undo {
            Undo::Nothing => Ok(()),
            Undo::Filters(filters) => filters.iter().try_for_each(|filter| Network::heal(filter)),
            Undo::Delay(host) => self.network.hasten(host),
            Undo::Server(host) => self.servers.resume(host),
            Undo::Replica(number) => self.stage.start(number),
            Undo::Stopped(number) => self.stage.signal(number, Signal::CONT),
            Undo::Clock => self.stage.shift_clock(0),
            Undo::Deployed(host) => self.stage.deploy(host, None),
        }
    }

    /// Recovers a rotation that is pending too long. If the new password is lost, sets another one.
    fn recover(&mut self) -> Result {
        let lost = self.recovery.pending.is_some_and(|since| since.elapsed() > PENDING);
        if !self.stage.is_rotation_pending() {
            self.recovery.pending = None;
            return Ok(());
        }
        let since = *self.recovery.pending.get_or_insert_with(Instant::now);
        if !lost {
            return Ok(());
        }
        self.recovery.pending = Some(since + PENDING);
        let known = self.stage.passwords_lost();
        if known > self.recovery.lost {
            self.recovery.lost = known;
            self.recovery.passwords += 1;
            let password = format!("set-by-an-operator-{}", self.recovery.passwords);
            let mark = stage::set_password(&password)?;
            self.history.note(json!({ "what": "password-set", "password": mark }))?;
            self.order(&format!("adopt {password}"));
        } else {
            self.order("recover");
            self.recovery.pending = Some(Instant::now().checked_sub(PENDING / 2).unwrap_or(since));
        }
        Ok(())
    }

    /// Gives an order to any replica that runs.
    fn order(&mut self, order: &str) {
        let first = fastrand::usize(..ALL);
        let _ = (0..ALL).any(|number| self.stage.order((first + number) % ALL, order));
    }
}

/// A host by its index in the list without `not`.
fn nth(place: usize, not: Option<usize>) -> usize {
    let hosts: Vec<_> = HOSTS.into_iter().filter(|host| Some(*host) != not).collect();
    hosts.get(place % hosts.len().max(1)).copied().unwrap_or(1)
}

/// Records when the sandbox responds late because the machine is busy. A request may then fail without a fault.
pub(super) fn watch_platform(history: &History, stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        let since = micros(ClockId::Monotonic);
        if !stage::is_answering() || micros(ClockId::Monotonic) - since > LATE {
            let _ = history.note(json!({ "what": "late", "since": since }));
        }
        sleep(TICK * 2);
    }
}

/// Records whether Redis confirms writes, and which server is the primary, until `stop` is set. The probe does not run
/// on one of the hosts.
pub(super) fn watch(history: &History, confirmations: u32, stop: &AtomicBool) {
    let (mut was_well, mut last) = (true, None);
    while !stop.load(Ordering::Relaxed) {
        let primary = servers::primary();
        if primary.is_some() && primary != last {
            let _ = history.note(json!({ "what": "primary", "primary": primary }));
            last = primary;
        }
        let since = micros(ClockId::Monotonic);
        let is_well = servers::is_well(primary, confirmations);
        if is_well != was_well {
            let what = if is_well { "redis-up" } else { "redis-down" };
            let _ = history.note(json!({ "what": what, "since": since, "primary": primary }));
            was_well = is_well;
        }
        sleep(TICK * 2);
    }
}
