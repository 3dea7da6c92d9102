//! The base of a comparison: revisions of a repository, and files.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::Parser as _;

use super::{
    super::{Format, outcome},
    plain,
};

/// An empty directory for one test, in cargo's directory for the files of tests.
fn directory(name: &str) -> PathBuf {
    let program = env::current_exe().unwrap();
    let target = program.ancestors().nth(3).unwrap();
    let directory = target.join("tmp").join("spec-diff").join(format!("{name}-{}", std::process::id()));
    if directory.exists() {
        fs::remove_dir_all(&directory).unwrap();
    }
    fs::create_dir_all(&directory).unwrap();
    directory
}

fn git(root: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.current_dir(root).args(["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]);
    command.args(["-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"]).args(arguments);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success(), "git {arguments:?}");
}

/// A repository whose last commit has a plain document, and whose working tree lacks one operation.
fn repository(name: &str) -> PathBuf {
    let root = directory(name);
    fs::write(root.join("Cargo.toml"), "[workspace.package]\nversion = \"0.1.0\"\n").unwrap();
    fs::write(root.join("CHANGELOG.md"), "## [Unreleased]\n\n## [0.1.0]\n").unwrap();
    fs::write(root.join("openapi.yaml"), plain()).unwrap();
    git(&root, &["init", "--quiet"]);
    git(&root, &["add", "."]);
    git(&root, &["commit", "--quiet", "--message", "One"]);
    fs::write(
        root.join("openapi.yaml"),
        plain().replace("      summary: Show a thing.\n", "").replace("showThing", "show"),
    )
    .unwrap();
    root
}

#[test]
fn a_revision_brings_its_version_and_its_changelog() {
    let root = repository("revision");
    let found = outcome(&root, "HEAD", Format::Text).unwrap();
    assert!(found.text.contains("HEAD:openapi.yaml:10:7: documentation-only[summary-changed]"), "{}", found.text);
    assert!(found.text.contains("openapi.yaml:9:20: breaking[operation-renamed]"), "{}", found.text);
    assert!(found.text.contains("Cargo.toml: 0.1.0 is too low; write 0.2.0"), "{}", found.text);
    assert_eq!(
        found.missing.unwrap(),
        [
            "Cargo.toml has version 0.1.0: write version = \"0.2.0\" or later into it",
            "CHANGELOG.md has no new entry: describe the change for callers below `## [Unreleased]`",
        ]
    );

    fs::write(root.join("Cargo.toml"), "[workspace.package]\nversion = \"0.2.0\"\n").unwrap();
    fs::write(root.join("CHANGELOG.md"), "## [Unreleased]\n\n- `showThing` is `show`.\n\n## [0.1.0]\n").unwrap();
    assert_eq!(outcome(&root, "main", Format::Json).unwrap().missing, Some(Vec::new()));

    git(&root, &["add", "."]);
    git(&root, &["commit", "--quiet", "--message", "Two"]);
    assert!(
        outcome(&root, "HEAD", Format::Text)
            .unwrap()
            .text
            .starts_with("openapi.yaml: nothing has changed since HEAD:openapi.yaml\n")
    );
    assert!(outcome(&root, "HEAD~1", Format::Markdown).unwrap().text.contains("`HEAD~1:openapi.yaml`"));
}

#[test]
fn a_workspace_may_lie_below_the_root_of_its_repository() {
    let outer = directory("below");
    let root = outer.join("inner");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("openapi.yaml"), plain()).unwrap();
    git(&outer, &["init", "--quiet"]);
    git(&outer, &["add", "."]);
    git(&outer, &["commit", "--quiet", "--message", "One"]);
    assert!(
        outcome(&root, "HEAD", Format::Text)
            .unwrap()
            .text
            .starts_with("openapi.yaml: nothing has changed since HEAD:openapi.yaml\n")
    );
}

#[test]
fn a_file_has_no_release_files() {
    let root = repository("file");
    let old = root.join("old.yaml");
    fs::write(&old, plain()).unwrap();
    let found = outcome(&root, old.to_str().unwrap(), Format::Text).unwrap();
    assert!(found.text.contains(&format!("{}:10:7: documentation-only", old.display())), "{}", found.text);
    assert!(found.text.ends_with("requires a minor bump: 0.2.0 or later, after 0.1.0\n"), "{}", found.text);
    assert_eq!(found.missing, None);
}

#[test]
fn an_invalid_base_or_document_is_an_error() {
    let root = repository("errors");
    let error = |word: &str| outcome(&root, word, Format::Text).unwrap_err().to_string();
    for word in ["nobody", "", "-p", "--all", "HEAD:openapi.yaml", "HEAD --all", "HEAD\nHEAD", "."] {
        assert_eq!(error(word), format!("`{word}` is neither a file nor a git revision"));
    }
    for (contract, wanted) in [
        (&b"a: ["[..], "error[yaml-syntax]"),
        (b"openapi: 3.0.3\nopenapi: 3.0.3\n", "error[duplicate-key]"),
        (b"openapi: 3.1.0\n", ":1:10: error[openapi-version]"),
        (b"openapi: 3.0.x\n", ":1:10: error[openapi-version]"),
        (b"[]", "error[openapi-version]"),
        (b"a: b\nc: \xff\n", ":2:4: error[not-utf-8]"),
    ] {
        let bad = root.join("bad.yaml");
        fs::write(&bad, contract).unwrap();
        let error = error(bad.to_str().unwrap());
        assert!(error.contains("bad.yaml cannot be compared\n") && error.contains(wanted), "{error}");
    }
    fs::write(root.join("openapi.yaml"), "a: [").unwrap();
    assert!(error("HEAD").starts_with("openapi.yaml cannot be compared\nopenapi.yaml:"));
    git(&root, &["rm", "--quiet", "--cached", "openapi.yaml"]);
    git(&root, &["commit", "--quiet", "--message", "None"]);
    assert_eq!(error("HEAD"), "HEAD has no openapi.yaml");
}

#[test]
fn invalid_arguments_are_rejected() {
    for arguments in [&["diff", "-p"][..], &["diff", "--format", "xml"], &["diff", "HEAD", "HEAD"]] {
        let line = ["xtask", "spec"].iter().chain(arguments);
        assert!(crate::Arguments::try_parse_from(line).is_err(), "{arguments:?}");
    }
}
