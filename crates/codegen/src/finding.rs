//! Findings: a mistake in the document, its place, and the correction.

use std::fmt;

/// A position: line and column, both counted from 1, the column in characters. The default is the start of the
/// document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Counted from 1.
    pub line: u64,
    /// Counted from 1, in characters.
    pub column: u64,
}

impl Default for Place {
    fn default() -> Self {
        Self { line: 1, column: 1 }
    }
}

/// The effect of a finding on the generated code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The code would be wrong or missing. The build stops.
    Error,
    /// The code is right, but the document probably does not say what its author meant.
    Warning,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One mistake in the document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The place of the mistake.
    pub place: Place,
    /// The rule: a name in kebab case that keeps its meaning forever.
    pub rule: &'static str,
    /// Whether it stops the build.
    pub level: Level,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Finding {
    /// Creates an error with one line of message and one line of help.
    pub fn new(rule: &'static str, place: Place, message: impl AsRef<str>, help: impl AsRef<str>) -> Self {
        let (message, help) = (one_line(message.as_ref()), one_line(help.as_ref()));
        Self { place, rule, level: Level::Error, message, help }
    }

    /// Creates a warning: the generated code is right nevertheless.
    pub fn warning(rule: &'static str, place: Place, message: impl AsRef<str>, help: impl AsRef<str>) -> Self {
        Self { level: Level::Warning, ..Self::new(rule, place, message, help) }
    }

    /// Whether it stops the build.
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }

    /// `openapi.yaml:12:5: error[rule]: message`, the format of compilers, and `help: …`.
    pub fn lines(&self, file: impl fmt::Display) -> [String; 2] {
        let Self { place: Place { line, column }, rule, level, message, help } = self;
        [format!("{file}:{line}:{column}: {level}[{rule}]: {message}"), format!("  help: {help}")]
    }
}

/// Removes line breaks and control characters, and shortens the text, so that each part of a finding fits on one line.
pub fn one_line(text: &str) -> String {
    const MAX_LENGTH: usize = 600;
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_LENGTH) {
        Some((end, _)) => format!("{} …", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
