//! Explains an error of the server or of the connection: whether it may be temporary, or the operator's next step.

use std::{error::Error as StdError, io, sync::Arc};

use redis::{ErrorKind, RedisError};

/// The next step if the server is not supported.
const SERVER: &str = "use Redis from version 7.0 on, or Valkey";
/// The next step if the server rejects the user.
const USER: &str = "check user and password in the URL";
/// The next step if the user lacks a right.
const RIGHTS: &str = "give the user the rights that docs/fleet.md lists";

/// The next step if the server does not know a command, or rejects it.
const SERVER_OR_RIGHTS: &str =
    "use Redis from version 7.0 on, or Valkey, and give the user the rights that docs/fleet.md lists";

/// What failed, without the server's text, which may quote a command with a password.
pub(crate) fn what(error: &RedisError) -> String {
    match (code(error), error.kind()) {
        (Some(code), _) => format!("it answers {code}"),
        (None, ErrorKind::Io) if is_quoting(error) => "none of its nodes accepts the connection".to_owned(),
        (None, ErrorKind::Io) => error.to_string(),
        (None, _) => error.category().to_owned(),
    }
}

/// What to check if a temporary error persists.
pub(crate) fn hint(error: &RedisError) -> &'static str {
    match (code(error), error.kind()) {
        (Some("OOM"), _) => "; give the server more memory",
        (Some("MISCONF"), _) => "; the log of the server says what it cannot write",
        (Some("NOREPLICAS"), _) => "; fewer replicas have the last writes than it needs: see that they are connected",
        (Some("READONLY"), _) => "; if it stays a replica, give the URL of the primary",
        (_, ErrorKind::MasterNameNotFoundBySentinel) => "; check the name in the URL",
        _ => "",
    }
}

/// The operator's next step, or `None` if the error may be temporary.
pub(crate) fn cure(error: &RedisError, is_cluster: bool) -> Option<&'static str> {
    match code(error) {
        Some("WRONGPASS" | "NOAUTH") => Some(USER),
        Some("NOPERM") => Some(RIGHTS),
        Some("DENIED") => Some("set a password on the server, which is in protected mode"),
        Some("NOPROTO") => Some(SERVER),
        // The client of a cluster follows these redirections until the nodes agree.
        Some("MOVED" | "ASK") if !is_cluster => Some("it is a node of a cluster; use RedisStore::cluster"),
        Some("ERR") => refused(error.detail().unwrap_or_default()),
        Some(_) => None,
        None => without_code(error),
    }
}

/// The next step if the server rejects a command.
fn refused(detail: &str) -> Option<&'static str> {
    const CURES: [(&str, Option<&str>); 5] = [
        ("max number of clients", None),
        ("DB index", Some("check the number of the database in the URL")),
        ("cluster support disabled", Some("it is not a cluster; use RedisStore::new")),
        ("ACL failure", Some(RIGHTS)),
        ("No permission", Some(RIGHTS)),
    ];
    let known = CURES.iter().find(|(text, _)| detail.contains(text));
    known.map_or(Some(SERVER_OR_RIGHTS), |(_, cure)| *cure)
}

fn without_code(error: &RedisError) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::AuthenticationFailed => Some(USER),
        ErrorKind::RESP3NotSupported => Some(SERVER),
        ErrorKind::InvalidClientConfig | ErrorKind::EmptySentinelList | ErrorKind::Client => Some("check the URL"),
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => {
            Some("check the address in the URL, and use Redis from version 7.0 on, or Valkey")
        }
        ErrorKind::Io if is_quoting(error) => Some(SERVER),
        ErrorKind::Io => of_the_connection(error),
        _ => None,
    }
}

/// The next step if the connection cannot be established.
fn of_the_connection(error: &RedisError) -> Option<&'static str> {
    let tls = "check the host in the URL, the server's certificate, and that it speaks TLS";
    let Some(io) = io_error(error) else {
        // The client of a cluster keeps only the text of the last node's error.
        return error.detail().is_some_and(|text| text.contains("certificate")).then_some(tls);
    };
    match io.kind() {
        #[cfg(feature = "rustls-no-provider")]
        _ if is_refused_by_tls(io) => Some(tls),
        io::ErrorKind::PermissionDenied => Some("give the user of this process the right to open the socket"),
        io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => {
            Some("check the path of the socket in the URL")
        }
        _ => None,
    }
}

/// Whether the two sides cannot agree on TLS. Connecting again does not help.
#[cfg(feature = "rustls-no-provider")]
fn is_refused_by_tls(error: &io::Error) -> bool {
    use rustls::{AlertDescription, Error};

    // `source` of an I/O error skips the error that it wraps.
    let inner = error.get_ref().map(|inner| inner as &(dyn StdError + 'static));
    let mut errors = std::iter::successors(inner, |&error| match error.downcast_ref::<io::Error>() {
        Some(error) => error.get_ref().map(|inner| inner as _),
        None => error.source(),
    });
    match errors.find_map(<dyn StdError>::downcast_ref::<Error>) {
        // The other side failed, and the next connection may succeed.
        Some(Error::AlertReceived(description)) => *description != AlertDescription::InternalError,
        found => {
            matches!(found, Some(Error::InvalidCertificate(_) | Error::InvalidMessage(_) | Error::PeerIncompatible(_)))
        }
    }
}

fn io_error(error: &RedisError) -> Option<&io::Error> {
    let inner: &Arc<dyn StdError + Send + Sync> = error.source()?.downcast_ref()?;
    inner.downcast_ref()
}

/// The server's code. The client of a cluster returns the last node's code only within a text.
fn code(error: &RedisError) -> Option<&str> {
    const WRITTEN: [(&str, &str); 5] = [
        ("\"WRONGPASS\"", "WRONGPASS"),
        ("\"NOAUTH\"", "NOAUTH"),
        ("\"DENIED\"", "DENIED"),
        ("NoPerm: ", "NOPERM"),
        ("AuthenticationFailed", "WRONGPASS"),
    ];
    let written = || {
        let detail = error.detail().filter(|_| error.kind() == ErrorKind::Io)?;
        WRITTEN.iter().find(|(text, _)| detail.contains(text)).map(|(_, code)| *code)
    };
    error.code().or_else(written)
}

/// Whether the text is a server's response to an unknown command, which quotes the arguments.
fn is_quoting(error: &RedisError) -> bool {
    error.detail().is_some_and(|text| text.contains("args beginning with"))
}
