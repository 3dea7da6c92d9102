//! Finds the mistakes in a document before any code is generated.
//!
//! Each finding has the place of the mistake and the correction. progenitor receives no document that would make it
//! panic, or that it would misread.

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

/// Rules about what thingspace-session needs in addition to a valid document: credentials, retries, environments,
/// secrets, and the operations that the facade calls.
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

/// The input of every rule.
#[derive(Debug)]
pub struct Context<'a> {
    /// The document.
    pub document: &'a Node,
    objects: Objects<'a>,
    /// The text of the `Cargo.toml` of the crate that contains the generated code.
    manifest: &'a str,
    families: Families,
    /// The schemas of families, by place.
    members: BTreeMap<Place, &'a str>,
}

/// Runs every rule.
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
        // Last, because it stays silent where another rule has a finding.
        facade::check,
    ] {
        rule(&context, findings);
    }
}

/// Whether the generator supports this version of OpenAPI: any patch of 3.0.
pub fn is_version(version: &str) -> bool {
    let patch = version.strip_prefix("3.0.").unwrap_or_default();
    !patch.is_empty() && patch.chars().all(|letter| letter.is_ascii_digit())
}

const CONVERT: &str = "convert the document to OpenAPI 3.0, such as with npx swagger2openapi; another version at its top is \
                       not enough";

/// The other rules do not apply to other versions.
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
    /// A context without a `Cargo.toml`. The document may have mistakes.
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

    /// The family member that this schema is.
    pub fn member(&self, schema: &Node) -> Option<&Member> {
        self.families.get(self.members.get(&schema.place)?)
    }

    /// The schemas of a family that an object with these fields may have, judged by its tags.
    pub fn variants(&self, member: &Member, object: &Node) -> Vec<&'a Node> {
        let has = |(property, tags): (&str, &BTreeSet<String>)| {
            object.text_of(property).is_some_and(|tag| tags.contains(tag))
        };
        let variants =
            member.variants.iter().filter(|name| self.families.get(name).is_some_and(|one| one.tags().all(has)));
        variants.filter_map(|name| self.document.get("components")?.get("schemas")?.get(name)).collect()
    }

    /// The target of a `$ref`, or the node itself.
    pub fn resolved(&self, node: &'a Node) -> Option<&'a Node> {
        resolved(self.document, node)
    }

    /// The properties of a schema and of its `allOf` parts.
    pub fn properties(&self, schema: &'a Node) -> Vec<(&'a str, &'a Entry)> {
        self.merged(schema).into_iter().filter_map(|part| part.get("properties")).flat_map(Node::entries).collect()
    }

    /// The names that a schema and its `allOf` parts require, with the places.
    pub fn required(&self, schema: &'a Node) -> Vec<(&'a str, Place)> {
        let listed = self.merged(schema).into_iter().filter_map(|part| part.get("required")).flat_map(Node::items);
        listed.filter_map(|name| Some((name.text()?, name.place))).collect()
    }

    /// A schema and its parts, at any depth.
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

    /// The operations of the document.
    pub fn operations(&self) -> impl Iterator<Item = Described<'a>> {
        operations_of(self.document)
    }
}

pub(crate) fn families(document: &Node) -> Families {
    let schemas = document.pointer("/components/schemas").filter(|schemas| has_discriminator(schemas));
    schemas.and_then(|schemas| schemas.value().as_object().map(Families::of)).unwrap_or_default()
}

fn has_discriminator(node: &Node) -> bool {
    node.entries().any(|(key, entry)| key == "discriminator" || has_discriminator(&entry.value))
        || node.items().iter().any(has_discriminator)
}

/// The target of a `$ref`, through further references, or the node itself.
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

/// The prefix of a reference to a schema.
pub const SCHEMAS: &str = "#/components/schemas/";

/// The keys that combine schemas.
pub(crate) const COMPOSED: [&str; 3] = ["allOf", "oneOf", "anyOf"];

/// The schemas that a schema is composed of.
pub fn parts(schema: &Node) -> impl Iterator<Item = &Node> {
    COMPOSED.into_iter().filter_map(|key| schema.get(key)).flat_map(Node::items)
}

/// An operation and its place.
#[derive(Clone, Copy, Debug)]
pub struct Described<'a> {
    /// The path, including the first slash.
    pub path: &'a str,
    /// Where the path is written.
    pub path_key: Place,
    /// The method in lower case.
    pub method: &'a str,
    /// Where the method is written.
    pub method_key: Place,
    /// The path item that it belongs to.
    pub item: &'a Node,
    /// The operation object.
    pub node: &'a Node,
}

/// The methods of a path item, in the order in which progenitor visits them.
pub(crate) const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Every operation, in the order in which progenitor visits them.
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
    /// Whether the method alone guarantees that the operation changes nothing.
    pub fn is_safe(&self) -> bool {
        matches!(self.method, "get" | "head" | "options")
    }
}
