//! Whole tables by the model's columns, for copies from one store to another.

use std::collections::BTreeSet;
use std::sync::Arc;

use understory_model::{Column, Entity, Row, Value};
use understory_sql::{SqlValue, Statements, decode, encode};

use crate::columns::{Columns, decode_one};
use crate::{RuntimeError, RuntimeResult, RuntimeStore};

/// Rows of one statement that adds some.
const A_STATEMENT: usize = 100;

/// The rows of an entity's table, or those of them that hold certain values.
#[derive(Clone, Debug)]
pub struct RowsOf {
    entity: Arc<Entity>,
    fixed: Vec<(String, String)>,
    /// Columns that the table does not have: they read as their defaults, unless they are computed.
    lacking: BTreeSet<String>,
    /// Those of them that queries answer.
    computed: Vec<(String, String)>,
}

/// Where a page of rows ends: the next one begins after it.
#[derive(Clone, Debug)]
pub struct After(Vec<SqlValue>);

impl RowsOf {
    /// All rows.
    pub fn all(entity: &Arc<Entity>) -> Self {
        Self { entity: Arc::clone(entity), fixed: Vec::new(), lacking: BTreeSet::new(), computed: Vec::new() }
    }

    /// Those of them that hold this text in a column.
    #[must_use]
    pub fn with(mut self, column: &str, value: &str) -> Self {
        self.fixed.push((column.to_owned(), value.to_owned()));
        self
    }

    /// The same of a table that has these columns only.
    #[must_use]
    pub fn having(mut self, columns: &BTreeSet<String>) -> Self {
        let lacking = self.entity.columns.iter().map(|column| &column.name).filter(|name| !columns.contains(*name));
        self.lacking = lacking.cloned().collect();
        self
    }

    /// The same with a column that the table does not have, computed by a query over the whole database: it answers the
    /// columns of the key and this one, once for each key at most. What it answers nothing for has the default.
    #[must_use]
    pub fn computed(mut self, column: &str, query: &str) -> Self {
        self.lacking.insert(column.to_owned());
        self.computed.push((column.to_owned(), query.to_owned()));
        self
    }

    /// Whether every page costs as much as the whole table, as something of it is computed.
    pub fn is_computed(&self) -> bool {
        !self.computed.is_empty()
    }

    /// Whether a row is one of them.
    pub fn admits(&self, row: &Row) -> bool {
        self.fixed.iter().all(|(column, value)| row.text(column) == Some(value))
    }

    /// Whose rows they are.
    pub fn entity(&self) -> &Arc<Entity> {
        &self.entity
    }

    fn conditions(&self) -> (Vec<String>, Vec<SqlValue>) {
        let conditions = self.fixed.iter().map(|(column, _)| format!("{} = ?", quote(column))).collect();
        (conditions, self.fixed.iter().map(|(_, value)| value.into()).collect())
    }

    fn page(&self, after: Option<&After>, limit: usize) -> (String, Vec<SqlValue>) {
        let (mut conditions, mut values) = self.conditions();
        let key = list(self.entity.key.iter().map(String::as_str));
        if let Some(After(last)) = after {
            conditions.push(format!("({key}) > ({})", places(last.len())));
            values.extend(last.iter().cloned());
        }
        values.push(SqlValue::Integer(i64::try_from(limit).unwrap_or(i64::MAX)));
        let columns = list(self.selected().map(|column| column.name.as_str()));
        let (table, wanted) = (quote(&self.entity.table), wanted(&conditions));
        // Joined whole: what a query counts or numbers does not depend on where the page begins.
        let join = |(column, query): &(String, String)| {
            format!(" left join ({query}) as {} using ({key})", quote(&format!("computed_{column}")))
        };
        let joins: String = self.computed.iter().map(join).collect();
        (format!("select {columns} from {table}{joins}{wanted} order by {key} limit ?"), values)
    }

    fn read(&self, cells: Vec<SqlValue>) -> RuntimeResult<Row> {
        let default = |column: &Column| column.default.clone().unwrap_or(Value::Null);
        let value = |(column, cell): (&Column, SqlValue)| {
            let value = decode(column.ty, cell.as_ref()).map_err(|error| self.damaged(&column.name, error))?;
            let unanswered = value.is_null() && self.lacking.contains(&column.name);
            Ok((column.name.clone(), if unanswered { default(column) } else { value }))
        };
        let absent = self.entity.columns.iter().filter(|column| !self.is_selected(column));
        let absent = absent.map(|column| Ok((column.name.clone(), default(column))));
        self.selected().zip(cells).map(value).chain(absent).collect()
    }

    fn selected(&self) -> impl Iterator<Item = &Column> {
        self.entity.columns.iter().filter(|column| self.is_selected(column))
    }

    fn is_selected(&self, column: &Column) -> bool {
        !self.lacking.contains(&column.name) || self.computed.iter().any(|(computed, _)| *computed == column.name)
    }

    fn damaged(&self, column: &str, error: understory_sql::ValueError) -> RuntimeError {
        let detail = format!("{}.{column}", self.entity.table);
        RuntimeError::Corrupt { detail, source: Some(Box::new(error)) }
    }

    /// The cells of a row in some columns.
    fn cells<'a>(&self, row: &Row, columns: impl Iterator<Item = &'a String>) -> RuntimeResult<Vec<SqlValue>> {
        let cell = |name: &String| {
            let ty = self.entity.column(name).map(|column| column.ty);
            let ty = ty.ok_or_else(|| RuntimeError::corrupt(format!("{} has no column {name}", self.entity.table)))?;
            encode(ty, row.get(name)).map_err(|error| self.damaged(name, error))
        };
        columns.map(cell).collect()
    }

    fn insert(&self, rows: usize) -> String {
        let columns = list(self.entity.columns.iter().map(|column| column.name.as_str()));
        let row = format!("({})", places(self.entity.columns.len()));
        let (table, rows) = (quote(&self.entity.table), vec![row; rows].join(", "));
        // Of the key alone: that another value which must be unique is taken is an error, not the same row.
        let key = list(self.entity.key.iter().map(String::as_str));
        format!("insert into {table} ({columns}) values {rows} on conflict ({key}) do nothing")
    }
}

impl RuntimeStore {
    /// At most `limit` rows in the order of their keys, after a place, and where they end; none after the last.
    pub async fn rows_page(
        &self,
        rows: &RowsOf,
        after: Option<&After>,
        limit: usize,
    ) -> RuntimeResult<(Vec<Row>, Option<After>)> {
        let (sql, values) = rows.page(after, limit);
        let cells = self.read(move |db| Ok(db.query(&sql, &values)?)).await?;
        let page: Vec<Row> = cells.into_iter().map(|cells| rows.read(cells)).collect::<RuntimeResult<_>>()?;
        let last = if page.len() < limit { None } else { page.last() };
        let end = last.map(|row| rows.cells(row, rows.entity.key.iter())).transpose()?.map(After);
        Ok((page, end))
    }

    /// How many rows there are.
    pub async fn rows_count(&self, rows: &RowsOf) -> RuntimeResult<u64> {
        let (conditions, values) = rows.conditions();
        let sql = format!("select count(*) from {}{}", quote(&rows.entity.table), wanted(&conditions));
        let count = self.read(move |db| decode_one(db.query_row(&sql, &values)?, Columns::integer_or_null)).await?;
        Ok(count.flatten().unwrap_or_default().unsigned_abs())
    }

    /// Adds rows as they are, all of them or none; one whose key is taken stays as it is.
    pub async fn rows_add(&self, rows: &RowsOf, added: &[Row]) -> RuntimeResult<()> {
        let mut statements = Vec::new();
        for some in added.chunks(A_STATEMENT) {
            let columns = || rows.entity.columns.iter().map(|column| &column.name);
            let cells = some.iter().map(|row| rows.cells(row, columns())).collect::<RuntimeResult<Vec<_>>>()?;
            statements.push((rows.insert(some.len()), cells.concat()));
        }
        let run = |db: &dyn Statements, (sql, cells): &(String, Vec<SqlValue>)| db.execute(sql, cells).map(drop);
        self.write(move |db| Ok(statements.iter().try_for_each(|statement| run(db, statement))?)).await
    }
}

fn wanted(conditions: &[String]) -> String {
    if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(" and ")) }
}

fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quote).collect::<Vec<_>>().join(", ")
}

pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
