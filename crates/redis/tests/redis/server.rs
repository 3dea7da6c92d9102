//! A Redis server for one test, on a socket in a temporary directory.

use std::{
    env, fs,
    io::Write as _,
    net::TcpListener,
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use thingspace_session_redis::RedisStore;

/// The variable that names the server's program, which must exist.
const PROGRAM: &str = "THINGSPACE_REDIS_SERVER";
/// The variable that is set if a missing server is a failure, as in the gate.
const DEMANDED: &str = "THINGSPACE_REDIS_DEMANDED";

/// A placeholder in options for a free port.
pub(crate) const PORT: &str = "PORT";
/// A placeholder in options for another free port.
const BUS: &str = "BUS";
/// How long a server may take for a change of its own.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    directory: TempDir,
    program: String,
    options: Vec<String>,
    pub(crate) port: u16,
    pub(crate) bus: u16,
    child: Option<Child>,
}

/// Waits until the condition holds.
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "this did not happen in time: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

impl Server {
    /// `None`, with a notice, if the server's program is missing and not required.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        let program = env::var(PROGRAM).unwrap_or_else(|_| "redis-server".to_owned());
        let found = Command::new(&program).arg("--version").stdout(Stdio::null()).status();
        if found.is_err() && env::var_os(PROGRAM).is_none() && env::var_os(DEMANDED).is_none() {
            // Not `eprintln!`, whose output a passing test does not show.
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: there is no redis-server; set {PROGRAM}, or {DEMANDED} to fail without one"
            );
            return None;
        }
        found.unwrap_or_else(|error| panic!("{program}: {error}"));
        // Another process may take a free port in the meantime.
        let server = (0..5).find_map(|_| Self::try_start(&program, options));
        Some(server.expect("the server does not start"))
    }

    fn try_start(program: &str, options: &[&str]) -> Option<Self> {
        let [port, bus] = free_ports();
        let options = options.iter().map(|option| match *option {
            PORT => port.to_string(),
            BUS => bus.to_string(),
            option => option.to_owned(),
        });
        let (program, options, directory) = (program.to_owned(), options.collect(), tempfile::tempdir().unwrap());
        let mut server = Self { directory, program, options, port, bus, child: None };
        server.begin().then_some(server)
    }

    /// Starts the server with its stored data.
    pub(crate) fn resume(&mut self) {
        assert!(self.begin(), "the server does not start");
    }

    fn begin(&mut self) -> bool {
        let (directory, socket) = (self.directory.path(), self.socket());
        let _ = fs::remove_file(&socket);
        // A sentinel stores its state in this file.
        let configuration = fs::File::options().create(true).append(true).open(directory.join("redis.conf"));
        drop(configuration.unwrap());
        let child = Command::new(&self.program)
            .arg(directory.join("redis.conf"))
            .args(["--port", "0", "--save", "", "--dir"])
            .arg(directory)
            .arg("--unixsocket")
            .arg(&socket)
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        self.child = Some(child.unwrap());
        // The server listens on its port before it listens on its socket.
        let has_ended = |child: &mut Option<Child>| child.as_mut().unwrap().try_wait().unwrap().is_some();
        let begin = Instant::now();
        while UnixStream::connect(&socket).is_err() {
            if has_ended(&mut self.child) || begin.elapsed() > PATIENCE {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// Kills the server.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn store(&self) -> RedisStore {
        RedisStore::new(self.url()).unwrap()
    }

    /// Sends a command to the server.
    pub(crate) fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        self.try_ask(words).unwrap()
    }

    pub(crate) fn try_ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> redis::RedisResult<T> {
        let mut connection = redis::Client::open(self.url())?.get_connection()?;
        let (name, arguments) = words.split_first().unwrap();
        redis::cmd(name).arg(arguments).query(&mut connection)
    }

    /// Whether the server's response contains this text. A server that changes its role may not respond.
    pub(crate) fn says(&self, words: &[&str], text: &str) -> bool {
        self.try_ask::<String>(words).is_ok_and(|response| response.contains(text))
    }

    /// The name of the server's only key.
    pub(crate) fn key(&self) -> String {
        let [key] = &self.ask::<Vec<String>>(&["KEYS", "*"])[..] else { panic!("not exactly one key") };
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
