//! People of the server, and the project that each has of their own.

use understory_auth::{NewPerson, Origin, PersonDetails, Principal, ProjectRole, ServerRole, SignIn};
use understory_runtime::{Membership, User};

use crate::Result;
use crate::app::Understory;

impl Understory {
    /// Makes somebody a user, if they are let in, with a project of their own, and signs them in.
    ///
    /// The person comes first. Where the project cannot be made now, or this process dies before, it is made when they
    /// next sign in.
    pub async fn register(&self, new: NewPerson, origin: &Origin) -> Result<SignIn> {
        let people = &self.inner.gate.people;
        let user = people.register(new, origin).await?;
        self.own_project_ensure(&user).await?;
        Ok(people.enter(user, origin).await?)
    }

    /// Makes somebody a user on behalf of who runs the server.
    pub async fn user_create(&self, details: PersonDetails, password: &str, role: ServerRole) -> Result<User> {
        let user = self.inner.gate.people.user_create(details, password, role).await?;
        self.own_project_ensure(&user).await?;
        Ok(user)
    }

    /// Lets somebody in who knows the password.
    pub async fn sign_in(&self, email: &str, password: &str, origin: &Origin) -> Result<SignIn> {
        let entry = self.inner.gate.people.sign_in(email, password, origin).await?;
        self.own_project_ensure(&entry.user).await?;
        Ok(entry)
    }

    /// Makes somebody's own project unless it is there. Of several that do this at once one makes it.
    pub(crate) async fn own_project_ensure(&self, user: &User) -> Result<()> {
        let (home, id) = (&self.inner.home_tenant, &user.default_project);
        if self.project_id(home, id).await?.is_some() {
            return Ok(());
        }
        let owner = Principal::person(&user.id, &user.username);
        self.home_make(&owner, id, &format!("Project of {}", user.username)).await?;
        // Roles in a project go with it: one that is made again needs its admin again.
        let role = ProjectRole::Admin.as_str().to_owned();
        let own = Membership { tenant: home.clone(), project: Some(id.clone()), role };
        self.inner.runtime.memberships_add(&user.id, vec![own]).await?;
        self.inner.gate.forget();
        Ok(())
    }
}
