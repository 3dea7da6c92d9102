//! Checks that no login is sent, and none arrives, within the claim of another login.

use super::claims::Claim;
use super::versions::Versions;
use super::{Verdict, seconds};
use crate::torn::history::Event;

/// The largest difference between the store's milliseconds and the clock of the history, in microseconds.
const TOLERANCE: u64 = 20_000;
/// The longest time from a failover until the conductor notes it, in microseconds.
const FAILOVER_NOTED: u64 = 2_000_000;
/// The replicas of the primary of Redis.
const REPLICAS: u64 = 2;

/// A pair of logins that overlapped.
struct Overlap {
    text: String,
    /// Whether a failover had lost the claim of the first login.
    is_lost: bool,
}

struct Overlaps<'a> {
    claims: &'a [Claim],
    versions: Versions<'a>,
    failovers: Vec<u64>,
    found: Vec<Overlap>,
}

/// Every login is sent under a stored claim, arrives before its claim expires, and overlaps no other login. Overlaps
/// under a claim that a failover has lost have a rule of their own: they are allowed unless all replicas of Redis
/// confirm claims.
pub(super) fn one_login(events: &[Event], claims: &[Claim], confirmations: u64) -> [Verdict; 2] {
    let mut broken = Vec::new();
    let mut overlaps =
        Overlaps { claims, versions: Versions::of(events), failovers: failovers(events), found: Vec::new() };
    for claim in claims {
        let Some((sent, _)) = claim.login else { continue };
        if !claim.is_stored || sent > claim.ends + TOLERANCE {
            broken.push(format!("at {} {} sent a login without a claim", seconds(sent), claim.owner));
        }
        overlaps.add(claim, sent, "was sent");
    }
    let sent = events.iter().filter(|event| event.is("login-begun")).count();
    let with_login = claims.iter().filter(|claim| claim.login.is_some()).count();
    if sent != with_login {
        broken.push(format!("{sent} logins were sent, and {with_login} claims had one"));
    }
    let arrivals: Vec<_> = events.iter().filter(|event| event.is_of_sandbox("login")).collect();
    let (mut given_up, mut late) = (0, 0);
    for arrival in arrivals.iter().filter(|arrival| !claims.iter().any(|claim| is_during(claim, arrival))) {
        given_up += 1;
        let sent =
            |claim: &&Claim| claim.owner == arrival.text("by") && claim.login.is_some_and(|(sent, _)| sent < arrival.t);
        let has_arrived = |claim: &Claim| arrivals.iter().any(|event| is_during(claim, event));
        // The arrival belongs to the last claim whose login has not arrived in time.
        let own = claims.iter().filter(sent).rfind(|claim| !has_arrived(claim));
        if let Some(own) = own {
            overlaps.add(own, arrival.t, "arrived");
        }
        if own.is_none_or(|claim| arrival.t > claim.until + TOLERANCE) {
            late += 1;
            broken.push(format!("at {} a login of {} arrived after its claim", seconds(arrival.t), arrival.text("by")));
        }
    }
    let (lost, overlapping): (Vec<_>, Vec<_>) = overlaps.found.into_iter().partition(|overlap| overlap.is_lost);
    let texts = |overlaps: Vec<Overlap>| overlaps.into_iter().map(|overlap| overlap.text);
    broken.extend(texts(overlapping));
    [
        Verdict {
            rule: "never two logins within one claim",
            measured: format!(
                "{} claims, {sent} logins sent; {given_up} arrived after the call had timed out, {late} of \
                 them after the claim",
                claims.len()
            ),
            broken,
        },
        Verdict {
            rule: "no failover loses a claim that all replicas of Redis have confirmed",
            measured: format!(
                "{} failovers; {confirmations} of {REPLICAS} replicas confirmed each claim; {} logins within a claim \
                 that a failover had lost",
                overlaps.failovers.len(),
                lost.len()
            ),
            broken: if confirmations < REPLICAS { Vec::new() } else { texts(lost).collect() },
        },
    ]
}

impl Overlaps<'_> {
    /// Finds the other claims within which a login was sent or arrived.
    fn add(&mut self, own: &Claim, time: u64, what: &str) {
        for other in self.claims {
            let Some((sent, _)) = other.login else { continue };
            if other.id == own.id || time <= sent || other.ends <= time + TOLERANCE || !other.is_stored {
                continue;
            }
            let (is_lost, why) = self.reason(own, other, time);
            let (time, first, second) = (seconds(time), &other.owner, &own.owner);
            let text = format!("at {time} a login of {second} {what} within the claim of {first}, {why}");
            self.found.push(Overlap { text, is_lost });
        }
    }

    /// Whether a failover lost the earlier of two claims before the later one was written, and why two logins overlap.
    fn reason(&self, one: &Claim, other: &Claim, time: u64) -> (bool, &'static str) {
        let (earlier, later) = if one.begins < other.begins { (one, other) } else { (other, one) };
        let during = earlier.begins.saturating_sub(FAILOVER_NOTED)..time + FAILOVER_NOTED;
        if self.versions.is_from(&later.version, &earlier.version) {
            (false, "and the later claim was written into a record with the earlier one")
        } else if self.versions.had_seen(&later.owner, &earlier.version, earlier.begins, later.begins) {
            (false, "and the owner of the later claim had seen the earlier one")
        } else if self.failovers.iter().any(|failover| during.contains(failover)) {
            (true, "which a failover had lost")
        } else {
            (false, "and the store has lost the earlier claim without a failover")
        }
    }
}

/// When another server became the primary.
fn failovers(events: &[Event]) -> Vec<u64> {
    let (mut last, mut failovers) = (None, Vec::new());
    for event in events.iter().filter(|event| event.is_of_conductor("primary")) {
        let primary = event.number("primary");
        if last.replace(primary).is_some_and(|last| last != primary) {
            failovers.push(event.t);
        }
    }
    failovers
}

/// Whether an arrival is that of this claim's login: its call had not returned yet.
fn is_during(claim: &Claim, arrival: &Event) -> bool {
    claim.owner == arrival.text("by") && claim.login.is_some_and(|(from, to)| from <= arrival.t && arrival.t <= to)
}
