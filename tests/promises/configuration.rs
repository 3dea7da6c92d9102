//! The crate checks the configuration before it sends a request. An error names the setting to change.

use std::{ffi::OsStr, time::Duration};

use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    AccessToken, ApiKey, Credentials, Environment, Error, ErrorGroup, MemoryStore, RetryPolicy, ThingSpace,
    ThingSpaceBuilder,
};
use tokio::time::Instant;

use crate::support::{ECHO, PASSWORD, alone, api_key, client_of, credentials, full, passed, sandbox};

#[test]
fn production_is_the_default_and_the_environments_are_those_of_the_spec() {
    let base_url = |builder: thingspace_session::ThingSpaceBuilder| {
        builder.api_key(api_key()).build().unwrap().base_url().to_string()
    };
    assert_eq!(base_url(ThingSpace::builder()), "https://thingspace.verizon.com/api");
    let mock = ThingSpace::builder().environment(Environment::Mock);
    assert_eq!(base_url(mock), "https://mock.thingspace.verizon.com/api");
    assert_eq!(Environment::default(), Environment::Production);
}

#[test]
fn an_invalid_configuration_is_an_error_with_advice() {
    let token = || AccessToken::new("token");
    let provider = || async { Ok(AccessToken::new("token")) };
    for (builder, words) in [
        (ThingSpace::builder(), ".api_key("),
        (ThingSpace::builder().api_key(api_key()).access_token_provider(provider), "not both"),
        (ThingSpace::builder().api_key(api_key()).base_url("thingspace"), "write it whole"),
        (ThingSpace::builder().api_key(api_key()).base_url("ftp://thingspace.verizon.com"), "https://"),
        (ThingSpace::builder().api_key(api_key()).base_url("https://me:pw@x.example/api"), "username"),
        (ThingSpace::builder().api_key(api_key()).base_url("https://x.example/api?a=b"), "query"),
        (ThingSpace::builder().api_key(api_key()).allow_origin("x.example"), "write it whole"),
        (ThingSpace::builder().api_key(api_key()).user_agent("two\nlines"), "HTTP client"),
        (ThingSpace::builder().access_token(AccessToken::new("a\nb")), "characters"),
        (ThingSpace::builder().api_key(ApiKey::new("", "")), "empty"),
        (ThingSpace::builder().api_key(ApiKey::new("a:b", "c")), "colon"),
        (ThingSpace::builder().api_key(ApiKey::new("key\n", "secret")), "the key of the API key"),
        (ThingSpace::builder().api_key(ApiKey::new("key", "secret\r\n")), "the secret of the API key"),
        (ThingSpace::builder().api_key(api_key()).base_url("localhost:8080/api"), "write it whole, such as https://"),
        (ThingSpace::builder().api_key(api_key()).timeout(std::time::Duration::ZERO), "longer one"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!error.is_retryable());
    }
    ThingSpace::builder().access_token(token()).build().unwrap();
}

/// A file ends with a line break, and a platform that counts failures would get it as part of the password.
#[tokio::test]
async fn a_line_break_at_an_end_of_the_credentials_is_not_sent() {
    let (sandbox, thingspace) = sandbox().await;
    for (username, password, name) in [
        ("zbeeblebrox\n", "IMgr8", "the username"),
        ("\tzbeeblebrox", "IMgr8", "the username"),
        ("zbeeblebrox", "IMgr8\n", "the password"),
        ("zbeeblebrox", "IMgr8\r\n", "the password"),
        ("", "IMgr8", "the username"),
        ("zbeeblebrox", "", "the password"),
    ] {
        let error = thingspace.start_session(Credentials::new(username, password)).await.unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
        assert!(error.to_string().contains(name) && error.to_string().contains("trim"), "{error}");
        assert_eq!(error.group(), ErrorGroup::ActFirst);
    }
    assert_eq!(sandbox.requests().len(), 0);
    let session = thingspace.start_session(credentials()).await.unwrap();
    let before = sandbox.requests().len();
    let error = session.reset_password(format!("{PASSWORD}\n")).await.unwrap_err();
    assert!(error.to_string().contains("the old password"), "{error}");
    assert_eq!(sandbox.requests().len(), before);
}

#[tokio::test]
async fn the_user_agent_is_the_crates_or_the_configured_one() {
    let (sandbox, thingspace) = sandbox().await;
    thingspace.start_session(credentials()).await.unwrap();
    let own = client_of(&sandbox).user_agent("fleet/7").build().unwrap();
    own.start_session(credentials()).await.unwrap();
    let by_client = client_of(&sandbox).http_client(|http| http.user_agent("inner/1")).build().unwrap();
    by_client.start_session(credentials()).await.unwrap();
    let agents: Vec<_> =
        sandbox.requests().iter().map(|request| request.header("user-agent").unwrap().to_owned()).collect();
    let crates = format!("thingspace-session/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(agents, [&*crates, &crates, "fleet/7", "fleet/7", "inner/1", "inner/1"]);
}

/// A listener with a full queue simulates a network that drops packets.
#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn the_connect_timeout_is_ten_seconds_or_the_configured_time() {
    let (listener, _first) = full("127.0.0.1:0".parse().unwrap());
    let client = || {
        let base_url = format!("http://{}/api", listener.local_addr().unwrap());
        ThingSpace::builder().api_key(api_key()).base_url(base_url).retry_policy(RetryPolicy::none())
    };
    let given = |http: reqwest::ClientBuilder| http.connect_timeout(Duration::from_secs(20));
    let set = Duration::from_secs(3);
    for (builder, seconds) in [
        (client(), 10),
        (client().connect_timeout(set), 3),
        (client().http_client(given), 20),
        (client().http_client(given).connect_timeout(set), 3),
    ] {
        let started = Instant::now();
        let error = builder.build().unwrap().start_session(credentials()).await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
        assert_eq!(started.elapsed().as_secs(), seconds, "{error}");
    }
}

/// The output of a child process with these variables. The test does not change its own environment.
fn child<V: AsRef<OsStr>>(variables: &[(&str, V)]) -> String {
    passed(alone("configuration::what_the_environment_holds").envs(variables.iter().map(|(name, value)| (name, value))))
}

#[test]
fn what_the_environment_holds() {
    match ThingSpace::from_env() {
        Ok(thingspace) => println!("client of {}", thingspace.base_url()),
        Err(error) => println!("no client: {error} {error:?}"),
    }
    match Credentials::from_env() {
        Ok(credentials) => println!("user {}", credentials.username()),
        Err(error) => println!("no user: {error} {error:?}"),
    }
}

#[test]
fn the_environment_is_read_and_its_errors_name_the_variable() {
    let said = child::<&str>(&[]);
    assert!(said.contains("THINGSPACE_KEY is not set") && said.contains("THINGSPACE_USERNAME is not set"), "{said}");

    let both = [("THINGSPACE_KEY", "k"), ("THINGSPACE_SECRET", "top-secret")];
    let user = [("THINGSPACE_USERNAME", "zaphod"), ("THINGSPACE_PASSWORD", "top-secret")];
    let said = child(&[&both[..], &user[..]].concat());
    assert!(said.contains("client of https://thingspace.verizon.com/api"), "{said}");
    assert!(said.contains("user zaphod"), "{said}");
    assert!(!said.contains("top-secret"), "{said}");

    let said = child(&[&both[..], &[("THINGSPACE_BASE_URL", "http://127.0.0.1:8080/api")]].concat());
    assert!(said.contains("client of http://127.0.0.1:8080/api"), "{said}");
    let said = child(&[&both[..], &[("THINGSPACE_ENVIRONMENT", "mock")]].concat());
    assert!(said.contains("client of https://mock.thingspace.verizon.com/api"), "{said}");
    for (name, value) in [
        ("THINGSPACE_ENVIRONMENT", "hush"),
        ("THINGSPACE_TIMEOUT", "hush"),
        ("THINGSPACE_TIMEOUT", "0"),
        ("THINGSPACE_TIMEOUT", "-1"),
        ("THINGSPACE_TIMEOUT", "NaN"),
        ("THINGSPACE_TIMEOUT", "inf"),
        ("THINGSPACE_TIMEOUT", ""),
    ] {
        let said = child(&[&both[..], &[(name, value)]].concat());
        assert!(said.contains("no client") && said.contains(name) && !said.contains("hush"), "{said}");
    }
    let servers = [("THINGSPACE_ENVIRONMENT", "mock"), ("THINGSPACE_BASE_URL", "https://x.example")];
    let said = child(&[&both[..], &servers].concat());
    assert!(said.contains("THINGSPACE_ENVIRONMENT and THINGSPACE_BASE_URL"), "{said}");
    let said = child(&[("THINGSPACE_KEY", "k"), ("THINGSPACE_SECRET", "")]);
    assert!(said.contains("THINGSPACE_SECRET is empty"), "{said}");
}

/// The environment names the time of a call and the store.
#[tokio::test(start_paused = true)]
async fn what_the_environment_does() {
    let Ok(builder) = ThingSpaceBuilder::from_env() else { return };
    let sandbox = Sandbox::start().await.unwrap();
    let client = builder.api_key(api_key()).base_url(sandbox.base_url()).build().unwrap();
    let session = client.start_session(credentials()).await.unwrap();
    sandbox.fault(Operation::Other, Fault::Delay(Duration::from_secs(100)), 1);
    let error = session.send(session.request(reqwest::Method::POST, ECHO).unwrap()).await.unwrap_err();
    println!("the call: {error}");
}

#[test]
fn the_time_and_the_store_of_the_environment_hold() {
    let directory = tempfile::tempdir().unwrap();
    let store = directory.path().join("session.json");
    let mut alone = alone("configuration::what_the_environment_does");
    alone.envs([("THINGSPACE_KEY", "k"), ("THINGSPACE_SECRET", "s"), ("THINGSPACE_TIMEOUT", "2.5")]);
    let said = passed(alone.env("THINGSPACE_STORE", &store));
    assert!(said.contains("the call: no answer within 2.5s"), "{said}");
    assert!(store.exists());
}

#[tokio::test(start_paused = true)]
async fn a_clone_of_a_builder_has_all_that_was_set() {
    let sandbox = Sandbox::start().await.unwrap();
    let builder = client_of(&sandbox)
        .timeout(Duration::from_secs(3))
        .http_client(|http| http.user_agent("inner/1"))
        .headers(|headers| drop(headers.insert("x-own", "1".parse().unwrap())))
        .store(MemoryStore::new());
    for client in [builder.clone(), builder.clone(), builder] {
        let session = client.build().unwrap().start_session(credentials()).await.unwrap();
        sandbox.fault(Operation::Other, Fault::Delay(Duration::from_secs(100)), 1);
        let started = Instant::now();
        session.send(session.request(reqwest::Method::POST, ECHO).unwrap()).await.unwrap_err();
        assert_eq!(started.elapsed().as_secs(), 3);
    }
    assert!(sandbox.requests().iter().all(|request| request.header("user-agent") == Some("inner/1")));
    assert!(sandbox.requests().iter().all(|request| request.header("x-own") == Some("1")));
    assert_eq!(crate::support::arrived(&sandbox, "/session/login"), 1, "one store, one session");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_utf_8_is_named_and_not_quoted() {
    use std::os::unix::ffi::OsStringExt as _;
    let broken = std::ffi::OsString::from_vec(b"IMgr8\xff".to_vec());
    let said = child(&[("THINGSPACE_USERNAME", "zaphod".into()), ("THINGSPACE_PASSWORD", broken)]);
    assert!(said.contains("THINGSPACE_PASSWORD is not UTF-8") && !said.contains("IMgr8"), "{said}");
}

#[test]
fn a_client_can_be_shared_among_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    fn error<T: std::error::Error + Send + Sync + 'static>() {}
    shared::<ThingSpace>();
    shared::<thingspace_session::Session>();
    shared::<ApiKey>();
    error::<Error>();
}
