//! The smallest configuration that needs each rule.

use super::{
    configuration::{Configuration, ELSEWHERE, Faults, LOSS, OTHER, RIGHT, WRONG, replica, replicas},
    events::Way,
    rules::Rule,
    world::Replica,
};

pub(super) fn small() -> Vec<(Rule, Configuration)> {
    let new = |credentials: &[u8], attempts| Configuration {
        replicas: replicas(credentials),
        attempts,
        ..Configuration::default()
    };
    let faults = |most_faults, ways, configuration| Configuration {
        most_faults,
        faults: Faults { ways, ..Faults::default() },
        ..configuration
    };
    let loses = |configuration| Configuration { most_faults: 1, faults: LOSS, ..configuration };
    let crashes = |most_faults, configuration| Configuration {
        most_faults,
        faults: Faults { crash: true, ..Faults::default() },
        ..configuration
    };
    let ticks = |ticks, configuration| Configuration { ticks, ..configuration };
    let verified = |credentials: &[u8], deaths, attempts| Configuration {
        is_verified: true,
        deaths,
        ..new(credentials, attempts)
    };
    let three_wrong = vec![Replica { later: OTHER, ..replica(WRONG) }, replica(ELSEWHERE)];
    vec![
        (Rule::CheckBeforeSending, ticks(1, new(&[WRONG, WRONG], 2))),
        (Rule::Claim, new(&[WRONG, WRONG], 2)),
        (Rule::CountFirst, ticks(2, crashes(2, new(&[WRONG], 3)))),
        (Rule::PendingForVerified, ticks(4, crashes(4, Configuration { is_outage: true, ..verified(&[RIGHT], 1, 4) }))),
        (Rule::TwoUnknown, faults(2, &[Way::AnswerLost], new(&[WRONG], 3))),
        (Rule::RejectedStops, new(&[WRONG], 2)),
        (Rule::SupersededStops, verified(&[], 1, 2).resets()),
        (Rule::FailureLimit, faults(2, &[Way::Unclear], Configuration { replicas: three_wrong, ..new(&[], 5) })),
        (Rule::VoidForNotProcessed, faults(2, &[Way::NotSent], new(&[RIGHT], 3))),
        (Rule::VoidForLate, ticks(2, new(&[RIGHT], 3))),
        (Rule::BeforeSuccess, Configuration { deaths: 1, ..new(&[RIGHT, WRONG], 3) }),
        (Rule::ToldAlready, faults(1, &[Way::AnswerLost], new(&[RIGHT], 1))),
        (Rule::VoidIsFinal, faults(2, &[Way::NotSent], new(&[RIGHT], 3))),
        (Rule::MemoryOfAttempts, loses(new(&[WRONG], 2))),
        (
            Rule::MemoryOfTheLastSuccess,
            Configuration {
                most_faults: 3,
                faults: Faults { ways: &[Way::Unclear], ..LOSS },
                ..verified(&[RIGHT], 1, 3)
            },
        ),
        (Rule::MemoryOfClaims, loses(new(&[WRONG, WRONG], 2))),
        (Rule::WritingBack, loses(new(&[WRONG, WRONG], 3))),
        (Rule::DroppingADeadSession, verified(&[RIGHT], 1, 1)),
        (Rule::LoggingALateOneOut, ticks(1, new(&[RIGHT], 1))),
        (Rule::OnlyWhatItHadSeen, Configuration { changes_to: ELSEWHERE, deaths: 1, ..loses(new(&[RIGHT, RIGHT], 3)) }),
    ]
}

/// Rules that another one covers. A successful login is recorded only on the record that its begin wrote. After a
/// conflict the process remembers the attempt as over, so its success no longer counts.
pub(super) fn covered() -> Vec<(Rule, Configuration)> {
    let new = |deaths, ticks| Configuration {
        replicas: replicas(&[RIGHT, RIGHT]),
        attempts: 3,
        changes_to: ELSEWHERE,
        most_faults: 1,
        faults: LOSS,
        deaths,
        ticks,
        ..Configuration::default()
    };
    vec![
        (Rule::NoSessionMeanwhile, new(1, 0)),
        (Rule::OwnClaim, Configuration { faults: Faults::default(), changes_to: 0, ..new(1, 1) }),
    ]
}
