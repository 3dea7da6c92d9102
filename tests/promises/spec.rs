//! `src/` repeats nothing that `openapi.yaml` states.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{grown, support::ECHO};

fn spec() -> Value {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.yaml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

/// Every line of code under `src/`, without comments and documentation.
fn code() -> Vec<(String, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut lines = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                lines.extend(code.map(|line| (path.display().to_string(), line.to_lowercase())));
            }
        }
    }
    lines
}

#[test]
fn nothing_in_src_repeats_a_path_a_header_a_server_or_the_token_url() {
    let spec = spec();
    let mut stated: Vec<String> = spec["paths"].as_object().unwrap().keys().cloned().collect();
    stated.extend(spec["servers"].as_array().unwrap().iter().map(|server| server["url"].as_str().unwrap().to_owned()));
    let schemes = &spec["components"]["securitySchemes"];
    stated.push(schemes["vzM2mToken"]["name"].as_str().unwrap().to_owned());
    stated.extend(["/oauth2/token", "verizon.com", "/m2m/"].map(str::to_owned));
    let code = code();
    assert!(code.len() > 500, "the search found too little code");
    for stated in &stated {
        let found = code.iter().find(|(_, line)| line.contains(&stated.to_lowercase()));
        assert!(found.is_none(), "{stated} is repeated: {found:?}");
    }
}

/// `Session::send` follows the `x-retry` of a documented operation, and the tests expect what it does without one.
#[test]
fn the_path_that_the_tests_echo_has_no_operation() {
    let has_echo = |path: &String| {
        let (documented, echo) = (path.split('/'), ECHO.split('/'));
        documented.clone().count() == echo.clone().count()
            && documented.zip(echo).all(|(documented, echo)| documented == echo || documented.contains('{'))
    };
    for spec in [spec(), serde_saphyr::from_str(&grown::spec()).unwrap()] {
        let found = spec["paths"].as_object().unwrap().keys().find(|path| has_echo(path));
        assert_eq!(found, None, "the tests send requests without an operation to {ECHO}: change ECHO in support.rs");
    }
}

#[test]
fn every_secret_of_the_spec_may_be_secret_as_one() {
    fn walk(value: &Value, name: &str, found: &mut Vec<String>) {
        if let Value::Object(map) = value {
            let may_be_secret = map.get("x-secret").and_then(Value::as_bool) != Some(false);
            if may_be_secret && map.get("type").and_then(Value::as_str) == Some("string") {
                let secret = ["password", "token"].iter().any(|word| name.to_lowercase().contains(word));
                assert_eq!(map.get("format").and_then(Value::as_str) == Some("password"), secret, "{name}");
                found.extend(secret.then(|| name.to_owned()));
            }
            map.iter().for_each(|(name, inner)| walk(inner, name, found));
        }
    }
    let mut found = Vec::new();
    walk(&spec()["components"]["schemas"], "", &mut found);
    found.sort();
    assert_eq!(found, ["newPassword", "oldPassword", "password", "sessionToken", "sessionToken"]);
}
