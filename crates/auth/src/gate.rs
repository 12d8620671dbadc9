use understory_runtime::RuntimeStore;

use crate::{ApiKeys, AuthError, AuthResult, Keys, People, PeopleSettings, Principal};

/// Everybody whom the server knows: holders of keys, and people. Clones share it.
#[derive(Clone)]
pub struct Gate {
    /// The keys of the server.
    pub keys: Keys,
    /// The people.
    pub people: People,
    /// The keys of projects.
    pub api_keys: ApiKeys,
}

impl Gate {
    /// Everybody in a store. People belong to the tenant `home`.
    pub fn new(runtime: &RuntimeStore, settings: PeopleSettings, home: &str) -> Self {
        Self {
            keys: Keys::new(runtime.clone()),
            people: People::new(runtime.clone(), settings, home),
            api_keys: ApiKeys::new(runtime.clone()),
        }
    }

    /// Who presents this key or access token; `Unauthorized` if nobody known does.
    pub async fn require(&self, presented: &str) -> AuthResult<Principal> {
        // The admin key may have any form, so it comes first.
        if let Some(principal) = self.keys.authenticate(presented).await? {
            return Ok(principal);
        }
        let found = if ApiKeys::is_one(presented) {
            self.api_keys.authenticate(presented).await?
        } else {
            self.people.authenticate(presented).await?
        };
        found.ok_or(AuthError::Unauthorized)
    }

    /// Who presents the token of a browser's session; `Unauthorized` if nobody known does.
    pub async fn require_session(&self, presented: &str) -> AuthResult<Principal> {
        self.people.authenticate_session(presented).await?.ok_or(AuthError::Unauthorized)
    }

    /// Forgets what was found of anybody but holders of named keys: what they may reach has changed.
    pub fn forget(&self) {
        self.people.forget();
        self.api_keys.forget();
    }
}
