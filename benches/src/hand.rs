//! The same requests, written by hand on reqwest with the settings of the crate: HTTP/1.1, persistent connections, ten
//! seconds to connect, a minute for a call, no redirects.

use std::{fmt, time::Duration};

use reqwest::{Client, ClientBuilder, header::ACCEPT, redirect::Policy};
use serde_json::Value;

use crate::{
    Result, control,
    requests::{Echo, LIST, LOGIN, LOGOUT, LogIn, LoggedIn, Query},
};

const SESSION_TOKEN: &str = "VZ-M2M-Token";
const JSON: &str = "application/json";

/// A program without this crate.
pub struct Hand {
    http: Client,
    base_url: String,
    access_token: String,
    session_token: String,
}

impl Hand {
    /// Opens a connection, gets an access token and starts a session.
    ///
    /// # Errors
    ///
    /// If one of these steps fails.
    pub async fn ready() -> Result<Self> {
        let http = client().build()?;
        let base_url = control::base_url()?;
        let request = http.post(format!("{base_url}/ts/v1/oauth2/token"));
        let request = request.basic_auth(control::KEY, Some(control::SECRET));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded");
        let answer = request.body("grant_type=client_credentials").send().await?.error_for_status()?;
        let granted: Value = answer.json().await?;
        let access_token = granted.get("access_token").and_then(Value::as_str).ok_or("no access token")?.to_owned();
        let mut hand = Self { http, base_url, access_token, session_token: String::new() };
        hand.log_in().await?;
        hand.send().await?;
        Ok(hand)
    }

    /// Starts a session for the following requests.
    ///
    /// # Errors
    ///
    /// If the request fails.
    pub async fn log_in(&mut self) -> Result {
        self.session_token = self.start().await?;
        Ok(())
    }

    /// Starts a session.
    ///
    /// # Errors
    ///
    /// If the request fails.
    pub async fn start(&self) -> Result<String> {
        let request = self.http.post(format!("{}{LOGIN}", self.base_url)).bearer_auth(&self.access_token);
        let body = LogIn { username: control::USERNAME, password: control::PASSWORD };
        let answer = request.header(ACCEPT, JSON).json(&body).send().await?.error_for_status()?;
        Ok(answer.json::<LoggedIn>().await?.session_token)
    }

    /// Ends a session.
    ///
    /// # Errors
    ///
    /// If the request fails.
    pub async fn end(&self, session_token: &str) -> Result {
        let request = self.http.post(format!("{}{LOGOUT}", self.base_url)).bearer_auth(&self.access_token);
        let request = request.header(ACCEPT, JSON).header(SESSION_TOKEN, session_token);
        request.send().await?.error_for_status()?.json::<LoggedIn>().await?;
        Ok(())
    }

    /// Asks for the list of devices.
    ///
    /// # Errors
    ///
    /// If the request fails.
    pub async fn send(&self) -> Result<Echo> {
        let request = self.http.post(format!("{}{LIST}", self.base_url)).bearer_auth(&self.access_token);
        let request = request.header(SESSION_TOKEN, &self.session_token).json(&Query::of_all());
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// The access token.
    #[must_use]
    pub fn access_token(&self) -> &str {
        &self.access_token
    }
}

/// The settings of an HTTP client.
pub(crate) fn client() -> ClientBuilder {
    Client::builder()
        .http1_only()
        .connect_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(60))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent("by-hand/1")
        .no_proxy()
}

impl fmt::Debug for Hand {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Hand").finish_non_exhaustive()
    }
}

/// A program on `reqwest::blocking`. It takes its tokens from a [`Hand`].
pub struct Blocking {
    http: reqwest::blocking::Client,
    hand: Hand,
}

impl Blocking {
    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// If the request fails.
    pub fn ready(hand: Hand) -> Result<Self> {
        let http = reqwest::blocking::Client::builder()
            .http1_only()
            .connect_timeout(Duration::from_secs(10))
            .timeout(Duration::from_secs(60))
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .user_agent("by-hand/1")
            .no_proxy()
            .build()?;
        let blocking = Self { http, hand };
        blocking.send()?;
        Ok(blocking)
    }

    /// Starts a session for the following requests.
    ///
    /// # Errors
    ///
    /// If the request fails.
    pub async fn log_in(&mut self) -> Result {
        self.hand.log_in().await
    }

    /// Asks for the list of devices.
    ///
    /// # Errors
    ///
    /// If the request fails.
    pub fn send(&self) -> Result<Echo> {
        let Hand { base_url, access_token, session_token, .. } = &self.hand;
        let request = self.http.post(format!("{base_url}{LIST}")).bearer_auth(access_token);
        let request = request.header(SESSION_TOKEN, session_token).json(&Query::of_all());
        Ok(request.send()?.error_for_status()?.json()?)
    }
}

impl fmt::Debug for Blocking {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Blocking").finish_non_exhaustive()
    }
}
