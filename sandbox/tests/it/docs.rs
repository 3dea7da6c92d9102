//! The documentation as a page. `cargo xtask docs --check` tests the page in a browser.

use reqwest::Client;
use serde_json::{Value, json};
use thingspace_sandbox::{Account, Sandbox, docs};

use crate::contract::SPEC;

const SETTINGS: &str = r#"<script type="application/json" id="settings">"#;

#[tokio::test]
async fn the_page_of_a_sandbox_names_the_sandbox_as_its_only_server() {
    let page = served("/docs").await;

    let settings = settings(&page);
    assert_eq!(settings["spec"]["servers"], json!([{ "url": "/api", "description": "This sandbox." }]));
    let flows = &settings["spec"]["components"]["securitySchemes"]["thingspaceOauth"]["flows"];
    assert_eq!(flows["clientCredentials"]["tokenUrl"], "/api/ts/v1/oauth2/token");
    assert_eq!(settings["spec"]["paths"], SPEC["paths"]);
    assert!(!page.contains("thingspace.verizon.com"));
    assert!(policy(&page).contains("connect-src 'self';"), "{}", policy(&page));
}

#[tokio::test]
async fn the_page_of_a_sandbox_gets_its_access_tokens_with_the_built_in_account() {
    let Account { key, secret, .. } = Account::built_in();
    let settings = settings(&served("/docs/").await);
    assert_eq!(settings["client"], json!({ "clientId": key, "clientSecret": secret }));
    assert!(settings["methods"].as_array().unwrap().contains(&json!("post")));
}

#[tokio::test]
async fn reading_the_page_counts_as_no_request_to_the_platform() {
    let sandbox = Sandbox::start().await.unwrap();
    let response = page_of(&sandbox, "/docs").await;
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(response.headers()["content-security-policy"], "frame-ancestors 'none'");
    assert_eq!((sandbox.counters().connections, sandbox.counters().requests), (1, 0));
}

#[test]
fn the_page_for_reading_names_the_platform_and_can_send_nothing() {
    let page = docs::page(docs::CONTRACT).unwrap();
    assert_eq!(settings(&page), json!({ "spec": *SPEC, "methods": [], "client": null }));
    assert!(policy(&page).contains("connect-src 'none';"), "{}", policy(&page));
}

#[test]
fn a_page_keeps_the_order_of_the_document() {
    let page = docs::page("{ openapi: 3.0.3, paths: { /z: {}, /a: {}, /m: {} } }").unwrap();
    assert!(page.contains(r#"{"openapi":"3.0.3","paths":{"/z":{},"/a":{},"/m":{}}}"#));
}

#[tokio::test]
async fn a_page_links_no_other_page() {
    for page in [served("/docs").await, docs::page(docs::CONTRACT).unwrap()] {
        let (before, rest) = page.split_once("<style").unwrap();
        let (style, rest) = rest.split_once("</style>").unwrap();
        assert!(policy(&page).starts_with("default-src 'none';"), "{}", policy(&page));
        assert_eq!(attributes(before), [r#"href="data:,""#]);
        assert!(!style.contains("@import") && !style.contains("sourceMappingURL"));
        assert!(style.split("url(").skip(1).all(|url| url.trim_start_matches('"').starts_with("data:")));
        // The parser takes scripts as text. Another test covers them.
        let tags = rest.split("<script").skip(1).map(|script| script.split('>').next().unwrap());
        for tag in tags {
            assert_eq!(attributes(tag), Vec::<&str>::new());
        }
    }
}

#[test]
fn no_text_of_a_document_becomes_markup_of_the_page() {
    let hostile = "</script></title><script>alert(1)</script><!--<script>";
    let document = json!({ "openapi": "3.0.3", "info": { "title": hostile, hostile: hostile } });

    let page = docs::page(&document.to_string()).unwrap();

    assert_eq!(settings(&page)["spec"], document);
    let lower = page.to_ascii_lowercase();
    let count = |tag| lower.matches(tag).count();
    assert_eq!((count("<script"), count("</script"), count("</title"), count("</style")), (3, 3, 1, 1));
    // Exactly one comment, which ends. A second one would hide the ends of the scripts.
    assert_eq!((count("<!-- swagger-ui"), count("<!--")), (1, 1));
}

#[test]
fn every_page_has_its_own_nonce_for_its_scripts() {
    let number = |page: &str| {
        let (_, rest) = policy(page).split_once("script-src 'nonce-").unwrap();
        rest.split('\'').next().unwrap().to_owned()
    };
    let (one, other) = (docs::page(docs::CONTRACT).unwrap(), docs::page(docs::CONTRACT).unwrap());
    assert_ne!(number(&one), number(&other));
    assert_eq!(one.matches(&format!(r#"<script nonce="{}">"#, number(&one))).count(), 2);
}

#[test]
fn a_document_that_is_not_yaml_is_rejected() {
    let error = docs::page("paths: [").unwrap_err().to_string();
    assert!(error.contains("not valid YAML"), "{error}");
}

async fn served(path: &str) -> String {
    let sandbox = Sandbox::start().await.unwrap();
    page_of(&sandbox, path).await.text().await.unwrap()
}

async fn page_of(sandbox: &Sandbox, path: &str) -> reqwest::Response {
    let http = Client::builder().no_proxy().build().unwrap();
    let response = http.get(format!("http://{}{path}", sandbox.address())).send().await.unwrap();
    response.error_for_status().unwrap()
}

/// The settings that the start script reads.
fn settings(page: &str) -> Value {
    let (_, rest) = page.split_once(SETTINGS).unwrap();
    let (settings, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(settings).unwrap()
}

fn policy(page: &str) -> &str {
    let (_, rest) = page.split_once(r#"<meta http-equiv="Content-Security-Policy" content=""#).unwrap();
    rest.split('"').next().unwrap()
}

/// The attributes that make a browser fetch something.
fn attributes(markup: &str) -> Vec<&str> {
    markup.split([' ', '>']).filter(|word| word.starts_with("src=") || word.starts_with("href=")).collect()
}
