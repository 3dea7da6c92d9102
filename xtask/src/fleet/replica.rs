//! Processes of the example `soak`, and the sandbox that they talk to.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::server::{Keeps, Program, Server};
use crate::sandbox::Running;
use crate::{Result, process};

pub(crate) const USER: &str = "zbeeblebrox";
const PASSWORD: &str = "IMgr8";

/// Where one row is measured: a sandbox and a server of its own.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) directory: PathBuf,
    sandbox: Running,
    soak: PathBuf,
}

/// The programs that are run.
pub(crate) struct Programs {
    pub(crate) server: Program,
    pub(crate) sandbox: PathBuf,
    pub(crate) soak: PathBuf,
}

impl Stage {
    pub(crate) fn set(programs: &Programs, directory: &Path, keeps: Keeps) -> Result<Stage> {
        if directory.exists() {
            fs::remove_dir_all(directory)?;
        }
        fs::create_dir_all(directory)?;
        let sandbox = Running::start(&programs.sandbox, &directory.join("sandbox.log"))?;
        let server = Server::start(&programs.server, directory, keeps)?;
        Ok(Stage { server, directory: directory.to_owned(), sandbox, soak: programs.soak.clone() })
    }

    /// Starts a replica with these arguments.
    pub(crate) fn replica(&self, name: &str, arguments: &str) -> Result<Replica> {
        self.replica_with(name, arguments, PASSWORD)
    }

    pub(crate) fn replica_with(&self, name: &str, arguments: &str, password: &str) -> Result<Replica> {
        let log = self.directory.join(name);
        let output = File::create(&log)?;
        let child = Command::new(&self.soak)
            .args(arguments.split_whitespace())
            .args(["--store", &self.server.url()])
            .env("THINGSPACE_BASE_URL", &self.sandbox.base_url)
            .envs([("THINGSPACE_KEY", "sandbox-key"), ("THINGSPACE_SECRET", "sandbox-secret")])
            .envs([("THINGSPACE_USERNAME", USER), ("THINGSPACE_PASSWORD", password)])
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()?;
        Ok(Replica { child, log })
    }

    /// One of the sandbox's counters.
    pub(crate) fn counter(&self, name: &str) -> Result<u64> {
        self.control("GET", "counters", "")?
            .get(name)
            .and_then(Value::as_u64)
            .ok_or_else(|| format!("no {name}").into())
    }

    pub(crate) fn strikes(&self) -> Result<u64> {
        let account = self.control("GET", &format!("accounts/{USER}"), "")?;
        account.get("strikes").and_then(Value::as_u64).ok_or_else(|| "no strikes".into())
    }

    /// Has the next login take this long.
    pub(crate) fn delay_login(&self, milliseconds: u64) -> Result {
        let fault = serde_json::json!({
            "operation": "login", "times": 1, "fault": { "kind": "delay", "milliseconds": milliseconds },
        });
        self.control("POST", "faults", &fault.to_string()).map(drop)
    }

    pub(crate) fn expire(&self) -> Result {
        self.control("POST", &format!("accounts/{USER}/expire-session"), "").map(drop)
    }

    /// The session tokens of the last requests.
    pub(crate) fn tokens_in_use(&self, last: usize) -> Result<Vec<String>> {
        let requests = self.control("GET", "requests", "")?;
        let tokens = requests.as_array().into_iter().flatten().rev().filter_map(|request| {
            let headers = request.get("headers")?.as_array()?;
            let token = headers.iter().find(|header| header.get(0).and_then(Value::as_str) == Some("vz-m2m-token"))?;
            Some(token.get(1)?.as_str()?.to_owned())
        });
        let mut tokens: Vec<_> = tokens.take(last).collect();
        tokens.sort();
        tokens.dedup();
        Ok(tokens)
    }

    fn control(&self, method: &str, path: &str, body: &str) -> Result<Value> {
        let address = self.sandbox.base_url.trim_start_matches("http://").split('/').next().unwrap_or_default();
        let mut stream = TcpStream::connect(address)?;
        let length = body.len();
        write!(
            stream,
            "{method} /_sandbox/{path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\
             content-type: application/json\r\n\r\n{body}"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("the sandbox does not answer")?;
        if !head.starts_with("HTTP/1.1 2") {
            return Err(format!("the sandbox answers {body}").into());
        }
        Ok(serde_json::from_str(body)?)
    }
}

/// A process that is killed when this is dropped.
pub(crate) struct Replica {
    pub(crate) child: Child,
    log: PathBuf,
}

/// What replicas told of their requests.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) ok: u64,
    pub(crate) failed: BTreeMap<String, u64>,
    pub(crate) slowest: Duration,
}

impl Replica {
    /// Waits for its end; what it told is added up.
    pub(crate) fn end(mut self, limit: Duration, told: &mut Told) -> Result {
        let started = Instant::now();
        while self.child.try_wait()?.is_none() {
            if started.elapsed() > limit {
                return Err(format!("a replica does not end\n\n{}", process::read(&self.log)).into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        let text = process::read(&self.log);
        let line: Option<Value> = text.lines().rev().find_map(|line| serde_json::from_str(line).ok());
        let Some(line) = line else {
            *told.failed.entry(text.trim().to_owned()).or_default() += 1;
            return Ok(());
        };
        told.ok += line.get("ok").and_then(Value::as_u64).unwrap_or_default();
        for (kind, count) in line.get("failed").and_then(Value::as_object).into_iter().flatten() {
            *told.failed.entry(kind.clone()).or_default() += count.as_u64().unwrap_or_default();
        }
        let slowest = line.get("max_us").and_then(Value::as_u64).map(Duration::from_micros);
        told.slowest = told.slowest.max(slowest.unwrap_or_default());
        Ok(())
    }

    /// Stops it where it is, or has it go on.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) -> Result {
        let id = rustix::process::Pid::from_child(&self.child);
        Ok(rustix::process::kill_process(id, signal)?)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
