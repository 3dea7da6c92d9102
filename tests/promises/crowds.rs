//! Ten thousand tasks find the same session expired at once. The crate logs in once, and every request succeeds.
//!
//! They share some hundred connections, to limit file descriptors: the test's layer on the connector limits what a
//! client opens. A request without a connection waits for a free one.

mod door;

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use reqwest::Method;
use thingspace_sandbox::{Counters, Fault, Operation, Sandbox};
use thingspace_session::{Error, Session};
use tokio::sync::Semaphore;

use crate::support::{ECHO, USERNAME, client_of, credentials, pass, until};
use door::Door;

const TASKS: u64 = 10_000;
const CONNECTIONS: usize = 200;
/// How long the sandbox delays a response, on the test's virtual clock.
const HELD: Duration = Duration::from_secs(60);

struct Crowd {
    sandbox: Sandbox,
    session: Session,
    door: Door,
    before: Counters,
}

impl Crowd {
    async fn new() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let door = Door(Arc::new(Semaphore::new(1)));
        let layer = door.clone();
        let http = |http: reqwest::ClientBuilder| {
            // The first connection exists before the crowd starts, and the crowd waits for it.
            let http = http.pool_idle_timeout(None).connect_timeout(Duration::from_secs(3600));
            http.tls_certs_only([]).connector_layer(layer)
        };
        // The sandbox and the callers share this thread, so a deadline would measure the machine.
        let client = client_of(&sandbox).http_client(http).timeout(Duration::from_secs(3600));
        let session = client.build().unwrap().start_session(credentials()).await.unwrap();
        let before = sandbox.counters();
        Self { sandbox, session, door, before }
    }

    /// Number of requests, logins and finished tasks since the start.
    fn since(&self) -> (u64, u64, u64) {
        let now = self.sandbox.counters();
        assert_eq!(now.logins_failed, 0);
        (
            now.requests - self.before.requests,
            now.logins_succeeded - self.before.logins_succeeded,
            now.other_requests - self.before.other_requests,
        )
    }

    /// Makes all tasks send before the first response arrives. Some responses wait until enough others have arrived.
    async fn sends(&self, held: Operation, times: u32, is_enough: impl Fn(u64) -> bool) {
        self.sandbox.fault(held, Fault::Delay(HELD), times);
        let sending = Arc::new(AtomicU64::new(0));
        let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(send(self.session.clone(), sending.clone()))).collect();
        until(|| sending.load(Ordering::SeqCst) == TASKS && self.since().0 == 1).await;
        self.door.0.add_permits(CONNECTIONS);
        until(|| is_enough(self.since().2)).await;
        pass(HELD).await;
        for task in tasks {
            assert_eq!(task.await.unwrap().unwrap(), 200);
        }
    }
}

async fn send(session: Session, sending: Arc<AtomicU64>) -> Result<u16, Error> {
    let mut call = pin!(session.send(session.request(Method::GET, ECHO)?));
    let is_over = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await;
    assert!(!is_over, "a task finished before the login or its response");
    sending.fetch_add(1, Ordering::SeqCst);
    Ok(call.await?.status().as_u16())
}

#[tokio::test]
async fn ten_thousand_tasks_with_an_expired_session_wait_for_one_login_and_then_send() {
    let crowd = Crowd::new().await;
    pass(Duration::from_secs(20 * 60)).await;
    crowd.sends(Operation::Login, 1, |_| true).await;
    // One login, and one request a task.
    assert_eq!(crowd.since(), (1 + TASKS, 1, TASKS));
}

#[tokio::test]
async fn ten_thousand_requests_with_an_ended_session_cause_one_login_and_all_succeed() {
    let crowd = Crowd::new().await;
    crowd.sandbox.expire_session(USERNAME);
    // The platform rejects a hundred requests late, when the new session is in use. They do not end it.
    crowd.sends(Operation::Other, 100, |answered| answered > TASKS / 2).await;
    // The crate sent each with the expired token and again with the new one.
    assert_eq!(crowd.since(), (2 * TASKS + 1, 1, TASKS));
}
