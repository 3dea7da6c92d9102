//! Compares everything outside of operations and schemas: info, servers, security schemes, and components by name.

use std::collections::BTreeMap;

use super::{
    bodies,
    change::Use,
    compare::{Comparison, Found, Pair, Pending, Subject, both, inner, same},
    operations, parameters,
    schemas::types::Site,
    uses::Uses,
};
use thingspace_codegen::{
    check::security::Schemes,
    load::{Entry, Node},
};

pub(super) fn compare(comparison: &mut Comparison<'_>) {
    let pair = comparison.documents;
    let here = subject("the document");
    comparison.keys(pair, &[("openapi", "openapi-version-changed"), ("externalDocs", "external-docs-changed")], &here);
    comparison.key(pair, "tags", ["tags-changed"; 3], &here);
    let known = ["openapi", "info", "servers", "paths", "components", "security", "tags", "externalDocs"];
    comparison.others(pair, &known, &here);
    if let Some(info) = inner(pair, "info") {
        let here = subject("info");
        comparison.keys(info, &[("version", "api-version-changed"), ("description", "description-changed")], &here);
        for key in ["title", "termsOfService", "contact", "license"] {
            comparison.key(info, key, ["info-changed"; 3], &here);
        }
        comparison.others(info, &["version", "description", "title", "termsOfService", "contact", "license"], &here);
    }
    if let Some(paths) = inner(pair, "paths") {
        let known: Vec<&str> = both(paths).map(|(path, _)| path).filter(|path| path.starts_with('/')).collect();
        comparison.others(paths, &known, &subject("paths"));
    }
    if let Some(components) = inner(pair, "components") {
        comparison.others(components, &COMPONENTS, &subject("components"));
    }
    servers(comparison);
    security_schemes(comparison);
    // Renamed schemas first: a reference to the new name is no change.
    schemas(comparison);
    operations::compare(comparison);
    comparison.rest();
    shared(comparison);
}

fn subject(name: &str) -> Subject {
    Subject { name: name.to_owned(), within: Use::default() }
}

/// The sections of `components`.
const COMPONENTS: [&str; 9] = [
    "schemas",
    "securitySchemes",
    "parameters",
    "requestBodies",
    "responses",
    "headers",
    "examples",
    "links",
    "callbacks",
];

/// Servers are matched by their environment, then by their URL.
fn servers(comparison: &mut Comparison<'_>) {
    let pair = comparison.documents;
    let (base, now) = (pair.base.get("servers"), pair.now.get("servers"));
    let (base, now) = (base.map(Node::items).unwrap_or_default(), now.map(Node::items).unwrap_or_default());
    let name = |server: &Node| server.text_of("x-environment").unwrap_or_default().to_owned();
    let mut left: Vec<&Node> = base.iter().collect();
    let mut take = |fits: &dyn Fn(&Node) -> bool| {
        let index = left.iter().position(|server| fits(server))?;
        Some(left.remove(index))
    };
    let mut matched: Vec<(&Node, Option<&Node>)> = Vec::new();
    for server in now {
        matched.push((server, take(&|known| name(known) == name(server))));
    }
    for (server, known) in matched.iter_mut().filter(|(_, known)| known.is_none()) {
        *known = take(&|known| known.text_of("url") == server.text_of("url"));
    }
    for (now, base) in &matched {
        let here = subject(&format!("the environment {}", name(now)));
        let Some(base) = *base else {
            comparison.tell("environment-added", (None, Some(now.place)), &here, "is new");
            continue;
        };
        let pair = Pair { base, now };
        comparison.key(pair, "url", ["server-url-changed"; 3], &here);
        comparison.key(pair, "x-environment", ["environment-renamed"; 3], &here);
        comparison.keys(pair, &[("description", "description-changed")], &here);
        comparison.others(pair, &["url", "x-environment", "description"], &here);
    }
    for server in left {
        let here = subject(&format!("the environment {}", name(server)));
        comparison.tell("environment-removed", (Some(server.place), None), &here, "is gone");
    }
    let (was, is) = (base.first(), matched.first());
    if let (Some(was), Some((is, of))) = (was, is)
        && of.is_none_or(|of| !std::ptr::eq(of, was))
    {
        let here = subject(&format!("the environment {}", name(is)));
        let places = (Some(was.place), Some(is.place));
        comparison.tell(
            "default-environment-changed",
            places,
            &here,
            format!("is the default, which was {}", name(was)),
        );
    }
}

fn security_schemes(comparison: &mut Comparison<'_>) {
    let pair = comparison.documents;
    let read = |document| Schemes::read(document, &mut Vec::new());
    let section = |document: &'_ Node| document.pointer("/components/securitySchemes").cloned();
    let (Some(base), Some(now)) = (read(pair.base), read(pair.now)) else {
        if let (Some(base), Some(now)) = (section(pair.base), section(pair.now))
            && !same(&base, &now)
        {
            let places = (Some(base.place), Some(now.place));
            comparison.tell("security-scheme-changed", places, &subject("the security schemes"), "differ");
        }
        return;
    };
    for (before, after, what) in [(base.access, now.access, "access"), (base.session, now.session, "session")] {
        let under = |document, name: &str| Node::pointer(document, "/components/securitySchemes")?.entry(name);
        let (Some(old), Some(new)) = (under(pair.base, before), under(pair.now, after)) else { continue };
        let here = subject(&format!("the security scheme {after}"));
        if before != after {
            let places = (Some(old.key), Some(new.key));
            comparison.tell(
                "security-scheme-renamed",
                places,
                &here,
                format!("stands for the {what} token, as {before} did"),
            );
        }
        scheme(comparison, Pair { base: &old.value, now: &new.value }, &here);
    }
    let (old, new) = (base.token_url, now.token_url);
    if !same(old, new) {
        let what = format!("is {}, which was {}", new.text().unwrap_or_default(), old.text().unwrap_or_default());
        comparison.tell("token-url-changed", (Some(old.place), Some(new.place)), &subject("the token URL"), what);
    }
}

fn scheme<'a>(comparison: &mut Comparison<'a>, pair: Pair<'a>, here: &Subject) {
    comparison.key(pair, "name", ["session-header-renamed"; 3], here);
    comparison.keys(pair, &[("description", "description-changed")], here);
    for key in ["type", "in", "scheme", "bearerFormat", "openIdConnectUrl"] {
        comparison.key(pair, key, ["security-scheme-changed"; 3], here);
    }
    let known = ["name", "description", "type", "in", "scheme", "bearerFormat", "openIdConnectUrl", "flows"];
    comparison.others(pair, &known, here);
    let flow = |node: &'a Node| node.pointer("/flows/clientCredentials");
    if let (Some(base), Some(now)) = (flow(pair.base), flow(pair.now)) {
        let flow = Pair { base, now };
        comparison.key(flow, "scopes", ["scopes-changed"; 3], here);
        for key in ["authorizationUrl", "refreshUrl"] {
            comparison.key(flow, key, ["security-scheme-changed"; 3], here);
        }
        comparison.others(flow, &["tokenUrl", "scopes", "authorizationUrl", "refreshUrl"], here);
    }
}

/// Compares the schemas under `components` by name. A new name with the same contents is a rename.
fn schemas(comparison: &mut Comparison<'_>) {
    let pair = comparison.documents;
    let (before, after) = (Uses::of(pair.base), Uses::of(pair.now));
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    for (name, found) in section(pair, "schemas") {
        match found {
            Found::Both(pair) => {
                let within = before.schema(name).and(after.schema(name));
                let subject = Subject { name: name.to_owned(), within };
                comparison.pending.push(Pending { pair, subject, site: Site::Component });
            }
            Found::Gone(entry) => gone.push((name, entry)),
            Found::New(entry) => new.push((name, entry)),
        }
    }
    let mut by_contents: BTreeMap<String, (&str, &Entry)> =
        gone.iter().map(|(name, entry)| (entry.value.value().to_string(), (*name, *entry))).collect();
    for (name, entry) in new {
        match by_contents.remove(&entry.value.value().to_string()) {
            Some((old, was)) => {
                comparison.renamed.insert(old, name);
                let what = format!("has the name {name}");
                comparison.tell("schema-renamed", (Some(was.key), Some(entry.key)), &subject(old), what);
            }
            None => {
                comparison.tell("schema-added", (None, Some(entry.key)), &subject(name), "is a new schema");
            }
        }
    }
    gone.retain(|(name, _)| !comparison.renamed.contains_key(name));
    for (name, entry) in gone {
        comparison.tell("schema-removed", (Some(entry.key), None), &subject(name), "is removed");
    }
}

/// Compares the rest of `components`. The parts that operations use are compared already.
fn shared(comparison: &mut Comparison<'_>) {
    for name in COMPONENTS.into_iter().filter(|name| !["schemas", "securitySchemes"].contains(name)) {
        for (key, found) in section(comparison.documents, name) {
            let here = subject(&format!("components/{name}/{key}"));
            match found {
                Found::New(_) => comparison.tell("component-added", found.places(), &here, "is new"),
                Found::Gone(_) => comparison.tell("component-removed", found.places(), &here, "is gone"),
                Found::Both(pair) => match name {
                    "parameters" => parameters::one(comparison, pair, &here),
                    "requestBodies" => bodies::request(comparison, pair, &here),
                    "headers" => bodies::header(comparison, pair, &here),
                    "responses" => bodies::answer(comparison, pair, &here),
                    "examples" if !same(pair.base, pair.now) => {
                        comparison.tell("example-changed", pair.places(), &here, "is another");
                    }
                    "links" if !same(pair.base, pair.now) => {
                        comparison.tell("links-changed", pair.places(), &here, "is another");
                    }
                    "callbacks" if !same(pair.base, pair.now) => {
                        comparison.tell("callbacks-changed", pair.places(), &here, "is another");
                    }
                    _ => {}
                },
            }
        }
    }
}

/// An entry of `components`, in one document or in both.
fn section<'a>(documents: Pair<'a>, name: &str) -> Vec<(&'a str, Found<'a>)> {
    let under = |document: &'a Node| document.get("components").and_then(|components| components.get(name));
    match (under(documents.base), under(documents.now)) {
        (Some(base), Some(now)) => both(Pair { base, now }).collect(),
        (Some(base), None) => base.entries().map(|(key, entry)| (key, Found::Gone(entry))).collect(),
        (None, Some(now)) => now.entries().map(|(key, entry)| (key, Found::New(entry))).collect(),
        (None, None) => Vec::new(),
    }
}
