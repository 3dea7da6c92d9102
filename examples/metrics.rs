//! Counts the events of a session, with a short recorder instead of an exporter.
//!
//! Runs against a sandbox of its own.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints what it does")]

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use reqwest::Method;
use thingspace_sandbox::Sandbox;
use thingspace_session::{ApiKey, Credentials, Session, ThingSpace};

/// The counters, by their names and labels.
#[derive(Clone, Default)]
struct Counters(Arc<Mutex<BTreeMap<String, Arc<AtomicU64>>>>);

impl Counters {
    fn print(&self) {
        for (name, count) in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            println!("{name} {}", count.load(Ordering::Relaxed));
        }
    }
}

impl Recorder for Counters {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let labels: Vec<_> = key.labels().map(|label| format!(" {}={}", label.key(), label.value())).collect();
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Counter::from_arc(counters.entry(format!("{}{}", key.name(), labels.concat())).or_default().clone())
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let counters = Counters::default();
    metrics::set_global_recorder(counters.clone())?;

    let sandbox = Sandbox::start().await?;
    let api_key = ApiKey::new("sandbox-key", "sandbox-secret");
    let thingspace = ThingSpace::builder().api_key(api_key).base_url(sandbox.base_url()).build()?;
    let session = thingspace.start_session(Credentials::new("zbeeblebrox", "IMgr8")).await?;
    ask(&session).await?;
    sandbox.expire_session("zbeeblebrox");
    ask(&session).await?;
    sandbox.revoke_access_tokens();
    ask(&session).await?;
    session.end().await?;
    counters.print();
    Ok(())
}

async fn ask(session: &Session) -> Result<(), Box<dyn Error>> {
    let request = session.request(Method::GET, "/m2m/v1/callbacks/0000123456-00001")?;
    session.send(request).await?.error_for_status()?;
    Ok(())
}
