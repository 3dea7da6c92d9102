//! Values that hold numbers, the sandbox's account, and tests that run in a separate process.

use std::{env, process::Command, time::Duration};

use thingspace_sandbox::Sandbox;
use thingspace_session::{
    ApiKey, Credentials, ThingSpace, ThingSpaceBuilder,
    store::{Account, SessionStore, Snapshot, StoreError, Version},
};

/// Long enough for any test.
pub(crate) const LONG: Duration = Duration::from_secs(300);
pub(crate) const USERNAME: &str = "zbeeblebrox";
pub(crate) const PASSWORD: &str = "IMgr8";

pub(crate) fn account() -> Account {
    Account::new("https://thingspace.example", "the-api-key", USERNAME)
}

/// The value with this number.
pub(crate) fn numbered(number: u64) -> Vec<u8> {
    format!("token-{number}").into_bytes()
}

/// The number in the value, or 0 without a value.
pub(crate) fn number(found: &Snapshot) -> u64 {
    let Some(value) = &found.value else { return 0 };
    std::str::from_utf8(value.bytes()).unwrap().strip_prefix("token-").unwrap().parse().unwrap()
}

pub(crate) fn version(found: &Snapshot) -> Option<Version> {
    found.value.as_ref().map(|value| value.version)
}

/// Swaps in the value with this number, if the stored version is the expected one.
pub(crate) async fn swap(store: &dyn SessionStore, expected: Option<Version>, value: u64) -> bool {
    try_swap(store, expected, value).await.unwrap()
}

pub(crate) async fn try_swap(
    store: &dyn SessionStore,
    expected: Option<Version>,
    value: u64,
) -> Result<bool, StoreError> {
    store.compare_and_swap(&account(), expected, Version::random(), &numbered(value)).await
}

/// Replaces any value of a store by the value with this number.
pub(crate) async fn write(store: &dyn SessionStore, value: u64) {
    let found = version(&store.load(&account()).await.unwrap());
    assert!(swap(store, found, value).await);
}

pub(crate) async fn read(store: &dyn SessionStore) -> u64 {
    number(&store.load(&account()).await.unwrap())
}

pub(crate) fn credentials() -> Credentials {
    Credentials::new(USERNAME, PASSWORD)
}

pub(crate) fn client_of(sandbox: &Sandbox) -> ThingSpaceBuilder {
    ThingSpace::builder().api_key(ApiKey::new("sandbox-key", "sandbox-secret")).base_url(sandbox.base_url())
}

/// A test in a separate process without the variables for the examples.
pub(crate) fn alone(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]);
    for name in ["KEY", "SECRET", "BASE_URL", "USERNAME", "PASSWORD", "STORE", "PASSWORD_FILE"] {
        command.env_remove(format!("THINGSPACE_{name}"));
    }
    command
}

/// The output of such a test, which must exist and pass.
pub(crate) fn passed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && printed.contains("test result: ok. 1 passed"), "{printed}");
    printed.into_owned()
}
