//! How often and after what pause a request is sent again.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// The longest pause between two attempts that the back-off asks for by itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The shortest, whatever is set: a server in trouble is not to be hammered.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);

/// The statuses that the official SDKs repeat.
const STATUSES: [u16; 10] = [408, 413, 429, 500, 502, 503, 504, 521, 522, 524];

/// How often a request is sent again after a passing failure, and how the pauses grow.
///
/// By default up to two times, after half a second and then a second, each with a random share on top. `Retry-After` is
/// honoured; a pause that would outlast the call is not begun.
///
/// What may be repeated is not set here:
///
/// | | an operation of `openapi.yaml` | any other request |
/// |---|---|---|
/// | after any passing failure | `x-repeatable: always` | `GET`, `HEAD`, `OPTIONS` and `TRACE` |
/// | where the platform has not seen it: throttled by the gateway, access token refused | `always` and `if-unprocessed` | all |
/// | where no connection came about | all | all |
///
/// A login that has not reached the platform is tried again for as long as the call has time, with the same growing
/// pauses; not with [`Retries::none`].
///
/// So a login is not sent again once it may have counted, and a password reset only where it never left this machine. A
/// body that is a stream is sent once.
///
/// ```
/// use std::time::Duration;
/// use thingspace_session::{Retries, ThingSpace};
///
/// let patient = ThingSpace::builder().retries(Retries::new(5).backoff(Duration::from_secs(1)));
/// let hasty = ThingSpace::builder().retries(Retries::none());
/// # let _ = (patient, hasty);
/// ```
///
/// In a configuration, what is left out is as by default:
///
/// ```
/// # use thingspace_session::Retries;
/// let retries: Retries = serde_json::from_str(r#"{ "most": 5, "backoff_ms": 1000, "statuses": [503] }"#)?;
/// # let _ = retries;
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retries {
    most: usize,
    backoff_ms: u64,
    statuses: Vec<u16>,
}

impl Retries {
    /// At most this many repeats of one request.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
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

    pub(super) fn cover(&self, status: StatusCode) -> bool {
        self.statuses.contains(&status.as_u16())
    }

    /// The pauses, one for each repeat.
    pub(super) fn delays(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        self.growing().with_max_times(self.most).build()
    }

    /// Pauses for as long as there is time; none, if nothing is to be repeated.
    pub(super) fn unending(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        let most = if self.most == 0 { 0 } else { usize::MAX };
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

impl Default for Retries {
    fn default() -> Self {
        Self { most: 2, backoff_ms: 500, statuses: STATUSES.to_vec() }
    }
}
