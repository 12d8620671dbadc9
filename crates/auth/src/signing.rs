use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use data_encoding::BASE64URL_NOPAD;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};
use understory_model::{age, now};
use understory_runtime::{RuntimeError, RuntimeStore, User};

use crate::keys::unreadable;
use crate::token::{self, Claims, SigningKey};
use crate::{AuthResult, Secret};

const SETTING: &str = "token_keys";

/// Signs access tokens with the newest of several keys. Those before it are good until what they signed has expired.
pub(crate) struct Signing {
    runtime: RuntimeStore,
    lifetime: Duration,
    /// Keys that were given at the start, newest first; then the store's do not count.
    given: Vec<SigningKey>,
    stored: RwLock<Vec<SigningKey>>,
}

/// A key as it is stored, newest first.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    secret: String,
    since: String,
}

impl Signing {
    pub(crate) fn new(runtime: RuntimeStore, given: &[Secret], lifetime: Duration) -> Self {
        let given = given.iter().map(|secret| SigningKey::new(secret.reveal().as_bytes().to_vec())).collect();
        Self { runtime, lifetime, given, stored: RwLock::default() }
    }

    pub(crate) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// A token of a person, good for as long as their session, and not longer than tokens are.
    pub(crate) async fn sign(&self, user: &User, session: &str) -> AuthResult<String> {
        let iat = seconds();
        let claims = Claims {
            sub: user.id.clone(),
            email: user.email.clone(),
            username: user.username.clone(),
            role: user.role.clone(),
            sid: session.to_owned(),
            iat,
            exp: iat + self.lifetime.as_secs(),
        };
        let keys = self.keys().await?;
        let signed = keys.first().and_then(|key| key.sign(&claims));
        signed.ok_or_else(|| unreadable("the key that signs tokens"))
    }

    /// What a token says, if it is one of ours and has not expired.
    pub(crate) async fn verify(&self, presented: &str) -> AuthResult<Option<Claims>> {
        let verified = token::verify(&self.keys().await?, presented, seconds());
        if verified.is_some() || !self.given.is_empty() || !self.runtime.is_shared() {
            return Ok(verified);
        }
        // Another process may have changed the keys since.
        Ok(token::verify(&self.load().await?, presented, seconds()))
    }

    /// From now on another key signs.
    pub(crate) async fn rotate(&self) -> AuthResult<()> {
        self.keys().await?;
        loop {
            let present = self.runtime.setting_get(SETTING).await?.unwrap_or_default();
            let former = read(&present)?;
            let mut keys = vec![made()];
            // One that was replaced longer ago than a token is good for has none left.
            let replaced = |n: usize| n.checked_sub(1).and_then(|newer| age(&former[newer].since));
            let useful = |n: usize| replaced(n).is_none_or(|replaced| replaced < self.lifetime);
            keys.extend(former.iter().enumerate().filter(|(n, _)| useful(*n)).map(|(_, key)| key.clone()));
            if self.runtime.setting_replace(SETTING, &present, &write(&keys)?).await? {
                break self.load().await.map(drop);
            }
        }
    }

    async fn keys(&self) -> AuthResult<Vec<SigningKey>> {
        if !self.given.is_empty() {
            return Ok(self.given.clone());
        }
        let stored = self.stored.read().unwrap_or_else(PoisonError::into_inner).clone();
        if stored.is_empty() { self.load().await } else { Ok(stored) }
    }

    /// Reads the keys; makes the first one.
    async fn load(&self) -> AuthResult<Vec<SigningKey>> {
        let stored = match self.runtime.setting_get(SETTING).await? {
            Some(stored) => stored,
            None => self.runtime.setting_ensure(SETTING, &write(&[made()])?).await?,
        };
        let decode = |key: Stored| BASE64URL_NOPAD.decode(key.secret.as_bytes()).map(SigningKey::new);
        let keys: Result<Vec<_>, _> = read(&stored)?.into_iter().map(decode).collect();
        let keys = keys.map_err(|_| unreadable("a key that signs tokens"))?;
        self.stored.write().unwrap_or_else(PoisonError::into_inner).clone_from(&keys);
        Ok(keys)
    }
}

fn made() -> Stored {
    let bits: [u8; 32] = rand::rng().random();
    Stored { secret: BASE64URL_NOPAD.encode(&bits), since: now() }
}

fn read(stored: &str) -> AuthResult<Vec<Stored>> {
    let detail = "the keys that sign tokens do not read back".to_owned();
    let corrupt = |error| RuntimeError::Corrupt { detail, source: Some(Box::new(error)) };
    Ok(serde_json::from_str(stored).map_err(corrupt)?)
}

fn write(keys: &[Stored]) -> AuthResult<String> {
    serde_json::to_string(keys).map_err(|_| unreadable("a key that signs tokens"))
}

/// Seconds since 1970.
fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
