//! Where one row is measured: a sandbox and a server of its own, and the replicas that use both.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Plan;
use super::replica::Replica;
use super::server::{Keeps, Server};
use crate::Result;
use crate::sandbox::{Running, control};

const USER: &str = "zbeeblebrox";
/// How long what has to come about may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) directory: PathBuf,
    sandbox: Running,
    soak: PathBuf,
}

/// A request as the sandbox has seen it.
pub(crate) struct Request {
    pub(crate) path: String,
    pub(crate) session: Option<String>,
}

impl Stage {
    pub(crate) fn set(plan: &Plan, name: &str, keeps: Keeps) -> Result<Stage> {
        let directory = plan.directory.join(name);
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        let sandbox = Running::start(&plan.sandbox, &directory.join("sandbox.log"))?;
        let server = Server::start(&plan.server, &directory, keeps)?;
        Ok(Stage { server, directory, sandbox, soak: plan.soak.clone() })
    }

    /// Starts a replica with these arguments.
    pub(crate) fn replica(&self, name: &str, arguments: &str) -> Result<Replica> {
        self.replica_with(name, arguments, ("THINGSPACE_PASSWORD", "IMgr8"))
    }

    /// The same, with one environment variable more, or another value for one.
    pub(crate) fn replica_with(&self, name: &str, arguments: &str, variable: (&str, &str)) -> Result<Replica> {
        let mut command = Command::new(&self.soak);
        command
            .args(arguments.split_whitespace())
            .args(["--store", &self.server.url()])
            .env("THINGSPACE_BASE_URL", &self.sandbox.base_url)
            .envs([("THINGSPACE_KEY", "sandbox-key"), ("THINGSPACE_SECRET", "sandbox-secret")])
            .envs([("THINGSPACE_USERNAME", USER), ("THINGSPACE_PASSWORD", "IMgr8"), variable]);
        Replica::start(&mut command, &self.directory.join(name).with_extension("log"))
    }

    /// One of the sandbox's counters.
    pub(crate) fn counter(&self, name: &str) -> Result<u64> {
        self.control("GET", "counters", "")?
            .get(name)
            .and_then(Value::as_u64)
            .ok_or_else(|| format!("no {name}").into())
    }

    /// How many logins have succeeded.
    pub(crate) fn logins(&self) -> Result<u64> {
        self.counter("logins_succeeded")
    }

    pub(crate) fn strikes(&self) -> Result<u64> {
        let account = self.control("GET", &format!("accounts/{USER}"), "")?;
        account.get("strikes").and_then(Value::as_u64).ok_or_else(|| "no strikes".into())
    }

    /// Has the next login take this long.
    pub(crate) fn delay_login(&self, time: Duration) -> Result {
        let fault = serde_json::json!({ "kind": "delay", "milliseconds": u64::try_from(time.as_millis())? });
        let order = serde_json::json!({ "operation": "login", "times": 1, "fault": fault });
        self.control("POST", "faults", &order.to_string()).map(drop)
    }

    /// Kills the session.
    pub(crate) fn expire(&self) -> Result {
        self.control("POST", &format!("accounts/{USER}/expire-session"), "").map(drop)
    }

    /// The requests that have arrived, in that order; of very many only the last.
    pub(crate) fn requests(&self) -> Result<Vec<Request>> {
        let log = self.control("GET", "requests", "")?;
        let request = |request: &Value| {
            let headers = request.get("headers").and_then(Value::as_array).into_iter().flatten();
            let value = |header: &Value| Some(header.get(1)?.as_str()?.to_owned());
            Request {
                path: request.get("path").and_then(Value::as_str).unwrap_or_default().to_owned(),
                session: headers
                    .filter(|header| header.get(0).and_then(Value::as_str) == Some("vz-m2m-token"))
                    .find_map(value),
            }
        };
        Ok(log.as_array().into_iter().flatten().map(request).collect())
    }

    fn control(&self, method: &str, path: &str, body: &str) -> Result<Value> {
        let address = self.sandbox.base_url.trim_start_matches("http://").split('/').next().unwrap_or_default();
        control(address, method, path, body)
    }
}

/// Waits for what comes about by itself.
pub(crate) fn until(what: &str, is_so: impl Fn() -> Result<bool>) -> Result {
    let begin = Instant::now();
    while !is_so()? {
        if begin.elapsed() > PATIENCE {
            return Err(format!("in vain waited for {what}").into());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
