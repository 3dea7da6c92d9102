//! A Redis server of one's own, on this machine alone.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Result;
use crate::process::{self, Process};

/// Names the server's program, as for the tests of the stores.
pub(crate) const NAMED: &str = "THINGSPACE_REDIS_SERVER";
const USUAL: &str = "redis-server";
const START_LIMIT: Duration = Duration::from_secs(10);

/// A server's program.
#[derive(Clone)]
pub(crate) struct Program {
    pub(crate) path: String,
    /// Name and version.
    pub(crate) name: String,
}

impl Program {
    /// The one that is named; otherwise Redis, which is installed where there is none.
    pub(crate) fn chosen() -> Result<Self> {
        if let Ok(named) = std::env::var(NAMED) {
            return Self::find(&named).ok_or_else(|| format!("{NAMED}: `{named}` does not run").into());
        }
        if let Some(usual) = Self::find(USUAL) {
            return Ok(usual);
        }
        install()?;
        Self::find(USUAL).ok_or_else(|| format!("{USUAL} was installed and does not run").into())
    }

    pub(crate) fn find(path: &str) -> Option<Self> {
        let output = Command::new(path).arg("--version").output().ok().filter(|output| output.status.success())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // As in `Redis server v=7.0.15 sha=…`.
        let name = text.split_once(" server v=").map(|(name, rest)| (name, rest.split(' ').next().unwrap_or(rest)));
        let name = name.map_or_else(|| text.trim().to_owned(), |(name, version)| format!("{name} {version}"));
        Some(Self { path: path.to_owned(), name })
    }
}

fn install() -> Result {
    eprintln!("There is no {USUAL} here; apt-get is to install it.");
    let mut command = Command::new("apt-get");
    command.args(["install", "--yes", "--no-install-recommends", USUAL]).stdin(Stdio::null()).stdout(std::io::stderr());
    let problem = match command.status() {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    Err(format!("apt-get does not install {USUAL} ({problem}): install it by hand, or name a program in {NAMED}")
        .into())
}

/// Whether what was written outlives the server.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Keeps {
    All,
    Nothing,
}

/// A server that runs until this is dropped.
pub(crate) struct Server {
    process: Process,
    program: Program,
    address: SocketAddr,
    directory: PathBuf,
    keeps: Keeps,
}

impl Server {
    pub(crate) fn start(program: &Program, directory: &Path, keeps: Keeps) -> Result<Self> {
        let address = free_address()?;
        let process = spawn(program, address, directory, keeps)?;
        let mut server = Self { process, program: program.clone(), address, directory: directory.to_owned(), keeps };
        server.wait()?;
        Ok(server)
    }

    /// SIGKILL, and a new one in its place.
    pub(crate) fn restart(&mut self) -> Result {
        self.process.kill();
        self.process = spawn(&self.program, self.address, &self.directory, self.keeps)?;
        self.wait()
    }

    fn wait(&mut self) -> Result {
        let started = Instant::now();
        while !self.ask("PING").is_ok_and(|answer| answer.starts_with("+PONG")) {
            if self.process.status()?.is_some() || started.elapsed() > START_LIMIT {
                let log = process::read(&log(&self.directory));
                return Err(format!("{} does not start\n\n{log}", self.program.path).into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// What it answers to one line, as it comes over the wire.
    pub(crate) fn ask(&self, line: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        write!(stream, "{line}\r\nQUIT\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// The session token of the record of the one account, if it holds one.
    pub(crate) fn session(&self) -> Result<Option<String>> {
        let keys = self.ask("KEYS *")?;
        let Some(key) = keys.lines().nth(2) else { return Ok(None) };
        let answer = self.ask(&format!("GET {key}"))?;
        // The length, and then the version and the record.
        let (_, record) = answer.lines().nth(1).and_then(|value| value.split_once(':')).ok_or("no record")?;
        let record: Value = serde_json::from_str(record)?;
        let session = record.pointer("/record/session").ok_or("no session in the record")?;
        Ok(session.get("token").and_then(Value::as_str).map(str::to_owned))
    }

    /// How many commands it has processed, those that its scripts give not among them.
    pub(crate) fn commands(&self) -> Result<u64> {
        let info = self.ask("INFO commandstats")?;
        let calls = |line: &str| {
            let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            ["evalsha", "subscribe", "script|load"]
                .contains(&name)
                .then(|| rest.split(',').next()?.parse::<u64>().ok())?
        };
        Ok(info.lines().filter_map(calls).sum::<u64>())
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }
}

/// A free port of an address of this machine that no other program is likely to use: it stays free while the server starts,
/// and while it is started again.
fn free_address() -> Result<SocketAddr> {
    let ip = Ipv4Addr::new(127, fastrand::u8(1..255), fastrand::u8(..), fastrand::u8(1..255));
    Ok(TcpListener::bind((ip, 0))?.local_addr()?)
}

fn spawn(program: &Program, address: SocketAddr, directory: &Path, keeps: Keeps) -> Result<Process> {
    let log = File::options().create(true).append(true).open(log(directory))?;
    let mut command = Command::new(&program.path);
    command.args(["--bind", &address.ip().to_string(), "--port", &address.port().to_string()]);
    command.args(["--save", "", "--dir"]).arg(directory);
    if keeps == Keeps::All {
        command.args(["--appendonly", "yes", "--appendfsync", "always"]);
    }
    Process::start(&program.path, command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log))
}

fn log(directory: &Path) -> PathBuf {
    directory.join("server.log")
}
