//! Access tokens: bought with the API key (OAuth 2.0 client credentials, RFC 6749, section 4.4) or had from a
//! provider, kept, and renewed once for everybody.

use std::{
    error::Error as StdError,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, StatusCode};
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::{
    AccessToken, ApiKey, Error, Refusal, Secret, events,
    generated::{Body, Operation, Repeat, Success, fits, operations::TOKEN_PATH},
    single_flight::{self, Outcome, SecondChance, SingleFlight},
    transport::{LastFailure, Rejection, ResponseKind, TokenHeader, TokenSource, Transport},
};

/// Supplies access tokens that are had elsewhere, from a vault or a token service of one's own.
///
/// It is asked when there is no token yet, when the last one is about to expire, and when the gateway has refused it;
/// never by two callers at a time. A closure that returns a future is a provider.
///
/// ```
/// use std::time::Duration;
/// use thingspace_session::{AccessToken, ThingSpace};
///
/// # async fn ask_the_vault() -> Result<String, std::io::Error> { Ok("token".to_owned()) }
/// let thingspace = ThingSpace::builder()
///     .access_token_provider(|| async {
///         Ok(AccessToken::new(ask_the_vault().await?).expires_in(Duration::from_secs(3600)))
///     })
///     .build()?;
/// # Ok::<(), thingspace_session::Error>(())
/// ```
pub trait AccessTokenProvider: Send + Sync {
    /// A token that holds now.
    fn access_token(&self) -> Pin<Box<dyn Future<Output = Result<AccessToken, ProviderError>> + Send + '_>>;
}

/// What a provider fails with.
pub type ProviderError = Box<dyn StdError + Send + Sync>;

impl<F, T> AccessTokenProvider for F
where
    F: Fn() -> T + Send + Sync,
    T: Future<Output = Result<AccessToken, ProviderError>> + Send + 'static,
{
    fn access_token(&self) -> Pin<Box<dyn Future<Output = Result<AccessToken, ProviderError>> + Send + '_>> {
        Box::pin(self())
    }
}

/// Where new tokens come from.
pub(crate) enum Grant {
    /// The token endpoint.
    ClientCredentials { transport: Transport, url: Url, api_key: ApiKey, scopes: Vec<String> },
    /// The caller.
    Provider(Box<dyn AccessTokenProvider>),
    /// Nowhere: there is the one token and no other.
    Nothing,
}

/// How long after a renewal ahead of time has failed the next one is tried.
const AGAIN: Duration = Duration::from_secs(10);

/// The one access token of a client, and its renewal.
pub(crate) struct AccessTokens {
    grant: Grant,
    /// How long before its end a token is renewed.
    clock_skew: Duration,
    /// How long a provider may take.
    patience: Duration,
    /// The token in use, which requests read without a lock; written by who holds that of the renewal.
    held: ArcSwapOption<Held>,
    renewal: Mutex<Option<SingleFlight<HeaderValue>>>,
    failure: LastFailure,
}

/// A token in use. Without an end it is used until it is refused.
#[derive(Clone)]
struct Held {
    header: TokenHeader,
    end: Option<Instant>,
    renew_at: Option<Instant>,
}

impl Held {
    fn holds(&self, now: Instant) -> bool {
        self.end.is_none_or(|end| now < end)
    }

    fn is_due(&self, now: Instant) -> bool {
        self.renew_at.is_some_and(|renew_at| renew_at <= now)
    }
}

impl AccessTokens {
    /// Starts with `ready`, if there is one.
    pub(crate) fn new(
        grant: Grant,
        clock_skew: Duration,
        patience: Duration,
        ready: Option<&AccessToken>,
    ) -> Result<Arc<Self>, Error> {
        let (held, renewal, failure) = <(_, _, LastFailure)>::default();
        let grant = match grant {
            Grant::ClientCredentials { transport, url, api_key, scopes } => {
                Grant::ClientCredentials { transport: transport.noting(failure.clone()), url, api_key, scopes }
            }
            other => other,
        };
        let tokens = Self { grant, clock_skew, patience, held, renewal, failure };
        if let Some(ready) = ready {
            tokens
                .keep(ready)
                .map_err(|_| Error::configuration("the access token holds characters no header takes"))?;
        }
        Ok(Arc::new(tokens))
    }

    fn renewal(&self) -> MutexGuard<'_, Option<SingleFlight<HeaderValue>>> {
        self.renewal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn current(self: &Arc<Self>) -> Result<HeaderValue, Error> {
        let mut second_chance = SecondChance::default();
        loop {
            let renewal = {
                let mut renewal = self.renewal();
                let now = Instant::now();
                match self.held.load_full().filter(|held| held.holds(now)) {
                    Some(held) if !held.is_due(now) => return Ok(held.header.value().clone()),
                    Some(held) => {
                        // Renewed ahead of time, while everybody goes on with what still holds.
                        drop(self.join(&mut renewal));
                        return Ok(held.header.value().clone());
                    }
                    None => self.join(&mut renewal),
                }
            };
            match renewal.await {
                Some(outcome) => return outcome,
                None => second_chance.take()?,
            }
        }
    }

    /// The renewal that is under way, or a new one.
    fn join(self: &Arc<Self>, last: &mut Option<SingleFlight<HeaderValue>>) -> Outcome<HeaderValue> {
        let tokens = self.clone();
        single_flight::join(
            last,
            || Box::pin(async move { tokens.renew().await }),
            // The provider's own code: that is its failure, and no reason to ask it again at once.
            |panic| Error::TokenProvider(panic.into()),
        )
    }

    async fn renew(&self) -> Result<HeaderValue, Error> {
        let outcome = self.obtain().await.inspect(|_| self.failure.clear());
        match &outcome {
            Ok(_) => events::access_token_renewed(),
            Err(error) => events::access_token_failed(error),
        }
        let _writing = self.renewal();
        if outcome.is_err()
            && let Some(held) = self.held.load_full()
        {
            let renew_at = Instant::now().checked_add(AGAIN);
            self.held.store(Some(Arc::new(Held { renew_at, ..Held::clone(&held) })));
        }
        outcome
    }

    async fn obtain(&self) -> Result<HeaderValue, Error> {
        let unfit = "the access token holds characters no header takes";
        match &self.grant {
            Grant::ClientCredentials { transport, url, api_key, scopes } => {
                let granted = request(transport, url, api_key, scopes).await?;
                self.keep(&granted)
                    .map_err(|_| Error::unexpected(unfit, Refusal::new(StatusCode::OK, HeaderMap::new())))
            }
            Grant::Provider(provider) => {
                let late = || Err(format!("no answer within {:?}", self.patience).into());
                let granted = tokio::time::timeout(self.patience, provider.access_token()).await;
                let granted = granted.unwrap_or_else(|_| late()).map_err(|error| Error::TokenProvider(error.into()))?;
                self.keep(&granted).map_err(|_| Error::TokenProvider(ProviderError::from(unfit).into()))
            }
            Grant::Nothing => Err(Error::configuration(
                "the access token has expired or was refused, and nothing is there to renew it: build with .api_key(…) \
                 or .access_token_provider(…)",
            )),
        }
    }

    /// The platform grants the same token again for as long as it lives, and states its whole life each time: what
    /// was known of its end goes on to hold, and it is not renewed early a second time.
    fn keep(&self, granted: &AccessToken) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
        let header = TokenHeader::new(&Zeroizing::new(format!("Bearer {}", granted.token.expose_secret())))?;
        let (value, now) = (header.value().clone(), Instant::now());
        let end = granted.expires_in.and_then(|left| now.checked_add(left));
        let _writing = self.renewal();
        let known_end = self.held.load().as_ref().filter(|held| held.header == value).and_then(|held| held.end);
        let held = if let Some(known) = known_end.filter(|known| now < *known) {
            let end = Some(end.map_or(known, |end| end.min(known)));
            Held { header, end, renew_at: end }
        } else {
            let early = end.and_then(|end| end.checked_sub(self.clock_skew)).filter(|early| now < *early);
            Held { header, end, renew_at: early.or(end) }
        };
        self.held.store(Some(Arc::new(held)));
        Ok(value)
    }
}

impl TokenSource for Arc<AccessTokens> {
    fn cached(&self, now: Instant) -> Option<HeaderValue> {
        let held = self.held.load();
        held.as_ref().filter(|held| held.holds(now) && !held.is_due(now)).map(|held| held.header.value().clone())
    }

    fn token(&self) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        Box::pin(self.current())
    }

    fn invalidate(&self, token: &HeaderValue, _: Rejection) -> bool {
        let _writing = self.renewal();
        if self.held.load().as_ref().is_some_and(|held| held.header == *token) {
            self.held.store(None);
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
    session_token: false,
    repeat: Repeat::Always,
    ends_session: false,
    secrets: &[],
    success: Success { statuses: &[(200, 200)], body: Body::Json(fits::<Granted>) },
    errors: &[],
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
    let (status, headers) = (answer.status(), answer.headers().clone());
    let unfit = |problem: &str| Error::unexpected(problem, Refusal::new(status, headers.clone()));
    let body = answer.bytes().await.map_err(Error::from_reqwest)?;
    let granted: Granted = serde_json::from_slice(&body).map_err(|_| unfit("it does not read as an access token"))?;
    if granted.token_type.as_ref().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(unfit("the access token is no bearer token"));
    }
    if granted.access_token.expose_secret().is_empty() {
        return Err(unfit("the access token is empty"));
    }
    Ok(AccessToken { expires_in: granted.expires_in(), token: granted.access_token })
}
