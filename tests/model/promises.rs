//! The promises that hold in every state.

use super::{
    events::{Broken, Model},
    rules::{Reason, Verdict},
    world::{Job, Kind, Known, Replica, Step, Truth, World, answered, exists, superseded, verified},
};

impl Model<'_> {
    /// Fails if the guard allows a login that breaks a promise.
    pub(super) fn check_sending(&self, world: &World, job: &Job) -> Result<(), Broken> {
        let is_unknown_to = |later: &Job, earlier: &Job| world.losses > 0 && later.known & exists(earlier.attempt) == 0;
        for replica in &world.replicas {
            if let Step::Sent(other) = replica.step {
                let (earlier, later) = if other.attempt < job.attempt { (&other, job) } else { (job, &other) };
                if !is_unknown_to(later, earlier) {
                    return Err("two logins overlap");
                }
            }
        }
        if job.kind == Kind::Reset {
            return Ok(());
        }
        let known = || {
            let attempts = (0_u8..).zip(&world.truth).take(world.begun.into());
            attempts.filter(|(number, truth)| {
                *number != job.attempt && job.known & exists(*number) != 0 && !truth.is_pardoned
            })
        };
        let own = || known().filter(|(_, truth)| truth.credentials == job.credentials);
        if job.known & superseded(job.credentials) != 0 {
            return Err("a superseded password is sent");
        }
        if own().any(|(number, truth)| truth.is_rejected && job.known & answered(number) != 0) {
            return Err("credentials are sent that were rejected");
        }
        let is_verified = world.platform.verified & 1 << job.credentials != 0;
        if !is_verified && own().filter(|(_, truth)| truth.failed != 0).count() >= 2 {
            return Err("a third login may fail with credentials that were never verified");
        }
        let in_a_row = known().filter(|(number, truth)| {
            truth.failed == world.platform.successes + 1 && (!truth.was_verified || job.known & answered(*number) != 0)
        });
        if in_a_row.count() >= 4 {
            return Err("a fifth login in a row may fail");
        }
        Ok(())
    }

    /// Whether this replica's logins are suspended, as far as the store and the replica know.
    pub(super) fn is_suspended(&self, world: &World, number: usize) -> bool {
        let Replica { credentials, memory, .. } = world.replicas[number];
        let (record, _) = self.rules.load(world.store.record, memory, world.tick);
        matches!(self.rules.decide(record, credentials, world.tick), Verdict::Suspended(_))
    }

    /// Fails if no event justifies the suspension.
    pub(super) fn check_reason(
        &self,
        world: &World,
        credentials: u8,
        known: Known,
        reason: Reason,
    ) -> Result<(), Broken> {
        if self.configuration.is_outage {
            return Err("an outage suspends logins");
        }
        let open = open(world);
        let truths = || (0_u8..).zip(&world.truth).take(world.begun.into());
        // Includes attempts not yet recorded, and attempts that a loss of data may have made uncertain.
        let may_have_failed = || {
            let failed = |(number, truth): &(u8, &Truth)| {
                truth.is_uncertain || truth.failed != 0 || open & exists(*number) != 0 || world.losses > 0
            };
            truths().filter(failed)
        };
        let own = || truths().filter(|(_, truth)| truth.credentials == credentials);
        let is_verified = known & verified(credentials) != 0 && world.platform.last == credentials;
        let is_reasonable = match reason {
            Reason::Rejected => own().any(|(_, truth)| truth.failed != 0),
            Reason::UnknownOutcome => {
                !is_verified && may_have_failed().filter(|(_, truth)| truth.credentials == credentials).count() >= 2
            }
            Reason::FailureLimit => may_have_failed().count() >= 4,
            Reason::Superseded => self.configuration.reset_to != 0,
        };
        if is_reasonable { Ok(()) } else { Err("logins are suspended without a reason") }
    }
}

/// The attempts that a replica still works on.
pub(super) fn open(world: &World) -> Known {
    let jobs = world.replicas.iter().flat_map(|replica| [replica.step.job(), replica.late.map(|late| late.job)]);
    jobs.flatten().fold(0, |open, job| open | exists(job.attempt))
}

/// Failures with verified credentials whose responses never arrived. The guard does not and cannot count them.
pub(super) fn has_inherent_failure(world: &World) -> bool {
    let row = world.platform.successes + 1;
    world.truth.iter().any(|truth| truth.failed == row && truth.was_verified && !truth.is_answered)
}
