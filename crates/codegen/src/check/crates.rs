//! Reports crates of generated types that `Cargo.toml` lacks.

use std::collections::BTreeSet;

use super::super::finding::{Finding, Place};

/// Formats or patterns of a type, its crate, the line that adds the crate, and the feature of schemars for its types.
/// With the feature `schemars`, every generated type has a JSON schema.
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
    /// The crates that have a finding. Each crate gets one only.
    reported: BTreeSet<&'static str>,
}

impl Crates {
    pub(super) fn of(manifest: &str) -> Self {
        // cargo reports a manifest that cannot be parsed.
        let table: Option<toml::Table> = manifest.parse().ok();
        let dependencies = table.and_then(|table| table.get("dependencies")?.as_table().cloned());
        Self { dependencies, reported: BTreeSet::new() }
    }

    /// The finding for a crate that `Cargo.toml` lacks, once for each crate. `place` is where the document needs it.
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
        (!lines.is_empty() && self.reported.insert(name)).then(|| {
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
