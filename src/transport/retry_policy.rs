//! How often and after what pause a request is sent again.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// The longest pause between two attempts that the back-off asks for by itself.
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
/// What may be repeated is not set here:
///
/// | | an operation of `openapi.yaml` | any other request |
/// |---|---|---|
/// | after any passing failure | `x-retry: always` | `GET`, `HEAD`, `OPTIONS` and `TRACE` |
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
/// let patient = ThingSpace::builder().retry_policy(RetryPolicy::new(5).backoff(Duration::from_secs(1)));
/// let hasty = ThingSpace::builder().retry_policy(RetryPolicy::none());
/// # let _ = (patient, hasty);
/// ```
///
/// In a configuration, what is left out is as by default:
///
/// ```
/// # use thingspace_session::RetryPolicy;
/// let retry_policy: RetryPolicy = serde_json::from_str(r#"{ "max_retries": 5, "backoff_ms": 1000, "statuses": [503] }"#)?;
/// # let _ = retry_policy;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetryPolicy {
    max_retries: usize,
    backoff_ms: u64,
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

    /// The first pause, of 10 milliseconds at least; each further one is twice as long, up to 30 seconds.
    #[must_use]
    pub fn backoff(mut self, first: Duration) -> Self {
        self.backoff_ms = u64::try_from(first.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// The statuses that count as passing failures. By default 408, 413, 429, 500, 502, 503, 504, 521, 522 and 524,
    /// as in the official SDKs.
    #[must_use]
    pub fn statuses(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.statuses = statuses.into_iter().collect();
        self
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
        ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(self.backoff_ms).clamp(SHORTEST_PAUSE, LONGEST_PAUSE))
            .with_max_delay(LONGEST_PAUSE)
            .with_factor(2.0)
            .with_jitter()
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_retries: 2, backoff_ms: 500, statuses: STATUSES.to_vec() }
    }
}
