//! The sandbox behind TLS, with certificates of the test.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A certificate and its key.
pub(super) type Identity = (CertificateDer<'static>, PrivateKeyDer<'static>);

/// A certificate authority.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for this name, valid until the start of this year.
    pub(super) fn issue(&self, name: &str, end: i32) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_after = date_time_ymd(end, 1, 1);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }

    pub(super) fn root(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }
}

/// Terminates TLS and forwards the requests to a platform.
pub(super) struct Server {
    address: SocketAddr,
    handshakes: mpsc::UnboundedReceiver<io::Result<()>>,
    received: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start((certificate, key): Identity, platform: SocketAddr) -> Self {
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(vec![certificate], key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, handshakes) = mpsc::unbounded_channel();
        let received = Arc::new(AtomicUsize::new(0));
        let tally = received.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (acceptor, sender, tally) = (acceptor.clone(), sender.clone(), tally.clone());
                tokio::spawn(async move {
                    let accepted = acceptor.accept(connection).await;
                    let _ =
                        sender.send(accepted.as_ref().map(|_| ()).map_err(|error| io::Error::other(error.to_string())));
                    if let Ok(stream) = accepted {
                        let _ = relay(stream, platform, &tally).await;
                    }
                });
            }
        });
        Self { address, handshakes, received, accepting }
    }

    pub(super) fn base_url(&self) -> String {
        format!("https://localhost:{}/api", self.address.port())
    }

    /// The result of the next handshake.
    pub(super) async fn handshake(&mut self) -> io::Result<()> {
        self.handshakes.recv().await.unwrap()
    }

    /// Number of finished handshakes that `handshake` has not returned.
    #[cfg(feature = "rustls-no-provider")]
    pub(super) fn handshakes_left(&self) -> usize {
        self.handshakes.len()
    }

    /// Number of decrypted bytes.
    pub(super) fn received(&self) -> usize {
        self.received.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn relay(stream: TlsStream<TcpStream>, platform: SocketAddr, received: &AtomicUsize) -> io::Result<()> {
    let (mut requests, mut to_client) = tokio::io::split(stream);
    let (mut answers, mut to_platform) = TcpStream::connect(platform).await?.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut answers, &mut to_client).await });
    let mut buffer = [0; 4096];
    loop {
        let length = requests.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        received.fetch_add(length, Ordering::Relaxed);
        to_platform.write_all(&buffer[..length]).await?;
    }
}
