//! Backups: a consistent copy of everything, made while serving, verified by checksum.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Error as IoError, Read as _};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::app::Understory;
use crate::{Error, Result};

const MANIFEST: &str = "backup.json";
const RUNTIME: &str = "runtime.db";
const PROJECTS: &str = "projects";
const ON_SERVERS: &str = "the data is on database servers, which make their own backups: \
    `pg_dump` of the runtime database first, then `dolt_backup` of the versioned one";

/// What a backup holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BackupReport {
    /// When it was made.
    pub created_at: String,
    /// The program's version.
    pub version: String,
    /// SHA-256 of every file, by path within the backup.
    pub files: BTreeMap<String, String>,
}

impl Understory {
    /// Copies everything into a new directory. Writers go on meanwhile; projects are created and deleted after it.
    ///
    /// Each store's copy is consistent in itself, and the registry is copied with exactly the projects it names.
    /// Data on database servers is refused: those have tools of their own.
    pub async fn backup(&self, to: &Path) -> Result<BackupReport> {
        if self.inner.runtime.is_shared() {
            return Err(Error::BadRequest(ON_SERVERS.into()));
        }
        if to.exists() && fs::read_dir(to).map_err(io)?.next().is_some() {
            return Err(Error::Conflict(format!("{} is not empty; name a new directory", to.display())));
        }
        let _no_lifecycle = self.inner.lifecycle.lock().await;
        fs::create_dir_all(to.join(PROJECTS)).map_err(io)?;
        self.inner.runtime.backup(&to.join(RUNTIME)).await?;
        let mut names = vec![RUNTIME.to_owned()];
        for record in self.inner.runtime.project_list_all().await? {
            let name = format!("{PROJECTS}/{}.db", record.uid);
            let project = understory_manage::ProjectId { tenant: record.tenant_id, id: record.id, uid: record.uid };
            self.inner.store.backup(&project, &to.join(&name)).await?;
            names.push(name);
        }
        let mut files = BTreeMap::new();
        for name in names {
            let checksum = checksum(&to.join(&name)).map_err(io)?;
            files.insert(name, checksum);
        }
        let report =
            BackupReport { created_at: understory_model::now(), version: env!("CARGO_PKG_VERSION").into(), files };
        let text = serde_json::to_string_pretty(&report).map_err(Error::internal)?;
        write_synced(&to.join(MANIFEST), text.as_bytes()).map_err(io)?;
        Ok(report)
    }
}

/// Makes a data directory of a backup, after checking every file of it. The directory must not hold data yet.
pub fn restore(from: &Path, to: &Path) -> Result<BackupReport> {
    if to.join(RUNTIME).exists() {
        return Err(Error::Conflict(format!("{} holds data already; name a new directory", to.display())));
    }
    let text = fs::read_to_string(from.join(MANIFEST));
    let text = text.map_err(|_| Error::BadRequest(format!("{} is no backup: it has no {MANIFEST}", from.display())))?;
    let report: BackupReport = serde_json::from_str(&text)
        .map_err(|error| Error::BadRequest(format!("{MANIFEST} does not read back: {error}")))?;
    for (name, expected) in &report.files {
        check_name(name)?;
        let found = checksum(&from.join(name));
        let found = found.map_err(|error| Error::BadRequest(format!("{name} cannot be read: {error}")))?;
        if found != *expected {
            return Err(Error::BadRequest(format!("{name} is damaged: its checksum differs from the backup's")));
        }
    }
    fs::create_dir_all(to.join(PROJECTS)).map_err(io)?;
    // The registry comes last: without it the directory holds no data, and the restore may be repeated.
    let (last, first): (Vec<_>, Vec<_>) = report.files.keys().partition(|name| *name == RUNTIME);
    for name in first.into_iter().chain(last) {
        copy_synced(&from.join(name), &to.join(name)).map_err(io)?;
    }
    Ok(report)
}

/// Names come from a file that anybody may have edited: they must stay within the directory.
fn check_name(name: &str) -> Result<()> {
    let project = name.strip_prefix("projects/").and_then(|name| name.strip_suffix(".db"));
    let safe = |uid: &str| uid.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if name == RUNTIME || project.is_some_and(safe) {
        return Ok(());
    }
    Err(Error::BadRequest(format!("{MANIFEST} names '{name}', which is no part of a backup")))
}

fn checksum(path: &Path) -> std::result::Result<String, IoError> {
    let mut file = fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(HEXLOWER.encode(&hash.finalize()));
        }
        hash.update(&buffer[..read]);
    }
}

fn copy_synced(from: &Path, to: &Path) -> std::result::Result<(), IoError> {
    let partial: PathBuf = to.with_extension("partial");
    fs::copy(from, &partial)?;
    fs::File::open(&partial)?.sync_all()?;
    fs::rename(&partial, to)?;
    to.parent().map_or(Ok(()), |dir| fs::File::open(dir)?.sync_all())
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::result::Result<(), IoError> {
    fs::write(path, bytes)?;
    fs::File::open(path)?.sync_all()
}

fn io(error: IoError) -> Error {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return Error::DiskFull(std::sync::Arc::new(error));
    }
    Error::internal(error)
}
