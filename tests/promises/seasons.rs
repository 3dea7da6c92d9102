//! Random sequences of calls, faults and clock jumps. In any order the account stays open, the crate reports a lost
//! password, and each call ends in time.
//!
//! `THINGSPACE_SEQUENCES` is the number of sequences, `THINGSPACE_SEED` replays a failed one.

mod vault;

use std::{
    collections::{HashMap, HashSet},
    env,
    sync::{Arc, Mutex},
    time::{Duration, Instant as WallClock},
};

use fastrand::Rng;
use reqwest::Method;
use serde_json::Value;
use thingspace_sandbox::{Counters, Fault, Operation, Sandbox};
use thingspace_session::{Credentials, Error, MemoryStore, Password, Session, ThingSpace, rotation::VaultState};
use tokio::time::Instant;

use vault::MemoryVault;

use crate::{
    leaks,
    patience::watch_anew,
    support::{ECHO, PASSWORD, USERNAME, arrived, client_of, shown},
};

const TIMEOUT: Duration = Duration::from_secs(30);
/// The deadline of a call.
const DEADLINE: Duration = Duration::from_secs(31);
/// The deadline of a call that resets the password: time for a session and the claim, for the reset, and for a renewal
/// if the session is dead.
const LONG_DEADLINE: Duration = Duration::from_secs(3 * 30 + 1);
/// Number of sequences that share a sandbox.
const SHARED: u64 = 250;

/// A process with its own provider. All processes share the store.
struct Process {
    thingspace: ThingSpace,
    source: Arc<Mutex<String>>,
    session: Option<Session>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Start,
    Send,
    Reset,
    Rotate,
    Resolve,
    End,
}

enum Done {
    Nothing,
    Started(Session),
    Given(Password),
}

struct World<'a> {
    sandbox: &'a Sandbox,
    rng: Rng,
    processes: Vec<Process>,
    vault: MemoryVault,
    has_faults: bool,
    /// Passwords that a caller or the operator has.
    known: HashSet<String>,
    /// Lost passwords, and the number of calls that reported one or were cancelled.
    lost: HashSet<String>,
    reported: usize,
    /// Passwords that were valid once.
    held: HashSet<String>,
    /// Superseded by a reset whose response arrived. The last such reset is still among the requests.
    superseded: HashSet<String>,
    has_replaced: bool,
    /// Failed logins by password since the login guard was last reset.
    failed: HashMap<String, u64>,
    reset_calls: usize,
    seen: usize,
    before: Counters,
    trace: Vec<String>,
}

impl<'a> World<'a> {
    fn new(sandbox: &'a Sandbox, seed: u64) -> Self {
        let (mut rng, store) = (Rng::with_seed(seed), MemoryStore::new());
        let processes = (0..rng.u8(1..=3)).map(|number| {
            let password = if rng.u8(0..5) == 0 { format!("Wrong-{number}") } else { PASSWORD.to_owned() };
            // No trust store, because reading it would take most of the time.
            let client =
                client_of(sandbox).http_client(|http| http.tls_certs_only([])).timeout(TIMEOUT).store(store.clone());
            let source = Arc::new(Mutex::new(password));
            Process { thingspace: client.build().unwrap(), source, session: None }
        });
        Self {
            sandbox,
            processes: processes.collect(),
            vault: MemoryVault(Arc::new(Mutex::new((VaultState::Empty, false)))),
            has_faults: rng.u8(0..4) > 0,
            rng,
            known: HashSet::from([PASSWORD.to_owned()]),
            lost: HashSet::new(),
            reported: 0,
            held: HashSet::from([PASSWORD.to_owned()]),
            superseded: HashSet::new(),
            has_replaced: false,
            failed: HashMap::new(),
            reset_calls: 0,
            seen: 0,
            before: sandbox.counters(),
            trace: Vec::new(),
        }
    }

    async fn run(&mut self) {
        for _ in 0..self.rng.u8(3..=12) {
            self.step().await;
            self.check();
        }
        // Cancelled calls end before the next sequence begins.
        self.sandbox.clear_faults();
        self.processes.clear();
        tokio::time::sleep(Duration::from_secs(300)).await;
        self.check();
    }

    async fn step(&mut self) {
        match self.rng.u8(0..24) {
            0..=3 => self.call(Call::Start).await,
            4..=7 => self.call(Call::Send).await,
            8..=9 => self.call(Call::Reset).await,
            10..=11 => self.call(Call::Rotate).await,
            12 => self.call(Call::End).await,
            13 => self.call(Call::Resolve).await,
            14..=16 if self.has_faults => self.trouble(),
            17 => self.sandbox.clear_faults(),
            18 => self.sandbox.expire_session(USERNAME),
            19 => self.sandbox.revoke_access_tokens(),
            20 => self.changed_elsewhere(),
            21 => self.follow(),
            22 => self.operator().await,
            _ => {
                let seconds = *self.rng.choice(&[1, 30, 70, 400, 1199, 1201, 3601, 7200]).unwrap();
                self.trace.push(format!("{seconds} s pass"));
                tokio::time::sleep(Duration::from_secs(seconds)).await;
            }
        }
    }

    async fn call(&mut self, call: Call) {
        let at = self.rng.usize(0..self.processes.len());
        let needs_session = matches!(call, Call::Send | Call::Reset | Call::Rotate | Call::End);
        let call = if needs_session && self.processes[at].session.is_none() { Call::Start } else { call };
        let patience = if self.rng.u8(0..6) == 0 { self.rng.u16(1..60) } else { u16::MAX };
        let old = self.processes[at].source.lock().unwrap().clone();
        self.reset_calls += usize::from(matches!(call, Call::Reset | Call::Rotate));
        self.trace.push(format!("{at}: {call:?}, given up after {patience} polls"));

        let started = Instant::now();
        let Some(outcome) = give_up_after(patience, make(&self.processes[at], &self.vault, call, &old)).await else {
            self.reported += usize::from(call == Call::Reset);
            if !self.has_faults {
                tokio::time::sleep(Duration::from_secs(40)).await;
            }
            return;
        };
        let took = started.elapsed();
        self.trace.push(format!("  {}", outcome.as_ref().err().map_or_else(|| "done".to_owned(), ToString::to_string)));
        let is_long = matches!(call, Call::Reset | Call::Rotate);
        assert!(took <= if is_long { LONG_DEADLINE } else { DEADLINE }, "it took {took:?}");
        match outcome {
            Ok(Done::Started(session)) => self.processes[at].session = Some(session),
            Ok(Done::Given(new)) => {
                self.known.insert(new.expose_secret().to_owned());
                self.has_replaced = true;
                if self.rng.bool() {
                    new.expose_secret().clone_into(&mut self.processes[at].source.lock().unwrap());
                }
            }
            Ok(Done::Nothing) if call == Call::End => self.processes[at].session = None,
            Ok(Done::Nothing) => self.has_replaced |= call == Call::Rotate,
            Err(error) => self.failed_with(call, &error),
        }
    }

    fn failed_with(&mut self, call: Call, error: &Error) {
        let text = shown(error);
        assert_eq!(leaks::find(&text, &leaks::secrets_of(self.sandbox)), None, "the error prints a secret");
        assert!(!text.contains("Wrong-") && !text.contains("Changed-"), "a secret is shown: {text}");
        match error {
            Error::PasswordNotSaved { password, .. } => drop(self.known.insert(password.expose_secret().to_owned())),
            Error::ResetOutcomeUnknown { .. } => self.reported += 1,
            _ if call == Call::Reset => {
                let is_server_error = error.status().is_some_and(|status| status.is_server_error());
                self.reported += usize::from(error.may_have_been_processed() || is_server_error);
            }
            _ => {}
        }
    }

    fn trouble(&mut self) {
        let operations = [Operation::Token, Operation::Login, Operation::Logout, Operation::Reset, Operation::Other];
        let operation = *self.rng.choice(&operations).unwrap();
        let fault = match self.rng.u8(0..14) {
            0 => Fault::CloseBefore,
            1 => Fault::CloseAfter,
            2 => Fault::Truncate,
            3 => Fault::answer(500, ""),
            4 => Fault::answer_after(502, "<html>"),
            5 => Fault::answer(429, "").with_header("retry-after", "4"),
            6 => Fault::answer(200, "{}"),
            7 => Fault::gateway("900901"),
            8 => Fault::gateway("900800"),
            9 => Fault::refused("UnifiedWebService.REQUEST_FAILED.SessionToken.Expired"),
            10 => Fault::answer(*self.rng.choice(&[401, 403]).unwrap(), ""),
            11 => Fault::Delay(Duration::from_secs(self.rng.u64(1..100))),
            12 => Fault::Drip { interval: Duration::from_secs(1) },
            _ => return self.vault.with(|_, fails| *fails = true),
        };
        let times = self.rng.u32(1..=4);
        self.trace.push(format!("{times} times on {operation:?}: {fault:?}"));
        self.sandbox.fault(operation, fault, times);
    }

    fn changed_elsewhere(&mut self) {
        let password = format!("Changed-{}", self.trace.len());
        self.trace.push(format!("the password is {password}"));
        self.known.insert(password.clone());
        self.held.insert(password.clone());
        self.sandbox.set_password(USERNAME, password);
    }

    /// All providers return the current password.
    fn follow(&mut self) {
        let holds = self.sandbox.password(USERNAME).unwrap();
        self.trace.push("the sources follow".to_owned());
        for process in &self.processes {
            holds.clone_into(&mut process.source.lock().unwrap());
        }
        self.known.insert(holds);
    }

    /// An operator unlocks the account, sets the current password, and resets the login guard.
    async fn operator(&mut self) {
        self.follow();
        self.sandbox.unlock(USERNAME);
        let started = Instant::now();
        let outcome = self.processes[0].thingspace.reset_login_guard(USERNAME).await;
        assert!(started.elapsed() <= DEADLINE, "resetting the login guard took {:?}", started.elapsed());
        self.trace.push(format!("the operator resets the guard: {outcome:?}"));
        if outcome.is_ok() {
            self.failed.clear();
        }
        self.vault.settle(&self.sandbox.password(USERNAME).unwrap().as_str().into());
    }

    fn check(&mut self) {
        let (sandbox, counters) = (self.sandbox, self.sandbox.counters());
        let strikes = sandbox.strikes(USERNAME);
        assert!(!sandbox.is_locked(USERNAME), "the account is locked");
        assert!(strikes <= 4, "{strikes} failed logins");
        assert!(arrived(sandbox, "/actions/reset") <= self.reset_calls, "more resets than calls");
        self.check_logins(&counters);

        let holds = sandbox.password(USERNAME).unwrap();
        let is_in_vault = match self.vault.with(|state, _| state.clone()) {
            VaultState::Current(kept) => kept.password().expose_secret() == holds,
            // A pending rotation reports that the password is unknown.
            VaultState::Pending(_) => true,
            VaultState::Empty => false,
        };
        if !self.known.contains(&holds) && !is_in_vault {
            self.lost.insert(holds.clone());
            assert!(self.lost.len() <= self.reported, "a password is lost, and no call reported it");
        }
        self.held.insert(holds);
        self.before = counters;
    }

    fn check_logins(&mut self, counters: &Counters) {
        let requests = self.sandbox.requests();
        let logins = requests[self.seen..].iter().filter(|request| request.path.ends_with("/session/login"));
        let passwords: Vec<String> = logins.filter_map(|login| text_of(&login.body, "password")).collect();
        let resets = requests[self.seen..].iter().filter(|request| request.path.ends_with("/actions/reset"));
        let replaced = resets.filter_map(|reset| text_of(&reset.body, "oldPassword")).next_back();
        self.seen = requests.len();
        for password in &passwords {
            assert!(!self.superseded.contains(password), "a login with a superseded password");
        }
        if std::mem::take(&mut self.has_replaced) {
            self.superseded.extend(replaced);
        }
        if !self.has_faults {
            let logins = counters.logins_succeeded - self.before.logins_succeeded;
            assert!(logins <= 1, "{logins} logins instead of one");
        }
        let holds = self.sandbox.password(USERNAME);
        let wrong: HashSet<&String> = passwords.iter().filter(|sent| Some(*sent) != holds.as_ref()).collect();
        // Several at a time are not distinguishable.
        if let (Some(password), 1) = (wrong.iter().next(), wrong.len()) {
            let failed = self.failed.entry((*password).clone()).or_default();
            *failed += counters.logins_failed - self.before.logins_failed;
            assert!(*failed <= 2, "{failed} logins have failed with the same password");
        }
    }
}

async fn make(process: &Process, vault: &MemoryVault, call: Call, old: &str) -> Result<Done, Error> {
    let session = || process.session.clone().unwrap();
    match call {
        Call::Start => {
            let source = process.source.clone();
            let source = move || {
                let password = source.lock().unwrap().clone();
                std::future::ready(Ok(Credentials::new(USERNAME, password)))
            };
            return process.thingspace.start_session(source).await.map(Done::Started);
        }
        Call::Send => drop(session().send(session().request(Method::GET, ECHO)?).await?),
        Call::Reset => return session().reset_password(old).await.map(Done::Given),
        Call::Rotate => session().rotate_password(vault).await?,
        Call::Resolve => drop(process.thingspace.recover_rotation(vault).await?),
        Call::End => session().end().await?,
    }
    Ok(Done::Nothing)
}

/// Drops a call that is unfinished after this number of polls.
async fn give_up_after<T>(polls: u16, call: impl Future<Output = T>) -> Option<T> {
    if polls == u16::MAX {
        return Some(call.await);
    }
    let mut call = Box::pin(call);
    for _ in 0..polls {
        tokio::select! {
            biased;
            outcome = &mut call => return Some(outcome),
            () = tokio::task::yield_now() => {}
        }
    }
    None
}

fn text_of(body: &[u8], name: &str) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    Some(body.get(name)?.as_str()?.to_owned())
}

/// Prints how to replay a failed sequence.
struct Replay<'a>(World<'a>, u64);

impl Drop for Replay<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}\nTHINGSPACE_SEED={} cargo test --test promises seasons", self.0.trace.join("\n"), self.1);
        }
    }
}

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok().map(|value| value.parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn random_sequences_lock_no_account_lose_no_password_and_end_in_time() {
    let started = WallClock::now();
    let seeds = match variable("THINGSPACE_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("THINGSPACE_SEQUENCES").unwrap_or(1000),
    };
    let (first, last) = (seeds.start, seeds.end);
    let mut sandbox = Sandbox::start().await.unwrap();
    for seed in seeds {
        if seed % SHARED == 0 {
            sandbox = Sandbox::start().await.unwrap();
        }
        watch_anew();
        sandbox.reset();
        // The client's jitter uses this seed.
        fastrand::seed(seed);
        assert_eq!(sandbox.counters(), Counters::default());
        Replay(World::new(&sandbox, seed), seed).0.run().await;
    }
    println!("{} sequences in {:?}", last - first, started.elapsed());
}
