//! Calls progenitor, and turns its failures into findings.

use std::{collections::BTreeSet, panic};

use progenitor::{GenerationSettings, HooksMode, InterfaceStyle};
use quote::quote;
use schemars::schema::{InstanceType, SchemaObject};

use super::{
    check,
    finding::{Finding, Place},
    load::{Entry, Kind, Node},
    schemas, stack,
};

/// Runs the steps from a document to code. progenitor panics on some documents, so a panic is reported like any other
/// error. progenitor also recurses into schemas, so the steps run on a large stack.
///
/// # Errors
///
/// An unforeseen failure: its reason, with the place of the operation or schema that causes it.
pub fn attempt<T: Send>(document: &Node, steps: impl Fn(&Node) -> Result<T, String> + Sync) -> Result<T, Vec<Finding>> {
    let guarded = |part: &Node| guarded(|| steps(part));
    guarded(document).map_err(|reason| {
        let (place, what) = culprit(document, |part| guarded(part).is_err());
        vec![Finding::new(
            "unsupported",
            place,
            format!("{what} cannot be turned into a client: {reason}"),
            "say the same in another way; what can be read is OpenAPI 3.0 as progenitor and typify understand it",
        )]
    })
}

fn guarded<T: Send>(work: impl FnOnce() -> Result<T, String> + Send) -> Result<T, String> {
    panic::set_hook(Box::new(|_| {}));
    let outcome = stack::deep(work);
    drop(panic::take_hook());
    match outcome {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(reason_of(&*panic).to_owned()),
        Err(error) => Err(format!("no thread could be started: {error}")),
    }
}

/// The settings for progenitor: builders, the crate's transport, and the crate's type of secrets.
pub fn settings() -> GenerationSettings {
    let mut settings = GenerationSettings::new();
    settings
        .with_interface(InterfaceStyle::Builder)
        .with_hooks(HooksMode::Expected)
        .with_inner_type(quote! { crate::transport::Transport })
        .with_derive(schemas::DERIVE)
        .with_conversion(secret(), "crate::Secret", std::iter::empty());
    settings
}

/// The schema of every secret.
fn secret() -> SchemaObject {
    SchemaObject {
        instance_type: Some(InstanceType::String.into()),
        format: Some("password".to_owned()),
        ..SchemaObject::default()
    }
}

fn reason_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it gives no reason")
}

/// The operation that causes a failure, or the schema if the document fails without operations.
fn culprit(document: &Node, is_bad: impl Fn(&Node) -> bool) -> (Place, String) {
    let bare = keep(document, "paths", |_| false);
    if is_bad(&bare) {
        if is_bad(&keep(&bare, "schemas", |_| false)) {
            return (document.place, "this document".to_owned());
        }
        let schemas = document.pointer("/components/schemas").into_iter().flat_map(Node::entries);
        for (name, entry) in schemas {
            let needed = closure(document, name);
            if is_bad(&keep(&bare, "schemas", |name| needed.contains(name))) {
                return (entry.key, format!("the schema {name}"));
            }
        }
        return (document.place, "this document".to_owned());
    }
    let mut suspects: Vec<_> = check::operations_of(document).collect();
    while suspects.len() > 1 {
        let half = suspects.split_off(suspects.len() / 2);
        let paths: BTreeSet<_> = suspects.iter().map(|operation| operation.path).collect();
        // The operations of one path stay together, in either half.
        if !is_bad(&keep(document, "paths", |path| paths.contains(path))) {
            suspects = half;
        }
    }
    suspects.first().map_or((document.place, "this document".to_owned()), |operation| {
        (operation.method_key, format!("{} {}", operation.method.to_uppercase(), operation.path))
    })
}

/// The document with a part of what is under a key, at the top or under `components`.
fn keep(document: &Node, under: &str, is_kept: impl Fn(&str) -> bool) -> Node {
    let mut document = document.clone();
    let mut holders = vec![&mut document];
    while let Some(Node { kind: Kind::Map(map), .. }) = holders.pop() {
        if map.contains_key(under) {
            if let Some(Entry { value: Node { kind: Kind::Map(kept), .. }, .. }) = map.get_mut(under) {
                kept.retain(|name, _| is_kept(name));
            }
        } else {
            holders.extend(map.get_mut("components").map(|entry| &mut entry.value));
        }
    }
    document
}

/// A schema and all schemas that it refers to.
fn closure(document: &Node, name: &str) -> BTreeSet<String> {
    let (mut found, mut next) = (BTreeSet::new(), vec![name.to_owned()]);
    while let Some(name) = next.pop() {
        if let Some(schema) = document.pointer("/components/schemas").and_then(|schemas| schemas.get(&name))
            && found.insert(name)
        {
            leads(schema, &mut next);
        }
    }
    found
}

fn leads(node: &Node, names: &mut Vec<String>) {
    let name = node.text_of("$ref").and_then(|reference| reference.strip_prefix(check::SCHEMAS));
    names.extend(name.map(str::to_owned));
    node.entries().for_each(|(_, entry)| leads(&entry.value, names));
    node.items().iter().for_each(|item| leads(item, names));
}
