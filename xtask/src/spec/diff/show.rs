//! Prints a comparison as lines, as JSON, or as a table for a pull request.

use serde_json::{Value, json};

use super::{
    bump::Demand,
    change::{Change, Class, Verdict},
};
use thingspace_codegen::Place;

/// A comparison and its result.
#[derive(Debug)]
pub(super) struct Report<'a> {
    /// The name of the earlier document.
    pub(super) base: &'a str,
    pub(super) now: &'a str,
    pub(super) changes: &'a [Change],
    pub(super) demand: &'a Demand,
}

impl Report<'_> {
    /// The format of a compiler's messages.
    pub(super) fn text(&self) -> String {
        let mut lines = Vec::new();
        for change in self.changes {
            let (class, rule) = (change.class(), change.rule.name);
            lines.push(format!("{}: {class}[{rule}]: {}", self.place(change), change.message));
            for (of, Verdict { class, reason }) in [("wire", change.wire()), ("rust", change.rust())] {
                lines.push(format!("  {of}: {class}: {reason}"));
            }
        }
        lines.push(self.counted());
        lines.extend(self.demand.lines());
        lines.join("\n") + "\n"
    }

    pub(super) fn json(&self) -> Value {
        let place = |file: &str, place: Option<Place>| {
            place.map(|Place { line, column }| json!({ "file": file, "line": line, "column": column }))
        };
        let changes = self.changes.iter().map(|change| {
            json!({
                "kind": change.rule.name,
                "class": change.class(),
                "message": change.message,
                "wire": change.wire(),
                "rust": change.rust(),
                "base": place(self.base, change.base),
                "now": place(self.now, change.now),
            })
        });
        let version = |version: Option<super::bump::Version>| version.map(|version| version.to_string());
        let Demand { bump, from, least, version: stated, is_bumped, is_logged } = self.demand;
        json!({
            "base": self.base,
            "now": self.now,
            "changes": changes.collect::<Vec<_>>(),
            "release": {
                "bump": bump.map(|bump| bump.to_string()),
                "from": version(*from),
                "least": version(*least),
                "version": version(*stated),
                "bumped": is_bumped,
                "logged": is_logged,
            },
        })
    }

    pub(super) fn markdown(&self) -> String {
        let mut lines =
            vec![format!("### {} since {}", code(self.now), code(self.base)), String::new(), self.counted()];
        lines.push(String::new());
        if !self.changes.is_empty() {
            lines.push("| Class | Change | Wire | Rust | Place |".to_owned());
            lines.push("|---|---|---|---|---|".to_owned());
            lines.extend(self.changes.iter().map(|change| self.row(change)));
            lines.push(String::new());
        }
        lines.extend(self.demand.lines().iter().map(|line| format!("- {line}")));
        lines.join("\n") + "\n"
    }

    fn row(&self, change: &Change) -> String {
        let class = match change.class() {
            Class::Breaking => "**breaking**".to_owned(),
            class => class.to_string(),
        };
        let verdict = |Verdict { class, reason }: Verdict| format!("{class}: {}", escaped(&reason));
        let (rule, message) = (code(change.rule.name), escaped(&change.message));
        let (wire, rust, place) = (verdict(change.wire()), verdict(change.rust()), code(&self.place(change)));
        format!("| {class} | {rule}: {message} | {wire} | {rust} | {place} |")
    }

    /// The place of a change; the earlier one if it is removed.
    fn place(&self, change: &Change) -> String {
        let (file, place) = match (change.now, change.base) {
            (Some(place), _) => (self.now, place),
            (None, Some(place)) => (self.base, place),
            (None, None) => (self.now, Place::default()),
        };
        format!("{file}:{}:{}", place.line, place.column)
    }

    fn counted(&self) -> String {
        if self.changes.is_empty() {
            return format!("{}: nothing has changed since {}", self.now, self.base);
        }
        let counts = [Class::Breaking, Class::Compatible, Class::DocumentationOnly].map(|class| {
            let number = self.changes.iter().filter(|change| change.class() == class).count();
            format!("{number} {class}")
        });
        counts.join(", ")
    }
}

/// Escapes the markup of tables.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        match letter {
            '<' => escaped += "&lt;",
            '&' => escaped += "&amp;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => escaped.extend(['\\', letter]),
            _ => escaped.push(letter),
        }
    }
    escaped
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace('|', "\\|"))
}
