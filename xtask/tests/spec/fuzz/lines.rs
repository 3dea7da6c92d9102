//! Changes of a text that knows nothing of YAML.

use fastrand::Rng;

/// What is written into lines.
const WORDS: [&str; 24] = [
    "",
    "~",
    "null",
    "true",
    "-1",
    "99999999999999999999",
    "1.5",
    "[]",
    "{}",
    "[",
    "}",
    "- ",
    "? ",
    "&a ",
    "*a",
    "!!set ",
    "<<: ",
    "'",
    "\"",
    "\t",
    "# ",
    "|",
    "$ref: '#/components/schemas/Fault'",
    "日本",
];

/// Lines gone, doubled, exchanged, moved to the side, or with something else in them.
pub(super) fn mutated(text: &str, random: &mut Rng) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for _ in 0..random.usize(1..3) {
        if lines.is_empty() {
            break;
        }
        let at = random.usize(..lines.len());
        match random.u8(..8) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => {
                let other = random.usize(..lines.len());
                lines.swap(at, other);
            }
            3 => lines[at].insert_str(0, "  "),
            4 if lines[at].starts_with("  ") => drop(lines[at].drain(..2)),
            5 => {
                let to = (at + random.usize(1..20)).min(lines.len());
                let part: Vec<String> = lines[at..to].to_vec();
                let other = random.usize(..lines.len());
                lines.splice(other..other, part);
            }
            6 => {
                let key = lines[at].split_once(": ").map(|(key, _)| format!("{key}: ")).unwrap_or_default();
                lines[at] = key + random.choice(WORDS).unwrap();
            }
            _ => {
                let line = &mut lines[at];
                let place = random.usize(..=line.chars().count());
                let place = line.char_indices().nth(place).map_or(line.len(), |(place, _)| place);
                line.insert_str(place, random.choice(WORDS).unwrap());
            }
        }
    }
    lines.join("\n") + "\n"
}

/// Some bytes are others.
pub(super) fn bytes(mut text: Vec<u8>, random: &mut Rng) -> Vec<u8> {
    for _ in 0..random.usize(1..5) {
        if !text.is_empty() {
            let at = random.usize(..text.len());
            text[at] = random.u8(..);
        }
    }
    text
}
