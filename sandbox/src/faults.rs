//! Faults: what can go wrong between a caller and the platform, on order.
//!
//! The ones that matter most are those after which a caller cannot know whether its request was processed, so each
//! fault says which it is.

use std::time::Duration;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault_json::FaultJson;
use crate::gateway::{GatewayFault, INVALID_CREDENTIALS};

/// Which requests a fault is meant for.
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
    /// Everything else, be it on the platform, a revocation of an access token, or nowhere.
    Other,
    /// Every request.
    Any,
}

/// What befalls a request.
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
    /// The request waits, and is then processed normally, even if the caller has hung up by then: a server does not
    /// notice, and an attempt whose answer never arrived may count.
    Delay(Duration),
    /// The request is not processed; this is answered.
    Answer {
        /// The status, from 200 to 599.
        status: u16,
        /// The headers. The length of the body is added and must not be among them.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The request is not processed, and the connection is closed without an answer.
    CloseBefore,
    /// The request is processed, and the connection is closed without an answer.
    CloseAfter,
    /// The request is processed, and the connection is closed in the middle of the answer's body: half of it is
    /// sent, and `Content-Length` promises all of it. An answer without a body is not sent at all.
    Truncate,
    /// The request is processed, but this is answered instead.
    AnswerAfter {
        /// The status, from 200 to 599.
        status: u16,
        /// The headers. The length of the body is added and must not be among them.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The request is processed, and the answer's body is sent one byte at a time.
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

    /// An [`AnswerAfter`](Fault::AnswerAfter) of plain text: processed, and the caller cannot know.
    #[must_use]
    pub fn answer_after(status: u16, body: impl Into<String>) -> Fault {
        Fault::AnswerAfter { status, headers: typed("text/plain"), body: body.into().into_bytes() }
    }

    /// An error response of the gateway, in its own shape: `900901` (invalid credentials), `900902` (missing credentials),
    /// `900906` (no such resource) or `900800` (throttled out, status 429). Another code is sent as it stands, with
    /// the status and words of `900901`.
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
        Fault::json(400, &serde_json::json!({ "errorCode": code, "errorMessage": "Refused on order." }))
    }

    /// The same fault with one header more; without effect on a fault that does not answer.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Fault {
        if let Fault::Answer { headers, .. } | Fault::AnswerAfter { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }

    /// Says what is wrong with a fault that cannot be carried out.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (Fault::Answer { status, headers, .. } | Fault::AnswerAfter { status, headers, .. }) = self else {
            return Ok(());
        };
        if !(200..=599).contains(status) || StatusCode::from_u16(*status).is_err() {
            return Err(format!("{status} is no status to answer with: give one from 200 to 599"));
        }
        for (name, value) in headers {
            let Ok(known) = HeaderName::try_from(name) else {
                return Err(format!("`{name}` is no name of a header"));
            };
            if HeaderValue::try_from(value).is_err() {
                return Err(format!("the value of the header `{name}` holds characters that no header may hold"));
            }
            if [header::CONTENT_LENGTH, header::TRANSFER_ENCODING].contains(&known) {
                return Err(format!("`{name}` is the sandbox's to set: use the fault truncate for a wrong length"));
            }
        }
        Ok(())
    }
}

fn typed(content_type: &str) -> Vec<(String, String)> {
    vec![("content-type".to_owned(), content_type.to_owned())]
}

/// The faults that are still to come, first in, first out.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Planned>);

/// A fault, whom it is meant for, and how often it is still to happen.
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

    /// The fault that the next request of an operation suffers, which is used up by it.
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
