//! Accepts, serves and closes connections.
//!
//! The server uses hyper directly, because faults close a connection without a response, and no web framework offers
//! that. Stopping closes all connections at once, even during a request.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::control;
use crate::platform::Platform;
use crate::traffic::{self, HangUp, Reception};

/// The pause after the server could not accept a connection. The process then usually has no file descriptors left.
const REST: Duration = Duration::from_millis(50);

/// A running server. Dropping it closes the port before `drop` returns, and the connections right after.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
    listener: Listener,
    _stop: watch::Sender<()>,
}

impl Server {
    /// Listens, and serves from a task on the current runtime.
    pub(crate) async fn start(address: SocketAddr, platform: Arc<Platform>) -> io::Result<Server> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let listener = Listener(Arc::new(Mutex::new(Some(listener))));
        let (stop, stopped) = watch::channel(());
        let reception = Reception { platform, stop: stopped };
        tokio::spawn(accept(listener.clone(), reception));
        Ok(Server { address, listener, _stop: stop })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listener.close();
    }
}

/// The listening socket. Another task can close it while one waits on it.
#[derive(Clone, Debug)]
struct Listener(Arc<Mutex<Option<TcpListener>>>);

impl Listener {
    /// The next connection, or `None` if the listener is closed.
    async fn accept(&self) -> Option<io::Result<TcpStream>> {
        poll_fn(|context| match self.lock().as_ref() {
            Some(listener) => listener.poll_accept(context).map(|accepted| Some(accepted.map(|(stream, _)| stream))),
            None => Poll::Ready(None),
        })
        .await
    }

    fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<TcpListener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: Listener, reception: Reception) {
    let router = router(&reception);
    let mut stop = reception.stop.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.changed() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Some(Ok(stream)) => {
                reception.platform.lock().counters.connections += 1;
                tokio::spawn(serve(stream, router.clone(), reception.stop.clone()));
            }
            Some(Err(_)) => tokio::time::sleep(REST).await,
            None => return,
        }
    }
}

fn router(reception: &Reception) -> Router {
    let router = control::router(Arc::clone(&reception.platform));
    #[cfg(feature = "docs")]
    let router = router.merge(crate::docs::router());
    router.fallback(traffic::receive).with_state(reception.clone())
}

async fn serve(stream: TcpStream, router: Router, mut stop: watch::Receiver<()>) {
    // Without it, a response in two packets waits for an acknowledgement. A failure here only costs time.
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = router.call(request);
        async move {
            let Ok(response): Result<Response, Infallible> = answer.await;
            // If a service returns an error, hyper closes the connection without a response.
            if response.extensions().get::<HangUp>().is_some() { Err(HungUp) } else { Ok(response) }
        }
    });
    // No timer: with tokio's time paused, hyper's time limits would expire at once.
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        _ = stop.changed() => {}
        // The caller notices how a connection ended.
        _ = connection => {}
    }
}

#[derive(Debug)]
struct HungUp;

impl std::fmt::Display for HungUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed by a fault")
    }
}

impl std::error::Error for HungUp {}
