//! Hashes that commits had before: where the project was copied from, they were called otherwise.

use std::collections::HashMap;

use understory_manage::CommitHash;
use understory_runtime::{Intent, IntentKind};

use crate::Result;
use crate::app::Inner;
use crate::project::Project;

impl Project {
    /// The commits that had a hash which begins so.
    pub(crate) async fn by_earlier_hash(&self, beginning: &str) -> Result<Vec<CommitHash>> {
        let Inner { store, runtime, .. } = &*self.app().inner;
        let mut found = Vec::new();
        for target in runtime.commit_alias_find(&self.id().tenant, &self.id().id, beginning).await? {
            let Some(hash) = CommitHash::parse(&target) else { continue };
            found.extend(store.commit(self.id(), &hash).await?.map(|commit| commit.hash));
        }
        Ok(found)
    }

    /// Changes of refs with the hashes that their commits have now.
    pub(crate) async fn with_present_hashes(&self, mut intents: Vec<Intent>) -> Result<Vec<Intent>> {
        if intents.is_empty() {
            return Ok(intents);
        }
        let aliases = self.app().inner.runtime.commit_alias_list(&self.id().tenant, &self.id().id).await?;
        let present: HashMap<String, String> = aliases.into_iter().map(|alias| (alias.hash, alias.target)).collect();
        for intent in &mut intents {
            if let IntentKind::RefChange(change) = &mut intent.kind {
                for hash in [&mut change.from, &mut change.to].into_iter().flatten() {
                    if let Some(now) = present.get(hash.as_str()) {
                        hash.clone_from(now);
                    }
                }
            }
        }
        Ok(intents)
    }
}
