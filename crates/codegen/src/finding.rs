//! What is wrong with the document, where, and what to write instead.

use std::fmt;

/// Where something is written: line and column, both counted from 1, columns in characters. The default is the very
/// beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1 on.
    pub line: u64,
    /// From 1 on, in characters.
    pub column: u64,
}

impl Default for Place {
    fn default() -> Self {
        Self { line: 1, column: 1 }
    }
}

/// What a finding means for what is made of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The code would be wrong, or there would be none. It stops a build.
    Error,
    /// The code is right. What is written is probably not what was meant.
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

/// What is wrong with the document in one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Where it is written.
    pub place: Place,
    /// Which rule found it: a name in kebab case that never changes its meaning.
    pub rule: &'static str,
    /// Whether it stops a build.
    pub level: Level,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl Finding {
    /// An error in one line of words, and one of help.
    pub fn new(rule: &'static str, place: Place, message: impl AsRef<str>, help: impl AsRef<str>) -> Self {
        let (message, help) = (one_line(message.as_ref()), one_line(help.as_ref()));
        Self { place, rule, level: Level::Error, message, help }
    }

    /// The same as a warning: the code that comes of it is right all the same.
    pub fn warning(rule: &'static str, place: Place, message: impl AsRef<str>, help: impl AsRef<str>) -> Self {
        Self { level: Level::Warning, ..Self::new(rule, place, message, help) }
    }

    /// Whether it stops a build.
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }

    /// `openapi.yaml:12:5: error[rule]: message`, as compilers say it, and `help: …`.
    pub fn lines(&self, file: impl fmt::Display) -> [String; 2] {
        let Self { place: Place { line, column }, rule, level, message, help } = self;
        [format!("{file}:{line}:{column}: {level}[{rule}]: {message}"), format!("  help: {help}")]
    }
}

/// A finding has one line for each of its parts, whatever the document holds; and it stays one that can be read.
pub fn one_line(text: &str) -> String {
    const LONGEST: usize = 600;
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let line = words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", line.get(..end).unwrap_or_default()),
        None => line,
    }
}
