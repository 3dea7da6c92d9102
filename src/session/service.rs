//! A session as a layer of `tower` (feature `tower`).
//!
//! Keeps the promise that tokens go to the platform and nowhere else where other layers stand around.

use std::{
    error::Error,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
};

use reqwest::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::Session;

type BoxError = Box<dyn Error + Send + Sync>;

/// For existing clients, such as [`reqwest::Client`], which is a service. **Put it innermost**, so that all other
/// layers stand around it:
///
/// ```
/// use tower_layer::Layer as _;
/// use tower_service::Service as _;
/// # use thingspace_session::{Error, Session};
/// # async fn example(session: Session, client: reqwest::Client) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let mut client = session.layer(client);
/// let request = session.request(reqwest::Method::GET, "/m2m/v1/callbacks/0000123456-00001")?.build()?;
/// match client.call(request).await {
///     Ok(answer) => println!("{}", answer.status()),
///     Err(error) => println!("{:?}", error.downcast_ref::<Error>().map(Error::kind)),
/// }
/// # Ok(())
/// # }
/// ```
impl<S> Layer<S> for Session {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> SessionService<S> {
        SessionService { inner, session: self.clone() }
    }
}

/// What [`Session`] as a layer makes of a service (feature `tower`).
///
/// A request to an origin that the session serves (that of the base URL, and those of
/// [`allow_origin`](crate::ThingSpaceBuilder::allow_origin)) is carried as by [`Session::execute`], and does not reach
/// the inner service: a client that follows redirects would take the session token along, so none is handed on. The
/// client's own settings (TLS, proxy, timeouts, default headers) do not reach it; those of
/// [`ThingSpaceBuilder`](crate::ThingSpaceBuilder) hold. Every other request goes on as it came, without a token.
///
/// **A layer around it that repeats requests must leave a login and a password reset alone.** It repeats copies that
/// it made before the session saw any, so nothing here can tell them from new ones. Errors say whether a call may be
/// made again: [`Error::is_retryable`](crate::Error::is_retryable).
///
/// It is always ready. A request for the inner service waits until a clone of that is ready, as part of its own future.
#[derive(Clone, Debug)]
pub struct SessionService<S> {
    inner: S,
    session: Session,
}

impl<S> Service<Request> for SessionService<S>
where
    S: Service<Request, Response = Response> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    type Response = Response;
    /// A [`thingspace_session::Error`](crate::Error), or what the inner service failed with.
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

    /// Asks nothing of the inner service: a place that it kept free for a request to the platform would be kept in vain.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if self.session.0.transport.serves(request.url()) {
            let session = self.session.clone();
            return Box::pin(async move { Ok(session.execute(request).await?) });
        }
        let mut inner = self.inner.clone();
        Box::pin(async move {
            poll_fn(|context| inner.poll_ready(context)).await.map_err(Into::into)?;
            inner.call(request).await.map_err(Into::into)
        })
    }
}
