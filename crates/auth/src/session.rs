//! Signing in, and staying so.

use std::sync::Arc;
use std::time::Duration;

use understory_model::{from_now, now, until};
use understory_runtime::{Membership, NewSession, Rotation, SignedIn, User};

use crate::access::{Access, OrgRole, ProjectRole, Roles};
use crate::details::{LONGEST_EMAIL, normal_email};
use crate::keys::unreadable;
use crate::origin::Origin;
use crate::password::Verdict;
use crate::people::{Inner, People};
use crate::session_token::SessionToken;
use crate::{AuthError, AuthResult, Principal, PrincipalKind, Secret, ServerRole};

/// How long a session lasts that is not used.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long a session in use goes on before its end is moved.
const MOVED_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
const LONGEST_ADDRESS: usize = 64;
const LONGEST_USER_AGENT: usize = 512;

/// A person who signed in just now, or goes on.
pub struct SignIn {
    /// Who it is.
    pub user: User,
    /// With this the session is refreshed, or carried on in a browser.
    pub session: Secret,
    /// With this requests are made.
    pub access: Secret,
    /// For how long that is good.
    pub access_lifetime: Duration,
}

/// A session that was looked up: who acts in it, and until when.
#[derive(Clone)]
pub(crate) struct FoundSession {
    principal: Principal,
    expires_at: String,
}

impl People {
    /// Lets somebody in who knows the password: a wrong one and an unknown address take the same time and get the same
    /// answer.
    pub async fn sign_in(&self, email: &str, password: &str, origin: &Origin) -> AuthResult<SignIn> {
        let Inner { runtime, buckets, failures, limits, passwords, .. } = &*self.inner;
        // Nobody has a longer address; what is counted by address must not grow with what is sent.
        let email: String = normal_email(email).chars().take(LONGEST_EMAIL).collect();
        buckets.take("login", origin.place(), limits.login)?;
        buckets.take("login to", &email, limits.login)?;
        failures.check(&email)?;
        let found = runtime.user_find(&email).await?;
        if let Some(retry_after) = found.as_ref().and_then(|found| until(found.locked_until.as_deref()?)) {
            return Err(AuthError::TooMany { retry_after });
        }
        let stored = found.as_ref().and_then(|found| found.password_hash.as_deref());
        let verdict = passwords.verify(password, stored).await?;
        let Some(found) = found.filter(|found| verdict != Verdict::Wrong && found.user.is_active) else {
            self.note_failure(&email);
            return Err(AuthError::Credentials);
        };
        failures.forget(&email);
        if let (Verdict::RightButWeak, Some(former)) = (verdict, &found.password_hash) {
            runtime.user_rehash(&found.user.id, former, &passwords.hash(password).await?).await?;
        }
        let at = now();
        runtime.user_signed_in(&found.user.id, &at).await?;
        self.enter(User { last_login_at: Some(at), ..found.user }, origin).await
    }

    /// Begins a session of somebody who is let in.
    pub async fn enter(&self, user: User, origin: &Origin) -> AuthResult<SignIn> {
        let token = SessionToken::generate();
        let cut = |text: &Option<String>, most| text.as_ref().map(|text| text.chars().take(most).collect());
        let new = NewSession {
            user_id: user.id.clone(),
            handle_hash: token.handle_hash(),
            secret_hash: token.secret_hash(),
            expires_at: from_now(LIFETIME),
            ip_address: cut(&origin.address, LONGEST_ADDRESS),
            user_agent: cut(&origin.user_agent, LONGEST_USER_AGENT),
        };
        let session = self.inner.runtime.session_begin(new).await?;
        self.entry(user, &session.id, &token).await
    }

    /// Goes on with a session: its token is replaced. One that was replaced before ends the session, as somebody else
    /// has it.
    pub async fn refresh(&self, presented: &str) -> AuthResult<SignIn> {
        let runtime = &self.inner.runtime;
        let token = SessionToken::parse(presented).ok_or(AuthError::Credentials)?;
        let handle = token.handle_hash();
        let found = runtime.session_find(&handle).await?.filter(is_good).ok_or(AuthError::Credentials)?;
        let next = token.next();
        let rotated =
            runtime.session_rotate(&handle, &token.secret_hash(), &next.secret_hash(), &from_now(LIFETIME)).await?;
        self.forget();
        match rotated {
            Rotation::Rotated(session) => self.entry(found.user, &session.id, &next).await,
            Rotation::Reused(session) => {
                tracing::warn!(user.id = session.user_id, "a session ended: its former token was used again");
                Err(AuthError::Credentials)
            }
            Rotation::Unknown => Err(AuthError::Credentials),
        }
    }

    /// Ends the session that a principal acts in.
    pub async fn sign_out(&self, principal: &Principal) -> AuthResult<()> {
        let session = principal.session.as_deref().ok_or(AuthError::NotAPerson)?;
        self.inner.runtime.session_end(session).await?;
        self.forget();
        Ok(())
    }

    /// Forgets sessions that have ended.
    pub async fn sessions_prune(&self) -> AuthResult<()> {
        Ok(self.inner.runtime.session_prune(&now()).await?)
    }

    /// Who presents an access token, if it is good.
    pub async fn authenticate(&self, presented: &str) -> AuthResult<Option<Principal>> {
        let Some(claims) = self.inner.signing.verify(presented).await? else { return Ok(None) };
        let (known, epoch) = self.known(&claims.sid);
        if known.is_some() {
            return Ok(known.and_then(FoundSession::if_good));
        }
        let Some(found) = self.inner.runtime.session_get(&claims.sid).await? else { return Ok(None) };
        let found = FoundSession::read(found)?;
        self.inner.known.remember(claims.sid, found.clone(), epoch);
        Ok(found.if_good())
    }

    /// Who presents the token of a session, as browsers do, if it is good.
    pub async fn authenticate_session(&self, presented: &str) -> AuthResult<Option<Principal>> {
        let Some(token) = SessionToken::parse(presented) else { return Ok(None) };
        // What is known by its session's id, which is no secret, must not be found here.
        let key = format!("{}.{}", token.handle_hash(), token.secret_hash());
        let (known, epoch) = self.known(&key);
        if known.is_some() {
            return Ok(known.and_then(FoundSession::if_good));
        }
        let found = self.inner.runtime.session_find(&token.handle_hash()).await?;
        let Some(found) = found.filter(|found| found.session.secret_hash == token.secret_hash()) else {
            return Ok(None);
        };
        let found = FoundSession::read(found)?;
        let Some(principal) = found.clone().if_good() else { return Ok(None) };
        self.inner.known.remember(key, found.clone(), epoch);
        if until(&found.expires_at).is_some_and(|left| left + MOVED_EVERY < LIFETIME) {
            let session = principal.session.as_deref().unwrap_or_default();
            self.inner.runtime.session_extend(session, &from_now(LIFETIME)).await?;
        }
        Ok(Some(principal))
    }

    /// What is known by a key: nothing where another process may have changed it since.
    fn known(&self, key: &str) -> (Option<FoundSession>, u64) {
        let (known, epoch) = self.inner.known.find(&key.to_owned());
        (known.filter(|_| !self.inner.runtime.is_shared()), epoch)
    }

    async fn entry(&self, user: User, session: &str, token: &SessionToken) -> AuthResult<SignIn> {
        let access = Secret::of(self.inner.signing.sign(&user, session).await?);
        Ok(SignIn { user, session: token.reveal(), access, access_lifetime: self.inner.signing.lifetime() })
    }

    /// Nobody waits for the store here: who does would be told that the account is there.
    fn note_failure(&self, email: &str) {
        let Inner { failures, limits, .. } = &*self.inner;
        failures.note(email, limits.lock_after, limits.lock_for);
        let (people, email) = (self.clone(), email.to_owned());
        tokio::spawn(async move {
            let Inner { runtime, limits, .. } = &*people.inner;
            let noted = async {
                let Some(found) = runtime.user_find(&email).await? else { return Ok(()) };
                runtime.user_sign_in_failed(&found.user.id, limits.lock_after, &from_now(limits.lock_for)).await
            };
            if let Err(error) = noted.await {
                tracing::warn!(%error, "a wrong password could not be noted");
            }
        });
    }
}

fn is_good(found: &SignedIn) -> bool {
    found.user.is_active && found.session.expires_at > now()
}

impl FoundSession {
    fn read(found: SignedIn) -> AuthResult<Self> {
        let SignedIn { session, user, memberships } = found;
        // Somebody who may not sign in has a session that is over.
        let expires_at = if user.is_active { session.expires_at } else { String::new() };
        let access = match ServerRole::parse(&user.role).ok_or_else(|| unreadable("the role of a user"))? {
            ServerRole::Admin => Access::Everything,
            ServerRole::User => Access::Roles(Arc::new(roles(memberships)?)),
        };
        let principal = Principal {
            id: user.id,
            name: user.username,
            kind: PrincipalKind::User,
            access,
            session: Some(session.id),
            project: Some(user.default_project),
        };
        Ok(Self { principal, expires_at })
    }

    fn if_good(self) -> Option<Principal> {
        (self.expires_at > now()).then_some(self.principal)
    }
}

fn roles(memberships: Vec<Membership>) -> AuthResult<Roles> {
    let mut roles = Roles::default();
    for Membership { tenant, project, role } in memberships {
        match project {
            Some(project) => {
                let role = ProjectRole::parse(&role).ok_or_else(|| unreadable("a role in a project"))?;
                roles.projects.insert((tenant, project), role);
            }
            None => {
                let role = OrgRole::parse(&role).ok_or_else(|| unreadable("a role in an organization"))?;
                roles.organizations.insert(tenant, role);
            }
        }
    }
    Ok(roles)
}
