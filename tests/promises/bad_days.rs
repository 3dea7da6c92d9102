//! Compares the bad days of `docs/guide/observability.md` with the events and counters of the crate.

use std::{collections::BTreeSet, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::json;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    ApiKey, Credentials, Error, MemoryStore, RetryPolicy, Session, ThingSpace, store::SessionStore,
};

use tokio::time::advance;

use crate::support::{ECHO, PASSWORD, USERNAME, client_of, credentials};
use crate::told;
use crate::troubled_stores::{Trouble, Troubled};
use crate::vaults::{self, Brittle, COMMIT};

const PAGE: &str = include_str!("../../docs/guide/observability.md");

/// Number of days that the test reproduces.
const DAYS: usize = 17;

/// The bad days of the page: name and expected events.
fn days() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    let (_, days) = PAGE.split_once("\n## Bad days").unwrap();
    days.split("\n### ").skip(1).map(|day| {
        let (name, rest) = day.split_once('\n').unwrap();
        let seen = rest.split("```").nth(1).unwrap().strip_prefix("text\n").unwrap();
        (name, seen.lines().collect())
    })
}

/// One bad day, which begins with a working session.
struct Day {
    sandbox: Sandbox,
    store: MemoryStore,
    session: Session,
}

impl Day {
    async fn begin() -> Self {
        let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::default());
        let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
        let session = thingspace.start_session(credentials()).await.unwrap();
        told::listen();
        Self { sandbox, store, session }
    }

    /// A client that has an access token, on this store.
    async fn client(&self, store: impl SessionStore + 'static) -> ThingSpace {
        let thingspace = client_of(&self.sandbox).store(store).retry_policy(RetryPolicy::none()).build().unwrap();
        let _ = thingspace.start_session(Credentials::new("nobody", "nothing")).await;
        told::listen();
        thingspace
    }

    async fn ask(&self) -> Result<StatusCode, Error> {
        Ok(self.session.send(self.session.request(Method::GET, ECHO)?).await?.status())
    }

    async fn login_fails(thingspace: &ThingSpace, credentials: &Credentials) {
        thingspace.start_session(credentials.clone()).await.unwrap_err();
    }

    #[allow(clippy::too_many_lines, reason = "a table")]
    async fn happens(&self, name: &str) {
        let wrong = Credentials::new(USERNAME, "wrong");
        let broken = |operation, times| self.sandbox.fault(operation, Fault::answer(200, "<html>"), times);
        match name {
            "The session was unused for twenty minutes" => {
                advance(Duration::from_secs(1201)).await;
                assert_eq!(self.ask().await.unwrap(), 200);
            }
            "The platform calls the session dead" => {
                self.sandbox.expire_session(USERNAME);
                assert_eq!(self.ask().await.unwrap(), 200);
            }
            "A rejection may be about the session" => {
                self.sandbox.fault(Operation::Other, Fault::json(401, &json!({})), 1);
                assert_eq!(self.ask().await.unwrap(), 200);
            }
            "The access token is revoked" => {
                self.sandbox.revoke_access_tokens();
                assert_eq!(self.ask().await.unwrap(), 200);
            }
            "The API key is wrong" => {
                let builder = client_of(&self.sandbox).api_key(ApiKey::new("sandbox-key", "wrong"));
                Self::login_fails(&builder.build().unwrap(), &credentials()).await;
            }
            "The gateway throttles" => {
                self.sandbox.fault(Operation::Other, Fault::gateway("900800"), 1);
                assert_eq!(self.ask().await.unwrap(), 200);
            }
            "The password is wrong" => {
                let thingspace = self.client(MemoryStore::default()).await;
                Self::login_fails(&thingspace, &wrong).await;
                Self::login_fails(&thingspace, &wrong).await;
            }
            "A service with a wrong password is restarted over and over" => {
                let store = MemoryStore::default();
                Self::login_fails(&self.client(store.clone()).await, &wrong).await;
                Self::login_fails(&self.client(store).await, &wrong).await;
            }
            "The platform is out, and the credentials are not verified" => {
                let thingspace = self.client(MemoryStore::default()).await;
                broken(Operation::Login, 2);
                Self::login_fails(&thingspace, &credentials()).await;
                Self::login_fails(&thingspace, &credentials()).await;
            }
            "The platform is out, and the credentials are verified" => {
                advance(Duration::from_secs(1201)).await;
                broken(Operation::Login, 1);
                self.ask().await.unwrap_err();
                advance(Duration::from_secs(300)).await;
                assert_eq!(self.ask().await.unwrap(), 200);
            }
            "The platform cannot be reached" => {
                let other = Sandbox::start().await.unwrap();
                let builder = client_of(&other).retry_policy(RetryPolicy::none());
                let thingspace = builder.http_client(|http| http.pool_max_idle_per_host(0)).build().unwrap();
                let session = thingspace.start_session(credentials()).await.unwrap();
                told::listen();
                drop(other);
                session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap_err();
            }
            "A proxy responds instead of the platform" => {
                broken(Operation::Logout, 1);
                self.session.clone().end().await.unwrap_err();
            }
            "The response to a rotation's reset is lost" => {
                let directory = tempfile::tempdir().unwrap();
                let vault = vaults::vault(&directory);
                let thingspace = self.client(self.store.clone()).await;
                self.sandbox.fault(Operation::Reset, Fault::CloseBefore, 1);
                self.session.rotate_password(&vault).await.unwrap_err();
                thingspace.recover_rotation(&vault).await.unwrap();
            }
            "The vault does not save the new password" => {
                let directory = tempfile::tempdir().unwrap();
                let vault = Brittle::new(vaults::vault(&directory), COMMIT, vaults::Trouble::Fails);
                self.session.rotate_password(&vault).await.unwrap_err();
            }
            "The response to a reset without a vault is lost" => {
                self.sandbox.fault(Operation::Reset, Fault::CloseBefore, 1);
                self.session.reset_password(PASSWORD).await.unwrap_err();
            }
            "The session store cannot be read" => {
                let store = Troubled::default();
                store.set(Trouble::LoadsPanic);
                let thingspace = client_of(&self.sandbox).store(store).build().unwrap();
                Self::login_fails(&thingspace, &credentials()).await;
            }
            "The session store cannot be written" => {
                let store = Troubled::default();
                let thingspace = client_of(&self.sandbox).store(store.clone()).build().unwrap();
                let session = thingspace.start_session(credentials()).await.unwrap();
                told::listen();
                store.set(Trouble::SecondSwapsFail);
                self.sandbox.expire_session(USERNAME);
                session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap();
            }
            unknown => panic!("this test does not reproduce the day: {unknown}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_bad_day_has_the_events_and_counters_of_the_page() {
    let mut others = Vec::new();
    for (name, expected) in days() {
        let day = Day::begin().await;
        day.happens(name).await;
        let (seen, counted) = told::events();
        if seen != expected {
            others.push((name, seen.clone()));
        }
        let names: Vec<_> = seen.iter().map(|line| line.split_once(' ').unwrap().1).collect();
        assert_eq!(counted, names, "{name}");
    }
    assert_eq!(days().count(), DAYS, "days on the page");
    assert!(others.is_empty(), "these days have other events: {others:#?}");
}

#[test]
fn the_table_has_exactly_the_events_of_the_crate() {
    let names = include_str!("../../src/events.rs").split('"').filter(|name| name.starts_with("thingspace."));
    let names: BTreeSet<_> = names.filter(|name| !["thingspace.call", "thingspace.operation"].contains(name)).collect();
    let (_, table) = PAGE.split_once("\n## Events").unwrap();
    let (table, _) = table.split_once("\n## Bad days").unwrap();
    let table: BTreeSet<_> = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(names, table);
}
