//! An OpenAPI document as a page: one HTML file with Swagger UI, the document and a start script. It loads nothing.
//!
//! The page that a sandbox serves at `/docs` sends its requests to that sandbox. The page that [`page`] makes is for
//! reading: it names the platform's servers and sends nothing. A browser would block the responses, and the secret of
//! a real application must not be in a page.
//!
//! The document is data in the page and never code. The page's content security policy allows two scripts, which carry
//! the nonce of this copy.

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

/// `openapi.yaml`, as it was when the sandbox was built.
pub const CONTRACT: &str = include_str!("../openapi.yaml");

/// The path of the platform's server on the sandbox. It names no host, so the page works under every name of the host.
const HERE: &str = "/api";
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const HEADERS: [(HeaderName, HeaderValue); 2] = [
    // A browser ignores this directive in the page's own policy.
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

/// The route of the page. The server adds those of the platform.
pub(crate) fn router() -> Router<Reception> {
    Router::new().route("/docs", get(serve)).route("/docs/", get(serve))
}

async fn serve() -> Response {
    match page_of_the_sandbox() {
        Ok(page) => (HEADERS, Html(page)).into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("the page cannot be made: {error}\n")).into_response()
        }
    }
}

fn page_of_the_sandbox() -> io::Result<String> {
    let mut spec = Node::parse(CONTRACT)?;
    spec.relocate(HERE, "This sandbox.")?;
    let Account { key, secret, .. } = Account::built_in();
    let client = Some(Client { id: key, secret });
    html(&Settings { spec, methods: &METHODS, client }, "'self'")
}

/// The settings that the start script reads.
#[derive(Serialize)]
struct Settings {
    spec: Node,
    /// The methods of the requests that a reader can try.
    methods: &'static [&'static str],
    /// The values in the form for an access token.
    client: Option<Client>,
}

#[derive(Serialize)]
struct Client {
    #[serde(rename = "clientId")]
    id: String,
    #[serde(rename = "clientSecret")]
    secret: String,
}

/// The page. `connect` is the value of `connect-src` in its content security policy.
fn html(settings: &Settings, connect: &str) -> io::Result<String> {
    let assets = assets::unpack()?;
    let nonce = Uuid::new_v4();
    // Escaped, so that an HTML parser finds no tag in the JSON.
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
