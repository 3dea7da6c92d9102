//! Access tokens: bought with the API key (OAuth 2.0 client credentials, RFC 6749, section 4.4) or supplied by
//! a provider, cached, and renewed once for all callers.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{
    cache::{CachedToken, Freshness, TokenCache},
    provider::{AccessTokenProvider, ProviderError},
    shared_token::SharedToken,
};
use crate::{
    AccessToken, ApiKey, Error, ErrorResponse, Secret, events,
    generated::{Body, Operation, Retry, Success, fits, operations::TOKEN_PATH},
    store::limited,
    transport::{ANY, LastFailure, ResponseKind, TokenHeader, TokenSource, Transport},
};

/// Where new tokens come from.
pub(crate) enum Grant {
    /// The token endpoint.
    ClientCredentials {
        transport: Transport,
        url: Url,
        api_key: ApiKey,
        scopes: Vec<String>,
        shared: Option<Box<SharedToken>>,
    },
    /// The caller.
    Provider(Arc<dyn AccessTokenProvider>),
    /// From nowhere: this one token was configured.
    Nothing,
}

/// Sees each new token.
pub(crate) type Observer = Arc<dyn Fn(&AccessToken) + Send + Sync>;

/// How long after a renewal ahead of time has failed the next one is tried.
const AGAIN: Duration = Duration::from_secs(10);

/// The one access token of a client, and its renewal.
pub(crate) struct AccessTokens {
    grant: Grant,
    /// How long before its end a token is renewed.
    clock_skew: Duration,
    /// How long a provider may take.
    patience: Duration,
    observer: Option<Observer>,
    cache: TokenCache<LiveToken>,
    /// The last invalidated token: the crate does not use it again if the store still has it.
    invalidated: Mutex<Option<AccessToken>>,
    failure: LastFailure,
}

/// A token in use. Without an end it is used until it is rejected.
#[derive(Clone)]
struct LiveToken {
    header: TokenHeader,
    token: AccessToken,
    renew_at: Option<Instant>,
}

impl CachedToken for LiveToken {
    fn header(&self) -> &TokenHeader {
        &self.header
    }

    fn freshness(&self, now: Instant) -> Freshness {
        let is_over = |time: Option<Instant>| time.is_some_and(|time| time <= now);
        match (is_over(self.token.end), is_over(self.renew_at)) {
            (true, _) => Freshness::Expired,
            (false, true) => Freshness::Due,
            (false, false) => Freshness::Fresh,
        }
    }
}

impl AccessTokens {
    /// Starts with `ready`, if there is one.
    pub(crate) fn new(
        grant: Grant,
        clock_skew: Duration,
        patience: Duration,
        observer: Option<Observer>,
        ready: Option<AccessToken>,
    ) -> Result<Arc<Self>, Error> {
        let failure = LastFailure::default();
        let grant = match grant {
            Grant::ClientCredentials { transport, url, api_key, scopes, shared } => {
                let transport = transport.noting(failure.clone());
                Grant::ClientCredentials { transport, url, api_key, scopes, shared }
            }
            other => other,
        };
        let tokens = Self {
            grant,
            clock_skew,
            patience,
            observer,
            cache: TokenCache::default(),
            invalidated: Mutex::default(),
            failure,
        };
        if let Some(ready) = ready {
            let unfit = |_| Error::configuration("the access token holds characters no header takes");
            tokens.keep(ready).map_err(unfit)?;
        }
        Ok(Arc::new(tokens))
    }

    /// The token that holds now.
    pub(crate) async fn access_token(self: &Arc<Self>) -> Result<AccessToken, Error> {
        self.live().await.map(|live| live.token.clone())
    }

    async fn live(self: &Arc<Self>) -> Result<Arc<LiveToken>, Error> {
        let tokens = self.clone();
        let renew = move || {
            let tokens = tokens.clone();
            Box::pin(async move { tokens.renew().await }) as BoxFuture<'static, _>
        };
        self.cache.get(renew).await
    }

    async fn renew(&self) -> Result<Arc<LiveToken>, Error> {
        let before = self.cache.cached().clone();
        let outcome = self.obtain().await.inspect(|_| self.failure.clear());
        match &outcome {
            Ok(live) => {
                events::access_token_renewed();
                let is_new = before.is_none_or(|before| before.header != *live.header.value());
                if let Some(observer) = self.observer.as_ref().filter(|_| is_new) {
                    // Code of the caller, which must not keep the calls from the token.
                    if catch_unwind(AssertUnwindSafe(|| observer(&live.token))).is_err() {
                        events::observer_panicked();
                    }
                }
            }
            Err(error) => {
                events::access_token_failed(error);
                if let Some(cached) = &*self.cache.cached() {
                    let renew_at = Instant::now().checked_add(AGAIN);
                    self.cache.replace(cached, LiveToken { renew_at, ..LiveToken::clone(cached) });
                }
            }
        }
        outcome
    }

    async fn obtain(&self) -> Result<Arc<LiveToken>, Error> {
        let unfit = "the access token holds characters no header takes";
        match &self.grant {
            Grant::ClientCredentials { transport, url, api_key, scopes, shared } => {
                let mut claim = None;
                if let Some(shared) = shared {
                    match shared.take(|token, is_last| self.is_usable(token, is_last)).await {
                        Ok(token) => return self.keep(token).map_err(|_| Error::configuration(unfit)),
                        Err(claimed) => claim = claimed,
                    }
                }
                let bought = request(transport, url, api_key, scopes).await.and_then(|mut granted| {
                    let last = claim.as_ref().and_then(|claim| claim.last.as_ref());
                    // A known end that is past is wrong: the platform has granted the token again.
                    let is_alive = |last: &&AccessToken| last.time_left().is_some_and(|left| !left.is_zero());
                    if let Some(last) = last.filter(|last| last.token == granted.token).filter(is_alive) {
                        granted.end = last.end;
                    }
                    self.keep(granted)
                        .map_err(|_| Error::unexpected(unfit, ErrorResponse::new(StatusCode::OK, HeaderMap::new())))
                });
                if let (Some(shared), Some(claim)) = (shared, claim) {
                    shared.settle(claim, bought.as_ref().ok().map(|live| live.token.clone())).await;
                }
                bought
            }
            Grant::Provider(provider) => {
                let granted = limited("the access token provider", self.patience, || provider.access_token()).await;
                let granted = granted.map_err(|error| Error::TokenProvider(error.into()))?;
                self.keep(granted).map_err(|_| Error::TokenProvider(ProviderError::from(unfit).into()))
            }
            Grant::Nothing => Err(Error::configuration(
                "the access token has expired or was rejected, and nothing is there to renew it: build with .api_key(…) \
                 or .access_token_provider(…)",
            )),
        }
    }

    /// Whether a token from the store is worth a request. `is_last`: it is not renewed early again.
    fn is_usable(&self, token: &AccessToken, is_last: bool) -> bool {
        let is_known = |known: &AccessToken| known.token == token.token;
        let is_invalidated = self.invalidated().as_ref().is_some_and(is_known);
        let is_cached = self.cache.cached().as_ref().is_some_and(|cached| is_known(&cached.token));
        let least = if is_last { Duration::ZERO } else { self.clock_skew };
        let is_long = token.time_left().is_none_or(|left| left > least);
        is_long && !is_invalidated && (is_last || !is_cached) && TokenHeader::new(token.expose_secret()).is_ok()
    }

    fn invalidated(&self) -> MutexGuard<'_, Option<AccessToken>> {
        self.invalidated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The platform grants the same token again for as long as it lives, and states its whole life each time: what
    /// was known of its end goes on to hold, and it is not renewed early a second time.
    fn keep(&self, granted: AccessToken) -> Result<Arc<LiveToken>, http::header::InvalidHeaderValue> {
        let header = TokenHeader::new(&Zeroizing::new(format!("Bearer {}", granted.token.expose_secret())))?;
        let now = Instant::now();
        let end = granted.end;
        let cached = self.cache.cached();
        let known = cached.as_ref().filter(|cached| cached.header == *header.value());
        let known_end = known.and_then(|cached| cached.token.end);
        let token = if let Some(known) = known_end.filter(|known| now < *known) {
            let end = Some(end.map_or(known, |end| end.min(known)));
            LiveToken { header, token: AccessToken { end, ..granted }, renew_at: end }
        } else {
            let early = end.and_then(|end| end.checked_sub(self.clock_skew)).filter(|early| now < *early);
            LiveToken { header, token: granted, renew_at: early.or(end) }
        };
        Ok(self.cache.store(token))
    }
}

impl TokenSource for Arc<AccessTokens> {
    fn cached(&self, now: Instant) -> Option<HeaderValue> {
        let cached = self.cache.cached();
        let fresh = cached.as_ref().filter(|cached| cached.freshness(now) == Freshness::Fresh);
        fresh.map(|cached| cached.header.value().clone())
    }

    fn token(&self) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        Box::pin(async { self.live().await.map(|live| live.header.value().clone()) })
    }

    fn invalidate(&self, token: &HeaderValue, _: crate::error::Disposition) -> bool {
        if let Some(old) = self.cache.invalidate(token) {
            *self.invalidated() = Some(old.token.clone());
        }
        true
    }

    fn failure(&self) -> Option<Error> {
        self.failure.get(self.patience)
    }
}

/// What the token endpoint answers (RFC 6749, section 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    token_type: Option<String>,
    #[serde(default)]
    expires_in: Value,
}

impl Granted {
    /// The life that it is said to have; unknown, if what is said makes no sense.
    fn expires_in(&self) -> Option<Duration> {
        let seconds = match &self.expires_in {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        Duration::try_from_secs_f64(seconds).ok().filter(|life| life.as_secs() > 0)
    }
}

/// Asking twice is safe: the platform grants the same token again.
const REQUEST: Operation = Operation {
    id: "access_token",
    method: "POST",
    path: TOKEN_PATH,
    access_token: false,
    session_header: None,
    retry: Retry::Always,
    success: Success { statuses: &[(200, 200)], body: Body::Json(fits::<Granted>) },
    ..ANY
};

/// Buys a token. Basic authentication is over the pair as it is: the platform does not take the form encoding that
/// RFC 6749, section 2.3.1, puts on it first.
async fn request(transport: &Transport, url: &Url, api_key: &ApiKey, scopes: &[String]) -> Result<AccessToken, Error> {
    let scope = scopes.join(" ");
    let mut form = vec![("grant_type", "client_credentials")];
    if !scope.is_empty() {
        form.push(("scope", &scope));
    }
    let request = transport.http().post(url.clone());
    let request = request.basic_auth(api_key.key(), Some(api_key.secret().expose_secret())).form(&form);
    let request = request.header(http::header::ACCEPT, "application/json").build().map_err(Error::from_reqwest)?;
    let answer = transport.execute(&REQUEST, request, ResponseKind::Typed).await?;
    let response = ErrorResponse::new(answer.status(), answer.headers().clone());
    let body = answer.bytes().await.map_err(Error::from_reqwest)?;
    let problem = match serde_json::from_slice::<Granted>(&body) {
        Ok(granted) if granted.token_type.as_ref().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) => {
            "the access token is no bearer token"
        }
        Ok(granted) if granted.access_token.expose_secret().is_empty() => "the access token is empty",
        Ok(granted) => {
            let end = granted.expires_in().and_then(|life| Instant::now().checked_add(life));
            return Ok(AccessToken { token: granted.access_token, end });
        }
        Err(_) => "it does not read as an access token",
    };
    Err(Error::unexpected(problem, response))
}
