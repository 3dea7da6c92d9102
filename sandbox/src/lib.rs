//! A stateful stand-in for the session management of Verizon's `ThingSpace`, for tests and for trying things out.
//!
//! It issues access tokens that live one hour from their first issue, keeps sessions alive as long as they are used
//! and for twenty minutes after, locks an account at the fifth failed login in a row, and replaces passwords. What
//! the real platform cannot be made to do, it does on order: refuse, stall, close the connection before or after it
//! has processed a request, and move its clock.
//!
//! It knows nothing of the client crate. It is a second reading of the platform's documentation by way of
//! `openapi.yaml`, so that a client that passes against it agrees with more than itself.
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
//! sandbox.advance(Duration::from_secs(60 * 60)); // and now that token is dead
//! sandbox.fault(Operation::Login, Fault::CloseAfter, 1); // and the next login will get no answer
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

/// A running sandbox. Dropped, it stops: its port is closed and its connections are aborted.
///
/// It runs on the tokio runtime that it was started on, of either flavor, and may be used from any thread. Its
/// clock is tokio's plus whatever [`advance`](Sandbox::advance) has added, so that pausing tokio's time works too.
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
    /// Whatever the operating system has against listening.
    pub async fn start() -> io::Result<Sandbox> {
        Sandbox::builder().start().await
    }

    /// Starts a sandbox that is not quite like that.
    #[must_use]
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::new()
    }

    /// What takes the place of `https://thingspace.verizon.com/api`: `http://127.0.0.1:PORT/api`.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Where the sandbox listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Moves the sandbox's clock forward, and with it the end of every access token and session.
    pub fn advance(&self, by: Duration) {
        self.platform.lock().clock.advance(by);
    }

    /// How often what has happened so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.platform.lock().counters.clone()
    }

    /// The requests of the platform's side as they arrived, oldest first, the latest 10,000 of them. Those that
    /// suffered a fault are among them.
    #[must_use]
    pub fn requests(&self) -> Vec<Recorded> {
        self.platform.lock().log.to_vec()
    }

    /// Lets the next `times` requests of an operation suffer a fault. Faults that are meant for the same request
    /// happen in the order in which they were ordered, one to a request.
    ///
    /// # Panics
    ///
    /// If the fault cannot be carried out: an answer whose status is not from 200 to 599, or a header that is none.
    /// The mistake is the test's, and best seen where it was made.
    #[track_caller]
    pub fn fault(&self, operation: Operation, fault: Fault, times: u32) {
        let checked = fault.check();
        assert!(checked.is_ok(), "{}", checked.err().unwrap_or_default());
        self.platform.lock().faults.plan(Planned { operation, fault, times });
    }

    /// Forgets the faults that have not happened yet.
    pub fn clear_faults(&self) {
        self.platform.lock().faults.clear();
    }

    /// The password that holds now, or nothing if there is no such user.
    #[must_use]
    pub fn password(&self, username: &str) -> Option<String> {
        self.platform.lock().user(username).map(|user| user.password.clone())
    }

    /// Gives a user another password, as an administrator would: sessions go on, failed logins stay counted.
    /// Without effect if there is no such user, as are the other changes to one.
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

    /// Lets a locked user in again, with no failed logins on record.
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

    /// Puts everything back to how it was at the start: accounts, tokens, sessions, clock, faults, counters and
    /// recorded requests. Connections stay open.
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
