//! The sandbox as a program. It listens, prints its address and runs until it is stopped.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use thingspace_sandbox::history::History;
use thingspace_sandbox::{Account, Sandbox, SandboxBuilder};

const USAGE: &str = "\
A stand-in for the session management of Verizon ThingSpace, on this machine.

Usage: thingspace-sandbox [--listen ADDRESS] [--exposed] [--history FILE]
       thingspace-sandbox --docs

  --listen ADDRESS  a loopback address and port, such as 127.0.0.1:8080 (the default);
                    with port 0 on any free port
  --exposed         listen on an address that other hosts reach; they can use the controls
  --history FILE    record every login, reset and request, one line of JSON each
  --docs            print the documentation of the API, a page of HTML, and stop
  --help            print this and stop
";

const DEFAULT_ADDRESS: &str = "127.0.0.1:8080";

/// The usual exit status of command line programs for invalid arguments.
const INVALID_ARGUMENTS: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // The program reports an argument that is not Unicode like any other unknown argument.
    let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let listen = match Command::of(arguments) {
        Ok(Command::Listen(listen)) => listen,
        Ok(Command::Docs) => return print_docs(),
        Ok(Command::Help) => return finish(print(USAGE)),
        Err(problem) => {
            report(&format!("{problem}\n\n{USAGE}"));
            return ExitCode::from(INVALID_ARGUMENTS);
        }
    };
    let address = listen.address;
    let builder = match listen.builder() {
        Ok(builder) => builder,
        Err(error) => {
            report(&format!("the history cannot be written: {error}\n"));
            return ExitCode::FAILURE;
        }
    };
    let sandbox = match builder.start().await {
        Ok(sandbox) => sandbox,
        Err(error) => {
            report(&format!("cannot listen on {address}: {error}\n"));
            return ExitCode::FAILURE;
        }
    };
    // A parent process reads the port from this line.
    if let Err(error) = print(&greeting(&sandbox)) {
        return finish(Err(error));
    }
    std::future::pending().await
}

enum Command {
    Listen(Listen),
    Docs,
    Help,
}

struct Listen {
    address: SocketAddr,
    is_exposed: bool,
    history: Option<PathBuf>,
}

impl Listen {
    fn builder(&self) -> io::Result<SandboxBuilder> {
        let builder = Sandbox::builder().listen(self.address);
        let builder = if self.is_exposed { builder.exposed() } else { builder };
        Ok(match &self.history {
            Some(path) => builder.history(History::open(path, "sandbox")?),
            None => builder,
        })
    }
}

impl Command {
    fn of(arguments: impl Iterator<Item = String>) -> Result<Command, String> {
        let mut arguments = arguments;
        let (mut address, mut is_exposed, mut history) = (DEFAULT_ADDRESS.to_owned(), false, None);
        while let Some(argument) = arguments.next() {
            match argument.split_once('=').unwrap_or((&argument, "")) {
                ("--help" | "-h", "") => return Ok(Command::Help),
                ("--docs", "") => return Ok(Command::Docs),
                ("--listen", "") => address = arguments.next().ok_or("--listen needs an address after it")?,
                ("--exposed", "") => is_exposed = true,
                ("--history", "") => history = Some(arguments.next().ok_or("--history needs a file after it")?.into()),
                ("--listen", given) => given.clone_into(&mut address),
                _ => return Err(format!("unknown argument `{argument}`")),
            }
        }
        let problem = |_| format!("`{address}` is not an address with a port, such as {DEFAULT_ADDRESS}");
        Ok(Command::Listen(Listen { address: address.parse().map_err(problem)?, is_exposed, history }))
    }
}

#[cfg(feature = "docs")]
fn print_docs() -> ExitCode {
    use thingspace_sandbox::docs;

    match docs::page(docs::CONTRACT) {
        Ok(page) => finish(print(&page)),
        Err(error) => {
            report(&format!("the page cannot be made: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(feature = "docs"))]
fn print_docs() -> ExitCode {
    report("this sandbox was built without its feature `docs`\n");
    ExitCode::FAILURE
}

/// The address of the sandbox, and the variables that configure a client. The built-in account is not secret.
fn greeting(sandbox: &Sandbox) -> String {
    let base_url = sandbox.base_url();
    let docs =
        if cfg!(feature = "docs") { format!("docs at http://{}/docs\n", sandbox.address()) } else { String::new() };
    let Account { key, secret, username, password } = Account::built_in();
    format!(
        "listening on {base_url}\n\
         {docs}\
         export THINGSPACE_BASE_URL={base_url}\n\
         export THINGSPACE_KEY={key}\n\
         export THINGSPACE_SECRET={secret}\n\
         export THINGSPACE_USERNAME={username}\n\
         export THINGSPACE_PASSWORD={password}\n"
    )
}

fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

fn report(text: &str) {
    // If standard error is closed as well, only the exit status reports the problem.
    let _ = io::stderr().write_all(format!("thingspace-sandbox: {text}").as_bytes());
}

fn finish(written: io::Result<()>) -> ExitCode {
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&format!("cannot write to standard output: {error}\n"));
            ExitCode::FAILURE
        }
    }
}
