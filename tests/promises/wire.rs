//! The crate sends the same requests as the official Python SDK, which `cargo xtask interop` recorded.

use std::{fs, path::Path};

use serde_json::{Map, Value, json};
use thingspace_sandbox::{Recorded, Sandbox};

use crate::support::{PASSWORD, USERNAME, client_of, credentials};

fn kept() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("xtask/interop/python-sdk-wire.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A request in the form of the record, with placeholders for values that differ between runs.
fn recorded(request: &Recorded, ignored: &[&str]) -> Value {
    let mut headers = Map::new();
    for (name, value) in &request.headers {
        let value = match (name.as_str(), value.split_once(' ')) {
            ("authorization", Some(("Basic", _))) => "Basic <base64 of key:secret>",
            ("authorization", Some(("Bearer", _))) => "Bearer <access token>",
            ("vz-m2m-token", _) => "<session token>",
            ("content-length", _) if !request.body.is_empty() => continue,
            (name, _) if ignored.contains(&name) => continue,
            _ => value,
        };
        headers.insert(name.clone(), value.into());
    }
    let text = String::from_utf8(request.body.clone()).unwrap();
    let body = match text.as_str() {
        "" => Value::Null,
        form if !form.starts_with('{') => {
            let (name, value) = form.split_once('=').unwrap();
            json!({ "form": { name: value } })
        }
        text => {
            let text = text.replace(PASSWORD, "<password>").replace(USERNAME, "<username>");
            json!({ "json": serde_json::from_str::<Value>(&text).unwrap() })
        }
    };
    json!({
        "method": request.method, "path": request.path, "query": request.query, "headers": headers, "body": body,
    })
}

#[tokio::test]
async fn the_requests_are_those_of_the_official_python_sdk() {
    let kept = kept();
    let ignored: Vec<&str> = kept["ignored_headers"].as_array().unwrap().iter().filter_map(Value::as_str).collect();

    let sandbox = Sandbox::start().await.unwrap();
    let thingspace = client_of(&sandbox).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    session.reset_password(PASSWORD).await.unwrap();
    session.end().await.unwrap();
    let sent: Vec<Value> = sandbox.requests().iter().map(|request| recorded(request, &ignored)).collect();

    let expected = kept["requests"].as_array().unwrap();
    assert_eq!((expected.len(), sent.len()), (4, 4));
    for expected in expected {
        let mut expected = expected.clone();
        expected.as_object_mut().unwrap().remove("operation");
        let same_path = sent.iter().find(|sent| sent["path"] == expected["path"]);
        assert_eq!(same_path, Some(&expected));
    }
}
