use serde_json::json;
use understory_auth::{Access, Principal, PrincipalKind};

use crate::access::Wanted;
use crate::app::Understory;
use crate::document::{self, Scope};
use crate::project::Project;
use crate::write::WriteOptions;
use crate::{Error, Result};

/// The tenant of the simple API's projects unless set otherwise.
pub const HOME_TENANT: &str = "default";
/// The project that all holders of the server's keys share.
const SHARED: &str = "default";

impl Understory {
    /// The project that the simple API works on for a principal: a person's own, that of a project's key, or else the
    /// one that is shared. It is made when it is first asked for.
    pub async fn home(&self, principal: &Principal, wanted: impl Into<Wanted>) -> Result<Project> {
        let (tenant, id) = (&self.inner.home_tenant, self.home_of(principal)?);
        if self.project_id(tenant, &id).await?.is_none() {
            self.home_create(principal, &id).await?;
            return self.project_open(principal, tenant, &id).await;
        }
        self.project(principal, wanted, tenant, &id).await
    }

    fn home_of(&self, principal: &Principal) -> Result<String> {
        match (&principal.access, &principal.project) {
            (Access::Key(scope), _) if scope.tenant == self.inner.home_tenant => Ok(scope.project.clone()),
            (Access::Key(scope), _) => Err(Error::not_found("Project", &scope.project)),
            (_, Some(own)) => Ok(own.clone()),
            _ => Ok(SHARED.to_owned()),
        }
    }

    async fn home_create(&self, principal: &Principal, id: &str) -> Result<()> {
        match principal.kind {
            PrincipalKind::User => {
                let user = self.people().user_of(principal).await?;
                self.own_project_ensure(&user).await
            }
            PrincipalKind::ApiKey => Err(Error::not_found("Project", id)),
            _ => self.home_make(principal, id, "Default").await,
        }
    }

    /// Makes a project of the home tenant. Of several that do this at once one makes it.
    pub(crate) async fn home_make(&self, principal: &Principal, id: &str, name: &str) -> Result<()> {
        let tenant = &self.inner.home_tenant;
        let (scope, body) = (Scope::new(tenant, id), json!({ "id": id, "name": name }));
        let fill = |draft: &mut _| document::write_project_row(draft, &scope, &body);
        match self.create(principal, tenant, id, WriteOptions::default(), fill).await {
            Ok(_) | Err(Error::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
