//! A Redis server for one test, on a socket in a directory that goes when the test ends.

use std::{
    env, fs,
    io::Write as _,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use thingspace_session::RedisStore;

/// Names the server's program; what is named has to be there.
const PROGRAM: &str = "THINGSPACE_REDIS_SERVER";
/// Set where a server has to be found, as in the gate.
const DEMANDED: &str = "THINGSPACE_REDIS_DEMANDED";

pub(crate) struct Server {
    directory: TempDir,
    program: String,
    options: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// Nothing, and a word about it, where there is no server and none is demanded.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        let program = env::var(PROGRAM).unwrap_or_else(|_| "redis-server".to_owned());
        let found = Command::new(&program).arg("--version").stdout(Stdio::null()).status();
        if found.is_err() && env::var_os(PROGRAM).is_none() && env::var_os(DEMANDED).is_none() {
            // Not `eprintln!`, which is kept from who runs a test that passes.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: there is no redis-server; set {PROGRAM}, or {DEMANDED} to fail without one"
            );
            return None;
        }
        found.unwrap_or_else(|error| panic!("{program}: {error}"));
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut server = Self { directory: tempfile::tempdir().unwrap(), program, options, child: None };
        server.resume();
        Some(server)
    }

    /// Starts it with what it has kept.
    pub(crate) fn resume(&mut self) {
        let directory = self.directory.path();
        let _ = fs::remove_file(self.socket());
        let child = Command::new(&self.program)
            .args(["--port", "0", "--save", "", "--dir"])
            .arg(directory)
            .arg("--unixsocket")
            .arg(self.socket())
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap());
        let begin = Instant::now();
        while UnixStream::connect(self.socket()).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(10), "the server does not start");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it without a warning.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    pub(crate) fn store(&self) -> RedisStore {
        RedisStore::new(self.url()).unwrap()
    }

    /// Asks it directly.
    pub(crate) fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let mut connection = redis::Client::open(self.url()).unwrap().get_connection().unwrap();
        let (name, arguments) = words.split_first().unwrap();
        redis::cmd(name).arg(arguments).query(&mut connection).unwrap()
    }

    /// The name of its one key.
    pub(crate) fn key(&self) -> String {
        let [key] = &self.ask::<Vec<String>>(&["KEYS", "*"])[..] else { panic!("more or less than one key") };
        key.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}
