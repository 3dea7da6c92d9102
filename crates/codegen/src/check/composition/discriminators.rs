//! Checks the discriminators of choices and of inheritance.

use std::collections::BTreeMap;

use super::super::{
    super::{
        families::Flaw,
        finding::{Finding, Level, Place},
        load::{Entry, Node},
    },
    Context,
    shape::Shape,
};

pub(super) fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    // The discriminators of components, with the name of the component.
    let mut components: BTreeMap<Place, &str> = BTreeMap::new();
    for (name, entry) in context.document.pointer("/components/schemas").into_iter().flat_map(Node::entries) {
        let Some(entry) = inner(&entry.value, 0) else { continue };
        components.insert(entry.key, name);
    }
    for schema in context.objects.all(Shape::Schema) {
        let Some(entry) = schema.entry("discriminator") else { continue };
        if ["oneOf", "anyOf"].iter().any(|key| schema.get(key).is_some()) {
            // The schemas of the choice become one object: see adapt/choices.rs.
            findings.push(Finding::warning(
                "ignored-discriminator",
                entry.key,
                "nothing reads a discriminator: the first schema that fits is taken, or one that has all properties",
                "remove it, and give each schema of the choice a required property with an enum of one value",
            ));
            continue;
        }
        if entry.value.text_of("propertyName").is_none() {
            findings.push(Finding::new(
                "missing-key",
                entry.key,
                "this does not name the property that tells the schemas apart",
                "write propertyName: below it",
            ));
            continue;
        }
        if let Some(name) = components.get(&entry.key) {
            of_component(context, name, entry, findings);
        } else {
            // The generated type would lose what the schemas of the mapping add.
            let has_mapping = entry.value.get("mapping").is_some_and(|mapping| mapping.entries().next().is_some());
            let finding = Finding::new(
                "ignored-discriminator",
                entry.key,
                "nothing reads a discriminator of a schema without a name: no other schema can be made of it",
                "put the schema into components/schemas and refer to it, or remove the discriminator",
            );
            findings.push(Finding { level: if has_mapping { Level::Error } else { Level::Warning }, ..finding });
        }
    }
}

/// The discriminator of a component or of one of its parts.
fn inner(schema: &Node, depth: usize) -> Option<&Entry> {
    let parts = schema.get("allOf").map(Node::items).unwrap_or_default().iter().filter(|_| depth < 16);
    schema.entry("discriminator").or_else(|| parts.into_iter().find_map(|part| inner(part, depth + 1)))
}

fn of_component(context: &Context<'_>, name: &str, entry: &Entry, findings: &mut Vec<Finding>) {
    let mapping = entry.value.get("mapping").into_iter().flat_map(Node::entries);
    let mut has_flaw = false;
    for (key, target) in mapping {
        let flaw = context.families.flaws.iter().find(|(of, known, _)| of == name && known == key);
        let Some((.., flaw)) = flaw else { continue };
        has_flaw = true;
        let target_name = target.value.text().unwrap_or_default();
        let (message, help) = match flaw {
            Flaw::Unresolved => (
                format!("{key} leads to {target_name:?}, which is no schema of this document"),
                "write the name of one, or '#/components/schemas/' and its name".to_owned(),
            ),
            Flaw::Unrelated => (
                format!("{key} leads to a schema that is not made of {name}"),
                format!("write an allOf: with a $ref to {name} into that schema, or remove {key}"),
            ),
        };
        findings.push(Finding::new("discriminator-mapping", target.value.place, message, help));
    }
    let Some(member) = context.families.get(name).filter(|member| member.is_base) else {
        if !has_flaw {
            findings.push(Finding::warning(
                "ignored-discriminator",
                entry.key,
                "this discriminator tells nothing apart: no other schema is made of this one",
                "write an allOf: with a $ref to this schema into those that add to it, or remove the discriminator",
            ));
        }
        return;
    };
    let property = entry.value.text_of("propertyName").unwrap_or_default();
    for schema in member.variants.iter().chain([&name.to_owned()]) {
        let schema = context.document.pointer("/components/schemas").and_then(|schemas| schemas.get(schema));
        let of = schema.into_iter().flat_map(|schema| context.properties(schema));
        let of = of.filter(|(known, _)| *known == property).filter_map(|(_, entry)| context.resolved(&entry.value));
        if let Some(of) = of.filter_map(|tag| tag.text_of("type")).find(|of| *of != "string") {
            findings.push(Finding::new(
                "discriminator-type",
                entry.key,
                format!("a discriminator reads a text, and {property} is of the type {of}"),
                "give the property the type string, or write a oneOf: without a discriminator",
            ));
            return;
        }
    }
}
