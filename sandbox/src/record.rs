//! The recorded traffic: counters and requests.

use std::collections::VecDeque;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::call::Call;

/// How many requests [`Sandbox::requests`](crate::Sandbox::requests) returns at most. The limit bounds the memory that
/// a load test needs.
pub(crate) const REQUESTS_KEPT: usize = 10_000;

/// Counts of what has happened since the sandbox started.
///
/// A request that a fault keeps from being processed counts in `requests` only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counters {
    /// Accepted connections, including those to the controls.
    pub connections: u64,
    /// Requests to the platform, with any outcome.
    pub requests: u64,
    /// Requests for an access token.
    pub token_requests: u64,
    /// Requests for an access token that returned one, new or not.
    pub access_tokens: u64,
    /// Requests that the gateway rejected before the platform.
    pub gateway_faults: u64,
    /// Logins that reached the platform: successful, failed or malformed.
    pub logins_attempted: u64,
    /// Logins that returned a session token.
    pub logins_succeeded: u64,
    /// Logins rejected for their username or password, or because the account is locked. The platform counts these
    /// against an account. It does not count a malformed body.
    pub logins_failed: u64,
    /// Sessions ended by a logout.
    pub logouts: u64,
    /// Password resets that reached the platform.
    pub resets_attempted: u64,
    /// Password resets that replaced the password.
    pub resets_processed: u64,
    /// Requests to other paths of the platform that returned the echo.
    pub other_requests: u64,
}

/// One request as it arrived.
///
/// `Debug` leaves out header values and the body, so that the log of a failed test shows no password and no token. The
/// fields hold them in full.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Recorded {
    /// The method, in capitals.
    pub method: String,
    /// The path as it was sent, still percent-encoded, `/api` included.
    pub path: String,
    /// The query without the question mark, or an empty text.
    pub query: String,
    /// The headers in the order of their arrival, with names in lower case. The values of a repeated header are
    /// adjacent.
    pub headers: Vec<(String, String)>,
    /// The body, or the beginning of an oversized one. Serialized as text.
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

    /// The first value of a header, by its lower-case name.
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

/// The latest requests, up to the limit.
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
