//! `cargo xtask dependencies`: writes what each dependency adds into `docs/dependencies.md`. It also draws the diagrams
//! in `ARCHITECTURE.md`: how the crates of the workspace, and the modules of the library, depend on each other.
//!
//! `dependencies/why.md` has one reason a line. All other data come from `cargo tree` for one platform, so that every
//! machine writes the same page.

mod modules;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;

use crate::{Result, workspace};

const FILE: &str = "docs/dependencies.md";
const MAP: &str = "ARCHITECTURE.md";
const BEGIN: &str = "```mermaid\n";
const REASONS: &str = include_str!("dependencies/why.md");
const PLATFORM: &str = "x86_64-unknown-linux-gnu";
/// Packages of the library and of the store.
const LIBRARY: &str = "thingspace-session";
const STORE: &str = "thingspace-session-redis";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Write nothing; fail if the page is stale
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    // The first diagram has the crates, the second the modules.
    let mut map = String::new();
    let mut rest = fs::read_to_string(workspace::root().join(MAP))?.replace("\r\n", "\n");
    for diagram in [crates()?, modules::diagram()?] {
        let (head, tail) = rest.split_once(BEGIN).ok_or_else(|| format!("{MAP}: a mermaid diagram is missing"))?;
        let (_, tail) = tail.split_once("```").ok_or_else(|| format!("{MAP}: the end of a diagram is missing"))?;
        map = format!("{map}{head}{BEGIN}{diagram}```");
        rest = tail.to_owned();
    }
    for (file, text) in [(FILE, page()?), (MAP, map + &rest)] {
        let path = workspace::root().join(file);
        let is_current = fs::read_to_string(&path).is_ok_and(|current| current.replace("\r\n", "\n") == text);
        match (is_current, arguments.check) {
            (true, _) => println!("{file} is up to date"),
            (false, true) => {
                return Err(
                    format!("{file} is stale: run `cargo xtask dependencies`, and commit what it writes").into()
                );
            }
            (false, false) => {
                fs::write(&path, text)?;
                println!("wrote {file}");
            }
        }
    }
    Ok(())
}

/// The crates of the workspace, from `cargo tree --workspace --depth 1`: an arrow to a normal or build dependency, a
/// dotted arrow to a dependency of the tests only.
fn crates() -> Result<String> {
    let edges = |kinds: &str| -> Result<BTreeSet<(String, String)>> {
        let mut cargo = workspace::cargo();
        cargo.args(["tree", "--locked", "--workspace", "--depth", "1", "--target", PLATFORM, "--prefix", "depth"]);
        let output = cargo.args(["--no-dedupe", "--edges", kinds]).output()?;
        let printed = String::from_utf8(output.stdout)?;
        // The line of a member has its folder.
        let members = printed.lines().filter(|line| line.contains(" (/") || line.contains(":\\"));
        let mut above = String::new();
        let mut edges = BTreeSet::new();
        for line in members {
            let name = name_of(line.get(1..).unwrap_or_default()).to_owned();
            if line.starts_with('0') {
                above = name;
            } else if name != above {
                edges.insert((above.clone(), name));
            }
        }
        if edges.is_empty() { Err("cargo tree lists no crate of the workspace".into()) } else { Ok(edges) }
    };
    let own = edges("normal,build")?;
    let mut text = String::from("graph TD\n");
    for (from, to) in edges("normal,build,dev")? {
        let arrow = if own.contains(&(from.clone(), to.clone())) { "-->" } else { "-.->" };
        let _ = writeln!(text, "    {from} {arrow} {to}");
    }
    Ok(text)
}

fn page() -> Result<String> {
    let mut page = format!(
        "# Dependencies\n\nWritten by `cargo xtask dependencies` from what `cargo tree` says for {PLATFORM}. A number counts \
         packages in the versions of `Cargo.lock`, without the package itself.\n\n\
         | `{LIBRARY}` with | normal | with those of the build |\n|---|---:|---:|\n"
    );
    for (has_codegen, features) in [(true, "default features"), (false, "`rustls` alone, without `codegen`")] {
        let (normal, all) = (count("normal", has_codegen)?, count("normal,build", has_codegen)?);
        let _ = writeln!(page, "| {features} | {normal} | {all} |");
    }
    let mut reasons: BTreeSet<(&str, &str)> = reasons().into_keys().collect();
    for package in [LIBRARY, STORE] {
        let (plain, full) = (Tree::read(package, "normal", &[])?, Tree::read(package, "normal", &["--all-features"])?);
        let _ = write!(
            page,
            "\n## `{package}`\n\nA crate that several of them bring is counted for none. An optional one is counted beside \
             all other features.\n\n| crate | brings alone, with itself | licence | why |\n|---|---:|---|---|\n"
        );
        for (name, licence) in full.direct() {
            let tree = if plain.has(&name) { &plain } else { &full };
            let optional = if plain.has(&name) { "" } else { " (optional)" };
            let why = why(package, &name, &mut reasons)?;
            let _ = writeln!(page, "| `{name}`{optional} | {} | {licence} | {why} |", tree.brought_by(&name));
        }
        if package == LIBRARY {
            let tree = Tree::read(package, "normal,build", &[])?;
            let name = "thingspace-codegen";
            let why = why(package, name, &mut reasons)?;
            let _ = writeln!(page, "| `{name}` (build) | {} | MIT OR Apache-2.0 | {why} |", tree.brought_by(name));
        }
    }
    match reasons.first() {
        Some((package, name)) => Err(format!("dependencies/why.md: {package} does not depend on {name}").into()),
        None => Ok(page),
    }
}

/// Number of packages that the library depends on by such edges: with default features, or with `rustls` only.
pub(crate) fn count(edges: &str, has_codegen: bool) -> Result<usize> {
    let features = ["--no-default-features", "--features", "rustls"];
    Ok(Tree::read(LIBRARY, edges, if has_codegen { &[] } else { &features })?.count())
}

/// Reasons by package and dependency.
fn reasons() -> BTreeMap<(&'static str, &'static str), &'static str> {
    let lines = REASONS.lines().filter_map(|line| line.split_once(" | "));
    lines.filter_map(|(names, why)| Some((names.split_once(' ')?, why))).collect()
}

fn why(package: &str, name: &str, unused: &mut BTreeSet<(&str, &str)>) -> Result<&'static str> {
    unused.retain(|known| *known != (package, name));
    let found = reasons().get(&(package, name)).copied();
    Ok(found.ok_or_else(|| format!("dependencies/why.md: a line for `{package} {name}` is missing"))?)
}

/// A graph of dependencies. A package is its name and version.
#[derive(Debug, Default)]
struct Tree {
    edges: BTreeMap<String, BTreeSet<String>>,
    licences: BTreeMap<String, String>,
    root: String,
}

impl Tree {
    fn read(package: &str, edges: &str, more: &[&str]) -> Result<Self> {
        let mut cargo = workspace::cargo();
        cargo.args(["tree", "--locked", "--target", PLATFORM, "--prefix", "depth", "--format", "{p}|{l}"]);
        let output = cargo.args(["--package", package, "--edges", edges]).args(more).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Self::parse(&String::from_utf8(output.stdout)?).ok_or_else(|| "cannot parse the output of cargo tree".into())
    }

    /// Lines such as `2rustversion v1.0.23 (proc-macro)|MIT OR Apache-2.0 (*)`; a repeated package has no subtree.
    fn parse(printed: &str) -> Option<Self> {
        let (mut tree, mut path) = (Self::default(), Vec::<String>::new());
        for line in printed.lines().filter(|line| !line.is_empty()) {
            let digits = line.find(|letter: char| !letter.is_ascii_digit())?;
            let (depth, rest) = line.split_at(digits);
            let (package, licence) = rest.split_once('|')?;
            let package = package.split(' ').take(2).collect::<Vec<_>>().join(" ");
            path.truncate(depth.parse().ok()?);
            match path.last() {
                Some(above) => drop(tree.edges.entry(above.clone()).or_default().insert(package.clone())),
                None => tree.root.clone_from(&package),
            }
            tree.licences.insert(package.clone(), licence.trim_end_matches(" (*)").to_owned());
            path.push(package);
        }
        Some(tree)
    }

    /// Names and licences of the direct dependencies.
    fn direct(&self) -> Vec<(String, String)> {
        let names = self.edges.get(&self.root).into_iter().flatten();
        names
            .map(|package| (name_of(package).to_owned(), self.licences.get(package).cloned().unwrap_or_default()))
            .collect()
    }

    fn has(&self, name: &str) -> bool {
        self.direct().iter().any(|(known, _)| known == name)
    }

    fn count(&self) -> usize {
        self.reached("").len()
    }

    /// Number of packages that only this dependency needs, itself included.
    fn brought_by(&self, name: &str) -> usize {
        self.count() - self.reached(name).len()
    }

    /// All packages that the root reaches without one of its direct dependencies.
    fn reached(&self, without: &str) -> BTreeSet<&str> {
        let (mut found, mut next) = (BTreeSet::new(), vec![self.root.as_str()]);
        while let Some(package) = next.pop() {
            let below = self.edges.get(package).into_iter().flatten().map(String::as_str);
            let below = below.filter(|below| package != self.root || name_of(below) != without);
            next.extend(below.filter(|below| found.insert(*below)).collect::<Vec<_>>());
        }
        found
    }
}

fn name_of(package: &str) -> &str {
    package.split(' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_that_only_one_dependency_needs_are_counted_for_it() {
        let printed = "0own v1 (/here)|MIT\n1a v1|MIT\n2b v1 (proc-macro)|ISC\n3d v2|MIT\n1c v1|Zlib\n2b v1 (proc-macro)|ISC (*)\n2e v1|MIT\n";
        let Some(tree) = Tree::parse(printed) else { return assert_eq!(printed, "a tree") };
        assert_eq!(tree.direct(), [("a".to_owned(), "MIT".to_owned()), ("c".to_owned(), "Zlib".to_owned())]);
        assert_eq!((tree.count(), tree.brought_by("a"), tree.brought_by("c")), (5, 1, 2));
    }
}
