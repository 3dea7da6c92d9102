//! A change, and its effect on existing clients and callers.

use std::fmt;

use serde::Serialize;

use thingspace_codegen::Place;

/// How much a change does, from little to much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Class {
    /// Words alone.
    DocumentationOnly,
    /// Something new, and nothing that was there goes.
    Compatible,
    /// Something that was there goes, or means something else.
    Breaking,
}

/// A class, with the reason for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    pub(super) class: Class,
    pub(super) reason: String,
}

/// Whether what changes is part of requests, of answers, of both or of neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Use {
    pub(super) sent: bool,
    pub(super) answered: bool,
}

/// What a kind of change does to the wire: does a client that is built already go on working?
#[derive(Clone, Copy, Debug)]
pub(super) enum Wire {
    /// The same wherever it stands.
    Is(Class, &'static str),
    /// The values that fit become fewer: no harm in an answer.
    Narrower,
    /// The values that fit become more: no harm in a request.
    Wider,
    /// They become others.
    Other,
    /// What it does in requests, and in answers.
    Role((Class, &'static str), (Class, &'static str)),
    /// As the inner one, in requests alone.
    Sent(&'static Wire),
    /// As the inner one, in answers alone.
    Answered(&'static Wire),
}

/// What a kind of change does to Rust callers: does code that was written against the client of before compile, and do
/// the same?
#[derive(Clone, Copy, Debug)]
pub(super) enum Rust {
    Is(Class, &'static str),
    /// Its effect on the side that writes the value, and on the side that reads it.
    Role((Class, &'static str), (Class, &'static str)),
    /// It breaks them if the Rust type becomes another.
    Type,
}

/// A kind of change. Its name is in kebab case and never changes its meaning.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) wire: Wire,
    pub(super) rust: Rust,
}

/// Something that is not as it was.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) rule: &'static Rule,
    /// Where it was, unless it is new.
    pub(super) base: Option<Place>,
    /// Where it is, unless it is gone.
    pub(super) now: Option<Place>,
    pub(super) message: String,
    pub(super) within: Use,
    /// What is known better than the rule does.
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

    /// The worse of two; of two that are as bad as one another, both reasons.
    fn worse(self, other: Self) -> Self {
        if self.class == other.class && self.reason != other.reason {
            return Self::new(self.class, format!("{}; {}", self.reason, other.reason));
        }
        if self.class < other.class { other } else { self }
    }

    /// Of what a change means for requests and for answers, what counts.
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
                Verdict::new(Class::Breaking, "requests that fitted are refused"),
                Verdict::new(Class::Compatible, "answers hold nothing that they did not hold before"),
            ),
            Self::Wider => (
                Verdict::new(Class::Compatible, "requests that fitted still fit"),
                Verdict::new(Class::Breaking, "answers may hold what a client built before does not expect"),
            ),
            Self::Other => (
                Verdict::new(Class::Breaking, "requests that fitted may be refused"),
                Verdict::new(Class::Breaking, "answers may hold what a client built before does not expect"),
            ),
            Self::Role(sent, answered) => (Verdict::new(sent.0, sent.1), Verdict::new(answered.0, answered.1)),
            Self::Sent(wire) => (wire.verdict(Use::SENT), Verdict::new(Class::DocumentationOnly, "answers stay")),
            Self::Answered(wire) => {
                (Verdict::new(Class::DocumentationOnly, "requests stay"), wire.verdict(Use::ANSWERED))
            }
        };
        let neither = Verdict::new(Class::DocumentationOnly, "no operation of before and of now uses it");
        Verdict::within(within, sent, answered, neither)
    }
}

impl Rust {
    fn verdict(self, within: Use) -> Verdict {
        let of = |(class, reason): (Class, &str)| Verdict::new(class, reason);
        match self {
            Self::Is(class, reason) => Verdict::new(class, reason),
            // A type that no operation uses is public all the same.
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

    /// The worse of the two.
    pub(super) fn class(&self) -> Class {
        self.wire().class.max(self.rust().class)
    }
}
