//! Replaces titles that typify would use for a second type.

mod unique;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::check::{COMPOSED, SCHEMAS, names::type_name};

pub(super) use unique::unique;

/// typify makes an outer and an inner type of a nullable schema. It names the inner type by the title, even if another
/// type has that name. This function gives the inner type a free name.
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
            // With a title, the inner type would get the name of the outer one.
            map.remove("nullable");
            map.remove("title");
            let text = map.get("description").cloned().unwrap_or_else(|| "".into());
            let outer =
                json!({ "description": text, "nullable": true, "allOf": [{ "$ref": format!("{SCHEMAS}{free}") }] });
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
