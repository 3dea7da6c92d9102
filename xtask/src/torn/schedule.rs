//! The faults of a run and their times. The same seed gives the same schedule.

use std::time::Duration;

use fastrand::Rng;

/// A fault. `host` is an index into a list of hosts, because the host of Redis's primary is known only when the fault
/// begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// A host without the primary reaches the platform but no other server of Redis.
    RedisCut { host: usize },
    /// A host reaches Redis but not the platform.
    PlatformCut { host: usize },
    /// The platform receives a host's packets, and the host receives no response.
    PlatformMute { host: usize },
    /// The packets from the host of the primary to the other hosts are lost. The packets of the other hosts arrive.
    RedisMute { host: usize },
    /// The packets that begin a login are lost, on all hosts.
    LoginsLost,
    /// 30 % of a host's packets are lost.
    Loss { host: usize },
    /// The host of the primary reaches the platform but no other host. Its own replicas still write to the primary.
    Delay { host: usize },
    /// The host of the primary reaches the platform, and no other host. Its own replicas still write to the primary.
    IsolatedPrimary,
    /// An operator makes the sentinels promote another server.
    Failover,
    /// The primary is killed and restarted.
    CrashedPrimary,
    /// The clock of one host is moved by this number of seconds. It is always the same host.
    Killed { replica: usize },
    /// A replica is stopped and continued.
    Stopped { replica: usize },
    /// The clock of one host is moved by so many seconds. It is always the same host.
    Clock { seconds: i64 },
    /// A host's replicas have a wrong password.
    WrongPassword { host: usize },
    /// The platform ends the session.
    SessionKilled,
    /// A replica rotates the password.
    Rotation { replica: usize },
}

impl Fault {
    /// Whether the fault has this name.
    pub(super) fn has(self, name: &str) -> bool {
        format!("{self:?}").split(' ').next() == Some(name)
    }
}

/// A fault, its start time relative to the run, and its duration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) at: Duration,
    pub(super) lasts: Duration,
    pub(super) fault: Fault,
}

/// The time before the first fault, in which the fleet starts.
const QUIET: Duration = Duration::from_secs(1);
/// Longer than a call takes.
const LONG: Duration = Duration::from_secs(7);
/// No rotation begins in this time before the end: its recovery takes time.
const LAST_ROTATION: Duration = Duration::from_secs(12);

/// Limits of the pauses between faults, in milliseconds. Some pauses of the network are long enough for all three
/// servers of Redis to connect again: the sentinels demote an old primary eight seconds after its return.
struct Pauses {
    usual: (u64, u64),
    some: (u64, u64),
}

/// The faults of a run.
pub(super) fn faults(seed: u64, time: Duration, replicas: usize) -> Vec<Step> {
    let mut steps = network(&mut Rng::with_seed(seed), time);
    steps.extend(processes(&mut Rng::with_seed(seed ^ 1), time, replicas));
    steps.extend(sessions(&mut Rng::with_seed(seed ^ 2), time));
    steps.sort_by_key(|step| step.at);
    steps
}

/// The faults of the network and of Redis, one after another. Each kind occurs once before any kind occurs again.
fn network(random: &mut Rng, time: Duration) -> Vec<Step> {
    let (mut kinds, pauses) = (Vec::new(), Pauses { usual: (800, 2000), some: (9000, 13000) });
    one_after_the_other(random, time, &pauses, (2000, 6000), |random| {
        if kinds.is_empty() {
            let host = |random: &mut Rng| random.usize(..3);
            kinds = vec![
                Fault::RedisCut { host: host(random) },
                Fault::PlatformCut { host: host(random) },
                Fault::PlatformMute { host: host(random) },
                Fault::RedisMute { host: host(random) },
                Fault::LoginsLost,
                Fault::Loss { host: host(random) },
                Fault::Delay { host: host(random) },
                Fault::IsolatedPrimary,
                Fault::Failover,
                Fault::CrashedPrimary,
            ];
            random.shuffle(&mut kinds);
        }
        kinds.pop()
    })
}

/// The faults of processes, clocks and passwords, one after another, in parallel to the faults of the network.
fn processes(random: &mut Rng, time: Duration, replicas: usize) -> Vec<Step> {
    let (mut kinds, pauses) = (Vec::new(), Pauses { usual: (300, 1500), some: (300, 1500) });
    let steps = one_after_the_other(random, time, &pauses, (1000, 5000), |random| {
        if kinds.is_empty() {
            let replica = |random: &mut Rng| random.usize(..replicas);
            kinds = vec![
                Fault::Killed { replica: replica(random) },
                Fault::Killed { replica: replica(random) },
                Fault::Stopped { replica: replica(random) },
                Fault::Stopped { replica: replica(random) },
                Fault::Clock { seconds: if random.bool() { 7200 } else { -7200 } },
                Fault::WrongPassword { host: random.usize(..3) },
                Fault::Rotation { replica: replica(random) },
                Fault::Rotation { replica: replica(random) },
            ];
            random.shuffle(&mut kinds);
        }
        kinds.pop()
    });
    let in_time = |step: &Step| !matches!(step.fault, Fault::Rotation { .. }) || step.at + LAST_ROTATION < time;
    steps.into_iter().filter(in_time).collect()
}

fn sessions(random: &mut Rng, time: Duration) -> Vec<Step> {
    let pauses = Pauses { usual: (1200, 4500), some: (1200, 4500) };
    one_after_the_other(random, time, &pauses, (0, 1), |_| Some(Fault::SessionKilled))
}

/// Faults until the time ends. Pauses and lengths are random between these limits, in milliseconds.
fn one_after_the_other(
    random: &mut Rng,
    time: Duration,
    pauses: &Pauses,
    lengths: (u64, u64),
    mut next: impl FnMut(&mut Rng) -> Option<Fault>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut at = QUIET;
    loop {
        let pause = if random.u8(..3) == 0 { pauses.some } else { pauses.usual };
        at += Duration::from_millis(random.u64(pause.0..pause.1));
        let Some(fault) = next(random) else { return steps };
        let lasts = Duration::from_millis(random.u64(lengths.0..lengths.1));
        // Some faults last longer than a request may take.
        let lasts = if random.u8(..5) == 0 { lasts * 2 } else { lasts };
        // TCP delivers a login after its call has timed out only if the fault lasts longer than a call.
        let lasts = if fault == Fault::LoginsLost { lasts.max(LONG) } else { lasts };
        if at + lasts > time {
            return steps;
        }
        steps.push(Step { at, lasts, fault });
        at += lasts;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Duration = Duration::from_secs(600);

    #[test]
    fn the_same_seed_gives_the_same_schedule() {
        assert_eq!(faults(7, TIME, 12), faults(7, TIME, 12));
        assert_ne!(faults(7, TIME, 12), faults(8, TIME, 12));
    }

    #[test]
    fn every_fault_occurs_and_ends_in_time() {
        let steps = faults(7, TIME, 12);
        let kinds: std::collections::HashSet<_> =
            steps.iter().map(|step| std::mem::discriminant(&step.fault)).collect();
        assert_eq!(kinds.len(), 16);
        assert!(steps.iter().all(|step| step.at + step.lasts <= TIME));
        assert!(steps.is_sorted_by_key(|step| step.at));
    }
}
