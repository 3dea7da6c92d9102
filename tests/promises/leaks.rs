//! Looks for secrets in what was printed and logged: which of them there are, and in which forms they could be there.

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

/// What this process has logged. It is the whole process's log, so whoever keeps one has a process of its own.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// From here on everything is kept, of every crate and in full.
    pub(crate) fn keep() -> Self {
        let log = Self::default();
        let writer = log.clone();
        record(move || writer.clone());
        log
    }

    /// What was logged since it was last asked.
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

/// Has everything written down that this process logs through `tracing` or `log`, spans and their fields too.
pub(crate) fn record(writer: impl for<'a> MakeWriter<'a> + Send + Sync + 'static) {
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_span_events(FmtSpan::FULL);
    log.with_ansi(false).without_time().with_writer(writer).finish().init();
}

/// Every secret of the built-in account that is known: what was sent, and the password that holds.
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

/// The first secret that a text holds, with what stands before it: one of these in any form that a log could give it,
/// or something that looks like a token, be it the half of one that nobody has seen whole.
pub(crate) fn find<'a>(text: &str, secrets: impl IntoIterator<Item = &'a String>) -> Option<String> {
    let known = secrets.into_iter().find_map(|secret| {
        assert!(secret.len() >= 5, "too short to be searched for");
        forms(secret)
            .iter()
            .find_map(|form| Some((memchr::memmem::find(text.as_bytes(), form.as_bytes())?, secret.clone())))
    });
    let (at, secret) = known.or_else(|| Some((token(text)?, "a token".to_owned())))?;
    let before: Vec<char> = text[..at].chars().rev().take(300).collect();
    Some(format!("{secret} after: {}", before.into_iter().rev().collect::<String>()))
}

/// As it is, in base64, and as the bytes that `Debug` shows.
fn forms(secret: &str) -> [String; 3] {
    let bytes = format!("{:?}", secret.as_bytes());
    [secret.to_owned(), BASE64_STANDARD.encode(secret), bytes.trim_matches(['[', ']']).to_owned()]
}

/// Where a token begins. All that the sandbox grants are UUIDs, and nothing that is logged is one.
fn token(text: &str) -> Option<usize> {
    let begins = |at: &usize| {
        let digits = text.as_bytes().get(at - 8..*at);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    let dashes = text.match_indices('-').map(|(at, _)| at).filter(|at| *at >= 8);
    let is_followed = |at: &usize| text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_hexdigit);
    dashes.filter(is_followed).find(begins).map(|at| at - 8)
}
