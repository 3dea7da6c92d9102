//! Replaces the password of the account and saves the new one in a vault. Run again after a crash, it recovers the
//! rotation and prints the result.
//!
//! ```text
//! cargo run --example rotate_password -- --vault PATH
//! ```
//!
//! The platform and the account are those of `THINGSPACE_BASE_URL` (production if unset), `THINGSPACE_KEY`,
//! `THINGSPACE_SECRET`, `THINGSPACE_USERNAME` and `THINGSPACE_PASSWORD`. A password in the vault takes precedence.
//! Beside the vault, `PATH.sessions` keeps the session and the count of failed logins. If the vault fails, a
//! `PATH.<digits>.rescue` keeps the new password. Prints no secret, and exits with 1 if the password was not replaced.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints what it does")]

use std::{
    env,
    error::Error as StdError,
    ffi::{OsStr, OsString},
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
    time::SystemTime,
};

use thingspace_session::{
    Credentials, Error, FileStore, FileVault, Secret, ThingSpace, ThingSpaceBuilder,
    rotation::{PasswordVault, Recovery, VaultState},
};

const USAGE: &str = "usage: rotate_password --vault PATH";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(env::args_os().skip(1)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            let mut next = error.source();
            while let Some(source) = next {
                eprintln!("  because: {source}");
                next = source.source();
            }
            ExitCode::FAILURE
        }
    }
}

pub(crate) async fn run(mut arguments: impl Iterator<Item = OsString>) -> Result<(), Box<dyn StdError>> {
    let (option, path, rest) = (arguments.next(), arguments.next(), arguments.next());
    let (Some(path), true, None) = (path, option.is_some_and(|option| option == "--vault"), rest) else {
        return Err(USAGE.into());
    };
    let path = PathBuf::from(path);
    // The count of failed logins outlives this process, so repeated starts try an invalid password only once.
    let store = FileStore::new(beside(&path, ".sessions"));
    let thingspace = ThingSpaceBuilder::from_env()?.store(store).build()?;
    let vault = FileVault::new(&path);
    recover(&thingspace, &vault).await?;

    let session = match vault.load().await.map_err(|error| -> Box<dyn StdError> { error })? {
        VaultState::Current(_) => thingspace.start_session(vault.clone()).await?,
        _ => thingspace.start_session(Credentials::from_env()?).await?,
    };
    // Checks before the reset that the rescue file can be written, in case the vault fails.
    let probe = write(&rescue_file(&path, SystemTime::now()), "");
    fs::remove_file(probe.map_err(|error| format!("no file can be written beside {}: {error}", path.display()))?)?;
    let outcome = match session.rotate_password(&vault).await {
        // The session was dead, so the platform did not reset the password.
        Err(Error::SessionRenewed) => session.rotate_password(&vault).await,
        outcome => outcome,
    };
    let outcome = match outcome {
        Ok(()) => Ok(()),
        Err(error) => {
            let rescued = match &error {
                Error::PasswordNotSaved { password, .. } => Some(password.expose_secret()),
                // A response that the crate cannot read may hold the password.
                _ => error
                    .body()
                    .filter(|_| error.status().is_some_and(|status| status.is_success()))
                    .map(Secret::expose_secret),
            };
            match rescued {
                Some(text) => Err(last_resort(&vault, text, &error).await.into()),
                None => Err(Box::<dyn StdError>::from(error)),
            }
        }
    };
    let ended = session.end().await;
    outcome?;
    println!("The password has been replaced; the new one is in {}.", path.display());
    Ok(ended?)
}

/// Recovers an earlier run. A run that was stopped may leave its claim for about 90 seconds.
async fn recover(thingspace: &ThingSpace, vault: &FileVault) -> Result<(), Box<dyn StdError>> {
    let path = vault.path();
    let VaultState::Pending(pending) = vault.load().await.map_err(|error| -> Box<dyn StdError> { error })? else {
        return Ok(());
    };
    let mut recovery = thingspace.recover_rotation(vault).await;
    for _ in 0..2 {
        if let Err(Error::LoginInProgress { .. }) = recovery {
            println!("Another process logs in. Waiting.");
            recovery = thingspace.recover_rotation(vault).await;
        }
    }
    let path = path.display();
    match recovery? {
        Recovery::OldPasswordValid => println!("An earlier rotation was interrupted: the old password still holds."),
        Recovery::NewPasswordLost => {
            let told = rescued(vault.path(), pending.since())?.map_or_else(
                || {
                    format!(
                        "An earlier rotation was interrupted after the password had been replaced, and the new one \
                         never arrived and is lost. Have Verizon set another, then move {path} away and start again"
                    )
                },
                |rescue| {
                    let rescue = rescue.display();
                    format!(
                        "An earlier rotation replaced the password, and the vault could not keep the new one: what came \
                         of it is in {rescue}. Move {path} away, start again with the password in there, and then \
                         remove {rescue}"
                    )
                },
            );
            return Err(told.into());
        }
        _ => {}
    }
    Ok(())
}

/// Writes the new password, which the vault did not save, to a file beside the vault.
async fn last_resort(vault: &FileVault, text: &str, error: &Error) -> String {
    let since = match vault.load().await {
        Ok(VaultState::Pending(pending)) => pending.since(),
        _ => SystemTime::now(),
    };
    let rescue = rescue_file(vault.path(), since);
    let why = error.source().map(ToString::to_string).unwrap_or_default();
    match write(&rescue, text) {
        Ok(_) => format!("{error} ({why}). It is in {}", rescue.display()),
        Err(problem) => format!(
            "{error} ({why}). It could not be kept in {} either ({problem}): it is lost. Have Verizon set another",
            rescue.display()
        ),
    }
}

/// The rescue file of a rotation that began at this time.
fn rescue_file(vault: &Path, since: SystemTime) -> PathBuf {
    beside(vault, &format!(".{}.rescue", milliseconds(since)))
}

/// The rescue file that a rotation left since this time. Ignores files of earlier rotations.
fn rescued(vault: &Path, since: SystemTime) -> io::Result<Option<PathBuf>> {
    let name = vault.file_name().and_then(OsStr::to_str).unwrap_or_default();
    for entry in fs::read_dir(directory(vault))? {
        let entry = entry?;
        let file = entry.file_name();
        let digits = file.to_str().and_then(|file| file.strip_prefix(name)?.strip_prefix('.')?.strip_suffix(".rescue"));
        let is_later = digits.and_then(|digits| digits.parse().ok()).is_some_and(|at: u128| at >= milliseconds(since));
        if is_later && entry.metadata()?.len() > 0 {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

fn milliseconds(time: SystemTime) -> u128 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a new file that only its owner can read, and syncs it against a power failure.
fn write(path: &Path, text: &str) -> io::Result<PathBuf> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()?;
    if cfg!(unix) {
        fs::File::open(directory(path))?.sync_all()?;
    }
    Ok(path.to_owned())
}
