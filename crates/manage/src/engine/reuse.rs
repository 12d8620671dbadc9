//! Reading a table again: what equals an earlier reading is shared with it, not made anew.

use std::cmp::Ordering;
use std::collections::btree_map;
use std::iter::Peekable;
use std::sync::Arc;

use understory_model::{Key, Row};

use crate::{StoreResult, Table};

/// A row that is being read, as far as comparing needs it.
pub(crate) trait Reading {
    /// How its key compares with one known.
    fn compare_key(&self, known: &Key) -> StoreResult<Ordering>;
    /// Whether it is this row.
    fn is(&self, known: &Row) -> StoreResult<bool>;
    /// The row itself.
    fn make(&self) -> StoreResult<(Key, Row)>;
}

/// A table that is being read in the order of its keys.
pub(crate) struct Reuse<'a> {
    known: Option<&'a Arc<Table>>,
    left: Peekable<btree_map::Iter<'a, Key, Arc<Row>>>,
    /// How many rows there were while all were the known table's first ones.
    same: usize,
    /// All rows, once one was not.
    rows: Option<Table>,
}

impl<'a> Reuse<'a> {
    /// Begins a table that may be much like a known one.
    pub(crate) fn of(known: Option<&'a Arc<Table>>, empty: &'a Table) -> Self {
        let left = known.map_or(empty, Arc::as_ref).iter().peekable();
        Self { known, left, same: 0, rows: None }
    }

    /// Takes the next row.
    pub(crate) fn push(&mut self, row: &impl Reading) -> StoreResult<()> {
        let mut skipped = false;
        while let Some((key, known)) = self.left.peek().copied() {
            match row.compare_key(key)? {
                Ordering::Less => break,
                Ordering::Greater => {
                    self.left.next();
                    skipped = true;
                }
                Ordering::Equal => {
                    self.left.next();
                    if row.is(known)? {
                        self.keep(key, known, skipped);
                        return Ok(());
                    }
                    break;
                }
            }
        }
        let (key, made) = row.make()?;
        self.differing().insert(key, Arc::new(made));
        Ok(())
    }

    fn keep(&mut self, key: &Key, known: &Arc<Row>, skipped: bool) {
        if self.rows.is_none() && !skipped {
            self.same += 1;
            return;
        }
        let (key, known) = (key.clone(), Arc::clone(known));
        self.differing().insert(key, known);
    }

    /// The rows of a table that is not the known one.
    fn differing(&mut self) -> &mut Table {
        let (known, same) = (self.known, self.same);
        self.rows.get_or_insert_with(|| {
            let first = known.into_iter().flat_map(|known| known.iter()).take(same);
            first.map(|(key, row)| (key.clone(), Arc::clone(row))).collect()
        })
    }

    /// The table: the known one itself if no row differs.
    pub(crate) fn finish(mut self) -> Arc<Table> {
        match (self.known, &self.rows) {
            (Some(known), None) if self.same == known.len() => Arc::clone(known),
            _ => Arc::new(std::mem::take(self.differing())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fake(&'static str, i64);

    impl Reading for Fake {
        fn compare_key(&self, known: &Key) -> StoreResult<Ordering> {
            Ok(self.0.cmp(known.id()))
        }

        fn is(&self, known: &Row) -> StoreResult<bool> {
            Ok(known.get("n") == self.1)
        }

        fn make(&self) -> StoreResult<(Key, Row)> {
            Ok((Key::new([self.0]), Row::new().with("n", self.1)))
        }
    }

    fn read(known: Option<&Arc<Table>>, rows: &[(&'static str, i64)]) -> Arc<Table> {
        let empty = Table::new();
        let mut reuse = Reuse::of(known, &empty);
        for (key, n) in rows {
            reuse.push(&Fake(key, *n)).unwrap();
        }
        reuse.finish()
    }

    #[test]
    fn whatever_was_known_the_table_is_what_was_read() {
        let cases: [&[(&str, i64)]; 8] = [
            &[],
            &[("b", 1), ("d", 2), ("f", 3)],
            &[("b", 1), ("d", 2)],
            &[("d", 2), ("f", 3)],
            &[("b", 1), ("f", 3)],
            &[("b", 1), ("d", 9), ("f", 3)],
            &[("a", 0), ("b", 1), ("c", 0), ("d", 2), ("f", 3), ("g", 0)],
            &[("x", 0)],
        ];
        for known in cases {
            let table = read(None, known);
            for rows in cases {
                let found = read(Some(&table), rows);
                assert_eq!(found, read(None, rows), "{rows:?} after {known:?}");
                for (key, row) in found.iter().filter(|(key, row)| table.get(key) == Some(row)) {
                    assert!(Arc::ptr_eq(row, &table[key]), "{key} is shared");
                }
            }
            assert!(Arc::ptr_eq(&table, &read(Some(&table), known)));
        }
    }
}
