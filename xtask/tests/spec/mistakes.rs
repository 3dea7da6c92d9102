//! Each mistake of `tests/mistakes` is reported alone, in its place.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{contract, mistake, said};

#[test]
fn each_mistake_is_told_at_its_line_and_column_and_nothing_else_is() {
    let mut wrong = Vec::new();
    for mistake in mistake::all() {
        let said = said(&mistake.contract);
        if said != mistake.said {
            wrong.push(format!("{}:\n{}is to be\n{}", mistake.name, said, mistake.said));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(said(contract()), "", "the contract without a mistake has none");
}

#[test]
fn all_mistakes_are_told_in_one_run_in_the_order_of_their_lines() {
    let mistakes = mistake::made(&[
        "unmarked-secret",
        "unknown-key",
        "duplicate-environment",
        "security-choice",
        "several-media-types",
        "retry-value",
        "info-version",
        "reserved-schema",
    ]);
    assert_eq!(mistakes.said.lines().count(), 16);
    assert_eq!(said(&mistakes.contract), mistakes.said);
}

#[test]
fn no_rule_is_without_its_mistake() {
    let root = mistake::folder().join("../..");
    let mut rules = BTreeSet::new();
    for folder in ["crates/codegen/src", "xtask/src/spec"] {
        collect(&root.join(folder), &mut rules);
    }
    assert!(rules.len() > 80, "{rules:?}");
    // No diff can make these: `unreadable.rs` and `command.rs` do.
    rules.retain(|rule| !["not-utf-8", "unreadable-file"].contains(&rule.as_str()));
    let mistakes = mistake::all();
    let of = |mistake: &mistake::Mistake| {
        let (_, rest) = mistake.said.split_once("error[").or_else(|| mistake.said.split_once("warning[")).unwrap();
        rest.split(']').next().unwrap().to_owned()
    };
    for mistake in &mistakes {
        assert!(mistake.name.starts_with(&of(mistake)), "{} is named after its rule", mistake.name);
    }
    let made: BTreeSet<String> = mistakes.iter().map(of).collect();
    assert_eq!(made, rules);
}

/// The names of rules in the code of a folder.
fn collect(folder: &Path, rules: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, rules);
            continue;
        }
        let code = fs::read_to_string(&path).unwrap();
        for after in ["Finding::new(", "Finding::warning(", "collide("].iter().flat_map(|call| code.split(call).skip(1))
        {
            let name = after.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
            rules.extend(name.map(str::to_owned));
        }
    }
}
