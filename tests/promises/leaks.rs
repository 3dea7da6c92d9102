//! Searches output and logs for secrets in every form in which they can occur.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;
use thingspace_sandbox::Sandbox;
use tracing_subscriber::{
    fmt::{MakeWriter, format::FmtSpan},
    util::SubscriberInitExt as _,
};

use crate::support::{PASSWORD, USERNAME};

/// The log of the whole process. A test that uses it needs its own process.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Starts to record the complete log of every crate.
    pub(crate) fn keep() -> Self {
        let log = Self::default();
        let writer = log.clone();
        record(move || writer.clone());
        log
    }

    /// The log since the last call.
    pub(crate) fn take(&self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut *self.0.lock().unwrap())).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Records everything that this process logs through `tracing` or `log`, including spans and fields.
pub(crate) fn record(writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_span_events(FmtSpan::FULL);
    log.with_ansi(false).without_time().with_writer(writer).finish().init();
}

/// Every known secret of the built-in account: those in requests, and the current password.
pub(crate) fn secrets_of(sandbox: &Sandbox) -> BTreeSet<String> {
    let mut secrets = BTreeSet::from([PASSWORD.to_owned(), "sandbox-secret".to_owned()]);
    secrets.extend(sandbox.password(USERNAME));
    for request in sandbox.requests() {
        match request.header("authorization").and_then(|value| value.split_once(' ')) {
            Some(("Basic", pair)) => {
                let decoded = String::from_utf8(BASE64_STANDARD.decode(pair).unwrap()).unwrap();
                secrets.extend([pair.to_owned(), decoded.split_once(':').unwrap().1.to_owned()]);
            }
            Some((_, token)) => drop(secrets.insert(token.to_owned())),
            None => {}
        }
        secrets.extend(request.header("vz-m2m-token").map(str::to_owned));
        if let Ok(Value::Object(body)) = serde_json::from_slice(&request.body) {
            let passwords = body.into_iter().filter(|(name, _)| name.to_lowercase().contains("password"));
            secrets.extend(passwords.filter_map(|(_, value)| value.as_str().map(str::to_owned)));
        }
    }
    secrets
}

/// The first secret in a text, with the text before it. Finds these secrets in any form that a log can have, and
/// anything that looks like a token or a part of one.
pub(crate) fn find<'a>(text: &str, secrets: impl IntoIterator<Item = &'a String>) -> Option<String> {
    let known = secrets.into_iter().find_map(|secret| {
        assert!(secret.len() >= 5, "too short for a search");
        forms(secret)
            .iter()
            .find_map(|form| Some((memchr::memmem::find(text.as_bytes(), form.as_bytes())?, secret.clone())))
    });
    let (at, secret) = known.or_else(|| Some((token(text)?, "a token".to_owned())))?;
    let before: Vec<char> = text[..at].chars().rev().take(300).collect();
    Some(format!("{secret} after: {}", before.into_iter().rev().collect::<String>()))
}

/// The secret itself, in base64, and as the bytes that `Debug` prints.
fn forms(secret: &str) -> [String; 3] {
    let bytes = format!("{:?}", secret.as_bytes());
    [secret.to_owned(), BASE64_STANDARD.encode(secret), bytes.trim_matches(['[', ']']).to_owned()]
}

/// The position of a token. All tokens of the sandbox are UUIDs, and the logs have no other UUID.
fn token(text: &str) -> Option<usize> {
    let begins = |at: &usize| {
        let digits = text.as_bytes().get(at - 8..*at);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let dashes = text.match_indices('-').map(|(at, _)| at).filter(|at| *at >= 8);
    let is_followed = |at: &usize| text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_hexdigit);
    dashes.filter(is_followed).find(begins).map(|at| at - 8)
}
