//! Keys with which programs reach one project: `sk_PUBLIC.SECRET`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use rand::RngExt as _;
use understory_model::{from_now, now};
use understory_runtime::{ApiKey, ApiKeyChange, NewApiKey, ProjectKey, RuntimeStore, StoredApiKey};

use crate::access::{Access, KeyScope, KeyVerb};
use crate::keys::{read_hash, unreadable};
use crate::known::Known;
use crate::secret::{Digest, public_part};
use crate::{AuthError, AuthResult, Principal, PrincipalKind, Secret};

const PREFIX: &str = "sk_";
const PUBLIC_LENGTH: usize = 12;
/// Characters of a key that are shown, to tell it apart.
const SHOWN: usize = 12;

/// The keys of projects. Clones share it.
#[derive(Clone)]
pub struct ApiKeys {
    inner: Arc<Inner>,
}

struct Inner {
    runtime: RuntimeStore,
    known: Known<Digest, Found>,
}

/// A key that was looked up: who acts with it, and until when.
#[derive(Clone)]
struct Found {
    principal: Principal,
    good_until: Option<String>,
}

/// A key to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRequest {
    /// What people call it.
    pub name: String,
    /// The agent that it is for; none: all of the project.
    pub agent: Option<String>,
    /// The branch or tag that it is for; none: all of them.
    pub reference: Option<String>,
    /// What it may do.
    pub verbs: BTreeSet<KeyVerb>,
    /// Until when it is good; none: for ever.
    pub expires_at: Option<String>,
}

impl ApiKeys {
    /// The keys in a store.
    pub fn new(runtime: RuntimeStore) -> Self {
        Self { inner: Arc::new(Inner { runtime, known: Known::new() }) }
    }

    /// Makes a key of a project; the secret is never seen again.
    pub async fn create(&self, of: &ProjectKey, request: KeyRequest) -> AuthResult<(ApiKey, Secret)> {
        let public_id = public_part(PUBLIC_LENGTH);
        let secret = made(&public_id);
        let new = NewApiKey {
            agent_id: request.agent,
            reference: request.reference,
            verbs: request.verbs.iter().map(|verb| verb.as_str().to_owned()).collect(),
            name: Some(request.name),
            public_id,
            hash: secret.digest().hex(),
            prefix: secret.reveal()[..SHOWN].to_owned(),
            expires_at: request.expires_at,
        };
        Ok((self.inner.runtime.api_key_add(of, new).await?, secret))
    }

    /// One page of the keys of a project, or of an agent in it, and how many there are.
    pub async fn list(
        &self,
        of: &ProjectKey,
        agent: Option<&str>,
        page: u32,
        limit: u32,
    ) -> AuthResult<(Vec<ApiKey>, u64)> {
        Ok(self.inner.runtime.api_key_list(of, agent, page, limit).await?)
    }

    /// A key of a project.
    pub async fn get(&self, of: &ProjectKey, id: &str) -> AuthResult<ApiKey> {
        self.inner.runtime.api_key_get(of, id).await?.ok_or_else(|| AuthError::NoKey(id.to_owned()))
    }

    /// Changes a key.
    pub async fn update(&self, of: &ProjectKey, id: &str, change: ApiKeyChange) -> AuthResult<ApiKey> {
        let changed = self.inner.runtime.api_key_update(of, id, change).await?;
        self.forget();
        changed.ok_or_else(|| AuthError::NoKey(id.to_owned()))
    }

    /// Gives a key another secret. The former one stays good for a while.
    pub async fn rotate(&self, of: &ProjectKey, id: &str, overlap: Duration) -> AuthResult<(ApiKey, Secret)> {
        let secret = made(&self.get(of, id).await?.public_id);
        let rotated = self.inner.runtime.api_key_rotate(of, id, &secret.digest().hex(), &from_now(overlap)).await?;
        self.forget();
        Ok((rotated.ok_or_else(|| AuthError::NoKey(id.to_owned()))?, secret))
    }

    /// Deletes a key: from when this answers it is refused.
    pub async fn delete(&self, of: &ProjectKey, id: &str) -> AuthResult<()> {
        let deleted = self.inner.runtime.api_key_delete(of, id).await?;
        self.forget();
        if deleted { Ok(()) } else { Err(AuthError::NoKey(id.to_owned())) }
    }

    /// Forgets what was found of keys: what is good may be so no more.
    pub fn forget(&self) {
        self.inner.known.forget_all();
    }

    /// Whether a text has the form of such a key.
    pub(crate) fn is_one(presented: &str) -> bool {
        presented.starts_with(PREFIX)
    }

    /// Who presents a key, if it is good.
    pub async fn authenticate(&self, presented: &str) -> AuthResult<Option<Principal>> {
        let Inner { runtime, known } = &*self.inner;
        let digest = Digest::of(presented);
        let (found, epoch) = known.find(&digest);
        let noted = found.is_some();
        // Another process may have changed it since.
        if let Some(found) = found.filter(|_| !runtime.is_shared()) {
            return Ok(found.if_good());
        }
        let Some((public_id, _)) = presented.strip_prefix(PREFIX).and_then(|rest| rest.split_once('.')) else {
            return Ok(None);
        };
        let Some(stored) = runtime.api_key_find(public_id).await? else { return Ok(None) };
        let Some(found) = Found::read(&stored, &digest)? else { return Ok(None) };
        let Some(principal) = found.clone().if_good() else { return Ok(None) };
        if !noted {
            known.remember(digest, found, epoch);
            self.note_use(&stored).await;
        }
        Ok(Some(principal))
    }

    /// A full disk must not lock readers out, so a failure here is only logged.
    async fn note_use(&self, stored: &StoredApiKey) {
        if let Err(error) = self.inner.runtime.api_key_used(&stored.of, &stored.key.id).await {
            tracing::warn!(key.id = stored.key.id, %error, "the last use of a key could not be noted");
        }
    }
}

impl Found {
    /// What a stored key is to a presented one; none if it is another.
    fn read(stored: &StoredApiKey, presented: &Digest) -> AuthResult<Option<Self>> {
        let StoredApiKey { key, of, hash, previous } = stored;
        let mut good_until = key.expires_at.clone();
        if !read_hash(hash)?.matches(presented) {
            let Some((former, until)) = previous else { return Ok(None) };
            if !read_hash(former)?.matches(presented) {
                return Ok(None);
            }
            good_until = Some(good_until.map_or_else(|| until.clone(), |expires| expires.min(until.clone())));
        }
        let verb = |name: &String| KeyVerb::parse(name).ok_or_else(|| unreadable("what a key may do"));
        let scope = KeyScope {
            tenant: of.tenant.clone(),
            project: of.project.clone(),
            agent: key.agent_id.clone(),
            reference: key.reference.clone(),
            verbs: key.verbs.iter().map(verb).collect::<AuthResult<_>>()?,
        };
        let principal = Principal {
            id: key.id.clone(),
            name: key.name.clone().unwrap_or_else(|| key.prefix.clone()),
            kind: PrincipalKind::ApiKey,
            access: Access::Key(Arc::new(scope)),
            session: None,
            project: None,
        };
        Ok(Some(Self { principal, good_until }))
    }

    fn if_good(self) -> Option<Principal> {
        self.good_until.is_none_or(|until| until > now()).then_some(self.principal)
    }
}

fn made(public_id: &str) -> Secret {
    let bits: [u8; 32] = rand::rng().random();
    Secret::of(format!("{PREFIX}{public_id}.{}", BASE64URL_NOPAD.encode(&bits)))
}
