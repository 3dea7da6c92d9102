//! Gives a unique title to each inline schema that becomes a type.
//!
//! typify names such a type after its title or its place. If the name is taken, typify silently uses the existing type.
//! This module assigns the name that typify would choose, and appends a number if another schema has it. Equal schemas
//! with one name remain one type.

use std::collections::{BTreeMap, BTreeSet};

use heck::{ToKebabCase, ToPascalCase, ToSnakeCase};
use serde_json::{Map, Value, json};

use super::{
    super::{
        super::check::{COMPOSED, METHODS, SCHEMAS, names::type_name},
        optional::target,
    },
    is_nullable,
};

/// Keys that do not affect the type of a value.
const WORDS: [&str; 8] =
    ["description", "title", "example", "externalDocs", "deprecated", "readOnly", "writeOnly", "xml"];
/// Keys that may stand around a named schema.
const AROUND: [&str; 5] = ["description", "nullable", "readOnly", "writeOnly", "deprecated"];
/// How many levels of parts are merged.
const MAX_DEPTH: usize = 16;
/// How many schemas are merged at most.
const MAX_SCHEMAS: usize = 100_000;

pub(in super::super) fn unique(document: &mut Value) -> Result<(), String> {
    let schemas = document.pointer("/components/schemas").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut names = Names {
        schemas: &schemas,
        seen: BTreeMap::new(),
        components: BTreeMap::new(),
        clash: None,
        merging: Vec::new(),
        endless: None,
        left: MAX_SCHEMAS,
    };
    for (name, schema) in &schemas {
        names.seen.insert(type_name(name), plain(schema, false));
        names.components.insert(type_name(name), name);
    }
    for (name, schema) in &schemas {
        names.reserve(name, schema);
    }
    if let Some(components) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        for (name, schema) in components.iter_mut() {
            names.component(name, schema);
        }
    }
    let components = document.get("components").cloned().unwrap_or_default();
    let items = document.get_mut("paths").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut);
    for item in items.filter_map(Value::as_object_mut) {
        let shared = own_parameters(item, &components);
        for method in METHODS {
            let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) else { continue };
            let Some(id) = operation.get("operationId").and_then(Value::as_str).map(str::to_owned) else { continue };
            names.operation(&id, operation, &shared, &components);
        }
    }
    if let Some(name) = names.endless {
        return Err(format!(
            "what several parts say of one property leads back to itself ({name}): let one part declare it"
        ));
    }
    match names.clash {
        Some(name) => Err(format!("two of its schemas become a type {name}: give one of them another name or title")),
        None => Ok(()),
    }
}

/// Takes the parameters that become types out of a path item, so that each operation gets its own copy.
fn own_parameters(item: &mut Map<String, Value>, components: &Value) -> Vec<Value> {
    let Some(parameters) = item.get_mut("parameters").and_then(Value::as_array_mut) else { return Vec::new() };
    let has_type = |parameter: &Value| {
        let schema = resolved(parameter, "parameters", components).and_then(|parameter| parameter.get("schema"));
        schema.is_some_and(leads_to_type)
    };
    let (own, kept) = std::mem::take(parameters).into_iter().partition(has_type);
    *parameters = kept;
    own
}

/// The component that a `$ref` refers to, or the value itself.
fn resolved<'v>(mut value: &'v Value, section: &str, components: &'v Value) -> Option<&'v Value> {
    for _ in 0..MAX_DEPTH {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else { return Some(value) };
        value = components.get(section)?.get(reference.rsplit('/').next()?)?;
    }
    None
}

struct Names<'v> {
    schemas: &'v Map<String, Value>,
    /// The schema of each type name.
    seen: BTreeMap<String, Value>,
    /// The components, by the names of their types.
    components: BTreeMap<String, &'v str>,
    /// A name of two types that cannot be renamed.
    clash: Option<String>,
    /// What is being merged, from the outside to the inside: the parts by their places in memory.
    merging: Vec<BTreeSet<*const Value>>,
    /// A property whose parts lead back to themselves.
    endless: Option<String>,
    /// How many merged schemas are still looked at: some lead back to themselves.
    left: usize,
}

/// The name of an inline schema.
enum Name {
    Title(String),
    /// The schema equals this component.
    Component(String),
}

impl Names<'_> {
    fn operation(&mut self, id: &str, operation: &mut Map<String, Value>, shared: &[Value], components: &Value) {
        let place = |parameter: &Value| {
            let parameter = resolved(parameter, "parameters", components)?;
            Some((parameter.get("name")?.as_str()?.to_owned(), parameter.get("in")?.as_str()?.to_owned()))
        };
        if !shared.is_empty() {
            let own = operation.entry("parameters").or_insert_with(|| json!([]));
            if let Some(own) = own.as_array_mut() {
                let known: Vec<_> = own.iter().filter_map(place).collect();
                own.extend(shared.iter().filter(|one| place(one).is_none_or(|at| !known.contains(&at))).cloned());
            }
        }
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            own(parameter, "parameters", components);
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            if let Some(schema) = parameter.get_mut("schema") {
                self.schema(&format!("{id}-{name}"), schema, false);
            }
        }
        if let Some(body) = operation.get_mut("requestBody") {
            own(body, "requestBodies", components);
            self.content(&format!("{id}-body"), body);
        }
        let responses = operation.get_mut("responses").and_then(Value::as_object_mut);
        for (_, response) in responses.into_iter().flatten().filter(|(status, _)| status.starts_with('2')) {
            own(response, "responses", components);
            self.content(&format!("{id}-response"), response);
        }
    }

    fn content(&mut self, name: &str, holder: &mut Value) {
        let content = holder.get_mut("content").and_then(Value::as_object_mut);
        for media in content.into_iter().flat_map(Map::values_mut) {
            if let Some(schema) = media.get_mut("schema") {
                self.schema(name, schema, false);
            }
        }
    }

    /// Registers the types within a component. The component keeps its name.
    fn component(&mut self, name: &str, schema: &mut Value) {
        let Some(map) = schema.as_object_mut().filter(|map| !map.contains_key("$ref")) else { return };
        let inner = if is_nullable(map) { format!("{name}Inner") } else { name.to_owned() };
        match alone(map) {
            // A component that wraps one part keeps its own name. The part's title does not apply.
            Some(part) => {
                if let Some(map) = part.as_object_mut().filter(|map| !map.contains_key("$ref")) {
                    self.within(&inner, map);
                }
            }
            None => self.within(&inner, map),
        }
    }

    /// Names an inline schema. A title on one of several variants would rename the variant.
    fn schema(&mut self, place: &str, schema: &mut Value, is_variant: bool) {
        let Some(map) = schema.as_object_mut().filter(|map| !map.contains_key("$ref")) else { return };
        if let Some(part) = alone(map) {
            self.schema(place, part, is_variant);
            return;
        }
        if is_nullable(map) && COMPOSED.iter().any(|key| map.contains_key(*key)) {
            // typify ignores a title beside `nullable`.
            let (outer, inner): (Map<_, _>, Map<_, _>) =
                std::mem::take(map).into_iter().partition(|(key, _)| AROUND.contains(&key.as_str()));
            *map = outer;
            let mut inner = Value::Object(inner);
            self.schema(place, &mut inner, is_variant);
            map.insert("allOf".to_owned(), json!([inner]));
            return;
        }
        let title = map.get("title").and_then(Value::as_str).filter(|title| !title.is_empty());
        let natural = title.unwrap_or(place).to_owned();
        let mut name = natural.clone();
        if becomes_type(map) {
            self.reserve(&natural, &Value::Object(map.clone()));
            match self.free(&natural, &plain_map(map, true)) {
                Name::Component(component) => {
                    map.retain(|key, _| AROUND.contains(&key.as_str()));
                    map.insert("allOf".to_owned(), json!([{ "$ref": format!("{SCHEMAS}{component}") }]));
                    return;
                }
                Name::Title(free) => {
                    let is_known = title.is_some_and(|title| type_name(title) == free);
                    if !(is_known || is_variant && free == type_name(&natural)) {
                        titled(map, &free);
                    }
                    name = free;
                }
            }
        }
        self.within(&name, map);
    }

    /// Names the schemas inside a schema of this name.
    fn within(&mut self, name: &str, map: &mut Map<String, Value>) {
        let has_fields = map.get("properties").and_then(Value::as_object).is_some_and(|fields| !fields.is_empty());
        for (property, schema) in map.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
            self.schema(&of_property(name, property), schema, false);
        }
        if let Some(items) = map.get_mut("items") {
            self.schema(&format!("{name}Item"), items, false);
        }
        if let Some(rest) = map.get_mut("additionalProperties") {
            self.schema(&of_rest(name, has_fields), rest, false);
        }
        for part in map.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(part) = part.as_object_mut().filter(|part| !part.contains_key("$ref")) {
                self.within(name, part);
            }
        }
        for key in ["oneOf", "anyOf"] {
            let Some(choices) = map.get_mut(key).and_then(Value::as_array_mut) else { continue };
            for (variant, choice) in variants(choices).into_iter().zip(choices.iter_mut()) {
                let name = format!("{name}_{variant}");
                let is_struct = |map: &&mut Map<String, Value>| {
                    map.contains_key("properties") && COMPOSED.iter().all(|key| !map.contains_key(*key))
                };
                match choice.as_object_mut().filter(is_struct) {
                    Some(fields) => self.within(&name, fields),
                    None => self.schema(&name, choice, true),
                }
            }
        }
    }

    /// The first variation of a name that no other schema has.
    fn free(&mut self, natural: &str, content: &Value) -> Name {
        let numbered = (2_usize..).map(|number| format!("{natural}{number}"));
        for name in [natural.to_owned()].into_iter().chain(numbered) {
            let rust = type_name(&name);
            match self.seen.get(&rust) {
                None => {
                    self.seen.insert(rust.clone(), content.clone());
                    return Name::Title(rust);
                }
                Some(known) if known == content => {
                    let component = self.components.get(&rust).map(|name| Name::Component((*name).to_owned()));
                    return component.unwrap_or(Name::Title(rust));
                }
                Some(_) => {}
            }
        }
        Name::Title(type_name(natural))
    }

    /// Reserves the names inside merged parts: typify ignores the title of a part.
    fn reserve(&mut self, name: &str, schema: &Value) {
        let schemas = self.schemas;
        let parts = parts(schema, schemas);
        if parts.len() > 1 {
            self.inside_merged(name, &parts, 0);
        }
    }

    fn inside_merged(&mut self, name: &str, parts: &[&Value], depth: usize) {
        let mut properties: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
        for (property, schema) in parts.iter().filter_map(|part| part.get("properties")?.as_object()).flatten() {
            properties.entry(property).or_default().push(schema);
        }
        let has_fields = !properties.is_empty();
        for (property, sources) in properties {
            self.merged(&of_property(name, property), &sources, depth);
        }
        for (key, name) in [("items", format!("{name}Item")), ("additionalProperties", of_rest(name, has_fields))] {
            let sources: Vec<&Value> = parts.iter().filter_map(|part| part.get(key)).collect();
            self.merged(&name, &sources, depth);
        }
    }

    fn merged(&mut self, name: &str, sources: &[&Value], depth: usize) {
        let (schemas, [first, rest @ ..]) = (self.schemas, sources) else { return };
        let is_reference =
            first.get("$ref").is_some() && rest.iter().all(|source| source.get("$ref") == first.get("$ref"));
        if rest.is_empty() || is_reference || depth > MAX_DEPTH || self.left == 0 {
            return;
        }
        self.left -= 1;
        let parts: Vec<&Value> = sources.iter().flat_map(|source| parts(source, schemas)).collect();
        let whole: BTreeSet<*const Value> = parts.iter().map(|part| std::ptr::from_ref(*part)).collect();
        // The generator would merge these parts again, without end.
        if self.merging.contains(&whole) {
            self.endless.get_or_insert_with(|| name.chars().take(80).collect());
            return;
        }
        self.merging.push(whole);
        if parts.iter().filter_map(|part| part.as_object()).any(becomes_type) {
            let content: Value = parts.iter().map(|part| plain(part, true)).collect();
            let of = type_name(name);
            match self.seen.get(&of) {
                Some(known) if *known != content && self.clash.is_none() => self.clash = Some(of),
                Some(_) => {}
                None => drop(self.seen.insert(of, content)),
            }
        }
        self.inside_merged(name, &parts, depth + 1);
        self.merging.pop();
    }
}

/// Replaces a reference by a copy of its component, if the component leads to an unnamed type.
fn own(value: &mut Value, section: &str, components: &Value) {
    if value.get("$ref").is_none() {
        return;
    }
    let Some(found) = resolved(value, section, components) else { return };
    let content = found.get("content").and_then(Value::as_object).into_iter().flat_map(Map::values);
    if content.chain([found]).filter_map(|holder| holder.get("schema")).any(leads_to_type) {
        *value = found.clone();
    }
}

/// Whether typify makes an unnamed type of a schema or of a schema inside it.
fn leads_to_type(schema: &Value) -> bool {
    let Some(map) = schema.as_object() else { return false };
    becomes_type(map)
        || ["items", "additionalProperties"].iter().filter_map(|key| map.get(*key)).any(leads_to_type)
        || COMPOSED.iter().filter_map(|key| map.get(*key)?.as_array()).flatten().any(leads_to_type)
}

/// Whether typify makes a named type of a schema.
fn becomes_type(map: &Map<String, Value>) -> bool {
    let is_text = map.get("type").is_some_and(|of| of == "string") && !map.contains_key("format");
    let parts = COMPOSED.iter().filter_map(|key| map.get(*key)?.as_array()).flatten().collect::<Vec<_>>();
    map.contains_key("properties")
        || map.contains_key("enum")
        || is_text && ["minLength", "maxLength", "pattern"].iter().any(|key| map.contains_key(*key))
        || !parts.is_empty() && !matches!(parts.as_slice(), [part] if part.get("$ref").is_some())
}

/// The only part of a schema that wraps exactly one other schema.
fn alone(map: &mut Map<String, Value>) -> Option<&mut Value> {
    let key = COMPOSED.into_iter().find(|key| map.contains_key(*key))?;
    let is_word = |other: &String| {
        other == key || other == "nullable" || WORDS.contains(&other.as_str()) || other.starts_with("x-")
    };
    if !map.keys().all(is_word) {
        return None;
    }
    match map.get_mut(key)?.as_array_mut()?.as_mut_slice() {
        [part] => Some(part),
        _ => None,
    }
}

/// Sets the title of a schema. typify would ignore a title beside an `allOf` with further keys.
fn titled(map: &mut Map<String, Value>, title: &str) {
    let is_word = |key: &str| key == "nullable" || WORDS.contains(&key) || key.starts_with("x-");
    let keys: Vec<&str> = map.keys().map(String::as_str).filter(|key| !is_word(key)).collect();
    if keys.len() > 1 && keys.contains(&"allOf") && !keys.contains(&"oneOf") && !keys.contains(&"anyOf") {
        let own: Map<String, Value> = std::mem::take(map);
        let (words, own): (Map<_, _>, Map<_, _>) = own.into_iter().partition(|(key, _)| is_word(key));
        let (parts, own): (Map<_, _>, Map<_, _>) = own.into_iter().partition(|(key, _)| key == "allOf");
        let mut parts: Vec<Value> = parts.get("allOf").and_then(Value::as_array).cloned().unwrap_or_default();
        parts.push(Value::Object(own));
        *map = words;
        map.insert("allOf".to_owned(), parts.into());
    }
    map.insert("title".to_owned(), title.into());
}

/// A schema and all its `allOf` parts, each once.
fn parts<'v>(schema: &'v Value, schemas: &'v Map<String, Value>) -> Vec<&'v Value> {
    let (mut found, mut seen, mut next) = (Vec::new(), BTreeSet::new(), vec![schema]);
    while let Some(schema) = next.pop() {
        if let Some(schema) = target(schema, schemas).filter(|schema| seen.insert(std::ptr::from_ref(*schema))) {
            found.push(schema);
            next.extend(schema.get("allOf").and_then(Value::as_array).into_iter().flatten().rev());
        }
    }
    found
}

fn of_property(name: &str, property: &str) -> String {
    format!("{name}_{}", property.to_snake_case())
}

fn of_rest(name: &str, has_fields: bool) -> String {
    format!("{name}{}", if has_fields { "_extraValue" } else { "Value" })
}

/// The names that typify gives to the variants of a choice.
fn variants(choices: &[Value]) -> Vec<String> {
    let numbered = || (0..choices.len()).map(|index| format!("Variant{index}")).collect();
    let Some(names) = choices.iter().map(named).collect::<Option<Vec<String>>>() else { return numbered() };
    let are_apart = names.iter().collect::<BTreeSet<_>>().len() == names.len();
    let common = |left: String, right: String| {
        let (left, right) = (left.to_kebab_case(), right.to_kebab_case());
        let same = left.split('-').zip(right.split('-')).take_while(|(left, right)| left == right);
        same.map(|(word, _)| word).collect::<Vec<_>>().join("-").to_pascal_case()
    };
    let prefix = names.iter().cloned().reduce(common).unwrap_or_default();
    let names: Vec<String> = names.iter().map(|name| name.get(prefix.len()..).unwrap_or_default().to_owned()).collect();
    if are_apart && names.iter().all(|name| !name.is_empty()) { names } else { numbered() }
}

fn named(choice: &Value) -> Option<String> {
    let map = choice.as_object()?;
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    let parts = COMPOSED.iter().find_map(|key| map.get(*key)?.as_array());
    let name = match (text("$ref"), text("title"), parts.map(Vec::as_slice)) {
        (Some(reference), ..) => reference.rsplit('/').next()?.to_owned(),
        (_, Some(title), _) => title.to_owned(),
        (.., Some([part])) => return named(part),
        (.., Some(_)) => return None,
        _ => text("format").or_else(|| text("type"))?.to_pascal_case(),
    };
    Some(type_name(&name))
}

/// Removes from a schema the keys that do not affect its type. At the top, `nullable` is removed too.
fn plain(schema: &Value, is_top: bool) -> Value {
    match schema {
        Value::Object(map) => plain_map(map, is_top),
        other => other.clone(),
    }
}

fn plain_map(map: &Map<String, Value>, is_top: bool) -> Value {
    let mut kept = Map::new();
    for (key, inner) in map {
        if WORDS.contains(&key.as_str()) || key.starts_with("x-") || is_top && key == "nullable" {
            continue;
        }
        match inner {
            Value::Object(fields) if key == "properties" => {
                let fields = fields.iter().map(|(name, field)| (name.clone(), of_field(field)));
                kept.insert(key.clone(), Value::Object(fields.collect()));
            }
            Value::Object(inner) => drop(kept.insert(key.clone(), plain_map(inner, false))),
            Value::Array(items) => {
                kept.insert(key.clone(), items.iter().map(|item| plain(item, false)).collect());
            }
            other => drop(kept.insert(key.clone(), other.clone())),
        }
    }
    Value::Object(kept)
}

/// A marker in the description of a field determines how null is decoded.
fn of_field(field: &Value) -> Value {
    let mut plain = plain(field, false);
    let mark = field.get("description").and_then(Value::as_str).and_then(|text| text.chars().next());
    let mark = mark.filter(|mark| ['\u{e000}', '\u{e001}'].contains(mark));
    if let (Some(map), Some(mark)) = (plain.as_object_mut(), mark) {
        map.insert("description".to_owned(), mark.to_string().into());
    }
    plain
}
