//! What is generated is Rust, and says nothing twice: what the compiler would find first.

use std::collections::BTreeSet;

use syn::{Fields, File, ImplItem, Item, visit::Visit};

/// What is wrong with generated code.
pub(crate) fn flaw(code: &str) -> Option<String> {
    let file: File = match syn::parse_file(code) {
        Ok(file) => file,
        Err(error) => return Some(format!("it is no Rust: {error}")),
    };
    let mut search = Search(None);
    search.items(&file.items);
    search.visit_file(&file);
    search.0
}

/// The first name that is there twice.
struct Search(Option<String>);

impl Search {
    fn items(&mut self, items: &[Item]) {
        let names = items.iter().filter_map(|item| match item {
            Item::Struct(item) => Some(&item.ident),
            Item::Enum(item) => Some(&item.ident),
            Item::Mod(item) => Some(&item.ident),
            _ => None,
        });
        self.once(names);
    }

    fn once<'a>(&mut self, names: impl Iterator<Item = &'a syn::Ident>) {
        let mut seen = BTreeSet::new();
        let twice = names.into_iter().find(|name| !seen.insert(name.to_string()));
        self.0 = self.0.take().or_else(|| twice.map(|name| format!("{name} is there twice")));
    }
}

impl<'ast> Visit<'ast> for Search {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if let Some((_, items)) = &module.content {
            self.items(items);
        }
        syn::visit::visit_item_mod(self, module);
    }

    fn visit_fields(&mut self, fields: &'ast Fields) {
        self.once(fields.iter().filter_map(|field| field.ident.as_ref()));
        syn::visit::visit_fields(self, fields);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.once(item.variants.iter().map(|variant| &variant.ident));
        syn::visit::visit_item_enum(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        self.once(item.items.iter().filter_map(|item| match item {
            ImplItem::Fn(function) => Some(&function.sig.ident),
            _ => None,
        }));
        syn::visit::visit_item_impl(self, item);
    }
}
