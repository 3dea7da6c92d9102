//! Rewrites a document in memory into a form that progenitor can generate correct code from. The file does not change.

mod choices;
mod families;
mod objects;
mod one_way;
mod open;
mod optional;
mod responses;
mod shapes;
mod texts;
mod titles;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub(crate) use texts::harmless;

/// The keys that a secret's schema keeps. The conversion to the secret type compares the whole schema: a `minLength`
/// beside `format: password` would yield a separate printable type.
const SECRET_KEYS: [&str; 6] = ["type", "format", "nullable", "title", "description", "example"];

/// Applies every change. Secrets become recognisable, and the errors of each operation get one type.
pub(crate) fn adapt(document: &mut Value) -> Result<(), String> {
    objects::each(document, &mut |object| {
        // The crate applies no defaults: it sends only what the caller sets, and returns what it received. typify also
        // generates wrong code for the default of a composition or a reference.
        object.remove("default");
        texts::plain(object);
    });
    families::split(document);
    choices::merge(document);
    open::close(document);
    titles::of_nullable(document);
    walk(document, "")?;
    responses::fold(document)?;
    one_way::properties(document);
    optional::properties(document);
    titles::unique(document)
}

fn walk(value: &mut Value, place: &str) -> Result<(), String> {
    match value {
        Value::Object(map) => {
            let format = map.get("format").and_then(Value::as_str).unwrap_or_default();
            if format.eq_ignore_ascii_case("password") {
                if format != "password" {
                    return Err(format!("{place}: format: {format} hides nothing: write format: password"));
                }
                secret(map, place)?;
            }
            if matches!(map.get("type").and_then(Value::as_str), Some("integer" | "number")) {
                // typify's code for such a type does not compile (`gen` is a keyword now). The type takes any number.
                map.remove("enum");
            }
            let is_above = map.get("exclusiveMinimum") == Some(&Value::Bool(true));
            let least =
                map.get("minimum").and_then(Value::as_f64).map(|least| if is_above { least + 1.0 } else { least });
            let is_one = least.is_some_and(|least| (least - 1.0).abs() < f64::EPSILON);
            if is_one && map.get("type").and_then(Value::as_str) == Some("integer") {
                // typify would generate a `NonZero`: callers could not pass a plain number, and a response with 0 would
                // not decode. The platform checks the bound.
                map.remove("minimum");
                map.remove("exclusiveMinimum");
            }
            if matches!(map.get("type").and_then(Value::as_str), Some("boolean" | "array" | "object")) {
                // typify has no code for a format of these types, and ignores unknown formats.
                map.remove("format");
            }
            for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
                // progenitor has no code for an exclusive bound without its value.
                if map.get(flag).is_some_and(Value::is_boolean) && !map.contains_key(bound) {
                    map.remove(flag);
                }
            }
            if let Some(values) = map.get_mut("enum").and_then(Value::as_array_mut) {
                // typify would generate two variants of the same name for a repeated value.
                let mut seen = BTreeSet::new();
                values.retain(|value| seen.insert(value.to_string()));
            }
            // An example is no schema. A property of this name is one.
            let is_schema = |key: &str| place.ends_with("/properties") || !["example", "examples"].contains(&key);
            for (key, inner) in map.iter_mut().filter(|(key, _)| is_schema(key)) {
                walk(inner, &format!("{place}/{key}"))?;
            }
            Ok(())
        }
        Value::Array(items) => {
            items.iter_mut().enumerate().try_for_each(|(index, inner)| walk(inner, &format!("{place}/{index}")))
        }
        _ => Ok(()),
    }
}

fn secret(map: &mut Map<String, Value>, place: &str) -> Result<(), String> {
    if map.get("type").and_then(Value::as_str) != Some("string") {
        return Err(format!("{place}: format: password belongs to a string: write type: string beside it"));
    }
    map.retain(|key, _| SECRET_KEYS.contains(&key.as_str()));
    Ok(())
}
