use std::sync::Arc;

use understory_manage::{Draft, Snapshot};
use understory_model::{Key, Row, Value};

use crate::names::CREATED_AT;

/// Rows to read, be they of a commit or of a draft.
pub(crate) trait Rows {
    /// One row.
    fn row(&self, entity: &str, key: &Key) -> Option<&Arc<Row>>;

    /// All rows of an entity, by key.
    fn all(&self, entity: &str) -> Vec<&Arc<Row>>;

    /// The rows whose columns have these values, oldest first: the order they were written in.
    fn matching(&self, entity: &str, wanted: &[(&str, &str)]) -> Vec<&Arc<Row>> {
        let fits = |row: &&Arc<Row>| wanted.iter().all(|(column, value)| row.text(column) == Some(value));
        let mut rows: Vec<_> = self.all(entity).into_iter().filter(fits).collect();
        by_age(&mut rows);
        rows
    }

    /// The rows that agree with `place` on each of its columns, oldest first.
    fn within(&self, entity: &str, place: &Row) -> Vec<&Arc<Row>> {
        let wanted: Vec<(&str, &str)> = place.iter().filter_map(|(c, v)| Some((c, v.as_str()?))).collect();
        self.matching(entity, &wanted)
    }
}

impl Rows for Snapshot {
    fn row(&self, entity: &str, key: &Key) -> Option<&Arc<Row>> {
        self.get(entity, key)
    }

    fn all(&self, entity: &str) -> Vec<&Arc<Row>> {
        self.table(entity).values().collect()
    }
}

impl Rows for Draft {
    fn row(&self, entity: &str, key: &Key) -> Option<&Arc<Row>> {
        self.get(entity, key)
    }

    fn all(&self, entity: &str) -> Vec<&Arc<Row>> {
        self.rows(entity).into_values().collect()
    }
}

/// Sorts rows by when they were made; the sort is stable, so that rows of the same time stay in key order.
pub(crate) fn by_age(rows: &mut [&Arc<Row>]) {
    rows.sort_by(|a, b| a.text(CREATED_AT).cmp(&b.text(CREATED_AT)));
}

/// The texts of a column, in the order of the rows.
pub(crate) fn texts(rows: &[&Arc<Row>], column: &str) -> Vec<Value> {
    rows.iter().map(|row| row.get(column).clone()).collect()
}
