//! A service, and tests of its behavior in an outage: `cargo test service`.

#![allow(clippy::print_stdout, reason = "an example shows what it receives")]

use std::time::Duration;

use reqwest::Method;
use thingspace_sandbox::Sandbox;
use thingspace_session::{ApiKey, Credentials, Error, Session, ThingSpace};

/// The report of the service on a device.
#[derive(Debug, PartialEq, Eq)]
enum Report {
    /// The platform's response.
    Fresh(String),
    /// The platform cannot be reached now. The service tries again later.
    Later,
}

/// The part of the service that calls the platform.
async fn report(session: &Session, account: &str) -> Result<Report, Error> {
    let request = session.request(Method::GET, &format!("/m2m/v1/callbacks/{account}"))?;
    match session.send(request).await {
        Ok(response) if response.status().is_server_error() => Ok(Report::Later),
        // The connection may break while the body is read.
        Ok(response) => Ok(response.text().await.map_or(Report::Later, Report::Fresh)),
        Err(error) if error.is_retryable() => Ok(Report::Later),
        Err(error) => Err(error),
    }
}

/// A session of the service on a sandbox.
async fn session_on(sandbox: &Sandbox) -> Result<Session, Error> {
    let api_key = ApiKey::new("sandbox-key", "sandbox-secret");
    let builder = ThingSpace::builder().api_key(api_key).base_url(sandbox.base_url()).timeout(Duration::from_secs(10));
    builder.build()?.start_session(Credentials::new("zbeeblebrox", "IMgr8")).await
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::start().await?;
    let session = session_on(&sandbox).await?;
    println!("{:?}", report(&session, "0000123456-00001").await?);
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::*;
    use thingspace_sandbox::{Fault, Operation};

    const ACCOUNT: &str = "0000123456-00001";

    /// The clock of tokio is paused, so the pauses between retries take no time.
    #[tokio::test(start_paused = true)]
    async fn an_outage_delays_the_report_and_costs_no_login() {
        let sandbox = Sandbox::start().await.unwrap();
        let session = session_on(&sandbox).await.unwrap();
        sandbox.fault(Operation::Other, Fault::answer(503, ""), 100);
        assert_eq!(report(&session, ACCOUNT).await.unwrap(), Report::Later);
        sandbox.clear_faults();
        assert!(matches!(report(&session, ACCOUNT).await.unwrap(), Report::Fresh(_)));
        assert_eq!(sandbox.counters().logins_attempted, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_expires_at_night_is_renewed_for_the_first_report() {
        let sandbox = Sandbox::start().await.unwrap();
        let session = session_on(&sandbox).await.unwrap();
        sandbox.advance(Duration::from_secs(8 * 60 * 60));
        assert!(matches!(report(&session, ACCOUNT).await.unwrap(), Report::Fresh(_)));
        assert_eq!(sandbox.counters().logins_attempted, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_breaks_once_goes_unnoticed() {
        let sandbox = Sandbox::start().await.unwrap();
        let session = session_on(&sandbox).await.unwrap();
        sandbox.fault(Operation::Other, Fault::CloseBefore, 1);
        assert!(matches!(report(&session, ACCOUNT).await.unwrap(), Report::Fresh(_)));
    }
}
