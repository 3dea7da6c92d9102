//! Compares two short texts line by line.

use similar::{ChangeTag, TextDiff};

/// The lines of both texts, marked with `-` if only the first text has them and `+` if only the second. Returns `None`
/// for equal texts.
pub(crate) fn lines(old: &str, new: &str) -> Option<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let diff = TextDiff::from_slices(&old, &new);
    let line = |change: similar::Change<&str>| {
        let mark = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        format!("{mark} {}\n", change.value())
    };
    (old != new).then(|| diff.iter_all_changes().map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn equal_texts_have_no_difference() {
        assert_eq!(lines("", ""), None);
        assert_eq!(lines("a\nb\n", "a\r\nb\r\n"), None);
    }

    #[test]
    fn a_changed_line_is_shown_between_its_neighbours() {
        assert_eq!(lines("a\nb\nc\n", "a\nx\nc\n").as_deref(), Some("  a\n- b\n+ x\n  c\n"));
    }

    #[test]
    fn added_and_removed_lines_leave_the_others_alone() {
        assert_eq!(lines("a\nb\nc\n", "b\nc\nd\n").as_deref(), Some("- a\n  b\n  c\n+ d\n"));
        assert_eq!(lines("", "a\n").as_deref(), Some("+ a\n"));
        assert_eq!(lines("a\n", "").as_deref(), Some("- a\n"));
    }
}
