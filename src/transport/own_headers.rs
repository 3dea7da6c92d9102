//! The caller's headers on every request, and the trace context. The caller's function fills a separate map, before the
//! request has a token.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use http::{HeaderMap, HeaderName, header};

use crate::{Error, generated::operations::SESSION_HEADERS};

/// The headers that authenticate, route and frame a request, or choose the encoding of its response.
const RESERVED: [&HeaderName; 11] = [
    &header::AUTHORIZATION,
    &header::PROXY_AUTHORIZATION,
    &header::HOST,
    &header::CONTENT_LENGTH,
    &header::TRANSFER_ENCODING,
    &header::CONNECTION,
    &header::UPGRADE,
    &header::TE,
    &header::TRAILER,
    &header::EXPECT,
    &header::ACCEPT_ENCODING,
];

type Fill = dyn Fn(&mut HeaderMap) + Send + Sync;

/// The caller's function, if there is one.
#[derive(Clone, Default)]
pub(crate) struct OwnHeaders(Option<Arc<Fill>>);

debug!(OwnHeaders, |_this| "OwnHeaders {{ .. }}");

impl OwnHeaders {
    pub(crate) fn new(fill: impl Fn(&mut HeaderMap) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(fill)))
    }

    /// Adds the headers to those of a request, which keeps the ones that it has.
    pub(super) fn add(&self, headers: &mut HeaderMap) -> Result<(), Error> {
        if self.0.is_none() && !cfg!(feature = "opentelemetry") {
            return Ok(());
        }
        let mut own = HeaderMap::new();
        let filled = catch_unwind(AssertUnwindSafe(|| {
            #[cfg(feature = "opentelemetry")]
            trace_context(&mut own);
            if let Some(fill) = &self.0 {
                fill(&mut own);
            }
        }));
        if filled.is_err() {
            return Err(Error::configuration(
                "the function of ThingSpaceBuilder::headers, or the propagator of the trace context, has panicked, and \
                 nothing was sent: correct what the panic on standard error names",
            ));
        }
        if let Some(name) = RESERVED.into_iter().chain(&SESSION_HEADERS).find(|name| own.contains_key(*name)) {
            return Err(Error::configuration(format!(
                "the function of ThingSpaceBuilder::headers sets {name}, which is this crate's to set, and nothing was \
                 sent: leave it out"
            )));
        }
        for name in own.keys().filter(|name| !headers.contains_key(*name)).cloned().collect::<Vec<_>>() {
            for value in own.get_all(&name) {
                headers.append(&name, value.clone());
            }
        }
        Ok(())
    }
}

/// The context of the current span, in the format of the propagator that the program has installed.
#[cfg(feature = "opentelemetry")]
fn trace_context(headers: &mut HeaderMap) {
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;

    struct Carrier<'a>(&'a mut HeaderMap);

    impl opentelemetry::propagation::Injector for Carrier<'_> {
        fn set(&mut self, name: &str, value: String) {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<http::HeaderValue>()) {
                self.0.insert(name, value);
            }
        }
    }

    let context = tracing::Span::current().context();
    opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut Carrier(headers));
    });
}
