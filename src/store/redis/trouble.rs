//! What an error of the server, or of the way to it, means: whether it may pass, and what the operator has to do if it
//! does not.

use std::{error::Error as StdError, io, sync::Arc};

use redis::{ErrorKind, RedisError};

use crate::error::is_refused_by_tls;

/// What a server has to be.
const SERVER: &str = "use Redis from version 7.0 on, or Valkey";
/// What is to be checked about who logs in to the server.
const USER: &str = "check user and password in the URL";
/// Where the rights are listed.
const RIGHTS: &str = "give the user the rights that docs/fleet.md lists";

/// What failed. Text of the server is left out: it may quote what was sent, a password among it.
pub(super) fn what(error: &RedisError) -> String {
    match (code(error), error.kind()) {
        (Some(code), _) => format!("it answers {code}"),
        (None, ErrorKind::Io) if is_quoting(error) => "none of its nodes accepts the connection".to_owned(),
        (None, ErrorKind::Io) => error.to_string(),
        (None, _) => error.category().to_owned(),
    }
}

/// What to look at if an error that may pass does not.
pub(super) fn hint(error: &RedisError) -> &'static str {
    match (code(error), error.kind()) {
        (Some("OOM"), _) => "; give the server more memory",
        (Some("MISCONF"), _) => "; the log of the server says what it cannot write",
        (Some("READONLY"), _) => "; if it stays a replica, give the URL of the primary",
        (_, ErrorKind::MasterNameNotFoundBySentinel) => "; check the name in the URL",
        _ => "",
    }
}

/// What the operator has to do. Nothing, if the error may pass by itself.
pub(super) fn cure(error: &RedisError, is_cluster: bool) -> Option<String> {
    let text = match code(error) {
        Some("WRONGPASS" | "NOAUTH") => USER.to_owned(),
        Some("NOPERM") => RIGHTS.to_owned(),
        Some("DENIED") => "set a password on the server, which is in protected mode".to_owned(),
        Some("NOPROTO") => SERVER.to_owned(),
        // A cluster's client follows them until the nodes agree.
        Some("MOVED" | "ASK") if !is_cluster => "it is a node of a cluster; use RedisStore::cluster".to_owned(),
        Some("ERR") => return refused(error.detail().unwrap_or_default()),
        Some(_) => return None,
        None => return without_code(error),
    };
    Some(text)
}

/// What to do about a command that the server refuses.
fn refused(detail: &str) -> Option<String> {
    let text = if detail.contains("max number of clients") {
        return None;
    } else if detail.contains("DB index") {
        "check the number of the database in the URL".to_owned()
    } else if detail.contains("cluster support disabled") {
        "it is no cluster; use RedisStore::new".to_owned()
    } else if detail.contains("ACL failure") || detail.contains("No permission") {
        RIGHTS.to_owned()
    } else {
        format!("{SERVER}, and {RIGHTS}")
    };
    Some(text)
}

fn without_code(error: &RedisError) -> Option<String> {
    match error.kind() {
        ErrorKind::AuthenticationFailed => Some(USER.to_owned()),
        ErrorKind::RESP3NotSupported => Some(SERVER.to_owned()),
        ErrorKind::InvalidClientConfig | ErrorKind::EmptySentinelList | ErrorKind::Client => {
            Some("check the URL".to_owned())
        }
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => {
            Some(format!("check the address in the URL, and {SERVER}"))
        }
        ErrorKind::Io if is_quoting(error) => Some(SERVER.to_owned()),
        ErrorKind::Io => of_the_way(error),
        _ => None,
    }
}

/// What to do about a way to the server that is closed.
fn of_the_way(error: &RedisError) -> Option<String> {
    let tls = "check the host in the URL, the server's certificate, and that it speaks TLS";
    let Some(io) = io_error(error) else {
        // A cluster's client keeps the text of the last node's error alone.
        return error.detail().is_some_and(|text| text.contains("certificate")).then(|| tls.to_owned());
    };
    let text = match io.kind() {
        _ if is_refused_by_tls(io) => tls,
        io::ErrorKind::PermissionDenied => "give the user of this process the right to open the socket",
        io::ErrorKind::NotADirectory | io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => {
            "check the path of the socket in the URL"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn io_error(error: &RedisError) -> Option<&io::Error> {
    let inner: &Arc<dyn StdError + Send + Sync> = error.source()?.downcast_ref()?;
    inner.downcast_ref()
}

/// The server's code. A cluster's client puts that of the last node into a text.
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

/// Whether the text has what a server said of a command that it does not know: it quotes the arguments.
fn is_quoting(error: &RedisError) -> bool {
    error.detail().is_some_and(|text| text.contains("args beginning with"))
}
