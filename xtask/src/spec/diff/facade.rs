//! Checks what the facade (`src/`) needs of the document. Removing it is breaking, even if the rule says otherwise: a
//! response may lack an optional property, but no login succeeds without the session token.
//!
//! `spec check` has the list of operations and properties. This module looks up each in both documents. If the facade
//! can no longer use a part, or a different one took its place, the changes at its places are breaking.

mod why;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    change::{Change, Class, Verdict},
    compare::Pair,
};
use thingspace_codegen::{
    Finding, Place,
    check::{
        Context, Described, SCHEMAS,
        facade::{self, CALLED, Called, Model, REFUSED},
        parts, resolved,
        security::Schemes,
    },
    load::{Entry, Node},
};

use why::{Why, culprits};

/// A part of the document that the facade relies on.
#[derive(Default)]
struct Need {
    /// The places of the part, or the places where it is expected.
    places: BTreeSet<Place>,
    /// Whether the facade can use the part.
    holds: bool,
    /// A value that must not change at all, not even to another usable one.
    is: String,
    /// How the facade uses the part, and what fails without it.
    why: Why,
}

/// Needs by operation and part.
type Needs = BTreeMap<(String, String), Need>;

/// Makes changes that remove a need of the facade breaking. Adds a change if the comparison found none.
pub(super) fn judge(documents: Pair<'_>, changes: &mut Vec<Change>) {
    let (before, after) = (needs(documents.base), needs(documents.now));
    let mut broken = BTreeSet::new();
    let mut hit: BTreeMap<usize, Vec<&Why>> = BTreeMap::new();
    for ((operation, what), need) in before.iter().filter(|(_, need)| need.holds) {
        let now = after.get(&(operation.clone(), what.clone()));
        if now.is_some_and(|now| now.holds && now.is == need.is) || broken.contains(operation) && now.is_none() {
            continue;
        }
        broken.insert(operation.clone());
        let is_at = |place: Option<Place>, need: &Need| place.is_some_and(|place| need.places.contains(&place));
        let is_culprit = |change: &Change| is_at(change.base, need) || now.is_some_and(|now| is_at(change.now, now));
        let places = (need.places.first().copied(), now.and_then(|now| now.places.first().copied()));
        for index in culprits(changes, is_culprit, places) {
            hit.entry(index).or_default().push(&need.why);
        }
    }
    for (index, whys) in hit {
        let Some((change, (first, rest))) = changes.get_mut(index).zip(whys.split_first()) else { continue };
        let others = rest.iter().filter(|why| why.is_shared && why.fails == first.fails).count();
        change.wire.get_or_insert_with(|| Verdict::new(Class::Breaking, first.reason(others)));
    }
    let known: BTreeSet<_> = found(documents.base).into_iter().map(|one| (one.message, one.help)).collect();
    for finding in found(documents.now) {
        let is_covered = broken.iter().any(|operation| !operation.is_empty() && finding.message.contains(operation));
        if !known.contains(&(finding.message.clone(), finding.help.clone())) {
            let is_culprit = |change: &Change| change.now == Some(finding.place);
            let why = format!("{}; it does not build like this", finding.message);
            if !is_covered || changes.iter().any(is_culprit) {
                for index in culprits(changes, is_culprit, (None, Some(finding.place))) {
                    let verdict = || Verdict::new(Class::Breaking, why.clone());
                    changes.get_mut(index).map(|change| change.wire.get_or_insert_with(verdict));
                }
            }
        }
    }
}

/// Findings of `spec check` about the parts that the facade needs.
fn found(document: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    facade::check(&Context::of(document), &mut findings);
    findings
}

fn needs(document: &Node) -> Needs {
    let context = Context::of(document);
    let mut needs = Needs::new();
    credentials(document, &mut needs);
    for called in &CALLED {
        let has_id = |operation: &Described<'_>| operation.node.text_of("operationId") == Some(called.id);
        if let Some(operation) = context.operations().find(has_id) {
            Look { context: &context, called, operation, needs: &mut needs }.look();
        }
    }
    needs
}

/// The URL for access tokens, and the header of the session token.
fn credentials(document: &Node, needs: &mut Needs) {
    let Some(schemes) = Schemes::read(document, &mut Vec::new()) else { return };
    let section = document.pointer("/components/securitySchemes");
    let under = |name: &str| section.and_then(|section| section.entry(name));
    for (name, is, node, does, fails) in [
        (
            schemes.access,
            schemes.token_url.text().unwrap_or_default().to_owned(),
            Some(schemes.token_url),
            "requests every access token at this URL",
            "no call succeeds",
        ),
        (
            schemes.session,
            schemes.session_header.to_ascii_lowercase(),
            under(schemes.session).and_then(|entry| entry.value.get("name")),
            "sends the session token in this header",
            "every call fails",
        ),
    ] {
        let mut places: BTreeSet<Place> = node.map(|node| node.place).into_iter().collect();
        places.extend(section.map(|section| section.place));
        let scheme = under(name);
        places.extend(scheme.map(|entry| entry.key));
        let kinds =
            scheme.into_iter().flat_map(|entry| ["type", "in"].into_iter().filter_map(|key| entry.value.get(key)));
        places.extend(kinds.map(|node| node.place));
        let fails = format!("a client built before uses the old one, and {fails}");
        let why = Why { does: does.to_owned(), fails, is_shared: false };
        needs.insert((String::new(), does.to_owned()), Need { places, holds: true, is, why });
    }
}

/// One of the operations that the facade calls.
struct Look<'c, 'a> {
    context: &'c Context<'a>,
    called: &'c Called,
    operation: Described<'a>,
    needs: &'c mut Needs,
}

impl<'a> Look<'_, 'a> {
    fn look(&mut self) {
        let (operation, id) = (self.operation, self.called.id);
        let mut places = BTreeSet::from([operation.method_key, operation.path_key]);
        places.extend(operation.node.get("operationId").map(|id| id.place));
        let is = format!("{} {}", operation.method, operation.path);
        self.add("", places, true, is, &format!("calls {id}"));
        self.credentials();
        if let Some(body) = operation.node.entry("requestBody") {
            self.body(body, self.called.sends, true, "sent");
        } else {
            let is_nothing = self.called.sends.properties.is_empty();
            self.add("sent", BTreeSet::new(), is_nothing, String::new(), &self.sends());
        }
        for (status, answer) in operation.node.get("responses").into_iter().flat_map(Node::entries) {
            if status.starts_with('2') {
                self.body(answer, self.called.reads, false, status);
            } else if !status.starts_with("x-") {
                self.refusal(answer, status);
            }
        }
    }

    fn add(&mut self, what: &str, places: BTreeSet<Place>, holds: bool, is: String, why: &str) {
        let fails = format!("without it {}", self.called.fails);
        let why = Why { does: why.to_owned(), fails, is_shared: false };
        self.needs.insert((self.called.id.to_owned(), what.to_owned()), Need { places, holds, is, why });
    }

    fn sends(&self) -> String {
        match self.called.sends.properties {
            [] => format!("calls {} without a body", self.called.id),
            _ => format!("sends {} with {}", self.called.sends.listed("required"), self.called.id),
        }
    }

    fn credentials(&mut self) {
        let (document, operation) = (self.context.document, self.operation);
        let schemes = Schemes::read(document, &mut Vec::new());
        let needed = schemes.and_then(|schemes| schemes.needs(document, &operation).ok());
        let stated = operation.node.entry("security").or_else(|| document.entry("security"));
        let places = BTreeSet::from([stated.map_or(operation.method_key, |entry| entry.key)]);
        let why = format!("calls {} with these credentials", self.called.id);
        self.add("security", places, needed.is_some(), format!("{needed:?}").to_lowercase(), &why);
    }

    /// The body of the request, or of a successful response.
    fn body(&mut self, holder: &'a Entry, model: Model, is_sent: bool, what: &str) {
        let id = self.called.id;
        let does = if is_sent { self.sends() } else { format!("takes {what} for a success of {id}") };
        if model.properties.is_empty() {
            self.add(what, BTreeSet::from([holder.key]), !is_sent, String::new(), &does);
            return;
        }
        let (written, mut places) = self.written(holder);
        let schema = written.and_then(|written| self.context.resolved(written));
        let reference = written.and_then(|written| written.text_of("$ref"));
        let name = model.name.map(|name| format!("{SCHEMAS}{name}"));
        let is_named = name.as_deref().is_none_or(|name| reference == Some(name));
        places.extend(schema.into_iter().flat_map(top));
        self.add(what, places.clone(), schema.is_some() && is_named, String::new(), &does);
        for (name, holds) in model.properties {
            let mut places = places.clone();
            let properties = schema.map(|schema| self.context.properties(schema)).unwrap_or_default();
            let required = schema.map(|schema| self.context.required(schema)).unwrap_or_default();
            let property = properties.iter().find(|(known, _)| known == name).map(|(_, entry)| *entry);
            let stated = required.iter().find(|(known, _)| known == name);
            places.extend(stated.map(|(_, place)| *place));
            places.extend(property.into_iter().flat_map(all));
            let hidden = if is_sent { "readOnly" } else { "writeOnly" };
            let fits = property.is_some_and(|entry| holds.fits(&entry.value) && !entry.value.is(hidden));
            let does = if is_sent {
                format!("sends {name} ({}) with {id}", holds.in_words())
            } else {
                format!("reads {name} ({}) from what {id} answers", holds.in_words())
            };
            self.add(&format!("{what} {name}"), places, fits && stated.is_some() == is_sent, String::new(), &does);
        }
    }

    /// The schema of a JSON body, and the places that lead to it.
    fn written(&self, holder: &'a Entry) -> (Option<&'a Node>, BTreeSet<Place>) {
        let mut places = BTreeSet::from([holder.key, holder.value.place]);
        let body = self.context.resolved(&holder.value);
        places.extend(body.map(|body| body.place));
        let content = body.and_then(|body| body.entry("content"));
        places.extend(content.map(|content| content.key));
        let media = content.and_then(|content| content.value.entry("application/json"));
        places.extend(media.map(|media| media.key));
        let schema = media.and_then(|media| media.value.entry("schema"));
        places.extend(schema.into_iter().flat_map(|schema| [schema.key, schema.value.place]));
        let name = schema.and_then(|schema| schema.value.text_of("$ref")?.strip_prefix(SCHEMAS));
        let component = name.and_then(|name| self.context.document.pointer("/components/schemas")?.entry(name));
        places.extend(component.map(|component| component.key));
        (schema.map(|schema| &schema.value), places)
    }

    /// The properties of an error response that the facade reads.
    fn refusal(&mut self, answer: &'a Entry, status: &str) {
        let (written, on_the_way) = self.written(answer);
        for (path, fails) in REFUSED {
            let (mut schema, mut places) = (written, on_the_way.clone());
            for name in path {
                places.extend(schema.and_then(|schema| self.context.resolved(schema)).into_iter().flat_map(top));
                let property = schema.and_then(|schema| property(self.context, schema, name));
                places.extend(property.into_iter().flat_map(all));
                schema = property.map(|entry| &entry.value);
            }
            let Some(schema) = schema.and_then(|schema| resolved(self.context.document, schema)) else { continue };
            places.extend(top(schema));
            let name = path.join(".");
            let of = |schema: &Node| format!("{:?} {}", schema.text_of("type"), schema.is("writeOnly"));
            let is = parts(schema).chain([schema]).map(of).collect::<Vec<_>>().join(", ");
            let does = format!("reads {name} from what {} answers with {status}", self.called.id);
            let why = Why { does, fails: format!("without it {fails}"), is_shared: true };
            let key = (self.called.id.to_owned(), format!("{status} {name}"));
            self.needs.insert(key, Need { places, holds: true, is, why });
        }
    }
}

/// A property of a schema or of one of its parts.
fn property<'a>(context: &Context<'a>, schema: &'a Node, name: &str) -> Option<&'a Entry> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![schema]);
    while let Some(schema) = next.pop() {
        let Some(schema) = context.resolved(schema).filter(|schema| seen.insert(schema.place)) else { continue };
        if let Some(entry) = schema.get("properties").and_then(|properties| properties.entry(name)) {
            return Some(entry);
        }
        next.extend(parts(schema));
    }
    None
}

/// The places of a schema and of its own keys.
fn top(schema: &Node) -> Vec<Place> {
    let inside = schema.entries().filter(|(key, _)| *key != "required");
    inside.flat_map(|(_, entry)| [entry.key, entry.value.place]).chain([schema.place]).collect()
}

/// Every place in an entry.
fn all(entry: &Entry) -> Vec<Place> {
    let (mut places, mut next) = (vec![entry.key], vec![&entry.value]);
    while let Some(node) = next.pop() {
        places.push(node.place);
        places.extend(node.entries().map(|(_, entry)| entry.key));
        next.extend(node.entries().map(|(_, entry)| &entry.value).chain(node.items()));
    }
    places
}
