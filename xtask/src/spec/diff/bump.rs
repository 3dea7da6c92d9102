//! Computes the version that a change requires, and compares it with `Cargo.toml` and `CHANGELOG.md`.
//!
//! The bump counts from the last released version, the topmost of `CHANGELOG.md`. So several changes between two
//! releases require one bump. Before the first release any version is enough. As cargo reads versions, a breaking
//! change raises the first number that is not 0, and a compatible change raises the next one. A change of documentation
//! requires no bump.

use std::{collections::BTreeSet, fmt};

use super::{base::Release, change::Class};

/// Three numbers, without pre-release and build metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version([u64; 3]);

/// The part of the version to raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bump {
    Patch,
    Minor,
    Major,
}

/// What a change requires of the next release, and which part is done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) bump: Option<Bump>,
    /// The version that the bump counts from: the last release or, if the base is a file, that of Cargo.toml.
    pub(super) from: Option<Version>,
    /// The lowest sufficient version.
    pub(super) least: Option<Version>,
    /// The version in Cargo.toml.
    pub(super) version: Option<Version>,
    /// Whether the version in Cargo.toml is sufficient; `None` if the base is a file.
    pub(super) is_bumped: Option<bool>,
    /// Whether CHANGELOG.md has an entry for the change; `None` if the base is a file.
    pub(super) is_logged: Option<bool>,
}

impl Demand {
    /// The demand of the most severe change. `base` has the release files of before; `None` if the base is a file.
    pub(super) fn of(worst: Option<Class>, base: Option<&Release>, now: &Release) -> Self {
        let version = Version::of_manifest(&now.manifest);
        let from = match base {
            Some(base) => released(&base.changelog),
            None => version,
        };
        let bump = worst.and_then(|worst| Bump::of(worst, from.or(version)?));
        let least = bump.zip(from).map(|(bump, from)| from.after(bump));
        let (mut is_bumped, mut is_logged) = (None, None);
        if let Some(base) = base {
            is_bumped = Some(version.is_some() && least <= version || bump.is_none());
            is_logged = Some(bump.is_none() || has_new_entry(&base.changelog, now, version));
        }
        Self { bump, from, least, version, is_bumped, is_logged }
    }

    /// What each file lacks, and what to write into it.
    pub(super) fn missing(&self) -> Vec<String> {
        let version = (self.is_bumped == Some(false)).then(|| {
            let has = match self.version {
                Some(version) => format!("Cargo.toml has version {version}"),
                None => "Cargo.toml has no valid version".to_owned(),
            };
            match self.least {
                Some(least) => format!("{has}: write version = \"{least}\" or later into it"),
                None => format!("{has}: write a version of three numbers, such as version = \"0.1.0\""),
            }
        });
        let entry = (self.is_logged == Some(false)).then(|| {
            "CHANGELOG.md has no new entry: describe the change for callers below `## [Unreleased]`".to_owned()
        });
        version.into_iter().chain(entry).collect()
    }

    /// The required bump in words, then the state of each file.
    pub(super) fn lines(&self) -> Vec<String> {
        let Some(bump) = self.bump else { return vec!["requires no new version".to_owned()] };
        let asked = match (self.least, self.from) {
            (Some(least), Some(from)) => format!("requires a {bump} bump: {least} or later, after {from}"),
            _ => format!("requires a {bump} bump, but there is no release yet: any version is sufficient"),
        };
        let version = self.version.map_or_else(|| "no valid version".to_owned(), |it| it.to_string());
        let version = self.is_bumped.map(|is_enough| match (is_enough, self.least) {
            (true, _) => format!("Cargo.toml: {version} is sufficient"),
            (false, Some(least)) => format!("Cargo.toml: {version} is too low; write {least}"),
            (false, None) => format!("Cargo.toml: {version}; write one"),
        });
        let log = self.is_logged.map(|is_logged| {
            let state = if is_logged { "has a new entry" } else { "has no new entry; write one under \"Unreleased\"" };
            format!("CHANGELOG.md: {state}")
        });
        [Some(asked), version, log].into_iter().flatten().collect()
    }
}

impl Bump {
    fn of(worst: Class, version: Version) -> Option<Self> {
        match (worst, version.0) {
            (Class::DocumentationOnly, _) => None,
            (Class::Compatible, [0, ..]) | (Class::Breaking, [0, 0, _]) => Some(Self::Patch),
            (Class::Compatible, _) | (Class::Breaking, [0, ..]) => Some(Self::Minor),
            (Class::Breaking, _) => Some(Self::Major),
        }
    }
}

impl Version {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let version = semver::Version::parse(text).ok()?;
        Some(Self([version.major, version.minor, version.patch]))
    }

    /// The version of the workspace.
    fn of_manifest(text: &str) -> Option<Self> {
        let manifest: toml::Table = text.parse().ok()?;
        let workspace = manifest.get("workspace").and_then(|workspace| workspace.get("package"));
        let version = workspace.and_then(|package| package.get("version"));
        Self::parse(version.or_else(|| manifest.get("package")?.get("version"))?.as_str()?)
    }

    fn after(self, bump: Bump) -> Self {
        let Self([major, minor, patch]) = self;
        Self(match bump {
            Bump::Major => [major.saturating_add(1), 0, 0],
            Bump::Minor => [major, minor.saturating_add(1), 0],
            Bump::Patch => [major, minor, patch.saturating_add(1)],
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([major, minor, patch]) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

impl fmt::Display for Bump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        })
    }
}

/// The version in a heading such as `## [0.1.0] - 2026-01-31`.
fn heading(line: &str) -> Option<&str> {
    let name = line.strip_prefix("## ")?.trim().trim_start_matches('[');
    name.split([']', ' ']).next()
}

/// The latest version that has a heading.
fn released(changelog: &str) -> Option<Version> {
    changelog.lines().filter_map(|line| Version::parse(heading(line)?)).max()
}

/// Whether "Unreleased" or the coming version has an entry that the earlier changelog lacks.
fn has_new_entry(before: &str, now: &Release, version: Option<Version>) -> bool {
    let known: BTreeSet<&str> = before.lines().map(str::trim).collect();
    let mut is_coming = false;
    now.changelog.lines().any(|line| {
        if let Some(name) = heading(line) {
            let is_version = version.is_some() && Version::parse(name) == version;
            is_coming = name.eq_ignore_ascii_case("unreleased") || is_version;
            return false;
        }
        let line = line.trim();
        is_coming && !line.is_empty() && !line.starts_with('#') && !known.contains(line)
    })
}
