//! What operators see: events of stable names, and with the feature `metrics` a counter of the same name for each.
//! `docs/guide/observability.md` explains them. `tests/promises/bad_days.rs` compares that page with what is reported; an
//! event needs a row there.

use std::{fmt::Display, time::Duration};

use http::Method;
use reqwest::{Request, Response};
use tracing::{Span, field::Empty};
use url::Position;

use crate::{Error, generated::Operation, guard::SuspensionReason};

/// An event with labels and fields. The counter has the labels only, because the other fields may have any value.
macro_rules! event {
    ($level:ident, $name:literal, $message:literal) => {
        event!($level, $name, $message, [], [])
    };
    // With an error, whose kind is the label.
    ($level:ident, $name:literal, $message:literal, $error:ident) => {
        event!($level, $name, $message, ["error.type" = $error.kind()], [error = %$error,])
    };
    ($level:ident, $name:literal, $message:literal, [$($label:literal = $value:expr),*], [$($field:tt)*]) => {{
        tracing::event!(
            name: $name, target: "thingspace_session", tracing::Level::$level,
            $($label = $value,)* $($field)* "{}: {}", $name, $message
        );
        #[cfg(feature = "metrics")]
        metrics::counter!($name $(, $label => $value)*).increment(1);
    }};
}

/// A function for each event without a label, or with an error only.
macro_rules! events {
    ($($level:ident $name:literal $function:ident($($error:ident)?) $message:literal;)*) => {$(
        pub(crate) fn $function($($error: &Error)?) {
            event!($level, $name, $message $(, $error)?);
        }
    )*};
}

events! {
    INFO "thingspace.session.resumed" session_resumed() "a session was found in the store or taken over";
    INFO "thingspace.session.ended" session_ended() "the session was ended";
    INFO "thingspace.access_token.renewed" access_token_renewed() "there is a new access token";
    WARN "thingspace.access_token.failed" access_token_failed(error) "no access token could be had";
    WARN "thingspace.access_token.observer_panicked" observer_panicked() "the closure of on_access_token has panicked";
    WARN "thingspace.login.failed" login_failed(error) "a login has failed";
    WARN "thingspace.login.withheld" login_withheld(error) "the crate sent no login";
    INFO "thingspace.password.reset" password_reset() "the password was reset; the old one is invalid";
    ERROR "thingspace.password.unknown" reset_outcome_unknown(error) "it is unknown which password is valid";
    ERROR "thingspace.password.lost" password_lost() "the old password is superseded, and the vault does not have the new one";
    INFO "thingspace.rotation.begun" rotation_begun() "the vault has saved that a rotation is pending";
    INFO "thingspace.rotation.completed" rotation_completed() "the vault has the new password";
    INFO "thingspace.rotation.recovered" rotation_recovered() "nothing was rotated; the old password is valid";
}

/// The span of a call. Its fields have the names of OpenTelemetry's conventions for HTTP clients.
pub(crate) fn call(operation: &Operation, request: &Request) -> Span {
    // Without the query, which may hold a secret.
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

/// The name of a method for a label. An unknown method could be any text.
fn method(method: &Method) -> &str {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "TRACE" | "CONNECT") => known,
        _ => "_OTHER",
    }
}

pub(crate) fn call_ended(span: &Span, outcome: &Result<Response, Error>, attempts: u32) {
    let status = match outcome {
        Ok(response) => Some(response.status()),
        // The status belongs to a login or a token request.
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
                event!(WARN, "thingspace.call.failed", "the call failed", error);
            });
        }
        Ok(response) if response.status().is_client_error() || response.status().is_server_error() => {
            span.record("error.type", response.status().as_str()).record("otel.status_code", "ERROR");
        }
        Ok(_) => {}
    }
}

/// Why the crate has logged in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewed {
    /// It was unused for twenty minutes.
    Idle,
    /// The error code said that the session was dead.
    Expired,
    /// The platform rejected a request, and the session may have been the reason.
    Refused,
}

/// Reports a login. `renewed` is the reason, if there was a session before.
pub(crate) fn session_started(renewed: Option<Renewed>) {
    let reason = match renewed {
        None => return event!(INFO, "thingspace.session.started", "a session was started"),
        Some(Renewed::Idle) => "idle",
        Some(Renewed::Expired) => "expired",
        Some(Renewed::Refused) => "refused",
    };
    event!(INFO, "thingspace.session.renewed", "the session was renewed", ["reason" = reason], []);
}

pub(crate) fn login_suspended(reason: &SuspensionReason) {
    let reason = reason.as_str();
    event!(
        WARN,
        "thingspace.login.suspended",
        "to keep the account open, the crate sends no login",
        ["reason" = reason],
        []
    );
}

pub(crate) fn request_resent(reason: &'static str, pause: Duration) {
    let pause = pause.as_millis();
    event!(WARN, "thingspace.request.resent", "sending the request again", ["reason" = reason], [pause_ms = pause,]);
}

pub(crate) fn store_failed(error: &dyn Display, consequence: &'static str) {
    event!(WARN, "thingspace.store.failed", "the session store failed", [], [error = %error, consequence,]);
}

pub(crate) fn vault_failed(error: &dyn Display, consequence: &'static str) {
    event!(WARN, "thingspace.vault.failed", "the password vault failed", [], [error = %error, consequence,]);
}

/// An error if the password may be lost, a warning if nothing was reset.
pub(crate) fn rotation_failed(error: &Error) {
    if matches!(error, Error::PasswordNotSaved { .. } | Error::ResetOutcomeUnknown { .. }) {
        event!(ERROR, "thingspace.rotation.failed", "the rotation has failed", error);
    } else {
        event!(WARN, "thingspace.rotation.failed", "nothing was rotated", error);
    }
}
