//! Generated tokens -> text that an error or a debugger can point into.
//!
//! prettyplease would write it more beautifully, but has to have all of it parsed first: that took two thirds of the
//! time of a generation. The reviewable copy of the client is written with it; what the compiler reads is not.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// One statement, field or item a line.
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

/// Begins a line; an empty one is used again.
fn line(depth: usize, text: &mut String) {
    text.truncate(text.trim_end().len());
    text.push('\n');
    (0..depth).for_each(|_| text.push_str("    "));
}
