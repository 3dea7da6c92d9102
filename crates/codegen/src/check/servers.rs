//! Checks the servers, whose URLs receive requests and credentials.

use super::{super::finding::Finding, Context, names};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(servers) = context.document.entry("servers").filter(|servers| !servers.value.items().is_empty()) else {
        let place = context.document.entry("servers").map_or(context.document.place, |servers| servers.key);
        findings.push(Finding::new(
            "no-server",
            place,
            "no server is named",
            "write servers: with the production one first, each with url: and x-environment:",
        ));
        return;
    };
    let mut seen: Vec<(String, u64)> = Vec::new();
    for server in servers.value.items() {
        if let Some((url, text)) = server.get("url").and_then(|url| Some((url, url.text()?)))
            && !is_secure(text)
        {
            let (message, help) = match text.strip_prefix("https://") {
                Some(rest) if rest.contains(['@', '?', '#']) => (
                    "this says more than where a server is, with an @, a ? or a #",
                    "write the address alone, as in https://api.example.com/path",
                ),
                _ => (
                    "credentials go to this server, and it is no https one",
                    "write an absolute https:// URL without {variables}",
                ),
            };
            findings.push(Finding::new("insecure-server", url.place, message, help));
        }
        let Some(name) = server.get("x-environment") else {
            let lacks = "this server has no name that a caller could choose it by";
            let (place, message) = match names::misspelt(server, "x-environment") {
                Some((key, place)) => (place, format!("{key} is not read, and {lacks}")),
                None => (server.place, lacks.to_owned()),
            };
            findings.push(Finding::new(
                "missing-environment",
                place,
                message,
                "write x-environment: with a name for it, such as production",
            ));
            continue;
        };
        let Some(variant) = name.text().map(names::capitalised).filter(|name| is_name(name)) else {
            findings.push(Finding::new(
                "environment-name",
                name.place,
                "x-environment becomes the name of a variant, and this is none",
                "use letters and digits, beginning with a letter",
            ));
            continue;
        };
        if let Some((_, line)) = seen.iter().find(|(known, _)| *known == variant) {
            findings.push(Finding::new(
                "duplicate-environment",
                name.place,
                format!("the server at line {line} has this name already"),
                "give each server a name of its own",
            ));
        }
        seen.push((variant, name.place.line));
    }
}

/// Whether a URL is absolute, encrypted and without variables.
pub(super) fn is_secure(url: &str) -> bool {
    let host = url.strip_prefix("https://").unwrap_or_default();
    !host.is_empty() && !host.starts_with('/') && !url.contains(['{', '}', '@', '?', '#', ' '])
}

fn is_name(text: &str) -> bool {
    syn::parse_str::<syn::Ident>(text).is_ok() && text.chars().all(|letter| letter.is_ascii_alphanumeric())
}
