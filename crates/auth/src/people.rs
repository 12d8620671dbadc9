//! People: who they are, and how they come to be.

use std::sync::Arc;
use std::time::Duration;

use understory_model::id::made_uuid;
use understory_model::{FieldError, now};
use understory_runtime::{Admission, Invitation, Membership, NewUser, RuntimeStore, StoredUser, User, UserDetails};

use crate::access::{OrgRole, ProjectRole};
use crate::details::{PersonChange, PersonDetails, check_password, normal_email, refuse};
use crate::failures::Failures;
use crate::known::Known;
use crate::limits::{Buckets, Limits};
use crate::origin::Origin;
use crate::password::{Passwords, Verdict};
use crate::secret::Digest;
use crate::session::FoundSession;
use crate::signing::Signing;
use crate::{AuthError, AuthResult, Principal, PrincipalKind, Secret, ServerRole};

const OWNER_CODE: &str = "owner_code_hash";
const OWNER_CODE_PREFIX: &str = "und_owner";

/// Who may register. The owner's code admits whatever this says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Everybody.
    Open,
    /// Whoever was invited.
    Invitation,
    /// Nobody.
    Closed,
}

impl Registration {
    /// The one of a name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "open" => Some(Self::Open),
            "invitation" => Some(Self::Invitation),
            "closed" => Some(Self::Closed),
            _ => None,
        }
    }
}

/// How people are let in.
#[derive(Clone, Debug)]
pub struct PeopleSettings {
    /// Who may register.
    pub registration: Registration,
    /// What access tokens are signed with, newest first; empty where the store has the keys.
    pub token_secrets: Vec<Secret>,
    /// For how long an access token is good.
    pub token_lifetime: Duration,
    /// How often people may try.
    pub limits: Limits,
}

impl Default for PeopleSettings {
    fn default() -> Self {
        Self {
            registration: Registration::Invitation,
            token_secrets: Vec::new(),
            token_lifetime: Duration::from_secs(24 * 60 * 60),
            limits: Limits::default(),
        }
    }
}

/// The people of the server: lets them in, and tells who they are. Clones share it.
#[derive(Clone)]
pub struct People {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) runtime: RuntimeStore,
    pub(crate) signing: Signing,
    pub(crate) passwords: Passwords,
    pub(crate) limits: Limits,
    pub(crate) buckets: Buckets,
    pub(crate) failures: Failures,
    pub(crate) known: Known<String, FoundSession>,
    registration: Registration,
    home: String,
}

/// Somebody who wants to become a user.
#[derive(Clone)]
pub struct NewPerson {
    /// What they say of themselves.
    pub details: PersonDetails,
    /// Their password.
    pub password: String,
    /// The code with which the owner of an empty server begins.
    pub owner_code: Option<String>,
    /// The token of an invitation.
    pub invitation: Option<String>,
}

/// What somebody becomes who is let in.
struct Admitted {
    by: Admission,
    role: ServerRole,
    memberships: Vec<Membership>,
}

impl People {
    /// The people in a store, all of whom belong to the tenant `home`.
    pub fn new(runtime: RuntimeStore, settings: PeopleSettings, home: &str) -> Self {
        let PeopleSettings { registration, token_secrets, token_lifetime, limits } = settings;
        let inner = Inner {
            signing: Signing::new(runtime.clone(), &token_secrets, token_lifetime),
            runtime,
            passwords: Passwords::new(),
            limits,
            buckets: Buckets::new(),
            failures: Failures::new(),
            known: Known::new(),
            registration,
            home: home.to_owned(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The code with which the owner of a server without people registers, if it was made just now: to be printed, as
    /// it is never seen again.
    pub async fn owner_code_ensure(&self) -> AuthResult<Option<Secret>> {
        let Inner { runtime, .. } = &*self.inner;
        if runtime.user_any().await? || runtime.setting_get(OWNER_CODE).await?.is_some() {
            return Ok(None);
        }
        let code = Secret::generate(OWNER_CODE_PREFIX);
        let hash = code.digest().hex();
        Ok((runtime.setting_ensure(OWNER_CODE, &hash).await? == hash).then_some(code))
    }

    /// Makes somebody a user, if they are let in: with the role user, and a project of their own in the home tenant, of
    /// which they are admin and which is yet to be made; or as its owner.
    pub async fn register(&self, new: NewPerson, origin: &Origin) -> AuthResult<User> {
        let Inner { buckets, limits, .. } = &*self.inner;
        buckets.take("register", origin.place(), limits.register)?;
        let mut errors = Vec::new();
        let details = new.details.checked(&mut errors);
        check_password("password", &new.password, &mut errors);
        refuse(errors)?;
        let admitted = self.admit(&details, new.owner_code.as_deref(), new.invitation.as_deref()).await?;
        self.add(details, &new.password, admitted).await
    }

    /// Makes somebody a user on behalf of who runs the server.
    pub async fn user_create(&self, details: PersonDetails, password: &str, role: ServerRole) -> AuthResult<User> {
        let mut errors = Vec::new();
        let details = details.checked(&mut errors);
        check_password("password", password, &mut errors);
        refuse(errors)?;
        let admitted = match role {
            ServerRole::Admin => self.owner(Admission::Open),
            ServerRole::User => self.member(Admission::Open, Vec::new()),
        };
        self.add(details, password, admitted).await
    }

    async fn add(&self, details: UserDetails, password: &str, admitted: Admitted) -> AuthResult<User> {
        let Inner { runtime, home, passwords, .. } = &*self.inner;
        let (id, hash) = (made_uuid(), passwords.hash(password).await?);
        let default_project = project_of(&details.username, &id);
        let own = Membership {
            tenant: home.clone(),
            project: Some(default_project.clone()),
            role: ProjectRole::Admin.as_str().to_owned(),
        };
        let memberships = [admitted.memberships, vec![own]].concat();
        let role = admitted.role.to_string();
        let new = NewUser { id, details, role, password_hash: Some(hash), default_project };
        let added = runtime.user_add(new, memberships, admitted.by).await?;
        added.ok_or(AuthError::NotAdmitted("the code or invitation was used already"))
    }

    async fn admit(
        &self,
        details: &UserDetails,
        owner_code: Option<&str>,
        invitation: Option<&str>,
    ) -> AuthResult<Admitted> {
        let Inner { runtime, registration, .. } = &*self.inner;
        match (owner_code, invitation, registration) {
            (Some(code), ..) => {
                let hash = Digest::of(code).hex();
                if runtime.setting_get(OWNER_CODE).await?.as_ref() != Some(&hash) {
                    return Err(AuthError::NotAdmitted("the owner's code is wrong, or was used already"));
                }
                Ok(self.owner(Admission::Setting { name: OWNER_CODE.to_owned(), value: hash }))
            }
            (None, _, Registration::Closed) => Err(AuthError::NotAdmitted("registration is closed")),
            (None, Some(token), _) => {
                let found = runtime.invitation_find(&Digest::of(token).hex()).await?;
                let good = |found: &Invitation| {
                    found.status == "pending" && found.expires_at > now() && found.email == details.email
                };
                let found = found.filter(good).ok_or(AuthError::NotAdmitted(
                    "the invitation is not good: it is for another address, was used or has expired",
                ))?;
                Ok(self.invited(found))
            }
            (None, None, Registration::Invitation) => Err(AuthError::NotAdmitted("registration is by invitation")),
            (None, None, Registration::Open) => Ok(self.member(Admission::Open, Vec::new())),
        }
    }

    fn owner(&self, by: Admission) -> Admitted {
        let owner = organization(&self.inner.home, OrgRole::Owner.as_str());
        Admitted { by, role: ServerRole::Admin, memberships: vec![owner] }
    }

    fn member(&self, by: Admission, more: Vec<Membership>) -> Admitted {
        let member = organization(&self.inner.home, OrgRole::Member.as_str());
        Admitted { by, role: ServerRole::User, memberships: [vec![member], more].concat() }
    }

    fn invited(&self, invitation: Invitation) -> Admitted {
        let Invitation { tenant, id, role, projects, .. } = invitation;
        let mut more = vec![organization(&tenant, &role)];
        for project in projects.as_array().into_iter().flatten() {
            if let (Some(id), Some(role)) = (project["projectId"].as_str(), project["projectRole"].as_str()) {
                let (project, role) = (Some(id.to_owned()), role.to_owned());
                more.push(Membership { tenant: tenant.clone(), project, role });
            }
        }
        self.member(Admission::Invitation { tenant, id }, more)
    }

    /// A person by id.
    pub async fn user(&self, id: &str) -> AuthResult<User> {
        Ok(self.stored(id).await?.user)
    }

    /// The person that a principal is.
    pub async fn user_of(&self, principal: &Principal) -> AuthResult<User> {
        self.user(person(principal)?).await
    }

    /// A person by address, if there is one.
    pub async fn user_find(&self, email: &str) -> AuthResult<Option<User>> {
        Ok(self.inner.runtime.user_find(&normal_email(email)).await?.map(|found| found.user))
    }

    /// All people by user name.
    pub async fn user_list(&self) -> AuthResult<Vec<User>> {
        Ok(self.inner.runtime.user_list().await?)
    }

    /// Changes what somebody says of themselves.
    pub async fn user_update(&self, id: &str, change: PersonChange) -> AuthResult<User> {
        let mut errors = Vec::new();
        change.on(self.user(id).await?).checked(&mut errors);
        refuse(errors)?;
        // Each field is good by itself, so it is so with whatever the others are by then.
        let change = move |user| change.on(user).checked(&mut Vec::new());
        let updated = self.inner.runtime.user_update(id, change).await?;
        self.forget();
        updated.ok_or_else(|| AuthError::NoUser(id.to_owned()))
    }

    /// Lets somebody sign in, or no more: then all their sessions end.
    pub async fn user_set_active(&self, id: &str, active: bool) -> AuthResult<User> {
        let changed = self.inner.runtime.user_set_active(id, active).await?;
        self.forget();
        changed.ok_or_else(|| AuthError::NoUser(id.to_owned()))
    }

    /// Gives somebody another password on behalf of who runs the server. All their sessions end.
    pub async fn user_set_password(&self, id: &str, password: &str) -> AuthResult<()> {
        let mut errors = Vec::new();
        check_password("password", password, &mut errors);
        refuse(errors)?;
        self.set_password(id, password, "").await
    }

    /// Changes the password of a person who knows the present one. Their other sessions end.
    pub async fn password_change(&self, principal: &Principal, current: &str, new: &str) -> AuthResult<()> {
        let Inner { buckets, limits, passwords, .. } = &*self.inner;
        let id = person(principal)?;
        buckets.take("password", id, limits.password)?;
        let mut errors = Vec::new();
        check_password("newPassword", new, &mut errors);
        refuse(errors)?;
        let stored = self.stored(id).await?.password_hash;
        if passwords.verify(current, stored.as_deref()).await? == Verdict::Wrong {
            let wrong = FieldError::new("/currentPassword", "mismatch", "currentPassword is not the present password");
            return Err(AuthError::Invalid(vec![wrong]));
        }
        self.set_password(id, new, principal.session.as_deref().unwrap_or_default()).await
    }

    async fn set_password(&self, id: &str, password: &str, kept_session: &str) -> AuthResult<()> {
        let hash = self.inner.passwords.hash(password).await?;
        let found = self.inner.runtime.user_set_password(id, &hash, kept_session).await?;
        self.forget();
        if found { Ok(()) } else { Err(AuthError::NoUser(id.to_owned())) }
    }

    /// Makes somebody something in organizations and projects; where they are something already, this instead.
    pub async fn grant(&self, id: &str, memberships: Vec<Membership>) -> AuthResult<()> {
        self.stored(id).await?;
        self.inner.runtime.memberships_add(id, memberships).await?;
        self.forget();
        Ok(())
    }

    /// From now on access tokens are signed with another key; those made before stay good until they expire.
    pub async fn token_key_rotate(&self) -> AuthResult<()> {
        self.inner.signing.rotate().await
    }

    /// Forgets what was found of people: what they may do has changed.
    pub fn forget(&self) {
        self.inner.known.forget_all();
    }

    async fn stored(&self, id: &str) -> AuthResult<StoredUser> {
        let found = self.inner.runtime.user_get(id).await?;
        found.ok_or_else(|| AuthError::NoUser(id.to_owned()))
    }
}

fn organization(tenant: &str, role: &str) -> Membership {
    Membership { tenant: tenant.to_owned(), project: None, role: role.to_owned() }
}

/// The id of the person that a principal is.
pub(crate) fn person(principal: &Principal) -> AuthResult<&str> {
    if principal.kind == PrincipalKind::User { Ok(&principal.id) } else { Err(AuthError::NotAPerson) }
}

/// The id of somebody's own project: their user name as far as ids of projects may have it, and the beginning of their
/// id, so that no two are alike.
fn project_of(username: &str, id: &str) -> String {
    let lower = username.to_ascii_lowercase();
    let kept: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let unique: String = id.chars().take(8).collect();
    [kept, vec![unique.as_str()]].concat().join("-")
}

#[cfg(test)]
mod tests {
    use understory_model::id::is_project_id;

    use super::*;

    #[test]
    fn own_projects_are_named_after_their_owners() {
        let id = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
        for (username, project) in
            [("ana", "ana-7c9e6679"), ("A.n_a-", "a-n-a-7c9e6679"), ("...", "7c9e6679"), ("x1", "x1-7c9e6679")]
        {
            assert_eq!(project_of(username, id), project);
            assert!(is_project_id(project));
        }
    }
}
