//! Secrets: what has to be marked as one, and what cannot be.
//!
//! `format: password` is all that keeps a value from being printed. A property whose name says secret has it, or says
//! `x-secret: false`.

use super::{
    super::{finding::Finding, load::Node},
    Context, resolved,
    shape::Shape,
};

/// Words in a name that say that its value is a secret.
const WORDS: [&str; 9] =
    ["password", "passwd", "passphrase", "passcode", "secret", "token", "credential", "apikey", "key"];
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

/// The word that says secret in a name such as `newPassword`, `api_key` or `tokenValue`; none in `tokenType`.
fn secret_word(name: &str) -> Option<&'static str> {
    use heck::ToSnakeCase as _;
    let name = name.to_snake_case();
    let words: Vec<&str> = name.split('_').map(|word| word.strip_suffix('s').unwrap_or(word)).collect();
    if words.last().is_some_and(|last| ABOUT.contains(last)) {
        return None;
    }
    // A key is a secret where the name says of what: apiKey, privateKey, and not keyValuePair.
    let said = |word: &&&str| match **word {
        "key" => words.last() == Some(&"key") && words.len() > 1,
        other => words.contains(&other),
    };
    WORDS.iter().find(said).copied()
}

/// Whether a schema holds texts: itself, or in a list or a map.
fn holds_text(document: &Node, schema: &Node, depth: usize) -> bool {
    let Some(schema) = resolved(document, schema).filter(|_| depth < 16) else { return false };
    schema.text_of("type") == Some("string")
        || ["items", "additionalProperties"]
            .iter()
            .any(|key| schema.get(key).is_some_and(|inner| holds_text(document, inner, depth + 1)))
}

/// Whether a schema is a secret, or a list or a map of secrets.
pub(crate) fn is_secret(document: &Node, schema: &Node, depth: usize) -> bool {
    let Some(schema) = resolved(document, schema).filter(|_| depth < 16) else { return false };
    schema.text_of("format").is_some_and(|format| format.eq_ignore_ascii_case("password"))
        || ["items", "additionalProperties"]
            .iter()
            .any(|key| schema.get(key).is_some_and(|inner| is_secret(document, inner, depth + 1)))
}
