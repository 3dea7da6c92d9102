//! Completes what a document leaves open, and rewrites what progenitor has no code for.

use serde_json::{Map, Value, json};

use super::{
    super::check::{self, METHODS, names},
    objects,
    optional::target,
};

/// Extensions that progenitor and typify treat as instructions.
const FOREIGN: [&str; 2] = ["x-dropshot-pagination", "x-rust-type"];

/// States what every schema, body and parameter implies.
pub(super) fn close(document: &mut Value) {
    objects::each(document, &mut |object| {
        for key in FOREIGN {
            object.remove(key);
        }
        listed(object);
        media(object);
    });
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    let parameters = document.pointer("/components/parameters").cloned().unwrap_or_default();
    let items = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut);
    for item in items.filter_map(Value::as_object_mut) {
        without_ignored(item, &parameters);
        for method in METHODS {
            let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) else { continue };
            without_ignored(operation, &parameters);
            operation.get_mut("requestBody").into_iter().for_each(|body| one_media_type(body, &schemas));
        }
    }
    let bodies = document.pointer_mut("/components/requestBodies").and_then(Value::as_object_mut);
    bodies.into_iter().flat_map(Map::values_mut).for_each(|body| one_media_type(body, &schemas));
}

/// Adds the type to an enum of numbers or booleans. Drops an enum whose texts would become the same Rust name.
fn listed(schema: &mut Map<String, Value>) {
    let Some(values) = schema.get("enum").and_then(Value::as_array) else { return };
    let of = schema.get("type").and_then(Value::as_str);
    let all = |is_so: fn(&Value) -> bool| !values.is_empty() && values.iter().all(is_so);
    let found = match of {
        None if all(|value| value.is_i64() || value.is_u64()) => "integer",
        None if all(Value::is_number) => "number",
        None if all(Value::is_boolean) => "boolean",
        _ => "string",
    };
    if of.is_none() && found != "string" {
        schema.insert("type".to_owned(), found.into());
    } else if of.unwrap_or(found) == "string" {
        let texts: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        if names::are_one(&texts) {
            schema.remove("enum");
            schema.insert("type".to_owned(), "string".into());
        }
    }
}

/// A JSON body without a schema may hold any JSON.
fn media(holder: &mut Map<String, Value>) {
    let bodies = holder.get_mut("content").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, media) in bodies.filter(|(media_type, _)| check::is_json(media_type)) {
        if let Some(media) = media.as_object_mut() {
            media.entry("schema").or_insert_with(|| json!({}));
        }
    }
}

/// Keeps one of several media types of a body.
fn one_media_type(body: &mut Value, schemas: &Map<String, Value>) {
    let Some(content) = body.get_mut("content").and_then(Value::as_object_mut) else { return };
    if let Some(taken) = check::taken(&content.keys().map(String::as_str).collect::<Vec<_>>()).map(str::to_owned) {
        content.retain(|media_type, _| *media_type == taken);
    }
    let is_text = |media: &Value| {
        let schema = media.get("schema").and_then(|schema| target(schema, schemas));
        schema.and_then(Value::as_object).is_none_or(|schema| {
            let has_structure = || check::STRUCTURE.iter().any(|key| schema.contains_key(*key));
            schema.get("type").map_or_else(|| !has_structure(), |of| of == "string")
        })
    };
    if let Some(media) = content.get(check::ANY).filter(|_| content.len() == 1).cloned() {
        content.clear();
        content.insert(check::of_any(is_text(&media)).to_owned(), media);
    }
    for (media_type, media) in content.iter_mut() {
        // The crate sends texts and bytes without looking at their content.
        let plain = match media_type.split(';').next() {
            Some("application/octet-stream") => json!({ "type": "string", "format": "binary" }),
            Some("text/plain" | "text/x-markdown") => json!({ "type": "string" }),
            _ => continue,
        };
        let is_text = is_text(media);
        if let Some(media) = media.as_object_mut().filter(|_| is_text) {
            media.insert("schema".to_owned(), plain);
        }
    }
}

/// Removes the header parameters that OpenAPI requires to be ignored.
fn without_ignored(holder: &mut Map<String, Value>, components: &Value) {
    let Some(parameters) = holder.get_mut("parameters").and_then(Value::as_array_mut) else { return };
    parameters.retain(|parameter| {
        let reference = parameter.get("$ref").and_then(Value::as_str);
        let target = reference.and_then(|text| components.get(text.rsplit('/').next()?));
        let parameter = target.unwrap_or(parameter);
        let text = |key: &str| parameter.get(key).and_then(Value::as_str).unwrap_or_default();
        text("in") != "header" || !check::is_ignored_header(text("name"))
    });
}
