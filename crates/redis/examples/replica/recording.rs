//! Wrappers around the store, the vault and the spans that record in the history what a replica does.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Mutex,
    time::Duration,
};

use serde_json::{Value, json};
use thingspace_sandbox::history::{History, mark, now};
use thingspace_session::{
    FileVault,
    rotation::{PasswordVault, VaultFuture, VaultState},
    store::{Account, SessionStore, Snapshot, StoreFuture, StoreWait, Version},
};
use thingspace_session_redis::RedisStore;
use tracing::{Subscriber, field::Field, span};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
};

/// A store that records the versions, superseded credentials and changed attempts that this replica has seen.
pub(super) struct Recording {
    inner: RedisStore,
    history: History,
    loaded: Mutex<Option<Version>>,
    heard: Mutex<BTreeSet<String>>,
    noted: Mutex<BTreeMap<String, Value>>,
}

impl Recording {
    pub(super) fn new(inner: RedisStore, history: History) -> Self {
        Self { inner, history, loaded: Mutex::default(), heard: Mutex::default(), noted: Mutex::default() }
    }

    /// Records the superseded credentials in a record that this replica has not seen before.
    fn note_superseded(&self, bytes: &[u8]) {
        for attempt in attempts(bytes).values() {
            let superseded = attempt.get("outcome").and_then(Value::as_str) == Some("superseded");
            let Some(credentials) = attempt.get("credentials").and_then(Value::as_str) else { continue };
            if superseded && self.heard.lock().is_ok_and(|mut heard| heard.insert(credentials.to_owned())) {
                self.history.note(json!({ "what": "heard", "superseded": credentials }));
            }
        }
    }

    /// The attempts that changed since this replica last recorded them.
    fn changed(&self, bytes: &[u8]) -> serde_json::Map<String, Value> {
        let mut attempts = attempts(bytes);
        if let Ok(mut noted) = self.noted.lock() {
            attempts.retain(|id, attempt| noted.insert(id.clone(), attempt.clone()).as_ref() != Some(attempt));
        }
        attempts
    }
}

fn attempts(bytes: &[u8]) -> serde_json::Map<String, Value> {
    let record: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let attempts = record.pointer("/record/history/attempts").and_then(Value::as_object).cloned();
    attempts.unwrap_or_default()
}

impl fmt::Debug for Recording {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(formatter)
    }
}

impl SessionStore for Recording {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Snapshot> {
        Box::pin(async move {
            let snapshot = self.inner.load(account).await?;
            if let Some(value) = &snapshot.value {
                if self.loaded.lock().is_ok_and(|mut last| last.replace(value.version) != Some(value.version)) {
                    self.history.note(json!({ "what": "loaded", "version": value.version.to_string() }));
                }
                self.note_superseded(value.bytes());
            }
            Ok(snapshot)
        })
    }

    fn compare_and_swap<'a>(
        &'a self,
        account: &'a Account,
        expected: Option<Version>,
        new: Version,
        bytes: &'a [u8],
    ) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let (from, attempts) = (now(), self.changed(bytes));
            // A replica also knows what it writes itself.
            self.note_superseded(bytes);
            // Recorded before the write, because a replica may be killed after the write and before the response.
            let (before, version) = (expected.map(|version| version.to_string()), new.to_string());
            self.history.note(json!({ "what": "swap", "before": before, "version": version, "attempts": attempts }));
            let swapped = self.inner.compare_and_swap(account, expected, new, bytes).await;
            let outcome = match &swapped {
                Ok(true) => "ok",
                Ok(false) => "conflict",
                Err(_) => "failed",
            };
            let error = swapped.as_ref().err().map(ToString::to_string);
            self.history.note(
                json!({ "what": "swapped", "from": from, "version": version, "outcome": outcome, "error": error }),
            );
            swapped
        })
    }

    fn changed<'a>(&'a self, account: &'a Account, seen: Option<Version>, patience: Duration) -> StoreWait<'a> {
        self.inner.changed(account, seen, patience)
    }
}

/// A vault that records every stored state.
#[derive(Clone)]
pub(super) struct RecordingVault {
    pub(super) inner: FileVault,
    pub(super) history: History,
}

impl RecordingVault {
    pub(super) fn note(&self, what: &str, state: &VaultState) {
        let (state, credentials) = match state {
            VaultState::Empty => ("empty", None),
            VaultState::Current(credentials) => ("current", Some(credentials)),
            VaultState::Pending(pending) => ("pending", Some(&pending.old)),
        };
        let password = credentials.map(|credentials| mark(credentials.password().expose_secret()));
        self.history.note(json!({ "what": what, "state": state, "password": password }));
    }
}

impl PasswordVault for RecordingVault {
    fn load(&self) -> VaultFuture<'_, VaultState> {
        self.inner.load()
    }

    fn compare_and_swap<'a>(&'a self, expected: &'a VaultState, new: &'a VaultState) -> VaultFuture<'a, bool> {
        Box::pin(async move {
            let swapped = self.inner.compare_and_swap(expected, new).await?;
            if swapped && expected != new {
                self.note("vault", new);
            }
            Ok(swapped)
        })
    }
}

/// Records the begin and the end of logins, and the events about logins and rotations that operators see.
pub(super) struct Spans(History);

const LOGIN: &str = "start_connectivity_management_session";
const EVENTS: [&str; 3] = ["thingspace.login.", "thingspace.rotation.", "thingspace.password."];

impl Spans {
    pub(super) fn install(history: History) -> Result<(), tracing::subscriber::SetGlobalDefaultError> {
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Self(history)))
    }
}

/// The fields that this layer reads.
#[derive(Default)]
struct Fields {
    operation: String,
    kind: String,
}

impl tracing::field::Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "thingspace.operation" => value.clone_into(&mut self.operation),
            "error.type" | "reason" => value.clone_into(&mut self.kind),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

/// Marks the span of a login.
struct Login;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if fields.operation == LOGIN {
            self.0.note(json!({ "what": "login-begun" }));
            if let Some(span) = context.span(id) {
                span.extensions_mut().insert(Login);
            }
        }
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let name = event.metadata().name();
        if EVENTS.iter().any(|prefix| name.starts_with(prefix)) {
            let mut fields = Fields::default();
            event.record(&mut fields);
            self.0.note(json!({ "what": "told", "name": name, "kind": fields.kind }));
        }
    }

    fn on_close(&self, id: span::Id, context: Context<'_, S>) {
        if context.span(&id).is_some_and(|span| span.extensions().get::<Login>().is_some()) {
            self.0.note(json!({ "what": "login-over" }));
        }
    }
}
