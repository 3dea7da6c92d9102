//! An OpenAPI document that keeps the order of its fields, because the page shows them in that order.

use std::io;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The URLs of a security scheme.
const SCHEME_URLS: [&str; 3] = ["authorizationUrl", "tokenUrl", "refreshUrl"];

/// A node of a document.
#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Node {
    Object(IndexMap<String, Node>),
    List(Vec<Node>),
    Scalar(Value),
}

impl Node {
    /// Reads YAML or JSON.
    pub(super) fn parse(text: &str) -> io::Result<Node> {
        let options = serde_saphyr::options! { with_snippet: false };
        let document: Node = serde_saphyr::from_str_with_options(text, options)
            .map_err(|error| io::Error::other(format!("the OpenAPI document is not valid YAML: {error}")))?;
        Ok(document)
    }

    pub(super) fn title(&self) -> &str {
        self.field("info").and_then(|info| info.field("title")).and_then(Node::text).unwrap_or_default()
    }

    /// Replaces the servers by one, and moves the URLs of the security schemes to it.
    ///
    /// # Errors
    ///
    /// If a URL of a security scheme is not below the first server, because its path on the new one is then unknown.
    pub(super) fn relocate(&mut self, url: &str, description: &str) -> io::Result<()> {
        let first = self.field("servers").and_then(Node::first).and_then(|server| server.field("url"));
        let old = first.and_then(Node::text).unwrap_or_default().to_owned();
        let Node::Object(root) = self else { return Ok(()) };
        if let Some(schemes) = root.get_mut("components").and_then(|components| components.field_mut("securitySchemes"))
        {
            schemes.move_urls(&old, url)?;
        }
        let server = [("url", url), ("description", description)];
        let server = server.map(|(name, text)| (name.to_owned(), Node::Scalar(text.into()))).into();
        root.insert("servers".to_owned(), Node::List(vec![Node::Object(server)]));
        Ok(())
    }

    fn move_urls(&mut self, old: &str, new: &str) -> io::Result<()> {
        let Node::Object(fields) = self else { return Ok(()) };
        for (name, node) in fields {
            match node {
                Node::Scalar(Value::String(url)) if SCHEME_URLS.contains(&name.as_str()) => {
                    let rest = url.strip_prefix(old).filter(|rest| rest.starts_with('/'));
                    let rest = rest.ok_or_else(|| io::Error::other(format!("{name} is not below the first server")))?;
                    *url = format!("{new}{rest}");
                }
                _ => node.move_urls(old, new)?,
            }
        }
        Ok(())
    }

    fn field(&self, name: &str) -> Option<&Node> {
        if let Node::Object(fields) = self { fields.get(name) } else { None }
    }

    fn field_mut(&mut self, name: &str) -> Option<&mut Node> {
        if let Node::Object(fields) = self { fields.get_mut(name) } else { None }
    }

    fn first(&self) -> Option<&Node> {
        if let Node::List(nodes) = self { nodes.first() } else { None }
    }

    fn text(&self) -> Option<&str> {
        if let Node::Scalar(value) = self { value.as_str() } else { None }
    }
}
