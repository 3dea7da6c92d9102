//! Secrets: what has to be marked as one, and what cannot be.
//!
//! `format: password` is all that keeps a value from being printed. A property whose name says secret has it, holds
//! something that has it, or says `x-secret: false`. A parameter whose name says so is sent in the body instead, or says
//! `x-secret: false`.
//!
//! The doubt is the secret's: a name may say `secretId`, `tokenUrl` or `passwordHint` and hold what opens a door. Only
//! where a name (`ABOUT`), a format (`PLAIN`) or a list of known values says that the value is another thing, nobody is
//! asked. Nor is it of where a page of a list begins (`CURSORS`), or of the `key` of a pair.

use std::collections::BTreeSet;

use super::{
    super::{
        finding::{Finding, Place},
        load::Node,
    },
    Context, names, parts, resolved,
    shape::Shape,
};

/// What says, anywhere in a name, that its value is a secret.
const PARTS: [&str; 8] = ["password", "passwd", "passphrase", "passcode", "secret", "token", "credential", "apikey"];
/// What says so as the last word of a name: `apiKey`, and not `keyValuePair`.
const WORDS: [&str; 7] = ["key", "pwd", "pin", "puk", "otp", "bearer", "authorization"];
/// The words before `key` that make it public.
const OPEN_KEYS: [&str; 5] = ["public", "idempotency", "sort", "partition", "foreign"];
/// What says before `token` or `key` that it is where the next page of a list begins.
const CURSORS: [&str; 13] = [
    "page",
    "pagination",
    "paging",
    "cursor",
    "next",
    "previous",
    "prev",
    "continuation",
    "continue",
    "start",
    "offset",
    "evaluated",
    "sync",
];
/// A last word after which a name speaks of the secret, and does not hold it.
const ABOUT: [&str; 24] = [
    "type",
    "name",
    "expiry",
    "expires",
    "expired",
    "expiration",
    "created",
    "issued",
    "changed",
    "updated",
    "valid",
    "count",
    "length",
    "size",
    "status",
    "state",
    "date",
    "time",
    "age",
    "scope",
    "policy",
    "version",
    "required",
    "enabled",
];
/// What may stand after such a word: `tokenExpiresIn`, and not `passwordIn`.
const AFTER: [&str; 3] = ["in", "at", "on"];
/// Texts that are no secret, whatever they are called.
const PLAIN: [&str; 2] = ["date", "date-time"];

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for schema in context.objects.all(Shape::Schema) {
        format(schema, findings);
        spelling(schema, findings);
        for (name, entry) in schema.get("properties").into_iter().flat_map(Node::entries) {
            property(context.document, name, entry.key, &entry.value, findings);
        }
    }
    // Beside a $ref, too: there it is read.
    let references = context.objects.references.iter().map(|(_, node)| *node);
    for node in context.objects.all(Shape::Parameter).chain(references) {
        spelling(node, findings);
    }
}

fn property(document: &Node, name: &str, key: Place, schema: &Node, findings: &mut Vec<Finding>) {
    let Some(word) = secret_word(name).filter(|_| !is_declared(document, schema)) else { return };
    let found = Held::of(document, schema);
    if !found.text || found.secret {
        return;
    }
    let help = if found.is_inside {
        "write format: password below what is secret in it, or x-secret: false below its name if nothing is"
    } else {
        "write format: password below it, or x-secret: false if it is no secret"
    };
    let says = format!("{name} says {word}, and would be printed");
    let (place, message) = match names::misspelt(schema, "x-secret") {
        Some((key, place)) => (place, format!("{key} is not read: {says}")),
        None => (key, says),
    };
    findings.push(Finding::new("unmarked-secret", place, message, help));
}

/// A parameter that is a secret, or whose name says so.
pub(super) fn parameter(document: &Node, parameter: &Node, findings: &mut Vec<Finding>) {
    let (Some(name), Some(schema)) = (parameter.get("name"), parameter.get("schema")) else { return };
    let text = name.text().unwrap_or_default();
    let told = "a parameter is printed with the URL or the headers";
    if is_secret(document, schema, 0) {
        findings.push(Finding::new(
            "secret-parameter",
            name.place,
            format!("the parameter {text} is a secret, and {told}"),
            "send a secret in the body",
        ));
    } else if let Some(word) = secret_word(text)
        && ![parameter, schema].into_iter().any(|declared| is_declared(document, declared))
        && Held::of(document, schema).text
    {
        findings.push(Finding::new(
            "secret-parameter",
            name.place,
            format!("the parameter {text} says {word}, and {told}"),
            "send a secret in the body, or write x-secret: false beside the name if it is none",
        ));
    }
}

/// Whether `x-secret` stands here or where this leads to. What it says, if that is not false, is told of by itself.
fn is_declared(document: &Node, node: &Node) -> bool {
    let says_so = |node: &Node| node.get("x-secret").is_some();
    says_so(node) || resolved(document, node).is_some_and(says_so)
}

/// `x-secret` says that something is no secret, and nothing else.
fn spelling(node: &Node, findings: &mut Vec<Finding>) {
    if let Some(stated) = node.get("x-secret").filter(|stated| stated.value() != false) {
        findings.push(Finding::new(
            "secret-spelling",
            stated.place,
            "x-secret hides nothing: false is all that it can say",
            "write format: password for a secret, x-secret: false for what only sounds like one",
        ));
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

/// The word that says secret in a name such as `newPassword`, `accesstoken` or `api_key2`; none in `tokenType`.
fn secret_word(name: &str) -> Option<&'static str> {
    use heck::ToSnakeCase as _;
    let name = name.to_snake_case();
    let words = name.split('_').map(|word| word.trim_end_matches(|letter: char| letter.is_ascii_digit()));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let speaks_about = |word: &&str| ABOUT.contains(word);
    match words.as_slice() {
        [.., before, last] if AFTER.contains(last) && speaks_about(before) => return None,
        [.., last] if speaks_about(last) => return None,
        // One of a pair, as in `{key, value}`.
        ["key" | "keys"] => return None,
        [.., before, "token" | "tokens" | "key" | "keys"] if CURSORS.contains(before) => return None,
        [.., before, "key" | "keys"] if OPEN_KEYS.contains(before) => return None,
        _ => {}
    }
    let (last, joined) = (words.last()?, words.concat());
    let is_last = |word: &str| last.strip_suffix('s').unwrap_or(last) == word;
    let word = WORDS.iter().find(|word| is_last(word));
    word.or_else(|| PARTS.iter().find(|part| joined.contains(**part))).copied()
}

/// What there is in a schema, at any depth.
#[derive(Default)]
struct Held {
    text: bool,
    secret: bool,
    /// Whether the text is in a property of its own.
    is_inside: bool,
}

impl Held {
    fn of<'a>(document: &'a Node, schema: &'a Node) -> Self {
        let (mut held, mut seen, mut next) = (Self::default(), BTreeSet::new(), vec![(schema, false)]);
        while let Some((schema, is_inside)) = next.pop() {
            let Some(schema) = resolved(document, schema).filter(|schema| seen.insert(schema.place)) else { continue };
            let format = schema.text_of("format").unwrap_or_default();
            if schema.text_of("type") == Some("string") && schema.get("enum").is_none() && !PLAIN.contains(&format) {
                held.text = true;
                held.is_inside |= is_inside;
            }
            held.secret |= format.eq_ignore_ascii_case("password");
            let values = ["items", "additionalProperties"].into_iter().filter_map(|key| schema.get(key));
            next.extend(parts(schema).chain(values).map(|inner| (inner, is_inside)));
            let fields = schema.get("properties").into_iter().flat_map(Node::entries);
            next.extend(fields.map(|(_, field)| (&field.value, true)));
        }
        held
    }
}

/// Whether a schema is a secret, or a list or a map of secrets.
pub(crate) fn is_secret(document: &Node, schema: &Node, depth: usize) -> bool {
    let Some(schema) = resolved(document, schema).filter(|_| depth < 16) else { return false };
    schema.text_of("format").is_some_and(|format| format.eq_ignore_ascii_case("password"))
        || ["items", "additionalProperties"]
            .iter()
            .any(|key| schema.get(key).is_some_and(|inner| is_secret(document, inner, depth + 1)))
}
