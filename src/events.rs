//! What an operator is told: events of stable names, and with the feature `metrics` a counter of the same name for each.
//! `docs/operating.md` explains them.

use std::{fmt::Display, time::Duration};

use http::Method;
use reqwest::{Request, Response};
use tracing::{Span, field::Empty};
use url::Position;

use crate::{Error, generated::Operation, guard::SuspensionReason};

/// An event with its labels; the counter has the labels alone, for what else is told may be anything.
macro_rules! event {
    // Of an error, whose kind is the label.
    ($level:ident, $name:literal, $error:ident, $message:literal) => {
        event!($level, $name, ["error.type" = $error.kind()], [error = %$error,], $message)
    };
    ($level:ident, $name:literal, [$($label:literal = $value:expr),*], [$($field:tt)*], $message:literal) => {{
        tracing::event!(
            name: $name, target: "thingspace_session", tracing::Level::$level,
            $($label = $value,)* $($field)* "{}: {}", $name, $message
        );
        #[cfg(feature = "metrics")]
        metrics::counter!($name $(, $label => $value)*).increment(1);
    }};
}

/// The span of a call. Its fields have the names of OpenTelemetry's conventions for HTTP clients.
pub(crate) fn call(operation: &Operation, request: &Request) -> Span {
    // Nothing else of the URL: there may be anything in a query.
    let (method, url) = (method(request.method()), request.url());
    let template = Some(operation.path).filter(|path| !path.is_empty());
    tracing::info_span!(
        target: "thingspace_session",
        "thingspace.call",
        "otel.name" = %format_args!("{method}{}{}", template.map_or("", |_| " "), template.unwrap_or_default()),
        "otel.kind" = "client",
        "thingspace.operation" = operation.id,
        "http.request.method" = method,
        "url.template" = template,
        "url.full" = %format_args!("{}{}", &url[..Position::BeforeUsername], &url[Position::BeforeHost..Position::AfterPath]),
        "server.address" = url.host_str().map(|host| host.trim_matches(['[', ']'])),
        "server.port" = url.port_or_known_default(),
        "http.response.status_code" = Empty,
        "http.request.resend_count" = Empty,
        "error.type" = Empty,
        "otel.status_code" = Empty,
    )
}

/// One that HTTP does not know could be any text at all.
fn method(method: &Method) -> &str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
        Method::TRACE,
        Method::CONNECT,
    ];
    if known.contains(method) { method.as_str() } else { "_OTHER" }
}

pub(crate) fn call_ended(span: &Span, outcome: &Result<Response, Error>, attempts: u32) {
    let status = match outcome {
        Ok(response) => Some(response.status()),
        // That of another call, which this one needed.
        Err(Error::Session { .. } | Error::AccessToken { .. }) => None,
        Err(error) => error.status(),
    };
    span.record("http.response.status_code", status.map(|status| status.as_u16()));
    if attempts > 1 {
        span.record("http.request.resend_count", attempts - 1);
    }
    match outcome {
        Err(error) => {
            let kind = error.kind();
            span.record("error.type", kind).record("otel.status_code", "ERROR");
            span.in_scope(|| {
                event!(WARN, "thingspace.call.failed", error, "the call failed");
            });
        }
        Ok(response) if response.status().is_client_error() || response.status().is_server_error() => {
            span.record("error.type", response.status().as_str()).record("otel.status_code", "ERROR");
        }
        Ok(_) => {}
    }
}

/// Why there is another session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewed {
    /// It was unused for twenty minutes.
    Idle,
    /// The platform called it dead.
    Expired,
    /// The platform refused a request and did not say why.
    Refused,
}

impl Renewed {
    fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Expired => "expired",
            Self::Refused => "refused",
        }
    }
}

/// After a login; `renewed` says why, if there was a session before.
pub(crate) fn session_started(renewed: Option<Renewed>) {
    match renewed {
        None => event!(INFO, "thingspace.session.started", [], [], "a session was started"),
        Some(why) => {
            let reason = why.as_str();
            event!(INFO, "thingspace.session.renewed", ["reason" = reason], [], "the session was renewed");
        }
    }
}

pub(crate) fn session_resumed() {
    event!(INFO, "thingspace.session.resumed", [], [], "a session was found in the store");
}

pub(crate) fn session_ended() {
    event!(INFO, "thingspace.session.ended", [], [], "the session was ended");
}

pub(crate) fn access_token_renewed() {
    event!(INFO, "thingspace.access_token.renewed", [], [], "there is a new access token");
}

pub(crate) fn access_token_failed(error: &Error) {
    event!(WARN, "thingspace.access_token.failed", error, "no access token could be had");
}

pub(crate) fn login_failed(error: &Error) {
    event!(WARN, "thingspace.login.failed", error, "a login has failed");
}

pub(crate) fn login_suspended(reason: &SuspensionReason) {
    let reason = reason.as_str();
    event!(
        WARN,
        "thingspace.login.suspended",
        ["reason" = reason],
        [],
        "no login is made any more, to keep the account from being locked"
    );
}

/// A login was wanted and not made.
pub(crate) fn login_withheld(error: &Error) {
    event!(WARN, "thingspace.login.withheld", error, "a login was not made");
}

pub(crate) fn request_resent(reason: &'static str, pause: Duration) {
    let pause = pause.as_millis();
    event!(WARN, "thingspace.request.resent", ["reason" = reason], [pause_ms = pause,], "sending the request again");
}

pub(crate) fn store_failed(error: &dyn Display, consequence: &'static str) {
    event!(
        WARN,
        "thingspace.store.failed",
        [],
        [error = %error, consequence,],
        "the session store failed"
    );
}

pub(crate) fn vault_failed(error: &dyn Display, consequence: &'static str) {
    event!(WARN, "thingspace.vault.failed", [], [error = %error, consequence,], "the password vault failed");
}

pub(crate) fn password_reset() {
    event!(INFO, "thingspace.password.reset", [], [], "the password was reset: the old one is dead");
}

pub(crate) fn rotation_begun() {
    event!(INFO, "thingspace.rotation.begun", [], [], "the vault knows that a rotation has begun");
}

pub(crate) fn rotation_completed() {
    event!(INFO, "thingspace.rotation.completed", [], [], "the vault has the new password");
}

/// Nothing was reset, or nobody knows, or the vault would not take the new password.
pub(crate) fn rotation_failed(error: &Error) {
    if matches!(error, Error::PasswordNotKept { .. } | Error::PasswordUnknown { .. }) {
        event!(ERROR, "thingspace.rotation.failed", error, "the rotation has failed");
    } else {
        event!(WARN, "thingspace.rotation.failed", error, "nothing was rotated");
    }
}

/// A reset of which nobody knows whether it was processed.
pub(crate) fn password_unknown(error: &Error) {
    event!(ERROR, "thingspace.password.unknown", error, "nobody knows which password holds");
}

/// The old password holds.
pub(crate) fn rotation_resolved() {
    event!(INFO, "thingspace.rotation.resolved", [], [], "nothing was rotated: the old password holds");
}

pub(crate) fn password_lost() {
    event!(ERROR, "thingspace.password.lost", [], [], "the old password is dead and the vault has no new one");
}
