//! Folds the responses of an operation into what progenitor can type: one success and one error.
//!
//! progenitor asserts that all errors of an operation have one shape, and also treats `default` as a success. A
//! document may have a shape for each status: this module makes one `oneOf` of them. The `oneOf` is named after its
//! shapes, so that operations with the same shapes share a type. An inline shape becomes a component. A call has one
//! result, so successes with different bodies are an error.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{
    super::check::{self, METHODS, class},
    shapes::Shapes,
};

/// Folds the responses of every operation.
pub(super) fn fold(document: &mut Value) -> Result<(), String> {
    // The components are taken out, so that the paths can change while the fold reads and extends the components.
    let mut components = document.get_mut("components").map(Value::take).unwrap_or_default();
    let operations = document.get("paths").and_then(Value::as_object).into_iter().flat_map(Map::values);
    let operations = operations.flat_map(|item| METHODS.iter().filter_map(|method| item.get(method)));
    let ids = operations.filter_map(|operation| operation.get("operationId")?.as_str());
    let mut shapes = Shapes::new(&components, ids);
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for method in METHODS {
            let Some(operation) = item.get_mut(method) else { continue };
            let id = operation.get("operationId").and_then(Value::as_str).unwrap_or("Operation").to_owned();
            let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { continue };
            let folded = Answers { components: &components, shapes: &mut shapes, id: &id }.fold(responses);
            folded.map_err(|reason| format!("{} {path}: {reason}", method.to_uppercase()))?;
        }
    }
    shapes.add_to(&mut components);
    if let Some(document) = document.as_object_mut().filter(|_| !components.is_null()) {
        document.insert("components".to_owned(), components);
    }
    Ok(())
}

/// The body of a response, as far as progenitor distinguishes them.
#[derive(PartialEq)]
enum Body<'a> {
    /// With the schema, if the document has one.
    Json(Option<&'a Value>),
    Raw,
    None,
}

impl Body<'_> {
    fn in_words(&self) -> &'static str {
        match self {
            Self::Json(_) => "with JSON",
            Self::Raw => "with another media type",
            Self::None => "without a body",
        }
    }
}

struct Answers<'a> {
    components: &'a Value,
    shapes: &'a mut Shapes,
    id: &'a str,
}

impl Answers<'_> {
    fn fold(&mut self, responses: &mut Map<String, Value>) -> Result<(), String> {
        spread_default(responses);
        self.optional_success(responses)?;
        self.one_success(responses)?;
        self.one_error(responses)?;
        drop_covered(responses);
        // The client never returns a 1xx or 3xx response. A body would only add a type.
        for (_, response) in responses.iter_mut().filter(|(status, _)| matches!(class(status), Some('1' | '3'))) {
            *response = answer(None);
        }
        Ok(())
    }

    /// A JSON success beside one without a body becomes nullable: the transport reports a missing body as null.
    fn optional_success(&self, responses: &mut Map<String, Value>) -> Result<(), String> {
        let (mut schemas, mut are_known, mut is_empty) = (Vec::new(), true, false);
        for (status, response) in responses.iter().filter(|(status, _)| class(status) == Some('2')) {
            match body(resolved(self.components, status, response)?.1, check::is_json) {
                Body::Json(Some(schema)) if !schemas.contains(schema) => schemas.push(schema.clone()),
                Body::Json(Some(_)) => {}
                Body::None => is_empty = true,
                Body::Json(None) | Body::Raw => are_known = false,
            }
        }
        if let (true, true, [schema]) = (are_known, is_empty, schemas.as_slice()) {
            let schema = json!({ "nullable": true, "allOf": [schema] });
            for (_, response) in responses.iter_mut().filter(|(status, _)| class(status) == Some('2')) {
                *response = json!({ "description": "", "content": { "application/json": { "schema": schema } } });
            }
        }
        Ok(())
    }

    fn one_success(&self, responses: &Map<String, Value>) -> Result<(), String> {
        let mut first: Option<(&str, Body<'_>)> = None;
        for (status, response) in responses.iter().filter(|(status, _)| class(status) == Some('2')) {
            let found = body(resolved(self.components, status, response)?.1, check::is_json);
            match &first {
                _ if found == Body::Json(None) => {
                    return Err(format!(
                        "{status}: application/json without a schema: write schema: {{}} for any JSON"
                    ));
                }
                Some((before, known)) if *known != found => {
                    let (known, other) = (known.in_words(), found.in_words());
                    let differ = if known == other { " of another shape" } else { "" };
                    return Err(format!(
                        "has several successes, {before} {known} and {status} {other}{differ}, but a call has one \
                         result: document one of them, or the same schema for all"
                    ));
                }
                Some(_) => {}
                None => first = Some((status, found)),
            }
        }
        Ok(())
    }

    fn one_error(&mut self, responses: &mut Map<String, Value>) -> Result<(), String> {
        let mut shapes = BTreeSet::new();
        for (status, response) in responses.iter().filter(|(status, _)| is_error(status)) {
            let (name, response) = resolved(self.components, status, response)?;
            if let Body::Json(Some(schema)) = body(response, is_json) {
                shapes.insert(self.shapes.shape(schema, name, self.id, self.components));
            }
        }
        let reference = self.shapes.one_of(shapes);
        for (_, response) in responses.iter_mut().filter(|(status, _)| is_error(status)) {
            *response = answer(reference.as_deref());
        }
        Ok(())
    }
}

/// A response with this schema, or without a body.
fn answer(reference: Option<&str>) -> Value {
    match reference {
        Some(reference) => {
            json!({ "description": "", "content": { "application/json": { "schema": { "$ref": reference } } } })
        }
        None => json!({ "description": "" }),
    }
}

/// Replaces `default` by 4XX and 5XX, and by 2XX if the document has no success.
fn spread_default(responses: &mut Map<String, Value>) {
    let Some(default) = responses.remove("default") else { return };
    if !responses.keys().any(|status| class(status) == Some('2')) {
        responses.insert("2XX".to_owned(), default.clone());
    }
    for range in ["4XX", "5XX"] {
        responses.entry(range).or_insert_with(|| default.clone());
    }
}

/// Removes the statuses that a range covers: progenitor would generate unreachable code for them.
fn drop_covered(responses: &mut Map<String, Value>) {
    let ranges: BTreeSet<char> = responses.keys().filter(|status| is_range(status)).filter_map(|s| class(s)).collect();
    responses.retain(|status, _| is_range(status) || class(status).is_none_or(|class| !ranges.contains(&class)));
}

/// The target of a response, and its name if it is a component.
fn resolved<'v>(
    components: &'v Value,
    status: &str,
    mut response: &'v Value,
) -> Result<(Option<&'v str>, &'v Value), String> {
    let mut name = None;
    // Some references lead back to themselves.
    for _ in 0..16 {
        let Some(reference) = response.get("$ref").and_then(Value::as_str) else { return Ok((name, response)) };
        let found = reference.strip_prefix("#/components/responses/");
        let found = found.and_then(|name| Some((name, components.get("responses")?.get(name)?)));
        let Some((found, target)) = found else {
            return Err(format!(
                "{status}: $ref: {reference} is no response of this document: write \
                                #/components/responses/ and a name that stands there"
            ));
        };
        (name, response) = (Some(found), target);
    }
    Err(format!("{status}: $ref leads back to itself: write the response in its place"))
}

fn is_range(status: &str) -> bool {
    status.ends_with("XX")
}

fn is_error(status: &str) -> bool {
    matches!(class(status), Some('4' | '5'))
}

/// The body of a response: JSON if one of its media types is JSON.
fn body(response: &Value, is_json: impl Fn(&str) -> bool) -> Body<'_> {
    let Some(content) = response.get("content").and_then(Value::as_object).filter(|content| !content.is_empty()) else {
        return Body::None;
    };
    let json = content.iter().find(|(media_type, _)| is_json(media_type));
    json.map_or(Body::Raw, |(_, media)| Body::Json(media.get("schema")))
}

/// Whether a media type is JSON, including `+json` types.
fn is_json(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || essence.ends_with("+json")
}
