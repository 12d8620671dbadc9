use understory_model::now;
use understory_sql::{SqlValue, Statements};

use crate::columns::{Columns, decode_all};
use crate::{RuntimeResult, RuntimeStore};

const ADD_MEMBER: &str = "insert into member (tenant_id, user_id, role, created_at) values (?, ?, ?, ?) \
    on conflict (tenant_id, user_id) do update set role = excluded.role";
const ADD_PROJECT_MEMBER: &str = "insert into project_members (tenant_id, project_id, user_id, role, created_at) \
    values (?, ?, ?, ?, ?) on conflict (tenant_id, project_id, user_id) do update set role = excluded.role";
const ORGANIZATIONS_OF: &str = "select tenant_id, role from member where user_id = ? order by tenant_id";
const PROJECTS_OF: &str = "select tenant_id, project_id, role from project_members where user_id = ? \
    order by tenant_id, project_id";
const MEMBERS_OF: &str = "select user_id, role from project_members where tenant_id = ? and project_id = ? \
    order by user_id";
const REMOVE: &str = "delete from project_members where tenant_id = ? and project_id = ? and user_id = ?";
const REMOVE_ALL: &str = "delete from project_members where tenant_id = ? and project_id = ?";

#[cfg(test)]
pub(crate) const SQL: &[&str] =
    &[ADD_MEMBER, ADD_PROJECT_MEMBER, ORGANIZATIONS_OF, PROJECTS_OF, MEMBERS_OF, REMOVE, REMOVE_ALL];

/// What a person is in an organization, or in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The tenant: the organization of the same id.
    pub tenant: String,
    /// The project; none for the organization itself.
    pub project: Option<String>,
    /// The role there.
    pub role: String,
}

/// Somebody's role in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectMember {
    /// The person.
    pub user_id: String,
    /// The role.
    pub role: String,
}

impl RuntimeStore {
    /// Makes a person something in organizations and projects; where they are something already, this instead.
    pub async fn memberships_add(&self, user: &str, memberships: Vec<Membership>) -> RuntimeResult<()> {
        let user = user.to_owned();
        self.write(move |db| memberships_add_in_txn(db, &user, &memberships)).await
    }

    /// All that a person is anywhere, organizations first.
    pub async fn memberships_of(&self, user: &str) -> RuntimeResult<Vec<Membership>> {
        let user = user.to_owned();
        self.read_one_state(move |db| memberships_of_in_txn(db, &user)).await
    }

    /// Who is something in a project itself.
    pub async fn project_members(&self, tenant: &str, project: &str) -> RuntimeResult<Vec<ProjectMember>> {
        let key = [tenant.into(), project.into()];
        let decode = |columns: &mut Columns| Ok(ProjectMember { user_id: columns.text()?, role: columns.text()? });
        self.read(move |db| decode_all(db.query(MEMBERS_OF, &key)?, decode)).await
    }

    /// Takes somebody's role in a project away; whether they had one.
    pub async fn project_member_remove(&self, tenant: &str, project: &str, user: &str) -> RuntimeResult<bool> {
        let key = [tenant, project, user].map(SqlValue::from);
        self.write_one(move |db| Ok(db.execute(REMOVE, &key)? > 0)).await
    }
}

pub(crate) fn memberships_add_in_txn(db: &dyn Statements, user: &str, memberships: &[Membership]) -> RuntimeResult<()> {
    let at = now();
    for Membership { tenant, project, role } in memberships {
        match project {
            Some(project) => db.execute(ADD_PROJECT_MEMBER, &[tenant, project, user, role, &at].map(SqlValue::from))?,
            None => db.execute(ADD_MEMBER, &[tenant, user, role, &at].map(SqlValue::from))?,
        };
    }
    Ok(())
}

pub(crate) fn memberships_of_in_txn(db: &dyn Statements, user: &str) -> RuntimeResult<Vec<Membership>> {
    let key = [user.into()];
    let organization =
        |columns: &mut Columns| Ok(Membership { tenant: columns.text()?, project: None, role: columns.text()? });
    let project = |columns: &mut Columns| {
        Ok(Membership { tenant: columns.text()?, project: Some(columns.text()?), role: columns.text()? })
    };
    let mut all = decode_all(db.query(ORGANIZATIONS_OF, &key)?, organization)?;
    all.extend(decode_all(db.query(PROJECTS_OF, &key)?, project)?);
    Ok(all)
}

/// A project that is made again under the same id must not have the members of the former one.
pub(crate) fn project_members_remove_in_txn(db: &dyn Statements, tenant: &str, project: &str) -> RuntimeResult<()> {
    db.execute(REMOVE_ALL, &[tenant.into(), project.into()])?;
    Ok(())
}
