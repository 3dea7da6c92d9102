//! What cargo's features do: each makes something available, and none changes what a program gets that did not ask.

use std::process::Command;

#[cfg(feature = "rustls-no-provider")]
use std::sync::Arc;

#[cfg(feature = "rustls-no-provider")]
use rustls::crypto::ring;
use thingspace_session::ThingSpace;

use super::*;

/// What cargo has to compile for these features, other than for tests.
fn tree(features: &str) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--offline", "--locked", "--edges=normal", "--prefix=none", "--target=all"]);
    cargo.args(["--package=thingspace-session", "--no-default-features", "--features", features]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn each_feature_brings_what_it_says_and_a_provider_of_ones_own_brings_no_other() {
    let brings = |features: &str, name: &str| tree(features).lines().any(|line| line.starts_with(name));
    for (features, rustls, aws_lc, native) in [
        ("", false, false, false),
        ("rustls", true, true, false),
        ("rustls-no-provider", true, false, false),
        ("native-tls", false, false, true),
        ("rustls-no-provider,native-tls", true, false, true),
    ] {
        assert_eq!(brings(features, "rustls v"), rustls, "{features}");
        assert_eq!(brings(features, "aws-lc"), aws_lc, "{features}");
        assert_eq!(brings(features, "native-tls v"), native, "{features}");
        assert!(!brings(features, "ring v"), "{features}");
    }
}

/// reqwest would take the other one as soon as any crate turns it on.
#[cfg(feature = "rustls-no-provider")]
#[tokio::test]
async fn rustls_is_the_backend_whatever_else_is_compiled() {
    let _ = backends();
    for is_configured in [false, true] {
        let error = refused(Authority::new("unknown").issue("localhost", VALID), |builder| {
            if is_configured { builder.http_client(|http| http.tls_certs_merge([])) } else { builder }
        });
        let error = shown(&error.await);
        assert!(error.contains("UnknownIssuer"), "{error}");
    }
}

#[cfg(not(feature = "rustls-no-provider"))]
#[test]
fn a_backend_that_is_compiled_is_not_taken_unless_it_is_named() {
    let error = ThingSpace::builder().api_key(api_key()).build().unwrap_err();
    assert!(error.to_string().contains(".tls_backend(TlsBackend::NativeTls)"), "{error}");
    let named = ThingSpace::builder().api_key(api_key()).tls_backend(TlsBackend::NativeTls);
    named.build().unwrap();
}

#[cfg(feature = "rustls-no-provider")]
fn preconfigured(authority: &Authority) -> TlsBackend {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.root()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    TlsBackend::Preconfigured(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

#[cfg(feature = "rustls-no-provider")]
#[tokio::test]
async fn a_configuration_of_ones_own_decides_whom_to_trust() {
    let authority = Authority::new("known");
    let sandbox = Sandbox::start().await.unwrap();
    let server = Server::start(authority.issue("localhost", VALID), sandbox.address()).await;
    lives(client_of(&server).tls_backend(preconfigured(&authority))).await;

    let error = refused(Authority::new("unknown").issue("localhost", VALID), |builder| {
        builder.tls_backend(preconfigured(&authority)) //
    });
    assert!(shown(&error.await).contains("UnknownIssuer"));
}

/// A test that needs a process in which no provider was installed.
#[cfg(feature = "rustls-no-provider")]
fn passes_alone(test: &str) {
    passed(alone(&format!("tls::features::{test}")).env("THINGSPACE_TEST_ALONE", "yes"));
}

#[cfg(feature = "rustls-no-provider")]
fn is_alone() -> bool {
    std::env::var_os("THINGSPACE_TEST_ALONE").is_some()
}

/// This test program has aws-lc and ring compiled into it.
#[cfg(feature = "rustls")]
#[test]
fn two_providers_in_the_tree_cause_no_panic() {
    if !is_alone() {
        return passes_alone("two_providers_in_the_tree_cause_no_panic");
    }
    std::panic::catch_unwind(rustls::ClientConfig::builder).expect_err("rustls itself cannot choose");
    let builder = || ThingSpace::builder().api_key(api_key());
    builder().build().unwrap();
    builder().http_client(|http| http).build().unwrap();
    builder().http_client(|http| http).tls_backend(TlsBackend::Rustls).build().unwrap();
    assert!(rustls::crypto::CryptoProvider::get_default().is_none(), "which one holds is the program's to say");
}

/// reqwest's own builder, in which nothing is named, is given back by mistake.
#[cfg(all(feature = "rustls-no-provider", feature = "native-tls"))]
#[tokio::test]
async fn a_backend_that_is_named_holds_whatever_comes_back() {
    let _ = backends();
    let error = refused(Authority::new("unknown").issue("localhost", VALID), |builder| {
        builder.http_client(|_| reqwest::Client::builder().no_proxy()).tls_backend(TlsBackend::Rustls)
    });
    assert!(shown(&error.await).contains("UnknownIssuer"));
}

/// With and without TLS on the way: reqwest asks for a provider in any case.
#[cfg(all(feature = "rustls-no-provider", not(feature = "rustls")))]
#[test]
fn without_a_provider_there_is_an_error_that_says_what_to_do() {
    if !is_alone() {
        return passes_alone("without_a_provider_there_is_an_error_that_says_what_to_do");
    }
    let builder = || ThingSpace::builder().api_key(api_key());
    let given = || builder().http_client(|http| http);
    let plain = || builder().base_url("http://127.0.0.1:9/api");
    for builder in [builder(), given(), plain(), given().tls_backend(TlsBackend::Rustls)] {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
        assert!(error.to_string().contains("call install_default()"), "{error}");
    }
    given().tls_backend(preconfigured(&Authority::new("known"))).build().unwrap();
    #[cfg(feature = "native-tls")]
    given().tls_backend(TlsBackend::NativeTls).build().unwrap();

    ring::default_provider().install_default().unwrap();
    builder().build().unwrap();
    given().build().unwrap();
}
