//! Redis: a server and a sentinel on each host.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::network::{HOSTS, Network, address, socket};
use super::stage::until;
use crate::Result;
use crate::fleet::server::Program;
use crate::process::Process;

const SERVER: u16 = 6379;
const SENTINEL: u16 = 26379;
/// How long a primary may be silent before the sentinels replace it. By then an isolated primary refuses writes,
/// because of `min-replicas-to-write`.
const DOWN_AFTER: Duration = Duration::from_secs(3);
/// How long a server may take to respond. No fault cuts off this process from a host.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long replicas may take to confirm a write: as long as for `RedisStore`.
const CONFIRMED: Duration = Duration::from_secs(1);

pub(super) struct Servers {
    program: Program,
    directory: PathBuf,
    /// How many replicas confirm each swap. The servers have the settings of `docs/fleet.md` for this number.
    confirmations: u32,
    running: BTreeMap<usize, Process>,
    sentinels: Vec<Process>,
}

impl Servers {
    pub(super) fn start(program: &Program, directory: &Path, confirmations: u32) -> Result<Self> {
        let directory = directory.to_owned();
        let mut all = Self {
            program: program.clone(),
            directory,
            confirmations,
            running: BTreeMap::new(),
            sentinels: Vec::new(),
        };
        for host in HOSTS {
            all.resume(host)?;
        }
        // A sentinel looks for replicas when it starts, and then only every ten seconds.
        until("a primary with replicas", || Ok(says(socket(1, SERVER), "INFO replication", "connected_slaves:2")))?;
        for host in HOSTS {
            all.sentinels.push(all.sentinel(host)?);
        }
        let know_all = "slaves=2,sentinels=3";
        let knows = |host: &usize| says(socket(*host, SENTINEL), "INFO sentinel", know_all);
        until("sentinels that know each other", || Ok(HOSTS.iter().all(knows)))?;
        Ok(all)
    }

    /// Starts the server of a host with the data that it has stored.
    pub(super) fn resume(&mut self, host: usize) -> Result {
        let directory = self.directory.join(format!("redis-{host}"));
        fs::create_dir_all(&directory)?;
        let mut command = Network::on(host, &self.program.path);
        command.args(["--bind", &address(host).to_string(), "--port", &SERVER.to_string(), "--protected-mode", "no"]);
        command.args("--save  --appendonly yes --appendfsync always --repl-diskless-sync-delay 0".split(' '));
        command.args("--repl-ping-replica-period 1 --repl-timeout 5 --dir".split(' ')).arg(&directory);
        if self.confirmations > 0 {
            command.args(["--min-replicas-to-write", &self.confirmations.to_string(), "--min-replicas-max-lag", "2"]);
        }
        let primary = primary().unwrap_or(1);
        if host != primary {
            command.args(["--replicaof", &address(primary).to_string(), &SERVER.to_string()]);
        }
        self.running.insert(host, self.spawn(command, &format!("redis-{host}.log"))?);
        Ok(())
    }

    /// Kills the server of a host with SIGKILL.
    pub(super) fn kill(&mut self, host: usize) {
        self.running.remove(&host);
    }

    fn sentinel(&self, host: usize) -> Result<Process> {
        let file = self.directory.join(format!("sentinel-{host}.conf"));
        let (here, first, down) = (address(host), address(1), DOWN_AFTER.as_millis());
        fs::write(
            &file,
            format!(
                "port {SENTINEL}\nbind {here}\nprotected-mode no\nsentinel monitor mymaster {first} {SERVER} 2\n\
                 sentinel down-after-milliseconds mymaster {down}\nsentinel failover-timeout mymaster 4000\n"
            ),
        )?;
        let mut command = Network::on(host, &self.program.path);
        command.arg(file).arg("--sentinel");
        self.spawn(command, &format!("sentinel-{host}.log"))
    }

    fn spawn(&self, mut command: std::process::Command, log: &str) -> Result<Process> {
        let log = File::options().create(true).append(true).open(self.directory.join(log))?;
        Process::start(
            &self.program.path,
            command.current_dir(&self.directory).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log),
        )
    }
}

/// The URLs of the sentinels, for the replicas of the fleet.
pub(super) fn sentinels() -> String {
    HOSTS.map(|host| format!("redis://{}", socket(host, SENTINEL))).join(",")
}

/// The host of the primary that at least two sentinels name.
pub(super) fn primary() -> Option<usize> {
    let answer = |sentinel: usize| {
        ask(socket(sentinel, SENTINEL), "SENTINEL GET-MASTER-ADDR-BY-NAME mymaster").unwrap_or_default()
    };
    let all = HOSTS.map(answer);
    let votes =
        |host: usize| all.iter().filter(|text| text.lines().any(|line| line == address(host).to_string())).count();
    HOSTS.into_iter().find(|host| votes(*host) >= 2)
}

/// Makes a sentinel promote another server. Returns whether one accepts.
pub(super) fn fail_over() -> bool {
    HOSTS.iter().any(|host| says(socket(*host, SENTINEL), "SENTINEL FAILOVER mymaster", "+OK"))
}

/// Whether this number of replicas confirms a write, as for a swap, and no other server still acts as a primary.
pub(super) fn is_well(primary: Option<usize>, confirmations: u32) -> bool {
    let write = format!("SET probe 1\r\nWAIT {confirmations} {}", CONFIRMED.as_millis());
    let is_confirmed = |host: usize| {
        let answers = ask_for(socket(host, SERVER), &write, 2, CONFIRMED + PATIENCE).unwrap_or_default();
        let confirmed = answers.split_once("+OK\r\n:").and_then(|(_, count)| count.trim().parse::<u32>().ok());
        confirmed.is_some_and(|confirmed| confirmed >= confirmations)
    };
    let acts = |host: usize| says(socket(host, SERVER), "ROLE", "master");
    primary.is_some_and(|host| is_confirmed(host) && !HOSTS.into_iter().any(|other| other != host && acts(other)))
}

fn says(address: SocketAddr, command: &str, text: &str) -> bool {
    ask(address, command).is_ok_and(|answer| answer.contains(text))
}

/// A server's response to one command.
fn ask(address: SocketAddr, command: &str) -> Result<String> {
    ask_for(address, command, 1, PATIENCE)
}

/// A server's responses to commands: this number of lines, or the texts that one command returns.
fn ask_for(address: SocketAddr, commands: &str, lines: usize, patience: Duration) -> Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(patience))?;
    write!(stream, "{commands}\r\n")?;
    let (mut stream, mut answer) = (BufReader::new(stream), String::new());
    for _ in 0..lines {
        stream.read_line(&mut answer)?;
    }
    match answer.trim().split_at_checked(1) {
        // Two texts, each after a line with its length.
        Some(("*", _)) => {
            for _ in 0..4 {
                stream.read_line(&mut answer)?;
            }
        }
        Some(("$", length)) => {
            stream.take(length.parse()?).read_to_string(&mut answer)?;
        }
        _ => {}
    }
    Ok(answer)
}
