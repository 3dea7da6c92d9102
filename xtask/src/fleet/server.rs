//! A Redis server of one's own, on a free port of this machine.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

const PROGRAM: &str = "redis-server";
const START_LIMIT: Duration = Duration::from_secs(10);

/// Whether what was written outlives the server.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Keeps {
    All,
    Nothing,
}

/// A server that runs until this is dropped.
pub(crate) struct Server {
    child: Child,
    port: u16,
    directory: PathBuf,
    keeps: Keeps,
}

impl Server {
    /// Its version; where there is none, it is installed, as far as the system can.
    pub(crate) fn version() -> Result<String> {
        let ask = || Command::new(PROGRAM).arg("--version").output();
        if ask().is_err() {
            Command::new("apt-get").args(["install", "--yes", "--no-install-recommends", PROGRAM]).status()?;
        }
        let output = ask().map_err(|error| format!("there is no {PROGRAM}: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(text.split_whitespace().take(3).collect::<Vec<_>>().join(" "))
    }

    pub(crate) fn start(directory: &Path, keeps: Keeps) -> Result<Server> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let child = spawn(port, directory, keeps)?;
        let server = Server { child, port, directory: directory.to_owned(), keeps };
        server.wait()?;
        Ok(server)
    }

    /// SIGKILL, and a new one in its place.
    pub(crate) fn restart(&mut self) -> Result {
        self.kill();
        self.child = spawn(self.port, &self.directory, self.keeps)?;
        self.wait()
    }

    fn kill(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn wait(&self) -> Result {
        let started = Instant::now();
        while !self.ask("PING").is_ok_and(|answer| answer.starts_with("+PONG")) {
            if started.elapsed() > START_LIMIT {
                return Err(format!("{PROGRAM} does not start").into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// What it answers to one line, as it comes over the wire.
    pub(crate) fn ask(&self, line: &str) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        write!(stream, "{line}\r\nQUIT\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// A field of the one account; nothing if it has none.
    pub(crate) fn field(&self, name: &str) -> Result<Option<String>> {
        let keys = self.ask("KEYS *")?;
        let Some(key) = keys.lines().nth(2) else { return Ok(None) };
        let answer = self.ask(&format!("HGET {key} {name}"))?;
        Ok(answer.lines().nth(1).filter(|_| !answer.starts_with("$-1")).map(str::to_owned))
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
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(port: u16, directory: &Path, keeps: Keeps) -> Result<Child> {
    let mut command = Command::new(PROGRAM);
    command.args(["--bind", "127.0.0.1", "--save", "", "--port"]).arg(port.to_string()).arg("--dir").arg(directory);
    if keeps == Keeps::All {
        command.args(["--appendonly", "yes", "--appendfsync", "always"]);
    }
    Ok(command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?)
}
