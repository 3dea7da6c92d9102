//! A stateful stand-in for the session management of Verizon's `ThingSpace`, for tests and for trying things out.
//!
//! It issues access tokens that live one hour from their first issue, keeps sessions alive as long as they are used
//! and for twenty minutes after, locks an account at the fifth failed login in a row, and replaces passwords. A test
//! can inject faults: rejections, delays, and connections that close before or after a request is processed. It can
//! also move the clock.
//!
//! The sandbox does not depend on the client crate. It implements the platform's documentation and `openapi.yaml`
//! independently, so a test against it finds errors that the client alone would not show.
//!
//! ```
//! use std::time::Duration;
//! use thingspace_sandbox::{Account, Fault, Operation, Sandbox};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::start().await?;
//! let account = Account::built_in();
//! let http = reqwest::Client::new();
//!
//! let answer: serde_json::Value = http
//!     .post(format!("{}/ts/v1/oauth2/token", sandbox.base_url()))
//!     .basic_auth(&account.key, Some(&account.secret))
//!     .form(&[("grant_type", "client_credentials")])
//!     .send()
//!     .await?
//!     .json()
//!     .await?;
//! assert_eq!(answer["token_type"], "Bearer");
//! assert_eq!(sandbox.counters().access_tokens, 1);
//!
//! sandbox.advance(Duration::from_secs(60 * 60)); // the token has expired
//! sandbox.fault(Operation::Login, Fault::CloseAfter, 1); // the next login gets no response
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

mod account;
mod builder;
mod call;
mod clock;
mod control;
#[cfg(feature = "docs")]
pub mod docs;
mod error_response;
mod fault_json;
mod faults;
mod gateway;
pub mod history;
mod oauth;
mod platform;
mod record;
mod server;
mod sessions;
mod simulator;
mod traffic;

pub use account::Account;
pub use builder::SandboxBuilder;
pub use faults::{Fault, Operation};
pub use record::{Counters, Recorded};

use faults::Planned;
use platform::{Platform, User};
use server::Server;

/// A running sandbox. Dropping it closes its port and aborts its connections.
///
/// It runs on the tokio runtime that started it, of either flavor, and any thread may use it. Its clock is tokio's plus
/// the time that [`advance`](Sandbox::advance) has added, so a test may pause tokio's time.
#[derive(Debug)]
pub struct Sandbox {
    platform: Arc<Platform>,
    server: Server,
    base_url: String,
}

impl Sandbox {
    /// Starts a sandbox with the built-in account on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// If the operating system does not let it listen.
    pub async fn start() -> io::Result<Sandbox> {
        Sandbox::builder().start().await
    }

    /// Configures a sandbox before it starts.
    #[must_use]
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::new()
    }

    /// The base URL that replaces `https://thingspace.verizon.com/api`: `http://127.0.0.1:PORT/api`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The address that the sandbox listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Moves the sandbox's clock forward. Access tokens and sessions expire accordingly.
    pub fn advance(&self, by: Duration) {
        self.platform.lock().clock.advance(by);
    }

    /// The counters since the start or the last [`reset`](Sandbox::reset).
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.platform.lock().counters.clone()
    }

    /// The latest 10,000 requests to the platform as they arrived, oldest first. They include requests with a fault.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.platform.lock().log.to_vec()
    }

    /// Injects a fault into the next `times` requests of an operation. Several faults for the same operation apply in
    /// order, one for each request.
    ///
    /// # Panics
    ///
    /// If the fault is invalid: its status is outside of 200 to 599, or it has an invalid header.
    #[track_caller]
    pub fn fault(&self, operation: Operation, fault: Fault, times: u32) {
        let checked = fault.check();
        assert!(checked.is_ok(), "{}", checked.err().unwrap_or_default());
        self.platform.lock().faults.plan(Planned { operation, fault, times });
    }

    /// Removes the faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.platform.lock().faults.clear();
    }

    /// The current password, or `None` if the user does not exist.
    #[must_use]
    pub fn password(&self, username: &str) -> Option<String> {
        self.platform.lock().user(username).map(|user| user.password.clone())
    }

    /// Changes a user's password, as an administrator would. Sessions and the count of failed logins stay. This and the
    /// other changes to a user have no effect if the user does not exist.
    pub fn set_password(&self, username: &str, password: impl Into<String>) {
        let password = password.into();
        self.change(username, |user| user.password = password);
    }

    /// How many logins of this user have failed in a row.
    #[must_use]
    pub fn strikes(&self, username: &str) -> u32 {
        self.platform.lock().user(username).map_or(0, |user| user.strikes)
    }

    /// Whether five failed logins in a row have locked this user out.
    #[must_use]
    pub fn is_locked(&self, username: &str) -> bool {
        self.platform.lock().user(username).is_some_and(|user| user.locked)
    }

    /// Unlocks a user and clears the count of failed logins.
    pub fn unlock(&self, username: &str) {
        self.change(username, User::unlock);
    }

    /// Makes the user's session expire, as if it had not been used for twenty minutes.
    pub fn expire_session(&self, username: &str) {
        self.change(username, User::expire_session);
    }

    /// Revokes every access token. The next token request gets a new one.
    pub fn revoke_access_tokens(&self) {
        self.platform.lock().revoke_access_tokens();
    }

    /// Restores the initial state of accounts, tokens, sessions, clock, faults, counters and recorded requests.
    /// Connections stay open.
    pub fn reset(&self) {
        self.platform.reset();
    }

    fn running(platform: Arc<Platform>, server: Server) -> Sandbox {
        let base_url = format!("http://{}/api", server.address());
        Sandbox { platform, server, base_url }
    }

    fn change(&self, username: &str, change: impl FnOnce(&mut User)) {
        if let Some(user) = self.platform.lock().user_mut(username) {
            change(user);
        }
    }
}
