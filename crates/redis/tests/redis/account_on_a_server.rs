//! An operator inspects an account on a Redis server and lifts its suspension with the example `account`.

use std::{
    env,
    process::{Command, Stdio},
};

use thingspace_sandbox::Sandbox;
use thingspace_session::{ApiKey, Credentials, Error, ThingSpace, store::Sealed};
use thingspace_session_redis::RedisStore;

use crate::server::Server;

/// The variable with the arguments of the process, one a line. It is unset in an ordinary run.
const ARGUMENTS: &str = "STORES_TEST_ARGUMENTS";
const USERNAME: &str = "zbeeblebrox";
const KEY: [u8; 32] = *b"a key of 32 bytes for this test.";
/// The same in base64.
const KEY_TEXT: &str = "YSBrZXkgb2YgMzIgYnl0ZXMgZm9yIHRoaXMgdGVzdC4=";

/// The body of the processes that the tests start. It does nothing in an ordinary run.
#[tokio::test]
async fn a_process_runs_the_tool() {
    let Ok(arguments) = env::var(ARGUMENTS) else { return };
    match crate::example::run(arguments.lines().map(Into::into), None).await {
        Ok(()) => println!("it went well"),
        Err(error) => println!("it failed: {error}"),
    }
}

async fn tool(server: &Server, sandbox: &Sandbox, seal: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "account_on_a_server::a_process_runs_the_tool", "--nocapture"]).stdin(Stdio::null());
    command.env(ARGUMENTS, arguments.join("\n")).env("THINGSPACE_STORE", server.url());
    command.env("THINGSPACE_BASE_URL", sandbox.base_url()).env("THINGSPACE_KEY", "sandbox-key");
    command.env("THINGSPACE_USERNAME", USERNAME).env("THINGSPACE_SEAL_KEY", seal);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tool_lifts_a_suspension_on_a_sealed_server_only_with_the_key_and_the_prefix() {
    let Some(server) = Server::start(&[]) else { return };
    let sandbox = Sandbox::start().await.unwrap();
    let service = |store: RedisStore| {
        let builder = ThingSpace::builder().api_key(ApiKey::new("sandbox-key", "sandbox-secret"));
        builder.base_url(sandbox.base_url()).store(Sealed::new(store.prefix("fleet"), KEY)).build().unwrap()
    };
    let wrong = || Credentials::new(USERNAME, "wrong");
    service(server.store()).start_session(wrong()).await.unwrap_err();

    let other = KEY_TEXT.replace('Y', "Z");
    for (seal, arguments, expected) in [
        (KEY_TEXT, &["reset-login-guard", "--yes"][..], "no record"),
        (&other, &["reset-login-guard", "--yes", "--prefix", "fleet"], "it failed"),
        (KEY_TEXT, &["reset-login-guard", "--prefix", "fleet"], "--yes"),
        (KEY_TEXT, &["show", "--prefix", "fleet"], "the platform refused these credentials"),
    ] {
        let output = tool(&server, &sandbox, seal, arguments).await;
        assert!(output.contains(expected) && !output.contains(seal), "{arguments:?}: {output}");
        let error = service(server.store()).start_session(wrong()).await.unwrap_err();
        assert!(matches!(error, Error::LoginSuspended(_)), "{arguments:?}: {error:?}");
    }
    let output = tool(&server, &sandbox, KEY_TEXT, &["reset-login-guard", "--yes", "--prefix", "fleet"]).await;
    assert!(output.contains("it went well") && output.contains("suspensions: none"), "{output}");
    let right = Credentials::new(USERNAME, "IMgr8");
    service(server.store()).start_session(right).await.unwrap();
    assert_eq!(sandbox.strikes(USERNAME), 0);
}
