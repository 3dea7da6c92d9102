//! Checks a history against the promises. Each rule has a name, a figure, and a list of the events that break it.

mod calm;
mod claims;
mod logins;
mod overlaps;
mod passwords;
mod requests;
mod trouble;
mod versions;

#[cfg(test)]
mod tests;

use super::history::Event;

/// The result of one rule.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) rule: &'static str,
    pub(super) measured: String,
    pub(super) broken: Vec<String>,
}

/// All rules. docs/fleet.md states what may go wrong if not all replicas of Redis confirm a claim.
pub(super) fn all(events: &[Event]) -> Vec<Verdict> {
    let claims = claims::of(events);
    let begin = events.iter().find(|event| event.is_of_conductor("clock"));
    let confirmations = begin.map_or(0, |event| event.number("confirmations"));
    let [one_login, lost] = overlaps::one_login(events, &claims, confirmations);
    vec![
        happened(events),
        logins::in_a_row(events),
        logins::per_password(events),
        one_login,
        lost,
        claims::superseded(events, &claims),
        requests::fail_with_a_reason(events, &claims, confirmations == 0),
        passwords::are_kept(events),
        calm::one_session(events),
    ]
}

/// A history without requests, logins or faults proves nothing.
fn happened(events: &[Event]) -> Verdict {
    let count = |is: &dyn Fn(&Event) -> bool| events.iter().filter(|event| is(event)).count();
    let faults = count(&|event| event.is_of_conductor("fault"));
    let killed = count(&|event| event.is_of_conductor("fault") && event.text("kind") == "SessionKilled");
    let requests = count(&|event| event.is_of_sandbox("request"));
    let logins = count(&|event| event.is_of_sandbox("login"));
    let resets = count(&|event| event.is_of_sandbox("reset") && event.holds("ok"));
    let is_whole = events.iter().any(|event| event.is_of_conductor("end"));
    let late = events.iter().filter(|event| event.is_of_conductor("late")).count();
    let down = events.iter().filter(|event| event.is_of_conductor("redis-down")).count();
    let mut broken = Vec::new();
    if requests == 0 || logins == 0 || faults == 0 {
        broken.push("the history has no requests, no logins or no faults".to_owned());
    }
    if !is_whole {
        broken.push("the history has no end".to_owned());
    }
    Verdict {
        rule: "the history has faults, requests and logins",
        measured: format!(
            "{faults} faults, {killed} of them killed sessions; Redis stopped confirming writes {down} times; \
             {requests} requests and {logins} logins arrived, {resets} passwords were reset; the machine delayed the \
             sandbox {late} times"
        ),
        broken,
    }
}

/// Microseconds as seconds, for the table.
fn seconds(micros: u64) -> String {
    format!("{}.{:03} s", micros / 1_000_000, micros / 1000 % 1000)
}
