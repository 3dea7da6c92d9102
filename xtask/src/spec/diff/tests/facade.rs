//! A change that removes what the facade needs is breaking.

use super::{super::change::Class, changes};

fn contract() -> String {
    std::fs::read_to_string(crate::workspace::root().join("tests/mistakes/openapi.yaml")).unwrap()
}

fn changed(from: &str, to: &str) -> String {
    let contract = contract();
    assert!(contract.contains(from), "{from}");
    contract.replacen(from, to, 1)
}

/// The changes whose reason is the facade: kind and reason.
fn reported(now: &str) -> Vec<(&'static str, String)> {
    let changes = changes(&contract(), now);
    let of_facade = changes.iter().filter(|change| change.wire().reason.starts_with("src/ "));
    of_facade
        .map(|change| {
            assert_eq!((change.class(), change.wire().class), (Class::Breaking, Class::Breaking), "{change:?}");
            (change.rule.name, change.wire().reason)
        })
        .collect()
}

const LOGIN: &str = "every login fails";
const END: &str = "no session can be ended";
const RESET: &str = "no password can be reset";

/// The text, its replacement, the kind of the breaking change, and two parts of its reason.
#[rustfmt::skip]
const TAKEN: &[(&str, &str, &str, [&str; 2])] = &[
    // The operations.
    ("startConnectivityManagementSession", "logIn", "operation-renamed", ["calls startConnectivityManagementSession", LOGIN]),
    ("endConnectivityManagementSession", "logOut", "operation-renamed", ["calls endConnectivityManagementSession", END]),
    ("resetConnectivityManagementPassword", "reset", "operation-renamed", ["calls resetConnectivityManagementPassword", RESET]),
    ("/session/login:", "/session/start:", "path-changed", ["calls startConnectivityManagementSession", LOGIN]),
    ("/session/logout:\n    post", "/session/logout:\n    delete", "method-changed", ["calls endConnectivityManagementSession", END]),
    // Their credentials.
    ("        - thingspaceOauth: []\n", "        - vzM2mToken: []\n", "access-token-dropped", ["with these credentials", LOGIN]),
    ("          vzM2mToken: []\n", "", "session-token-dropped", ["with these credentials", END]),
    ("/api/ts/v1/oauth2/token", "/api/token", "token-url-changed", ["requests every access token", "no call succeeds"]),
    ("name: VZ-M2M-Token", "name: Session-Token", "session-header-renamed", ["the session token in this header", ""]),
    // Sent properties.
    ("        username:\n", "        user:\n", "required-property-removed", ["sends username", LOGIN]),
    ("        oldPassword:\n", "        current:\n", "required-property-removed", ["sends oldPassword", RESET]),
    ("[username, password]", "[username]", "property-made-optional", ["sends password", LOGIN]),
    ("          type: string\n          format: password\n          example: IMgr8", "          type: string\n          x-secret: false\n          example: IMgr8", "secret-unmarked", ["sends password (a secret)", LOGIN]),
    ("          type: string\n          example: zbeeblebrox", "          type: integer", "type-changed", ["sends username (a text)", LOGIN]),
    ("          example: zbeeblebrox", "          readOnly: true\n          example: zbeeblebrox", "made-read-only", ["sends username", LOGIN]),
    ("          application/json:\n            schema:\n              $ref: '#/components/schemas/LogInRequest'", "          application/xml:\n            schema:\n              $ref: '#/components/schemas/LogInRequest'", "request-media-type-changed", ["sends username (a text) and password (a secret)", LOGIN]),
    // Properties read from a success.
    ("        sessionToken:\n", "        accessToken:\n", "optional-property-removed", ["reads sessionToken (a secret) from what startConnectivityManagementSession answers", LOGIN]),
    ("        newPassword:\n", "        password:\n", "optional-property-removed", ["reads newPassword (a secret)", RESET]),
    ("      description: What a login yields.\n      type: object", "      description: What a login yields.\n      type: object\n      required: [sessionToken]", "property-made-required", ["reads sessionToken", LOGIN]),
    ("          format: password\n          example: Wh0a1545a84d", "          x-secret: false\n          example: Wh0a1545a84d", "secret-unmarked", ["reads newPassword (a secret)", RESET]),
    ("          format: password\n          example: bcce3ea6", "          format: password\n          nullable: true\n          example: bcce3ea6", "made-nullable", ["reads sessionToken", LOGIN]),
    ("          format: password\n          example: bcce3ea6", "          format: password\n          writeOnly: true\n          example: bcce3ea6", "made-write-only", ["reads sessionToken", LOGIN]),
    ("            application/json:\n              schema:\n                $ref: '#/components/schemas/LogInResult'", "            text/plain:\n              schema:\n                $ref: '#/components/schemas/LogInResult'", "answer-media-type-changed", ["takes 200 for a success", LOGIN]),
    ("$ref: '#/components/schemas/LogInResult'", "$ref: '#/components/schemas/Fault'", "reference-changed", ["reads sessionToken", LOGIN]),
    ("        '200':\n          description: The session has started.", "        '201':\n          description: The session has started.", "success-answer-removed", ["takes 200 for a success of startConnectivityManagementSession", LOGIN]),
    ("        '200':\n          description: The session has ended.", "        '204':\n          description: The session has ended.", "success-answer-removed", ["takes 200 for a success of endConnectivityManagementSession", END]),
    // Properties read from errors.
    ("        errorCode:\n", "        error:\n", "optional-property-removed", ["reads errorCode", "no code"]),
    ("        errorMessage:\n", "        text:\n", "optional-property-removed", ["reads errorMessage from what endConnectivityManagementSession answers with 400, and from 2 others: ", "no message; its code is still read"]),
    ("        code:\n", "        number:\n", "optional-property-removed", ["reads fault.code", "no code"]),
    ("          type: string\n          example: UnifiedWebService.REQUEST_FAILED.AccountNotFound", "          type: integer", "type-changed", ["reads errorCode", "no code"]),
    ("        '400':\n          $ref: '#/components/responses/Error'\n", "", "error-answer-removed", ["reads errorCode", "no code"]),
    // Properties that the facade does not set.
    ("      required: [oldPassword]\n      properties:\n", "      required: [oldPassword]\n      properties:\n        hint:\n          type: string\n", "optional-property-added", ["sends oldPassword", "nothing else"]),
];

#[test]
fn removing_what_the_facade_needs_is_breaking() {
    let mut wrong = Vec::new();
    for (from, to, kind, reasons) in TAKEN {
        let found = reported(&changed(from, to));
        let is_hit = found.iter().any(|(rule, why)| rule == kind && reasons.iter().all(|reason| why.contains(reason)));
        if !is_hit {
            wrong.push(format!("{from:?} -> {to:?}: {kind} {reasons:?}, but\n{found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_property_of_another_name_is_one_change() {
    let changes = changes(&contract(), &changed("        newPassword:\n", "        generatedPassword:\n"));
    let message = "newPassword is gone; generatedPassword is new beside it and of the same type: was it renamed?";
    assert!(matches!(changes.as_slice(), [change] if change.message.ends_with(message)), "{changes:#?}");
}

#[test]
fn adding_or_keeping_what_the_facade_needs_is_not_breaking() {
    for (from, to) in [
        ("The token of the new session", "A token"),
        ("example: zbeeblebrox", "example: trillian"),
        ("        sessionToken:\n", "        issued:\n          type: string\n        sessionToken:\n"),
        ("LogOutRequest'", "LogInResult'"),
        ("required: false", "required: true"),
        ("name: VZ-M2M-Token", "name: vz-m2m-token"),
    ] {
        assert_eq!(reported(&changed(from, to)), [], "{from}");
    }
    for (from, to, ..) in TAKEN.iter().filter(|(_, _, kind, _)| kind.starts_with("optional-property-removed")) {
        let back = changes(&changed(from, to), &contract());
        assert!(!back.iter().any(|change| change.wire().reason.starts_with("src/ ")), "{back:?}");
    }
}
