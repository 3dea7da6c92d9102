//! A session as a middleware of `reqwest-middleware` (feature `reqwest-middleware`).
//!
//! It keeps two promises inside of other middlewares: tokens go to the platform only, and a middleware that repeats a
//! call does not send a login or a reset twice.

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};

use super::Session;
use crate::{
    Error,
    generated::{Operation, Retry},
};

/// A session inside an existing client. **Add it last**, so that it is the innermost middleware:
///
/// ```
/// # use thingspace_session::{Error, Session};
/// # async fn example(session: Session, client: reqwest::Client) -> Result<(), Box<dyn std::error::Error>> {
/// let client = reqwest_middleware::ClientBuilder::new(client).with(session).build();
/// let url = "https://thingspace.verizon.com/api/m2m/v1/callbacks/0000123456-00001";
/// match client.get(url).send().await {
///     Ok(answer) => println!("{}", answer.status()),
///     Err(reqwest_middleware::Error::Middleware(error)) => {
///         println!("{:?}", error.downcast_ref::<Error>().map(Error::kind));
///     }
///     Err(error) => println!("{error}"),
/// }
/// # Ok(())
/// # }
/// ```
///
/// [`Session::execute`] sends a request to an origin that the session serves: that of the base URL, and those of
/// [`allow_origin`](crate::ThingSpaceBuilder::allow_origin). The inner client does not get it, because a client that
/// follows redirects would take the session token along. So the settings of
/// [`ThingSpaceBuilder`](crate::ThingSpaceBuilder) apply to it, and not those of the client (TLS, proxy, timeouts, default
/// headers). Every other request passes unchanged, without a token.
///
/// A middleware that repeats a login or a password reset that may have been processed gets [`Error::AlreadySent`]. It must
/// pass the extensions of the call on, as `reqwest-retry` does.
#[async_trait]
impl Middleware for Session {
    async fn handle(&self, request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        if !self.0.transport.serves(request.url()) {
            return next.run(request, extensions).await;
        }
        self.execute_once(request, extensions).await.map_err(reqwest_middleware::Error::middleware)
    }
}

/// The operation that was sent in this call and must not be repeated.
#[derive(Clone, PartialEq)]
struct Sent(&'static str);

impl Session {
    async fn execute_once(
        &self,
        request: Request,
        extensions: &mut Extensions,
    ) -> std::result::Result<Response, Error> {
        let below = self.below_base(request.url());
        let described = below.and_then(|path| Operation::by_request(request.method().as_str(), path));
        let Some(operation) = described.filter(|operation| operation.retry != Retry::Always) else {
            return self.execute(request).await;
        };
        let sent = Sent(operation.id);
        if extensions.get() == Some(&sent) {
            return Err(Error::AlreadySent { operation: operation.id.to_owned() });
        }
        // Before sending: an outer middleware may drop the future and begin again.
        extensions.insert(sent);
        let outcome = self.execute(request).await;
        if outcome.as_ref().is_err_and(|error| !error.may_have_been_processed()) {
            extensions.remove::<Sent>();
        }
        outcome
    }
}
