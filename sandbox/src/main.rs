//! The sandbox as a program: listens, says where, and goes on until it is stopped.

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
  --exposed         listen on an address that others reach, who may use the controls
  --history FILE    note every login, reset and request, one line of JSON each
  --docs            print the documentation of the API, a page of HTML, and stop
  --help            print this and stop
";

const DEFAULT_ADDRESS: &str = "127.0.0.1:8080";

/// The exit status for arguments that were not understood, as is usual for command line programs.
const MISUSED: u8 = 2;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // What is not Unicode is no argument of ours, and is complained about like any other that is not.
    let arguments = std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    let wish = match Wish::of(arguments) {
        Ok(Wish::Listen(listen)) => listen,
        Ok(Wish::Docs) => return print_docs(),
        Ok(Wish::Help) => return finish(say(USAGE)),
        Err(problem) => {
            complain(&format!("{problem}\n\n{USAGE}"));
            return ExitCode::from(MISUSED);
        }
    };
    let address = wish.address;
    let builder = match wish.builder() {
        Ok(builder) => builder,
        Err(error) => {
            complain(&format!("the history cannot be written: {error}\n"));
            return ExitCode::FAILURE;
        }
    };
    let sandbox = match builder.start().await {
        Ok(sandbox) => sandbox,
        Err(error) => {
            complain(&format!("cannot listen on {address}: {error}\n"));
            return ExitCode::FAILURE;
        }
    };
    // The parent process waits for this line: without it the port is unknown.
    if let Err(error) = say(&greeting(&sandbox)) {
        return finish(Err(error));
    }
    std::future::pending().await
}

/// What the arguments ask for.
enum Wish {
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

impl Wish {
    fn of(arguments: impl Iterator<Item = String>) -> Result<Wish, String> {
        let mut arguments = arguments;
        let (mut address, mut is_exposed, mut history) = (DEFAULT_ADDRESS.to_owned(), false, None);
        while let Some(argument) = arguments.next() {
            match argument.split_once('=').unwrap_or((&argument, "")) {
                ("--help" | "-h", "") => return Ok(Wish::Help),
                ("--docs", "") => return Ok(Wish::Docs),
                ("--listen", "") => address = arguments.next().ok_or("--listen needs an address after it")?,
                ("--exposed", "") => is_exposed = true,
                ("--history", "") => history = Some(arguments.next().ok_or("--history needs a file after it")?.into()),
                ("--listen", given) => given.clone_into(&mut address),
                _ => return Err(format!("`{argument}` is not understood")),
            }
        }
        let problem = |_| format!("`{address}` is not an address with a port, such as {DEFAULT_ADDRESS}");
        Ok(Wish::Listen(Listen { address: address.parse().map_err(problem)?, is_exposed, history }))
    }
}

#[cfg(feature = "docs")]
fn print_docs() -> ExitCode {
    use thingspace_sandbox::docs;

    match docs::page(docs::CONTRACT) {
        Ok(page) => finish(say(&page)),
        Err(error) => {
            complain(&format!("there is no page: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(feature = "docs"))]
fn print_docs() -> ExitCode {
    complain("this sandbox was built without its feature `docs`\n");
    ExitCode::FAILURE
}

/// Where the sandbox listens, and what points a client at it. The built-in account is no secret.
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

fn say(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

fn complain(text: &str) {
    // If standard error is gone too, the exit status has to do.
    let _ = io::stderr().write_all(format!("thingspace-sandbox: {text}").as_bytes());
}

fn finish(said: io::Result<()>) -> ExitCode {
    match said {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("cannot write to standard output: {error}\n"));
            ExitCode::FAILURE
        }
    }
}
