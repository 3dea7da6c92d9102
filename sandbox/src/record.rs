//! What the sandbox remembers of its traffic: counts, and the requests themselves.

use std::collections::VecDeque;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::call::Call;

/// How many requests [`Sandbox::requests`](crate::Sandbox::requests) looks back at most; older ones are forgotten,
/// so that a load test does not eat the machine's memory.
pub(crate) const REQUESTS_KEPT: usize = 10_000;

/// How often what has happened since the sandbox started.
///
/// A request that suffers a fault which replaces its processing counts in `requests` alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counters {
    /// Connections accepted, those of the sandbox's own controls among them.
    pub connections: u64,
    /// Requests that arrived on the platform's side, whatever became of them.
    pub requests: u64,
    /// Requests for an access token.
    pub token_requests: u64,
    /// Requests for an access token that were answered with one, new or not.
    pub access_tokens: u64,
    /// Requests that the gateway refused, so that the platform never saw them.
    pub gateway_faults: u64,
    /// Logins that reached the platform: succeeded, failed, or not understood.
    pub logins_attempted: u64,
    /// Logins that were answered with a session token.
    pub logins_succeeded: u64,
    /// Logins refused for their username or password, or because the account is locked: what the platform would
    /// count against an account. A body that was not understood is not among them.
    pub logins_failed: u64,
    /// Sessions ended by their owner.
    pub logouts: u64,
    /// Password resets that reached the platform.
    pub resets_attempted: u64,
    /// Password resets that replaced the password.
    pub resets_processed: u64,
    /// Requests to any other platform address that were answered with the echo.
    pub other_requests: u64,
}

/// One request as it arrived.
///
/// `Debug` shows neither header values nor the body, which hold passwords and tokens and would otherwise end up in
/// the log of a failed test; the fields hold them in full.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Recorded {
    /// The method, in capitals.
    pub method: String,
    /// The path as it was sent, still percent-encoded, `/api` included.
    pub path: String,
    /// What followed the question mark; empty if nothing did.
    pub query: String,
    /// The headers in the order of their arrival, names in lower case; a header that came more than once has its
    /// values next to each other.
    pub headers: Vec<(String, String)>,
    /// The body; if it was larger than the platform takes, its beginning. Serialized as text.
    #[serde(serialize_with = "as_text")]
    pub body: Vec<u8>,
}

impl Recorded {
    pub(crate) fn of(call: &Call) -> Recorded {
        let headers = call
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        Recorded {
            method: call.method.as_str().to_owned(),
            path: call.path.clone(),
            query: call.query.clone(),
            headers: headers.collect(),
            body: call.body.to_vec(),
        }
    }

    /// The value of a header by its lower-case name, if it came; the first one if it came more than once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Recorded")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The latest requests, and only so many of them.
#[derive(Debug, Default)]
pub(crate) struct Log(VecDeque<Recorded>);

impl Log {
    pub(crate) fn push(&mut self, recorded: Recorded) {
        if self.0.len() == REQUESTS_KEPT {
            self.0.pop_front();
        }
        self.0.push_back(recorded);
    }

    pub(crate) fn to_vec(&self) -> Vec<Recorded> {
        self.0.iter().cloned().collect()
    }
}

fn as_text<S: Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(body))
}
