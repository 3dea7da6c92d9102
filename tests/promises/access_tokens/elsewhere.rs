//! Access tokens of the caller: a configured token or a provider.

use crate::support::{client_of, credentials, on_the_way, token_requests};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use thingspace_sandbox::Sandbox;
use thingspace_session::{AccessToken, Error, ThingSpace};

use super::{ask, granted};

#[tokio::test]
async fn a_panic_of_a_token_provider_is_an_error_of_the_provider() {
    let sandbox = Sandbox::start().await.unwrap();
    let provider = || async { panic!("a fault of the caller's own") };
    let thingspace =
        ThingSpace::builder().base_url(sandbox.base_url()).access_token_provider(provider).build().unwrap();
    let error = on_the_way(thingspace.start_session(credentials()).await.unwrap_err());
    assert!(matches!(error, Error::TokenProvider(_)), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_token_provider_that_hangs_is_named_and_may_be_called_again() {
    let sandbox = Sandbox::start().await.unwrap();
    let provider = || std::future::pending();
    let thingspace =
        ThingSpace::builder().base_url(sandbox.base_url()).access_token_provider(provider).build().unwrap();
    let error = thingspace.access_token().await.unwrap_err();
    assert!(matches!(error, Error::TokenProvider(_)) && error.is_retryable(), "{error:?}");
    assert!(error.to_string().contains("has not answered within"), "{error}");
}

#[tokio::test]
async fn a_configured_token_is_used_and_its_expiry_is_an_error() {
    let sandbox = Sandbox::start().await.unwrap();
    let ready = AccessToken::new(granted(&sandbox).await);
    let thingspace = ThingSpace::builder().base_url(sandbox.base_url()).access_token(ready).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    assert_eq!(token_requests(&sandbox), 1, "only the test requested a token");

    sandbox.revoke_access_tokens();
    let error = on_the_way(ask(&session).await.unwrap_err());
    assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
    assert!(error.to_string().contains(".api_key("), "{error}");
}

#[tokio::test]
async fn a_configured_token_beside_an_api_key_saves_the_first_token_request() {
    let sandbox = Sandbox::start().await.unwrap();
    let ready = AccessToken::new(granted(&sandbox).await).expires_in(Duration::from_secs(600));
    let thingspace = client_of(&sandbox).access_token(ready).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    assert_eq!(token_requests(&sandbox), 1);
    sandbox.revoke_access_tokens();
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert_eq!(token_requests(&sandbox), 2);
}

#[tokio::test]
async fn a_provider_is_called_once_and_again_when_its_token_is_rejected() {
    let sandbox = Arc::new(Sandbox::start().await.unwrap());
    let asked = Arc::new(AtomicU32::new(0));
    let (platform, count) = (sandbox.clone(), asked.clone());
    let provider = move || {
        let (platform, count) = (platform.clone(), count.clone());
        async move {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(AccessToken::new(granted(&platform).await).expires_in(Duration::from_secs(3600)))
        }
    };
    let thingspace =
        ThingSpace::builder().base_url(sandbox.base_url()).access_token_provider(provider).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    for _ in 0..10 {
        ask(&session).await.unwrap();
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    sandbox.revoke_access_tokens();
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failing_provider_is_called_once_and_its_error_is_returned() {
    let (sandbox, asked) = (Sandbox::start().await.unwrap(), Arc::new(AtomicU32::new(0)));
    let provider = {
        let asked = asked.clone();
        move || {
            asked.fetch_add(1, Ordering::Relaxed);
            async { Err("the vault is sealed".into()) }
        }
    };
    let thingspace =
        ThingSpace::builder().base_url(sandbox.base_url()).access_token_provider(provider).build().unwrap();
    let error = on_the_way(thingspace.start_session(credentials()).await.unwrap_err());
    assert!(matches!(error, Error::TokenProvider(_)), "{error:?}");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the vault is sealed");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}
