//! Branches aside, for commits that no ref leads to yet.
//!
//! Each statement that changes a table's shape takes effect on its branch at once, whatever becomes of the transaction
//! (DoltGres 1.3.3). On a branch aside what a crash leaves half done is nobody's.

use understory_sql::postgres::Connection;

use super::locks::{Connections, Locked};
use crate::StoreResult;

/// Branches that commits are made on until refs lead to them, by the connection that holds the lock.
pub(super) struct Scratch<'a> {
    connections: &'a Connections,
    locked: &'a Locked<'a>,
    /// What their names begin with.
    names: String,
    used: usize,
}

impl<'a> Scratch<'a> {
    pub(super) fn new(connections: &'a Connections, locked: &'a Locked<'a>, names: String) -> Self {
        Self { connections, locked, names, used: 0 }
    }

    pub(super) fn connection(&self) -> &'a Connection {
        &self.locked.connection
    }

    /// Another connection, to move refs: the one that writes is on a branch.
    pub(super) async fn mover(&self) -> StoreResult<Locked<'a>> {
        self.connections.lock(&format!("moves {}", self.names)).await
    }

    /// Goes to a new branch at a commit, in a transaction. One that a crash left is taken, with nothing that was on it.
    pub(super) async fn begin(&mut self, revision: &str) -> StoreResult<()> {
        let name = format!("{}{}", self.names, self.used);
        self.used += 1;
        let mover = self.mover().await?;
        mover.call("select dolt_branch('-f', ?, ?)", &[&name, revision]).await?;
        mover.release().await;
        self.locked.go_to(&name).await?;
        Ok(self.connection().batch("begin").await?)
    }

    /// Deletes the branches. The connection that wrote on them is of no use after that.
    pub(super) async fn end(self) -> StoreResult<()> {
        let mover = self.mover().await?;
        for number in 0..self.used {
            mover.call("select dolt_branch('-D', ?)", &[&format!("{}{number}", self.names)]).await?;
        }
        mover.release().await;
        Ok(())
    }
}
