//! The sandbox as a program.

use std::process::Stdio;

use reqwest::Client;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

#[tokio::test]
async fn the_program_prints_its_address_and_the_settings_of_a_client() {
    let mut program = start(&["--listen", "127.0.0.1:0"]);
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();

    let first = lines.next_line().await.unwrap().unwrap();

    let base_url = first.strip_prefix("listening on ").unwrap();
    assert!(base_url.starts_with("http://127.0.0.1:") && base_url.ends_with("/api"), "{base_url}");
    assert!(!base_url.contains(":0/"), "{base_url}");
    if cfg!(feature = "docs") {
        assert_eq!(lines.next_line().await.unwrap().unwrap(), format!("docs at {}", base_url.replace("/api", "/docs")));
    }
    let expected = [
        format!("export THINGSPACE_BASE_URL={base_url}"),
        "export THINGSPACE_KEY=sandbox-key".to_owned(),
        "export THINGSPACE_SECRET=sandbox-secret".to_owned(),
        "export THINGSPACE_USERNAME=zbeeblebrox".to_owned(),
        "export THINGSPACE_PASSWORD=IMgr8".to_owned(),
    ];
    for line in expected {
        assert_eq!(lines.next_line().await.unwrap().unwrap(), line);
    }
    let http = Client::builder().no_proxy().build().unwrap();
    let counters = http.get(base_url.replace("/api", "/_sandbox/counters")).send().await.unwrap();
    assert_eq!(counters.json::<Value>().await.unwrap()["connections"], 1);
    program.kill().await.unwrap();
}

#[tokio::test]
async fn the_program_rejects_an_address_that_other_hosts_can_reach() {
    let (status, _, problem) = run(&["--listen", "0.0.0.0:0"]).await;
    assert_eq!(status, Some(1));
    assert!(problem.contains("not a loopback address"), "{problem}");
}

#[tokio::test]
async fn invalid_arguments_print_the_usage() {
    for (arguments, hint) in [
        (&["--listen"] as &[&str], "--listen needs an address"),
        (&["--listen", "localhost"], "`localhost` is not an address"),
        (&["--history"], "--history needs a file"),
        (&["--listen=8080"], "`8080` is not an address"),
        (&["--port", "1"], "unknown argument `--port`"),
    ] {
        let (status, _, problem) = run(arguments).await;
        assert_eq!(status, Some(2), "{arguments:?}");
        assert!(problem.contains(hint) && problem.contains("Usage:"), "{problem}");
    }
}

#[tokio::test]
async fn the_program_prints_its_help() {
    let (status, said, _) = run(&["--help"]).await;
    assert_eq!(status, Some(0));
    assert!(said.contains("--listen ADDRESS"), "{said}");
}

#[tokio::test]
async fn the_program_prints_the_documentation_of_the_api_if_built_with_it() {
    let (status, page, problem) = run(&["--docs"]).await;
    if cfg!(feature = "docs") {
        assert_eq!((status, problem.as_str()), (Some(0), ""));
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    } else {
        assert_eq!((status, page.as_str()), (Some(1), ""));
        assert!(problem.contains("without its feature `docs`"), "{problem}");
    }
}

async fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = start(arguments).wait_with_output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn start(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_thingspace-sandbox"));
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command.spawn().unwrap()
}
