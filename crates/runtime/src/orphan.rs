//! Rows of all tenants that name what is not there: found, and deleted or brought to an end.

use understory_sql::Statements;

use crate::columns::decode_all;
use crate::generation::{self, Generation};
use crate::scope::ProjectKey;
use crate::{RuntimeResult, RuntimeStore};

/// One sort of rows that name what is not there.
struct Sort {
    table: &'static str,
    lacks: &'static str,
    find: &'static str,
    delete: &'static str,
}

/// Rows of a table without the row of another that these columns of theirs name.
macro_rules! sort {
    ($table:literal lacks $lacks:literal in $other:literal: $($named:literal = $column:literal),+) => {
        Sort {
            table: $table,
            lacks: $lacks,
            find: concat!("select tenant_id, project_id, count(*) from ", $table, " where not exists (select 1 from ",
                $other, " where ", $other, ".tenant_id = ", $table, ".tenant_id",
                $(" and ", $other, ".", $named, " = ", $table, ".", $column,)+
                ") group by tenant_id, project_id order by tenant_id, project_id"),
            delete: concat!("delete from ", $table, " where not exists (select 1 from ",
                $other, " where ", $other, ".tenant_id = ", $table, ".tenant_id",
                $(" and ", $other, ".", $named, " = ", $table, ".", $column,)+ ")"),
        }
    };
    ($table:literal of no project) => {
        sort!($table lacks "project" in "project_metadata": "id" = "project_id")
    };
    ($table:literal of no conversation) => {
        sort!($table lacks "conversation" in "conversations": "project_id" = "project_id", "id" = "conversation_id")
    };
}

/// In an order in which a row is gone before those that name it are looked for.
const SORTS: &[Sort] = &[
    sort!("conversations" of no project),
    sort!("messages" of no project),
    sort!("stream_chunks" of no project),
    sort!("feedback" of no project),
    sort!("generations" of no project),
    sort!("audit" of no project),
    sort!("agent_status" of no project),
    sort!("commit_aliases" of no project),
    sort!("tasks" of no project),
    sort!("api_keys" of no project),
    sort!("project_members" of no project),
    sort!("messages" of no conversation),
    sort!("stream_chunks" of no conversation),
    sort!("feedback" of no conversation),
    sort!("generations" of no conversation),
    sort!("tasks" lacks "conversation" in "conversations": "project_id" = "project_id", "id" = "context_id"),
    sort!("generations" lacks "message" in "messages": "project_id" = "project_id", "id" = "id"),
];

/// Messages in the making that nobody makes. All of the conversation's events may be theirs.
const UNATTENDED: &str = "select tenant_id, project_id, id, conversation_id, 0, null from messages \
    where status = 'streaming' and exists (select 1 from conversations \
    where conversations.tenant_id = messages.tenant_id and conversations.project_id = messages.project_id \
    and conversations.id = messages.conversation_id) and not exists (select 1 from generations \
    where generations.tenant_id = messages.tenant_id and generations.project_id = messages.project_id \
    and generations.id = messages.id)";
const IS_UNATTENDED: &str = "select 1 from messages \
    where tenant_id = ? and project_id = ? and id = ? and status = 'streaming' and not exists (select 1 from generations \
    where generations.tenant_id = messages.tenant_id and generations.project_id = messages.project_id \
    and generations.id = messages.id)";

/// Tables whose rows are looked for when their project is not there.
#[cfg(test)]
pub(crate) fn of_projects() -> Vec<&'static str> {
    SORTS.iter().filter(|sort| sort.lacks == "project").map(|sort| sort.table).collect()
}

#[cfg(test)]
pub(crate) fn sql() -> Vec<&'static str> {
    SORTS.iter().flat_map(|sort| [sort.find, sort.delete]).chain([UNATTENDED, IS_UNATTENDED]).collect()
}

/// Rows of a project that name what is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphans {
    /// The project.
    pub of: ProjectKey,
    /// Their table.
    pub table: &'static str,
    /// What they lack: `project`, `conversation` or `message`.
    pub lacks: &'static str,
    /// How many they are.
    pub rows: u64,
}

impl RuntimeStore {
    /// All rows that name what is not there. None of them waits for it: what a row names is always made before the row.
    pub async fn orphans(&self) -> RuntimeResult<Vec<Orphans>> {
        self.read_one_state(|db| {
            let found = SORTS.iter().map(|sort| sort.orphans(db)).collect::<RuntimeResult<Vec<_>>>()?;
            Ok(found.concat())
        })
        .await
    }

    /// Deletes all rows that name what is not there; which they were. Each sort goes in a transaction of its own.
    pub async fn orphans_delete(&self) -> RuntimeResult<Vec<Orphans>> {
        let mut deleted = Vec::new();
        for sort in SORTS {
            // Looked for before, as a writing transaction that reads whole tables is in the way of others.
            if !self.read(move |db| sort.orphans(db)).await?.is_empty() {
                deleted.extend(self.write(move |db| sort.delete(db)).await?);
            }
        }
        Ok(deleted)
    }

    /// Messages that are in the making by their status, and that no run makes.
    pub async fn answers_unattended(&self) -> RuntimeResult<Vec<Generation>> {
        self.read(|db| decode_all(db.query(UNATTENDED, &[])?, generation::decode)).await
    }

    /// Makes such a message this run's to end; `false` if it is not such a message any more.
    pub async fn answer_adopt(&self, unattended: &Generation) -> RuntimeResult<bool> {
        let (unattended, run) = (unattended.clone(), self.run().to_owned());
        self.write(move |db| {
            let key = unattended.of.row([(&unattended.message_id).into()]);
            let still = db.query_row(IS_UNATTENDED, &key)?.is_some();
            if still {
                generation::insert_in_txn(db, &unattended, &run)?;
            }
            Ok(still)
        })
        .await
    }
}

impl Sort {
    fn orphans(&self, db: &dyn Statements) -> RuntimeResult<Vec<Orphans>> {
        let (table, lacks) = (self.table, self.lacks);
        decode_all(db.query(self.find, &[])?, |columns| {
            let of = ProjectKey { tenant: columns.text()?, project: columns.text()? };
            Ok(Orphans { of, table, lacks, rows: columns.integer()?.unsigned_abs() })
        })
    }

    fn delete(&self, db: &dyn Statements) -> RuntimeResult<Vec<Orphans>> {
        let found = self.orphans(db)?;
        db.execute(self.delete, &[])?;
        Ok(found)
    }
}
