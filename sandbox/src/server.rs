//! Connections: accepting them, serving them, and closing them when told to.
//!
//! Hyper is driven by hand because the faults need what no web framework offers: to close a connection without an
//! answer. So does stopping, which is at once, whatever is under way.

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

/// How long the server rests after it could not accept a connection, which is when the process has no file
/// descriptors left.
const REST: Duration = Duration::from_millis(50);

/// A running server. Dropped, it stops: the port is closed before `drop` returns, the connections right after.
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

/// The listening socket, where it can be closed from outside the task that waits on it.
#[derive(Clone, Debug)]
struct Listener(Arc<Mutex<Option<TcpListener>>>);

impl Listener {
    /// The next connection, or nothing if the listener has been closed.
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
    // Without it, an answer in two packets waits for the caller's acknowledgement. Not having it is slow, not wrong.
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = router.call(request);
        async move {
            let Ok(response): Result<Response, Infallible> = answer.await;
            // An error is how a service tells hyper to close the connection without an answer.
            if response.extensions().get::<HangUp>().is_some() { Err(HungUp) } else { Ok(response) }
        }
    });
    // No timer and so no time limits: with tokio's time paused, they would strike at once.
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        _ = stop.changed() => {}
        // How a connection ended is the caller's to notice.
        _ = connection => {}
    }
}

#[derive(Debug)]
struct HungUp;

impl std::fmt::Display for HungUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on order")
    }
}

impl std::error::Error for HungUp {}
