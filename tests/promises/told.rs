//! Records what the crate reports to an operator: spans, events and counters of each thread.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt::{Debug, Write as _},
    sync::{Arc, Once},
};

use metrics::{Counter, CounterFn, Gauge, Histogram, Key, KeyName, Label, Metadata, Recorder, SharedString, Unit};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt as _, registry::LookupSpan};

pub(crate) type Fields = BTreeMap<String, String>;

/// The log of one thread.
#[derive(Default)]
struct Records {
    is_listening: bool,
    open: BTreeMap<u64, Fields>,
    calls: Vec<Fields>,
    events: Vec<String>,
    consequences: Vec<String>,
    counted: Vec<String>,
}

thread_local! {
    static RECORDS: RefCell<Records> = RefCell::default();
}

/// Maximum number of entries of a test. An endless loop of calls exceeds it.
const LIMIT: usize = 100_000;

/// Adds an entry if the test of this thread listens. Threads of other tests use no memory.
fn note(what: impl FnOnce(&mut Records)) {
    RECORDS.with_borrow_mut(|log| {
        if log.is_listening {
            what(log);
            assert!(log.events.len().max(log.calls.len()).max(log.counted.len()) < LIMIT, "an endless loop");
        }
    });
}

/// Starts to record. The subscriber is global, because subscribers of several threads affect each other.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Listener)).unwrap();
        metrics::set_global_recorder(Listener).unwrap();
    });
    RECORDS.set(Records { is_listening: true, ..Records::default() });
}

/// The fields of the finished calls of this thread.
pub(crate) fn calls() -> Vec<Fields> {
    RECORDS.with_borrow(|log| {
        assert!(log.open.is_empty(), "{:?}", log.open);
        log.calls.clone()
    })
}

/// The events of this thread since the last call, with their labels, and the counters incremented meanwhile.
pub(crate) fn events() -> (Vec<String>, Vec<String>) {
    RECORDS.with_borrow_mut(|log| (std::mem::take(&mut log.events), std::mem::take(&mut log.counted)))
}

/// The consequences in the events of this thread since the last call.
pub(crate) fn consequences() -> Vec<String> {
    RECORDS.with_borrow_mut(|log| std::mem::take(&mut log.consequences))
}

#[derive(Clone)]
struct Listener;

struct Visitor<'a>(&'a mut Fields);

impl Visit for Visitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Listener {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, id: &span::Id, _: Context<'_, S>) {
        if attributes.metadata().name() == "thingspace.call" {
            let mut fields = Fields::new();
            attributes.record(&mut Visitor(&mut fields));
            note(|log| drop(log.open.insert(id.into_u64(), fields)));
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, _: Context<'_, S>) {
        note(|log| {
            if let Some(fields) = log.open.get_mut(&id.into_u64()) {
                values.record(&mut Visitor(fields));
            }
        });
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if metadata.target() == "thingspace_session" {
            let mut fields = Fields::new();
            event.record(&mut Visitor(&mut fields));
            assert!(fields["message"].starts_with(&format!("{}: ", metadata.name())), "{}", fields["message"]);
            let labels = fields.iter().filter(|(name, _)| ["reason", "error.type"].contains(&&***name));
            let mut line = format!("{} {}", metadata.level(), metadata.name());
            for (name, value) in labels {
                write!(line, " {name}={value}").unwrap();
            }
            note(|log| {
                log.events.push(line);
                log.consequences.extend(fields.remove("consequence"));
            });
        }
    }

    /// The registry reuses the id for another span after this.
    fn on_close(&self, id: span::Id, _: Context<'_, S>) {
        // A span that is open at the end of its thread closes after the log of the thread is dropped.
        let _ = RECORDS.try_with(|log| {
            let log = &mut *log.borrow_mut();
            log.calls.extend(log.open.remove(&id.into_u64()));
        });
    }
}

struct Count(String);

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        assert_eq!(value, 1, "{}", self.0);
        note(|log| log.counted.push(self.0.clone()));
    }

    fn absolute(&self, _: u64) {
        panic!("{} only grows", self.0);
    }
}

impl Recorder for Listener {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let label = |label: &Label| format!(" {}={}", label.key(), label.value());
        let labels: String = key.labels().map(label).collect();
        Counter::from_arc(Arc::new(Count(format!("{}{labels}", key.name()))))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}
