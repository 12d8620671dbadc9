use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Why a data directory cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process has it.
    #[error("{dir} is in use by {holder}")]
    Held {
        /// The directory.
        dir: String,
        /// Who says so.
        holder: String,
    },
    /// It cannot be read or written.
    #[error("{dir} cannot be used as a data directory")]
    Io {
        /// The directory.
        dir: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// A data directory held by this process until dropped.
#[derive(Debug)]
pub(crate) struct DataLock {
    _file: File,
}

impl DataLock {
    /// Takes a directory, making it if it is not there.
    pub(crate) fn take(dir: &Path) -> Result<Self, LockError> {
        let io = |source| LockError::Io { dir: dir.display().to_string(), source };
        // What is in it is nobody else's to read.
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(io)?;
        let path = dir.join("lock");
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(io(error)),
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.is_empty() { "another process".to_owned() } else { holder };
                return Err(LockError::Held { dir: dir.display().to_string(), holder });
            }
        }
        let holder = format!("process {}", std::process::id());
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(holder.as_bytes())).map_err(io)?;
        Ok(Self { _file: file })
    }
}

/// How commands on the same machine reach a running server: kept in `run/server.json`, readable by its owner only.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Server {
    /// Its address.
    pub url: String,
    /// A key good for as long as it runs.
    pub token: String,
    /// Its process.
    pub pid: u32,
}

impl Server {
    fn path(dir: &Path) -> PathBuf {
        dir.join("run").join("server.json")
    }

    /// Writes the note for others to find.
    pub fn publish(&self, dir: &Path) -> std::io::Result<()> {
        let path = Self::path(dir);
        std::fs::create_dir_all(dir.join("run"))?;
        let _ = std::fs::remove_file(&path);
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
        file.write_all(serde_json::to_string(self)?.as_bytes())
    }

    /// The server that runs on a directory, if one does.
    pub fn find(dir: &Path) -> Option<Self> {
        // First: probing the lock of a directory that no server left a note in could keep one from starting.
        let text = std::fs::read_to_string(Self::path(dir)).ok()?;
        let held = matches!(DataLock::take_existing(dir), Some(Err(LockError::Held { .. })));
        if held { serde_json::from_str(&text).ok() } else { None }
    }

    /// Takes the note away.
    pub fn withdraw(dir: &Path) {
        let _ = std::fs::remove_file(Self::path(dir));
    }
}

impl DataLock {
    /// Tries the lock of a directory that may not exist.
    fn take_existing(dir: &Path) -> Option<Result<Self, LockError>> {
        dir.join("lock").exists().then(|| Self::take(dir))
    }
}
