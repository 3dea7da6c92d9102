//! The version of a value, which identifies one write.

use std::{fmt, str::FromStr};

/// Identifies one write of a value. The crate draws it at random, so that it is unique.
///
/// Its text has 32 lowercase hexadecimal digits, in both directions.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version(u128);

debug!(Version, |this| "Version({this})");

impl Version {
    /// A new, unique version.
    #[must_use]
    pub fn random() -> Self {
        Self(random())
    }
}

/// 128 random bits. They must be unique, not secret, so a weaker source is enough if the operating system's fails.
pub(crate) fn random() -> u128 {
    let mut bytes = [0; 16];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u128::from_be_bytes(bytes),
        Err(_) => fastrand::u128(..),
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

/// The error for a text that does not have 32 lowercase hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version has 32 lowercase hexadecimal digits")]
pub struct VersionError;

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        if text.len() != 32 || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(VersionError);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| VersionError)
    }
}
