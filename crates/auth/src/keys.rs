use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use understory_runtime::{KeyRecord, NewKey, RuntimeError, RuntimeStore};

use crate::access::Access;
use crate::known::Known;
use crate::principal::is_key_name;
use crate::secret::{Digest, public_part};
use crate::{AuthError, AuthResult, Principal, PrincipalKind, Secret, ServerRole};

/// The fewest characters of an admin key that is given, not made.
pub const MIN_ADMIN_KEY: usize = 8;

const ADMIN_PREFIX: &str = "und_admin";
const SESSION_PREFIX: &str = "und_session";
const ADMIN_SETTING: &str = "admin_key_hash";
const PUBLIC_LENGTH: usize = 12;

/// The keys of the server: makes them, and tells who presents one. Clones share it.
#[derive(Clone)]
pub struct Keys {
    inner: Arc<Inner>,
}

struct Inner {
    runtime: RuntimeStore,
    admin: RwLock<Option<Digest>>,
    session: OnceLock<Secret>,
    known: Known<Digest, Principal>,
}

/// The admin key as a start has it.
#[derive(Debug)]
pub struct AdminKey {
    /// The key, if it was made just now: to be printed, since it is never seen again.
    pub shown: Option<Secret>,
}

/// A key just made.
#[derive(Debug)]
pub struct CreatedKey {
    /// The key.
    pub record: KeyRecord,
    /// Its secret, never seen again.
    pub secret: Secret,
}

impl Keys {
    /// The keys in a store. The admin key is good only after [`Self::admin_key_ensure`].
    pub fn new(runtime: RuntimeStore) -> Self {
        let inner = Inner { runtime, admin: RwLock::default(), session: OnceLock::new(), known: Known::new() };
        Self { inner: Arc::new(inner) }
    }

    /// Settles the admin key: the one given, which is kept in memory only and stands in for the stored one; else the
    /// stored one; else one made now.
    pub async fn admin_key_ensure(&self, given: Option<&str>) -> AuthResult<AdminKey> {
        let (digest, shown) = match given {
            Some(given) if given.chars().count() < MIN_ADMIN_KEY => return Err(AuthError::AdminKeyTooShort),
            Some(given) => (Digest::of(given), None),
            None => self.admin_key_stored().await?,
        };
        *self.inner.admin.write().unwrap_or_else(PoisonError::into_inner) = Some(digest);
        Ok(AdminKey { shown })
    }

    /// Takes the stored admin key, if there is one; makes none.
    pub async fn admin_key_recall(&self) -> AuthResult<()> {
        let stored = self.inner.runtime.setting_get(ADMIN_SETTING).await?;
        let digest = stored.map(|hash| read_hash(&hash)).transpose()?;
        *self.inner.admin.write().unwrap_or_else(PoisonError::into_inner) = digest;
        Ok(())
    }

    async fn admin_key_stored(&self) -> AuthResult<(Digest, Option<Secret>)> {
        if let Some(hash) = self.inner.runtime.setting_get(ADMIN_SETTING).await? {
            return Ok((read_hash(&hash)?, None));
        }
        let secret = Secret::generate(ADMIN_PREFIX);
        let hash = secret.digest().hex();
        // Of several processes that start on an empty store one makes the key.
        let settled = self.inner.runtime.setting_ensure(ADMIN_SETTING, &hash).await?;
        Ok(if settled == hash { (secret.digest(), Some(secret)) } else { (read_hash(&settled)?, None) })
    }

    /// A key for commands on this machine, good for as long as this process runs and kept in memory only.
    pub fn session_key(&self) -> &Secret {
        self.inner.session.get_or_init(|| Secret::generate(SESSION_PREFIX))
    }

    /// Makes a named key.
    pub async fn key_create(&self, name: &str) -> AuthResult<CreatedKey> {
        if !is_key_name(name) {
            return Err(AuthError::KeyName(name.to_owned()));
        }
        let prefix = format!("und_{}", public_part(PUBLIC_LENGTH));
        let secret = Secret::generate(&prefix);
        let role = ServerRole::Admin.to_string();
        let key = NewKey { name: name.to_owned(), prefix, hash: secret.digest().hex(), role };
        match self.inner.runtime.key_insert(key).await {
            Ok(record) => Ok(CreatedKey { record, secret }),
            Err(RuntimeError::Exists { .. }) => Err(AuthError::KeyExists(name.to_owned())),
            Err(error) => Err(error.into()),
        }
    }

    /// All named keys by name, revoked ones too.
    pub async fn key_list(&self) -> AuthResult<Vec<KeyRecord>> {
        Ok(self.inner.runtime.key_list().await?)
    }

    /// Revokes a named key: from when this answers, it is refused. Again is fine.
    pub async fn key_revoke(&self, name: &str) -> AuthResult<KeyRecord> {
        let revoked = self.inner.runtime.key_revoke(name).await?;
        let record = revoked.ok_or_else(|| AuthError::NoKey(name.to_owned()))?;
        self.inner.known.forget_all();
        Ok(record)
    }

    /// Who presents this key, if it is good. An error means that it is not known whether it is.
    pub async fn authenticate(&self, presented: &str) -> AuthResult<Option<Principal>> {
        let digest = Digest::of(presented);
        if self.is_admin(&digest) {
            return Ok(Some(Principal::system()));
        }
        if self.is_session(&digest) {
            return Ok(Some(Principal::session()));
        }
        let Some(prefix) = key_prefix(presented) else { return Ok(None) };
        let (known, epoch) = self.inner.known.find(&digest);
        let noted = known.is_some();
        // Another process may have revoked it since.
        if let Some(principal) = known.filter(|_| !self.inner.runtime.is_shared()) {
            return Ok(Some(principal));
        }
        let Some(stored) = self.inner.runtime.key_find(prefix).await? else { return Ok(None) };
        if !read_hash(&stored.hash)?.matches(&digest) || stored.record.revoked_at.is_some() {
            return Ok(None);
        }
        let principal = principal(stored.record)?;
        if !noted {
            self.inner.known.remember(digest, principal.clone(), epoch);
            self.note_use(&principal).await;
        }
        Ok(Some(principal))
    }

    fn is_admin(&self, digest: &Digest) -> bool {
        let admin = *self.inner.admin.read().unwrap_or_else(PoisonError::into_inner);
        admin.is_some_and(|admin| admin.matches(digest))
    }

    fn is_session(&self, digest: &Digest) -> bool {
        self.inner.session.get().is_some_and(|secret| secret.digest().matches(digest))
    }

    /// A full disk must not lock readers out, so a failure here is only logged.
    async fn note_use(&self, principal: &Principal) {
        if let Err(error) = self.inner.runtime.key_used(&principal.id).await {
            tracing::warn!(key.name = principal.name, error = %error, "the last use of a key could not be noted");
        }
    }
}

fn principal(record: KeyRecord) -> AuthResult<Principal> {
    let access = match ServerRole::parse(&record.role) {
        Some(ServerRole::Admin) => Access::Everything,
        Some(ServerRole::User) | None => return Err(unreadable("the role of a key")),
    };
    Ok(Principal { id: record.id, name: record.name, kind: PrincipalKind::Key, access, session: None, project: None })
}

pub(crate) fn read_hash(stored: &str) -> AuthResult<Digest> {
    Digest::from_hex(stored).ok_or_else(|| unreadable("the hash of a key"))
}

pub(crate) fn unreadable(what: &str) -> AuthError {
    let detail = format!("{what} does not read back");
    RuntimeError::Corrupt { detail, source: None }.into()
}

/// The prefix of a presented key, if it has the form of one.
fn key_prefix(presented: &str) -> Option<&str> {
    let public = presented.strip_prefix("und_")?.split('_').next()?;
    (public.len() == PUBLIC_LENGTH).then(|| &presented[..4 + PUBLIC_LENGTH])
}

#[cfg(test)]
mod tests;
