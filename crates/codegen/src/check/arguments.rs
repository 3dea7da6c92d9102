//! The values of parameters. A parameter is sent as one text; in the query, a list is sent as several.

use std::collections::BTreeSet;

use super::{
    super::{
        finding::{Finding, Place},
        load::Node,
    },
    Context, parts,
};

/// Reports a parameter whose value cannot be sent.
pub(super) fn check<'a>(context: &Context<'a>, parameter: &'a Node, within: &str, findings: &mut Vec<Finding>) {
    let Some(schema) = parameter.get("schema") else { return };
    let held = match context.resolved(schema) {
        Some(list) if within == "query" && list.text_of("type") == Some("array") => list.get("items"),
        _ => Some(schema),
    };
    let may_be_null = within == "query";
    let Some(what) = held.and_then(|held| obstacle(context, held, may_be_null, &mut BTreeSet::new())) else { return };
    let list = if within == "query" { ", or a list of one of them" } else { "" };
    findings.push(Finding::new(
        "parameter-type",
        schema.get("type").map_or(schema.place, |of| of.place),
        format!("{what} cannot be sent in a {within}"),
        format!("write type: string, integer, number or boolean{list}; all else belongs into a body"),
    ));
}

/// Why a value cannot be written as one text, if it cannot.
fn obstacle<'a>(
    context: &Context<'a>,
    schema: &'a Node,
    may_be_null: bool,
    seen: &mut BTreeSet<Place>,
) -> Option<&'static str> {
    let schema = context.resolved(schema).filter(|schema| seen.insert(schema.place))?;
    if schema.is("nullable") && !may_be_null {
        return Some("null");
    }
    match schema.text_of("type") {
        Some("array") => return Some("a list"),
        Some("object") => return Some("an object"),
        Some(_) => return None,
        None => {}
    }
    if schema.get("properties").is_some() || schema.get("additionalProperties").is_some() {
        return Some("an object");
    }
    if schema.get("items").is_some() {
        return Some("a list");
    }
    let mut parts = parts(schema).peekable();
    if parts.peek().is_some() {
        return parts.find_map(|part| obstacle(context, part, may_be_null, seen));
    }
    let has_type = schema.get("type").is_some() || schema.get("enum").is_some();
    (!has_type).then_some("something of any type")
}
