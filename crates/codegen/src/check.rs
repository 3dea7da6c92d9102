//! What is wrong with a document before anything is generated from it.
//!
//! Keeps the promise that a mistake in `openapi.yaml` is reported with its place and what to write instead, and that
//! progenitor is handed nothing that it would answer with a panic or read as something else.

mod arguments;
mod composition;
mod crates;
mod cycles;
pub mod facade;
mod inline;
mod keywords;
pub mod names;
mod operations;
mod parameters;
mod references;
mod responses;
mod schemas;
mod secrets;
pub mod security;
mod servers;
mod shape;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    families::{Families, Member},
    finding::{Finding, Place},
    load::{Entry, Node},
};
pub(crate) use parameters::is_ignored as is_ignored_header;
pub(crate) use responses::{ANY, STRUCTURE, class, is_json, of_any, taken};
pub(crate) use secrets::is_secret;
use shape::Objects;
pub use values::Judge;

/// Rules that say what thingspace-session has to be told of any document: credentials, retries, environments, secrets, and
/// the operations that it calls itself. They say nothing of whether the document is right.
pub const OF_THE_FACADE: [&str; 20] = [
    "changed-session-operation",
    "duplicate-environment",
    "environment-name",
    "foreign-token-url",
    "header-name",
    "insecure-server",
    "insecure-token-url",
    "missing-environment",
    "missing-retry",
    "missing-security",
    "missing-security-scheme",
    "missing-session-operation",
    "no-server",
    "secret-default",
    "secret-parameter",
    "security-choice",
    "unknown-scope",
    "unknown-security-scheme",
    "unmarked-secret",
    "unsupported-security-scheme",
];

/// What every rule is given.
#[derive(Debug)]
pub struct Context<'a> {
    /// The document.
    pub document: &'a Node,
    objects: Objects<'a>,
    /// The `Cargo.toml` of the crate that the code becomes part of.
    manifest: &'a str,
    families: Families,
    /// The schemas of families, by where they stand.
    members: BTreeMap<Place, &'a str>,
}

/// Looks for every mistake there is.
pub(crate) fn check(document: &Node, manifest: &str, findings: &mut Vec<Finding>) {
    if !is_openapi(document, findings) {
        return;
    }
    let context = Context { manifest, ..Context::read(document, findings) };
    info(document, findings);
    for rule in [
        references::check,
        cycles::check,
        servers::check,
        security::check,
        operations::check,
        parameters::check,
        responses::check,
        schemas::check,
        composition::check,
        keywords::check,
        values::check,
        secrets::check,
        names::check,
        inline::check,
        // Last: it is silent if there is another finding.
        facade::check,
    ] {
        rule(&context, findings);
    }
}

/// Whether this is an OpenAPI that is read: 3.0, of whatever patch.
pub fn is_version(version: &str) -> bool {
    let patch = version.strip_prefix("3.0.").unwrap_or_default();
    !patch.is_empty() && patch.chars().all(|letter| letter.is_ascii_digit())
}

const CONVERT: &str = "convert the document to OpenAPI 3.0, such as with npx swagger2openapi; another version at its top is \
                       not enough";

/// Another version has other rules: there is no use in holding them against it.
fn is_openapi(document: &Node, findings: &mut Vec<Finding>) -> bool {
    let mut help = "write openapi: 3.0.3";
    let (place, message) = match (document.entry("openapi"), document.entry("swagger")) {
        (Some(entry), _) => match entry.value.text() {
            Some(version) if is_version(version) => return true,
            Some(version) => {
                if version.starts_with("3.1") || version.starts_with("3.2") {
                    help = "convert the document to OpenAPI 3.0, such as with npx @apiture/openapi-down-convert; \
                            openapi: 3.0.3 alone is enough where it has nothing that came later";
                } else if version.starts_with('2') || version.starts_with('1') {
                    help = CONVERT;
                }
                (entry.value.place, format!("this is OpenAPI {version}, but the generator reads 3.0 alone"))
            }
            None => (entry.value.place, "this does not say which OpenAPI it is".to_owned()),
        },
        (None, Some(entry)) => {
            help = CONVERT;
            (entry.key, "this is Swagger 2.0, but the generator reads OpenAPI 3.0 alone".to_owned())
        }
        (None, None) => (document.place, "this does not say which OpenAPI it is".to_owned()),
    };
    findings.push(Finding::new("openapi-version", place, message, help));
    false
}

fn info(document: &Node, findings: &mut Vec<Finding>) {
    let Some(version) = document.get("info").and_then(|info| info.get("version")) else { return };
    if version.text().is_some_and(|text| !text.chars().all(|letter| letter.is_ascii_graphic())) {
        findings.push(Finding::new(
            "info-version",
            version.place,
            "info.version goes into a header, which takes no such letters",
            "write it in letters, digits and dots",
        ));
    }
}

impl<'a> Context<'a> {
    /// For a document that may have mistakes, as part of no crate.
    pub fn of(document: &'a Node) -> Self {
        Self::read(document, &mut Vec::new())
    }

    fn read(document: &'a Node, findings: &mut Vec<Finding>) -> Self {
        let (objects, families) = (Objects::of(document, findings), families(document));
        let schemas = document.pointer("/components/schemas").into_iter().flat_map(Node::entries);
        let schemas = schemas.filter(|(name, _)| families.get(name).is_some());
        let members = schemas.map(|(name, entry)| (entry.value.place, name)).collect();
        Self { document, objects, manifest: "", families, members }
    }

    /// The families of the document.
    pub fn families(&self) -> &Families {
        &self.families
    }

    /// The member of a family that stands at a place.
    pub fn member(&self, schema: &Node) -> Option<&Member> {
        self.families.get(self.members.get(&schema.place)?)
    }

    /// The schemas that an object with these fields is of, where a member of a family is meant as a value.
    pub fn variants(&self, member: &Member, object: &Node) -> Vec<&'a Node> {
        let has = |(property, tags): (&str, &BTreeSet<String>)| {
            object.text_of(property).is_some_and(|tag| tags.contains(tag))
        };
        let variants =
            member.variants.iter().filter(|name| self.families.get(name).is_some_and(|one| one.tags().all(has)));
        variants.filter_map(|name| self.document.get("components")?.get("schemas")?.get(name)).collect()
    }

    /// What a `$ref` leads to, or the node itself.
    pub fn resolved(&self, node: &'a Node) -> Option<&'a Node> {
        resolved(self.document, node)
    }

    /// The properties of a schema and of what it is made of.
    pub fn properties(&self, schema: &'a Node) -> Vec<(&'a str, &'a Entry)> {
        self.merged(schema).into_iter().filter_map(|part| part.get("properties")).flat_map(Node::entries).collect()
    }

    /// The names that a schema and what it is made of require, and where they do.
    pub fn required(&self, schema: &'a Node) -> Vec<(&'a str, Place)> {
        let listed = self.merged(schema).into_iter().filter_map(|part| part.get("required")).flat_map(Node::items);
        listed.filter_map(|name| Some((name.text()?, name.place))).collect()
    }

    /// A schema and the parts that it is made of, those of the parts included.
    pub fn merged(&self, schema: &'a Node) -> Vec<&'a Node> {
        let (mut seen, mut found, mut next) = (BTreeSet::new(), Vec::new(), vec![schema]);
        while let Some(schema) = next.pop() {
            if let Some(schema) = self.resolved(schema).filter(|schema| seen.insert(schema.place)) {
                found.push(schema);
                next.extend(schema.get("allOf").map(Node::items).unwrap_or_default());
            }
        }
        found
    }

    /// Every operation.
    pub fn operations(&self) -> impl Iterator<Item = Described<'a>> {
        operations_of(self.document)
    }
}

/// The families of a document.
pub(crate) fn families(document: &Node) -> Families {
    let schemas = document.pointer("/components/schemas").filter(|schemas| has_discriminator(schemas));
    schemas.and_then(|schemas| schemas.value().as_object().map(Families::of)).unwrap_or_default()
}

fn has_discriminator(node: &Node) -> bool {
    node.entries().any(|(key, entry)| key == "discriminator" || has_discriminator(&entry.value))
        || node.items().iter().any(has_discriminator)
}

/// What a `$ref` leads to, through others, or the node itself.
pub fn resolved<'a>(document: &'a Node, node: &'a Node) -> Option<&'a Node> {
    let mut node = node;
    for _ in 0..16 {
        match node.text_of("$ref") {
            Some(reference) => node = document.pointer(reference.strip_prefix('#')?)?,
            None => return Some(node),
        }
    }
    None
}

/// Where schemas are referred to.
pub const SCHEMAS: &str = "#/components/schemas/";

/// What a schema may be made of others by.
pub(crate) const COMPOSED: [&str; 3] = ["allOf", "oneOf", "anyOf"];

/// The schemas that one is made of.
pub fn parts(schema: &Node) -> impl Iterator<Item = &Node> {
    COMPOSED.into_iter().filter_map(|key| schema.get(key)).flat_map(Node::items)
}

/// An operation, with where it is.
#[derive(Clone, Copy, Debug)]
pub struct Described<'a> {
    /// Its path, from the first slash on.
    pub path: &'a str,
    /// Where the path is written.
    pub path_key: Place,
    /// In lower case.
    pub method: &'a str,
    /// Where the method is written.
    pub method_key: Place,
    /// The path item that it belongs to.
    pub item: &'a Node,
    /// The operation itself.
    pub node: &'a Node,
}

/// The methods that a path item may have, in the order in which progenitor goes through them.
pub(crate) const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Every operation, in the order in which progenitor goes through them.
pub fn operations_of(document: &Node) -> impl Iterator<Item = Described<'_>> {
    let paths = document.get("paths").into_iter().flat_map(Node::entries).filter(|(path, _)| path.starts_with('/'));
    paths.flat_map(|(path, entry)| {
        METHODS.iter().filter_map(move |method| {
            let (method, operation) = (*method, entry.value.entry(method)?);
            operation.value.map()?;
            Some(Described {
                path,
                path_key: entry.key,
                method,
                method_key: operation.key,
                item: &entry.value,
                node: &operation.value,
            })
        })
    })
}

impl Described<'_> {
    /// Whether the method says by itself that nothing is changed.
    pub fn is_safe(&self) -> bool {
        matches!(self.method, "get" | "head" | "options")
    }
}
