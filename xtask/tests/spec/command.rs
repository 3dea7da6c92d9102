//! The command as it is called.

use std::{
    fs,
    process::{Command, Output},
};

use serde_json::Value;

use crate::mistake;

fn check(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_xtask")).args(["spec", "check"]).args(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn the_contract_is_checked_where_no_file_is_named() {
    let (status, said, warnings) = check(&[]);
    assert_eq!((status, warnings), (Some(0), String::new()));
    assert!(said.starts_with("openapi.yaml: no errors in "), "{said}");
    assert!(said.ends_with(" schemas; a client can be generated from it\n"), "{said}");
    assert_eq!(check(&["--format", "json"]), (Some(0), "[]\n".to_owned(), String::new()));
}

#[test]
fn mistakes_are_told_as_compilers_tell_them_and_end_in_status_1() {
    let mistakes = mistake::made(&["unknown-type", "retry-value"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.yaml");
    let name = file.to_str().unwrap();
    fs::write(&file, &mistakes.contract).unwrap();

    let (status, said, errors) = check(&[name]);
    let (told, shown): (Vec<_>, Vec<_>) =
        said.lines().partition(|line| line.starts_with(name) || line.starts_with("  help: "));
    let expected = mistakes.said.replace("openapi.yaml:", &format!("{name}:"));
    assert_eq!(told, expected.lines().collect::<Vec<_>>());
    // The line of each mistake, and a mark below it.
    for told in told.iter().filter(|line| line.starts_with(name)) {
        let place: Vec<usize> = told[name.len() + 1..].split(':').map_while(|part| part.parse().ok()).collect();
        let source = mistakes.contract.lines().nth(place[0] - 1).unwrap();
        let at =
            shown.iter().position(|line| line.starts_with(&place[0].to_string()) && line.ends_with(source)).unwrap();
        let column = shown[at].find(source).unwrap() + place[1] - 1;
        assert_eq!(shown[at + 1].find('^'), Some(column), "{said}");
    }
    assert_eq!((status, errors), (Some(1), format!("xtask: 2 errors in {name}\n")));

    let (status, said, _) = check(&["--format=json", name]);
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(status, Some(1));
    assert_eq!(found.as_array().unwrap().len(), 2);
    for (found, lines) in found.as_array().unwrap().iter().zip(mistakes.said.lines().collect::<Vec<_>>().chunks(2)) {
        let text = |key: &str| found[key].as_str().unwrap().to_owned();
        let place = format!("openapi.yaml:{}:{}", found["line"], found["column"]);
        assert_eq!(format!("{place}: {}[{}]: {}", text("severity"), text("rule"), text("message")), lines[0]);
        assert_eq!(format!("  help: {}", text("help")), lines[1]);
        assert_eq!(text("file"), name);
    }
}

#[test]
fn warnings_are_told_and_stop_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.yaml");
    let name = file.to_str().unwrap();
    let with = |mistakes: &mistake::Mistake| {
        fs::write(&file, &mistakes.contract).unwrap();
        mistakes.said.replace("openapi.yaml:", &format!("{name}:"))
    };

    // Without the lines that are shown below each of them.
    let told_by = |said: &str| -> String {
        let is_told = |line: &&str| line.starts_with(name) || line.starts_with("  help: ");
        said.split_inclusive('\n').filter(is_told).collect()
    };

    let told = with(&mistake::made(&["no-error-response", "unknown-format"]));
    let (status, said, errors) = check(&[name]);
    let last =
        format!("{name}: no errors, 2 warnings in 4 operations and 8 schemas; a client can be generated from it\n");
    assert_eq!((status, told_by(&said), errors), (Some(0), told + &last, String::new()));
    let (status, said, _) = check(&["--format=json", name]);
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(status, Some(0));
    assert_eq!((&found[0]["severity"], &found[1]["severity"]), (&"warning".into(), &"warning".into()));

    let told = with(&mistake::made(&["no-error-response", "unknown-type"]));
    let (status, said, errors) = check(&[name]);
    let counts = format!("xtask: 1 error and 1 warning in {name}\n");
    assert_eq!((status, told_by(&said), errors), (Some(1), told, counts));
    let (_, help, _) = check(&["--help"]);
    assert!(help.contains("The exit status is 1 if there is an error"), "{help}");
}

#[test]
fn what_cannot_be_read_or_understood_is_said() {
    let (status, _, errors) = check(&["no such file.yaml"]);
    assert_eq!(status, Some(1));
    assert!(errors.starts_with("xtask: no such file.yaml cannot be read: "), "{errors}");
    let (status, said, errors) = check(&["no such file.yaml", "--format", "json"]);
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status, &found[0]["rule"]), (Some(1), &"unreadable-file".into()));
    assert!(found[0]["message"].as_str().unwrap().starts_with("no such file.yaml cannot be read: "), "{said}");
    assert_eq!(errors, "xtask: 1 error in no such file.yaml\n");

    for (arguments, named) in [
        (&["--format"][..], "[possible values: text, json]"),
        (&["--format", "xml"], "[possible values: text, json]"),
        (&["--formt", "json"], "'--format'"),
        (&["a.yaml", "b.yaml"], "'b.yaml'"),
        (&["--quick"], "'--quick'"),
    ] {
        let (status, said, errors) = check(arguments);
        assert_eq!((status, said.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(errors.contains(named) && errors.contains("--help"), "{arguments:?}: {errors}");
    }
}

fn xtask(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_xtask")).args(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Every command, with what its help has to name.
const COMMANDS: [(&str, &[&str]); 8] = [
    ("bench", &["--quick", "--builds"]),
    ("dependencies", &["--check"]),
    ("docs", &["--check"]),
    ("fleet", &["--quick", "--seconds <SECONDS>", "THINGSPACE_REDIS_SERVER"]),
    ("interop", &["--record"]),
    ("regen", &["--check"]),
    ("sandbox", &["--listen <ADDRESS>", "--docs"]),
    ("spec", &["check", "diff"]),
];

#[test]
fn every_command_is_listed_and_tells_what_it_takes() {
    for question in [&[][..], &["help"], &["--help"], &["-h"]] {
        let (status, said, errors) = xtask(question);
        assert_eq!((status, errors.as_str()), (Some(0), ""), "{question:?}");
        assert!(said.contains("Usage: cargo xtask [COMMAND]"), "{said}");
        for (name, _) in COMMANDS {
            assert!(said.lines().any(|line| line.trim_start().starts_with(&format!("{name} "))), "{name}: {said}");
        }
    }
    let nested = [("spec check", &["[FILE]", "--format"][..]), ("spec diff", &["[BASE]", "--check", "--format"])];
    for (name, named) in COMMANDS.into_iter().chain(nested) {
        for flag in ["--help", "-h"] {
            let (status, said, errors) = xtask(&name.split(' ').chain([flag]).collect::<Vec<_>>());
            assert_eq!((status, errors.as_str()), (Some(0), ""), "{name} {flag}");
            assert!(said.contains(&format!("Usage: cargo xtask {name}")), "{said}");
            let named = named.iter().filter(|text| flag == "--help" || text.starts_with('-'));
            named.for_each(|text| assert!(said.contains(text), "{name} {flag} names {text}: {said}"));
        }
    }
}

#[test]
fn what_is_not_understood_ends_in_status_2_and_names_what_is() {
    for (arguments, named) in [
        (&["specs"][..], "'spec'"),
        (&["spec", "dif"], "'diff'"),
        (&["spec"], "check"),
        (&["regen", "--chek"], "'--check'"),
        (&["docs", "--chekc"], "'--check'"),
        (&["bench", "--quik"], "'--quick'"),
        (&["fleet", "--second", "3"], "'--seconds'"),
        (&["fleet", "--seconds", "x"], "'--seconds <SECONDS>'"),
        (&["interop", "--recrod"], "'--record'"),
        (&["sandbox", "--listen", "nowhere"], "'--listen <ADDRESS>'"),
        (&["spec", "diff", "--format", "xml"], "[possible values: text, json, markdown]"),
        (&["spec", "diff", "--check", concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi.yaml")], "needs a revision"),
    ] {
        let (status, _, errors) = xtask(arguments);
        assert_eq!(status, Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(named), "{arguments:?}: {errors}");
    }
}
