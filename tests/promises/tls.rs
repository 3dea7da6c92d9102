//! The certificates that each compiled TLS backend trusts. Only the program selects the backend.

mod features;
mod server;

use reqwest::{Certificate, ClientBuilder, Method};
use thingspace_sandbox::Sandbox;
use thingspace_session::{Error, RetryPolicy, ThingSpace, ThingSpaceBuilder, TlsBackend};

use crate::support::{ECHO, alone, api_key, credentials, passed, platform_requests, shown};
use server::{Authority, Identity, Server};

/// A last year of validity in the future, and one in the past.
const VALID: i32 = 4000;
const EXPIRED: i32 = 2020;

/// The compiled backends. rustls without aws-lc uses ring.
fn backends() -> Vec<TlsBackend> {
    if cfg!(not(feature = "rustls")) {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    vec![
        #[cfg(feature = "rustls-no-provider")]
        TlsBackend::Rustls,
        #[cfg(feature = "native-tls")]
        TlsBackend::NativeTls,
    ]
}

/// The messages of rustls and of OpenSSL for one cause.
type Words = [&'static str; 2];

fn words_of(backend: &TlsBackend, words: Words) -> &'static str {
    words[usize::from(format!("{backend:?}") == "NativeTls")]
}

fn client_of(server: &Server) -> ThingSpaceBuilder {
    ThingSpace::builder().api_key(api_key()).base_url(server.base_url()).retry_policy(RetryPolicy::none())
}

fn root(authority: &Authority) -> Certificate {
    Certificate::from_der(&authority.root()).unwrap()
}

/// Returns the error of a failed call, and asserts that the server received no request.
async fn refused(identity: Identity, configure: impl FnOnce(ThingSpaceBuilder) -> ThingSpaceBuilder) -> Error {
    let sandbox = Sandbox::start().await.unwrap();
    let mut server = Server::start(identity, sandbox.address()).await;
    let thingspace = configure(client_of(&server)).build().unwrap();
    let error = thingspace.start_session(credentials()).await.unwrap_err();

    server.handshake().await.expect_err("a handshake that the client aborts");
    assert_eq!(server.received(), 0, "{error}");
    assert!(sandbox.requests().is_empty(), "{error}");
    assert!(error.is_connect() && !error.may_have_been_processed(), "{error:?}");
    error
}

#[tokio::test]
async fn invalid_expired_and_unknown_certificates_are_rejected_before_a_request() {
    let (known, unknown) = (Authority::new("known"), Authority::new("unknown"));
    for backend in backends() {
        for (identity, words) in [
            (known.issue("other.example", VALID), ["not valid for name", "hostname mismatch"]),
            (known.issue("localhost", EXPIRED), ["expired", "expired"]),
            (unknown.issue("localhost", VALID), ["UnknownIssuer", "unable to get local issuer"]),
        ] {
            let own = root(&known);
            let error = refused(identity, |builder| {
                builder.http_client(|http| http.tls_certs_merge([own])).tls_backend(backend.clone()) //
            });
            let text = shown(&error.await);
            assert!(text.contains(words_of(&backend, words)), "{backend:?}: {text}");
            assert!(text.contains("certificate") && text.contains("nothing was sent"), "{backend:?}: {text}");
        }
    }
}

/// native-tls does not give the cause of a failed handshake, so its clients retry.
#[cfg(feature = "rustls-no-provider")]
#[tokio::test(start_paused = true)]
async fn a_rejected_certificate_is_not_retried() {
    let (sandbox, _) = (Sandbox::start().await.unwrap(), backends());
    let mut server = Server::start(Authority::new("unknown").issue("localhost", VALID), sandbox.address()).await;
    let thingspace = client_of(&server).retry_policy(RetryPolicy::default()).build().unwrap();
    let started = tokio::time::Instant::now();
    let error = thingspace.start_session(credentials()).await.unwrap_err();
    assert!(error.is_connect() && !error.is_retryable(), "{error:?}");
    assert!(started.elapsed() < std::time::Duration::from_secs(1), "{:?}", started.elapsed());
    server.handshake().await.unwrap_err();
    assert_eq!(server.handshakes_left(), 0, "more than one connection");
}

#[tokio::test]
async fn by_default_only_the_operating_systems_roots_are_trusted() {
    for backend in backends() {
        let identity = Authority::new("unknown").issue("localhost", VALID);
        refused(identity, |builder| builder.tls_backend(backend)).await;
    }
}

/// Starts a session, uses it and ends it.
async fn lives(builder: ThingSpaceBuilder) {
    let session = builder.build().unwrap().start_session(credentials()).await.unwrap();
    let request = session.request(Method::POST, ECHO).unwrap();
    assert!(session.send(request.body("{}")).await.unwrap().status().is_success());
    session.end().await.unwrap();
}

#[tokio::test]
async fn a_custom_root_certificate_is_trusted_beside_the_others_or_alone() {
    let authority = Authority::new("known");
    for backend in backends() {
        for is_alone in [false, true] {
            let own = [root(&authority)];
            let http = move |http: ClientBuilder| {
                if is_alone { http.tls_certs_only(own) } else { http.tls_certs_merge(own) } //
            };
            let sandbox = Sandbox::start().await.unwrap();
            let mut server = Server::start(authority.issue("localhost", VALID), sandbox.address()).await;
            lives(client_of(&server).http_client(http).tls_backend(backend.clone())).await;
            server.handshake().await.unwrap();
            assert!(server.received() > 0);
            assert_eq!(platform_requests(&sandbox), 3, "{backend:?}: login, use, logout");
        }
    }
}

/// On Linux an environment variable names the files of the system's root certificates.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn roots_of_the_operating_system_are_trusted() {
    let (authority, sandbox) = (Authority::new("known"), Sandbox::start().await.unwrap());
    let server = Server::start(authority.issue("localhost", VALID), sandbox.address()).await;
    let roots = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(roots.path(), authority.pem()).unwrap();
    let mut command = alone("tls::sessions_with_the_roots_of_the_environment");
    command.env("SSL_CERT_FILE", roots.path()).env("THINGSPACE_TEST_SERVER", server.base_url());
    tokio::task::spawn_blocking(move || passed(&mut command)).await.unwrap();
    assert_eq!(sandbox.counters().logouts, backends().len() as u64);
}

/// Runs in the child process of the test above; otherwise does nothing.
#[tokio::test]
async fn sessions_with_the_roots_of_the_environment() {
    let Ok(base_url) = std::env::var("THINGSPACE_TEST_SERVER") else { return };
    for backend in backends() {
        lives(
            ThingSpace::builder()
                .api_key(api_key())
                .base_url(&base_url)
                .retry_policy(RetryPolicy::none())
                .tls_backend(backend),
        )
        .await;
    }
}
