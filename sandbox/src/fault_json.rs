//! The JSON form of a fault.
//!
//! It differs from [`Fault`] to suit a shell: durations are in milliseconds, and a body is text or a JSON value.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::faults::Fault;

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum FaultJson {
    Delay {
        milliseconds: u64,
    },
    Answer {
        status: u16,
        #[serde(default)]
        headers: Vec<(String, String)>,
        #[serde(default)]
        body: Value,
    },
    CloseBefore {},
    CloseAfter {},
    Truncate {},
    AnswerAfter {
        status: u16,
        #[serde(default)]
        headers: Vec<(String, String)>,
        #[serde(default)]
        body: Value,
    },
    Drip {
        milliseconds: u64,
    },
}

impl TryFrom<FaultJson> for Fault {
    type Error = String;

    fn try_from(json: FaultJson) -> Result<Fault, String> {
        let fault = match json {
            FaultJson::Delay { milliseconds } => Fault::Delay(Duration::from_millis(milliseconds)),
            FaultJson::Answer { status, headers, body } => {
                let (headers, body) = content(headers, body);
                Fault::Answer { status, headers, body }
            }
            FaultJson::CloseBefore {} => Fault::CloseBefore,
            FaultJson::CloseAfter {} => Fault::CloseAfter,
            FaultJson::Truncate {} => Fault::Truncate,
            FaultJson::AnswerAfter { status, headers, body } => {
                let (headers, body) = content(headers, body);
                Fault::AnswerAfter { status, headers, body }
            }
            FaultJson::Drip { milliseconds } => Fault::Drip { interval: Duration::from_millis(milliseconds) },
        };
        fault.check()?;
        Ok(fault)
    }
}

impl From<Fault> for FaultJson {
    fn from(fault: Fault) -> FaultJson {
        match fault {
            Fault::Delay(time) => FaultJson::Delay { milliseconds: milliseconds(time) },
            Fault::Answer { status, headers, body } => FaultJson::Answer { status, headers, body: text(&body) },
            Fault::CloseBefore => FaultJson::CloseBefore {},
            Fault::CloseAfter => FaultJson::CloseAfter {},
            Fault::Truncate => FaultJson::Truncate {},
            Fault::AnswerAfter { status, headers, body } => {
                FaultJson::AnswerAfter { status, headers, body: text(&body) }
            }
            Fault::Drip { interval } => FaultJson::Drip { milliseconds: milliseconds(interval) },
        }
    }
}

/// The headers and the bytes of a body. Adds a content type if the headers lack one.
fn content(mut headers: Vec<(String, String)>, body: Value) -> (Vec<(String, String)>, Vec<u8>) {
    let (content_type, bytes) = match body {
        Value::Null => return (headers, Vec::new()),
        Value::String(text) if text.is_empty() => return (headers, Vec::new()),
        Value::String(text) => ("text/plain", text.into_bytes()),
        json => ("application/json", json.to_string().into_bytes()),
    };
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        headers.insert(0, ("content-type".to_owned(), content_type.to_owned()));
    }
    (headers, bytes)
}

fn text(body: &[u8]) -> Value {
    Value::String(String::from_utf8_lossy(body).into_owned())
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
