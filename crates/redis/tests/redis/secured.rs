//! The store behind `rediss://`. Trusted roots and cryptography are global to a process, so each case runs in its own.

use std::{env, fs, process::Command};

use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use thingspace_session::{
    Error,
    store::{SessionStore as _, StoreError},
};
use thingspace_session_redis::RedisStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    server::{PORT, Server},
    support::{account, read, write},
};

/// The variable that holds the URL of the store for a process that a test starts.
const URL: &str = "STORES_TEST_URL";

struct Secured {
    server: Server,
    directory: tempfile::TempDir,
}

impl Secured {
    fn start() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
        let written = [("root", authority.pem()), ("certificate", certificate.pem()), ("key", key.serialize_pem())];
        let [_, certificate, key] = written.map(|(name, text)| {
            let path = directory.path().join(name);
            fs::write(&path, text).unwrap();
            path.into_os_string().into_string().unwrap()
        });
        let options = ["--bind", "127.0.0.1", "--tls-port", PORT, "--tls-auth-clients", "no"];
        let identity = ["--tls-cert-file", &certificate, "--tls-key-file", &key];
        let server = Server::start(&[&options[..], &identity].concat())?;
        Some(Self { server, directory })
    }

    /// Runs only one of the bodies below in a process.
    fn run(&self, body: &str) -> Command {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", &format!("secured::{body}"), "--nocapture"]);
        command.env(URL, format!("rediss://localhost:{}/0", self.server.port)).env_remove("SSL_CERT_DIR");
        command
    }

    fn trusting(&self, body: &str) -> Command {
        let mut command = self.run(body);
        command.env("SSL_CERT_FILE", self.directory.path().join("root"));
        command
    }
}

fn passes(mut command: Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

/// Installs a provider of cryptography, and opens the store.
fn store() -> Option<RedisStore> {
    let url = env::var(URL).ok()?;
    rustls::crypto::ring::default_provider().install_default().unwrap();
    Some(RedisStore::new(url).unwrap())
}

#[test]
fn the_store_uses_a_server_with_a_trusted_certificate_and_rejects_another() {
    let Some(secured) = Secured::start() else { return };
    passes(secured.trusting("a_stored_value_is_read_again"));
    passes(secured.run("an_unknown_certificate_is_rejected"));
    passes(secured.trusting("a_missing_provider_of_cryptography_is_an_error"));
}

#[tokio::test]
async fn a_stored_value_is_read_again() {
    let Some(store) = store() else { return };
    write(&store, 1).await;
    assert_eq!(read(&store).await, 1);
}

#[tokio::test]
async fn an_unknown_certificate_is_rejected() {
    let Some(store) = store() else { return };
    let begin = std::time::Instant::now();
    let error = store.load(&account()).await.unwrap_err();
    assert!(matches!(error, StoreError::Misconfigured { .. }), "{error:?}");
    assert!(begin.elapsed().as_secs() < 5, "the store waits for a permanent error");
    let error = error.to_string();
    assert!(error.contains("the server's certificate") && error.contains("localhost"), "{error}");
    // A port without TLS, which responds like Redis to an unreadable request.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("rediss://localhost:{}/0", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"-ERR Protocol error: invalid multibulk length\r\n").await;
            // Closes only after the other side, so that the store can read the response.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    });
    let error = RedisStore::new(url).unwrap().load(&account()).await.unwrap_err();
    assert!(matches!(error, StoreError::Misconfigured { .. }), "{error:?}");
    assert!(error.to_string().contains("that it speaks TLS"), "{error}");
    let error = RedisStore::new(format!("{}#insecure", env::var(URL).unwrap())).unwrap_err().to_string();
    assert!(error.contains("always verified"), "{error}");
}

/// Two providers are compiled here, and rustls does not choose one.
#[tokio::test]
async fn a_missing_provider_of_cryptography_is_an_error() {
    let Ok(url) = env::var(URL) else { return };
    let error = RedisStore::new(url).unwrap_err();
    assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
    assert!(error.to_string().contains("install_default"), "{error}");
}
