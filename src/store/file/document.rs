//! The content of the file: a value for each account.

use std::collections::BTreeMap;

use base64::{Engine as _, display::Base64Display, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use zeroize::Zeroizing;

use crate::store::{
    StoreError, Value, Version,
    disk::{Disk, FORMAT},
};

/// The next step if the file is damaged.
const ADVICE: &str = "it holds the count of failed logins, so no login is sent without it; make sure that the account is \
                      not locked and the password is right, then move the file away and call reset_login_guard";

/// The whole file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    version: u64,
    /// By `Account::id`.
    accounts: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(serialize_with = "as_digits", deserialize_with = "from_digits")]
    version: Version,
    #[serde(serialize_with = "as_base64", deserialize_with = "from_base64")]
    value: Zeroizing<Vec<u8>>,
}

impl Document {
    /// The content of the file; empty if there is no file.
    pub(super) fn read(disk: &Disk) -> Result<Self, StoreError> {
        Ok(disk.read(ADVICE)?.unwrap_or_else(|| Self { version: FORMAT, accounts: BTreeMap::new() }))
    }

    /// An upper bound of the length of the text in bytes: six for each byte of a name, four for each three of a value.
    pub(super) fn longest(&self) -> usize {
        let entry = |(name, entry): (&String, &Entry)| 128 + name.len() * 6 + entry.value.len() * 4 / 3;
        64 + self.accounts.iter().map(entry).sum::<usize>()
    }

    pub(super) fn version(&self, account: &str) -> Option<Version> {
        self.accounts.get(account).map(|entry| entry.version)
    }

    pub(super) fn take(mut self, account: &str) -> Option<Value> {
        let mut entry = self.accounts.remove(account)?;
        Some(Value::new(entry.version, std::mem::take(&mut *entry.value)))
    }

    pub(super) fn put(&mut self, account: String, value: &Value) {
        let value = Entry { version: value.version, value: Zeroizing::new(value.bytes().to_vec()) };
        self.accounts.insert(account, value);
    }
}

fn as_digits<S: Serializer>(version: &Version, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(version)
}

fn from_digits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Version, D::Error> {
    <&str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

/// Makes no copy of the text, which holds the session token.
fn as_base64<S: Serializer>(value: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Base64Display::new(value, &BASE64_STANDARD))
}

fn from_base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<Vec<u8>>, D::Error> {
    let text = <&str>::deserialize(deserializer)?;
    BASE64_STANDARD.decode(text).map(Zeroizing::new).map_err(|_| D::Error::custom("no Base64"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn no_text_is_longer_than_its_buffer() {
        let mut document = Document { version: FORMAT, accounts: BTreeMap::new() };
        for length in [0, 1, 2, 3, 1000] {
            document.put("\0".repeat(length), &Value::new(Version::random(), vec![255; length]));
            assert!(serde_json::to_vec(&document).unwrap().len() < document.longest());
        }
    }
}
