//! A caller of the platform that uses no client library.

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use thingspace_sandbox::{Account, Sandbox};

use crate::contract;

pub(crate) const USERNAME: &str = "zbeeblebrox";
pub(crate) const PASSWORD: &str = "IMgr8";
pub(crate) const LOGIN: &str = "/m2m/v1/session/login";
pub(crate) const LOGOUT: &str = "/m2m/v1/session/logout";
pub(crate) const RESET: &str = "/m2m/v1/session/password/actions/reset";
pub(crate) const TOKEN: &str = "/ts/v1/oauth2/token";
pub(crate) const REVOKE: &str = "/ts/v1/oauth2/revoke";
/// A path that no operation of the platform has, so that `openapi.yaml` will not describe it. The sandbox echoes it.
pub(crate) const ECHO: &str = "/m2m/v1/no-operation";

pub(crate) const EXPIRED: &str = "UnifiedWebService.REQUEST_FAILED.SessionToken.Expired";
pub(crate) const INVALID: &str = "UnifiedWebService.INPUT_INVALID.SessionToken.Invalid";
pub(crate) const FORMAT: &str = "UnifiedWebService.REQUEST_FAILED.SessionToken.Format";
pub(crate) const LOGIN_FAILED: &str = "UnifiedWebService.REQUEST_FAILED.LoginFailed";
pub(crate) const LOCKED: &str = "UnifiedWebService.REQUEST_FAILED.AccountLocked";

/// A response, read completely.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body as JSON, or null if it is not JSON.
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn to(request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("the sandbox responds");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("the response is complete");
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or_default() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn text(&self, field: &str) -> String {
        self.body[field].as_str().unwrap_or_else(|| panic!("no {field} in {self:?}")).to_owned()
    }

    pub(crate) fn error_code(&self) -> String {
        assert_eq!(self.status, StatusCode::BAD_REQUEST, "{self:?}");
        self.text("errorCode")
    }

    pub(crate) fn fault_code(&self) -> &str {
        self.body["fault"]["code"].as_str().unwrap_or_else(|| panic!("no fault in {self:?}"))
    }
}

/// Both credentials, and both tokens as soon as they are issued.
pub(crate) struct Caller {
    pub(crate) http: Client,
    pub(crate) base_url: String,
    pub(crate) access_token: String,
    pub(crate) session_token: String,
}

impl Caller {
    /// A caller with an access token.
    pub(crate) async fn of(sandbox: &Sandbox) -> Caller {
        let mut caller = Caller {
            // A configured proxy would receive the requests to this address.
            http: Client::builder().no_proxy().build().unwrap(),
            base_url: sandbox.base_url().to_owned(),
            access_token: String::new(),
            session_token: String::new(),
        };
        caller.renew_access_token().await;
        caller
    }

    /// A caller that has logged in.
    pub(crate) async fn in_session(sandbox: &Sandbox) -> Caller {
        let mut caller = Caller::of(sandbox).await;
        caller.start_session().await;
        caller
    }

    pub(crate) async fn renew_access_token(&mut self) {
        self.access_token = self.token().await.text("access_token");
    }

    pub(crate) async fn start_session(&mut self) {
        self.session_token = self.log_in(USERNAME, PASSWORD).await.text("sessionToken");
    }

    pub(crate) async fn token(&self) -> Answer {
        self.oauth(TOKEN, &[("grant_type", "client_credentials")]).await
    }

    pub(crate) async fn oauth(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let Account { key, secret, .. } = Account::built_in();
        Answer::to(self.http.post(self.url(path)).basic_auth(key, Some(secret)).form(form)).await
    }

    pub(crate) async fn log_in(&self, username: &str, password: &str) -> Answer {
        self.post(LOGIN, &json!({ "username": username, "password": password })).await
    }

    pub(crate) async fn log_out(&self) -> Answer {
        self.send(Method::POST, LOGOUT, |request| request).await
    }

    pub(crate) async fn reset(&self, old: &str) -> Answer {
        self.send(Method::PUT, RESET, |request| request.json(&json!({ "oldPassword": old }))).await
    }

    pub(crate) async fn echo(&self) -> Answer {
        self.post(ECHO, &json!({ "accountName": "a" })).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, |request| request.json(body)).await
    }

    /// Sends a request with the issued tokens, and checks the response against the contract.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        finish: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        let answer = Answer::to(finish(self.request(method.clone(), path))).await;
        if contract::describes(path) {
            contract::check(&method, path, &answer);
        }
        answer
    }

    /// A request with the issued tokens.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut request = self.http.request(method, self.url(path));
        if !self.access_token.is_empty() {
            request = request.bearer_auth(&self.access_token);
        }
        if !self.session_token.is_empty() {
            request = request.header("VZ-M2M-Token", &self.session_token);
        }
        request
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }
}

/// Lets the other tasks run until the condition holds, without real time.
pub(crate) async fn until(happened: impl Fn() -> bool) {
    for _ in 0..100_000 {
        if happened() {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("the condition never held");
}
