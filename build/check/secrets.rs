//! Secrets: what has to be marked as one, and what cannot be.
//!
//! `format: password` is all that keeps a value from being printed. A property whose name says secret has it, or says
//! `x-secret: false`.

use super::{
    super::{finding::Finding, load::Node},
    Context, resolved,
    shape::Shape,
};

/// What says, anywhere in a name, that its value is a secret.
const PARTS: [&str; 8] = ["password", "passwd", "passphrase", "passcode", "secret", "token", "credential", "apikey"];
/// What says so as a word of its own.
const WORDS: [&str; 6] = ["key", "pwd", "pin", "otp", "bearer", "authorization"];
/// A last word after which a name speaks of the secret, and does not hold it.
const ABOUT: [&str; 22] = [
    "type",
    "id",
    "name",
    "expiry",
    "expires",
    "expiration",
    "count",
    "length",
    "size",
    "status",
    "state",
    "date",
    "time",
    "at",
    "in",
    "url",
    "uri",
    "scope",
    "policy",
    "hint",
    "version",
    "required",
];

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for schema in context.objects.all(Shape::Schema) {
        format(schema, findings);
        for (name, entry) in schema.get("properties").into_iter().flat_map(Node::entries) {
            let Some(word) = secret_word(name) else { continue };
            let is_declared = entry.value.get("x-secret").is_some();
            if is_declared
                || !holds_text(context.document, &entry.value, 0)
                || is_secret(context.document, &entry.value, 0)
            {
                continue;
            }
            findings.push(Finding::new(
                "unmarked-secret",
                entry.key,
                format!("{name} says {word}, and would be printed"),
                "write format: password below it, or x-secret: false if it is no secret",
            ));
        }
    }
}

fn format(schema: &Node, findings: &mut Vec<Finding>) {
    let Some(format) = schema.get("format") else { return };
    let text = format.text().unwrap_or_default();
    if !text.eq_ignore_ascii_case("password") {
        return;
    }
    if text != "password" {
        findings.push(Finding::new(
            "secret-spelling",
            format.place,
            format!("format: {text} hides nothing"),
            "write format: password",
        ));
    }
    let of = schema.get("type");
    // Another type that there is; one that there is not is told of by itself.
    let is_other = |of: &Node| of.text().is_some_and(|of| of != "string" && super::schemas::TYPES.contains(&of));
    if of.is_none_or(is_other) {
        findings.push(Finding::new(
            "secret-type",
            of.map_or(format.place, |of| of.place),
            "format: password belongs to a text",
            "write type: string beside it",
        ));
    }
    if let Some(default) = schema.entry("default") {
        findings.push(Finding::new(
            "secret-default",
            default.key,
            "a secret that stands in this file is none",
            "remove default:, or format: password",
        ));
    }
    if let Some(values) = schema.entry("enum") {
        findings.push(Finding::new(
            "secret-type",
            values.key,
            "a secret that is one of a few known values is none",
            "remove enum:, or format: password",
        ));
    }
}

/// The word that says secret in a name such as `newPassword`, `accesstoken`, `api_key2` or `key`; none in `tokenType`.
fn secret_word(name: &str) -> Option<&'static str> {
    use heck::ToSnakeCase as _;
    let name = name.to_snake_case();
    let letters = |word: &str| word.trim_end_matches(|letter: char| letter.is_ascii_digit()).to_owned();
    let words: Vec<String> = name.split('_').map(letters).filter(|word| !word.is_empty()).collect();
    let last = words.last()?;
    if ABOUT.contains(&last.as_str()) {
        return None;
    }
    let joined = words.concat();
    // A key is a secret where it ends the name: apiKey, privateKey, and not keyValuePair.
    let is_last = |word: &str| last.strip_suffix('s').unwrap_or(last) == word;
    let word = WORDS.iter().find(|word| is_last(word));
    word.or_else(|| PARTS.iter().find(|part| joined.contains(**part))).copied()
}

/// Whether a schema holds texts: itself, or in a list or a map.
fn holds_text(document: &Node, schema: &Node, depth: usize) -> bool {
    let Some(schema) = resolved(document, schema).filter(|_| depth < 16) else { return false };
    let parts = ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key)).flat_map(Node::items);
    let inner = ["items", "additionalProperties"].into_iter().filter_map(|key| schema.get(key));
    schema.text_of("type") == Some("string")
        || parts.into_iter().chain(inner).any(|inner| holds_text(document, inner, depth + 1))
}

/// Whether a schema is a secret, or a list or a map of secrets.
pub(crate) fn is_secret(document: &Node, schema: &Node, depth: usize) -> bool {
    let Some(schema) = resolved(document, schema).filter(|_| depth < 16) else { return false };
    schema.text_of("format").is_some_and(|format| format.eq_ignore_ascii_case("password"))
        || ["items", "additionalProperties"]
            .iter()
            .any(|key| schema.get(key).is_some_and(|inner| is_secret(document, inner, depth + 1)))
}
