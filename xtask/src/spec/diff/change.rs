//! A change, and its effect on existing clients and callers.

use std::fmt;

use serde::Serialize;

use thingspace_codegen::Place;

/// The effect of a change, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Class {
    /// Only documentation changes.
    DocumentationOnly,
    /// Something is added; existing uses keep working.
    Compatible,
    /// Something is removed or changes its meaning.
    Breaking,
}

/// A class, with the reason for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    pub(super) class: Class,
    pub(super) reason: String,
}

/// Whether the changed part occurs in requests, in responses, in both or in neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Use {
    pub(super) sent: bool,
    pub(super) answered: bool,
}

/// The effect on the wire: does a client that is already built keep working?
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire {
    /// The same effect everywhere.
    Is(Class, &'static str),
    /// Fewer values are valid, which is harmless in a response.
    Narrower,
    /// More values are valid, which is harmless in a request.
    Wider,
    /// Other values are valid.
    Other,
    /// The effect in requests, and in responses.
    Role((Class, &'static str), (Class, &'static str)),
    /// The inner effect, in requests only.
    Sent(&'static Wire),
    /// The inner effect, in responses only.
    Answered(&'static Wire),
}

/// The effect on Rust callers: does code for the earlier client still compile, with the same behaviour?
#[derive(Clone, Copy, Debug)]
pub(super) enum Rust {
    Is(Class, &'static str),
    /// The effect on code that writes the value, and on code that reads it.
    Role((Class, &'static str), (Class, &'static str)),
    /// Breaking if the Rust type changes.
    Type,
}

/// A kind of change. Its name is in kebab case and never changes its meaning.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) wire: Wire,
    pub(super) rust: Rust,
}

/// A difference between the documents.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) rule: &'static Rule,
    /// The earlier place; `None` if it is new.
    pub(super) base: Option<Place>,
    /// The present place; `None` if it is removed.
    pub(super) now: Option<Place>,
    pub(super) message: String,
    pub(super) within: Use,
    /// A verdict that replaces the rule's.
    pub(super) wire: Option<Verdict>,
    pub(super) rust: Option<Verdict>,
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DocumentationOnly => "documentation-only",
            Self::Compatible => "compatible",
            Self::Breaking => "breaking",
        })
    }
}

impl Verdict {
    pub(super) fn new(class: Class, reason: impl Into<String>) -> Self {
        Self { class, reason: reason.into() }
    }

    /// The more severe of two verdicts; both reasons if they are of one class.
    fn worse(self, other: Self) -> Self {
        if self.class == other.class && self.reason != other.reason {
            return Self::new(self.class, format!("{}; {}", self.reason, other.reason));
        }
        if self.class < other.class { other } else { self }
    }

    /// The verdict for the place where the changed part occurs.
    fn within(within: Use, sent: Self, answered: Self, neither: Self) -> Self {
        match within {
            Use { sent: true, answered: true } => sent.worse(answered),
            Use { sent: true, .. } => sent,
            Use { answered: true, .. } => answered,
            Use { .. } => neither,
        }
    }
}

impl Use {
    pub(super) const SENT: Self = Self { sent: true, answered: false };
    pub(super) const ANSWERED: Self = Self { sent: false, answered: true };

    pub(super) fn and(self, other: Self) -> Self {
        Self { sent: self.sent && other.sent, answered: self.answered && other.answered }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self { sent: self.sent || other.sent, answered: self.answered || other.answered }
    }
}

impl Wire {
    fn verdict(self, within: Use) -> Verdict {
        let (sent, answered) = match self {
            Self::Is(class, reason) => return Verdict::new(class, reason),
            Self::Narrower => (
                Verdict::new(Class::Breaking, "the platform rejects requests that were valid"),
                Verdict::new(Class::Compatible, "answers hold no values other than before"),
            ),
            Self::Wider => (
                Verdict::new(Class::Compatible, "requests that were valid stay valid"),
                Verdict::new(Class::Breaking, "answers may hold values that a client built before does not expect"),
            ),
            Self::Other => (
                Verdict::new(Class::Breaking, "the platform may reject requests that were valid"),
                Verdict::new(Class::Breaking, "answers may hold values that a client built before does not expect"),
            ),
            Self::Role(sent, answered) => (Verdict::new(sent.0, sent.1), Verdict::new(answered.0, answered.1)),
            Self::Sent(wire) => (wire.verdict(Use::SENT), Verdict::new(Class::DocumentationOnly, "answers stay")),
            Self::Answered(wire) => {
                (Verdict::new(Class::DocumentationOnly, "requests stay"), wire.verdict(Use::ANSWERED))
            }
        };
        let neither = Verdict::new(Class::DocumentationOnly, "no operation of both documents uses it");
        Verdict::within(within, sent, answered, neither)
    }
}

impl Rust {
    fn verdict(self, within: Use) -> Verdict {
        let of = |(class, reason): (Class, &str)| Verdict::new(class, reason);
        match self {
            Self::Is(class, reason) => Verdict::new(class, reason),
            // A type is public even if no operation uses it.
            Self::Role(sent, answered) => Verdict::within(within, of(sent), of(answered), of(sent).worse(of(answered))),
            Self::Type => Verdict::new(Class::Compatible, "the Rust type stays"),
        }
    }
}

impl Change {
    pub(super) fn wire(&self) -> Verdict {
        self.wire.clone().unwrap_or_else(|| self.rule.wire.verdict(self.within))
    }

    pub(super) fn rust(&self) -> Verdict {
        self.rust.clone().unwrap_or_else(|| self.rule.rust.verdict(self.within))
    }

    /// The more severe of the two.
    pub(super) fn class(&self) -> Class {
        self.wire().class.max(self.rust().class)
    }
}
