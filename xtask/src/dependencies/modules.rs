//! Reads from `src/` which modules of the library import each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use syn::visit::{self, Visit};
use syn::{Attribute, File, ItemMod, ItemUse, UseTree};

use crate::{Result, workspace};

/// Which modules each module imports.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// The modules as a diagram, without arrows that other arrows imply. A circle is an error.
pub(super) fn diagram() -> Result<String> {
    let edges = edges()?;
    if let Some(circle) = edges.keys().find_map(|module| circle(&edges, module)) {
        return Err(format!("modules of src/ import each other in a circle: {}", circle.join(" -> ")).into());
    }
    let mut text = String::from("graph TD\n");
    for (from, to) in &edges {
        let implied = |module: &String| to.iter().any(|other| other != module && reaches(&edges, other, module));
        for module in to.iter().filter(|module| !implied(module)) {
            let _ = writeln!(text, "    {from} --> {module}");
        }
    }
    Ok(text)
}

fn edges() -> Result<Edges> {
    let root = workspace::root().join("src");
    let library = parse(&root.join("lib.rs"))?;
    let mut names = Names::default();
    names.visit_file(&library);
    let mut edges = Edges::new();
    for module in &names.modules {
        let mut paths = Paths::default();
        let mut files = vec![root.join(module).with_extension("rs")];
        while let Some(file) = files.pop() {
            paths.visit_file(&parse(&file)?);
            // The submodules of `a/b.rs` are in `a/b/`.
            let folder = file.with_extension("");
            if folder.is_dir() {
                let below = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
                files.extend(below.into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs")));
            }
        }
        let homes = paths.0.iter().map(|name| names.exports.get(name).unwrap_or(name));
        let known = homes.filter(|home| *home != module && names.modules.contains(*home));
        edges.insert(module.clone(), known.cloned().collect());
    }
    Ok(edges)
}

fn parse(path: &Path) -> Result<File> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(syn::parse_file(&text).map_err(|error| format!("{}: {error}", path.display()))?)
}

fn reaches(edges: &Edges, from: &str, to: &str) -> bool {
    from == to || edges.get(from).into_iter().flatten().any(|next| reaches(edges, next, to))
}

/// A path of imports from a module back to itself.
fn circle(edges: &Edges, module: &str) -> Option<Vec<String>> {
    let mut ways = vec![vec![module.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in way.last().and_then(|last| edges.get(last)).into_iter().flatten() {
            let longer = [way.as_slice(), std::slice::from_ref(next)].concat();
            if next == module {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                ways.push(longer);
            }
        }
    }
    None
}

fn is_of_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

/// The modules of the library, and the module that each of its public names comes from.
#[derive(Default)]
struct Names {
    modules: BTreeSet<String>,
    exports: BTreeMap<String, String>,
}

impl<'a> Visit<'a> for Names {
    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        // The guide has no code.
        if !is_of_tests(&item.attrs) && item.ident != "guide" {
            self.modules.insert(item.ident.to_string());
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        for path in paths(&item.tree) {
            if let (Some(home), Some(name)) = (path.first(), path.last()) {
                self.exports.insert(name.clone(), home.clone());
            }
        }
    }
}

/// The names after `crate::`.
#[derive(Default)]
struct Paths(BTreeSet<String>);

impl<'a> Visit<'a> for Paths {
    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        if !is_of_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        let found = paths(&item.tree).into_iter().filter(|path| path.first().is_some_and(|first| first == "crate"));
        self.0.extend(found.filter_map(|path| path.into_iter().nth(1)));
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        if path.segments.first().is_some_and(|first| first.ident == "crate") {
            self.0.extend(path.segments.iter().nth(1).map(|segment| segment.ident.to_string()));
        }
        visit::visit_path(self, path);
    }
}

/// All paths of a `use`; the last name is the one that it is imported as.
fn paths(tree: &UseTree) -> Vec<Vec<String>> {
    match tree {
        UseTree::Path(path) => {
            let below = paths(&path.tree).into_iter();
            below.map(|rest| [vec![path.ident.to_string()], rest].concat()).collect()
        }
        UseTree::Name(name) => vec![vec![name.ident.to_string()]],
        UseTree::Rename(rename) => vec![vec![rename.ident.to_string(), rename.rename.to_string()]],
        UseTree::Glob(_) => vec![vec!["*".to_owned()]],
        UseTree::Group(group) => group.items.iter().flat_map(paths).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_of_imports_is_found() {
        let edges = |pairs: &[(&str, &str)]| {
            let mut edges = Edges::new();
            for (from, to) in pairs {
                edges.entry((*from).to_owned()).or_default().insert((*to).to_owned());
            }
            edges
        };
        let straight = edges(&[("a", "b"), ("b", "c"), ("a", "c")]);
        assert_eq!(circle(&straight, "a"), None);
        assert!(reaches(&straight, "b", "c") && !reaches(&straight, "c", "b"));
        let round = edges(&[("a", "b"), ("b", "c"), ("c", "a")]);
        assert_eq!(circle(&round, "a"), Some(["a", "b", "c", "a"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn names_after_crate_are_found_in_imports_and_paths_outside_of_tests() {
        let text = "use crate::{Error, store::{self, Version as V}};\nfn it() -> crate::auth::Token { crate::events::of() }\n\
                    #[cfg(test)]\nmod tests { use crate::laws::all; }\n";
        let mut found = Paths::default();
        match syn::parse_file(text) {
            Ok(file) => found.visit_file(&file),
            Err(error) => assert_eq!(error.to_string(), "a file"),
        }
        assert_eq!(found.0.into_iter().collect::<Vec<_>>(), ["Error", "auth", "events", "store"]);
    }
}
