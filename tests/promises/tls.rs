//! Who is trusted over TLS, by every backend that is compiled, and that nobody but the program decides which one it is.

mod features;
mod server;

use reqwest::{Certificate, ClientBuilder, Method};
use thingspace_sandbox::Sandbox;
use thingspace_session::{Error, RetryPolicy, ThingSpace, ThingSpaceBuilder, TlsBackend};

use crate::support::{ECHO, alone, api_key, credentials, passed, platform_requests, shown};
use server::{Authority, Identity, Server};

/// A year that certificates are valid for, and one that they are not.
const VALID: i32 = 4000;
const EXPIRED: i32 = 2020;

/// The backends that are compiled. Where rustls comes without aws-lc, it has ring.
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

/// The words of rustls and those of OpenSSL for the same thing.
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

/// Both ends of a call that came to nothing: what the caller is told, and that the server was told nothing.
async fn refused(identity: Identity, configure: impl FnOnce(ThingSpaceBuilder) -> ThingSpaceBuilder) -> Error {
    let sandbox = Sandbox::start().await.unwrap();
    let mut server = Server::start(identity, sandbox.address()).await;
    let thingspace = configure(client_of(&server)).build().unwrap();
    let error = thingspace.start_session(credentials()).await.unwrap_err();

    server.handshake().await.expect_err("a handshake that the client breaks off");
    assert_eq!(server.received(), 0, "{error}");
    assert!(sandbox.requests().is_empty(), "{error}");
    assert!(error.is_connect() && !error.may_have_been_processed(), "{error:?}");
    error
}

#[tokio::test]
async fn a_wrong_an_expired_and_an_unknown_certificate_are_refused_before_anything_is_sent() {
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

/// native-tls does not say why a handshake has failed, so its clients try again.
#[cfg(feature = "rustls-no-provider")]
#[tokio::test(start_paused = true)]
async fn a_certificate_that_was_refused_is_not_looked_at_again() {
    let (sandbox, _) = (Sandbox::start().await.unwrap(), backends());
    let mut server = Server::start(Authority::new("unknown").issue("localhost", VALID), sandbox.address()).await;
    let thingspace = client_of(&server).retry_policy(RetryPolicy::default()).build().unwrap();
    let started = tokio::time::Instant::now();
    let error = thingspace.start_session(credentials()).await.unwrap_err();
    assert!(error.is_connect() && !error.is_retryable(), "{error:?}");
    assert!(started.elapsed() < std::time::Duration::from_secs(1), "{:?}", started.elapsed());
    server.handshake().await.unwrap_err();
    assert_eq!(server.handshakes_left(), 0, "one connection alone");
}

#[tokio::test]
async fn without_a_word_only_the_operating_systems_roots_are_trusted() {
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
async fn a_root_certificate_of_ones_own_is_trusted_beside_the_others_or_alone() {
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

/// On Linux the roots of the operating system are files, and a variable names them.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn what_the_operating_system_trusts_is_trusted() {
    let (authority, sandbox) = (Authority::new("known"), Sandbox::start().await.unwrap());
    let server = Server::start(authority.issue("localhost", VALID), sandbox.address()).await;
    let roots = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(roots.path(), authority.pem()).unwrap();
    let mut command = alone("tls::sessions_with_the_roots_of_the_environment");
    command.env("SSL_CERT_FILE", roots.path()).env("THINGSPACE_TEST_SERVER", server.base_url());
    tokio::task::spawn_blocking(move || passed(&mut command)).await.unwrap();
    assert_eq!(sandbox.counters().logouts, backends().len() as u64);
}

/// In a process of its own, for the test above; otherwise it has nothing to do.
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
