//! Sets a provider of cryptography, and a single trusted root.
//!
//! Runs against a sandbox of its own, behind TLS with certificates that the example makes.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints what it does")]

use std::{error::Error, net::SocketAddr, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::Certificate;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use thingspace_sandbox::Sandbox;
use thingspace_session::{ApiKey, Credentials, ThingSpace, TlsBackend};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    // Runs once, before the first client is built. The default provider is aws-lc.
    ring::default_provider().install_default().map_err(|_| "another provider is installed already")?;

    let (sandbox, authority) = (Sandbox::start().await?, authority()?);
    let address = behind_tls(&authority, sandbox.address()).await?;
    let base_url = format!("https://localhost:{}/api", address.port());
    let root = Certificate::from_pem(authority.pem().as_bytes())?;

    let builder = || ThingSpace::builder().base_url(&*base_url).tls_backend(TlsBackend::Rustls);
    let api_key = || ApiKey::new("sandbox-key", "sandbox-secret");
    let user = Credentials::new("zbeeblebrox", "IMgr8");

    // The operating system does not trust the issuer of this certificate.
    let mistrustful = builder().api_key(api_key()).build()?;
    match mistrustful.start_session(user.clone()).await {
        Ok(_) => return Err("the operating system trusts it".into()),
        Err(error) => println!("With the roots of the operating system: {error}."),
    }

    // `tls_certs_merge` would add the root to those of the operating system.
    let thingspace = builder().api_key(api_key()).http_client(|http| http.tls_certs_only([root])).build()?;
    let session = thingspace.start_session(user).await?;
    println!("With the root of the example: a session has started.");
    session.end().await?;
    Ok(())
}

fn authority() -> Result<Authority, rcgen::Error> {
    let mut params = CertificateParams::new([])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

/// Terminates TLS and forwards the bytes to the sandbox.
async fn behind_tls(authority: &Authority, sandbox: SocketAddr) -> Result<SocketAddr, Box<dyn Error>> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(["localhost".to_owned()])?.signed_by(&key, authority)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![certificate.der().clone()], key)?;
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await?);
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let (mut client, mut server) = (acceptor.accept(connection).await?, TcpStream::connect(sandbox).await?);
                tokio::io::copy_bidirectional(&mut client, &mut server).await
            });
        }
    });
    Ok(address)
}
