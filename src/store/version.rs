//! The name of one write.

use std::{fmt, str::FromStr};

/// Names one write of a value. The crate draws it at random, so that no two writes have the same one.
///
/// It prints as 32 lowercase hexadecimal digits and is read back from them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Version(u128);

debug!(Version, |this| "Version({this})");

impl Version {
    /// A version that no other write has.
    #[must_use]
    pub fn random() -> Self {
        Self(random())
    }
}

/// 128 random bits. They have to be unique, not secret: without the system's source a weaker one will do.
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

/// The text is no version: it does not have 32 lowercase hexadecimal digits.
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
