//! Columns that an installation of Inkeep's platform does not have, and that follow from what it has.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use understory_model::Entity;
use understory_runtime::RowsOf;

/// A column, and the query that answers it by the key of its entity.
struct Computed {
    entity: &'static str,
    column: &'static str,
    query: &'static str,
    /// What the query reads.
    table: &'static str,
    reads: &'static [&'static str],
}

const COMPUTED: &[Computed] = &[
    Computed {
        entity: "message",
        column: "position",
        query: "select tenant_id, project_id, id, row_number() over (partition by tenant_id, project_id, \
            conversation_id order by created_at, id) as position from messages",
        table: "messages",
        reads: &["tenant_id", "project_id", "id", "conversation_id", "created_at"],
    },
    Computed {
        entity: "conversation",
        column: "messages",
        query: "select tenant_id, project_id, conversation_id as id, count(*) as messages from messages \
            group by tenant_id, project_id, conversation_id",
        table: "messages",
        reads: &["tenant_id", "project_id", "conversation_id"],
    },
    Computed {
        entity: "conversation",
        column: "events",
        query: "select tenant_id, project_id, conversation_id as id, max(idx) as events from stream_chunks \
            group by tenant_id, project_id, conversation_id",
        table: "stream_chunks",
        reads: &["tenant_id", "project_id", "conversation_id", "idx"],
    },
];

/// Tables and their columns.
pub(super) type Tables = BTreeMap<String, BTreeSet<String>>;

impl Computed {
    /// Those that an entity's table lacks and that the tables there have all for.
    fn of<'a>(entity: &'a Entity, tables: &'a Tables) -> impl Iterator<Item = &'static Self> + use<'a> {
        let has = |table: &str, column: &str| tables.get(table).is_some_and(|columns| columns.contains(column));
        let lacks = move |computed: &&Self| computed.entity == entity.name && !has(&entity.table, computed.column);
        let readable = move |computed: &&Self| computed.reads.iter().all(|column| has(computed.table, column));
        COMPUTED.iter().filter(lacks).filter(readable)
    }
}

/// Whether a column is computed.
pub(super) fn is_computed(entity: &Entity, column: &str, tables: &Tables) -> bool {
    Computed::of(entity, tables).any(|computed| computed.column == column)
}

/// The rows with what is computed of them.
pub(super) fn with_computed(rows: RowsOf, tables: &Tables) -> RowsOf {
    let entity = Arc::clone(rows.entity());
    Computed::of(&entity, tables).fold(rows, |rows, computed| rows.computed(computed.column, computed.query))
}
