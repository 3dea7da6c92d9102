//! The steps of the platform and of the operator.

use super::{
    events::{Broken, Model},
    promises::{has_inherent_failure, open},
    world::{Ending, Job, Kind, NEW, World, exists},
};

impl Model<'_> {
    pub(super) fn process(&self, world: &mut World, job: &Job) -> Result<Ending, Broken> {
        let platform = &mut world.platform;
        let truth = &mut world.truth[usize::from(job.attempt)];
        if job.kind == Kind::Reset {
            if platform.valid != job.credentials {
                return Ok(Ending::NotProcessed);
            }
            platform.valid = self.configuration.reset_to;
            platform.verified |= 1 << platform.valid;
            return Ok(Ending::Reset(platform.valid));
        }
        if platform.failed >= 5 || platform.valid != job.credentials {
            platform.failed += 1;
            truth.failed = platform.successes + 1;
            if platform.failed >= 5 && world.losses == 0 && !has_inherent_failure(world) {
                return Err("the account is locked");
            }
            return Ok(Ending::Rejected);
        }
        platform.failed = 0;
        platform.successes += 1;
        platform.tokens += 1;
        platform.live = platform.tokens;
        platform.last = job.credentials;
        platform.verified |= 1 << job.credentials;
        let token = platform.tokens;
        for truth in world.truth.iter_mut().filter(|truth| truth.credentials == job.credentials) {
            truth.is_rejected = false;
        }
        Ok(Ending::LoggedIn(token))
    }

    /// An operator resets the login guard.
    pub(super) fn operator(&self, world: &mut World) -> bool {
        if world.operator == 0 {
            return false;
        }
        world.operator -= 1;
        world.platform.failed = 0;
        let open = open(world);
        for (number, truth) in (0_u8..).zip(&mut world.truth).take(world.begun.into()) {
            truth.is_pardoned |= open & exists(number) == 0 || truth.failed != 0;
        }
        let (record, _) = self.rules.load(world.store.record, 0, world.tick);
        let record = self.rules.operator(record, world.tick);
        if record != world.store.record {
            (world.store.record, world.store.version) = (record, NEW);
        }
        true
    }
}
