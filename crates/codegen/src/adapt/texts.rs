//! Makes the document's texts safe as doc comments. rustdoc compiles and runs code blocks, so no text may contain one.
//! Each line of a block becomes inline code.
//!
//! No output line begins with a fence, four spaces or HTML. The end of a block therefore does not matter, and text that
//! progenitor appends cannot become part of a block.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// The keys whose texts become doc comments.
const TEXTS: [&str; 3] = ["description", "summary", "title"];
/// Rewrites the texts of an object.
pub(super) fn plain(map: &mut Map<String, Value>) {
    for (key, inner) in map.iter_mut().filter(|(key, _)| TEXTS.contains(&key.as_str())) {
        if let Value::String(text) = inner
            && let Cow::Owned(changed) = text_of(key, text)
        {
            *text = changed;
        }
    }
}

fn text_of<'t>(key: &str, text: &'t str) -> Cow<'t, str> {
    if key == "description" {
        return harmless(text);
    }
    // A heading has one line.
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = shown(&line);
    if line == text { Cow::Borrowed(text) } else { Cow::Owned(line) }
}

/// The text without code blocks.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let plain = text.replace("\r\n", "\n").replace('\r', "\n").replace('\t', "    ");
    let (mut lines, mut fence) = (Vec::new(), None::<(char, usize)>);
    for line in plain.split('\n') {
        let (prefix, rest) = containers(line);
        match (fence, fenced(rest)) {
            (Some(open), Some(mark)) if open.0 == mark.0 && mark.1 >= open.1 && is_bare(rest) => fence = None,
            (Some(_), _) => lines.push(code(line)),
            (None, Some(mark)) => {
                fence = Some(mark);
                // The text before the fence stays, for example a list marker.
                lines.extend((!prefix.trim().is_empty()).then_some(prefix));
            }
            (None, None) if prefix.trim().is_empty() && line.starts_with("    ") => lines.push(code(line)),
            (None, None) => lines.push(shown(line)),
        }
    }
    let lines = lines.join("\n");
    if lines == text { Cow::Borrowed(text) } else { Cow::Owned(lines) }
}

/// The markers of lists and quotes at the beginning of a line, with single spaces, and the rest of the line.
fn containers(line: &str) -> (String, &str) {
    let (mut prefix, mut rest) = (String::new(), line);
    loop {
        let spaces = rest.len() - rest.trim_start_matches(' ').len();
        let most = if prefix.is_empty() { 3 } else { 1 };
        let inner = rest.trim_start_matches(' ');
        let mark = mark(inner);
        prefix.extend(std::iter::repeat_n(' ', spaces.min(most)));
        if mark == 0 {
            return (prefix, inner);
        }
        let (marks, behind) = inner.split_at(mark);
        prefix.push_str(marks);
        rest = behind;
    }
}

/// The length of the list or quote marker at the beginning of a text, or 0.
fn mark(text: &str) -> usize {
    let digits = text.chars().take_while(char::is_ascii_digit).count();
    let ends = |at: usize| text.get(at..).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    match text.chars().next() {
        Some('>') => 1,
        Some('-' | '+' | '*') if ends(1) => 1,
        Some(_)
            if (1..10).contains(&digits)
                && text.get(digits..).is_some_and(|rest| rest.starts_with(['.', ')']))
                && ends(digits + 1) =>
        {
            digits + 1
        }
        _ => 0,
    }
}

/// The fence character at the beginning of a text, and the length of the fence.
fn fenced(text: &str) -> Option<(char, usize)> {
    let first = text.chars().next().filter(|first| ['`', '~'].contains(first))?;
    let length = text.chars().take_while(|letter| *letter == first).count();
    (length >= 3).then_some((first, length))
}

fn is_bare(text: &str) -> bool {
    text.trim_end().chars().all(|letter| ['`', '~'].contains(&letter))
}

/// Writes a line of code as a line of a paragraph.
fn code(line: &str) -> String {
    let line = line.trim();
    if line.is_empty() {
        return String::new();
    }
    // Two spaces at the end of a line keep the line break.
    if line.contains('`') { format!("{}  ", shown(&line.replace('`', "\\`"))) } else { format!("`{line}`  ") }
}

/// Escapes a fence or HTML at the beginning of a line, and removes its indentation.
fn shown(line: &str) -> String {
    let (prefix, line) = containers(line);
    let is_html = line.strip_prefix('<').is_some_and(|rest| {
        rest.starts_with(|letter: char| letter.is_ascii_alphabetic() || ['/', '!', '?'].contains(&letter))
            && !rest.starts_with("http")
    });
    if is_html || fenced(line).is_some() { format!("{prefix}\\{line}") } else { prefix + line }
}
