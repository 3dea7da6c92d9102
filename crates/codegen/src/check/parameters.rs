//! Checks the parameters of operations.

use std::collections::BTreeSet;

use super::{
    super::{
        finding::{Finding, Level, Place},
        load::Node,
    },
    Context, Described, arguments, names, secrets,
    shape::Shape,
};

/// The methods that every builder of a call has.
const TAKEN: [&str; 3] = ["new", "send", "header_map"];
/// The further methods of a builder with a body.
const TAKEN_BY_BODY: [&str; 2] = ["body", "body_map"];
/// Headers that a parameter cannot set: OpenAPI ignores such a parameter, or the facade sets the header.
const HEADERS: [&str; 5] = ["accept", "content-type", "authorization", "content-length", "host"];

/// Whether OpenAPI ignores a header parameter of this name, because security and content types determine the header.
pub(crate) fn is_ignored(header: &str) -> bool {
    HEADERS.iter().take(3).any(|known| known.eq_ignore_ascii_case(header))
}

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for parameter in context.objects.all(Shape::Parameter) {
        alone(context, parameter, findings);
    }
    for operation in context.operations() {
        together(context, &operation, findings);
    }
}

/// The help where the server determines the name.
const WIRE: &str = "leave one out that is not required: its name is the server's, and a request that has to have it goes \
                    through Session::request";

/// The help for what cannot be generated.
const BY_HAND: &str = "this is not supported: leave the operation out, and send it with Session::request";

/// The help for a list that is sent as one text.
fn joined(by: &str) -> String {
    format!(
        "write type: string instead of the list, and say in description: that {by} stand between the items; leaving \
         this out would send something else"
    )
}

/// Checks a parameter independently of its operation.
fn alone<'a>(context: &Context<'a>, parameter: &'a Node, findings: &mut Vec<Finding>) {
    let Some(within) = parameter.get("in").filter(|within| within.text().is_some()) else { return };
    let usual = match within.text().unwrap_or_default() {
        "path" | "header" => "simple",
        "query" => "form",
        other => {
            let message = if other == "cookie" {
                "a parameter in a cookie cannot be sent".to_owned()
            } else {
                format!("there are no parameters in {other:?}")
            };
            let near = names::nearest(other, ["path", "query", "header"]);
            let help = near.map(|near| format!("did you mean {near}? Write path, query or header"));
            let help = help.unwrap_or_else(|| "write path, query or header".to_owned());
            findings.push(Finding::new("parameter-place", within.place, message, help));
            return;
        }
    };
    if let Some(style) = parameter.get("style").filter(|style| style.text().is_some_and(|style| style != usual)) {
        let text = style.text().unwrap_or_default();
        let help = match (usual, text) {
            ("form", "spaceDelimited") => joined("spaces"),
            ("form", "pipeDelimited") => joined("bars"),
            // A server that expects this style does not understand a parameter sent without it.
            ("form", "deepObject") => {
                format!("{BY_HAND}; an object whose properties are known can be a parameter for each")
            }
            (_, "simple" | "form" | "label" | "matrix" | "spaceDelimited" | "pipeDelimited" | "deepObject") => {
                format!("{BY_HAND}; style: {usual} is another way of writing, which the server would have to read")
            }
            _ => format!("there is no such style: write style: {usual}, or leave it out"),
        };
        findings.push(Finding::new("parameter-style", style.place, "a parameter cannot be sent in this style", help));
    }
    let is_list = |schema| context.resolved(schema).is_some_and(|schema| schema.text_of("type") == Some("array"));
    if let Some(explode) = parameter.get("explode").filter(|explode| explode.value() == false)
        && parameter.get("schema").is_some_and(is_list)
    {
        findings.push(Finding::new(
            "parameter-style",
            explode.place,
            "a list is sent as a parameter for each of its items, and cannot be sent as one with commas in it",
            joined("commas"),
        ));
    }
    if let Some(within) = within.text() {
        arguments::check(context, parameter, within, findings);
    }
    if let Some(entry) = parameter.entry("content") {
        findings.push(Finding::new(
            "parameter-content",
            entry.key,
            "a parameter cannot be sent as a document of its own",
            "write schema: instead of content:",
        ));
    } else if parameter.get("schema").is_none() {
        findings.push(Finding::new(
            "missing-schema",
            parameter.place,
            "this parameter does not say what it holds",
            "write schema: with a type",
        ));
    }
    // A value that is no boolean has its own finding.
    let is_flag = parameter.get("required").is_none_or(|required| required.value().is_boolean());
    if within.text() == Some("path") && is_flag && !parameter.is("required") {
        findings.push(Finding::new(
            "optional-path-parameter",
            parameter.get("required").map_or(parameter.place, |required| required.place),
            "a parameter in the path cannot be left out",
            "write required: true",
        ));
    }
    let Some(name) = parameter.get("name") else { return };
    let text = name.text().unwrap_or_default();
    let is_header = |letter: char| letter.is_ascii_alphanumeric() || ['-', '_'].contains(&letter);
    if text.trim().is_empty() || within.text() == Some("header") && !text.chars().all(is_header) {
        findings.push(Finding::new(
            "parameter-name",
            name.place,
            format!("{text:?} is no name for a parameter"),
            "write letters, digits, - and _",
        ));
    }
    let session = context.document.pointer("/components/securitySchemes").into_iter().flat_map(Node::entries);
    let mut session = session.filter_map(|(_, scheme)| scheme.value.text_of("name"));
    let is_reserved = HEADERS.contains(&text.to_ascii_lowercase().as_str())
        || session.any(|header| header.eq_ignore_ascii_case(text));
    if within.text() == Some("header") && is_reserved {
        let finding = Finding::new(
            "reserved-header",
            name.place,
            format!("the header {text} is not the caller's to set"),
            "remove the parameter: credentials follow from security:, the rest from the body",
        );
        // OpenAPI ignores such a parameter: see adapt/open.rs.
        let level = if is_ignored(text) { Level::Warning } else { Level::Error };
        findings.push(Finding { level, ..finding });
    } else {
        secrets::parameter(context.document, parameter, findings);
    }
}

/// The parameters of an operation: those of its path, replaced by its own where both have one.
fn of<'a>(context: &Context<'a>, operation: &Described<'a>, findings: &mut Vec<Finding>) -> Vec<&'a Node> {
    let mut found: Vec<&Node> = Vec::new();
    for (level, of) in [operation.item, operation.node].into_iter().enumerate() {
        let mut level_seen = BTreeSet::new();
        let listed = of.get("parameters").map(Node::items).unwrap_or_default();
        for (written, parameter) in listed.iter().filter_map(|listed| Some((listed, context.resolved(listed)?))) {
            let Some(key) = parameter.text_of("name").zip(parameter.text_of("in")) else { continue };
            // A duplicate in the path item is reported once, with the first operation of the path.
            if !level_seen.insert(key) {
                findings.push(Finding::new(
                    "duplicate-parameter",
                    written.place,
                    format!("there is a parameter {} in {} already", key.0, key.1),
                    "remove one of the two",
                ));
                continue;
            }
            if level == 1 {
                found.retain(|known| known.text_of("name").zip(known.text_of("in")) != Some(key));
            }
            found.push(parameter);
        }
    }
    found
}

fn together(context: &Context<'_>, operation: &Described<'_>, findings: &mut Vec<Finding>) {
    let parameters = of(context, operation, findings);
    let place_of = |parameter: &Node| parameter.get("name").map_or(parameter.place, |name| name.place);
    let names: Vec<(&str, Place)> =
        parameters.iter().filter_map(|one| Some((one.text_of("name")?, place_of(one)))).collect();
    let in_path = parameters.iter().filter(|one| one.text_of("in") == Some("path"));
    let in_path: Vec<(&str, Place)> = in_path.filter_map(|one| Some((one.text_of("name")?, place_of(one)))).collect();

    let Some(wanted) = template(operation, findings) else { return };
    for name in wanted.iter().filter(|name| in_path.iter().all(|(known, _)| known != *name)) {
        findings.push(Finding::new(
            "undeclared-path-parameter",
            operation.path_key,
            format!("{} {} has no parameter {name}", operation.method.to_uppercase(), operation.path),
            format!("add to parameters: name: {name}, in: path, required: true and a schema:"),
        ));
    }
    for (name, place) in in_path.iter().filter(|(name, _)| !wanted.contains(name)) {
        findings.push(Finding::new(
            "unused-path-parameter",
            *place,
            format!("the path {} has no {{{name}}}", operation.path),
            format!("write {{{name}}} where it belongs in the path, or remove the parameter"),
        ));
    }
    let has_body = operation.node.get("requestBody").is_some();
    for (name, place) in &names {
        let rust = names::field_name(name);
        let taken = TAKEN.contains(&rust.as_str()) || has_body && TAKEN_BY_BODY.contains(&rust.as_str());
        if taken {
            findings.push(Finding::new(
                "colliding-parameters",
                *place,
                format!("a call has a method {rust} of its own"),
                WIRE,
            ));
        }
    }
    let mut seen: Vec<(&str, Place)> = Vec::new();
    for (name, place) in &names {
        if let Some((_, at)) = seen.iter().find(|(known, _)| known == name) {
            findings.push(Finding::new(
                "colliding-parameters",
                *place,
                format!("there is a parameter {name} in another place (line {}): both become one method", at.line),
                WIRE,
            ));
        }
        seen.push((name, *place));
    }
    names::collide("colliding-parameters", "method", names.into_iter(), names::field_name, WIRE, findings);
}

/// The names of the parameters in a path.
fn template<'a>(operation: &Described<'a>, findings: &mut Vec<Finding>) -> Option<Vec<&'a str>> {
    let mut names: Vec<&str> = Vec::new();
    let mut rest = operation.path;
    let braces = "write each parameter of the path as {name}, with a name of its own";
    let mut complain = |message: String, help: &str| {
        findings.push(Finding::new("path-template", operation.path_key, message, help));
        None
    };
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            return complain(format!("a {{ in {} has no }}", operation.path), braces);
        };
        if before.contains('}') || name.is_empty() || name.contains(['{', '/']) {
            return complain(format!("{} has braces that do not match", operation.path), braces);
        }
        if names.contains(&name) {
            return complain(format!("{} has {{{name}}} twice", operation.path), braces);
        }
        names.push(name);
        rest = after;
    }
    if rest.contains('}') {
        return complain(format!("a }} in {} has no {{", operation.path), braces);
    }
    let mut segments = operation.path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        // A slash at the end is allowed.
        if matches!(segment, "." | "..") || segment.is_empty() && segments.peek().is_some() {
            let message = format!("{} has a segment that is left out on the way", operation.path);
            return complain(message, "write the path without it");
        }
    }
    let strange = |letter: char| letter.is_whitespace() || letter.is_control() || ['%', '\\'].contains(&letter);
    if let Some(letter) = operation.path.chars().find(|letter| strange(*letter)) {
        let message = format!("{letter:?} in {} does not arrive as it is written", operation.path);
        return complain(message, "write the path without it");
    }
    if operation.path.contains(['?', '#']) {
        let message = format!("{} has more than a path in it", operation.path);
        return complain(message, "write what comes after the ? as parameters: with in: query");
    }
    Some(names)
}
