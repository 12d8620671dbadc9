//! What a copy leaves where it goes to, until it is whole: what it is of.

use serde::{Deserialize, Serialize};
use understory_runtime::RuntimeStore;

use super::CopyRequest;
use crate::{Error, Result};

/// The setting that says it.
pub(super) const MARKER: &str = "copy";

/// What a copy is of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Marker {
    from: String,
    projects: Vec<(String, String)>,
}

impl Marker {
    pub(super) fn new(request: &CopyRequest) -> Self {
        let mut projects = request.projects.clone();
        projects.sort();
        projects.dedup();
        Self { from: request.from.identity(), projects }
    }

    async fn read(runtime: &RuntimeStore) -> Result<Option<Self>> {
        let text = runtime.setting_get(MARKER).await?;
        text.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::internal)
    }

    /// Whether what is there was left by an earlier try of the same copy; that of another one is refused.
    pub(super) async fn resumes(&self, runtime: &RuntimeStore) -> Result<bool> {
        let Some(found) = Self::read(runtime).await? else { return Ok(false) };
        if found.from != self.from || found.projects != self.projects {
            let all = found.projects.is_empty();
            let of = if all { "all projects" } else { "some projects" };
            let detail = format!("a copy of {of} from {} was begun there and not finished", found.from);
            return Err(Error::Conflict(format!("{detail}; repeat that one, or name an empty place")));
        }
        Ok(true)
    }

    pub(super) async fn begin(&self, runtime: &RuntimeStore) -> Result<()> {
        let text = serde_json::to_string(self).map_err(Error::internal)?;
        Ok(runtime.setting_set(MARKER, &text).await?)
    }

    /// The place is like any other from now on, and not to be copied to again.
    pub(super) async fn finish(&self, runtime: &RuntimeStore) -> Result<()> {
        Ok(runtime.setting_remove(MARKER).await?)
    }
}

/// Refuses a place that a copy was begun to and is not whole: nobody is to work on half of what there was.
pub(crate) async fn refuse_unfinished(runtime: &RuntimeStore) -> Result<()> {
    match Marker::read(runtime).await? {
        Some(Marker { from, .. }) => Err(Error::Conflict(format!(
            "a copy from {from} was begun here and not finished; repeat it with the same `understory copy`"
        ))),
        None => Ok(()),
    }
}
