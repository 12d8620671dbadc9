//! Queries that people write: one statement that only reads, within bounds.

use std::time::{Duration, Instant};

use rusqlite::ErrorCode;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::Database;
use crate::{Cells, SqlError, SqlValue};

/// Steps of the engine between two looks at the clock.
const STEPS: i32 = 10_000;

/// Functions of the engine's own that only read; its others write, reach out, or know secrets.
const READING: [&str; 6] =
    ["doltlite_engine", "dolt_hashof", "dolt_hashof_db", "dolt_hashof_table", "dolt_merge_base", "dolt_version"];

/// Functions that reach beyond the database.
const REACHING: [&str; 6] = ["edit", "eval", "fts3_tokenizer", "load_extension", "readfile", "writefile"];

/// Pragmas that tell what tables there are.
const TELLING: [&str; 5] = ["index_info", "index_list", "table_info", "table_list", "table_xinfo"];

/// How far a query may go.
#[derive(Clone, Copy, Debug)]
pub struct QueryLimits {
    /// Rows answered at most.
    pub rows: usize,
    /// How long it may take.
    pub time: Duration,
}

/// What a query answers.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryAnswer {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<SqlValue>>,
    /// Whether there were more.
    pub more: bool,
}

impl Database {
    /// Answers a query that somebody wrote. The connection ends with it, and its bounds with the connection.
    pub fn answer(mut self, query: &str, limits: QueryLimits) -> Result<QueryAnswer, SqlError> {
        let until = Instant::now() + limits.time;
        self.connection.authorizer(Some(allow))?;
        self.connection.progress_handler(STEPS, Some(move || Instant::now() > until))?;
        let mut statement = self.connection.prepare(query).map_err(told)?;
        if statement.column_count() == 0 {
            return Err(SqlError::Query { detail: "there is no query".into(), source: "no columns".into() });
        }
        let columns = statement.column_names().map(str::to_owned).collect();
        let mut found = statement.query([]).map_err(told)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(told)? {
            if rows.len() == limits.rows {
                return Ok(QueryAnswer { columns, rows, more: true });
            }
            rows.push(Cells::new(row).to_values()?);
        }
        Ok(QueryAnswer { columns, rows, more: false })
    }
}

/// Asked by the engine for each thing that a statement would do.
fn allow(asked: AuthContext<'_>) -> Authorization {
    let named = |names: &[&str], name: &str| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let good = match asked.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => true,
        AuthAction::Pragma { pragma_name, .. } => named(&TELLING, pragma_name),
        AuthAction::Function { function_name } => {
            let own = function_name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("dolt"));
            named(&READING, function_name) || !own && !named(&REACHING, function_name)
        }
        _ => false,
    };
    if good { Authorization::Allow } else { Authorization::Deny }
}

/// What is wrong with a query is said in the engine's words; a failure of the store stays one.
fn told(error: rusqlite::Error) -> SqlError {
    let detail = match (&error, error.sqlite_error_code()) {
        (rusqlite::Error::MultipleStatement, _) => "one statement at a time, please".to_owned(),
        (_, Some(ErrorCode::AuthorizationForStatementDenied)) => "only queries that read are answered".to_owned(),
        (_, Some(ErrorCode::OperationInterrupted)) => "the query took too long".to_owned(),
        (rusqlite::Error::SqlInputError { msg, .. }, _) => msg.clone(),
        (rusqlite::Error::SqliteFailure(failure, Some(message)), _) if failure.code == ErrorCode::Unknown => {
            message.clone()
        }
        _ => return error.into(),
    };
    SqlError::Query { detail, source: Box::new(error) }
}
