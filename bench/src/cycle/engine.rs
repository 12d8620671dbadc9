use std::path::PathBuf;

use understory_sql::{Database, SqlValue};

use super::Keeper;
use crate::Outcome;

/// A project's file in the hands of its engine alone.
pub struct Engine {
    file: PathBuf,
    main: Database,
}

impl Engine {
    /// Opens a file.
    pub fn open(file: PathBuf) -> Outcome<Self> {
        Ok(Self { main: Database::open_at(&file, "main", false)?, file })
    }
}

impl Keeper for Engine {
    fn branch(&mut self, name: &str) -> Outcome {
        self.main.query("select dolt_branch(?, 'main')", &[SqlValue::from(name)])?;
        Ok(())
    }

    fn edit(&mut self, branch: &str) -> Outcome {
        let db = Database::open_at(&self.file, branch, false)?;
        db.batch("begin immediate")?;
        let sql = "update tools set name = ? where tenant_id = 'bench' and id = 'tool-0'";
        db.execute(sql, &[SqlValue::from(format!("Tool {branch}").as_str())])?;
        db.query("select dolt_commit('-A', '-m', ?)", &[SqlValue::from("Update tool tool-0")])?;
        Ok(db.batch("commit")?)
    }

    fn diff(&mut self, branch: &str) -> Outcome {
        let found = self.main.query("select * from dolt_diff_tools('main', ?)", &[SqlValue::from(branch)])?;
        if found.len() == 1 { Ok(()) } else { Err("the change is not in the difference".into()) }
    }

    fn merge(&mut self, branch: &str) -> Outcome {
        let message = format!("Merge {branch}");
        let arguments = [branch, message.as_str()].map(SqlValue::from);
        self.main.query("select dolt_merge(?, '--no-ff', '-m', ?)", &arguments)?;
        Ok(())
    }
}
