//! What progenitor has to be spared, changed in memory; the file stays as it is written.

use serde_json::{Map, Value};

/// What a secret's schema keeps: the conversion to the secret type matches on the schema as a whole, so a
/// `minLength` beside `format: password` would yield a printable type of its own.
const SECRET_KEYS: [&str; 6] = ["type", "format", "nullable", "title", "description", "example"];

/// Makes every secret recognisable as one.
pub(crate) fn adapt(document: &mut Value) -> Result<(), String> {
    walk(document, "")
}

fn walk(value: &mut Value, place: &str) -> Result<(), String> {
    match value {
        Value::Object(map) => {
            if map.get("format").and_then(Value::as_str) == Some("password") {
                secret(map, place)?;
            }
            for (key, inner) in map.iter_mut().filter(|(key, _)| *key != "example" && *key != "examples") {
                walk(inner, &format!("{place}/{key}"))?;
            }
            Ok(())
        }
        Value::Array(items) => {
            items.iter_mut().enumerate().try_for_each(|(index, inner)| walk(inner, &format!("{place}/{index}")))
        }
        _ => Ok(()),
    }
}

fn secret(map: &mut Map<String, Value>, place: &str) -> Result<(), String> {
    if map.get("type").and_then(Value::as_str) != Some("string") {
        return Err(format!("{place}: format: password belongs to a string: write type: string beside it"));
    }
    map.retain(|key, _| SECRET_KEYS.contains(&key.as_str()));
    Ok(())
}
