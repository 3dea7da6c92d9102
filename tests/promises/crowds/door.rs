//! A layer on the connector that limits the connections of a client. The benchmark of a crowd compiles it, too.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;
use tower::{BoxError, Layer, Service};

/// Limits the number of connections.
#[derive(Clone)]
pub(crate) struct Door(pub(crate) Arc<Semaphore>);

impl<S> Layer<S> for Door {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, door: self.clone() }
    }
}

#[derive(Clone)]
pub(crate) struct Guarded<S> {
    inner: S,
    door: Door,
}

impl<R, S> Service<R> for Guarded<S>
where
    R: Send + 'static,
    S: Service<R, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let (mut inner, door) = (self.inner.clone(), self.door.0.clone());
        Box::pin(async move {
            door.acquire().await?.forget();
            poll_fn(|context| inner.poll_ready(context)).await?;
            inner.call(request).await
        })
    }
}
