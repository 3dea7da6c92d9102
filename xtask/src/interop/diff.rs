//! The difference between two short texts.

use std::cmp::max;

/// The lines of both texts: `-` before those of the first alone, `+` before those of the second alone. None if there
/// is no difference.
pub(crate) fn lines(old: &str, new: &str) -> Option<String> {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    if old == new {
        return None;
    }
    let common = common(&old, &new);
    let at = |i: usize, j: usize| common.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0);
    let (mut i, mut j) = (0, 0);
    let mut text = String::new();
    loop {
        let (mark, line) = match (old.get(i), new.get(j)) {
            (Some(gone), Some(came)) if gone == came => {
                (i, j) = (i + 1, j + 1);
                (' ', came)
            }
            (Some(gone), came) if came.is_none() || at(i + 1, j) >= at(i, j + 1) => {
                i += 1;
                ('-', gone)
            }
            (_, Some(came)) => {
                j += 1;
                ('+', came)
            }
            (_, None) => return Some(text),
        };
        text.extend([mark, ' ']);
        text.push_str(line);
        text.push('\n');
    }
}

/// How many lines the texts have in common at most, from line `i` of the one and line `j` of the other on.
fn common(old: &[&str], new: &[&str]) -> Vec<Vec<usize>> {
    let mut rows = vec![vec![0; new.len() + 1]];
    for gone in old.iter().rev() {
        let below = rows.last().cloned().unwrap_or_default();
        let mut row = vec![0];
        for (came, pair) in new.iter().zip(below.windows(2)).rev() {
            let &[down, diagonal] = pair else { continue };
            let right = row.last().copied().unwrap_or(0);
            row.push(if gone == came { diagonal + 1 } else { max(down, right) });
        }
        row.reverse();
        rows.push(row);
    }
    rows.reverse();
    rows
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
