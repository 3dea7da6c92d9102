//! The calls of the caller: the expected request, and the response of the sandbox.

use serde_json::{Value, json};
use thingspace_sandbox::Fault;

/// The encoded `{account}`.
pub(super) const ACCOUNT: &str = "0742%2F64%20490%3F5%23%C3%BC%252F+&=;";
/// Error types of most operations, and of those that the platform may throttle.
const USUAL: &str = "GatewayFaultOrConnectivityManagementResult";
const THROTTLED: &str = "GatewayFaultOrThrottledOrConnectivityManagementResult";

/// One call: the request (if any), the response, and the line that the caller prints.
pub(super) struct Call {
    pub(super) arrives: &'static str,
    pub(super) body: Value,
    pub(super) answer: Fault,
    pub(super) said: String,
}

/// A call that succeeds: the caller prints the response.
fn answered(arrives: &'static str, body: Value, id: &str, status: u16, answer: &Value) -> Call {
    let fault = if status == 204 { Fault::answer(204, "") } else { Fault::json(status, answer) };
    Call { arrives, body, answer: fault, said: format!("{id} {status} {answer}") }
}

/// A call with an error response: the caller prints kind, code, message and type of the error.
fn refused(arrives: &'static str, body: Value, id: &str, (status, answer): (u16, Value), said: &str) -> Call {
    Call { arrives, body, answer: Fault::json(status, &answer), said: format!("{id} {said}") }
}

/// A call that fails before a request is sent.
fn unsent(id: &str) -> Call {
    let said = format!("{id} InvalidRequest  \"\" {USUAL}");
    Call { arrives: "", body: Value::Null, answer: Fault::CloseBefore, said }
}

fn devices() -> Value {
    json!([{ "deviceIds": [{ "id": "990013907835573", "kind": "imei" }, { "id": "8914 \"8000\"", "kind": "iccId" }] }])
}

fn device() -> Value {
    json!({
        "accountName": "a", "groupName": null, "billingCycleEndDate": "2026-02-28", "connected": true,
        "carrierInformations": [{ "carrierName": "v", "state": "pre-active" }], "createdAt": "2026-01-02T03:04:05Z",
        "deviceIds": [{ "id": "5", "kind": "mdn" }], "extendedAttributes": { "é": "&" }, "signal": -71.5,
        "generation": 5
    })
}

/// The calls, in the order in which the caller makes them.
pub(super) fn all() -> Vec<Call> {
    [calls_about_devices(), calls_with_parameters(), other_calls()].into_iter().flatten().collect()
}

/// Calls about devices, and the error types with their three forms.
fn calls_about_devices() -> Vec<Call> {
    let id = json!({ "requestId": "7" });
    let activation = json!({
        "accountName": "a", "devices": devices(), "servicePlan": "p",
        "primaryPlaceOfUse": {
            "customerName": { "firstName": "Zaphod" }, "address": { "addressLine1": "1 \"Main\" \\ St", "city": "X" }
        }
    });
    let deactivation =
        json!({ "accountName": "a", "devices": devices(), "reasonCode": "Not wanted", "etfWaiver": true });
    vec![
        answered(
            "POST /m2m/v1/devices/actions/list",
            json!({
                "accountName": "a", "currentState": "pre-active", "deviceId": { "id": "5", "kind": "mdn" },
                "customFields": [{ "key": "k", "value": "ü\n" }], "earliest": "2025-12-31T23:59:59.500Z",
                "maxNumberOfDevices": 500, "largestDeviceIdSeen": 9_007_199_254_740_993_i64
            }),
            "list",
            200,
            &json!({ "hasMoreData": false, "devices": [device()] }),
        ),
        refused(
            "POST /m2m/v1/devices/actions/list",
            json!({ "accountName": "a" }),
            "list",
            (400, json!({ "code": "Too.Many", "message": "Slower.", "cause": null })),
            &format!("Platform Too.Many \"Slower.\" {THROTTLED}"),
        ),
        answered("POST /m2m/v1/devices/actions/activate", activation.clone(), "activate", 200, &id),
        refused(
            "POST /m2m/v1/devices/actions/activate",
            activation,
            "activate",
            (400, json!({ "errorCode": "A.REQUEST_FAILED.B", "errorMessage": "No." })),
            &format!("Platform A.REQUEST_FAILED.B \"No.\" {THROTTLED}"),
        ),
        answered(
            "POST /m2m/v1/devices/actions/suspend",
            json!({ "accountName": "a", "devices": devices() }),
            "suspend",
            202,
            &id,
        ),
        answered("POST /m2m/v1/devices/actions/deactivate", deactivation.clone(), "deactivate", 200, &id),
        refused(
            "POST /m2m/v1/devices/actions/deactivate",
            deactivation,
            "deactivate",
            (418, json!({ "fault": { "code": 900_906, "message": "short", "description": "long" } })),
            "Gateway 900906 \"long\" ConnectivityManagementResult",
        ),
        refused(
            "PUT /m2m/v1/devices/actions/customFields",
            json!({ "devices": devices(), "fields": { "a b": "1", "gone": null } }),
            "fields",
            (403, json!({ "fault": { "code": "900908", "description": "long" } })),
            &format!("Gateway 900908 \"long\" {USUAL}"),
        ),
    ]
}

/// Calls with parameters in a path, a query or a header, and with a secret.
fn calls_with_parameters() -> Vec<Call> {
    let registered = json!({ "aname": "a", "name": "n" });
    let callback = json!({ "aname": "a", "name": "n", "url": "u", "password": "callback-secret" });
    let registration =
        json!({ "name": "n", "url": "https://example.com/?a=b", "username": "u", "password": "callback-secret" });
    vec![
        answered(
            "GET /m2m/v1/devices/search?account=a%26b%3Dc+d%2B%C3%A9%2F%3F%23&connectedSince=2026-01-02T03%3A04%3A05Z\
             &cursor=100%25&group=x+y&group=%26&limit=7&roaming=false&state=pre-active",
            Value::Null,
            "search",
            200,
            &json!([device()]),
        ),
        answered("GET /m2m/v1/devices/search?account=a", Value::Null, "search", 200, &json!([])),
        answered("GET /m2m/v1/callbacks/{account}", Value::Null, "callbacks", 200, &json!([])),
        Call {
            arrives: "GET /m2m/v1/callbacks/a",
            body: Value::Null,
            answer: Fault::json(200, &json!([callback])),
            said: "Ok([Callback { aname: \"a\", name: \"n\", password: Some([redacted]), url: \"u\" }])".to_owned(),
        },
        answered("POST /m2m/v1/callbacks/a", registration.clone(), "register", 200, &registered),
        refused(
            "POST /m2m/v1/callbacks/a",
            registration,
            "register",
            (400, json!({ "title": "Taken.", "detail": "not callback-secret", "code": "Name.Taken" })),
            "Platform Name.Taken \"Taken.\" GatewayFaultOrListCallbacksError",
        ),
        answered(
            "DELETE /m2m/v1/callbacks/{account}/name/Carrier%20Service%2F1",
            Value::Null,
            "deregister",
            200,
            &registered,
        ),
        // These are invalid as a path segment.
        unsent("deregister"),
        unsent("deregister"),
        unsent("deregister"),
        unsent("deregister"),
        answered(
            "PUT /m2m/v1/groups/a/name/100%25%20%22new%22",
            json!({ "newGroupName": "h" }),
            "change",
            204,
            &Value::Null,
        ),
        answered("DELETE /m2m/v1/groups/a/name/..g", Value::Null, "delete", 204, &Value::Null),
    ]
}

/// All other calls.
fn other_calls() -> Vec<Call> {
    let usage = json!({
        "deviceId": { "id": "A1", "kind": "meid" }, "earliest": "2026-01-01T00:00:00Z",
        "latest": "2026-01-31T19:00:00Z"
    });
    let used = json!({ "bytesUsed": 4_096, "smsUsed": 0, "timestamp": "2026-01-02T03:04:05.250Z" });
    // An empty list that the caller sets is sent.
    let group = json!({ "accountName": "a", "groupName": "g", "devices": [] });
    let account = json!({
        "accountName": "a", "carriers": ["v"], "isProvisioningAllowed": false, "settings": { "any": [1, null] }
    });
    vec![
        answered(
            "POST /m2m/v1/sms",
            json!({ "accountName": "a", "smsMessage": "hello", "deviceIds": [{ "id": "5", "kind": "mdn" }] }),
            "sms",
            200,
            &json!({ "requestId": "8" }),
        ),
        // The text is too long for the schema.
        unsent("sms"),
        answered(
            "GET /m2m/v1/sms/a?next=9007199254740993",
            Value::Null,
            "messages",
            200,
            &json!({ "hasMoreData": false, "messages": [{ "message": "m", "timestamp": "2026-01-02T03:04:05Z" }] }),
        ),
        answered("PUT /m2m/v1/sms/a/startCallbacks", Value::Null, "delivery", 200, &json!({ "success": true })),
        answered("GET /m2m/v1/accounts/a", Value::Null, "account", 200, &account),
        answered(
            "GET /m2m/v1/plans/a",
            Value::Null,
            "plans",
            200,
            &json!([{ "code": "c", "sizeKb": 5, "extendedAttributes": { "x": [1] } }]),
        ),
        answered(
            "GET /m2m/v1/leads/a",
            Value::Null,
            "leads",
            200,
            &json!({ "hasMoreData": true, "leads": [{ "leadId": "1", "leadState": "Qualified" }] }),
        ),
        answered(
            "POST /m2m/v1/devices/usage/actions/list",
            usage.clone(),
            "usage",
            200,
            &json!({ "hasMoreData": false, "usageHistory": [used] }),
        ),
        answered("POST /m2m/v1/devices/usage/actions/list/aggregate", usage, "aggregate", 200, &json!({ "5": used })),
        answered("POST /m2m/v1/groups", group.clone(), "group", 201, &group),
        answered(
            "POST /m2m/v2/triggers",
            json!({ "name": "t", "thresholdBytes": 5 }),
            "trigger",
            201,
            &json!({ "triggerId": 5 }),
        ),
        answered(
            "POST /m2m/v2/triggers",
            json!({ "name": "t", "noConnectionHours": 1.5 }),
            "trigger",
            201,
            &json!({ "triggerId": "five" }),
        ),
        Call {
            arrives: "GET /m2m/v1/diagnostics/a/report",
            body: Value::Null,
            answer: Fault::answer(200, "all well\n"),
            said: "report \"all well\\n\"".to_owned(),
        },
        Call {
            arrives: "GET /m2m/v1/diagnostics/a/report",
            body: Value::Null,
            answer: Fault::answer(404, "<html>"),
            said: "report UnexpectedResponse  \"\" ()".to_owned(),
        },
    ]
}
