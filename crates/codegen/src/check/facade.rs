//! Checks the operations that `src/` calls. A change that would break the build of `src/`, or make a login fail at run
//! time, is reported with its place.

use std::collections::BTreeSet;

use super::{
    super::{
        finding::{Finding, Place},
        load::{Entry, Node},
    },
    Context, Described, SCHEMAS,
    schemas::TYPED,
    security::Schemes,
};

/// An operation that the facade calls.
#[derive(Clone, Copy, Debug)]
pub struct Called {
    /// Its `operationId`.
    pub id: &'static str,
    /// The consequence if the facade cannot call it.
    pub fails: &'static str,
    /// The file that calls it.
    file: &'static str,
    has_session: bool,
    /// What it sends.
    pub sends: Model,
    /// What it reads from a success.
    pub reads: Model,
}

/// The properties that the facade sends, which are all required, or that it reads, which are all optional.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// The names, and what each property holds.
    pub properties: &'static [(&'static str, Holds)],
    /// The name of the schema, if `src/` names the schema and lists all its properties.
    pub name: Option<&'static str>,
}

/// What a property holds.
#[derive(Clone, Copy, Debug)]
pub enum Holds {
    /// A text that may be printed.
    Text,
    /// A text that is never printed.
    Secret,
}

const SENT: bool = true;
const READ: bool = false;

const NOTHING: Model = Model { properties: &[], name: None };

/// The operations that the facade calls.
pub const CALLED: [Called; 3] = [
    Called {
        id: "startConnectivityManagementSession",
        fails: "every login fails",
        file: "src/auth/login.rs",
        has_session: false,
        sends: Model { properties: &[("username", Holds::Text), ("password", Holds::Secret)], name: None },
        reads: Model { properties: &[("sessionToken", Holds::Secret)], name: None },
    },
    Called {
        id: "endConnectivityManagementSession",
        fails: "no session can be ended",
        file: "src/auth/logout.rs",
        has_session: true,
        sends: NOTHING,
        reads: NOTHING,
    },
    Called {
        id: "resetConnectivityManagementPassword",
        fails: "no password can be reset",
        file: "src/auth/reset.rs",
        has_session: true,
        sends: Model { properties: &[("oldPassword", Holds::Secret)], name: Some("SessionResetPasswordRequest") },
        reads: Model { properties: &[("newPassword", Holds::Secret)], name: Some("SessionResetPasswordResult") },
    },
];

/// The paths of properties that the facade looks for in the documented errors of these operations, at any depth, and
/// the consequence if one is missing.
pub const REFUSED: [(&[&str], &str); 3] = [
    (&["errorCode"], "an error has no code, and the crate cannot act on it"),
    (&["errorMessage"], "an error has no message; its code is still read"),
    (&["fault", "code"], "an error of the gateway has no code, and the crate cannot act on it"),
];

/// Reports what the facade needs and the document lacks.
pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let operations: Vec<_> = context.operations().collect();
    let has_id = |operation: &Described<'_>, id| operation.node.text_of("operationId") == Some(id);
    // An operation without an id may be one of the called operations.
    let are_named = !operations.iter().any(|one| one.node.get("operationId").is_none() || has_id(one, ""));
    for called in &CALLED {
        if let Some(operation) = operations.iter().find(|one| has_id(one, called.id)) {
            Call { context, called, findings }.check(operation);
        } else if let Some(paths) = context.document.entry("paths").filter(|_| are_named) {
            findings.push(Finding::new(
                "missing-session-operation",
                paths.key,
                format!("the facade calls {}, and it is not here", called.id),
                called.help(&format!("bring back the operation with operationId: {}", called.id)),
            ));
        }
    }
}

/// Compares one operation with the facade's use of it.
struct Call<'c, 'a> {
    context: &'c Context<'a>,
    called: &'c Called,
    findings: &'c mut Vec<Finding>,
}

impl<'a> Call<'_, 'a> {
    fn check(&mut self, operation: &Described<'a>) {
        let Called { id, sends, reads, .. } = self.called;
        self.session(operation);
        let parameters = [operation.item, operation.node].into_iter().filter_map(|of| of.get("parameters"));
        for parameter in parameters.flat_map(Node::items) {
            let is_required = self.context.resolved(parameter).is_some_and(|parameter| parameter.is("required"));
            if is_required && !self.has_error(parameter) {
                self.tell(parameter.place, format!("calls {id} without parameters"), "write required: false in it");
            }
        }
        match operation.node.entry("requestBody") {
            Some(body) if sends.properties.is_empty() => {
                self.tell(body.key, format!("calls {id} without a body"), "remove requestBody:");
            }
            Some(body) => self.compare(body, *sends, SENT, &format!("sends {} with {id}", sends.listed("required"))),
            None if sends.properties.is_empty() => {}
            None => self.tell(operation.method_key, format!("calls {id} with a body"), "write a requestBody: for it"),
        }
        let mut answers = operation.node.get("responses").into_iter().flat_map(Node::entries);
        if let Some((_, answer)) = answers.find(|(status, _)| status.starts_with('2')) {
            let what = format!("reads {} from what {id} answers", reads.listed("not required"));
            self.compare(answer, *reads, READ, &what);
        }
    }

    /// Whether another rule has an error in this node or in what it refers to. The author has to correct that first.
    fn has_error(&self, node: &'a Node) -> bool {
        let faulty: BTreeSet<Place> = {
            let errors = self.findings.iter().filter(|finding| finding.is_error());
            errors.map(|finding| finding.place).collect()
        };
        let (mut seen, mut next) = (BTreeSet::new(), vec![node]);
        while let Some(node) = next.pop() {
            if !seen.insert(node.place) {
                continue;
            }
            if faulty.contains(&node.place) || node.entries().any(|(_, entry)| faulty.contains(&entry.key)) {
                return true;
            }
            next.extend(self.context.resolved(node));
            next.extend(node.entries().map(|(_, entry)| &entry.value).chain(node.items()));
        }
        false
    }

    fn tell(&mut self, place: Place, what: impl AsRef<str>, instead: &str) {
        let (message, help) = (format!("src/ {}", what.as_ref()), self.called.help(instead));
        self.findings.push(Finding::new("changed-session-operation", place, message, help));
    }

    fn session(&mut self, operation: &Described<'_>) {
        let Some(schemes) = Schemes::read(self.context.document, &mut Vec::new()) else { return };
        let Ok(needs) = schemes.needs(self.context.document, operation) else { return };
        let has_session = needs.session.is_some();
        let (id, name) = (self.called.id, schemes.session);
        let key = operation.node.entry("security").map_or(operation.method_key, |security| security.key);
        match (self.called.has_session, has_session) {
            (false, true) => self.tell(key, format!("calls {id} to get a session"), &format!("leave {name} out")),
            (true, false) => {
                self.tell(key, format!("calls {id} with a session"), &format!("write {name}: [] below it"));
            }
            _ => {}
        }
    }

    /// Compares a sent body or a read response with its model.
    fn compare(&mut self, holder: &'a Entry, model: Model, is_sent: bool, what: &str) {
        if model.properties.is_empty() || self.has_error(&holder.value) {
            return;
        }
        let content = self.context.resolved(&holder.value).and_then(|holder| holder.get("content"));
        let written = content.and_then(|content| content.get("application/json")?.get("schema"));
        let schema = written.and_then(|written| self.context.resolved(written));
        let Some((written, schema)) = written.zip(schema) else {
            self.tell(holder.key, what, "write application/json: with a schema: below content:");
            return;
        };
        let reference = model.name.map(|name| format!("{SCHEMAS}{name}"));
        if let Some(reference) = reference.filter(|reference| written.text_of("$ref") != Some(reference)) {
            self.tell(written.place, what, &format!("write $ref: '{reference}'"));
        }
        self.properties(schema, model, is_sent, what);
        if is_sent {
            self.others(schema, model, &format!("{what}, and nothing else"));
        }
    }

    fn properties(&mut self, schema: &'a Node, model: Model, is_sent: bool, what: &str) {
        let (properties, required) = (self.context.properties(schema), self.context.required(schema));
        for (name, holds) in model.properties {
            let found = properties.iter().find(|(known, _)| known == name).map(|(_, entry)| *entry);
            let is_required = required.iter().any(|(known, _)| known == name);
            if !found.is_some_and(|entry| holds.fits(&entry.value)) || is_required != is_sent {
                let all = schema.entry("properties").map_or(schema.place, |entry| entry.key);
                let place = found.map_or(all, |entry| entry.key);
                let names = if is_sent { "and name it in required:" } else { "and leave it out of required:" };
                self.tell(place, what, &format!("write {name}: with {} {names}", holds.written()));
            }
        }
    }

    /// Reports required values that the facade does not set.
    fn others(&mut self, schema: &'a Node, model: Model, what: &str) {
        let is_other = |name: &str| model.properties.iter().all(|(known, _)| *known != name);
        for (name, place) in self.context.required(schema).into_iter().filter(|(name, _)| is_other(name)) {
            self.tell(place, what, &format!("leave {name} out of required:"));
        }
        if model.name.is_none() {
            return;
        }
        for (name, entry) in self.context.properties(schema).into_iter().filter(|(name, _)| is_other(name)) {
            self.tell(entry.key, what, &format!("remove {name}"));
        }
        let rest = schema.entry("additionalProperties").filter(|rest| rest.value.entries().next().is_some());
        if let Some(rest) = rest {
            self.tell(rest.key, what, "remove additionalProperties:");
        }
    }
}

impl Called {
    fn help(&self, instead: &str) -> String {
        format!("{instead}, or change {} and crates/codegen/src/check/facade.rs with it", self.file)
    }
}

impl Model {
    /// The properties as part of a message.
    pub fn listed(self, how: &str) -> String {
        let properties = self.properties.iter();
        let names: Vec<_> = properties.map(|(name, holds)| format!("{name} ({})", holds.in_words())).collect();
        format!("{}, {how},", names.join(" and "))
    }
}

impl Holds {
    /// The kind of value as part of a message.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Secret => "a secret",
        }
    }

    fn written(self) -> &'static str {
        match self {
            Self::Text => "type: string",
            Self::Secret => "type: string and format: password",
        }
    }

    /// Whether the property becomes the type that `src/` passes or reads.
    pub fn fits(self, property: &Node) -> bool {
        let format = property.text_of("format");
        let is_so = match self {
            Self::Text => format.is_none_or(|format| !TYPED.contains(&format)),
            Self::Secret => format.is_some_and(|format| format.eq_ignore_ascii_case("password")),
        };
        is_so && property.text_of("type") == Some("string") && !property.is("nullable")
    }
}
