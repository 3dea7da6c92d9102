//! The configuration of a sandbox.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::Sandbox;
use crate::account::Account;
use crate::history::History;
use crate::platform::Platform;
use crate::server::Server;

/// Configures a sandbox. [`Sandbox::builder`] creates it.
#[derive(Clone, Debug)]
pub struct SandboxBuilder {
    address: SocketAddr,
    accounts: Vec<Account>,
    numeric_fault_codes: bool,
    requests_per_session: Option<u64>,
    simulator: Option<String>,
    is_exposed: bool,
    history: Option<History>,
}

impl SandboxBuilder {
    pub(crate) fn new() -> SandboxBuilder {
        SandboxBuilder {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            accounts: vec![Account::built_in()],
            numeric_fault_codes: false,
            requests_per_session: None,
            simulator: None,
            is_exposed: false,
            history: None,
        }
    }

    /// Sets the loopback address to listen on. Port 0 selects a free port. The default is `127.0.0.1:0`.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> SandboxBuilder {
        self.address = address;
        self
    }

    /// Adds an account to the built-in one.
    ///
    /// ```
    /// use thingspace_sandbox::{Account, Sandbox};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let trillian = Account::new("other-key", "other-secret", "trillian", "h2g2");
    /// let sandbox = Sandbox::builder().account(trillian).start().await?;
    /// assert_eq!(sandbox.password("trillian").as_deref(), Some("h2g2"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn account(mut self, account: Account) -> SandboxBuilder {
        self.accounts.push(account);
        self
    }

    /// Sets whether the gateway sends fault codes as numbers. The default is strings; the platform has sent both.
    #[must_use]
    pub fn numeric_fault_codes(mut self, numeric: bool) -> SandboxBuilder {
        self.numeric_fault_codes = numeric;
        self
    }

    /// Sets after how many requests a session expires. By default only time and controls end a session.
    ///
    /// ```
    /// use thingspace_sandbox::Sandbox;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// let sandbox = Sandbox::builder().requests_per_session(97).start().await?;
    /// # drop(sandbox);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn requests_per_session(mut self, requests: u64) -> SandboxBuilder {
        self.requests_per_session = Some(requests);
        self
    }

    /// Adds Verizon's simulator: requests with this access token, which does not expire, succeed with any session token,
    /// username and password. They change nothing.
    ///
    /// ```
    /// use thingspace_sandbox::Sandbox;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let sandbox = Sandbox::builder().simulator("test-token").start().await?;
    /// let url = format!("{}/m2m/v1/callbacks/TestAccount-1", sandbox.base_url());
    /// let request = reqwest::Client::new().get(url).bearer_auth("test-token").header("VZ-M2M-Token", "any");
    /// assert_eq!(request.send().await?.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn simulator(mut self, access_token: impl Into<String>) -> SandboxBuilder {
        self.simulator = Some(access_token.into());
        self
    }

    /// Allows an address that other hosts can reach. Isolate the network, because those hosts can use the controls.
    #[must_use]
    pub fn exposed(mut self) -> SandboxBuilder {
        self.is_exposed = true;
        self
    }

    /// Records every login, reset and request in a history, which replaces each secret by a hash.
    #[must_use]
    pub fn history(mut self, history: History) -> SandboxBuilder {
        self.history = Some(history);
        self
    }

    /// Starts the sandbox on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if the address is not a loopback address and the sandbox is not [`exposed`](Self::exposed), or if
    /// two accounts conflict. Any error of listening is returned as well.
    pub async fn start(self) -> io::Result<Sandbox> {
        if !(self.is_exposed || self.address.ip().is_loopback()) {
            return Err(invalid(format!(
                "{} is not a loopback address, and the sandbox has controls that need no credentials; \
                 listen on 127.0.0.1 or [::1]",
                self.address
            )));
        }
        check_accounts(&self.accounts)?;
        let Self { accounts, numeric_fault_codes, requests_per_session, simulator, history, .. } = self;
        let mut platform = Platform::new(accounts, numeric_fault_codes, requests_per_session, simulator);
        platform.history = history;
        let platform = Arc::new(platform);
        let server = Server::start(self.address, Arc::clone(&platform)).await?;
        Ok(Sandbox::running(platform, server))
    }
}

/// Rejects conflicting accounts. If one silently replaced another, a test could pass for the wrong reason.
fn check_accounts(accounts: &[Account]) -> io::Result<()> {
    let mut usernames = BTreeSet::new();
    for account in accounts {
        if !usernames.insert(&account.username) {
            return Err(invalid(format!("two accounts have the username {}", account.username)));
        }
        if accounts.iter().any(|other| other.key == account.key && other.secret != account.secret) {
            return Err(invalid(format!("the API key {} has two different secrets", account.key)));
        }
    }
    Ok(())
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, problem)
}
