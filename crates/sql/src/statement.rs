//! Statements of one table, as text with a placeholder per value.

use sea_query::{
    Alias, Expr, ExprTrait as _, Order, PostgresQueryBuilder, Query, QueryStatementWriter, SqliteQueryBuilder,
};

/// A family of SQL engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite and DoltLite: placeholders are `?`.
    Sqlite,
    /// PostgreSQL and DoltGres: placeholders are `$1`, `$2`, …
    Postgres,
}

impl Dialect {
    /// `select COLUMNS from TABLE order by KEY`. No values.
    pub fn select(self, table: &str, columns: &[&str], key: &[&str]) -> String {
        let mut select = Query::select();
        select.columns(columns.iter().copied().map(Alias::new)).from(Alias::new(table));
        for column in key {
            select.order_by(Alias::new(*column), Order::Asc);
        }
        self.text(&select)
    }

    /// `insert into TABLE (COLUMNS) values (…)`. Values: the columns'.
    pub fn insert(self, table: &str, columns: &[&str]) -> String {
        let mut insert = Query::insert();
        insert.into_table(Alias::new(table)).columns(columns.iter().copied().map(Alias::new));
        insert.values_panic(columns.iter().map(|_| placeholder()));
        self.text(&insert)
    }

    /// `update TABLE set COLUMNS where KEY`. Values: the columns', then the key's.
    pub fn update(self, table: &str, columns: &[&str], key: &[&str]) -> String {
        let mut update = Query::update();
        update.table(Alias::new(table));
        update.values(columns.iter().map(|column| (Alias::new(*column), placeholder())));
        for column in key {
            update.and_where(is_placeholder(column));
        }
        self.text(&update)
    }

    /// `delete from TABLE where KEY`. Values: the key's.
    pub fn delete(self, table: &str, key: &[&str]) -> String {
        let mut delete = Query::delete();
        delete.from_table(Alias::new(table));
        for column in key {
            delete.and_where(is_placeholder(column));
        }
        self.text(&delete)
    }

    /// The text alone: what stands in a placeholder here is never sent.
    fn text(self, statement: &impl QueryStatementWriter) -> String {
        match self {
            Self::Sqlite => statement.build(SqliteQueryBuilder).0,
            Self::Postgres => statement.build(PostgresQueryBuilder).0,
        }
    }
}

fn placeholder() -> Expr {
    Expr::val("")
}

fn is_placeholder(column: &str) -> Expr {
    Expr::col(Alias::new(column)).eq("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_of_both_dialects() {
        let columns = ["tenant_id", "id", "name"];
        let key = ["tenant_id", "id"];
        let (sqlite, postgres) = (Dialect::Sqlite, Dialect::Postgres);
        assert_eq!(
            sqlite.select("tools", &columns, &key),
            r#"SELECT "tenant_id", "id", "name" FROM "tools" ORDER BY "tenant_id" ASC, "id" ASC"#
        );
        assert_eq!(
            sqlite.insert("tools", &columns),
            r#"INSERT INTO "tools" ("tenant_id", "id", "name") VALUES (?, ?, ?)"#
        );
        assert_eq!(
            postgres.update("tools", &["name"], &key),
            r#"UPDATE "tools" SET "name" = $1 WHERE "tenant_id" = $2 AND "id" = $3"#
        );
        assert_eq!(postgres.delete("tools", &key), r#"DELETE FROM "tools" WHERE "tenant_id" = $1 AND "id" = $2"#);
    }
}
