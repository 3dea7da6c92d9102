//! What this crate tells an operator: its spans and its events, thread by thread, and the counters.

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

/// What was told on one thread.
#[derive(Default)]
struct Told {
    is_asked_for: bool,
    open: BTreeMap<u64, Fields>,
    calls: Vec<Fields>,
    events: Vec<String>,
    consequences: Vec<String>,
    counted: Vec<String>,
}

thread_local! {
    static TOLD: RefCell<Told> = RefCell::default();
}

/// What a test may be told. More comes from a loop of calls that has no end.
const MOST: usize = 100_000;

/// Takes down what is told on this thread, where its test asks for it: nothing grows on the threads of other tests.
fn note(what: impl FnOnce(&mut Told)) {
    TOLD.with_borrow_mut(|told| {
        if told.is_asked_for {
            what(told);
            assert!(told.events.len().max(told.calls.len()).max(told.counted.len()) < MOST, "a loop without an end");
        }
    });
}

/// Listens from here on, on all threads: what a subscriber of one thread gets to see depends on those beside it.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Listener)).unwrap();
        metrics::set_global_recorder(Listener).unwrap();
    });
    TOLD.set(Told { is_asked_for: true, ..Told::default() });
}

/// The fields of the calls that have ended on this thread.
pub(crate) fn calls() -> Vec<Fields> {
    TOLD.with_borrow(|told| {
        assert!(told.open.is_empty(), "{:?}", told.open);
        told.calls.clone()
    })
}

/// The events of this thread since they were last asked for, with their labels; and what was counted meanwhile.
pub(crate) fn events() -> (Vec<String>, Vec<String>) {
    TOLD.with_borrow_mut(|told| (std::mem::take(&mut told.events), std::mem::take(&mut told.counted)))
}

/// The consequences that the events of this thread have named since they were last asked for.
pub(crate) fn consequences() -> Vec<String> {
    TOLD.with_borrow_mut(|told| std::mem::take(&mut told.consequences))
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
            note(|told| drop(told.open.insert(id.into_u64(), fields)));
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, _: Context<'_, S>) {
        note(|told| {
            if let Some(fields) = told.open.get_mut(&id.into_u64()) {
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
            note(|told| {
                told.events.push(line);
                told.consequences.extend(fields.remove("consequence"));
            });
        }
    }

    /// The registry gives the id to another span from here on.
    fn on_close(&self, id: span::Id, _: Context<'_, S>) {
        // What a thread leaves open at its end is closed after what it has told is gone.
        let _ = TOLD.try_with(|told| {
            let told = &mut *told.borrow_mut();
            told.calls.extend(told.open.remove(&id.into_u64()));
        });
    }
}

struct Count(String);

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        assert_eq!(value, 1, "{}", self.0);
        note(|told| told.counted.push(self.0.clone()));
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
