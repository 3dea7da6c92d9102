//! The controls over HTTP.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use thingspace_sandbox::Sandbox;

use crate::support::{Answer, Caller, EXPIRED, PASSWORD, USERNAME};

/// A caller of the controls, as with `curl` in a shell.
struct Operator {
    caller: Caller,
    url: String,
}

impl Operator {
    async fn of(sandbox: &Sandbox) -> Operator {
        let url = sandbox.base_url().replace("/api", "/_sandbox");
        Operator { caller: Caller::in_session(sandbox).await, url }
    }

    async fn send(&self, method: Method, path: &str, body: &str) -> Answer {
        // No content type, because `curl -d` sends the wrong one and the controls must accept that.
        Answer::to(self.caller.http.request(method, format!("{}{path}", self.url)).body(body.to_owned())).await
    }

    async fn get(&self, path: &str) -> Value {
        self.send(Method::GET, path, "").await.body
    }

    async fn post(&self, path: &str, body: &str) {
        let answer = self.send(Method::POST, path, body).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &json!({ "ok": true })));
    }
}

#[tokio::test]
async fn counters_and_requests_can_be_read_and_reading_does_not_count() {
    let sandbox = Sandbox::start().await.unwrap();
    let operator = Operator::of(&sandbox).await;
    let counters = operator.get("/counters").await;
    assert_eq!(counters, serde_json::to_value(sandbox.counters()).unwrap());
    assert_eq!(counters["requests"], 2);
    let requests = operator.get("/requests").await;
    let login = &requests[1];
    assert_eq!((&login["method"], &login["path"]), (&json!("POST"), &json!("/api/m2m/v1/session/login")));
    let body: Value = serde_json::from_str(login["body"].as_str().unwrap()).unwrap();
    assert_eq!(body, json!({ "username": USERNAME, "password": PASSWORD }));
    let authorization = json!(["authorization", format!("Bearer {}", operator.caller.access_token)]);
    assert!(login["headers"].as_array().unwrap().contains(&authorization));
}

#[tokio::test]
async fn the_clock_can_be_moved() {
    let sandbox = Sandbox::start().await.unwrap();
    let operator = Operator::of(&sandbox).await;
    operator.post("/clock", r#"{"advance_seconds": 1200}"#).await;
    assert_eq!(operator.caller.echo().await.error_code(), EXPIRED);
    operator.post("/clock", &json!({ "advance_seconds": u64::MAX }).to_string()).await;
    operator.post("/clock", &json!({ "advance_seconds": u64::MAX }).to_string()).await;
    assert_eq!(operator.caller.echo().await.fault_code(), "900901");
}

#[tokio::test]
async fn faults_can_be_added_read_and_cleared() {
    let sandbox = Sandbox::start().await.unwrap();
    let operator = Operator::of(&sandbox).await;
    let order = r#"{"operation": "other", "times": 2,
        "fault": {"kind": "answer", "status": 429, "headers": [["retry-after", "1"]], "body": {"slow": "down"}}}"#;
    operator.post("/faults", order).await;
    operator.post("/faults", r#"{"operation": "any", "fault": {"kind": "close-after"}}"#).await;

    let answer = operator.caller.echo().await;

    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.body, json!({ "slow": "down" }));
    let planned = operator.get("/faults").await;
    assert_eq!((&planned[0]["times"], &planned[0]["fault"]["status"]), (&json!(1), &json!(429)));
    let close = json!({ "operation": "any", "fault": { "kind": "close-after" }, "times": 1 });
    assert_eq!(planned[1], close);
    assert_eq!(operator.send(Method::DELETE, "/faults", "").await.status, StatusCode::OK);
    assert_eq!(operator.get("/faults").await, json!([]));
    assert_eq!(operator.caller.echo().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_control_reads_and_unlocks_an_account_sets_its_password_and_expires_its_session() {
    let sandbox = Sandbox::start().await.unwrap();
    let operator = Operator::of(&sandbox).await;
    for _ in 0..5 {
        operator.caller.log_in(USERNAME, "wrong").await;
    }
    let account = operator.get("/accounts/zbeeblebrox").await;
    assert_eq!(account, json!({ "username": USERNAME, "password": PASSWORD, "strikes": 5, "locked": true }));
    operator.post("/accounts/zbeeblebrox/unlock", "").await;
    assert!(!sandbox.is_locked(USERNAME));
    operator.post("/accounts/zbeeblebrox/expire-session", "").await;
    assert_eq!(operator.caller.echo().await.error_code(), EXPIRED);
    operator.send(Method::PUT, "/accounts/zbeeblebrox/password", r#"{"password": "grflbk"}"#).await;
    assert_eq!(sandbox.password(USERNAME).as_deref(), Some("grflbk"));
}

#[tokio::test]
async fn a_control_revokes_access_tokens_and_another_restores_the_initial_state() {
    let sandbox = Sandbox::start().await.unwrap();
    let operator = Operator::of(&sandbox).await;
    operator.post("/revoke-access-tokens", "").await;
    assert_eq!(operator.caller.echo().await.fault_code(), "900901");
    sandbox.set_password(USERNAME, "changed");
    operator.post("/reset", "").await;
    assert_eq!(sandbox.password(USERNAME).as_deref(), Some(PASSWORD));
    assert_eq!(sandbox.requests().len(), 0);
}

#[tokio::test]
async fn the_error_for_an_invalid_control_states_the_next_step() {
    let sandbox = Sandbox::start().await.unwrap();
    let operator = Operator::of(&sandbox).await;
    let bad = |status: u16| format!(r#"{{"operation": "any", "fault": {{"kind": "answer", "status": {status}}}}}"#);
    let cases = [
        ("POST", "/clock", "", 400, "advance_seconds"),
        ("POST", "/clock", r#"{"advance_seconds": -1}"#, 400, "advance_seconds"),
        ("POST", "/clock", r#"{"seconds": 1}"#, 400, "advance_seconds"),
        ("POST", "/faults", r#"{"operation": "login", "fault": {"kind": "explode"}}"#, 400, "close-before"),
        ("POST", "/faults", r#"{"operation": "start", "fault": {"kind": "truncate"}}"#, 400, "login"),
        ("POST", "/faults", &bad(700), 400, "from 200 to 599"),
        ("POST", "/faults", &bad(100), 400, "from 200 to 599"),
        ("POST", "/faults", r#"{"operation": "any", "fault": {"kind": "truncate", "at": 5}}"#, 400, "at"),
        ("PUT", "/accounts/zbeeblebrox/password", "{}", 400, "password"),
        ("POST", "/accounts/nobody/unlock", "", 404, "zbeeblebrox"),
        ("POST", "/accounts/%ff/unlock", "", 400, "UTF-8"),
        ("POST", "/nothing", "", 404, "GET /_sandbox/counters"),
        ("GET", "/clock", "", 405, "POST /_sandbox/clock"),
    ];
    for (method, path, body, status, hint) in cases {
        let answer = operator.send(method.parse().unwrap(), path, body).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path} {body}");
        assert!(answer.text("error").contains(hint), "{method} {path} {body}: {answer:?}");
    }
    let length =
        r#"{"operation": "any", "fault": {"kind": "answer", "status": 200, "headers": [["Content-Length", "1"]]}}"#;
    assert_eq!(operator.send(Method::POST, "/faults", length).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(operator.get("/faults").await, json!([]));
}

#[tokio::test]
async fn the_controls_are_listed_and_every_listed_control_exists() {
    let sandbox = Sandbox::start().await.unwrap();
    let operator = Operator::of(&sandbox).await;
    let listed = operator.get("").await;
    assert_eq!(operator.get("/").await, listed);
    for endpoint in listed["endpoints"].as_array().unwrap() {
        let (method, path) = endpoint.as_str().unwrap().split_once(' ').unwrap();
        let path = path.trim_start_matches("/_sandbox").replace("{username}", USERNAME);
        let answer = operator.send(method.parse().unwrap(), &path, "").await;
        assert!([200, 400].contains(&answer.status.as_u16()), "{endpoint}: {answer:?}");
    }
}
