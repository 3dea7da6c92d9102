//! Reading secrets without quoting them.
//!
//! serde's own errors say what was found where something else was expected. In a file that somebody has written by hand
//! that may be the secret itself: a password of digits without quotes, or a secret in the place of the whole pair.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};

use super::Secret;

/// Refuses values of these types and does not say which they were.
macro_rules! refuse {
    ($($visit:ident: $type:ty),+ $(,)?) => {
        $(fn $visit<E: Error>(self, _: $type) -> Result<Self::Value, E> {
            Err(E::invalid_type(Unexpected::Other("a value that is no text"), &self))
        })+
    };
    (numbers) => {
        refuse! {
            visit_bool: bool,
            visit_i64: i64,
            visit_i128: i128,
            visit_u64: u64,
            visit_u128: u128,
            visit_f64: f64,
        }
    };
}

/// A secret, which has to be a text.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    // Asked for a text, some formats would make the error by themselves.
    if deserializer.is_human_readable() {
        deserializer.deserialize_any(Text)
    } else {
        deserializer.deserialize_string(Text)
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Secret;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::from(text))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Secret, E> {
        Ok(Secret::from(text))
    }

    refuse!(numbers);
}

/// The fields of something that has a secret in it.
pub(crate) fn fields<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    if deserializer.is_human_readable() {
        deserializer.deserialize_any(Fields(PhantomData))
    } else {
        T::deserialize(deserializer)
    }
}

struct Fields<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("fields with names")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }

    refuse!(visit_str: &str);
    refuse!(numbers);
}
