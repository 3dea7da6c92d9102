//! Values from configuration files and custom stores: valid ones are read, a mistake is an error, and the error quotes
//! no secret.

use std::{
    fmt::{Debug, Display},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use thingspace_session::{
    ApiKey, Credentials, Environment, Password, RetryPolicy, Secret, SessionToken,
    rotation::{Pending, VaultState},
};

/// The configuration of a program.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    #[serde(default)]
    environment: Environment,
    api_key: ApiKey,
    user: Credentials,
    #[serde(default)]
    retry_policy: RetryPolicy,
}

#[test]
fn a_configuration_reads_in_json_and_in_yaml() {
    let json = r#"{
        "environment": "mock",
        "api_key": { "key": "d5f1", "secret": "x8sQ" },
        "user": { "username": "zbeeblebrox", "password": "IMgr8" },
        "retry_policy": { "max_retries": 5, "backoff_ms": 1500 }
    }"#;
    let yaml = "api_key: {key: d5f1, secret: x8sQ}\nuser:\n  username: zbeeblebrox\n  password: \"12345678\"\n";
    let json: Configuration = serde_json::from_str(json).unwrap();
    let yaml: Configuration = serde_saphyr::from_str(yaml).unwrap();
    assert_eq!((json.environment, yaml.environment), (Environment::Mock, Environment::Production));
    assert_eq!((json.api_key.key(), yaml.api_key.key()), ("d5f1", "d5f1"));
    assert_eq!(json.user, Credentials::new("zbeeblebrox", "IMgr8"));
    assert_eq!(yaml.user.password().expose_secret(), "12345678");
    assert_eq!(json.retry_policy, RetryPolicy::new(5).backoff(Duration::from_millis(1500)));
    assert_eq!(yaml.retry_policy, RetryPolicy::default());
}

#[test]
fn unknown_and_missing_names_are_errors() {
    let refused = |error: Option<serde_json::Error>, named: &str| {
        let error = error.unwrap().to_string();
        assert!(error.contains(named), "{error}");
    };
    refused(serde_json::from_value::<ApiKey>(json!({"key": "k", "secert": "s"})).err(), "secert");
    refused(serde_json::from_value::<ApiKey>(json!({"key": "k"})).err(), "secret");
    refused(serde_json::from_value::<Credentials>(json!({"user": "u", "password": "p"})).err(), "`user`");
    refused(serde_json::from_value::<RetryPolicy>(json!({"backoff": 5})).err(), "backoff_ms");
    refused(serde_json::from_value::<Environment>(json!("prod")).err(), "production");
    refused(serde_json::from_value::<VaultState>(json!({"state": "pending", "since_ms": 0, "id": "0"})).err(), "old");
    let more = json!({"state": "current", "username": "u", "password": "p", "since": 0});
    refused(serde_json::from_value::<VaultState>(more).err(), "since");
}

const HIDDEN: &str = "314159265358979";

/// The errors of a text, in each format and with each reader.
fn problems<T: DeserializeOwned>(value: &Value) -> Vec<String> {
    fn shown<E: Debug + Display>(error: &E) -> String {
        format!("{error} | {error:?} | {error:#?}")
    }
    let text = value.to_string();
    let errors = [
        serde_json::from_str::<T>(&text).err(),
        serde_json::from_slice::<T>(text.as_bytes()).err(),
        serde_json::from_reader::<_, T>(text.as_bytes()).err(),
        serde_json::from_value::<T>(value.clone()).err(),
        T::deserialize(value).err(),
    ];
    errors.iter().map(|error| shown(error.as_ref().unwrap_or_else(|| panic!("{text} was taken")))).collect()
}

fn quotes_nothing<T: DeserializeOwned>(around: impl Fn(Value) -> Value) {
    let number: u64 = HIDDEN.parse().unwrap();
    let negative = -i64::try_from(number).unwrap();
    let fraction: f64 = format!("3.{HIDDEN}").parse().unwrap();
    for secret in [json!(number), json!(negative), json!(fraction), json!([HIDDEN]), json!({"is": HIDDEN})] {
        for problem in problems::<T>(&around(secret)) {
            assert!(!problem.contains(&HIDDEN[..8]), "{}: {problem}", std::any::type_name::<T>());
        }
    }
}

#[test]
fn a_secret_of_another_type_is_rejected_and_not_quoted() {
    quotes_nothing::<Secret>(|secret| secret);
    quotes_nothing::<Password>(|secret| secret);
    quotes_nothing::<SessionToken>(|secret| secret);
    quotes_nothing::<ApiKey>(|secret| json!({"key": "k", "secret": secret}));
    quotes_nothing::<Credentials>(|secret| json!({"username": "u", "password": secret}));
    let old = |secret| json!({"username": "u", "password": secret});
    quotes_nothing::<VaultState>(|secret| json!({"state": "current", "username": "u", "password": secret}));
    quotes_nothing::<VaultState>(|secret| json!({"state": "pending", "old": old(secret), "since_ms": 0, "id": "0"}));
    quotes_nothing::<VaultState>(|secret| json!({"state": "pending", "old": secret, "since_ms": 0, "id": "0"}));
}

#[test]
fn a_secret_instead_of_the_whole_pair_is_not_quoted() {
    let pairs = [json!(HIDDEN), json!(HIDDEN.parse::<u64>().unwrap()), json!([HIDDEN, HIDDEN])];
    for pair in pairs {
        let found = [problems::<ApiKey>(&pair), problems::<Credentials>(&pair), problems::<VaultState>(&pair)];
        for problem in found.iter().flatten() {
            assert!(!problem.contains(&HIDDEN[..8]) && problem.contains("fields"), "{problem}");
        }
    }
    let yaml = format!("username: zbeeblebrox\npassword: {HIDDEN}\n");
    // Besides its message, this parser prints the line itself.
    let problem = serde_saphyr::from_str::<Credentials>(&yaml).unwrap_err().without_snippet().to_string();
    assert!(!problem.contains(&HIDDEN[..8]) && problem.contains("in quotes"), "{problem}");
}

fn comes_back<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) -> Value {
    let written = serde_json::to_value(value).unwrap();
    assert_eq!(serde_json::from_value::<T>(written.clone()).unwrap(), *value);
    written
}

#[test]
fn written_values_are_read_back() {
    let user = Credentials::new("zbeeblebrox", "IM\"gr8\u{1F511}");
    assert_eq!(comes_back(&user), json!({"username": "zbeeblebrox", "password": "IM\"gr8\u{1F511}"}));
    let pending = Pending::new(user.clone(), SystemTime::UNIX_EPOCH + Duration::from_micros(1_500_900));
    assert_eq!(comes_back(&VaultState::Pending(pending))["since_ms"], 1500);
    for state in [VaultState::Empty, VaultState::Current(user)] {
        comes_back(&state);
    }
    comes_back(&RetryPolicy::new(7).statuses([503]));
    for (environment, name) in [(Environment::Production, "production"), (Environment::Mock, "mock")] {
        assert_eq!(comes_back(&environment), name);
    }
    let key = ApiKey::new("d5f1", "x8sQ");
    assert_eq!(serde_json::to_value(&key).unwrap(), json!({"key": "d5f1", "secret": "x8sQ"}));
}
