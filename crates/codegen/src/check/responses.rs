//! Checks request bodies and responses.

use std::collections::BTreeMap;

use super::{
    super::{
        finding::{Finding, Level, Place},
        load::{Entry, Kind, Node},
    },
    Context, Described,
    shape::Shape,
};

/// The media types that a request body can have.
const SENT: [&str; 5] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "application/octet-stream",
    "text/plain",
    "text/x-markdown",
];

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for body in context.objects.all(Shape::RequestBody) {
        sent(context, body, findings);
    }
    for response in context.objects.all(Shape::Response) {
        for (name, entry) in response.get("content").into_iter().flat_map(Node::entries) {
            if is_json(name) {
                has_schema(entry, true, findings);
            }
        }
    }
    for operation in context.operations() {
        answered(context, &operation, findings);
    }
}

/// Any media type.
pub(crate) const ANY: &str = "*/*";

/// The media type of a request body whose documented media type is `*/*`.
pub(crate) fn of_any(is_text: bool) -> &'static str {
    if is_text { "application/octet-stream" } else { "application/json" }
}

/// Keys of schemas whose values are no texts.
pub(crate) const STRUCTURE: [&str; 6] = ["properties", "additionalProperties", "items", "allOf", "oneOf", "anyOf"];

fn is_text(schema: &Node) -> bool {
    let has_structure = || STRUCTURE.iter().any(|key| schema.get(key).is_some());
    schema.get("type").map_or_else(|| !has_structure(), |of| of.text() == Some("string"))
}

/// The media type of a request body: JSON if the document has it, else the first supported one.
pub(crate) fn taken<'a>(media_types: &[&'a str]) -> Option<&'a str> {
    let is_sent = |name: &&str| name.split(';').next().is_some_and(|bare| SENT.contains(&bare));
    let mut all = media_types.iter().copied();
    media_types.iter().copied().find(|name| is_json(name)).or_else(|| all.find(is_sent))
}

/// Whether a body of this media type is read as JSON.
pub(crate) fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type.starts_with("application/json;")
}

fn unsupported(place: Place, media_type: &str, instead: &str) -> Finding {
    Finding::new(
        "unsupported-media-type",
        place,
        format!("{media_type} is not known to the generator"),
        format!("write {instead}"),
    )
}

fn has_schema(Entry { key, value, .. }: &Entry, has_json: bool, findings: &mut Vec<Finding>) {
    if value.get("schema").is_none() && value.map().is_some() {
        let finding =
            Finding::new("missing-schema", *key, "this does not say what the body holds", "write schema: below it");
        // The body takes any JSON: see adapt/open.rs.
        findings.push(Finding { level: if has_json { Level::Warning } else { Level::Error }, ..finding });
    }
    if let Some(entry) = value.entry("encoding") {
        findings.push(Finding::new(
            "unsupported-encoding",
            entry.key,
            "nothing here can send or read an encoding of its own",
            "leave encoding: out",
        ));
    }
}

fn sent(context: &Context<'_>, body: &Node, findings: &mut Vec<Finding>) {
    let Some(bodies) = body.entry("content") else { return };
    let names: Vec<&str> = bodies.value.entries().map(|(name, _)| name).collect();
    let taken = taken(&names);
    let first = bodies.value.entries().find(|(name, _)| Some(*name) == taken);
    let Some((name, entry)) = first.or_else(|| bodies.value.entries().next()) else {
        if bodies.value.map().is_some() {
            findings.push(Finding::new(
                "missing-media-type",
                bodies.key,
                "this body has no media type",
                "write application/json: with a schema: below it, or remove the body",
            ));
        }
        return;
    };
    if let Some((_, other)) = bodies.value.entries().find(|(other, _)| *other != name).filter(|_| taken.is_some()) {
        // See adapt/open.rs.
        findings.push(Finding::warning(
            "several-media-types",
            other.key,
            format!("this body could be sent as one thing or another, and {name} is taken"),
            "keep one media type",
        ));
    }
    let mut bare = name.split(';').next().unwrap_or_default();
    if bare == ANY {
        // See adapt/open.rs.
        let schema = entry.value.get("schema").and_then(|schema| context.resolved(schema));
        bare = of_any(schema.is_none_or(is_text));
        findings.push(Finding::warning(
            "unsupported-media-type",
            entry.key,
            format!("{ANY} is any media type, and {bare} is sent"),
            "write the media type that the server reads",
        ));
    }
    if !SENT.contains(&bare) {
        findings.push(unsupported(entry.key, name, &SENT.join(", or ")));
        return;
    }
    has_schema(entry, is_json(bare), findings);
    if bare == "application/x-www-form-urlencoded" {
        form(context, entry, findings);
    }
    let wanted = match bare {
        "application/octet-stream" => Some("binary"),
        "text/plain" | "text/x-markdown" => None,
        _ => return,
    };
    let Some(schema) = entry.value.get("schema").and_then(|schema| context.resolved(schema)) else { return };
    let is_plain = schema.text_of("type") == Some("string")
        && schema.text_of("format") == wanted
        && schema.entries().all(|(key, _)| {
            matches!(key, "type" | "format" | "title" | "description" | "example") || key.starts_with("x-")
        });
    if !is_plain {
        let format = wanted.map(|format| format!(" and format: {format}")).unwrap_or_default();
        let finding = Finding::new(
            "plain-body",
            schema.place,
            format!("a body of {bare} is sent as it is, and cannot be held against this"),
            format!("write type: string{format}, and nothing else"),
        );
        // The crate sends texts and bytes without looking at their content: see adapt/open.rs.
        let level = if is_text(schema) { Level::Warning } else { Level::Error };
        findings.push(Finding { level, ..finding });
    }
}

/// Reports a form with values that are no texts.
fn form(context: &Context<'_>, entry: &Entry, findings: &mut Vec<Finding>) {
    let Some(schema) = entry.value.get("schema").and_then(|schema| context.resolved(schema)) else { return };
    let deep = schema.get("properties").into_iter().flat_map(Node::entries).find(|(_, property)| {
        let of = context.resolved(&property.value).and_then(|property| property.text_of("type"));
        matches!(of, Some("array" | "object"))
    });
    let place = match deep {
        Some((_, property)) => property.key,
        None if schema.get("properties").is_none() => schema.place,
        None => return,
    };
    findings.push(Finding::new(
        "form-body",
        place,
        "a form has fields with one text each, and cannot hold this",
        "write type: object with properties: of type string, integer, number or boolean, or send application/json",
    ));
}

fn answered(context: &Context<'_>, operation: &Described<'_>, findings: &mut Vec<Finding>) {
    let Some(responses) = operation.node.entry("responses") else { return };
    if let Some(body) = operation.node.entry("requestBody").filter(|_| matches!(operation.method, "get" | "head")) {
        findings.push(Finding::new(
            "unexpected-body",
            body.key,
            format!("a {} has no body: servers ignore it", operation.method.to_uppercase()),
            "send it in parameters:, or make the operation a post",
        ));
    }
    let (mut has_error, mut has_success, mut has_default) = (false, false, false);
    let mut shapes: BTreeMap<String, Place> = BTreeMap::new();
    let mut other = None;
    for (status, entry) in responses.value.entries().filter(|(status, _)| !status.starts_with("x-")) {
        match class(status) {
            Some('2') => {
                has_success = true;
                findings
                    .extend(context.resolved(&entry.value).and_then(|response| response.get("content")).and_then(read));
                let shape = shape(context, &entry.value);
                if !shapes.is_empty() && !shapes.contains_key(&shape) {
                    other = other.or(Some(entry.key));
                }
                shapes.entry(shape).or_insert(entry.key);
            }
            Some('d') => (has_error, has_default) = (true, true),
            Some('4' | '5') => has_error = true,
            // adapt/responses.rs removes the body.
            Some('1') => findings.push(Finding::warning(
                "status-code",
                entry.key,
                format!("{status} is no answer yet, and nothing waits for it"),
                "leave it out",
            )),
            Some(_) => {}
            None => findings.push(Finding::new(
                "status-code",
                entry.key,
                format!("{status} is no status"),
                "write three digits such as '400', a class such as '4XX', or default",
            )),
        }
    }
    // An optional body becomes an Option: see adapt/responses.rs.
    let is_optional = shapes.len() == 2 && shapes.contains_key("") && !shapes.contains_key(RAW);
    if let Some(place) = other.filter(|_| !is_optional) {
        let help = if shapes.contains_key(RAW) {
            "this is not supported: leave the operation out, and send it with Session::request"
        } else {
            "give both the same schema, such as a oneOf: of the two"
        };
        findings.push(Finding::new(
            "several-success-shapes",
            place,
            "this success has another body than the one before it, and a call answers with one type",
            help,
        ));
    }
    if responses.value.map().is_none() {
        return;
    }
    if !has_error {
        // Without a documented error, the caller gets every error response as it is.
        findings.push(Finding::warning(
            "no-error-response",
            responses.key,
            "no answer is documented for an error",
            "write '400': with its description and content",
        ));
    }
    // Without a documented success, `default` is also the success.
    if !has_success && !has_default {
        // Without a documented success, every 2xx is a success, and its body is not read.
        findings.push(Finding::warning(
            "no-success-response",
            responses.key,
            "no answer is documented for a success",
            "write '200': with its description and content",
        ));
    }
}

/// The finding for the media types of a success. An error may have any JSON (see adapt/responses.rs).
fn read(content: &Node) -> Option<Finding> {
    let other_json = |name: &str| name.split(';').next().is_some_and(|name| name.trim().ends_with("+json"));
    // If JSON is one of several media types, the client requests JSON.
    if content.entries().any(|(name, _)| is_json(name)) {
        return None;
    }
    if let Some((name, media)) = content.entries().find(|(name, _)| other_json(name)) {
        return Some(unsupported(media.key, name, "application/json"));
    }
    None
}

/// The first digit of a status, or `d` for `default`.
pub(crate) fn class(status: &str) -> Option<char> {
    let first = status.chars().next()?;
    let rest = status.get(1..)?;
    let is_code = rest.len() == 2 && rest.chars().all(|letter| letter.is_ascii_digit());
    match status {
        "default" => Some('d'),
        _ if ('1'..='5').contains(&first) && (is_code || rest == "XX") => Some(first),
        _ => None,
    }
}

/// The shape of a body that is not JSON.
const RAW: &str = "raw";

/// A text that is equal for responses with equal bodies.
fn shape(context: &Context<'_>, response: &Node) -> String {
    let Some(bodies) = context.resolved(response).and_then(|response| response.get("content")) else {
        return String::new();
    };
    match bodies.entries().find(|(name, _)| is_json(name)) {
        Some((_, Entry { value: Node { kind: Kind::Map(media), .. }, .. })) => {
            media.get("schema").map(|schema| schema.value.value().to_string()).unwrap_or_default()
        }
        _ if bodies.entries().next().is_none() => String::new(),
        _ => RAW.to_owned(),
    }
}
