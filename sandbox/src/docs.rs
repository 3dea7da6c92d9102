//! An OpenAPI document as a page: Swagger UI, the document and what starts it, in one HTML file that fetches nothing.
//!
//! What a reader can do depends on where the page comes from. The copy that a sandbox serves at `/docs` is about that
//! sandbox, and its requests go there. The copy that [`page`] makes is for reading: it names the platform's servers
//! and sends nothing. A browser would keep their answers from it, and the secret of a real application has no place
//! in a page.
//!
//! No text of a document becomes a part of the program: it goes into the page as data, and the page's own policy lets
//! no script run but the two that carry a number made up for this copy.

mod assets;
mod spec;

use std::io;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use uuid::Uuid;

use crate::account::Account;
use crate::traffic::Reception;
use spec::Node;

/// What the client and the sandbox agree on, as it was when the sandbox was built: `openapi.yaml`.
pub const CONTRACT: &str = include_str!("../openapi.yaml");

/// Where the sandbox has what the platform has below its server's URL. Without a host, so that it holds under
/// whatever name of this machine the page was opened.
const HERE: &str = "/api";
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const HEADERS: [(HeaderName, HeaderValue); 2] = [
    // The one thing that a page cannot say about itself.
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("frame-ancestors 'none'")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// A page for reading an OpenAPI document.
///
/// ```
/// use thingspace_sandbox::docs;
///
/// let page = docs::page(docs::CONTRACT)?;
/// assert!(page.contains("<title>ThingSpace Session Management</title>"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// If the document is not YAML.
pub fn page(document: &str) -> io::Result<String> {
    html(&Settings { spec: Node::parse(document)?, methods: &[], client: None }, "'none'")
}

/// The page of the sandbox, ready to be put next to the platform's side.
pub(crate) fn router() -> Router<Reception> {
    Router::new().route("/docs", get(serve)).route("/docs/", get(serve))
}

async fn serve() -> Response {
    match page_of_the_sandbox() {
        Ok(page) => (HEADERS, Html(page)).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("there is no page: {error}\n")).into_response(),
    }
}

fn page_of_the_sandbox() -> io::Result<String> {
    let mut spec = Node::parse(CONTRACT)?;
    spec.relocate(HERE, "This sandbox.")?;
    let Account { key, secret, .. } = Account::built_in();
    let client = Some(Client { id: key, secret });
    html(&Settings { spec, methods: &METHODS, client }, "'self'")
}

/// What the page starts with.
#[derive(Serialize)]
struct Settings {
    spec: Node,
    /// Which requests a reader can try.
    methods: &'static [&'static str],
    /// What the form for an access token is filled in with.
    client: Option<Client>,
}

#[derive(Serialize)]
struct Client {
    #[serde(rename = "clientId")]
    id: String,
    #[serde(rename = "clientSecret")]
    secret: String,
}

/// The whole page; `connect` is where it may send requests, in the words of a content security policy.
fn html(settings: &Settings, connect: &str) -> io::Result<String> {
    let assets = assets::unpack()?;
    let nonce = Uuid::new_v4();
    // As JSON in which an HTML parser sees no tag.
    let data = serde_json::to_string(settings)?.replace('<', "\\u003c");
    Ok(format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; connect-src {connect}; base-uri 'none'; form-action 'none'">
<title>{title}</title>
<link rel="icon" href="data:,">
<!-- {notice} -->
<style nonce="{nonce}">{style}{more_style}</style>
</head>
<body>
<div id="swagger-ui"></div>
<script type="application/json" id="settings">{data}</script>
<script nonce="{nonce}">{program}</script>
<script nonce="{nonce}">{start}</script>
</body>
</html>
"#,
        title = settings.spec.title().replace('&', "&amp;").replace('<', "&lt;"),
        notice = assets::NOTICE,
        style = assets.style,
        more_style = include_str!("docs/page.css"),
        program = assets.program,
        start = include_str!("docs/start.js"),
    ))
}
