//! What a failure of the file system means: whether it may pass, and what the operator has to do if it does not.

use std::{
    fs,
    io::{self, ErrorKind},
};

use super::Disk;
use crate::store::StoreError;

impl Disk {
    /// The error that says what failed, why, and what to do.
    pub(super) fn trouble(&self, what: &str, error: &io::Error) -> StoreError {
        if let Some(cure) = self.cure(error) {
            return self.misconfigured(format!("{what}: {error}; {cure}"));
        }
        let hint = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "; free space on its disk",
            _ => "",
        };
        StoreError::Unavailable { place: self.place(), problem: format!("{what}: {error}{hint}") }
    }

    /// What the operator has to do. Nothing, if the failure may pass by itself.
    fn cure(&self, error: &io::Error) -> Option<String> {
        if is_loop(error) {
            return Some("give a path whose symbolic links do not form a loop".to_owned());
        }
        let directory = self.directory.display();
        let cure = match error.kind() {
            ErrorKind::NotFound => return self.missing(),
            ErrorKind::NotADirectory => match self.directory.ancestors().find(|path| path.exists() && !path.is_dir()) {
                Some(file) => format!("{} is not a directory; give a path in a directory", file.display()),
                None => "give the path of a file in a directory".to_owned(),
            },
            ErrorKind::PermissionDenied => {
                format!("give the user of this process the right to read and write it and the directory {directory}")
            }
            ErrorKind::ReadOnlyFilesystem => {
                format!("mount the file system of {directory} with write access, or give a path elsewhere")
            }
            ErrorKind::IsADirectory => "give the path of a file".to_owned(),
            ErrorKind::InvalidFilename => "give a shorter path".to_owned(),
            ErrorKind::InvalidInput => "give a path that the operating system accepts".to_owned(),
            ErrorKind::Unsupported => "give a path on a disk of this machine, which supports locks".to_owned(),
            // The file is a mount point: a rename cannot replace it.
            ErrorKind::ResourceBusy | ErrorKind::CrossesDevices => {
                "if it is mounted by itself, mount its directory instead".to_owned()
            }
            ErrorKind::FileTooLarge => "raise the limit of the length of files".to_owned(),
            _ => return None,
        };
        Some(cure)
    }

    /// What to create. Nothing, if everything is there: then another process has removed a file at this moment.
    fn missing(&self) -> Option<String> {
        let directory = self.directory.display();
        if self.name.is_empty() {
            return Some("give the path of a file".to_owned());
        }
        if self.directory.is_dir() {
            let takes_none = !self.lock.exists();
            return takes_none.then(|| format!("{directory} does not accept this file; give a path elsewhere"));
        }
        // `mkdir` refuses the name of a link, whether or not the link leads anywhere.
        let link = self.directory.ancestors().find(|path| path.is_symlink() && !path.exists());
        Some(match link.map(|link| (link, fs::read_link(link).unwrap_or_default())) {
            Some((link, target)) => {
                format!("the symbolic link {} leads nowhere; create its target {}", link.display(), target.display())
            }
            None => format!("create the directory {directory}"),
        })
    }
}

/// Whether symbolic links lead in a circle. The kind of this error cannot be named in stable Rust yet; it can be printed.
fn is_loop(error: &io::Error) -> bool {
    format!("{:?}", error.kind()) == "FilesystemLoop"
}
