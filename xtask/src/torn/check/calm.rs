//! Checks that all replicas use one session soon after the last fault.

use std::collections::{BTreeMap, BTreeSet};

use super::trouble::{self, Kind};
use super::{Verdict, seconds};
use crate::torn::history::{Event, host};

const HOSTS: usize = 3;

pub(super) fn one_session(events: &[Event]) -> Verdict {
    let rule = "when the faults end, one session within 30 s on all hosts";
    let calm = events.iter().find(|event| event.is_of_conductor("calm"));
    let end = events.iter().find(|event| event.is_of_conductor("end"));
    let (Some(calm), Some(end)) = (calm, end) else {
        return Verdict { rule, measured: "the faults did not end".to_owned(), broken: vec!["no end".to_owned()] };
    };
    let since = calm.t + calm.number("within");
    let (mut sessions, mut hosts, mut broken) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    // The last session, and when each host had its first response with it.
    let (mut last, mut first) = ("", BTreeMap::new());
    let late =
        trouble::of(events).into_iter().filter(|trouble| trouble.kind == Kind::Platform && trouble.whose.is_none());
    let late: Vec<_> = late.collect();
    for event in events.iter().filter(|event| calm.t <= event.t && event.t <= end.t) {
        if event.is_of_sandbox("request") && event.holds("ok") {
            let (session, host) = (event.text("session"), host(event.text("by")));
            if session != last {
                last = session;
                first.clear();
            }
            first.entry(host).or_insert(event.t);
            if event.t >= since {
                sessions.insert(session);
                hosts.insert(host);
            }
        } else if event.number("from") >= since
            && event.who != "sandbox"
            && event.is("request")
            && event.text("outcome") != "ok"
            && !late.iter().any(|trouble| trouble.overlaps(event.number("from"), event.t))
        {
            broken.push(format!(
                "at {} a request of {} failed: {}",
                seconds(event.t),
                event.who,
                event.text("outcome")
            ));
        }
    }
    if sessions.len() != 1 || hosts.len() != HOSTS {
        broken.push(format!("{} sessions on {} hosts", sessions.len(), hosts.len()));
    }
    let settled = first.values().max().map_or(0, |time| time.saturating_sub(calm.t));
    Verdict { rule, measured: format!("all hosts used the last session after {}", seconds(settled)), broken }
}
