//! Mistakes in the contract, a file each: how to make it, and what is said of it.
//!
//! A file holds the two lines that are said, without the place; an empty line; and a change of `openapi.yaml`, as in
//! a diff without numbers: a line begins with a space if it stays, with `-` if it goes, with `+` if it comes, and `@@`
//! stands between two changes. The brackets ⟦ ⟧ are around what the mistake is; they are taken out, and where the first
//! one stood is the place.

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
    let mut contract = fs::read_to_string(folder().join("../../openapi.yaml")).unwrap();
    let mut words = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let file = fs::read_to_string(folder().join(name).with_extension("diff")).unwrap();
        let (said, change) = file.split_once("\n\n").unwrap();
        // Each mistake has a bracket of its own until all of them are made.
        let bracket = char::from_u32(0xE000 + u32::try_from(index).unwrap()).unwrap();
        for change in change.replace('⟦', &bracket.to_string()).split("@@\n") {
            contract = changed(&contract, change, name);
        }
        words.push((bracket, said.to_owned()));
    }
    contract = contract.replace('⟧', "");
    let mut said = Vec::new();
    for (bracket, words) in words {
        let others = |letter: char| ('\u{E000}'..='\u{F8FF}').contains(&letter) && letter != bracket;
        let text = contract.replace(others, "");
        let (before, _) = text.split_once(bracket).unwrap_or_else(|| panic!("{names:?}: no bracket"));
        let (line, column) = (before.lines().count().max(1), before.lines().last().unwrap_or_default().chars().count());
        let (line, column) = if before.ends_with('\n') { (line + 1, 0) } else { (line, column) };
        let place = format!("openapi.yaml:{line}:{}:", column + 1);
        said.push((line, column, words.replacen("openapi.yaml:", &place, 1)));
    }
    said.sort();
    let contract = contract.replace(|letter: char| ('\u{E000}'..='\u{F8FF}').contains(&letter), "");
    Mistake { name: names.join(", "), contract, said: said.into_iter().map(|(.., words)| words + "\n").collect() }
}

fn changed(contract: &str, change: &str, name: &str) -> String {
    let side = |sign: char| -> String {
        let lines = change.lines().filter(|line| line.starts_with([' ', sign]) || line.is_empty());
        lines.flat_map(|line| ["\n", line.get(1..).unwrap_or_default()]).chain(["\n"]).collect()
    };
    let contract = format!("\n{contract}");
    assert_eq!(contract.matches(&side('-')).count(), 1, "{name}: what is to be changed stands once:{}", side('-'));
    contract.replacen(&side('-'), &side('+'), 1)[1..].to_owned()
}
