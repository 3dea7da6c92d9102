//! JSON schemas of generated types, which the code derives only with the facade's feature `schemars`.
//!
//! progenitor can add a derive to each type, but no other attribute. This module finds the derive of `JsonSchema`, and
//! moves it behind the feature.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;

/// The derive on every generated type.
pub(crate) const DERIVE: &str = "schemars::JsonSchema";

/// Moves each derive of `JsonSchema` behind the feature.
pub(crate) fn behind_the_feature(code: TokenStream) -> TokenStream {
    let mut result = TokenStream::new();
    for tree in code {
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => match without(&group) {
                Some(rest) => {
                    result.extend(quote! { #rest #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))] });
                }
                None => result.extend([TokenTree::Group(group)]),
            },
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                let mut inner = Group::new(Delimiter::Brace, behind_the_feature(group.stream()));
                inner.set_span(group.span());
                result.extend([TokenTree::Group(inner)]);
            }
            other => result.extend([other]),
        }
    }
    result
}

/// The attribute without `JsonSchema`, if it derives that.
fn without(attribute: &Group) -> Option<Group> {
    let mut trees = attribute.stream().into_iter();
    let (Some(TokenTree::Ident(name)), Some(TokenTree::Group(list))) = (trees.next(), trees.next()) else {
        return None;
    };
    let list: Vec<_> = list.stream().into_iter().collect();
    let is_comma = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ',');
    let is_schema = |path: &[TokenTree]| path.iter().map(ToString::to_string).collect::<String>() == DERIVE;
    let paths: Vec<_> = list.split(is_comma).filter(|path| !path.is_empty()).collect();
    if name != "derive" || !paths.iter().copied().any(is_schema) {
        return None;
    }
    let kept =
        paths.into_iter().filter(|path| !is_schema(path)).map(|path| path.iter().cloned().collect::<TokenStream>());
    Some(Group::new(Delimiter::Bracket, quote! { derive(#(#kept),*) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_derive_of_the_schema_is_behind_the_feature() {
        let code = quote! {
            pub mod types {
                #[derive(Clone, schemars::JsonSchema, Debug)]
                #[serde(transparent)]
                pub struct One([u8; 2]);
                #[derive(Clone)]
                pub struct Two;
            }
        };
        let expected = quote! {
            pub mod types {
                #[derive(Clone, Debug)]
                #[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
                #[serde(transparent)]
                pub struct One([u8; 2]);
                #[derive(Clone)]
                pub struct Two;
            }
        };
        assert_eq!(behind_the_feature(code).to_string(), expected.to_string());
    }
}
