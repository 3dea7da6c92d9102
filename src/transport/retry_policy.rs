//! How often and after which pause the crate sends a request again.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::credentials::redacting;

/// The default of `max_backoff`.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The minimum, whatever is set, so that the crate does not flood a failing server.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// The statuses that the official SDKs retry.
const STATUSES: [u16; 10] = [408, 413, 429, 500, 502, 503, 504, 521, 522, 524];

/// How often the crate sends a request again after a passing failure, and how the pauses grow.
///
/// The default is two retries, after 0.5 s and 1 s plus a random share. The crate honours `Retry-After`, and starts no
/// pause that would outlast the call.
///
/// [`ThingSpaceBuilder::build`](crate::ThingSpaceBuilder::build) returns an error for a factor below 1 and an attempt
/// timeout of 0.
///
/// The policy does not decide which requests may be sent again:
///
/// | sent again | operation of `openapi.yaml` | any other request |
/// |---|---|---|
/// | after any passing failure | `x-retry: always` | `GET`, `HEAD`, `OPTIONS` and `TRACE`, or as [`send_with`](crate::Session::send_with) allows |
/// | if the platform has not processed it: the gateway throttles or rejects the access token | `always` and `if-not-processed` | all |
/// | if no connection was established | all | all |
///
/// So the crate does not repeat a login that may have counted, and repeats a password reset only if it has not left this
/// machine. It repeats a login that has not reached the platform until the time of the call expires, except with
/// [`RetryPolicy::none`]. It sends a body that is a stream once.
///
/// ```
/// use std::time::Duration;
/// use thingspace_session::{RetryPolicy, ThingSpace};
///
/// let slow = RetryPolicy::new(5)
///     .backoff(Duration::from_secs(1))
///     .factor(1.5)
///     .max_backoff(Duration::from_secs(10))
///     .attempt_timeout(Duration::from_secs(15));
/// let builder = ThingSpace::builder().retry_policy(slow);
/// let without_retries = ThingSpace::builder().retry_policy(RetryPolicy::none());
/// # let _ = (builder, without_retries);
/// ```
///
/// In a configuration, a field that is missing has its default:
///
/// ```
/// # use thingspace_session::RetryPolicy;
/// let text = r#"{
///     "max_retries": 5, "backoff_ms": 1000, "factor": 1.5, "max_backoff_ms": 10000,
///     "max_retry_after_ms": 20000, "attempt_timeout_ms": 15000, "statuses": [503]
/// }"#;
/// let retry_policy: RetryPolicy = serde_json::from_str(text)?;
/// # let _ = retry_policy;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
// The implementation below wraps this one, so that an error names the field.
#[serde(remote = "Self", default, deny_unknown_fields)]
pub struct RetryPolicy {
    max_retries: usize,
    backoff_ms: u64,
    factor: f32,
    max_backoff_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt_timeout_ms: Option<u64>,
    statuses: Vec<u16>,
}

impl RetryPolicy {
    /// At most this many retries of one request; 2 by default.
    #[must_use]
    pub fn new(max_retries: usize) -> Self {
        Self { max_retries, ..Self::default() }
    }

    /// Sends every request once. The crate still renews a rejected access token and a dead session, and sends the request
    /// again with the new one.
    #[must_use]
    pub fn none() -> Self {
        Self::new(0)
    }

    /// The first pause: 500 milliseconds by default, 10 milliseconds at least.
    #[must_use]
    pub fn backoff(mut self, first: Duration) -> Self {
        self.backoff_ms = millis(first);
        self
    }

    /// The ratio of a pause to the one before: 2 by default, 1 at least.
    #[must_use]
    pub fn factor(mut self, factor: f32) -> Self {
        self.factor = factor;
        self
    }

    /// The maximum pause, before its random share: 30 seconds by default. `Retry-After` may ask for a longer one.
    #[must_use]
    pub fn max_backoff(mut self, longest: Duration) -> Self {
        self.max_backoff_ms = millis(longest);
        self
    }

    /// The maximum time that the crate waits for a `Retry-After`: by default all of it, if the call has the time. This does
    /// not apply to a login, which waits as long as the platform asks, or fails.
    #[must_use]
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after_ms = Some(millis(longest));
        self
    }

    /// The time of one attempt, up to the head of its response: by default the time of the call. An attempt whose time
    /// expires counts as a passing failure.
    ///
    /// This applies to requests that the crate sends again after any passing failure. Any other, such as a login or a
    /// reset, has the time of the call: cutting it off would hide whether the platform processed it.
    #[must_use]
    pub fn attempt_timeout(mut self, limit: Duration) -> Self {
        self.attempt_timeout_ms = Some(millis(limit));
        self
    }

    /// The statuses that count as passing failures. By default 408, 413, 429, 500, 502, 503, 504, 521, 522 and 524,
    /// as in the official SDKs.
    #[must_use]
    pub fn statuses(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.statuses = statuses.into_iter().collect();
        self
    }

    /// Returns what is wrong, with the name of the field.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if !self.factor.is_finite() || self.factor < 1.0 {
            return Err("`factor` has to be a number, 1 or more");
        }
        if self.attempt_timeout_ms == Some(0) {
            return Err("`attempt_timeout_ms` has to be 1 or more");
        }
        Ok(())
    }

    /// The time of one attempt, if it is limited.
    pub(crate) fn attempt_limit(&self) -> Option<Duration> {
        self.attempt_timeout_ms.map(Duration::from_millis)
    }

    /// The part of a `Retry-After` that the crate waits for.
    pub(super) fn honoured(&self, retry_after: Option<Duration>) -> Duration {
        let maximum = self.max_retry_after_ms.map_or(Duration::MAX, Duration::from_millis);
        retry_after.unwrap_or_default().min(maximum)
    }

    pub(super) fn covers(&self, status: StatusCode) -> bool {
        self.statuses.contains(&status.as_u16())
    }

    /// The pauses, one for each retry.
    pub(super) fn delays(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        self.growing().with_max_times(self.max_retries).build()
    }

    /// Pauses without an end; none without retries.
    pub(super) fn unending(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        let number = if self.max_retries == 0 { 0 } else { usize::MAX };
        self.growing().without_max_times().build().take(number)
    }

    fn growing(&self) -> ExponentialBuilder {
        let longest = Duration::from_millis(self.max_backoff_ms).max(SHORTEST_PAUSE);
        ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(self.backoff_ms).clamp(SHORTEST_PAUSE, longest))
            .with_max_delay(longest)
            .with_factor(self.factor)
            .with_jitter()
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Serialize for RetryPolicy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for RetryPolicy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Read(#[serde(with = "RetryPolicy")] RetryPolicy);
        let expected = |field: &str| match field {
            "factor" => Some("a number"),
            "statuses" => Some("a list of HTTP statuses"),
            "max_retries" => Some("a whole number"),
            _ => Some("a whole number of milliseconds"),
        };
        let Read(policy) = redacting::named_fields(deserializer, expected)?;
        policy.check().map_err(D::Error::custom)?;
        Ok(policy)
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 2,
            backoff_ms: 500,
            factor: 2.0,
            max_backoff_ms: millis(LONGEST_PAUSE),
            max_retry_after_ms: None,
            attempt_timeout_ms: None,
            statuses: STATUSES.to_vec(),
        }
    }
}
