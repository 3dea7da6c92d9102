//! The access token is returned to the caller, shown to an observer, and kept across restarts.

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use futures_util::FutureExt as _;
use thingspace_sandbox::Sandbox;
use thingspace_session::{AccessToken, ApiKey, Error, ThingSpace};

use super::{ask, granted};
use crate::{
    support::{client_of, credentials, pass, sandbox, token_requests, until},
    told,
};

type Seen = Arc<Mutex<Vec<AccessToken>>>;

fn observer() -> (Seen, impl Fn(&AccessToken)) {
    let seen = Seen::default();
    let noted = seen.clone();
    (seen, move |token: &AccessToken| noted.lock().unwrap().push(token.clone()))
}

#[tokio::test]
async fn the_access_token_is_handed_out_with_what_is_left_of_its_life() {
    let (sandbox, thingspace) = sandbox().await;
    let tokens = futures_util::future::join_all((0..50).map(|_| thingspace.access_token())).await;
    assert_eq!(token_requests(&sandbox), 1);
    let expected = granted(&sandbox).await;
    assert!(tokens.iter().all(|token| token.as_ref().unwrap().expose_secret() == expected));
    pass(Duration::from_secs(600)).await;
    let left = thingspace.access_token().await.unwrap().time_left().unwrap();
    assert!(left <= Duration::from_secs(3000) && left > Duration::from_secs(2900), "{left:?}");
    // One that was handed out earlier counts on, down to nothing.
    assert!(tokens[0].as_ref().unwrap().time_left().unwrap() <= left);
    pass(Duration::from_secs(3600)).await;
    assert_eq!(tokens[0].as_ref().unwrap().time_left(), Some(Duration::ZERO));
    assert_eq!(AccessToken::new("of unknown life").time_left(), None);
}

#[tokio::test]
async fn what_keeps_it_from_being_had_is_the_error() {
    let (sandbox, _) = sandbox().await;
    let thingspace = client_of(&sandbox).api_key(ApiKey::new("sandbox-key", "wrong")).build().unwrap();
    let error = thingspace.access_token().await.unwrap_err();
    assert!(matches!(error, Error::Oauth(_)), "{error:?}");
}

#[tokio::test]
async fn an_observer_learns_of_each_new_token_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let (seen, observer) = observer();
    let thingspace = client_of(&sandbox).on_access_token(observer).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    ask(&session).await.unwrap();
    sandbox.revoke_access_tokens();
    ask(&session).await.unwrap();
    let seen: Vec<_> = seen.lock().unwrap().iter().map(|token| token.expose_secret().to_owned()).collect();
    assert_eq!(seen.len(), 2);
    assert_ne!(seen[0], seen[1]);
    assert_eq!(thingspace.access_token().await.unwrap().expose_secret(), seen[1]);
}

#[tokio::test]
async fn the_same_token_granted_again_is_no_new_one() {
    let sandbox = Sandbox::start().await.unwrap();
    let (seen, observer) = observer();
    let thingspace = client_of(&sandbox).on_access_token(observer).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    pass(Duration::from_secs(3600 - 50)).await;
    for _ in 0..10 {
        ask(&session).await.unwrap();
    }
    until(|| token_requests(&sandbox) == 2).await;
    // Long enough for the answer to arrive.
    for _ in 0..10 {
        ask(&session).await.unwrap();
    }
    pass(Duration::from_secs(51)).await;
    ask(&session).await.unwrap();
    assert_eq!((token_requests(&sandbox), seen.lock().unwrap().len()), (3, 2));
}

#[tokio::test]
async fn an_observer_may_ask_the_client_and_may_panic() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = Arc::new(OnceLock::<ThingSpace>::new());
    let (inner, asked) = (client.clone(), Arc::new(OnceLock::new()));
    let answer = asked.clone();
    let observer = move |token: &AccessToken| {
        let found = inner.get().unwrap().access_token().now_or_never().unwrap().unwrap();
        answer.set(found.expose_secret() == token.expose_secret()).unwrap();
        panic!("a fault of the caller's own");
    };
    let thingspace = client_of(&sandbox).on_access_token(observer).build().unwrap();
    client.set(thingspace.clone()).unwrap();
    told::listen();
    let session = thingspace.start_session(credentials()).await.unwrap();
    assert!(told::events().0.contains(&"WARN thingspace.access_token.observer_panicked".to_owned()));
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert_eq!((asked.get(), token_requests(&sandbox)), (Some(&true), 1));
}

#[tokio::test]
async fn a_token_that_was_kept_saves_the_next_process_its_first_request() {
    let sandbox = Sandbox::start().await.unwrap();
    let (seen, observer) = observer();
    client_of(&sandbox).on_access_token(observer).build().unwrap().access_token().await.unwrap();
    let kept = seen.lock().unwrap().pop().unwrap();
    let (again, observer) = self::observer();
    let restarted = client_of(&sandbox).on_access_token(observer).access_token(kept).build().unwrap();
    ask(&restarted.start_session(credentials()).await.unwrap()).await.unwrap();
    assert_eq!((token_requests(&sandbox), again.lock().unwrap().len()), (1, 0));
}
