//! Replaces the password of the account and keeps the new one in a vault; run again after a crash, it resolves what
//! happened and says so.
//!
//! ```text
//! cargo run --example rotate_password -- --vault PATH
//! ```
//!
//! The platform and the account are those of `THINGSPACE_BASE_URL` (production if unset), `THINGSPACE_KEY`,
//! `THINGSPACE_SECRET`, `THINGSPACE_USERNAME` and `THINGSPACE_PASSWORD`; once the vault holds a password, that one is
//! used. Beside the vault, `PATH.sessions` keeps the session and the count of failed logins. Prints no secret, and exits with 1 if the password was not replaced.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "telling is what an example is for")]

use std::{env, error::Error as StdError, process::ExitCode};

use thingspace_session::{
    Credentials, Error, FileStore, FileVault, ThingSpaceBuilder,
    rotation::{PasswordVault, Resolution, VaultState},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
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

async fn run() -> Result<(), Box<dyn StdError>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [option, path] = &arguments[..] else { return Err("usage: rotate_password --vault PATH".into()) };
    if option != "--vault" {
        return Err("usage: rotate_password --vault PATH".into());
    }
    // The count of failed logins outlives this process: however often it is started with a dead password, it tries that
    // once.
    let thingspace = ThingSpaceBuilder::from_env()?.store(FileStore::new(format!("{path}.sessions"))).build()?;
    let vault = FileVault::new(path);

    match thingspace.resolve_rotation(&vault).await? {
        Resolution::OldHolds => println!("An earlier rotation was interrupted: the old password still holds."),
        Resolution::Lost => {
            let rescue = format!("{path}.rescue");
            if std::path::Path::new(&rescue).exists() {
                return Err(format!(
                    "An earlier rotation replaced the password, and the vault could not keep the new one: it is in \
                     {rescue}. Move {path} away, start again with that password, and then remove {rescue}"
                )
                .into());
            }
            return Err(format!(
                "An earlier rotation was interrupted after the password had been replaced, and the new one never \
                 arrived: nobody has it. Have Verizon set another, then move {path} away and start again"
            )
            .into());
        }
        _ => {}
    }
    let state = vault.state().await.map_err(|error| -> Box<dyn StdError> { error })?;
    let session = match state {
        VaultState::Settled(_) => thingspace.start_session(vault.clone()).await?,
        _ => thingspace.start_session(Credentials::from_env()?).await?,
    };
    let outcome = match session.rotate_password(&vault).await {
        // The session had died; nothing was reset.
        Err(Error::SessionRenewed) => session.rotate_password(&vault).await,
        outcome => outcome,
    };
    let outcome = match outcome {
        Err(Error::PasswordNotKept { password, source }) => Err(last_resort(path, &password, &*source).into()),
        outcome => outcome.map_err(Box::<dyn StdError>::from),
    };
    let ended = session.end().await;
    outcome?;
    println!("The password has been replaced; the new one is in {path}.");
    Ok(ended?)
}

/// The vault took everything but the new password: it goes into a file beside it.
fn last_resort(path: &str, password: &thingspace_session::Password, source: &dyn StdError) -> String {
    let rescue = format!("{path}.rescue");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&rescue).and_then(|mut file| {
        std::io::Write::write_all(&mut file, password.expose_secret().as_bytes())?;
        file.sync_all()
    });
    match written {
        Ok(()) => format!("The password was replaced, but {path} could not keep it ({source}): it is in {rescue}"),
        Err(error) => format!(
            "The password was replaced, and neither {path} ({source}) nor {rescue} ({error}) could keep the new one: it \
             is lost. Have Verizon set another"
        ),
    }
}
