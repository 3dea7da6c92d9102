//! Crates that generated types come from, and that `Cargo.toml` has to have.

use std::collections::BTreeSet;

use super::super::finding::{Finding, Place};

/// What a type is made for (a format, or a pattern), its crate, the line that adds it, and the feature of schemars
/// that knows its types: every generated type has a JSON schema where the feature `schemars` is on.
const NEEDED: [(&[&str], &str, &str, Option<&str>); 3] = [
    (
        &["date", "date-time"],
        "chrono",
        "chrono = { version = \"0.4\", default-features = false, features = [\"serde\", \"std\"] }",
        Some("chrono04"),
    ),
    (&["uuid"], "uuid", "uuid = { version = \"1\", features = [\"serde\"] }", Some("uuid1")),
    (&["pattern"], "regress", "regress = \"0.12\"", None),
];

/// The dependencies in `Cargo.toml`.
pub(super) struct Crates {
    dependencies: Option<toml::Table>,
    /// What has been told is not told for every place.
    told: BTreeSet<&'static str>,
}

impl Crates {
    pub(super) fn of(manifest: &str) -> Self {
        // If it cannot be read, cargo tells why.
        let table: Option<toml::Table> = manifest.parse().ok();
        let dependencies = table.and_then(|table| table.get("dependencies")?.as_table().cloned());
        Self { dependencies, told: BTreeSet::new() }
    }

    /// What has to be added to `Cargo.toml`, for what is written at this place; once for each crate.
    pub(super) fn lacking(&mut self, what: &str, place: Place) -> Option<Finding> {
        let dependencies = self.dependencies.as_ref()?;
        let (.., name, line, feature) = NEEDED.iter().find(|(all, ..)| all.contains(&what))?;
        let feature = feature.filter(|feature| !self.has_feature("schemars", feature));
        let lines = [
            (!dependencies.contains_key(*name)).then(|| format!("add to [dependencies] in Cargo.toml: {line}")),
            feature.map(|feature| format!("add \"{feature}\" to the features of schemars in Cargo.toml")),
        ];
        let lines: Vec<String> = lines.into_iter().flatten().collect();
        let what = if what == "pattern" { "a pattern".to_owned() } else { format!("format: {what}") };
        (!lines.is_empty() && self.told.insert(name)).then(|| {
            Finding::new(
                "missing-crate",
                place,
                format!("{what} becomes a type with the crate {name}, for which Cargo.toml lacks something"),
                lines.join("; and "),
            )
        })
    }

    fn has_feature(&self, name: &str, feature: &str) -> bool {
        let features = self.dependencies.as_ref().and_then(|all| all.get(name)?.get("features")?.as_array());
        features.is_some_and(|features| features.iter().any(|known| known.as_str() == Some(feature)))
    }
}
