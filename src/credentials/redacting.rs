//! Redacting deserializers.
//!
//! An error of serde quotes the value that it did not expect. In a configuration file that may be the secret itself: a
//! password of digits without quotes, or a secret in the place of the pair. The errors of this module name the field
//! instead.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IntoDeserializer as _, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

use super::Secret;

/// Reads a secret, which has to be a string.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    // Asked for a string, a format may convert a number, or quote it.
    let text = if deserializer.is_human_readable() {
        Value::deserialize(deserializer)?
    } else {
        String::deserialize(deserializer).map(Value::String)?
    };
    match text {
        Value::String(text) => Ok(Secret::from(text)),
        _ => Err(D::Error::custom("a secret has to be a string, in quotes")),
    }
}

/// Reads the fields of a type that holds a secret.
pub(crate) fn fields<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    named_fields(deserializer, |_| None)
}

/// The type of a field, for its error. `None` for a field whose own errors quote nothing.
type Expected = fn(&str) -> Option<&'static str>;

/// Reads the fields of a configuration.
pub(crate) fn named_fields<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    expected: Expected,
) -> Result<T, D::Error> {
    if deserializer.is_human_readable() {
        deserializer.deserialize_any(Fields(PhantomData, expected))
    } else {
        T::deserialize(deserializer)
    }
}

struct Fields<T>(PhantomData<T>, Expected);

/// A map whose errors begin with the name of the field.
struct Named<A> {
    inner: A,
    field: String,
    expected: Expected,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Named<A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        let Some(field) = self.inner.next_key::<String>()? else { return Ok(None) };
        self.field = field;
        seed.deserialize(self.field.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.inner.next_value_seed(seed).map_err(|error| match (self.expected)(&self.field) {
            Some(expected) => A::Error::custom(format_args!("`{}` has to be {expected}", self.field)),
            None => A::Error::custom(format_args!("`{}`: {error}", self.field)),
        })
    }
}

/// Rejects values of these types without quoting them.
macro_rules! refuse {
    ($($visit:ident: $type:ty),+ $(,)?) => {
        $(fn $visit<E: Error>(self, _: $type) -> Result<Self::Value, E> {
            Err(E::invalid_type(Unexpected::Other("a single value"), &self))
        })+
    };
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(Named { inner: map, field: String::new(), expected: self.1 }))
    }

    refuse! {
        visit_str: &str,
        visit_bool: bool,
        visit_i64: i64,
        visit_i128: i128,
        visit_u64: u64,
        visit_u128: u128,
        visit_f64: f64,
    }
}
