//! Parses the fields of a struct from its tokens.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::quote;

/// A field: its attributes, its visibility, its name and its type.
pub(super) struct Field {
    pub(super) attributes: Vec<Group>,
    pub(super) visibility: TokenStream,
    pub(super) name: TokenTree,
    pub(super) of: TokenStream,
}

/// The fields between the braces of a struct.
pub(super) fn fields(code: TokenStream) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut trees = code.into_iter().peekable();
    while trees.peek().is_some() {
        let (mut attributes, mut head) = (Vec::new(), Vec::new());
        while let Some(tree) = trees.next() {
            match tree {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    if let Some(TokenTree::Group(group)) = trees.next() {
                        attributes.push(group);
                    }
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => break,
                tree => head.push(tree),
            }
        }
        let (mut depth, mut of) = (0_usize, Vec::new());
        for tree in trees.by_ref() {
            if let TokenTree::Punct(punct) = &tree {
                match punct.as_char() {
                    '<' => depth += 1,
                    '>' => depth = depth.saturating_sub(1),
                    ',' if depth == 0 => break,
                    _ => {}
                }
            }
            of.push(tree);
        }
        let Some(name) = head.pop() else { continue };
        let (visibility, of) = (head.into_iter().collect(), of.into_iter().collect());
        fields.push(Field { attributes, visibility, name, of });
    }
    fields
}

/// Writes fields as tokens.
pub(super) fn written(fields: impl Iterator<Item = Field>) -> TokenStream {
    let fields = fields.map(|Field { attributes, visibility, name, of }| {
        quote! { #(# #attributes)* #visibility #name: #of }
    });
    quote! { #(#fields),* }
}
