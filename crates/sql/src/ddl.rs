//! DDL from the model's shape, for both dialects.

use sea_query::{
    Alias, ColumnDef, ColumnType as SqlType, Expr, Index, IndexCreateStatement, PostgresQueryBuilder,
    SchemaStatementBuilder, SqliteQueryBuilder, Table,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use understory_model::{ColumnShape, ColumnType, SchemaChange, TableShape};

use crate::Dialect;

/// Longest name that PostgreSQL keeps whole.
const MAX_NAME: usize = 63;

/// A change that no migration may make: what, and how to do it instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: refused; {remedy}")]
pub struct Refused {
    /// The change.
    pub what: String,
    /// How to reach the same end.
    pub remedy: String,
}

impl Dialect {
    /// The statements, without `;`, that make one change; none where the dialect need do nothing.
    pub fn change(self, change: &SchemaChange) -> Result<Vec<String>, Refused> {
        Ok(match change {
            SchemaChange::AddTable(table, shape) => self.create_table(table, shape)?,
            SchemaChange::AddColumn(table, column) => vec![self.add_column(table, column)?],
            SchemaChange::RenameColumn(table, was, name) => {
                let mut rename = Table::alter();
                vec![self.ddl(rename.table(Alias::new(table)).rename_column(Alias::new(was), Alias::new(name)))]
            }
            SchemaChange::WidenColumn(..) if self == Self::Sqlite => Vec::new(),
            SchemaChange::WidenColumn(table, column) => {
                let ty = self.sql_type(column)?;
                let mut definition = ColumnDef::new_with_type(Alias::new(&column.name), ty);
                vec![self.ddl(Table::alter().table(Alias::new(table)).modify_column(&mut definition))]
            }
            SchemaChange::AddIndex(table, columns, unique) => vec![self.ddl(&index(table, columns, *unique))],
            SchemaChange::Refused(what, remedy) => {
                return Err(Refused { what: what.clone(), remedy: remedy.clone() });
            }
        })
    }

    /// The statements that make a table with its unique sets and indexes.
    pub fn create_table(self, table: &str, shape: &TableShape) -> Result<Vec<String>, Refused> {
        let mut create = Table::create();
        create.table(Alias::new(table));
        for column in &shape.columns {
            create.col(&mut self.column(column)?);
        }
        let mut key = Index::create();
        for column in &shape.key {
            key.col(Alias::new(column));
        }
        create.primary_key(&mut key);
        let mut table_sql = one_column_a_line(&self.ddl(&create));
        if self == Self::Sqlite {
            // Rows live in the primary key's own tree: one tree to write, and no row numbers that branches share.
            table_sql.push_str(" WITHOUT ROWID");
        }
        let mut statements = vec![table_sql];
        for (sets, unique) in [(&shape.unique, true), (&shape.indexes, false)] {
            statements.extend(sets.iter().map(|columns| self.ddl(&index(table, columns, unique))));
        }
        Ok(statements)
    }

    /// Rows that were there before get the model's default, if it has one.
    fn add_column(self, table: &str, column: &ColumnShape) -> Result<String, Refused> {
        let mut definition = self.column(column)?;
        let default = column.default.as_ref().filter(|default| !default.is_null());
        if let Some(default) = default {
            match self {
                Self::Sqlite => sqlite_default(&mut definition, column, default),
                Self::Postgres => postgres_default(&mut definition, column, default),
            }
        }
        Ok(self.ddl(Table::alter().table(Alias::new(table)).add_column(&mut definition)))
    }

    fn column(self, column: &ColumnShape) -> Result<ColumnDef, Refused> {
        let mut definition = ColumnDef::new_with_type(Alias::new(&column.name), self.sql_type(column)?);
        if !column.optional {
            definition.not_null();
        }
        Ok(definition)
    }

    fn sql_type(self, column: &ColumnShape) -> Result<SqlType, Refused> {
        let ty = column.column_type().ok_or_else(|| Refused {
            what: format!("column {} has the unknown type {}", column.name, column.ty),
            remedy: "use a type of docs/ENTITY-FILES.md".into(),
        })?;
        Ok(match self {
            Self::Sqlite => sqlite_type(ty),
            Self::Postgres => postgres_type(ty),
        })
    }

    fn ddl(self, statement: &impl SchemaStatementBuilder) -> String {
        match self {
            Self::Sqlite => statement.to_string(SqliteQueryBuilder),
            Self::Postgres => statement.to_string(PostgresQueryBuilder),
        }
    }
}

fn sqlite_default(definition: &mut ColumnDef, column: &ColumnShape, default: &Value) {
    match default {
        Value::Bool(boolean) => definition.default(i32::from(*boolean)),
        Value::Number(number) => definition.default(Expr::cust(number.to_string())),
        other => definition.default(text_of(column, other)),
    };
}

/// As a text that is cast to the column's type: DoltGres 1.3.3 merges no branches of which one has a column with a
/// plain default of another type (`incompatible type for default value`).
fn postgres_default(definition: &mut ColumnDef, column: &ColumnShape, default: &Value) {
    let text = text_of(column, default);
    let ty = match column.column_type() {
        Some(ColumnType::Boolean) => "bool",
        Some(ColumnType::Integer) => "bigint",
        Some(ColumnType::Number) => "double precision",
        Some(ColumnType::Numeric) => "numeric",
        Some(ColumnType::Timestamp) => "timestamp(3)",
        Some(ColumnType::TimestampTz) => "timestamptz(3)",
        _ => {
            definition.default(text);
            return;
        }
    };
    definition.default(Expr::cust(format!("'{}'::{ty}", text.replace('\'', "''"))));
}

/// A default as the text that a column keeps; JSON is written out.
fn text_of(column: &ColumnShape, default: &Value) -> String {
    match default {
        Value::String(text) if column.column_type() != Some(ColumnType::Json) => text.clone(),
        other => other.to_string(),
    }
}

fn sqlite_type(ty: ColumnType) -> SqlType {
    match ty {
        ColumnType::Integer | ColumnType::Boolean => SqlType::Integer,
        ColumnType::Number => SqlType::custom("real"),
        ColumnType::Numeric => SqlType::custom("numeric"),
        _ => SqlType::Text,
    }
}

fn postgres_type(ty: ColumnType) -> SqlType {
    match ty {
        ColumnType::String(max) | ColumnType::Id(max) => SqlType::string(Some(max)),
        // JSON is kept as it was given: `jsonb` sorts keys, and DoltGres rounds large numbers in both of its JSON types.
        ColumnType::Text | ColumnType::Json => SqlType::Text,
        ColumnType::Integer => SqlType::BigInteger,
        ColumnType::Number => SqlType::Double,
        ColumnType::Numeric => SqlType::custom("numeric"),
        ColumnType::Boolean => SqlType::Boolean,
        ColumnType::Timestamp => SqlType::custom("timestamp(3)"),
        ColumnType::TimestampTz => SqlType::custom("timestamptz(3)"),
    }
}

fn index(table: &str, columns: &[String], unique: bool) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(index_name(table, columns, unique)).table(Alias::new(table));
    for column in columns {
        index.col(Alias::new(column));
    }
    if unique {
        index.unique();
    }
    index
}

/// Long names end in a hash of the whole: PostgreSQL would cut them, and two might become one.
fn index_name(table: &str, columns: &[String], unique: bool) -> String {
    let suffix = if unique { "key" } else { "idx" };
    let name = format!("{table}_{}_{suffix}", columns.join("_"));
    if name.len() <= MAX_NAME {
        return name;
    }
    let hash: String = Sha256::digest(name.as_bytes()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let kept: String = name.chars().take(MAX_NAME - hash.len() - suffix.len() - 2).collect();
    format!("{kept}_{hash}_{suffix}")
}

/// Puts each column of a `CREATE TABLE` on a line of its own, for those who review it.
fn one_column_a_line(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 256);
    let mut depth = 0;
    let mut quote = None;
    for c in sql.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            _ => {}
        }
        let outermost = quote.is_none() && depth == 1;
        match c {
            '(' if outermost => out.push_str("(\n "),
            ',' if outermost => out.push_str(",\n "),
            ')' if quote.is_none() && depth == 0 => {
                out.truncate(out.trim_end().len());
                out.push_str("\n)");
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Database, Engine, Open};

    fn column(name: &str, ty: &str, optional: bool, default: Option<Value>) -> ColumnShape {
        ColumnShape { name: name.into(), ty: ty.into(), optional, default, was: None }
    }

    fn shape() -> TableShape {
        TableShape {
            columns: vec![
                column("tenant_id", "id(255)", false, None),
                column("id", "id(255)", false, None),
                column("name", "string(64)", false, None),
                column("config", "json", true, None),
                column("enabled", "boolean", false, Some(json!(true))),
            ],
            key: vec!["tenant_id".into(), "id".into()],
            unique: vec![vec!["tenant_id".into(), "name".into()]],
            indexes: vec![vec!["name".into()]],
        }
    }

    #[test]
    fn a_table_in_both_dialects() {
        let sqlite = Dialect::Sqlite.create_table("tools", &shape()).unwrap();
        let table = "CREATE TABLE \"tools\" (\n  \"tenant_id\" text NOT NULL,\n  \"id\" text NOT NULL,\n  \
                     \"name\" text NOT NULL,\n  \"config\" text,\n  \"enabled\" integer NOT NULL,\n  \
                     PRIMARY KEY (\"tenant_id\", \"id\")\n) WITHOUT ROWID";
        assert_eq!(sqlite[0], table);
        assert_eq!(sqlite[1], r#"CREATE UNIQUE INDEX "tools_tenant_id_name_key" ON "tools" ("tenant_id", "name")"#);
        let postgres = Dialect::Postgres.create_table("tools", &shape()).unwrap();
        assert!(
            postgres[0].contains("\"name\" varchar(64) NOT NULL,\n  \"config\" text,\n  \"enabled\" bool NOT NULL")
        );
        assert_eq!(postgres[2], r#"CREATE INDEX "tools_name_idx" ON "tools" ("name")"#);
    }

    #[test]
    fn changes_run_on_both_engines() {
        let changes = [
            SchemaChange::AddTable("tools".into(), shape()),
            SchemaChange::AddColumn("tools".into(), column("a", "text", false, Some(json!("it's, (x)")))),
            SchemaChange::AddColumn("tools".into(), column("b", "json", true, Some(json!({"k": [1]})))),
            SchemaChange::AddColumn("tools".into(), column("c", "boolean", false, Some(json!(true)))),
            SchemaChange::AddColumn("tools".into(), column("d", "number", false, Some(json!(-1.5)))),
            SchemaChange::AddColumn("tools".into(), column("e", "json", false, Some(json!("text")))),
            SchemaChange::RenameColumn("tools".into(), "name".into(), "title".into()),
            SchemaChange::WidenColumn("tools".into(), column("title", "string(99)", false, None)),
            SchemaChange::AddIndex("tools".into(), vec!["a".into()], true),
        ];
        let dir = tempfile::tempdir().unwrap();
        for (name, engine) in [("stock.db", Engine::Stock), ("dolt.db", Engine::DoltLite)] {
            let open = Open { engine, create: true, read_only: false };
            let db = Database::open(&dir.path().join(name), open).unwrap();
            for (at, change) in changes.iter().enumerate() {
                for statement in Dialect::Sqlite.change(change).unwrap() {
                    db.batch(&statement).unwrap_or_else(|error| panic!("{statement}: {error:?}"));
                }
                if at == 0 {
                    db.batch("insert into tools values ('t', 'i', 'n', null, 1)").unwrap();
                }
            }
            let row = db.query_row("select title, a, b, c, d, e from tools", &[]).unwrap().unwrap();
            let text = |text: &str| crate::SqlValue::from(text);
            let expected =
                [text("n"), text("it's, (x)"), text("{\"k\":[1]}"), 1.into(), (-1.5).into(), text("\"text\"")];
            assert_eq!(row, expected);
        }
    }

    #[test]
    fn postgres_changes() {
        let postgres = |change| Dialect::Postgres.change(&change).unwrap().join("; ");
        let wide = SchemaChange::WidenColumn("t".into(), column("a", "string(99)", false, None));
        assert_eq!(postgres(wide), r#"ALTER TABLE "t" ALTER COLUMN "a" TYPE varchar(99)"#);
        let added = SchemaChange::AddColumn("t".into(), column("a", "boolean", false, Some(json!(false))));
        assert_eq!(postgres(added), r#"ALTER TABLE "t" ADD COLUMN "a" bool NOT NULL DEFAULT ('false'::bool)"#);
        let added = SchemaChange::AddColumn("t".into(), column("a", "text", true, Some(json!("it's"))));
        assert_eq!(postgres(added), r#"ALTER TABLE "t" ADD COLUMN "a" text DEFAULT E'it\'s'"#);
    }

    #[test]
    fn long_index_names_stay_whole_and_different() {
        let name = |last: &str| index_name(&"t".repeat(60), &["a".into(), last.into()], true);
        assert!(name("b").len() <= MAX_NAME && name("b") != name("c"));
    }

    #[test]
    fn refused_changes_say_how_to_do_it() {
        let error = Dialect::Sqlite.change(&SchemaChange::Refused("x is gone".into(), "keep it".into())).unwrap_err();
        assert_eq!(error.to_string(), "x is gone: refused; keep it");
    }
}
