//! Distinguishes null from unset: an optional nullable property has a value, is null, or is unset.
//!
//! typify has one `Option` for both. In the struct and its builder, a field that `adapt` has marked gets a second one:
//! the outer `Option` states whether the field is set. `Some(None)` is null. A setter sends its argument, even null.

mod fields;

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;

use fields::{fields, written};

/// Marks the description of a nullable property.
pub(crate) const NULLABLE: &str = "\u{e000}";
/// Marks the description of a property whose type includes null.
pub(crate) const ANYTHING: &str = "\u{e001}";

/// The change to a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Adds an `Option`: the field is null or has a value.
    Nullable,
    Anything,
}

/// The marked fields, by struct and field name.
type Marked = BTreeMap<(String, String), Mark>;

/// Rewrites a client so that null differs from unset.
pub(crate) fn told_apart(client: TokenStream) -> TokenStream {
    module(client, "types", &|types| {
        let mut marked = Marked::new();
        let types = structs(types, &mut |name, fields| of_struct(name, fields, &mut marked));
        let types = module(types, "builder", &|builder| of_builder(builder, &marked));
        let types = unmarked(types);
        if marked.is_empty() {
            return types;
        }
        quote! {
            #types
            /// Decodes a present value as `Some`, even if it is null.
            fn present<'de, T, D>(deserializer: D) -> ::std::result::Result<::std::option::Option<T>, D::Error>
            where
                T: ::serde::Deserialize<'de>,
                D: ::serde::Deserializer<'de>,
            {
                T::deserialize(deserializer).map(::std::option::Option::Some)
            }
        }
    })
}

/// Rewrites the module of this name.
fn module(code: TokenStream, name: &str, change: &dyn Fn(TokenStream) -> TokenStream) -> TokenStream {
    let (mut before, mut last) = (String::new(), String::new());
    code.into_iter()
        .map(|tree| match tree {
            TokenTree::Group(group) if before == "mod" && last == name => {
                last = String::new();
                braced(group.delimiter(), change(group.stream()))
            }
            tree => {
                before = std::mem::replace(&mut last, tree.to_string());
                tree
            }
        })
        .collect()
}

fn braced(delimiter: Delimiter, code: TokenStream) -> TokenTree {
    TokenTree::Group(Group::new(delimiter, code))
}

/// Rewrites the fields of every struct, and of every variant with fields.
fn structs(code: TokenStream, change: &mut dyn FnMut(&str, TokenStream) -> TokenStream) -> TokenStream {
    let (mut before, mut last) = (String::new(), String::new());
    code.into_iter()
        .map(|tree| match tree {
            TokenTree::Group(group) if before == "struct" && group.delimiter() == Delimiter::Brace => {
                braced(Delimiter::Brace, change(&last, group.stream()))
            }
            TokenTree::Group(group) if before == "enum" && group.delimiter() == Delimiter::Brace => {
                let of = std::mem::take(&mut last);
                let variants = group.stream().into_iter().map(|tree| match tree {
                    // No struct has a name with `::`, so no builder changes.
                    TokenTree::Group(fields) if fields.delimiter() == Delimiter::Brace => {
                        braced(Delimiter::Brace, change(&format!("{of}::"), fields.stream()))
                    }
                    tree => tree,
                });
                braced(Delimiter::Brace, variants.collect())
            }
            tree => {
                before = std::mem::replace(&mut last, tree.to_string());
                tree
            }
        })
        .collect()
}

fn of_struct(name: &str, code: TokenStream, marked: &mut Marked) -> TokenStream {
    let fields = fields(code).into_iter().map(|mut field| {
        let mut text = field.attributes.iter().map(|attribute| documentation(attribute).unwrap_or_default());
        let Some(mark) = text.find_map(|text| mark(&text)) else { return field };
        if !is_option(&field.of) {
            return field;
        }
        marked.insert((name.to_owned(), field.name.to_string()), mark);
        let text = field.attributes.iter().map(ToString::to_string).collect::<String>();
        let is_default =
            text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == "default");
        let default = (!is_default).then(|| quote! { default, });
        let attribute = quote! { serde(#default deserialize_with = "present") };
        field.attributes.push(Group::new(Delimiter::Bracket, attribute));
        if mark == Mark::Nullable {
            let of = field.of;
            field.of = quote! { ::std::option::Option<#of> };
        }
        field
    });
    written(fields)
}

/// Whether a type is written as an `Option`.
fn is_option(of: &TokenStream) -> bool {
    of.to_string().replace(' ', "").starts_with("::std::option::Option<")
}

fn of_builder(code: TokenStream, marked: &Marked) -> TokenStream {
    let is_marked = |of: &str, field: &str| marked.get(&(of.to_owned(), field.to_owned())) == Some(&Mark::Nullable);
    let code = structs(code, &mut |name, code| {
        let fields = fields(code).into_iter().map(|mut field| {
            if is_marked(name, &field.name.to_string()) {
                let of = field.of.into_iter().collect::<Vec<_>>();
                field.of = around_first(of);
            }
            field
        });
        written(fields)
    });
    // impl Name { … }
    let (mut before, mut last) = (String::new(), String::new());
    code.into_iter()
        .map(|tree| match tree {
            TokenTree::Group(group) if before == "impl" && group.delimiter() == Delimiter::Brace => {
                braced(Delimiter::Brace, setters(group.stream(), &|field| is_marked(&last, field)))
            }
            tree => {
                before = std::mem::replace(&mut last, tree.to_string());
                tree
            }
        })
        .collect()
}

/// `Result<T, String>` -> `Result<Option<T>, String>`
fn around_first(of: Vec<TokenTree>) -> TokenStream {
    let (mut depth, mut head, mut first, mut rest) = (0_usize, Vec::new(), Vec::new(), Vec::new());
    for tree in of {
        let letter = match &tree {
            TokenTree::Punct(punct) => punct.as_char(),
            _ => ' ',
        };
        if depth == 0 {
            head.push(tree);
            depth += usize::from(letter == '<');
            continue;
        }
        if !rest.is_empty() || letter == ',' && depth == 1 {
            rest.push(tree);
            continue;
        }
        match letter {
            '<' => depth += 1,
            '>' => depth -= 1,
            _ => {}
        }
        first.push(tree);
    }
    let [head, first, rest] = [head, first, rest].map(|trees| trees.into_iter().collect::<TokenStream>());
    quote! { #head ::std::option::Option<#first> #rest }
}

/// Makes the setter of a marked field send its argument, even null.
fn setters(code: TokenStream, is_marked: &dyn Fn(&str) -> bool) -> TokenStream {
    let (mut function, mut last) = (String::new(), String::new());
    code.into_iter()
        .map(|tree| match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace && is_marked(&function) => {
                braced(Delimiter::Brace, with_some(group.stream()))
            }
            tree => {
                if last == "fn" {
                    function = tree.to_string();
                }
                last = tree.to_string();
                tree
            }
        })
        .collect()
}

/// `value.try_into()` -> `value.try_into().map(Some)`
fn with_some(code: TokenStream) -> TokenStream {
    let mut is_conversion = false;
    let mut result = TokenStream::new();
    for tree in code {
        let is_call = is_conversion && matches!(tree, TokenTree::Group(_));
        is_conversion = matches!(&tree, TokenTree::Ident(name) if name == "try_into");
        result.extend([tree]);
        if is_call {
            result.extend(quote! { .map(::std::option::Option::Some) });
        }
    }
    result
}

/// The text of a doc comment.
fn documentation(attribute: &Group) -> Option<String> {
    let mut trees = attribute.stream().into_iter();
    let is_doc = matches!(trees.next(), Some(TokenTree::Ident(name)) if name == "doc");
    let (Some(_), Some(TokenTree::Literal(text)), true) = (trees.next(), trees.next(), is_doc) else { return None };
    syn::parse_str::<syn::LitStr>(&text.to_string()).ok().map(|text| text.value())
}

fn mark(text: &str) -> Option<Mark> {
    let text = text.trim_start();
    match () {
        () if text.starts_with(NULLABLE) => Some(Mark::Nullable),
        () if text.starts_with(ANYTHING) => Some(Mark::Anything),
        () => None,
    }
}

/// Removes the marks from every description.
fn unmarked(code: TokenStream) -> TokenStream {
    let mut result = Vec::new();
    for tree in code {
        let TokenTree::Group(group) = tree else {
            result.push(tree);
            continue;
        };
        let text = (group.delimiter() == Delimiter::Bracket).then(|| documentation(&group)).flatten();
        if let Some(text) = text.filter(|text| text.contains(NULLABLE) || text.contains(ANYTHING)) {
            let text = text.replace(NULLABLE, "").replace(ANYTHING, "");
            if text.trim().is_empty() {
                // Also removes the # before the attribute.
                result.pop();
            } else {
                result.push(braced(Delimiter::Bracket, quote! { doc = #text }));
            }
        } else {
            let mut inner = Group::new(group.delimiter(), unmarked(group.stream()));
            inner.set_span(group.span());
            result.push(TokenTree::Group(inner));
        }
    }
    result.into_iter().collect()
}
