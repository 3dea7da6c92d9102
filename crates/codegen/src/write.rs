//! Formats generated tokens as text, so that errors and debuggers have lines to point to.
//!
//! prettyplease formats better, but needs a full parse, which took two thirds of the generation time. Only the reviewed
//! copy of the client uses it.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// Writes each statement, field or item on its own line.
pub(crate) fn text(tokens: TokenStream) -> String {
    let mut text = String::new();
    write(tokens, 0, &mut text);
    line(0, &mut text);
    text
}

fn write(tokens: TokenStream, depth: usize, text: &mut String) {
    let mut is_attribute = false;
    for tree in tokens {
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && !group.stream().is_empty() => {
                text.push('{');
                line(depth + 1, text);
                write(group.stream(), depth + 1, text);
                line(depth, text);
                text.push('}');
                line(depth, text);
            }
            TokenTree::Group(group) => {
                text.push_str(&group.to_string());
                if is_attribute {
                    line(depth, text);
                } else {
                    text.push(' ');
                }
                is_attribute = false;
            }
            TokenTree::Punct(punct) => {
                text.push(punct.as_char());
                is_attribute = punct.as_char() == '#' || is_attribute && punct.as_char() == '!';
                match punct.as_char() {
                    ';' | ',' if depth > 0 || punct.as_char() == ';' => line(depth, text),
                    _ if punct.spacing() == Spacing::Alone => text.push(' '),
                    _ => {}
                }
            }
            other => {
                text.push_str(&other.to_string());
                text.push(' ');
            }
        }
    }
}

/// Begins a line. Reuses the current line if it is empty.
fn line(depth: usize, text: &mut String) {
    text.truncate(text.trim_end().len());
    text.push('\n');
    (0..depth).for_each(|_| text.push_str("    "));
}
