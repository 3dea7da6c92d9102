//! Which header a security scheme means, and which of several requirements is taken, the document says.

use crate::{changed, contract, found, said};

const SCHEMES: &str = "  securitySchemes:\n";

/// The contract with one more scheme, and an operation with this security.
fn with(scheme: &str, security: &str) -> String {
    let contract = changed(contract(), SCHEMES, &format!("{SCHEMES}    {scheme}\n"));
    let operation = format!(
        "  /a:\n    post:\n      operationId: a\n      security: {security}\n      x-retry: always\n      responses:\n        \
         '200': {{description: All.}}\n        '400': {{$ref: '#/components/responses/Error'}}\n"
    );
    changed(contract, "\ncomponents:\n", &format!("\n{operation}\ncomponents:\n"))
}

const SCHEME: &str = "sessionToken: {type: apiKey, in: header, name: SessionToken}";

/// Whether the operation carries the access token, and the header of its session token.
fn carried(contract: &str) -> (bool, Option<String>) {
    let compiled = thingspace_codegen::compile(contract.as_bytes(), &crate::manifest()).unwrap();
    let code = compiled.output.operations.replace([' ', '\n'], "");
    let headers = code.split("SESSION_HEADERS:").nth(1).unwrap().split(';').nth(1).unwrap().to_owned();
    let headers: Vec<&str> =
        headers.split("from_static(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(headers[0], "vz-m2m-token", "that of the session itself comes first");
    let row = code.split("id:\"a\"").nth(1).unwrap().split("retry:").next().unwrap();
    let index = row.split("Some(").nth(1).map(|rest| rest.split("usize").next().unwrap().parse::<usize>().unwrap());
    (row.contains("access_token:true"), index.map(|index| headers[index].to_owned()))
}

#[test]
fn the_first_of_several_requirements_is_taken() {
    for (security, access, session, warns) in [
        ("[{thingspaceOauth: [], sessionToken: []}]", true, Some("sessiontoken"), false),
        ("[{thingspaceOauth: [], vzM2mToken: []}]", true, Some("vz-m2m-token"), false),
        ("[{sessionToken: []}, {vzM2mToken: []}]", false, Some("sessiontoken"), false),
        ("[{vzM2mToken: []}, {sessionToken: []}]", false, Some("vz-m2m-token"), false),
        ("[{thingspaceOauth: []}, {sessionToken: []}]", true, None, true),
        ("[{sessionToken: []}, {thingspaceOauth: []}]", false, Some("sessiontoken"), true),
        (
            "[{thingspaceOauth: [], sessionToken: []}, {thingspaceOauth: [], vzM2mToken: []}]",
            true,
            Some("sessiontoken"),
            false,
        ),
        ("[{}, {sessionToken: []}]", false, None, true),
        ("[]", false, None, false),
    ] {
        let contract = with(SCHEME, security);
        assert_eq!(carried(&contract), (access, session.map(str::to_owned)), "{security}");
        assert_eq!(said(&contract).contains("warning[security-choice]"), warns, "{security}: {}", said(&contract));
        assert!(warns || found(&contract).is_empty(), "{security}: {}", said(&contract));
    }
}

#[test]
fn of_several_api_keys_those_are_session_tokens_whose_names_say_so() {
    for (scheme, is_session) in [
        ("other: {type: apiKey, in: header, name: SessionToken}", true),
        ("other: {type: apiKey, in: header, name: X-Session-Id}", true),
        ("sessionToken: {type: apiKey, in: header, name: X-Token}", true),
        ("other: {type: apiKey, in: header, name: VZ-M2M-Token-2}", true),
        ("other: {type: apiKey, in: header, name: X-API-Key}", false),
        ("sessionToken: {type: apiKey, in: query, name: session}", false),
        ("sessionToken: {type: http, scheme: bearer}", false),
    ] {
        let said = said(with(scheme, "[{thingspaceOauth: []}]"));
        let expected = if is_session { "" } else { "error[unsupported-security-scheme]" };
        assert!(said.contains(expected) && said.is_empty() == is_session, "{scheme}: {said}");
    }
}
