//! The configuration of a client: its settings, their defaults, and the check of what cannot work.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::{ClientBuilder, Url, header::HeaderMap};

use super::{Inner, ThingSpace, TlsBackend, http::HttpOptions};
use crate::{
    AccessToken, AccessTokenProvider, ApiKey, Environment, Error, MemoryStore, RetryPolicy,
    auth::{AccessTokens, Grant, Observer, SharedToken},
    generated::{client as api, operations::TOKEN_PATH},
    session::api_base,
    store::{Account, Limited, SessionStore},
    transport::{Origins, OwnHeaders, Settings, Transport, is_loopback, parse_url},
};

// What holds where nothing is set.
const TIMEOUT: Duration = Duration::from_secs(60);
const CLOCK_SKEW: Duration = Duration::from_secs(60);
const RESPONSE_LIMIT: usize = 16 * 1024 * 1024;

/// The configuration of a [`ThingSpace`].
///
/// A service needs an API key, and a store that outlives the process. With the default store the count of failed logins
/// ends with the process, so a service with a wrong password that its supervisor restarts locks the account at the fifth
/// start.
///
/// ```
/// use std::time::Duration;
/// use thingspace_session::{ApiKey, Environment, FileStore, ThingSpace};
///
/// let thingspace = ThingSpace::builder()
///     .api_key(ApiKey::new("key", "secret"))
///     .store(FileStore::new("/var/lib/thingspace/session.json"))
///     .environment(Environment::Mock)
///     .timeout(Duration::from_secs(30))
///     .build()?;
/// # Ok::<(), thingspace_session::Error>(())
/// ```
///
/// A clone has the same settings, and shares the store, the access token provider and the function of
/// [`headers`](Self::headers). The clients of two clones share no access token and no connection.
#[derive(Clone, Default)]
pub struct ThingSpaceBuilder {
    base_url: Option<String>,
    api_key: Option<ApiKey>,
    scopes: Vec<String>,
    access_token: Option<AccessToken>,
    provider: Option<Arc<dyn AccessTokenProvider>>,
    observer: Option<Observer>,
    is_token_shared: bool,
    clock_skew: Option<Duration>,
    timeout: Option<Duration>,
    http: HttpOptions,
    retry_policy: RetryPolicy,
    headers: OwnHeaders,
    response_limit: Option<usize>,
    origins: Vec<String>,
    plain_http: bool,
    store: Option<Arc<dyn SessionStore>>,
}

debug!(ThingSpaceBuilder, |_this| "ThingSpaceBuilder {{ .. }}");

impl ThingSpaceBuilder {
    /// One of the platform's servers; production by default. The last call of this and [`base_url`](Self::base_url) wins.
    #[must_use]
    pub fn environment(self, environment: Environment) -> Self {
        self.base_url(environment.base_url())
    }

    /// Another server: the URL in front of the paths of `openapi.yaml`, such as `http://127.0.0.1:8080/api`.
    #[must_use]
    pub fn base_url(mut self, base_url: impl Into<String>) -> Self {
        self.base_url = Some(base_url.into());
        self
    }

    /// The application's key, which buys access tokens.
    #[must_use]
    pub fn api_key(mut self, api_key: ApiKey) -> Self {
        self.api_key = Some(api_key);
        self
    }

    /// The OAuth scopes to ask for; none by default.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// An access token that you have. When it expires or the gateway rejects it, the API key or the provider supplies the
    /// next. Without either, the call returns an error.
    #[must_use]
    pub fn access_token(mut self, token: AccessToken) -> Self {
        self.access_token = Some(token);
        self
    }

    /// Your own provider of access tokens, instead of an API key.
    #[must_use]
    pub fn access_token_provider(mut self, provider: impl AccessTokenProvider + 'static) -> Self {
        self.provider = Some(Arc::new(provider));
        self
    }

    /// Calls this with each new access token that the client obtains, so that a program can keep it across restarts; not
    /// with the one from [`access_token`](Self::access_token). The calls that wait for this token wait for the closure, too,
    /// so it must not block. If it panics, the client reports an event and uses the token.
    #[must_use]
    pub fn on_access_token(mut self, observer: impl Fn(&AccessToken) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Keeps the access token in the [`store`](Self::store), so that all clients with this API key and these scopes
    /// fetch one together; off by default. If the store fails, or supplies no token within a quarter of
    /// [`timeout`](Self::timeout) and 5 seconds at most, the client fetches a token for itself.
    #[must_use]
    pub fn share_access_token(mut self, is_shared: bool) -> Self {
        self.is_token_shared = is_shared;
        self
    }

    /// The time before its expiry at which the crate renews an access token: 60 seconds by default.
    #[must_use]
    pub fn clock_skew(mut self, skew: Duration) -> Self {
        self.clock_skew = Some(skew);
        self
    }

    /// The time of a whole call, with its retries and renewed tokens: 60 seconds by default. Only a password reset may take
    /// longer: it waits for a session and the claim first, and then has the whole time for itself, because cutting it off
    /// loses the new password.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The time to establish a connection: 10 seconds by default, at most half of [`timeout`](Self::timeout). Keep it below
    /// the timeout, and below the time of an attempt if the [retry policy](RetryPolicy::attempt_timeout) sets one. Only
    /// then the error for a host that does not answer says that no connection was established.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.http.connect_timeout = Some(timeout);
        self
    }

    /// The `User-Agent`; by default this crate's name and version.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.http.user_agent = Some(user_agent.into());
        self
    }

    /// Any other option of the HTTP client: a proxy, root certificates, a resolver, the size of the pool.
    ///
    /// The function gets the builder of this crate's HTTP client with its defaults, which features of other crates do not
    /// change. Afterwards the crate turns off redirects, reqwest's own retries, referers and the logging of raw bytes: a
    /// client that follows redirects would take the session token to another server. The closure must be `Clone`, so that
    /// the builder is. It is if everything that it captures is; create other values inside of it.
    ///
    /// ```
    /// # use thingspace_session::{ApiKey, ThingSpace};
    /// let proxy = reqwest::Proxy::https("http://proxy.example:3128")?;
    /// let thingspace = ThingSpace::builder()
    ///     .api_key(ApiKey::new("key", "secret"))
    ///     .http_client(|http| http.proxy(proxy))
    ///     .build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// `tls_certs_merge` adds root certificates to those of the operating system, `tls_certs_only` replaces them:
    ///
    /// ```no_run
    /// # use thingspace_session::ThingSpace;
    /// let root = reqwest::Certificate::from_pem(&std::fs::read("root.pem")?)?;
    /// let builder = ThingSpace::builder().http_client(|http| http.tls_certs_merge([root]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn http_client(
        mut self,
        configure: impl FnOnce(ClientBuilder) -> ClientBuilder + Clone + Send + 'static,
    ) -> Self {
        self.http.configure = Some(Box::new(configure));
        self
    }

    /// The TLS backend: rustls by default. It replaces one that [`http_client`](Self::http_client) has chosen.
    #[must_use]
    pub fn tls_backend(mut self, backend: TlsBackend) -> Self {
        self.http.tls = Some(backend);
        self
    }

    /// How often and after which pause the crate sends a request again.
    #[must_use]
    pub fn retry_policy(mut self, retry_policy: RetryPolicy) -> Self {
        self.retry_policy = retry_policy;
        self
    }

    /// Your headers on every request, also on logins and token requests: a correlation id, the key of a gateway. With the
    /// feature `opentelemetry` the map holds the trace context, which the function can remove.
    ///
    /// The crate calls the function once for each call, before the request has a token; retries have the same headers. The
    /// function gets a separate map, so it neither sees nor replaces a token. A header that the request has already stays.
    /// Mark a secret with [`HeaderValue::set_sensitive`](reqwest::header::HeaderValue::set_sensitive): an error then shows
    /// no code that repeats it.
    ///
    /// If the function panics, or sets `Authorization`, `VZ-M2M-Token`, `Proxy-Authorization`, `Host`, `Accept-Encoding` or
    /// a header that frames the request (`Content-Length`, `Transfer-Encoding`, `Connection`, `Upgrade`, `TE`, `Trailer`,
    /// `Expect`), each call returns [`Error::Configuration`] and sends nothing.
    ///
    /// ```
    /// # use thingspace_session::{ThingSpace, reqwest::header::HeaderValue};
    /// let builder = ThingSpace::builder().headers(|headers| {
    ///     headers.insert("x-gateway", HeaderValue::from_static("billing"));
    /// });
    /// # drop(builder);
    /// ```
    #[must_use]
    pub fn headers(mut self, fill: impl Fn(&mut HeaderMap) + Send + Sync + 'static) -> Self {
        self.headers = OwnHeaders::new(fill);
        self
    }

    /// The maximum length of a response in memory, in bytes: 16 MiB by default. A success that
    /// [`Session::send`](crate::Session::send) returns is streamed without a limit.
    #[must_use]
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.response_limit = Some(bytes);
        self
    }

    /// Another origin that [`Session::send`](crate::Session::send) may send the tokens to, such as `https://other.example`.
    /// It gets both tokens, so name only an origin that you trust with them.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// The store of the session and of the count of failed logins.
    ///
    /// Use a [`FileStore`](crate::FileStore) if a supervisor restarts the process, and for several processes of one machine:
    /// they share one session and one count, and a process that starts finds both. The default is a
    /// [`MemoryStore`](crate::MemoryStore), because only the caller can name the path of a file. It is right for programs
    /// that an operator starts. After `store(MemoryStore::new())` the error of a rejected login does not warn of it.
    ///
    /// ```
    /// # use thingspace_session::{FileStore, ThingSpace};
    /// let store = FileStore::new("/var/lib/thingspace/session.json");
    /// let builder = ThingSpace::builder().store(store);
    /// # drop(builder);
    /// ```
    #[must_use]
    pub fn store(mut self, store: impl SessionStore + 'static) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Allows `http://` to other machines, which sends credentials in the clear. For test labs.
    #[must_use]
    pub fn allow_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Checks the configuration. Nothing is sent.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`], which says what to change.
    pub fn build(self) -> Result<ThingSpace, Error> {
        let base_url = self.base_url.as_deref().unwrap_or(Environment::default().base_url());
        let base_url = parse_url(base_url, self.plain_http)?;
        let origins = self.origins.iter().map(|origin| self.origin(origin, &base_url));
        let origins = origins.chain([Ok(base_url.clone())]).collect::<Result<Vec<_>, _>>()?;
        let is_tls_needed = origins.iter().any(|url| url.scheme() == "https");
        let timeout = self.timeout.unwrap_or(TIMEOUT);
        self.retry_policy
            .check()
            .map_err(|problem| Error::configuration(format!("the retry policy cannot work: {problem}")))?;
        // Leaves an attempt the time to say that no connection was established.
        let attempt = self.retry_policy.attempt_limit().map_or(timeout, |limit| limit.min(timeout));
        if timeout.is_zero() {
            return Err(Error::configuration("the timeout is zero, so no call could succeed: set a longer one"));
        }
        self.api_key.as_ref().map_or(Ok(()), ApiKey::check).map_err(Error::configuration)?;
        let transport = Transport::new(Settings {
            http: self.http.build(&base_url, attempt, is_tls_needed)?,
            origins: Origins(origins),
            timeout,
            response_limit: self.response_limit.unwrap_or(RESPONSE_LIMIT),
            retry_policy: self.retry_policy,
            headers: self.headers,
        });
        let application = self.api_key.as_ref().map(|key| key.key().to_owned()).unwrap_or_default();
        let is_default = self.store.is_none();
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::default()));
        let store = Arc::new(Limited::new(store, timeout, is_default));
        let grant = match (self.api_key, self.provider) {
            (Some(api_key), None) => {
                let url = format!("{}{TOKEN_PATH}", api_base(&base_url));
                let url = parse_url(&url, self.plain_http)?;
                // No API key holds a colon, so that no user has this account.
                let application = format!("{}:{}", api_key.key(), self.scopes.join(" "));
                let account = Account::new(api_base(&base_url), application, "");
                let shared = self.is_token_shared.then(|| Box::new(SharedToken::new(account, store.clone(), timeout)));
                Grant::ClientCredentials { transport: transport.clone(), url, api_key, scopes: self.scopes, shared }
            }
            (None, _) if self.is_token_shared => {
                return Err(Error::configuration(
                    "there is no API key, which names a shared access token: build with .api_key(…) or without \
                     .share_access_token(true)",
                ));
            }
            (None, Some(provider)) => Grant::Provider(provider),
            (None, None) if self.access_token.is_some() => Grant::Nothing,
            (None, None) => {
                return Err(Error::configuration(
                    "there is no way to an access token: build with .api_key(…), .access_token_provider(…) or \
                     .access_token(…)",
                ));
            }
            (Some(_), Some(_)) => {
                return Err(Error::configuration(
                    "there are two ways to an access token: build with .api_key(…) or .access_token_provider(…), not \
                     both",
                ));
            }
        };
        let clock_skew = self.clock_skew.unwrap_or(CLOCK_SKEW);
        let access = AccessTokens::new(grant, clock_skew, timeout, self.observer, self.access_token)?;
        let transport = transport.with_access(Arc::new(access.clone()));
        let api = api::Client::new_with_client(api_base(&base_url), transport.http().clone(), transport.clone());
        let records = Mutex::default();
        Ok(ThingSpace(Arc::new(Inner { api, base_url, access, transport, store, application, records })))
    }
}

impl ThingSpaceBuilder {
    /// Checks an allowed origin. Plain HTTP to this machine is allowed only if the platform is on this machine, too:
    /// otherwise a proxy of the environment could see the tokens.
    fn origin(&self, origin: &str, base_url: &Url) -> Result<Url, Error> {
        let url = parse_url(origin, self.plain_http)?;
        if url.scheme() == "http" && !self.plain_http && !is_loopback(base_url) {
            return Err(Error::configuration("an allowed origin is http://: write https://"));
        }
        if url.path() != "/" {
            return Err(Error::configuration("an allowed origin has a path: write scheme, host and port alone"));
        }
        Ok(url)
    }
}
