//! Secrets: values that the document must mark as secret, and values that cannot be secret.
//!
//! Only `format: password` keeps a value from being printed. A property with the name of a secret must have this
//! format, contain a value that has it, or have `x-secret: false`. A parameter with such a name must move to the body
//! or have `x-secret: false`.
//!
//! A doubtful name counts as a secret: `secretId`, `tokenUrl` or `passwordHint` may hold a credential. Three things
//! show that a value is no secret: a name (`ABOUT`), a format (`PLAIN`) or a list of known values. Page cursors
//! (`CURSORS`) and the `key` of a pair are no secrets either.

use std::collections::BTreeSet;

use super::{
    super::{
        finding::{Finding, Place},
        load::Node,
    },
    Context, names, parts, resolved,
    shape::Shape,
};

/// Words that mark a secret anywhere in a name.
const PARTS: [&str; 8] = ["password", "passwd", "passphrase", "passcode", "secret", "token", "credential", "apikey"];
/// Words that mark a secret at the end of a name: in `apiKey`, but not in `keyValuePair`.
const WORDS: [&str; 7] = ["key", "pwd", "pin", "puk", "otp", "bearer", "authorization"];
/// Words before `key` that make it public.
const OPEN_KEYS: [&str; 5] = ["public", "idempotency", "sort", "partition", "foreign"];
/// Words before `token` or `key` that mark the start of the next page of a list.
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
/// Last words of names that describe a secret but do not hold it.
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
/// Words that may follow the last word: `tokenExpiresIn`, but not `passwordIn`.
const AFTER: [&str; 3] = ["in", "at", "on"];
/// Formats of texts that are never secrets.
const PLAIN: [&str; 2] = ["date", "date-time"];

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for schema in context.objects.all(Shape::Schema) {
        format(schema, findings);
        spelling(schema, findings);
        for (name, entry) in schema.get("properties").into_iter().flat_map(Node::entries) {
            property(context.document, name, entry.key, &entry.value, findings);
        }
    }
    // `x-secret` is also read beside a `$ref`.
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

/// Reports a parameter that is a secret or has the name of one.
pub(super) fn parameter(document: &Node, parameter: &Node, findings: &mut Vec<Finding>) {
    let (Some(name), Some(schema)) = (parameter.get("name"), parameter.get("schema")) else { return };
    let text = name.text().unwrap_or_default();
    let printed = "a parameter is printed with the URL or the headers";
    if is_secret(document, schema, 0) {
        findings.push(Finding::new(
            "secret-parameter",
            name.place,
            format!("the parameter {text} is a secret, and {printed}"),
            "send a secret in the body",
        ));
    } else if let Some(word) = secret_word(text)
        && ![parameter, schema].into_iter().any(|declared| is_declared(document, declared))
        && Held::of(document, schema).text
    {
        findings.push(Finding::new(
            "secret-parameter",
            name.place,
            format!("the parameter {text} says {word}, and {printed}"),
            "send a secret in the body, or write x-secret: false beside the name if it is none",
        ));
    }
}

/// Whether this node or its target has `x-secret`. Another finding reports a value other than `false`.
fn is_declared(document: &Node, node: &Node) -> bool {
    let says_so = |node: &Node| node.get("x-secret").is_some();
    says_so(node) || resolved(document, node).is_some_and(says_so)
}

/// Reports an `x-secret` with a value other than `false`.
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
    // Another known type. An unknown type has its own finding.
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

/// The word for a secret in a name such as `newPassword`, `accesstoken` or `api_key2`; `None` for `tokenType`.
fn secret_word(name: &str) -> Option<&'static str> {
    use heck::ToSnakeCase as _;
    let name = name.to_snake_case();
    let words = name.split('_').map(|word| word.trim_end_matches(|letter: char| letter.is_ascii_digit()));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let speaks_about = |word: &&str| ABOUT.contains(word);
    match words.as_slice() {
        [.., before, last] if AFTER.contains(last) && speaks_about(before) => return None,
        [.., last] if speaks_about(last) => return None,
        // The key of a pair, as in `{key, value}`.
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

/// What a schema contains, at any depth.
#[derive(Default)]
struct Held {
    text: bool,
    secret: bool,
    /// Whether a property inside the schema holds the text.
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
