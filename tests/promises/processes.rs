//! Processes that share a store file share one session and one count of failed logins.

use std::{env, path::Path};

use reqwest::Method;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{ApiKey, Credentials, Error, FileStore, ThingSpace};

use crate::support::{ECHO, PASSWORD, USERNAME, alone, arrived, passed};

/// Number of requests of a child process; unset in the test's own process.
const REQUESTS: &str = "THINGSPACE_TEST_REQUESTS";

/// Runs in a child process, which the environment configures.
#[tokio::test]
async fn one_process() {
    let Ok(requests) = env::var(REQUESTS) else { return };
    let outcome = async {
        let thingspace = ThingSpace::builder()
            .api_key(ApiKey::from_env()?)
            .base_url(env::var("THINGSPACE_BASE_URL").unwrap())
            .store(FileStore::new(env::var("THINGSPACE_TEST_STORE").unwrap()))
            .build()?;
        let session = thingspace.start_session(Credentials::from_env()?).await?;
        for _ in 0..requests.parse::<u32>().unwrap() {
            let answer = session.send(session.request(Method::GET, ECHO)?).await?;
            assert_eq!(answer.status(), 200);
        }
        Ok::<_, Error>(())
    };
    match outcome.await {
        Ok(()) => println!("it went well"),
        Err(error) => println!("it failed: {error:?}"),
    }
}

/// Runs eight child processes at once.
async fn eight(sandbox: &Sandbox, store: &Path, password: &'static str, requests: u32) -> Vec<String> {
    let processes = (0..8).map(|_| {
        let mut command = alone("processes::one_process");
        command.env(REQUESTS, requests.to_string()).env("THINGSPACE_TEST_STORE", store);
        command.env("THINGSPACE_BASE_URL", sandbox.base_url());
        command.env("THINGSPACE_KEY", "sandbox-key").env("THINGSPACE_SECRET", "sandbox-secret");
        command.env("THINGSPACE_USERNAME", USERNAME).env("THINGSPACE_PASSWORD", password);
        tokio::task::spawn_blocking(move || passed(&mut command))
    });
    let said = futures_util::future::join_all(processes).await;
    said.into_iter().map(Result::unwrap).collect()
}

fn all_went_well(said: &[String]) -> bool {
    said.iter().all(|said| said.contains("it went well"))
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_processes_share_one_session_and_renew_it_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("sessions.json");
    for round in 1..=3 {
        let said = eight(&sandbox, &store, PASSWORD, 20).await;
        assert!(all_went_well(&said), "{said:?}");
        assert_eq!(sandbox.counters().logins_succeeded, round, "one login for each dead session");
        sandbox.expire_session(USERNAME);
    }
    assert_eq!(sandbox.counters().logins_failed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_replicas_with_a_wrong_password_cause_one_failed_login_across_restarts() {
    let sandbox = Sandbox::start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("sessions.json");
    for _ in 0..3 {
        let said = eight(&sandbox, &store, "wrong", 1).await;
        assert!(said.iter().all(|said| said.contains("it failed")), "{said:?}");
    }
    assert_eq!(sandbox.strikes(USERNAME), 1);
    // With the right password, all logins succeed.
    assert!(all_went_well(&eight(&sandbox, &store, PASSWORD, 1).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_replicas_whose_logins_get_no_response_log_in_twice() {
    let sandbox = Sandbox::start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("sessions.json");
    sandbox.fault(Operation::Login, Fault::CloseAfter, 1000);
    for _ in 0..2 {
        eight(&sandbox, &store, "wrong", 1).await;
    }
    assert_eq!((arrived(&sandbox, "/session/login"), sandbox.strikes(USERNAME)), (2, 2));
}
