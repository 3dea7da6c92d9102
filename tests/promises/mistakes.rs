//! A mistake in the contract ends the build, in the words of `cargo xtask spec check`, which `xtask/tests/spec` holds
//! against the same files.

#[path = "../mistakes/mistake.rs"]
mod mistake;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

use crate::package::Package;

/// The program that cargo makes of `build.rs`.
fn build_script(package: &Package) -> PathBuf {
    let Output { stdout, .. } = package.cargo(&["check", "--message-format=json"], ("CARGO_TERM_COLOR", "never"));
    let messages = String::from_utf8(stdout).unwrap();
    let mut messages = messages.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let manifest = package.folder.join("Cargo.toml");
    let script = messages.find(|message| {
        message["target"]["kind"][0] == "custom-build" && message["manifest_path"] == manifest.to_str().unwrap()
    });
    Path::new(script.expect("cargo builds it")["filenames"][0].as_str().unwrap()).to_owned()
}

/// Does what cargo does with it, without what takes cargo its time.
fn errors(script: &Path, package: &Package) -> String {
    let out = package.folder.join("out");
    std::fs::create_dir_all(&out).unwrap();
    let output = Command::new(script).current_dir(&package.folder).env("OUT_DIR", out).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().filter_map(|line| line.strip_prefix("cargo::error=")).flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn a_build_tells_each_mistake_as_spec_check_does() {
    let package = Package::copy("mistaken");
    package.write("openapi.yaml", "");
    let script = build_script(&package);
    let mistakes = mistake::all();
    assert!(mistakes.len() > 100, "{}", mistakes.len());
    for mistake in &mistakes {
        package.write("openapi.yaml", &mistake.contract);
        assert_eq!(errors(&script, &package), mistake.said, "{}", mistake.name);
    }
    std::fs::write(package.folder.join("openapi.yaml"), b"openapi: \xff").unwrap();
    assert!(errors(&script, &package).starts_with("openapi.yaml:1:10: error[not-utf-8]: "));
}

#[test]
fn cargo_shows_every_mistake_with_its_help_and_builds_nothing() {
    let package = Package::copy("mistaken-twice");
    for names in [&["yaml-syntax"][..], &["unsupported"], &["unknown-type", "missing-repeatable-unknown"]] {
        let mistakes = mistake::made(names);
        package.write("openapi.yaml", &mistakes.contract);
        let output = package.cargo(&["check", "--quiet"], ("CARGO_TERM_COLOR", "never"));
        let shown = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success());
        let prefix = "error: thingspace-session-mistaken-twice@";
        let lines =
            shown.lines().filter_map(|line| Some(line.strip_prefix(prefix)?.split_once(": ")?.1.to_owned() + "\n"));
        assert_eq!(lines.collect::<String>(), mistakes.said, "{shown}");
        assert!(!shown.contains("panicked") && !shown.contains("error[E"), "{shown}");
    }
}

#[test]
fn what_a_missing_crate_is_said_to_need_is_enough() {
    let package = Package::copy("helped");
    let schemas = "  schemas:
    Device:
      type: object
      properties:
        since: {type: string, format: date-time}
        day: {type: string, format: date}
        identity: {type: string, format: uuid}
        name: {type: string, pattern: '^[a-z]+$'}
";
    let contract = package.spec();
    package.write("openapi.yaml", &contract.replacen("  schemas:\n", schemas, 1));
    let output = package.cargo(&["check", "--quiet"], ("CARGO_TERM_COLOR", "never"));
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
    let output = package.cargo(&["check", "--quiet"], ("CARGO_TERM_COLOR", "never"));
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
