//! The version that a change requires.

use super::super::{
    base::Release,
    bump::{Demand, Version},
    change::Class,
};

fn release(version: &str, changelog: &str) -> Release {
    Release { manifest: format!("[workspace.package]\nversion = \"{version}\"\n"), changelog: changelog.to_owned() }
}

fn least(worst: Class, released: &str) -> Option<String> {
    let base = release(released, &format!("## [Unreleased]\n\n## [{released}] - 2026-01-31\n"));
    Demand::of(Some(worst), Some(&base), &base).least.map(|version| version.to_string())
}

#[test]
fn a_bump_is_as_cargo_reads_versions() {
    for (worst, released, wanted) in [
        (Class::Breaking, "0.0.3", Some("0.0.4")),
        (Class::Breaking, "0.1.2", Some("0.2.0")),
        (Class::Breaking, "1.2.3", Some("2.0.0")),
        (Class::Compatible, "0.1.2", Some("0.1.3")),
        (Class::Compatible, "1.2.3", Some("1.3.0")),
        (Class::DocumentationOnly, "0.1.2", None),
        (Class::DocumentationOnly, "1.2.3", None),
    ] {
        assert_eq!(least(worst, released).as_deref(), wanted, "{worst} after {released}");
    }
}

#[test]
fn a_change_requires_a_version_and_an_entry() {
    let base = release("0.1.0", "## [Unreleased]\n\n## [0.1.0]\n\n- The first.\n");
    let entry = "## [Unreleased]\n\n- More.\n\n## [0.1.0]\n\n- The first.\n";
    let under_version = "## [Unreleased]\n\n## [0.2.0]\n\n- More.\n\n## [0.1.0]\n\n- The first.\n";
    let old = "## [Unreleased]\n\n## [0.1.0]\n\n- The first.\n- Rewritten.\n";
    for (version, changelog, is_bumped, is_logged) in [
        ("0.1.0", base.changelog.as_str(), false, false),
        ("0.1.1", base.changelog.as_str(), false, false),
        ("0.2.0", base.changelog.as_str(), true, false),
        ("0.1.0", entry, false, true),
        ("0.2.0", entry, true, true),
        ("0.2.0", under_version, true, true),
        ("1.0.0-rc.1", entry, true, true),
        ("0.2.0", old, true, false),
        ("what", entry, false, true),
    ] {
        let demand = Demand::of(Some(Class::Breaking), Some(&base), &release(version, changelog));
        assert_eq!((demand.is_bumped, demand.is_logged), (Some(is_bumped), Some(is_logged)), "{version} {changelog}");
        let named = |file: &str| demand.missing().iter().any(|line| line.starts_with(file));
        assert_eq!((named("Cargo.toml"), named("CHANGELOG.md")), (!is_bumped, !is_logged), "{:?}", demand.missing());
    }
}

#[test]
fn several_changes_require_one_bump() {
    let base = release("0.2.0", "## [Unreleased]\n\n- One.\n\n## [0.1.0]\n");
    let now = release("0.2.0", "## [Unreleased]\n\n- One.\n- Two.\n\n## [0.1.0]\n");
    assert!(Demand::of(Some(Class::Breaking), Some(&base), &now).missing().is_empty());
}

#[test]
fn before_the_first_release_any_version_is_sufficient() {
    let base = release("0.1.0", "## [Unreleased]\n\n- One.\n");
    let now = release("0.1.0", "## [Unreleased]\n\n- One.\n- Two.\n");
    let demand = Demand::of(Some(Class::Breaking), Some(&base), &now);
    assert!(demand.missing().is_empty() && demand.least.is_none());
    assert!(!Demand::of(Some(Class::Breaking), Some(&base), &base).missing().is_empty());
}

#[test]
fn a_change_of_documentation_requires_no_version() {
    let base = release("0.1.0", "## [0.1.0]\n");
    for worst in [None, Some(Class::DocumentationOnly)] {
        let demand = Demand::of(worst, Some(&base), &base);
        assert!(demand.missing().is_empty());
        assert_eq!(demand.lines(), ["requires no new version"]);
    }
}

#[test]
fn compared_with_a_file_only_the_bump_is_reported() {
    let demand = Demand::of(Some(Class::Breaking), None, &release("0.1.0", ""));
    assert_eq!((demand.is_bumped, demand.is_logged), (None, None));
    assert_eq!(demand.lines(), ["requires a minor bump: 0.2.0 or later, after 0.1.0"]);
}

#[test]
fn a_version_has_three_numbers() {
    assert_eq!(Version::parse("1.2.3-rc.1+4").map(|version| version.to_string()).as_deref(), Some("1.2.3"));
    for text in ["", "1", "1.2", "1.2.3.4", "v1.2.3", "1.2.x"] {
        assert_eq!(Version::parse(text), None, "{text}");
    }
}
