//! The sandbox that the programs find at `THINGSPACE_BASE_URL`: its account and its controls.

use std::{env, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Result;

/// The key of the one application that a fresh sandbox knows.
pub const KEY: &str = "sandbox-key";
/// Its secret.
pub const SECRET: &str = "sandbox-secret";
/// The one user.
pub const USERNAME: &str = "zbeeblebrox";
/// That user's password.
pub const PASSWORD: &str = "IMgr8";

/// Where the sandbox is.
///
/// # Errors
///
/// If `THINGSPACE_BASE_URL` is not set.
pub fn base_url() -> Result<String> {
    Ok(env::var("THINGSPACE_BASE_URL").map_err(|_| "THINGSPACE_BASE_URL says where the sandbox is: not set")?)
}

/// The sandbox's own controls.
#[derive(Debug)]
pub struct Control {
    http: reqwest::Client,
    url: String,
}

/// How often what has happened.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Counters {
    /// Requests of any kind.
    pub requests: u64,
    /// Logins that came to a session.
    pub logins_succeeded: u64,
    /// Lists of devices, and the like.
    pub other_requests: u64,
}

impl Control {
    /// The controls of the sandbox that is there.
    ///
    /// # Errors
    ///
    /// If it is not said where that is.
    pub fn new() -> Result<Self> {
        let url = base_url()?.trim_end_matches("/api").to_owned() + "/_sandbox";
        Ok(Self { http: reqwest::Client::builder().no_proxy().build()?, url })
    }

    /// What has been counted since the sandbox started.
    ///
    /// # Errors
    ///
    /// If the sandbox does not say it.
    pub async fn counters(&self) -> Result<Counters> {
        let answer = self.http.get(format!("{}/counters", self.url)).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Kills the session of the user.
    ///
    /// # Errors
    ///
    /// If the sandbox does not.
    pub async fn expire_session(&self) -> Result {
        self.post(&format!("/accounts/{USERNAME}/expire-session"), &json!({})).await
    }

    /// Has the next login answered only after so long.
    ///
    /// # Errors
    ///
    /// If the sandbox does not take it.
    pub async fn hold_next_login(&self, time: Duration) -> Result {
        let fault = json!({ "kind": "delay", "milliseconds": u64::try_from(time.as_millis())? });
        self.post("/faults", &json!({ "operation": "login", "fault": fault, "times": 1 })).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result {
        self.http.post(format!("{}{path}", self.url)).json(body).send().await?.error_for_status()?;
        Ok(())
    }
}
