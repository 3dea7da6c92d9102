//! Checks the failed logins that the platform counts for an account.

use std::collections::BTreeMap;

use super::{Verdict, seconds};
use crate::torn::history::Event;

/// The platform locks an account at the fifth failure in a row.
const IN_A_ROW: u32 = 4;
const PER_PASSWORD: u32 = 2;

fn logins(events: &[Event]) -> impl Iterator<Item = &Event> {
    events.iter().filter(|event| event.is_of_sandbox("login"))
}

pub(super) fn in_a_row(events: &[Event]) -> Verdict {
    let (mut row, mut most, mut failed, mut broken) = (0, 0, 0, Vec::new());
    for login in logins(events) {
        row = if login.holds("ok") { 0 } else { row + 1 };
        failed += u32::from(!login.holds("ok"));
        most = most.max(row);
        if row > IN_A_ROW {
            broken.push(format!("at {} {} failed as the {row}th in a row", seconds(login.t), login.text("by")));
        }
    }
    Verdict {
        rule: "failed logins in a row ≤ 4",
        measured: format!("{failed} failed, at most {most} in a row"),
        broken,
    }
}

pub(super) fn per_password(events: &[Event]) -> Verdict {
    let (mut failed, mut most, mut broken) = (BTreeMap::<&str, u32>::new(), 0, Vec::new());
    for login in logins(events) {
        let password = login.text("password");
        if login.holds("ok") {
            failed.remove(password);
            continue;
        }
        let count = failed.entry(password).or_default();
        *count += 1;
        most = most.max(*count);
        if *count > PER_PASSWORD {
            broken.push(format!(
                "at {} {} failed as the {count}th with {password}",
                seconds(login.t),
                login.text("by")
            ));
        }
    }
    Verdict { rule: "failed logins per password ≤ 2", measured: format!("at most {most} with one password"), broken }
}
