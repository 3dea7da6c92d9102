//! Writes histories for tests.

use serde_json::{Value, json};

use super::super::{Event, all};

/// Microseconds in a second.
const SECOND: u64 = 1_000_000;

/// The lines of a history with their seconds, and the version of the record in the store.
pub(super) struct Story(pub(super) Vec<(f64, Value)>, pub(super) String);

impl Story {
    /// Three replicas, one login at 2 s, a fault on the host h1 from 10 s to 20 s, and no fault from 40 s to 80 s.
    pub(super) fn healthy() -> Self {
        let mut story = Self(Vec::new(), String::new());
        story.add(0.0, "conductor", json!({ "what": "clock", "offset": 0, "confirmations": 2 }));
        story.add(0.0, "conductor", json!({ "what": "primary", "primary": 1 }));
        for replica in ["h1-0", "h2-0", "h3-0"] {
            story.add(0.1, replica, json!({ "what": "started", "deadline": 6 * SECOND }));
        }
        story.login(2.0, "h1-0", "a", "right", true);
        story.add(10.0, "conductor", json!({ "what": "fault", "id": 0, "platform": ["h1"], "redis": [] }));
        story.add(20.0, "conductor", json!({ "what": "healed", "id": 0 }));
        story.add(40.0, "conductor", json!({ "what": "calm", "within": 30 * SECOND }));
        for second in 3..80 {
            for replica in ["h1-0", "h2-0", "h3-0"] {
                story.request(f64::from(second), replica, "session-1");
            }
        }
        story.add(81.0, "conductor", json!({ "what": "end" }));
        story
    }

    pub(super) fn add(&mut self, at: f64, who: &str, mut event: Value) {
        event["who"] = json!(who);
        self.0.push((at, event));
    }

    pub(super) fn request(&mut self, at: f64, by: &str, session: &str) {
        let began = (at * 1e6) as u64;
        self.add(at + 0.01, "sandbox", json!({ "what": "request", "by": by, "ok": true, "session": session }));
        self.add(at + 0.02, by, json!({ "what": "request", "from": began, "outcome": "ok" }));
    }

    pub(super) fn failed(&mut self, from: f64, to: f64, by: &str, kind: &str) {
        self.add(to, by, json!({ "what": "request", "from": (from * 1e6) as u64, "outcome": kind, "error": "" }));
    }

    /// Stores a claim of 11 seconds.
    pub(super) fn claim(&mut self, at: f64, by: &str, id: &str, credentials: &str) {
        let until = (at * 1e3) as u64 + 11_000;
        let attempt = json!({ "credentials": credentials, "outcome": "pending", "claimed_until": until });
        self.swap(at, by, &format!("{id} begun"), &json!({ id: attempt }));
    }

    pub(super) fn close(&mut self, at: f64, by: &str, id: &str) {
        let attempts = json!({ id: { "credentials": "", "outcome": "void", "claimed_until": 0, "is_over": true } });
        self.swap(at, by, &format!("{id} closed"), &attempts);
    }

    fn swap(&mut self, at: f64, by: &str, version: &str, attempts: &Value) {
        let before = std::mem::replace(&mut self.1, version.to_owned());
        self.add(at, by, json!({ "what": "swap", "before": before, "version": version, "attempts": attempts }));
        self.add(at + 0.01, by, json!({ "what": "swapped", "version": version, "outcome": "ok" }));
    }

    /// A login that does not arrive before its call returns.
    pub(super) fn lose(&mut self, at: f64, by: &str) {
        self.add(at, by, json!({ "what": "login-begun" }));
        self.add(at + 0.04, by, json!({ "what": "login-over" }));
    }

    pub(super) fn send(&mut self, at: f64, by: &str, password: &str, ok: bool) {
        self.add(at, by, json!({ "what": "login-begun" }));
        self.arrive(at + 0.02, by, password, ok);
        self.add(at + 0.04, by, json!({ "what": "login-over" }));
    }

    pub(super) fn arrive(&mut self, at: f64, by: &str, password: &str, ok: bool) {
        self.add(at, "sandbox", json!({ "what": "login", "by": by, "password": password, "ok": ok }));
    }

    /// A login under a claim that is released afterwards.
    pub(super) fn login(&mut self, at: f64, by: &str, id: &str, password: &str, ok: bool) {
        self.claim(at, by, id, password);
        self.send(at + 0.1, by, password, ok);
        self.close(at + 0.2, by, id);
    }

    pub(super) fn reset(&mut self, at: f64, by: &str, new: &str) {
        self.add(at - 0.1, by, json!({ "what": "vault", "state": "pending", "password": "right" }));
        self.add(at, "sandbox", json!({ "what": "reset", "by": by, "ok": true, "old": "right", "new": new }));
    }

    pub(super) fn events(mut self) -> Vec<Event> {
        self.0.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        let line = |(at, mut event): (f64, Value)| {
            event["t"] = json!((at * 1e6) as u64);
            Event::parse(&event.to_string()).unwrap()
        };
        self.0.into_iter().map(line).collect()
    }

    /// The rules that the story breaks.
    pub(super) fn broken(self) -> Vec<&'static str> {
        let verdicts = all(&self.events());
        verdicts.into_iter().filter(|verdict| !verdict.broken.is_empty()).map(|verdict| verdict.rule).collect()
    }
}
