//! Text -> document -> typed document, with every refusal in words.

use openapiv3::OpenAPI;
use serde::Deserialize as _;
use serde_json::Value;

/// Reads YAML (or JSON, which is YAML) of OpenAPI 3.0.
pub(crate) fn document(text: &str) -> Result<Value, String> {
    let options = serde_saphyr::options! { with_snippet: false };
    let document: Value =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| format!("is not valid YAML: {error}"))?;
    let version = document.pointer("/info/version").and_then(Value::as_str).unwrap_or_default();
    if !version.chars().all(|letter| letter.is_ascii_graphic()) {
        return Err("info.version goes into a header: write it in letters, digits and dots".to_owned());
    }
    match document.get("openapi").and_then(Value::as_str) {
        Some(version) if version.starts_with("3.0.") => Ok(document),
        Some(version) => Err(format!("is OpenAPI {version}, but the generator reads 3.0 alone: write openapi: 3.0.3")),
        None => Err("does not say which OpenAPI it is: write openapi: 3.0.3 at the top".to_owned()),
    }
}

/// The same document in the shape that progenitor reads.
pub(crate) fn typed(document: &Value) -> Result<OpenAPI, String> {
    OpenAPI::deserialize(document).map_err(|error| format!("is no OpenAPI 3.0 document: {error}"))
}
