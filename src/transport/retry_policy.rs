//! How often and after what pause a request is sent again.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::credentials::unquoted;

/// The longest pause between two attempts that the back-off asks for by itself, unless another is set.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The shortest, whatever is set: a server in trouble is not to be hammered.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// The statuses that the official SDKs retry.
const STATUSES: [u16; 10] = [408, 413, 429, 500, 502, 503, 504, 521, 522, 524];

/// How often a request is sent again after a transient failure, and how the pauses grow.
///
/// By default up to two times, after half a second and then a second, each with a random share on top. `Retry-After` is
/// honoured; a pause that would outlast the call is not begun.
///
/// [`ThingSpaceBuilder::build`](crate::ThingSpaceBuilder::build) refuses a factor below 1 and an attempt without time.
///
/// What may be repeated is not set here:
///
/// | | an operation of `openapi.yaml` | any other request |
/// |---|---|---|
/// | after any passing failure | `x-retry: always` | `GET`, `HEAD`, `OPTIONS` and `TRACE`, or as [`send_with`](crate::Session::send_with) says |
/// | where the platform has not seen it: throttled by the gateway, access token refused | `always` and `if-not-processed` | all |
/// | where no connection came about | all | all |
///
/// A login that has not reached the platform is tried again for as long as the call has time, with the same growing
/// pauses; not with [`RetryPolicy::none`].
///
/// So a login is not sent again once it may have counted, and a password reset only where it never left this machine. A
/// body that is a stream is sent once.
///
/// ```
/// use std::time::Duration;
/// use thingspace_session::{RetryPolicy, ThingSpace};
///
/// let patient = RetryPolicy::new(5).backoff(Duration::from_secs(1)).factor(1.5).max_backoff(Duration::from_secs(10));
/// let patient = ThingSpace::builder().retry_policy(patient.attempt_timeout(Duration::from_secs(15)));
/// let hasty = ThingSpace::builder().retry_policy(RetryPolicy::none());
/// # let _ = (patient, hasty);
/// ```
///
/// In a configuration, what is left out is as by default:
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
// Wrapped below, so that an error names the field.
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
    /// At most this many retries of one request.
    #[must_use]
    pub fn new(max_retries: usize) -> Self {
        Self { max_retries, ..Self::default() }
    }

    /// Every request is sent once, except that a refused access token and a dead session are still renewed.
    #[must_use]
    pub fn none() -> Self {
        Self::new(0)
    }

    /// The first pause, of 10 milliseconds at least.
    #[must_use]
    pub fn backoff(mut self, first: Duration) -> Self {
        self.backoff_ms = millis(first);
        self
    }

    /// How many times as long as the last each further pause is: 2 by default, and 1 at least.
    #[must_use]
    pub fn factor(mut self, factor: f32) -> Self {
        self.factor = factor;
        self
    }

    /// The longest pause, before its random share: 30 seconds by default. `Retry-After` may ask for a longer one.
    #[must_use]
    pub fn max_backoff(mut self, longest: Duration) -> Self {
        self.max_backoff_ms = millis(longest);
        self
    }

    /// How much of a `Retry-After` is waited for, at most: all of it by default, if the call has the time. A login is not
    /// concerned: it waits as long as the platform asks, or fails.
    #[must_use]
    pub fn max_retry_after(mut self, longest: Duration) -> Self {
        self.max_retry_after_ms = Some(millis(longest));
        self
    }

    /// The time of one attempt, up to the head of its answer: by default that of the call. An attempt whose time is over
    /// counts as a passing failure.
    ///
    /// It holds for requests that are sent again after any passing failure. Any other, such as a login or a reset, has the
    /// time of the call: cutting it off would hide whether the platform processed it.
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

    /// What cannot work, and the name of its field.
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

    /// How much of a `Retry-After` is waited for.
    pub(super) fn honoured(&self, wished: Option<Duration>) -> Duration {
        let most = self.max_retry_after_ms.map_or(Duration::MAX, Duration::from_millis);
        wished.unwrap_or_default().min(most)
    }

    pub(super) fn covers(&self, status: StatusCode) -> bool {
        self.statuses.contains(&status.as_u16())
    }

    /// The pauses, one for each retry.
    pub(super) fn delays(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        self.growing().with_max_times(self.max_retries).build()
    }

    /// Pauses for as long as there is time; none, if nothing is to be repeated.
    pub(super) fn unending(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        let most = if self.max_retries == 0 { 0 } else { usize::MAX };
        self.growing().without_max_times().build().take(most)
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
        let Read(policy) = unquoted::named_fields(deserializer, expected)?;
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
