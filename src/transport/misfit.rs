//! Why a body does not read as documented, without a word of it.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, header};
use serde::de::IgnoredAny;

/// The reason, in words for an operator. `error` is what reading the body as its type failed with.
pub(super) fn misfit(headers: &HeaderMap, body: &[u8], error: Option<&serde_json::Error>) -> Cow<'static, str> {
    let media_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let is_html = media_type.to_ascii_lowercase().starts_with(b"text/html");
    match body.trim_ascii_start() {
        [] if body.is_empty() => "its body is empty".into(),
        text if is_html || text.starts_with(b"<") => {
            "its body is a web page, as proxies and captive portals answer: check the base URL and the proxy".into()
        }
        text if serde_json::from_slice::<IgnoredAny>(text).is_err() => "its body is not JSON".into(),
        _ => match error.and_then(missing) {
            Some(name) => format!("its body is JSON, but not as documented: {name} is missing").into(),
            None => "its body is JSON, but not as documented".into(),
        },
    }
}

/// The property that serde misses. Its name comes from the document; other errors may quote the body.
fn missing(error: &serde_json::Error) -> Option<String> {
    let text = error.to_string();
    let (name, _) = text.strip_prefix("missing field `")?.split_once('`')?;
    Some(name.to_owned())
}
