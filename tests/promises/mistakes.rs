//! An error in the contract fails the build with the output of `cargo xtask spec check`. `xtask/tests/spec` tests that
//! output with the same files.

#[path = "../mistakes/mistake.rs"]
mod mistake;

use std::{fs, path::Path, process::Command};

use crate::{
    grown::{self, grown},
    package::Package,
};

/// Runs the build script without cargo, which is faster, and returns its errors and warnings.
fn errors(script: &Path, folder: &Path) -> String {
    let output = Command::new(script).current_dir(folder).env("OUT_DIR", folder).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let text = |line| ["cargo::error=", "cargo::warning="].into_iter().find_map(|kind| str::strip_prefix(line, kind));
    said.lines().filter_map(text).flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn a_build_reports_each_mistake_like_spec_check() {
    let script = grown().build_script();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    fs::copy(manifest, folder.path().join("Cargo.toml")).unwrap();
    let contract = folder.path().join("openapi.yaml");
    let mistakes = mistake::all();
    assert!(mistakes.len() > 100, "{}", mistakes.len());
    for mistake in &mistakes {
        fs::write(&contract, &mistake.contract).unwrap();
        assert_eq!(errors(&script, folder.path()), mistake.said, "{}", mistake.name);
    }
    fs::write(&contract, b"openapi: \xff").unwrap();
    assert!(errors(&script, folder.path()).starts_with("openapi.yaml:1:10: error[not-utf-8]: "));
}

#[test]
fn cargo_shows_every_mistake_with_its_help_and_builds_nothing() {
    let mut package = Package::copy("broken");
    for names in [&["yaml-syntax"][..], &["unsupported"], &["unknown-type", "missing-retry-unknown"]] {
        let mistakes = mistake::made(names);
        package.write("openapi.yaml", &mistakes.contract);
        let output = package.build(&["--quiet"]);
        let shown = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        let prefix = "error: thingspace-session-broken@";
        let lines =
            shown.lines().filter_map(|line| Some(line.strip_prefix(prefix)?.split_once(": ")?.1.to_owned() + "\n"));
        assert_eq!(lines.collect::<String>(), mistakes.said, "{shown}");
        assert!(!shown.contains("panicked") && !shown.contains("error[E"), "{shown}");
    }
}

#[test]
fn the_advice_for_a_missing_crate_is_sufficient() {
    let mut package = Package::copy("broken");
    package.write("openapi.yaml", &grown::spec());
    let output = package.build(&["--quiet"]);
    let shown = String::from_utf8(output.stderr).unwrap();
    let helps: Vec<&str> = shown.lines().filter_map(|line| line.split_once("help: ")).map(|(_, help)| help).collect();
    assert_eq!(helps.len(), 3, "once for each crate: {shown}");
    for step in helps.iter().flat_map(|help| help.split("; and ")) {
        if let Some(line) = step.strip_prefix("add to [dependencies] in Cargo.toml: ") {
            package.depend(line);
        } else {
            let feature = step.strip_prefix("add \"").and_then(|rest| rest.split('"').next());
            package.enable("schemars", feature.unwrap());
        }
    }
    // With these crates the package builds.
    assert_eq!(package.file("Cargo.toml").replace("-broken\"", "\""), grown().manifest, "{shown}");
}

#[test]
fn without_the_generator_a_build_accepts_only_the_copy_of_this_contract() {
    let (from, to) =
        (Path::new(env!("CARGO_MANIFEST_DIR")), tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap());
    let folder = to.path();
    fs::create_dir(folder.join("generated")).unwrap();
    let copies = ["generated/client.rs", "generated/operations.rs"];
    for file in copies {
        fs::copy(from.join(file), folder.join(file)).unwrap();
    }
    // The build needs no other compilation.
    let script = folder.join("script");
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let built = rustc.args(["--edition", "2024", "-o"]).args([&script, &from.join("build.rs")]).output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));

    let contract = fs::read_to_string(from.join("openapi.yaml")).unwrap();
    let said = |contract: &str| {
        fs::write(folder.join("openapi.yaml"), contract).unwrap();
        errors(&script, folder)
    };
    assert_eq!(said(&contract), "");
    assert_eq!(said(&contract.replace('\n', "\r\n")), "", "with the line ends of Windows");
    let stale = |copy: &str| {
        format!(
            "{copy} is not made of openapi.yaml as it is: turn on the feature codegen, or run `cargo xtask regen`\n"
        )
    };
    assert_eq!(said(&format!("{contract}\n")), stale(copies[0]));
    fs::write(folder.join(copies[1]), "").unwrap();
    assert_eq!(said(&contract), stale(copies[1]));
    fs::remove_file(folder.join(copies[1])).unwrap();
    assert!(said(&contract).starts_with("generated/operations.rs: cannot be read: "));
}
