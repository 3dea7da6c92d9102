//! Faults that a test injects between a caller and the platform.
//!
//! After some of them a caller cannot know whether the platform processed its request, so each fault states whether it
//! did.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault_json::FaultJson;
use crate::gateway::{GatewayFault, INVALID_CREDENTIALS};

/// The requests that a fault applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Requests for an access token.
    Token,
    /// Start Connectivity Management Session.
    Login,
    /// End Connectivity Management Session.
    Logout,
    /// Reset Connectivity Management Password.
    Reset,
    /// All other requests: other operations, revocations of access tokens, and unknown paths.
    Other,
    /// Every request.
    Any,
}

/// What happens to a request.
///
/// In JSON, for the sandbox's HTTP interface, a fault is an object with a `kind`:
///
/// ```
/// use thingspace_sandbox::Fault;
///
/// let fault: Fault = serde_json::from_str(r#"{"kind": "answer", "status": 503, "body": "try later"}"#)?;
/// assert_eq!(fault, Fault::answer(503, "try later"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "FaultJson", into = "FaultJson")]
#[non_exhaustive]
pub enum Fault {
    /// The sandbox processes the request after this time, even if the caller has closed the connection. A server does
    /// not notice that, and a login may count although its response is lost.
    Delay(Duration),
    /// The sandbox does not process the request, and sends this response.
    Answer {
        /// The status, from 200 to 599.
        status: u16,
        /// The headers, without the length of the body, which the sandbox adds.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The sandbox does not process the request, and closes the connection without a response.
    CloseBefore,
    /// The sandbox processes the request, and closes the connection without a response.
    CloseAfter,
    /// The sandbox processes the request, and closes the connection after half of the response's body. `Content-Length`
    /// states the whole length. A response without a body is not sent at all.
    Truncate,
    /// The sandbox processes the request, and sends this response instead of the real one.
    AnswerAfter {
        /// The status, from 200 to 599.
        status: u16,
        /// The headers, without the length of the body, which the sandbox adds.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The sandbox processes the request, and sends the response's body one byte at a time.
    Drip {
        /// How long the sandbox waits before each byte.
        interval: Duration,
    },
}

impl Fault {
    /// An [`Answer`](Fault::Answer) of plain text.
    #[must_use]
    pub fn answer(status: u16, body: impl Into<String>) -> Fault {
        Fault::Answer { status, headers: typed("text/plain"), body: body.into().into_bytes() }
    }

    /// An [`Answer`](Fault::Answer) of JSON.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Fault {
        Fault::Answer { status, headers: typed("application/json"), body: body.to_string().into_bytes() }
    }

    /// An [`AnswerAfter`](Fault::AnswerAfter) of plain text. The caller cannot know that its request was processed.
    #[must_use]
    pub fn answer_after(status: u16, body: impl Into<String>) -> Fault {
        Fault::AnswerAfter { status, headers: typed("text/plain"), body: body.into().into_bytes() }
    }

    /// An error response of the gateway, in its own shape: `900901` (invalid credentials), `900902` (missing credentials),
    /// `900906` (no such resource) or `900800` (throttled out, status 429). The sandbox sends any other code unchanged,
    /// with the status and message of `900901`.
    ///
    /// ```
    /// use thingspace_sandbox::{Fault, Operation, Sandbox};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let sandbox = Sandbox::start().await?;
    /// sandbox.fault(Operation::Other, Fault::gateway("900800"), 2);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn gateway(code: &str) -> Fault {
        let known = GatewayFault::by_code(code).unwrap_or(INVALID_CREDENTIALS);
        let mut body = known.body(false);
        if let Some(sent) = body.pointer_mut("/fault/code") {
            *sent = Value::from(code);
        }
        Fault::json(known.status.as_u16(), &body)
    }

    /// An error response of the platform, in its own shape: status 400 and a code with its service, such as
    /// `UnifiedWebService.REQUEST_FAILED.SessionToken.Expired`.
    #[must_use]
    pub fn refused(code: &str) -> Fault {
        Fault::json(400, &serde_json::json!({ "errorCode": code, "errorMessage": "Rejected by an injected fault." }))
    }

    /// Adds a header to the fault's response. A fault without a response of its own stays unchanged.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Fault {
        if let Fault::Answer { headers, .. } | Fault::AnswerAfter { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// Rejects a fault that the sandbox cannot inject, and states the reason.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (Fault::Answer { status, headers, .. } | Fault::AnswerAfter { status, headers, .. }) = self else {
            return Ok(());
        };
        if !(200..=599).contains(status) || StatusCode::from_u16(*status).is_err() {
            return Err(format!("{status} is not a status of a response: give one from 200 to 599"));
        }
        for (name, value) in headers {
            let Ok(known) = HeaderName::try_from(name) else {
                return Err(format!("`{name}` is not a valid header name"));
            };
            if HeaderValue::try_from(value).is_err() {
                return Err(format!("the value of the header `{name}` has invalid characters"));
            }
            if [header::CONTENT_LENGTH, header::TRANSFER_ENCODING].contains(&known) {
                return Err(format!("the sandbox sets `{name}`: use the fault truncate for a wrong length"));
            }
        }
        Ok(())
    }
}

fn typed(content_type: &str) -> Vec<(String, String)> {
    vec![("content-type".to_owned(), content_type.to_owned())]
}

/// The queue of faults, first in, first out.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Planned>);

/// A fault, its operation, and how many more times it happens.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Planned {
    pub(crate) operation: Operation,
    pub(crate) fault: Fault,
    pub(crate) times: u32,
}

impl Faults {
    pub(crate) fn plan(&mut self, planned: Planned) {
        if planned.times > 0 {
            self.0.push(planned);
        }
    }

    /// Takes the fault for the next request of an operation from the queue.
    pub(crate) fn next(&mut self, operation: Operation) -> Option<Fault> {
        let meant = |planned: &Planned| planned.operation == Operation::Any || planned.operation == operation;
        let index = self.0.iter().position(meant)?;
        let planned = self.0.get_mut(index)?;
        planned.times -= 1;
        if planned.times > 0 { Some(planned.fault.clone()) } else { Some(self.0.remove(index).fault) }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn to_vec(&self) -> Vec<Planned> {
        self.0.clone()
    }
}
