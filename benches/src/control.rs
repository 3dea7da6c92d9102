//! The account and the controls of the sandbox at `THINGSPACE_BASE_URL`.

use std::{env, time::Duration};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::Result;

/// The key of the only application of a fresh sandbox.
pub const KEY: &str = "sandbox-key";
/// The secret of the application.
pub const SECRET: &str = "sandbox-secret";
/// The name of the only user.
pub const USERNAME: &str = "zbeeblebrox";
/// The password of the user.
pub const PASSWORD: &str = "IMgr8";

/// The base URL of the sandbox.
///
/// # Errors
///
/// If `THINGSPACE_BASE_URL` is not set.
pub fn base_url() -> Result<String> {
    Ok(env::var("THINGSPACE_BASE_URL").map_err(|_| "THINGSPACE_BASE_URL is not set: give the sandbox's URL")?)
}

/// The sandbox's own controls.
#[derive(Debug)]
pub struct Control {
    http: reqwest::Client,
    url: String,
}

/// Counters of the sandbox.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Counters {
    /// Requests of any kind.
    pub requests: u64,
    /// Logins that started a session.
    pub logins_succeeded: u64,
    /// Lists of devices, and requests to other paths.
    pub other_requests: u64,
}

impl Control {
    /// The controls of the sandbox at `THINGSPACE_BASE_URL`.
    ///
    /// # Errors
    ///
    /// If `THINGSPACE_BASE_URL` is not set.
    pub fn new() -> Result<Self> {
        let url = base_url()?.trim_end_matches("/api").to_owned() + "/_sandbox";
        Ok(Self { http: reqwest::Client::builder().no_proxy().build()?, url })
    }

    /// The counters since the sandbox started.
    ///
    /// # Errors
    ///
    /// If the request to the sandbox fails.
    pub async fn counters(&self) -> Result<Counters> {
        let answer = self.http.get(format!("{}/counters", self.url)).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// Expires the session of the user.
    ///
    /// # Errors
    ///
    /// If the request to the sandbox fails.
    pub async fn expire_session(&self) -> Result {
        self.post(&format!("/accounts/{USERNAME}/expire-session"), &json!({})).await
    }

    /// Delays the response to the next login by this time.
    ///
    /// # Errors
    ///
    /// If the request to the sandbox fails.
    pub async fn hold_next_login(&self, time: Duration) -> Result {
        let fault = json!({ "kind": "delay", "milliseconds": u64::try_from(time.as_millis())? });
        self.post("/faults", &json!({ "operation": "login", "fault": fault, "times": 1 })).await
    }

    async fn post(&self, path: &str, body: &Value) -> Result {
        self.http.post(format!("{}{path}", self.url)).json(body).send().await?.error_for_status()?;
        Ok(())
    }
}
