//! A session as a layer of `tower` (feature `tower`).
//!
//! Keeps the promise that tokens go to the platform only, inside of other layers.

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

/// A session inside an existing client, such as [`reqwest::Client`], which is a service. **Make it the innermost layer**:
///
/// ```
/// use tower_layer::Layer as _;
/// use tower_service::Service as _;
/// # use thingspace_session::{Error, Session};
/// # async fn example(session: Session, client: reqwest::Client) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// let mut client = session.layer(client);
/// let path = "/m2m/v1/callbacks/0000123456-00001";
/// match client.call(session.request(reqwest::Method::GET, path)?.build()?).await {
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

/// The service that [`Session`] as a layer returns (feature `tower`).
///
/// [`Session::execute`] sends a request to an origin that the session serves: that of the base URL, and those of
/// [`allow_origin`](crate::ThingSpaceBuilder::allow_origin). The inner service does not get it, because a client that
/// follows redirects would take the session token along. So the settings of
/// [`ThingSpaceBuilder`](crate::ThingSpaceBuilder) apply to it, and not those of the client (TLS, proxy, timeouts, default
/// headers). Every other request passes unchanged, without a token.
///
/// **An outer layer that repeats requests must exclude a login and a password reset.** It repeats copies that it made
/// before the session saw the request, so the session cannot distinguish them from new requests.
/// [`Error::is_retryable`](crate::Error::is_retryable) says whether a call may be repeated.
///
/// The service is always ready. A request for the inner service waits in its own future until a clone of that is ready.
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
    /// A [`thingspace_session::Error`](crate::Error), or the error of the inner service.
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, BoxError>> + Send>>;

    /// Does not poll the inner service: a request to the platform would leave the capacity that it reserves unused.
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
