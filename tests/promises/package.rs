//! A copy of this package under another name, for tests that change it: the two never share what is compiled.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::patience::watch_anew;

/// A copy of what a build needs.
pub(crate) struct Package {
    pub(crate) folder: PathBuf,
}

impl Package {
    pub(crate) fn copy(name: &str) -> Self {
        let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")), Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        watch_anew();
        let _ = fs::remove_dir_all(&to);
        for folder in ["src", "build"] {
            copy_folder(&from.join(folder), &to.join(folder));
        }
        for file in ["build.rs", "openapi.yaml", "Cargo.lock"] {
            fs::copy(from.join(file), to.join(file)).unwrap();
        }
        let manifest = fs::read_to_string(from.join("Cargo.toml")).unwrap();
        // What is taken from this very workspace stays behind.
        let manifest: Vec<_> = manifest.lines().filter(|line| !line.contains("= { path = ")).collect();
        let manifest = (manifest.join("\n") + "\n")
            .replace("members = [\"benches\", \"sandbox\", \"xtask\"]", "members = []")
            .replace("name = \"thingspace-session\"", &format!("name = \"thingspace-session-{name}\""))
            .replace("[lints]\nworkspace = true", "[lib]\nname = \"thingspace_session\"\n\n[lints]\nworkspace = true");
        fs::write(to.join("Cargo.toml"), manifest).unwrap();
        fs::write(to.join("README.md"), "").unwrap();
        Self { folder: to }
    }

    pub(crate) fn spec(&self) -> String {
        fs::read_to_string(self.folder.join("openapi.yaml")).unwrap()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Adds a line to the dependencies.
    pub(crate) fn depend(&self, line: &str) {
        self.manifest("[dependencies]\n", &format!("[dependencies]\n{line}\n"));
    }

    /// Turns on a feature of a dependency that has some.
    pub(crate) fn enable(&self, dependency: &str, feature: &str) {
        let manifest = fs::read_to_string(self.folder.join("Cargo.toml")).unwrap();
        let line = manifest.lines().find(|line| line.starts_with(&format!("{dependency} = "))).unwrap();
        self.manifest(line, &line.replace("features = [", &format!("features = [\"{feature}\", ")));
    }

    fn manifest(&self, from: &str, to: &str) {
        let manifest = fs::read_to_string(self.folder.join("Cargo.toml")).unwrap();
        let changed = manifest.replacen(from, to, 1);
        assert_ne!(changed, manifest, "{from}");
        self.write("Cargo.toml", &changed);
    }

    /// Cargo, with nothing fetched, sharing what is compiled of the dependencies.
    pub(crate) fn cargo(&self, arguments: &[&str], variable: (&str, &str)) -> Output {
        watch_anew();
        Command::new(env!("CARGO"))
            .args(arguments)
            .arg("--offline")
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
            .env(variable.0, variable.1)
            .output()
            .unwrap()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
