//! Visits the objects of a document and skips the values in it, such as examples.

use serde_json::{Map, Value};

/// Keys that hold values.
const VALUES: [&str; 5] = ["default", "enum", "example", "examples", "const"];
/// Keys that hold a map from names to objects: the names in it are no keywords.
const NAMED: [&str; 14] = [
    "properties",
    "schemas",
    "responses",
    "parameters",
    "requestBodies",
    "headers",
    "links",
    "callbacks",
    "securitySchemes",
    "paths",
    "content",
    "encoding",
    "scopes",
    "mapping",
];

/// Applies a change to every object of a document that is no map of names.
pub(super) fn each(document: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    within(document, false, change);
}

fn within(value: &mut Value, are_names: bool, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            if !are_names {
                change(map);
            }
            // The default of a server's variable must stay.
            let is_value = |key: &str| VALUES.contains(&key) || key == "variables" || key.starts_with("x-");
            for (key, inner) in map.iter_mut().filter(|(key, _)| are_names || !is_value(key)) {
                within(inner, !are_names && NAMED.contains(&key.as_str()), change);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| within(item, false, change)),
        _ => {}
    }
}
