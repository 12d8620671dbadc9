//! Project files: where they are, and how a new one comes to be whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{ProjectId, StoreError, StoreResult};

/// Begins the names of files that are being made; one left behind by a crash is nobody's. No project's name has a `~`.
const NEW: &str = ".~new-";

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// The directory of project files.
#[derive(Debug)]
pub(super) struct Files {
    directory: PathBuf,
    synced: bool,
}

impl Files {
    /// Opens the directory, making it if need be, and removes what a crash left behind.
    pub(super) fn open(directory: &Path, synced: bool) -> StoreResult<Self> {
        fs::create_dir_all(directory)?;
        let files = Self { directory: directory.to_owned(), synced };
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with('.') && name.trim_start_matches('.').starts_with("~new-") {
                remove(&path)?;
            }
        }
        Ok(files)
    }

    /// Whether what is written must reach the disk before it is acknowledged.
    pub(super) fn synced(&self) -> bool {
        self.synced
    }

    /// A project's file.
    pub(super) fn of(&self, project: &ProjectId) -> StoreResult<PathBuf> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if project.uid.is_empty() || !project.uid.chars().all(allowed) {
            return Err(StoreError::UnknownProject(project.to_string()));
        }
        Ok(self.directory.join(format!("{}.db", project.uid)))
    }

    /// The uids of all projects that have a file.
    pub(super) fn stored(&self) -> StoreResult<Vec<String>> {
        let mut uids = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            uids.extend(name.strip_suffix(".db").filter(|uid| !uid.starts_with('.')).map(str::to_owned));
        }
        Ok(uids)
    }

    /// A name for a file that is being made; it and the engine's sidecar go when dropped.
    pub(super) fn new_file(&self) -> NewFile {
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        NewFile { path: self.directory.join(format!("{NEW}{}-{number}.db", std::process::id())) }
    }

    /// Gives a file its name for good. When this returns, it has it even after a power loss.
    pub(super) fn publish(&self, new: &NewFile, name: &Path) -> StoreResult<()> {
        publish(&new.path, name, self.synced)
    }

    /// Removes a project's file and the engine's sidecar.
    pub(super) fn delete(&self, file: &Path) -> StoreResult<()> {
        remove(file)?;
        remove(&sidecar(file))?;
        if self.synced {
            File::open(&self.directory)?.sync_all()?;
        }
        Ok(())
    }
}

/// A file that is being made.
pub(super) struct NewFile {
    pub(super) path: PathBuf,
}

impl NewFile {
    /// Beside a file that is to be made outside the store's directory.
    pub(super) fn beside(file: &Path) -> StoreResult<Self> {
        let name =
            file.file_name().ok_or_else(|| crate::engine::errors::failed(format!("{} is no file", file.display())))?;
        let mut hidden = OsString::from(NEW);
        hidden.push(name);
        Ok(Self { path: file.with_file_name(hidden) })
    }

    pub(super) fn write(&self, bytes: &[u8]) -> StoreResult<()> {
        Ok(File::create(&self.path)?.write_all(bytes)?)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        for path in [&self.path, &sidecar(&self.path)] {
            if let Err(error) = remove(path) {
                tracing::warn!(path = %path.display(), %error, "a temporary file stays until the next start");
            }
        }
    }
}

/// Syncs a file, renames it and syncs its directory.
pub(super) fn publish(from: &Path, to: &Path, synced: bool) -> StoreResult<()> {
    if synced {
        File::open(from)?.sync_all()?;
    }
    fs::rename(from, to)?;
    if let (true, Some(directory)) = (synced, to.parent()) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// The empty file that the engine takes its locks on.
fn sidecar(file: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push("-lock");
    file.with_file_name(name)
}

fn remove(path: &Path) -> StoreResult<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
