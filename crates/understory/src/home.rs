use serde_json::json;
use understory_auth::Principal;

use crate::app::Understory;
use crate::project::Project;
use crate::write::WriteOptions;
use crate::{Error, Result};

/// The tenant of the simple API's projects unless set otherwise.
pub const HOME_TENANT: &str = "default";
/// The project that all holders of keys share.
const SHARED: &str = "default";

impl Understory {
    /// The project that the simple API works on for a principal. It is made when it is first asked for.
    pub async fn home(&self, principal: &Principal) -> Result<Project> {
        match self.project(principal, &self.inner.home_tenant, SHARED).await {
            Err(Error::NotFound { .. }) => self.home_create(principal).await,
            found => found,
        }
    }

    async fn home_create(&self, principal: &Principal) -> Result<Project> {
        let tenant = &self.inner.home_tenant;
        let body = json!({ "id": SHARED, "name": "Default" });
        match self.project_create(principal, tenant, body, WriteOptions::default()).await {
            Ok(created) => Ok(created.value),
            // Somebody else's first request came earlier.
            Err(Error::Conflict(_)) => self.project(principal, tenant, SHARED).await,
            Err(error) => Err(error),
        }
    }
}
