//! Mistakes in the contract, a file each: the finding, and the change that provokes it.
//!
//! A file holds the two lines of the finding, without the place; an empty line; and a change of the `openapi.yaml` in this
//! folder, as a diff without numbers: a line begins with a space if it stays, with `-` if it is removed, with `+` if it is
//! added, and `@@` separates two changes. The brackets ⟦ ⟧ mark the place of the finding. If the finding names the line of
//! something else, the brackets ⟪ ⟫ mark that, and `⟪⟫` stands for its line. The test removes all brackets.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// One or more mistakes, made.
pub(crate) struct Mistake {
    /// The rule that finds it and, after a dash, what is special about it.
    pub(crate) name: String,
    /// The contract with the mistake in it.
    pub(crate) contract: String,
    /// What is said of it, two lines each, in the order of places.
    pub(crate) said: String,
}

/// Where the mistakes are.
pub(crate) fn folder() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().find(|folder| folder.join("openapi.yaml").exists()).unwrap();
    root.join("tests").join("mistakes")
}

/// The contract that the mistakes change, without the comment at its head.
pub(crate) fn contract() -> String {
    let file = fs::read_to_string(folder().join("openapi.yaml")).unwrap();
    file.split_inclusive('\n').skip_while(|line| line.starts_with('#')).collect()
}

/// Every mistake, made alone.
pub(crate) fn all() -> Vec<Mistake> {
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    let mut names: Vec<String> = files
        .filter(|file| file.extension().is_some_and(|extension| extension == "diff"))
        .map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names.iter().map(|name| made(&[name])).collect()
}

/// These mistakes, made in one contract.
pub(crate) fn made(names: &[&str]) -> Mistake {
    let mut contract = contract();
    let mut words = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let file = fs::read_to_string(folder().join(name).with_extension("diff")).unwrap();
        let (said, change) = file.split_once("\n\n").unwrap();
        // Each mistake has brackets of its own until all of them are made.
        let own = |number: u32| char::from_u32(0xE000 + 2 * u32::try_from(index).unwrap() + number).unwrap();
        let change = change.replace('⟦', &own(0).to_string()).replace('⟪', &own(1).to_string()).replace(['⟧', '⟫'], "");
        for change in change.split("@@\n") {
            contract = changed(&contract, change, name);
        }
        words.push((own(0), own(1), said.to_owned()));
    }
    let mut said = Vec::new();
    for (bracket, other, words) in words {
        let (line, column) = place(&contract, bracket).unwrap_or_else(|| panic!("{names:?}: no bracket"));
        let words = words.replacen("openapi.yaml:", &format!("openapi.yaml:{line}:{column}:"), 1);
        let words = place(&contract, other).map_or(words.clone(), |(line, _)| words.replace("⟪⟫", &line.to_string()));
        said.push((line, column, words));
    }
    said.sort();
    let contract = contract.replace(is_bracket, "");
    Mistake { name: names.join(", "), contract, said: said.into_iter().map(|(.., words)| words + "\n").collect() }
}

fn is_bracket(letter: char) -> bool {
    ('\u{E000}'..='\u{F8FF}').contains(&letter)
}

/// Line and column of a bracket, counted from 1, as if there were no others.
fn place(contract: &str, bracket: char) -> Option<(usize, usize)> {
    let (before, _) = contract.split_once(bracket)?;
    let before = before.replace(is_bracket, "");
    let line = before.rsplit('\n').next().unwrap_or_default();
    Some((before.matches('\n').count() + 1, line.chars().count() + 1))
}

fn changed(contract: &str, change: &str, name: &str) -> String {
    let side = |sign: char| -> String {
        let lines = change.lines().filter(|line| line.starts_with([' ', sign]) || line.is_empty());
        lines.flat_map(|line| ["\n", line.get(1..).unwrap_or_default()]).chain(["\n"]).collect()
    };
    let contract = format!("\n{contract}");
    let old = side('-').replace(is_bracket, "");
    let found = contract.matches(&old).count();
    assert_eq!(
        found, 1,
        "{name}.diff: tests/mistakes/openapi.yaml has this text {found} times, but must have it once. If it is missing, \
         write what is there now; if it is there twice, add lines around the change that stand once:{old}"
    );
    contract.replacen(&old, &side('+'), 1)[1..].to_owned()
}
