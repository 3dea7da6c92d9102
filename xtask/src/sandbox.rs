//! Builds and starts the sandbox, in the foreground or for a test.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::process::{self, Process};
use crate::{Result, workspace};

const PACKAGE: &str = "thingspace-sandbox";
const START_LIMIT: Duration = Duration::from_secs(20);

/// The sandbox's own arguments.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A loopback address and port; port 0 selects a free port [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Print the documentation of the API as an HTML page, and exit
    #[arg(long, conflicts_with = "listen")]
    docs: bool,
}

/// `cargo xtask sandbox`
pub(crate) fn run(arguments: &Arguments) -> Result {
    let mut command = workspace::cargo();
    command.args(["run", "--quiet", "--package", PACKAGE, "--"]);
    if let Some(address) = arguments.listen {
        command.args(["--listen", &address.to_string()]);
    }
    if arguments.docs {
        command.arg("--docs");
    }
    let status = command.status()?;
    if status.success() { Ok(()) } else { Err(format!("the sandbox stopped: {status}").into()) }
}

/// Builds the sandbox and returns the path of the program.
pub(crate) fn build() -> Result<PathBuf> {
    build_as(&[])
}

/// As `build`, with cargo's arguments for another profile.
pub(crate) fn build_as(profile: &[&str]) -> Result<PathBuf> {
    program(&[&["--package", PACKAGE], profile].concat())
}

/// Builds a program and returns its path.
pub(crate) fn program(which: &[&str]) -> Result<PathBuf> {
    let output = workspace::cargo()
        .args(["build", "--quiet", "--message-format", "json-render-diagnostics"])
        .args(which)
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("{} does not build", which.join(" ")).into());
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    executable(&messages).ok_or_else(|| format!("cargo built {}, but no program", which.join(" ")).into())
}

/// The documentation of the API, as the sandbox prints it.
pub(crate) fn docs(program: &Path) -> Result<Vec<u8>> {
    let output = Command::new(program).arg("--docs").stderr(Stdio::inherit()).output()?;
    if output.status.success() { Ok(output.stdout) } else { Err("`thingspace-sandbox --docs` failed".into()) }
}

/// The last executable in cargo's messages; a package builds one.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages.filter_map(|message| Some(message.get("executable")?.as_str()?.into())).next_back()
}

/// A sandbox that runs until this is dropped.
pub(crate) struct Running {
    _process: Process,
    pub(crate) base_url: String,
}

impl Running {
    /// Starts the sandbox on a free port, with its standard error in `log`.
    pub(crate) fn start(program: &Path, log: &Path) -> Result<Running> {
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0"]).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(File::create(log)?);
        let mut process = Process::start("the sandbox", &mut command)?;
        let greeting = first_line(process.stdout()?)
            .ok_or_else(|| format!("the sandbox printed no address in time\n\n{}", process::read(log)))?;
        let base_url = base_url(&greeting).ok_or_else(|| format!("not an address: `{}`", greeting.trim()))?;
        Ok(Running { _process: process, base_url })
    }
}

/// Uses one of the controls of the sandbox at this address.
pub(crate) fn control(address: &str, method: &str, path: &str, body: &str) -> Result<Value> {
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

fn first_line(stdout: ChildStdout) -> Option<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        if stdout.read_line(&mut line).is_ok() && sender.send(line).is_ok() {
            // Drain the pipe: once it is full, the sandbox would block on its next write.
            let _ = io::copy(&mut stdout, &mut io::sink());
        }
    });
    receiver.recv_timeout(START_LIMIT).ok()
}

fn base_url(greeting: &str) -> Option<String> {
    greeting.trim().strip_prefix("listening on ").filter(|url| url.starts_with("http://127.0.0.1:")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_says_where_the_sandbox_is() {
        assert_eq!(base_url("listening on http://127.0.0.1:8080/api\n").as_deref(), Some("http://127.0.0.1:8080/api"));
        assert_eq!(base_url(""), None);
        assert_eq!(base_url("listening on https://thingspace.verizon.com/api\n"), None);
    }

    #[test]
    fn the_program_is_found_among_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","executable":null}
{"reason":"compiler-artifact","executable":"/target/debug/thingspace-sandbox"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(executable(messages), Some("/target/debug/thingspace-sandbox".into()));
        assert_eq!(executable(""), None);
    }
}
