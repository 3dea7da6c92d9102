//! The store behind `rediss://`. Roots and cryptography belong to the process, so each case has a process of its own.

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

/// Tells a process that it was started by a test, with the URL of the store.
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

    /// Runs one of the bodies below, and nothing else, in a process.
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

/// The store, and a provider of cryptography before it.
fn store() -> Option<RedisStore> {
    let url = env::var(URL).ok()?;
    rustls::crypto::ring::default_provider().install_default().unwrap();
    Some(RedisStore::new(url).unwrap())
}

#[test]
fn a_server_whose_certificate_is_trusted_is_used_and_another_is_told() {
    let Some(secured) = Secured::start() else { return };
    passes(secured.trusting("what_is_kept_is_read_again"));
    passes(secured.run("an_unknown_certificate_is_refused"));
    passes(secured.trusting("without_a_provider_an_error_says_so"));
}

#[tokio::test]
async fn what_is_kept_is_read_again() {
    let Some(store) = store() else { return };
    write(&store, 1).await;
    assert_eq!(read(&store).await, 1);
}

#[tokio::test]
async fn an_unknown_certificate_is_refused() {
    let Some(store) = store() else { return };
    let begin = std::time::Instant::now();
    let error = store.load(&account()).await.unwrap_err();
    assert!(matches!(error, StoreError::Misconfigured { .. }), "{error:?}");
    assert!(begin.elapsed().as_secs() < 5, "what does not pass is waited for");
    let error = error.to_string();
    assert!(error.contains("the server's certificate") && error.contains("localhost"), "{error}");
    // A port without TLS, which answers as Redis does to what it cannot read.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("rediss://localhost:{}/0", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"-ERR Protocol error: invalid multibulk length\r\n").await;
            // Closed only after the other side, so that the answer is read.
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    });
    let error = RedisStore::new(url).unwrap().load(&account()).await.unwrap_err();
    assert!(matches!(error, StoreError::Misconfigured { .. }), "{error:?}");
    assert!(error.to_string().contains("that it speaks TLS"), "{error}");
    let error = RedisStore::new(format!("{}#insecure", env::var(URL).unwrap())).unwrap_err().to_string();
    assert!(error.contains("always verified"), "{error}");
}

/// Two are compiled here, and rustls does not choose.
#[tokio::test]
async fn without_a_provider_an_error_says_so() {
    let Ok(url) = env::var(URL) else { return };
    let error = RedisStore::new(url).unwrap_err();
    assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
    assert!(error.to_string().contains("install_default"), "{error}");
}
