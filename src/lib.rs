//! Sessions on Verizon ThingSpace: start one, use it, reset its password, end it.
//!
//! Every Connectivity Management request carries two tokens: an access token, which an API key buys, and a session
//! token, which a username and password buy. This crate obtains both, keeps them fresh and puts them on requests,
//! without ever printing one.
//!
//! ```
//! use thingspace_session::{ApiKey, Credentials, ThingSpace};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let sandbox = thingspace_sandbox::Sandbox::start().await?;
//! # let base_url = sandbox.base_url();
//! let thingspace = ThingSpace::builder()
//!     .api_key(ApiKey::new("sandbox-key", "sandbox-secret"))
//!     .base_url(base_url) // leave it out for production
//!     .build()?;
//! let session = thingspace.start_session(Credentials::new("zbeeblebrox", "IMgr8")).await?;
//!
//! // Any ThingSpace request: the session adds both tokens.
//! let request = session.request(reqwest::Method::POST, "/m2m/v1/devices/actions/list")?;
//! let answer: serde_json::Value = session.send(request.json(&serde_json::json!({}))).await?.json().await?;
//! # assert_eq!(answer["method"], "POST");
//!
//! session.end().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Where to go from here
//!
//! - The [`guide`] has one task a page: [getting started](guide::getting_started), [errors](guide::errors),
//!   [passwords](guide::passwords), [testing](guide::testing) and others.
//! - [`ThingSpace`] holds the configuration and the access token; [`ThingSpace::builder`] lists what can be set.
//! - [`Session`] is what a service holds: cheap to clone, safe to share among tasks. It renews itself, and
//!   [`Session::rotate_password`] replaces the password so that no crash loses it unnoticed ([`rotation`]).
//! - [`store`] keeps the session and the count of failed logins: in memory, with [`FileStore`] in a file that the processes
//!   of a machine share, with
//!   `RedisStore` of the crate `thingspace-session-redis` on a server that many machines share, or in a store of your own.
//!   `store::Sealed` (feature `sealed`) encrypts what any of them holds.
//! - [`api`] is the client generated from `openapi.yaml`, for callers who want its builders and typed answers:
//!   [`ThingSpace::api`] carries the access token, [`Session::api`] both.
//! - [`Password`] and [`SessionToken`] are [`Secret`]s of one kind, so that no two are mixed up; the generated types
//!   have [`Secret`], and `into()` leads from one to the other.
//! - [`Error`] says what went wrong and what to do; `?` turns every [`api::Error`] into one.
//!
//! # What it promises
//!
//! - No secret is printed: not by `Debug`, not in errors, logs or spans. The types of this crate that hold one erase
//!   it when they are dropped; what the HTTP stack below copies of it is beyond their reach.
//! - Tokens go to the platform and nowhere else: no redirect is followed, no other origin is served, and `http://`
//!   is refused except on this machine.
//! - One login at a time, however many tasks, processes or machines find the session dead.
//! - At most two failed logins for credentials that were never verified, one if they are rejected, and after four failures in
//!   a row none until an operator calls [`ThingSpace::reset_login_guard`], because the fifth locks the account; and no outage
//!   that needs an operator.
//! - A password reset is sent once. It is repeated only where no connection came about at all.
//! - Whatever comes over the network, there is no panic and no unbounded buffer.
//!
//! # Tracing
//!
//! Each call is one [`tracing`] span named `thingspace.call`, with OpenTelemetry's fields for an HTTP client. Events of
//! stable names report what becomes of a session: see [observability](guide::observability).
//! No body, header value, query or username is ever recorded.
//!
//! # Features
//!
//! A feature makes something available and changes nothing else: what encrypts the connections is rustls unless
//! [`ThingSpaceBuilder::tls_backend`] names another, whatever features other crates turn on, of this crate or of
//! reqwest.
//!
//! - `codegen` (default): the build generates [`api`] from `openapi.yaml`. Without it the reviewed copy in `generated/` is
//!   compiled, and no generator. A copy that is not made of `openapi.yaml` as it is stops the build.
//! - `rustls` (default): TLS by rustls with the operating system's trust store. Its cryptography is aws-lc, unless the
//!   program has installed another provider.
//! - `rustls-no-provider`: the same without aws-lc. The program installs a provider before it builds a client, or names
//!   a `TlsBackend::Preconfigured` that has one; otherwise building is an error.
//! - `native-tls`: the TLS of the operating system, for programs that name it.
//! - `blocking`: `blocking`, the same facade for programs without an async runtime.
//! - `reqwest-middleware`: [`Session`] is a middleware, `ClientBuilder::new(client).with(session)`.
//! - `tower`: [`Session`] is a layer, `session.layer(client)`.
//! - `metrics`: a counter for each event, through the [`metrics`](https://docs.rs/metrics) facade.
//! - `schemars`: JSON schemas of the types of [`api`] and of the secret types.
//! - `sealed`: `store::Sealed`, which encrypts what any session store holds.
//! - `store-testing`: `store::testing`, the suite that any session store of one's own has to pass.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod auth;
#[cfg(feature = "blocking")]
pub mod blocking;
mod client;
mod credentials;
mod disk;
mod error;
mod events;
mod generated;
mod guard;
#[cfg(any(doc, doctest))]
pub mod guide;
#[cfg(test)]
#[path = "../tests/laws/mod.rs"]
mod laws;
#[cfg(test)]
#[path = "../tests/model/mod.rs"]
mod model;
pub mod rotation;
mod session;
pub mod store;
mod transport;

pub use auth::{AccessTokenProvider, ProviderError};
pub use client::{AccountStatus, ThingSpace, ThingSpaceBuilder, TlsBackend};
pub use credentials::{
    AccessToken, ApiKey, Credentials, CredentialsFuture, CredentialsProvider, EnvironmentCredentials, Password, Secret,
    SessionToken,
};
pub use error::{Error, ErrorCode, Refusal};
pub use generated::client as api;
pub use generated::operations::Environment;
pub use guard::{Suspension, SuspensionReason};
/// The HTTP client whose types are part of this crate's interface, in the version that it uses.
pub use reqwest;
pub use rotation::FileVault;
/// The TLS library whose configuration [`TlsBackend::Preconfigured`] takes, in the version that it uses.
#[cfg(feature = "rustls-no-provider")]
pub use rustls;
pub use session::Session;
#[cfg(feature = "tower")]
pub use session::service::SessionService;
pub use store::{FileStore, MemoryStore};
pub use transport::Retries;

/// The programs of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
