//! Shows what a store has recorded of an account, and lifts the suspension of its logins.
//!
//! ```text
//! cargo run --example account -- show --store file:state/thingspace.json
//! cargo run --example account -- reset-login-guard --store redis://redis.internal:6379
//! ```
//!
//! `--help` lists the options and the environment variables. The tool sends nothing to the platform, needs no secret of the
//! platform and prints none. It exits with 1 if it fails, and if there is no
//! record of the account.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints its result")]

use std::{
    env,
    error::Error,
    ffi::OsString,
    io::{self, BufRead, IsTerminal as _},
    process::ExitCode,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use thingspace_session::{
    AccessToken, AccountStatus, ApiKey, FileStore, ThingSpace, ThingSpaceBuilder,
    store::{Sealed, SessionStore},
};
use thingspace_session_redis::RedisStore;

const USAGE: &str = "\
usage: account show              [OPTIONS]
       account reset-login-guard [OPTIONS] [--yes]

show               print the account's record: session, failed logins, suspensions
reset-login-guard  print it, ask for the username on a terminal, and lift the suspensions

--store STORE      file:PATH or redis://[USER:PASSWORD@]HOST:PORT[/DATABASE]; default: THINGSPACE_STORE, which keeps
                   a password out of the list of processes
--username NAME    the user; default: THINGSPACE_USERNAME
--prefix PREFIX    that of the RedisStore, if the program sets one
--sentinel URL     a sentinel that knows the server which --store names; may be repeated
--cluster          --store names a node of a cluster
--without-api-key  the program has an access token provider and no API key
--yes              do not ask

The account is that of THINGSPACE_BASE_URL (production if unset), THINGSPACE_KEY and the username. THINGSPACE_SEAL_KEY
is the key of a sealed store, 32 bytes in base64. THINGSPACE_SECRET and the password are not needed.";

#[derive(Clone, Copy, PartialEq)]
enum Action {
    Show,
    ResetLoginGuard,
}

struct Options {
    action: Action,
    store: Option<String>,
    username: Option<String>,
    prefix: Option<String>,
    sentinels: Vec<String>,
    is_cluster: bool,
    has_api_key: bool,
    is_confirmed: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    // For `rediss://`: the tests of this package compile two, and rustls chooses none of them by itself.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut input = io::stdin().lock();
    let terminal = if input.is_terminal() { Some(&mut input as &mut dyn BufRead) } else { None };
    match run(env::args_os().skip(1), terminal).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the arguments say; the terminal, if there is one, answers the question.
pub(crate) async fn run(
    arguments: impl Iterator<Item = OsString>,
    terminal: Option<&mut dyn BufRead>,
) -> Result<(), Box<dyn Error>> {
    let arguments = arguments.map(OsString::into_string).collect::<Result<Vec<_>, _>>();
    let arguments = arguments.map_err(|_| wrong("an argument is not UTF-8"))?;
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        println!("{USAGE}");
        return Ok(());
    }
    let options = options(arguments)?;
    let username = match &options.username {
        Some(username) => username.clone(),
        None => variable("THINGSPACE_USERNAME")?
            .ok_or("the username is missing: give --username or set THINGSPACE_USERNAME")?,
    };
    let thingspace = with_store(account_of(&options)?, &options)?.build()?;

    let status = thingspace.account_status(&username).await?;
    println!("account: {username} on {}", thingspace.base_url());
    print(&status);
    if !status.is_recorded {
        return Err("the store has no record of this account: check --store, --prefix, the username, \
                    THINGSPACE_BASE_URL and THINGSPACE_KEY against those of the program that logs in"
            .into());
    }
    if options.action == Action::ResetLoginGuard {
        confirm(&options, &username, terminal)?;
        thingspace.reset_login_guard(&username).await?;
        println!("the login guard was reset; the record now:");
        print(&thingspace.account_status(&username).await?);
    }
    Ok(())
}

fn options(arguments: Vec<String>) -> Result<Options, String> {
    let mut arguments = arguments.into_iter();
    let action = match arguments.next().as_deref() {
        Some("show") => Action::Show,
        Some("reset-login-guard") => Action::ResetLoginGuard,
        _ => return Err(wrong("the first argument is show or reset-login-guard")),
    };
    let (store, username, prefix, sentinels) = Default::default();
    let (is_cluster, has_api_key, is_confirmed) = (false, true, false);
    let mut options = Options { action, store, username, prefix, sentinels, is_cluster, has_api_key, is_confirmed };
    while let Some(option) = arguments.next() {
        let mut value = || {
            let value = arguments.next().filter(|value| !value.is_empty() && !value.starts_with("--"));
            value.ok_or_else(|| wrong(&format!("{option} takes a value")))
        };
        match option.as_str() {
            "--store" => options.store = Some(value()?),
            "--username" => options.username = Some(value()?),
            "--prefix" => options.prefix = Some(value()?),
            "--sentinel" => options.sentinels.push(value()?),
            "--cluster" => options.is_cluster = true,
            "--without-api-key" => options.has_api_key = false,
            "--yes" if action == Action::ResetLoginGuard => options.is_confirmed = true,
            // It is not quoted: it may hold a password.
            _ => return Err(wrong("there is an argument that is none of these")),
        }
    }
    Ok(options)
}

fn wrong(problem: &str) -> String {
    format!("{problem}\n\n{USAGE}")
}

/// A client that could read the account's record and could not log in: the secrets are no part of the account's name.
fn account_of(options: &Options) -> Result<ThingSpaceBuilder, Box<dyn Error>> {
    const NONE: &str = "not needed, because nothing is sent";
    // Nothing is sent in the clear either.
    let builder = ThingSpace::builder().allow_plain_http();
    let builder = match variable("THINGSPACE_BASE_URL")? {
        Some(base_url) => builder.base_url(base_url),
        None => builder,
    };
    if !options.has_api_key {
        return Ok(builder.access_token(AccessToken::new(NONE)));
    }
    let key = variable("THINGSPACE_KEY")?.ok_or(
        "the environment variable THINGSPACE_KEY is not set: set it, or give --without-api-key if the program that \
         logs in has an access token provider",
    )?;
    Ok(builder.api_key(ApiKey::new(key, NONE)))
}

fn with_store(builder: ThingSpaceBuilder, options: &Options) -> Result<ThingSpaceBuilder, Box<dyn Error>> {
    let store = match &options.store {
        Some(store) => store.clone(),
        None => variable("THINGSPACE_STORE")?.ok_or_else(|| wrong("the store is missing: give --store"))?,
    };
    let store = match store.split_once(':') {
        Some(("file", path)) if !path.is_empty() => {
            if options.prefix.is_some() || options.is_cluster || !options.sentinels.is_empty() {
                return Err(wrong("--prefix, --sentinel and --cluster are for a Redis server").into());
            }
            return sealed(builder, FileStore::new(path));
        }
        Some(("redis" | "rediss" | "redis+unix", _)) => match (&options.sentinels[..], options.is_cluster) {
            ([], false) => RedisStore::new(store)?,
            ([], true) => RedisStore::cluster([store])?,
            (sentinels, false) => RedisStore::sentinel(store, sentinels)?,
            (_, true) => return Err(wrong("a server is known by sentinels or part of a cluster, not both").into()),
        },
        // It is not quoted: a URL may hold a password.
        _ => {
            return Err(
                wrong("the store is file:PATH or redis://HOST:PORT: one in memory is gone with its process").into()
            );
        }
    };
    let store = match &options.prefix {
        Some(prefix) => store.prefix(prefix),
        None => store,
    };
    sealed(builder, store)
}

fn sealed(builder: ThingSpaceBuilder, store: impl SessionStore + 'static) -> Result<ThingSpaceBuilder, Box<dyn Error>> {
    Ok(match seal_key()? {
        Some(key) => builder.store(Sealed::new(store, key)),
        None => builder.store(store),
    })
}

/// The key that seals records; an argument would show it to every user of the machine.
fn seal_key() -> Result<Option<[u8; 32]>, Box<dyn Error>> {
    let Some(text) = variable("THINGSPACE_SEAL_KEY")? else { return Ok(None) };
    let key = BASE64_STANDARD.decode(text.trim()).ok().and_then(|key| key.try_into().ok());
    Ok(Some(key.ok_or("THINGSPACE_SEAL_KEY is not a key: set 32 bytes in base64")?))
}

fn variable(name: &str) -> Result<Option<String>, String> {
    match env::var(name) {
        Ok(value) if value.is_empty() => Err(format!("the environment variable {name} is empty: set it or unset it")),
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(format!("the environment variable {name} is not UTF-8")),
    }
}

fn print(status: &AccountStatus) {
    match status.session_used_at {
        Some(at) => println!("session: last used {} ago", age(at.elapsed().unwrap_or_default())),
        None => println!("session: none"),
    }
    println!("failures in a row: {} (the platform locks the account at the fifth)", status.failures_in_a_row);
    match status.suspensions.len() {
        0 => println!("suspensions: none"),
        number => println!("suspensions: {number}"),
    }
    for suspension in &status.suspensions {
        println!("  {suspension}");
    }
}

fn age(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// An error unless the operator types the username, or has said `--yes`.
fn confirm(options: &Options, username: &str, terminal: Option<&mut dyn BufRead>) -> Result<(), Box<dyn Error>> {
    if options.is_confirmed {
        return Ok(());
    }
    let terminal = terminal.ok_or("there is no terminal to ask on, and nothing was changed: give --yes")?;
    eprintln!(
        "This lifts the suspensions, but for those of replaced passwords, for every process that uses the store. The \
         platform's own count of failed logins goes on: do it only if the password is known to be right and the account \
         is open."
    );
    eprint!("Type the username to go on: ");
    let mut answer = String::new();
    terminal.read_line(&mut answer)?;
    if answer.trim_end_matches(['\r', '\n']) == username {
        Ok(())
    } else {
        Err("that is not the username: nothing was changed".into())
    }
}
