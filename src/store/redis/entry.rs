//! What is kept of an account: the fields of its hash, and the record that they make.
//!
//! The server applies the rules of a lease and of a session to names and numbers; what a record holds it does not read.

use std::{
    collections::HashMap,
    fmt::Write as _,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::seal::Seal;
use crate::{
    SessionToken,
    guard::Guard,
    store::{Record, StoredSession},
};

/// What a hash may hold. A field that is none of these was written by somebody else, or by a version that knows more.
const FIELDS: [&str; 11] =
    ["version", "fence", "holder", "until", "term", "writer", "written", "guard", "session", "id", "used"];

/// The fields of a hash, as the server gives them.
pub(super) type Fields = HashMap<String, Vec<u8>>;

/// The arguments that make a record.
pub(super) struct Entry {
    pub(super) guard: Vec<u8>,
    /// The token, its identity and its last use.
    pub(super) session: Option<(Vec<u8>, String, String)>,
}

impl Entry {
    pub(super) fn new(record: &Record, key: &str, seal: &Seal) -> Result<Self, String> {
        let guard = close(&record.guard, "guard", key, seal)?;
        let session = record.session.as_ref().map(|session| {
            let used = digits(session.used_at)
                .ok_or("a time of use before 1970 cannot be kept; set the clock of this machine")?;
            Ok::<_, String>((close(&session.token, "session", key, seal)?, identity(key, &session.token), used))
        });
        Ok(Self { guard, session: session.transpose()? })
    }
}

/// The record that these fields make; or what is wrong with them, without quoting them.
pub(super) fn record(fields: &Fields, key: &str, seal: &Seal) -> Result<Record, String> {
    if let Some(unknown) = fields.keys().find(|field| !FIELDS.contains(&field.as_str())) {
        let length = unknown.len();
        return Err(format!(
            "it has a field, of {length} bytes, that this version of thingspace-session does not know"
        ));
    }
    let guard = match fields.get("guard") {
        Some(stored) => open(stored, "guard", key, seal)?,
        None if fields.contains_key("writer") => return Err("its field guard is missing".to_owned()),
        None => Guard::default(),
    };
    let session = match (fields.get("session"), fields.get("id"), fields.get("used")) {
        (None, None, None) => None,
        (Some(stored), Some(id), Some(used)) => {
            let token: SessionToken = open(stored, "session", key, seal)?;
            let used_at = time(used).filter(|_| identity(key, &token).as_bytes() == *id);
            Some(StoredSession { token, used_at: used_at.ok_or("its fields id or used do not fit its session")? })
        }
        _ => return Err("one of its fields session, id and used is missing".to_owned()),
    };
    Ok(Record { session, guard })
}

fn close(value: &impl Serialize, field: &str, key: &str, seal: &Seal) -> Result<Vec<u8>, String> {
    let text = serde_json::to_vec(value).map(Zeroizing::new).map_err(|error| error.to_string())?;
    seal.close(&place(key, field), &text)
}

fn open<T: DeserializeOwned>(stored: &[u8], field: &str, key: &str, seal: &Seal) -> Result<T, String> {
    let text = seal.open(&place(key, field), stored).map_err(|problem| format!("its field {field}: {problem}"))?;
    // The error's own text may quote what was found, and that may be a token.
    serde_json::from_slice(&text).map_err(|_| format!("its field {field} is damaged"))
}

fn place(key: &str, field: &str) -> String {
    format!("{key} {field}")
}

/// What a session is known by, which does not tell its token.
pub(super) fn identity(key: &str, token: &SessionToken) -> String {
    let hash = Sha256::new().chain_update(key).chain_update([0]).chain_update(token.expose_secret()).finalize();
    hash.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Nanoseconds since 1970 in twenty digits, whose order is that of the times.
pub(super) fn digits(time: SystemTime) -> Option<String> {
    let since = u64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_nanos()).ok()?;
    Some(format!("{since:020}"))
}

fn time(digits: &[u8]) -> Option<SystemTime> {
    let since = std::str::from_utf8(digits).ok().filter(|digits| digits.len() == 20)?.parse().ok()?;
    UNIX_EPOCH.checked_add(Duration::from_nanos(since))
}
