//! The two measured requests: a login, and a list of devices.

use serde::{Deserialize, Serialize};

/// The path of the login, below the base URL.
pub const LOGIN: &str = "/m2m/v1/session/login";
/// The path of the logout.
pub const LOGOUT: &str = "/m2m/v1/session/logout";
/// The path of the list of devices. The sandbox returns the request.
pub const LIST: &str = "/m2m/v1/devices/actions/list";

/// The body of a login.
#[derive(Serialize)]
#[allow(missing_debug_implementations, reason = "it holds a password")]
pub struct LogIn<'a> {
    /// The user.
    pub username: &'a str,
    /// The password of the user.
    pub password: &'a str,
}

/// The response to a login.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_debug_implementations, reason = "it holds a token")]
pub struct LoggedIn {
    /// The token of the new session.
    pub session_token: String,
}

/// The body of a list of devices.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    /// The account of the devices.
    pub account_name: String,
}

impl Query {
    /// The body that every benchmark sends.
    #[must_use]
    pub fn of_all() -> Self {
        Self { account_name: "0000123456-00001".to_owned() }
    }
}

/// The response to a list of devices.
#[derive(Debug, Deserialize)]
pub struct Echo {
    /// The method that arrived.
    pub method: String,
    /// The path that arrived.
    pub path: String,
    /// The body that arrived.
    pub body: Query,
}
