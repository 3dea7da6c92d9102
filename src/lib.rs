//! Sessions on Verizon ThingSpace: log in, send requests, rotate the password, log out.
//!
//! A request to ThingSpace Connectivity Management carries two tokens: an access token, which an API key buys, and a session
//! token, which a username and password buy. This crate obtains both, renews them and adds them to requests.
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
//! let user = Credentials::new("zbeeblebrox", "IMgr8");
//! let session = thingspace.start_session(user).await?;
//!
//! // Any ThingSpace request: the session adds both tokens.
//! let path = "/m2m/v1/devices/actions/list";
//! let request = session.request(reqwest::Method::POST, path)?;
//! let response = session.send(request.json(&serde_json::json!({}))).await?;
//! let devices: serde_json::Value = response.error_for_status()?.json().await?;
//! # assert_eq!(devices["method"], "POST");
//!
//! session.end().await?;
//! # Ok(())
//! # }
//! ```
//!
//! **A service sets a [`store`](ThingSpaceBuilder::store) that outlives the process.** Otherwise the fifth start with a wrong
//! password locks the account.
//!
//! # Where to go from here
//!
//! | you want to | read |
//! |---|---|
//! | get credentials and write a first program | [getting started](guide::getting_started) |
//! | configure a client | [`ThingSpaceBuilder`], [configuration](guide::configuration), [TLS](guide::tls) |
//! | send requests | [`Session`], [sessions](guide::sessions), [`api`] for typed operations |
//! | handle errors | [`Error`], [errors](guide::errors) |
//! | keep the account open | [login guard](guide::login_guard) |
//! | replace a password | [`Session::rotate_password`], [passwords](guide::passwords) |
//! | share a session | [`store`], [several processes](guide::several_processes) |
//! | watch a service | [observability](guide::observability) |
//! | test a service | [testing](guide::testing) |
//! | do without async, or use a middleware | [blocking](guide::blocking), [middleware](guide::middleware) |
//! | come from Verizon's SDK | [migrating](guide::migrating) |
//!
//! # Promises
//!
//! - The crate prints no secret: not by `Debug`, in errors, logs or spans. Its types that hold one erase it when dropped.
//!   The HTTP library below makes copies that it does not erase.
//! - Tokens go to the platform only. The crate follows no redirect and refuses other origins, and `http://` except on this
//!   machine.
//! - One login at a time, however many tasks, processes or machines meet the dead session.
//! - At most two failed logins for credentials that were never verified, one if they are rejected, and four in a row in all:
//!   the fifth locks the account. [`ThingSpace::reset_login_guard`] lifts the stop. An outage stops no verified credentials.
//! - The crate sends a password reset once, and again only if no connection was established.
//! - Input from the network causes no panic and fills no unbounded buffer.
//!
//! # Features
//!
//! A feature adds something and changes nothing else. rustls encrypts the connections unless
//! [`ThingSpaceBuilder::tls_backend`] names another backend, whatever features other crates turn on.
//!
//! | feature | what it adds |
//! |---|---|
//! | `codegen` (default) | The build generates [`api`] from `openapi.yaml`. Without it the build compiles the reviewed copy in `generated/`, and stops if that is stale. |
//! | `rustls` (default) | TLS by rustls with the operating system's trust store. Its cryptography is aws-lc, unless the program has installed another provider. |
//! | `rustls-no-provider` | The same without aws-lc. The program installs a provider first, or names `TlsBackend::Preconfigured`. |
//! | `native-tls` | The TLS of the operating system, for programs that name it. |
//! | `blocking` | `blocking`, the same API without an async runtime. |
//! | `reqwest-middleware` | [`Session`] as a middleware: `ClientBuilder::new(client).with(session)`. |
//! | `tower` | [`Session`] as a layer: `session.layer(client)`. |
//! | `metrics` | A counter for each event, through the [`metrics`](https://docs.rs/metrics) facade. |
//! | `opentelemetry` | The trace context of the current span on every request, through the propagator of [`opentelemetry`](https://docs.rs/opentelemetry). |
//! | `schemars` | JSON schemas of the types of [`api`] and of the secret types. |
//! | `sealed` | `store::Sealed`, which encrypts what any session store holds. |
//! | `store-testing` | `store::testing`, the suite for a session store of your own. |

#![cfg_attr(docsrs, feature(doc_cfg))]

/// `Debug` as the text of a format, without what is secret and without a tree of types.
macro_rules! debug {
    ($type:ident, |$this:ident| $($format:tt)+) => {
        impl std::fmt::Debug for $type {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let $this = self;
                write!(formatter, $($format)+)
            }
        }
    };
}

mod auth;
#[cfg(feature = "blocking")]
pub mod blocking;
mod client;
mod credentials;
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
pub use client::{AccountStatus, Config, EnvironmentCredentials, ThingSpace, ThingSpaceBuilder, TlsBackend};
pub use credentials::{
    AccessToken, ApiKey, Credentials, CredentialsFuture, CredentialsProvider, Password, Secret, SessionToken,
};
pub use error::{Error, ErrorCode, ErrorGroup, ErrorResponse};
pub use generated::Retry;
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
pub use transport::RetryPolicy;

/// The programs of the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
