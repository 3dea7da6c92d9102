//! How an error says when, for how long, and why nobody logs in.

use std::time::{Duration, SystemTime};

use crate::guard::{Suspension, SuspensionReason};

pub(super) fn suspended(suspension: &Suspension) -> String {
    let happened = match &suspension.reason {
        SuspensionReason::Refused { code: Some(code) } => format!("the platform refused these credentials ({code})"),
        SuspensionReason::Refused { code: None } => {
            "a login with these credentials was refused without an error code, by the platform or by a proxy before it"
                .to_owned()
        }
        SuspensionReason::UnknownOutcome => {
            "two logins in a row with these credentials, which have never worked, had an unknown outcome".to_owned()
        }
        SuspensionReason::OneTryLeft => {
            "four logins in a row have failed or may have, and the fifth locks the account".to_owned()
        }
        SuspensionReason::Retired => "a reset has replaced the password of these credentials".to_owned(),
    };
    let since = date(suspension.since);
    let again = match suspension.reason {
        SuspensionReason::OneTryLeft => {
            "call ThingSpace::rearm_logins once the credentials are known to be right: the platform goes on counting"
        }
        SuspensionReason::Retired => "supply the new password",
        _ => {
            "supply other credentials, or call ThingSpace::rearm_logins once these are known to be right: the platform \
             goes on counting"
        }
    };
    format!("logging in is suspended to keep the account from being locked: {happened} ({since}); {again}")
}

/// A date as HTTP writes it; a stored one may be any.
pub(super) fn date(time: SystemTime) -> String {
    const YEAR_9999: u64 = 253_370_764_800;
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) if since.as_secs() < YEAR_9999 => httpdate::fmt_http_date(time),
        _ => "at a time that cannot be".to_owned(),
    }
}

pub(super) fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64().ceil())
}

pub(super) fn unknown(sent: bool) -> &'static str {
    if sent { "; the platform may have processed the request" } else { "; nothing was sent" }
}
