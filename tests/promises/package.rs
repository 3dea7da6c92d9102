//! Copies of this package under other names, for tests that change it. Each has its own build output.
//!
//! There are two, because compiling one takes longer than most tests. `grown` builds with all additions of the tests'
//! specs; `broken` fails to build, each time in another way. They stay in place and only changed files are written, so
//! that a second run reuses the build.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::patience::watch_anew;

/// The files of a build. The test owns the copy until it is dropped.
pub(crate) struct Package {
    pub(crate) folder: PathBuf,
    files: BTreeMap<PathBuf, String>,
    _lock: File,
}

impl Package {
    pub(crate) fn copy(name: &str) -> Self {
        let from = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        watch_anew();
        let lock = File::create(folder.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        let mut paths = ["build.rs", "openapi.yaml", "Cargo.lock"].map(|file| from.join(file)).to_vec();
        for folder in ["src", "generated"] {
            paths.extend(files(&from.join(folder)));
        }
        let read = |path: &PathBuf| fs::read_to_string(path).unwrap();
        let files = paths.iter().map(|path| (path.strip_prefix(from).unwrap().to_owned(), read(path)));
        let mut package = Self { folder, files: files.collect(), _lock: lock };
        let manifest = read(&from.join("Cargo.toml"));
        // Without dependencies on members of this workspace.
        let is_of_the_workspace = |line: &str| {
            line.contains("= { path = ") || line.starts_with("members = ") || line.starts_with("default-members = ")
        };
        let manifest: Vec<_> = manifest.lines().filter(|line| !is_of_the_workspace(line)).collect();
        let manifest = (manifest.join("\n") + "\n")
            // The generator of this workspace.
            .replace("path = \"crates/codegen\"", &format!("path = '{}'", from.join("crates/codegen").display()))
            .replace("name = \"thingspace-session\"", &format!("name = \"thingspace-session-{name}\""))
            .replace("[lints]\nworkspace = true", "[lib]\nname = \"thingspace_session\"\n\n[lints]\nworkspace = true");
        package.write("Cargo.toml", &manifest);
        package.write("README.md", "");
        // With an example, cargo selects the features of the tests, and reuses their compiled dependencies.
        package.write("examples/nothing.rs", "//! Nothing.\n\nfn main() {}\n");
        package
    }

    pub(crate) fn file(&self, file: &str) -> &str {
        &self.files[Path::new(file)]
    }

    pub(crate) fn write(&mut self, file: &str, text: &str) {
        self.files.insert(file.into(), text.to_owned());
    }

    /// Adds a line to the dependencies.
    pub(crate) fn depend(&mut self, line: &str) {
        self.manifest("[dependencies]\n", &format!("[dependencies]\n{line}\n"));
    }

    /// Enables a feature of a dependency that has features already.
    pub(crate) fn enable(&mut self, dependency: &str, feature: &str) {
        let lines = &mut self.file("Cargo.toml").lines();
        let line = lines.find(|line| line.starts_with(&format!("{dependency} = {{"))).unwrap().to_owned();
        self.manifest(&line, &line.replace("features = [", &format!("features = [\"{feature}\", ")));
    }

    fn manifest(&mut self, from: &str, to: &str) {
        let changed = self.file("Cargo.toml").replacen(from, to, 1);
        assert_ne!(changed, self.file("Cargo.toml"), "{from}");
        self.write("Cargo.toml", &changed);
    }

    /// Writes the files to the folder. Unchanged files keep their modification time.
    fn lay_down(&self) {
        for path in files(&self.folder) {
            if !self.files.contains_key(path.strip_prefix(&self.folder).unwrap()) {
                fs::remove_file(path).unwrap();
            }
        }
        for (file, text) in &self.files {
            let path = self.folder.join(file);
            if fs::read_to_string(&path).is_ok_and(|there| there == *text) {
                continue;
            }
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    /// Runs cargo offline on the examples and the library, with the compiled dependencies of the tests.
    pub(crate) fn build(&self, more: &[&str]) -> Output {
        self.lay_down();
        watch_anew();
        let mut cargo = Command::new(env!("CARGO"));
        // cargo sets these variables for this program. Crates that read them would be compiled again here, and once
        // more in the next run of the tests.
        let is_of_this =
            |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].iter().any(|part| name.starts_with(part));
        for (name, _) in env::vars().filter(|(name, _)| is_of_this(name)) {
            cargo.env_remove(name);
        }
        cargo
            .args(["build", "--lib", "--examples", "--offline"])
            .args(more)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
            .env("CARGO_TERM_COLOR", "never")
            .output()
            .unwrap()
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
