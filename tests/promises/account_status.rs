//! The status of an account has every suspension of its record and no secret.

use std::fmt::Write as _;

use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    AccountStatus, Credentials, Error, FileStore, RetryPolicy, SuspensionReason, ThingSpace, ThingSpaceBuilder,
};

use crate::{
    leaks,
    support::{PASSWORD, USERNAME, client_of, credentials, session, shown},
};

fn client(sandbox: &Sandbox) -> ThingSpaceBuilder {
    client_of(sandbox).retry_policy(RetryPolicy::none())
}

async fn status(thingspace: &ThingSpace) -> AccountStatus {
    thingspace.account_status(USERNAME).await.unwrap()
}

fn reasons(status: &AccountStatus) -> Vec<&SuspensionReason> {
    status.suspensions.iter().map(|suspension| &suspension.reason).collect()
}

#[tokio::test]
async fn the_status_has_each_suspension_and_after_four_failures_that_of_all_credentials() {
    let sandbox = Sandbox::start().await.unwrap();
    let thingspace = client(&sandbox).build().unwrap();
    let fail = async |password| {
        thingspace.start_session(Credentials::new(USERNAME, password)).await.unwrap_err();
        status(&thingspace).await
    };
    assert!(matches!(reasons(&fail("wrong-1").await)[..], [SuspensionReason::Rejected { code: Some(_) }]));
    sandbox.fault(Operation::Login, Fault::answer(500, "broken"), 2);
    let one = fail("wrong-2").await;
    assert_eq!((one.failures_in_a_row, one.suspensions.len()), (2, 1), "{one:?}");
    let two = fail("wrong-2").await;
    assert!(
        matches!(reasons(&two)[..], [SuspensionReason::Rejected { .. }, SuspensionReason::UnknownOutcome]),
        "{two:?}"
    );
    let all = fail("wrong-3").await;
    assert_eq!((all.failures_in_a_row, all.suspensions.len()), (4, 4), "{all:?}");
    assert!(reasons(&all).contains(&&SuspensionReason::FailureLimit), "{all:?}");
    assert!(all.suspensions.is_sorted_by_key(|suspension| suspension.since), "{all:?}");

    thingspace.reset_login_guard(USERNAME).await.unwrap();
    let after = status(&thingspace).await;
    assert!(after.suspensions.is_empty() && after.failures_in_a_row == 0, "{after:?}");
}

#[tokio::test]
async fn a_superseded_password_stays_suspended_when_the_guard_is_reset() {
    let (_sandbox, thingspace, session) = session().await;
    session.reset_password(PASSWORD).await.unwrap();
    for _ in 0..2 {
        let status = status(&thingspace).await;
        assert_eq!(
            (reasons(&status), status.failures_in_a_row),
            (vec![&SuspensionReason::Superseded], 0),
            "{status:?}"
        );
        thingspace.reset_login_guard(USERNAME).await.unwrap();
    }
}

#[tokio::test]
async fn the_status_gives_the_reasons_of_the_error_and_holds_no_secret() {
    let (sandbox, thingspace, session) = session().await;
    let token = session.token().await.unwrap();
    let wrong = || Credentials::new(USERNAME, "wrong");
    let fresh = client(&sandbox).build().unwrap();
    fresh.start_session(wrong()).await.unwrap_err();
    let error = fresh.start_session(wrong()).await.unwrap_err();
    session.reset_password(PASSWORD).await.unwrap();
    let (suspended, replaced) = (status(&fresh).await, status(&thingspace).await);
    assert!(replaced.session_used_at.is_some(), "{replaced:?}");
    let [suspension] = &suspended.suspensions[..] else { panic!("{suspended:?}") };
    assert!(error.to_string().contains(&suspension.to_string()), "{}", shown(&error));
    assert!(suspension.to_string().contains(&suspension.reason.to_string()), "{suspension}");
    assert!(suspension.to_string().ends_with(" GMT)"), "{suspension}");

    let mut text = format!("{suspended:?} {suspended:#?} {replaced:?} {replaced:#?}");
    for suspension in suspended.suspensions.iter().chain(&replaced.suspensions) {
        write!(text, " {suspension} {suspension:?}").unwrap();
    }
    let mut secrets = leaks::secrets_of(&sandbox);
    secrets.extend(["wrong".to_owned(), token.expose_secret().to_owned()]);
    assert_eq!(leaks::find(&text, &secrets), None);
}

#[tokio::test]
async fn a_damaged_store_makes_the_status_an_error_and_reading_writes_nothing() {
    let sandbox = Sandbox::start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sessions.json");
    let thingspace = client(&sandbox).store(FileStore::new(&path)).build().unwrap();
    assert!(!status(&thingspace).await.is_recorded);
    assert!(!path.exists());
    thingspace.start_session(credentials()).await.unwrap();
    let whole = std::fs::read(&path).unwrap();
    let arrived = sandbox.requests().len();
    assert!(status(&thingspace).await.is_recorded);
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    assert_eq!(sandbox.requests().len(), arrived, "a request was sent");
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = thingspace.account_status(USERNAME).await.unwrap_err();
    assert!(matches!(error, Error::Store(_)), "{error:?}");
}
