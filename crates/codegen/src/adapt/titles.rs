//! Titles that typify would give to a second type.

mod unique;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::check::{COMPOSED, SCHEMAS, names::type_name};

pub(super) use unique::unique;

/// What may be null is a type with another one inside, and typify calls that one by the title of the schema, even where
/// another type has that name. Here it gets a name that nothing else has.
pub(super) fn of_nullable(document: &mut Value) {
    let schemas = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    let Some(schemas) = schemas else { return };
    let mut taken: BTreeSet<String> = schemas.keys().map(|name| type_name(name)).collect();
    let mut added = Vec::new();
    for (name, schema) in schemas.iter_mut() {
        let Some(map) = schema.as_object_mut().filter(|map| is_nullable(map)) else { continue };
        let inner = format!("{name}Inner");
        let numbered = (2_usize..).map(|number| format!("{inner}{number}"));
        let mut names = [inner.clone()].into_iter().chain(numbered);
        let free = names.find(|name| taken.insert(type_name(name))).unwrap_or_default();
        if COMPOSED.iter().any(|key| map.contains_key(*key)) {
            // A title would not do: the inner type would have the name of the outer one.
            map.remove("nullable");
            map.remove("title");
            let said = map.get("description").cloned().unwrap_or_else(|| "".into());
            let outer =
                json!({ "description": said, "nullable": true, "allOf": [{ "$ref": format!("{SCHEMAS}{free}") }] });
            added.push((free, std::mem::replace(schema, outer)));
        } else {
            map.insert("title".to_owned(), free.into());
        }
    }
    schemas.extend(added);
}

fn is_nullable(schema: &Map<String, Value>) -> bool {
    schema.get("nullable").and_then(Value::as_bool) == Some(true)
}
