//! Safe by default: restarts of a first program do not lock the account.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use thingspace_sandbox::Sandbox;
use thingspace_session::{Credentials, Error, FileStore, MemoryStore, ThingSpace};

use crate::support::{PASSWORD, USERNAME, alone, client_of, passed};

#[path = "../../examples/quickstart.rs"]
#[allow(dead_code, reason = "its `main` is the example's own")]
mod example;

/// Runs the README's first program in a child process.
#[tokio::test]
async fn one_start() {
    if std::env::var_os("THINGSPACE_KEY").is_none() {
        return;
    }
    let start = async || ThingSpace::from_env()?.start_session(Credentials::from_env()?).await;
    match start().await {
        Ok(_) => println!("it started"),
        Err(error) => println!("error: {error}"),
    }
}

fn environment<'a>(command: &'a mut Command, sandbox: &Sandbox, password: &str) -> &'a mut Command {
    command
        .env("THINGSPACE_KEY", "sandbox-key")
        .env("THINGSPACE_SECRET", "sandbox-secret")
        .env("THINGSPACE_BASE_URL", sandbox.base_url())
        .env("THINGSPACE_USERNAME", USERNAME)
        .env("THINGSPACE_PASSWORD", password)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_a_store_sends_a_wrong_password_once_across_restarts() {
    let (sandbox, folder) = (Sandbox::start().await.unwrap(), TempDir::new().unwrap());
    let store = folder.path().join("session.json");
    for start in 0..7 {
        let mut child = alone("restarts::one_start");
        let printed = passed(environment(&mut child, &sandbox, "wrong").env("THINGSPACE_STORE", &store));
        let said = if start == 0 { "these credentials are not tried again" } else { "suspended" };
        assert!(printed.contains(said) && !printed.contains("tv_sec"), "{start}: {printed}");
    }
    assert_eq!(sandbox.counters().logins_failed, 1);
    // The right password, with the same store.
    let mut child = alone("restarts::one_start");
    let printed = passed(environment(&mut child, &sandbox, PASSWORD).env("THINGSPACE_STORE", &store));
    assert!(printed.contains("it started"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_store_in_the_environment_is_an_error_and_nothing_is_sent() {
    let (sandbox, folder) = (Sandbox::start().await.unwrap(), TempDir::new().unwrap());
    for (store, said) in [(PathBuf::new(), "THINGSPACE_STORE is empty"), (folder.path().join("no/session.json"), "no")]
    {
        let mut child = alone("restarts::one_start");
        let printed = passed(environment(&mut child, &sandbox, PASSWORD).env("THINGSPACE_STORE", store));
        assert!(printed.contains("error: ") && printed.contains(said), "{printed}");
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[tokio::test]
async fn a_rejected_login_warns_of_the_next_start_where_no_store_was_chosen() {
    let folder = TempDir::new().unwrap();
    let error =
        async |choose: fn(thingspace_session::ThingSpaceBuilder, &Path) -> thingspace_session::ThingSpaceBuilder| {
            let sandbox = Sandbox::start().await.unwrap();
            let thingspace = choose(client_of(&sandbox), folder.path()).build().unwrap();
            let error = thingspace.start_session(Credentials::new(USERNAME, "wrong")).await.unwrap_err();
            assert!(matches!(error, Error::Platform(_)), "{error:?}");
            error.to_string()
        };
    let default = error(|builder, _| builder).await;
    assert!(default.contains("five failures in a row lock the account") && default.contains("FileStore"), "{default}");
    for chosen in [
        error(|builder, _| builder.store(MemoryStore::new())).await,
        error(|builder, folder| builder.store(FileStore::new(folder.join("session.json")))).await,
    ] {
        assert!(chosen.contains("not tried again") && !chosen.contains("FileStore"), "{chosen}");
    }
}

/// Runs the quickstart in a child process.
#[tokio::test]
async fn one_quickstart() {
    if std::env::var_os("THINGSPACE_KEY").is_none() {
        return;
    }
    match example::run().await {
        Ok(()) => println!("it went well"),
        Err(error) => println!("it failed: {error}"),
    }
}

fn quickstart() -> Command {
    alone("restarts::one_quickstart")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().path()).collect());
    entries.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quickstart_writes_the_password_file_and_nothing_into_its_folder() {
    let (sandbox, folder, home) = (Sandbox::start().await.unwrap(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut child = quickstart();
    let said =
        passed(environment(&mut child, &sandbox, PASSWORD).current_dir(&folder).env("XDG_STATE_HOME", home.path()));
    assert!(said.contains("it went well"), "{said}");
    assert_eq!(files(folder.path()), [] as [PathBuf; 0]);
    let kept = said.lines().find_map(|line| line.strip_prefix("It is kept in ")?.strip_suffix('.')).unwrap();
    assert!(Path::new(kept).starts_with(home.path().canonicalize().unwrap()), "{said}");
    let new = sandbox.password(USERNAME).unwrap();
    assert_eq!(fs::read_to_string(kept).unwrap().trim(), new);
    assert!(!said.contains(&new) && !said.contains(PASSWORD), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quickstart_resets_nothing_if_the_new_password_would_lie_in_a_checkout() {
    let (sandbox, checkout) = (Sandbox::start().await.unwrap(), TempDir::new().unwrap());
    fs::create_dir_all(checkout.path().join("src")).unwrap();
    // A worktree has a file of that name.
    fs::write(checkout.path().join(".git"), "gitdir: elsewhere").unwrap();
    let inside = ["new", "src/new", "./src/../new"].map(|path| (checkout.path().to_owned(), PathBuf::from(path)));
    let absolute = (std::env::temp_dir(), checkout.path().join("src/new"));
    for (folder, path) in inside.into_iter().chain([absolute]) {
        let mut child = quickstart();
        let child = environment(&mut child, &sandbox, PASSWORD).current_dir(folder);
        let child = child.env("THINGSPACE_STORE", checkout.path().join("src/session.json"));
        let said = passed(child.env("THINGSPACE_PASSWORD_FILE", path));
        assert!(said.contains("it failed") && said.contains("git checkout"), "{said}");
    }
    assert_eq!((sandbox.requests().len(), sandbox.password(USERNAME).as_deref()), (0, Some(PASSWORD)));
    assert_eq!(files(&checkout.path().join("src")), [] as [PathBuf; 0]);
}
