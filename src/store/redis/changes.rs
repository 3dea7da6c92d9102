//! Who waits for a message, and which messages are heard.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use redis::{PushInfo, PushKind, Value};
use tokio::sync::{Notify, futures::OwnedNotified};

#[derive(Default)]
pub(super) struct Changes(Mutex<Channels>);

#[derive(Default)]
struct Channels {
    waiting: HashMap<String, Arc<Notify>>,
    heard: HashSet<String>,
    losses: u64,
}

impl Changes {
    fn channels(&self) -> MutexGuard<'_, Channels> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next message on a channel, from here on.
    pub(super) fn next(&self, channel: &str) -> OwnedNotified {
        self.channels().waiting.entry(channel.to_owned()).or_default().clone().notified_owned()
    }

    pub(super) fn hears(&self, channel: &str) -> bool {
        self.channels().heard.contains(channel)
    }

    /// How often messages may have been missed.
    pub(super) fn losses(&self) -> u64 {
        self.channels().losses
    }

    /// A channel is heard, unless that was lost since there were so many losses.
    pub(super) fn hear(&self, channel: &str, losses: u64) {
        let mut channels = self.channels();
        if channels.losses == losses {
            channels.heard.insert(channel.to_owned());
        }
    }

    /// What is said from here on is missed, until somebody listens again.
    pub(super) fn lose(&self) {
        let mut channels = self.channels();
        channels.heard.clear();
        channels.losses += 1;
        channels.waiting.values().for_each(|waiting| waiting.notify_waiters());
    }

    pub(super) fn told(&self, push: &PushInfo) {
        match (&push.kind, push.data.first()) {
            (PushKind::Message, Some(Value::BulkString(channel))) => {
                let channels = self.channels();
                let waiting = std::str::from_utf8(channel).ok().and_then(|channel| channels.waiting.get(channel));
                if let Some(waiting) = waiting {
                    waiting.notify_waiters();
                }
            }
            (PushKind::Disconnection, _) => self.lose(),
            _ => {}
        }
    }
}
