//! Operations: their ids, methods, paths, and whether a request may be sent twice.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        finding::Finding,
        load::{Kind, Node},
    },
    Context, Described, names,
};

/// The generated client's own methods and fields.
const TAKEN: [&str; 10] =
    ["new", "new_with_client", "api_version", "baseurl", "client", "inner", "pre", "post", "exec", "clone"];

/// The types that the generated code of a call uses. Every operation becomes a type beside them.
const TAKEN_TYPES: [&str; 11] = [
    "ByteStream",
    "ClientHooks",
    "ClientInfo",
    "Error",
    "From",
    "OperationInfo",
    "Option",
    "RequestBuilderExt",
    "ResponseValue",
    "Result",
    "String",
];

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut ids = Vec::new();
    let given = context.operations().filter_map(|operation| operation.node.text_of("operationId"));
    let mut taken: BTreeSet<String> = given.map(names::field_name).collect();
    for operation in context.operations() {
        if operation.method == "trace" {
            findings.push(Finding::new(
                "trace-method",
                operation.method_key,
                "a client cannot send TRACE",
                "leave the operation out",
            ));
        }
        retry(&operation, findings);
        match operation.node.get("operationId").filter(|id| id.text().is_some_and(|text| !text.trim().is_empty())) {
            Some(id) => ids.push((id.text().unwrap_or_default(), id.place)),
            None if operation.node.get("operationId").is_some_and(|id| id.text().is_none()) => {}
            None => findings.push(Finding::new(
                "missing-operation-id",
                operation.method_key,
                "this operation has no name",
                format!("write operationId: with a name for the method, such as {}", suggested(&operation, &mut taken)),
            )),
        }
    }
    same_ids(&ids, findings);
    paths(context, findings);
}

fn same_ids(ids: &[(&str, super::super::finding::Place)], findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    for (id, place) in ids {
        if let Some(line) = seen.get(id) {
            findings.push(Finding::new(
                "duplicate-operation-id",
                *place,
                format!("the operation at line {line} is called {id}, too"),
                "give each operation a name of its own",
            ));
        }
        seen.entry(id).or_insert(place.line);
        let name = names::field_name(id);
        let builder = names::type_name(id);
        if TAKEN.contains(&name.as_str()) || TAKEN_TYPES.contains(&builder.as_str()) {
            findings.push(Finding::new(
                "reserved-operation-id",
                *place,
                format!("the client has a method {name}, or a type {builder}, of its own"),
                "give the operation another name",
            ));
        }
    }
    names::collide("colliding-operation-id", "method", ids.iter().copied(), names::field_name, names::RENAME, findings);
}

/// Reports a missing or wrong `x-retry`. An operation that changes nothing may omit it.
fn retry(operation: &Described<'_>, findings: &mut Vec<Finding>) {
    let Some(stated) = operation.node.get("x-retry") else {
        if !operation.is_safe() && operation.method != "trace" {
            let lacks = "this operation does not say whether it may be sent twice";
            let (place, message) = match names::misspelt(operation.node, "x-retry") {
                Some((key, place)) => (place, format!("{key} is not read, and {lacks}")),
                None => (operation.method_key, lacks.to_owned()),
            };
            findings.push(Finding::new("missing-retry", place, message, format!("write {RETRY}")));
        }
        return;
    };
    if stated.text().is_some_and(|text| RETRIES.contains(&text)) {
        return;
    }
    let help = match stated.text().and_then(|text| names::nearest(text, RETRIES)) {
        Some(near) => format!("did you mean {near}? Write {RETRY}"),
        None => format!("write {RETRY}"),
    };
    let message = format!("x-retry cannot be {}", shown(stated));
    findings.push(Finding::new("retry-value", stated.place, message, help));
}

/// The values of `x-retry`.
const RETRIES: [&str; 3] = ["always", "if-not-processed", "if-not-sent"];
const RETRY: &str = "x-retry: always (again after any passing failure), if-not-processed (only where the \
                          platform has not processed it) or if-not-sent (only where it never left the machine)";

/// A value for a message: the word or number itself, or the kind of a longer value.
fn shown(value: &Node) -> String {
    match &value.kind {
        Kind::Map(_) => "a map".to_owned(),
        Kind::List(_) => "a list".to_owned(),
        Kind::Scalar(value) if value.is_null() => "empty".to_owned(),
        Kind::Scalar(value) => value.as_str().map_or_else(|| value.to_string(), str::to_owned),
    }
}

/// Reports paths that differ only in the names of their parameters.
fn paths(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let paths = context.document.get("paths").into_iter().flat_map(Node::entries);
    for (path, entry) in paths.filter(|(path, _)| !path.starts_with("x-")) {
        if !path.starts_with('/') {
            findings.push(Finding::new(
                "path-slash",
                entry.key,
                "a path begins with a slash, and this would be left out",
                format!("write /{path}:"),
            ));
        }
        let bare: String = path
            .split('{')
            .map(|part| part.split_once('}').map_or(part, |(_, rest)| rest))
            .collect::<Vec<_>>()
            .join("{}");
        if let Some(line) = seen.get(&bare) {
            // Each operation still becomes a method of its own.
            findings.push(Finding::warning(
                "duplicate-path",
                entry.key,
                format!("this is the path at line {line} with other names in it"),
                "put the operations of both under one of them",
            ));
        }
        seen.entry(bare).or_insert(entry.key.line);
    }
}

/// A name that no operation has and no other finding suggests, made of the summary, or of method and path.
fn suggested(operation: &Described<'_>, taken: &mut BTreeSet<String>) -> String {
    use heck::ToLowerCamelCase as _;
    let summary = operation.node.text_of("summary").map(heck::ToLowerCamelCase::to_lower_camel_case);
    let path = format!("{} {}", operation.method, operation.path).to_lower_camel_case();
    let numbered = (2_usize..).map(|number| format!("{path}{number}"));
    let mut names = summary.into_iter().filter(|name| !name.is_empty()).chain([path.clone()]).chain(numbered);
    names.find(|name| taken.insert(names::field_name(name))).unwrap_or_default()
}
