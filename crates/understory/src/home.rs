use serde_json::json;
use understory_auth::{Access, Principal, PrincipalKind};

use crate::app::Understory;
use crate::project::Project;
use crate::write::WriteOptions;
use crate::{Error, Result};

/// The tenant of the simple API's projects unless set otherwise.
pub const HOME_TENANT: &str = "default";
/// The project that all holders of keys share.
const SHARED: &str = "default";

impl Understory {
    /// The project that the simple API works on for a principal: a person's own, the one that a project's key was made
    /// for, else one that all share, which is made when it is first asked for.
    pub async fn home(&self, principal: &Principal) -> Result<Project> {
        let tenant = &self.inner.home_tenant;
        if let Access::Key(scope) = &principal.access {
            return self.project(principal, &scope.tenant, &scope.project).await;
        }
        if principal.kind == PrincipalKind::User {
            let user = self.people().user_of(principal).await?;
            return self.project(principal, tenant, &user.default_project).await;
        }
        match self.project(principal, tenant, SHARED).await {
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
