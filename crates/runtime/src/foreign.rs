//! Databases of another program, to be read only.

use std::collections::{BTreeMap, BTreeSet};

use understory_sql::migration::LEDGER_TABLE;
use understory_sql::postgres::ServerUrl;

use crate::columns::{Columns, decode_all, decode_one};
use crate::transfer::quote;
use crate::{RuntimeResult, RuntimeStore, server};

const COLUMNS: &str = "select table_name::text, column_name::text from information_schema.columns \
    where table_schema = current_schema() order by table_name, column_name";

impl RuntimeStore {
    /// Opens a PostgreSQL database that another program made, if it has this table; none if it is ours.
    ///
    /// Of all methods only those that read whole tables by the model work on it.
    pub async fn open_foreign(url: &ServerUrl, pool_size: usize, table: &str) -> RuntimeResult<Option<Self>> {
        let store = Self::on_server(server::reach(url, pool_size).await?);
        let tables = store.tables().await?;
        Ok((tables.contains_key(table) && !tables.contains_key(LEDGER_TABLE)).then_some(store))
    }

    /// The tables of the database and their columns.
    pub async fn tables(&self) -> RuntimeResult<BTreeMap<String, BTreeSet<String>>> {
        let column = |columns: &mut Columns| Ok((columns.text()?, columns.text()?));
        let found = self.read(move |db| decode_all(db.query(COLUMNS, &[])?, column)).await?;
        let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (table, column) in found {
            tables.entry(table).or_default().insert(column);
        }
        Ok(tables)
    }

    /// How many rows a table has.
    pub async fn table_count(&self, table: &str) -> RuntimeResult<u64> {
        let sql = format!("select count(*) from {}", quote(table));
        let count = self.read(move |db| decode_one(db.query_row(&sql, &[])?, Columns::integer_or_null)).await?;
        Ok(count.flatten().unwrap_or_default().unsigned_abs())
    }
}
