//! The state of the model: a store, the platform, replicas, and the truth that none of them sees.

use super::pool::Rec;

pub(super) const MOST_ATTEMPTS: usize = 12;

/// The knowledge of a replica, one bit for each fact.
pub(super) type Known = u64;

pub(super) fn exists(attempt: u8) -> Known {
    1 << attempt
}

/// A response that shows that the attempt may have failed.
pub(super) fn answered(attempt: u8) -> Known {
    1 << (16 + attempt)
}

pub(super) fn verified(credentials: u8) -> Known {
    1 << (32 + credentials)
}

pub(super) fn superseded(credentials: u8) -> Known {
    1 << (48 + credentials)
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    Login,
    Reset,
    Recovery,
}

/// The outcome of an attempt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Ending {
    Rejected,
    Unknown,
    Unclear,
    NotProcessed,
    ResetUnknown,
    LoggedIn(u8),
    Reset(u8),
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(super) struct Stored {
    /// 0 without a value.
    pub(super) version: u8,
    pub(super) record: Rec,
    pub(super) known: Known,
}

/// An attempt that its replica works on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Job {
    pub(super) attempt: u8,
    pub(super) kind: Kind,
    pub(super) credentials: u8,
    pub(super) begun: u32,
    /// The record that the attempt has seen, with its version.
    pub(super) record: Rec,
    pub(super) version: u8,
    pub(super) known: Known,
    pub(super) ends: u8,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Step {
    #[default]
    Idle,
    /// The guard has allowed it.
    Loaded {
        kind: Kind,
        record: Rec,
        version: u8,
        known: Known,
    },
    /// The swap that begins the attempt is in progress.
    Swapping {
        job: Job,
        new: Rec,
    },
    Begun(Job),
    /// The platform has not processed it yet.
    Sent(Job),
    /// The platform has processed it, and the response is on its way.
    Answered {
        job: Job,
        result: Ending,
    },
    Finishing(Finishing),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Finishing {
    pub(super) job: Job,
    pub(super) result: Ending,
    /// When the result was known.
    pub(super) over: u8,
    /// The replica must load the record again.
    pub(super) reloads: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Replica {
    pub(super) credentials: u8,
    pub(super) can_reset: bool,
    pub(super) can_recover: bool,
    /// The provider returns these credentials from some time on.
    pub(super) later: u8,
    pub(super) step: Step,
    pub(super) memory: Rec,
    pub(super) known: Known,
    /// The token in use, or 0 without a token.
    pub(super) session: u8,
    /// One bit for each token that the replica has found dead.
    pub(super) dead: u16,
    /// The outcome that a background task records.
    pub(super) late: Option<Finishing>,
    pub(super) writes_back: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(super) struct Platform {
    pub(super) valid: u8,
    /// Failed logins in a row.
    pub(super) failed: u8,
    /// The live session.
    pub(super) live: u8,
    pub(super) tokens: u8,
    /// How many logins have succeeded.
    pub(super) successes: u8,
    /// The credentials of the last success.
    pub(super) last: u8,
    /// One bit for credentials that have ever been verified.
    pub(super) verified: u8,
}

/// The truth about an attempt.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, Debug)]
pub(super) struct Truth {
    pub(super) credentials: u8,
    /// The platform counted a failure, after so many successes and one.
    pub(super) failed: u8,
    pub(super) is_rejected: bool,
    /// Its replica never learned its outcome, or not for certain.
    pub(super) is_uncertain: bool,
    /// Its credentials were verified when it began.
    pub(super) was_verified: bool,
    /// The store has recorded a response that shows that it may have failed.
    pub(super) is_answered: bool,
    pub(super) is_pardoned: bool,
}

#[derive(Clone, Default, PartialEq, Eq, Hash, Debug)]
pub(super) struct World {
    pub(super) tick: u8,
    pub(super) begun: u8,
    pub(super) store: Stored,
    pub(super) backup: Option<Stored>,
    /// A cancelled swap that the store may still make. Its value replaces this version.
    pub(super) limbo: Option<(u8, Stored)>,
    pub(super) platform: Platform,
    pub(super) replicas: [Replica; 3],
    pub(super) truth: [Truth; MOST_ATTEMPTS],
    /// The tick at which all claims and pauses have expired.
    pub(super) open_until: u8,
    /// The newest token that the store has ever had.
    pub(super) newest: u8,
    pub(super) faults: u8,
    pub(super) ticks: u8,
    pub(super) deaths: u8,
    pub(super) losses: u8,
    pub(super) is_changed: bool,
    pub(super) operator: u8,
}

/// A version that no other value has. The model renumbers versions after each event.
pub(super) const NEW: u8 = 8;
const STALE: u8 = 9;

impl Step {
    pub(super) fn job(mut self) -> Option<Job> {
        self.job_mut().copied()
    }

    fn job_mut(&mut self) -> Option<&mut Job> {
        match self {
            Self::Idle | Self::Loaded { .. } => None,
            Self::Swapping { job, .. } | Self::Begun(job) | Self::Sent(job) | Self::Answered { job, .. } => Some(job),
            Self::Finishing(finishing) => Some(&mut finishing.job),
        }
    }

    fn version(&mut self) -> Option<&mut u8> {
        match self {
            Self::Loaded { version, .. } => Some(version),
            step => step.job_mut().map(|job| &mut job.version),
        }
    }
}

impl World {
    /// Renumbers equal versions, and sorts the replicas, whose order does not matter.
    pub(super) fn normalized(mut self) -> Self {
        let store = self.store.version;
        let backup = self.backup.map(|backup| backup.version);
        let limbo = self.limbo.map(|(_, swap)| swap.version);
        let name = |version: u8| match version {
            0 => 0,
            version if version == store => 1,
            version if Some(version) == backup => 2,
            version if Some(version) == limbo => 3,
            _ => STALE,
        };
        self.store.version = name(store);
        if let Some(backup) = &mut self.backup {
            backup.version = name(backup.version);
        }
        // Removes a swap that the store can no longer make.
        self.limbo = self.limbo.map(|(expected, mut swap)| {
            swap.version = name(swap.version);
            (name(expected), swap)
        });
        self.limbo = self.limbo.filter(|(expected, _)| *expected != STALE);
        for replica in &mut self.replicas {
            if let Some(version) = replica.step.version() {
                *version = name(*version);
            }
            if let Some(late) = &mut replica.late {
                late.job.version = name(late.job.version);
            }
        }
        self.replicas.sort_unstable();
        self
    }

    pub(super) fn is_live(&self, token: u8) -> bool {
        token != 0 && self.platform.live == token
    }
}
