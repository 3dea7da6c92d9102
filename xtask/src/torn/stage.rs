//! The fleet: the replicas on three hosts, and the sandbox on the fourth.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use super::history::mark;
use super::network::{HOSTS, Network, PLATFORM, socket};
use super::{Plan, servers};
use crate::process::{self, Process};
use crate::{Result, sandbox};

const USER: &str = "zbeeblebrox";
const PORT: u16 = 8080;
/// Replicas of a host, and workers of a replica: 1,008 workers in all.
const REPLICAS: usize = 4;
const WORKERS: usize = 84;
const PAUSE: Duration = Duration::from_secs(4);
/// How long a request may take.
const DEADLINE: Duration = Duration::from_secs(6);
/// How long starting or ending may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// The host whose clock can be moved.
const SHIFTED: usize = 3;

pub(super) struct Stage {
    directory: PathBuf,
    program: PathBuf,
    confirmations: u32,
    faketime: Option<PathBuf>,
    sandbox: Process,
    replicas: Vec<Replica>,
}

pub(super) struct Replica {
    pub(super) name: String,
    host: usize,
    running: Option<(Process, ChildStdin)>,
}

/// The number of replicas.
pub(super) const ALL: usize = HOSTS.len() * REPLICAS;

impl Stage {
    pub(super) fn set(plan: &Plan, directory: &Path) -> Result<Self> {
        let mut command = Network::on(PLATFORM, &plan.sandbox.to_string_lossy());
        command.args(["--listen", &socket(PLATFORM, PORT).to_string(), "--exposed", "--history"]);
        command.arg(directory.join("sandbox.jsonl")).stdin(Stdio::null()).stdout(Stdio::null());
        let sandbox = Process::start("the sandbox", command.stderr(File::create(directory.join("sandbox.log"))?))?;
        let replica = |number: usize| {
            let host = HOSTS.get(number % HOSTS.len()).copied().unwrap_or(1);
            Replica { name: format!("h{host}-{}", number / HOSTS.len()), host, running: None }
        };
        let stage = Self {
            directory: directory.to_owned(),
            program: plan.replica.clone(),
            confirmations: plan.confirmations,
            faketime: plan.faketime.clone(),
            sandbox,
            replicas: (0..ALL).map(replica).collect(),
        };
        stage.shift_clock(0)?;
        until("the sandbox", || Ok(is_answering()))?;
        Ok(stage)
    }

    /// Starts a replica. All replicas share one vault.
    pub(super) fn start(&mut self, number: usize) -> Result {
        let Some(replica) = self.replicas.get(number) else { return Err("no such replica".into()) };
        let (name, host, file) = (&replica.name, replica.host, |name: String| self.directory.join(name));
        let mut command = Network::on(host, "env");
        if let Some(library) = self.faketime.as_ref().filter(|_| host == SHIFTED) {
            command.arg(format!("LD_PRELOAD={}", library.display()));
            command.arg(format!("FAKETIME_TIMESTAMP_FILE={}", file("clock".to_owned()).display()));
            command.args(["FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1"]);
        }
        command.arg(&self.program).args(["--name", name, "--sentinels", &servers::sentinels()]);
        command.arg("--history").arg(file(format!("{name}.jsonl"))).arg("--vault").arg(file("vault".to_owned()));
        command.arg("--deployed").arg(file(format!("deployed-{host}")));
        command.args(["--tasks", &WORKERS.to_string(), "--pause", &PAUSE.as_millis().to_string()]);
        command.args(["--timeout", &DEADLINE.as_secs().to_string()]);
        command.args(["--replicas", &self.confirmations.to_string()]);
        command.env("THINGSPACE_BASE_URL", format!("http://{}/api", socket(PLATFORM, PORT)));
        command.envs([("THINGSPACE_KEY", "sandbox-key"), ("THINGSPACE_SECRET", "sandbox-secret")]);
        command.envs([("THINGSPACE_USERNAME", USER), ("THINGSPACE_PASSWORD", "IMgr8")]);
        let log = File::options().create(true).append(true).open(file(format!("{name}.log")))?;
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log);
        let mut process = Process::start(name, &mut command)?;
        let orders = process.stdin()?;
        if let Some(replica) = self.replicas.get_mut(number) {
            replica.running = Some((process, orders));
        }
        Ok(())
    }

    pub(super) fn name(&self, number: usize) -> &str {
        self.replicas.get(number).map_or("", |replica| &replica.name)
    }

    pub(super) fn kill(&mut self, number: usize) {
        if let Some(replica) = self.replicas.get_mut(number) {
            replica.running = None;
        }
    }

    pub(super) fn signal(&self, number: usize, signal: rustix::process::Signal) -> Result {
        match self.replicas.get(number).and_then(|replica| replica.running.as_ref()) {
            Some((process, _)) => process.signal(signal),
            None => Ok(()),
        }
    }

    /// Sends an order to a replica. Returns whether the replica is running.
    pub(super) fn order(&mut self, number: usize, order: &str) -> bool {
        let running = self.replicas.get_mut(number).and_then(|replica| replica.running.as_mut());
        running.is_some_and(|(_, orders)| writeln!(orders, "{order}").is_ok())
    }

    /// Deploys a password to a host, or removes it.
    pub(super) fn deploy(&self, host: usize, password: Option<&str>) -> Result {
        let file = self.directory.join(format!("deployed-{host}"));
        match password {
            Some(password) => fs::write(file, password)?,
            None => fs::remove_file(file)?,
        }
        Ok(())
    }

    /// Moves the clock of one host. Without faketime this has no effect.
    pub(super) fn shift_clock(&self, seconds: i64) -> Result {
        Ok(fs::write(self.directory.join("clock"), format!("{seconds:+}"))?)
    }

    /// Whether a rotation is pending in the vault.
    pub(super) fn is_rotation_pending(&self) -> bool {
        fs::read_to_string(self.directory.join("vault")).is_ok_and(|vault| vault.contains("\"pending\""))
    }

    /// How many recoveries found that a password was lost.
    pub(super) fn passwords_lost(&self) -> usize {
        let text = |replica: &Replica| fs::read_to_string(self.directory.join(format!("{}.jsonl", replica.name)));
        let lost = |text: String| text.matches("NewPasswordLost").count();
        self.replicas.iter().filter_map(|replica| text(replica).ok()).map(lost).sum()
    }

    /// Stops all replicas, so that each writes its last events.
    pub(super) fn end(&mut self) -> Result {
        if let Some(status) = self.sandbox.status()? {
            return Err(format!("the sandbox has ended ({status})").into());
        }
        for replica in &mut self.replicas {
            let Some((process, mut orders)) = replica.running.take() else { continue };
            let log = self.directory.join(format!("{}.log", replica.name));
            let _ = writeln!(orders, "stop");
            let status = process.wait(PATIENCE)?;
            if !status.success() {
                return Err(format!("{} has failed ({status})\n{}", replica.name, process::read(&log)).into());
            }
        }
        Ok(())
    }
}

/// Whether the sandbox responds. No fault cuts it off from this process.
pub(super) fn is_answering() -> bool {
    control("GET", "counters", "").is_ok()
}

pub(super) fn kill_session() -> Result {
    control("POST", &format!("accounts/{USER}/expire-session"), "").map(drop)
}

/// Sets the password as an operator of the platform. Returns its mark in the history.
pub(super) fn set_password(password: &str) -> Result<String> {
    let body = json!({ "password": password }).to_string();
    control("PUT", &format!("accounts/{USER}/password"), &body)?;
    Ok(mark(password))
}

fn control(method: &str, path: &str, body: &str) -> Result<serde_json::Value> {
    sandbox::control(&socket(PLATFORM, PORT).to_string(), method, path, body)
}

pub(super) fn until(what: &str, is_so: impl Fn() -> Result<bool>) -> Result {
    let begin = Instant::now();
    while !is_so()? {
        if begin.elapsed() > PATIENCE {
            return Err(format!("timed out while waiting for {what}; see the logs in target/torn").into());
        }
        sleep(Duration::from_millis(100));
    }
    Ok(())
}
