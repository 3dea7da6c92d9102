//! One trace from the caller to the platform: the spans of this program, those of the crate below them, and the context that
//! went out with each request, those for an access token and a session included.
//!
//! Runs against a sandbox of its own.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "telling is what an example is for")]

use std::error::Error;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    propagation::TraceContextPropagator,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use reqwest::Method;
use thingspace_sandbox::Sandbox;
use thingspace_session::{ApiKey, Credentials, ThingSpace};
use tracing::Instrument as _;
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// In the place of an exporter: prints each span when it ends.
#[derive(Debug)]
struct Print;

impl SpanExporter for Print {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        for span in spans {
            let context = &span.span_context;
            println!(
                "trace {} span {} below {}: {}",
                context.trace_id(),
                context.span_id(),
                span.parent_span_id,
                span.name
            );
        }
        Ok(())
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
    let provider = SdkTracerProvider::builder().with_simple_exporter(Print).build();
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("trace"));
    let spans_only = tracing_subscriber::filter::LevelFilter::INFO;
    tracing_subscriber::registry().with(spans_only).with(layer).init();

    let sandbox = Sandbox::start().await?;
    ask(&sandbox).instrument(tracing::info_span!("ask for the devices")).await?;
    let mut traces = Vec::new();
    for request in sandbox.requests() {
        let context = request.header("traceparent").ok_or("a request without a trace context")?;
        println!("arrived: {} {} with traceparent {context}", request.method, request.path);
        traces.push(context.split('-').nth(1).unwrap_or_default().to_owned());
    }
    traces.dedup();
    if traces.len() != 1 {
        return Err(format!("{} traces instead of one", traces.len()).into());
    }
    Ok(())
}

async fn ask(sandbox: &Sandbox) -> Result<(), Box<dyn Error>> {
    let api_key = ApiKey::new("sandbox-key", "sandbox-secret");
    let thingspace = ThingSpace::builder().api_key(api_key).base_url(sandbox.base_url()).build()?;
    let session = thingspace.start_session(Credentials::new("zbeeblebrox", "IMgr8")).await?;
    let request = session.request(Method::GET, "/m2m/v1/callbacks/0000123456-00001")?;
    session.send(request).await?.error_for_status()?;
    session.end().await?;
    Ok(())
}
