use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Error, Result};

/// Rows on a page where the request does not say.
pub const DEFAULT_LIMIT: usize = 10;
/// The most rows on a page.
pub const MAX_LIMIT: usize = 100;

/// Which page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// From 1.
    pub page: usize,
    /// Rows on a page.
    pub limit: usize,
}

impl Paging {
    /// Everything on one page.
    pub(crate) const ALL: Self = Self { page: 1, limit: usize::MAX };

    /// Reads `page` (from 1) and `limit` (1 to 100) of a query.
    pub fn from_query(query: &BTreeMap<String, String>) -> Result<Self> {
        let number = |name: &str, default: usize, max: usize| match query.get(name) {
            None => Ok(default),
            Some(text) => match text.trim().parse::<usize>() {
                Ok(number) if (1..=max).contains(&number) => Ok(number),
                _ => Err(Error::field(
                    format!("/{name}"),
                    "range",
                    format!("{name} must be a whole number from 1 to {max}"),
                )),
            },
        };
        Ok(Self { page: number("page", 1, 1_000_000_000)?, limit: number("limit", DEFAULT_LIMIT, MAX_LIMIT)? })
    }

    /// The rows of the page.
    pub(crate) fn slice<T>(self, rows: Vec<T>) -> (Vec<T>, Value) {
        let total = rows.len();
        let start = (self.page - 1).saturating_mul(self.limit);
        let page: Vec<T> = rows.into_iter().skip(start).take(self.limit).collect();
        (page, self.pagination(total))
    }

    /// The `pagination` of an answer about `total` rows.
    pub fn pagination(self, total: usize) -> Value {
        let limit = if self.limit == usize::MAX { total.max(1) } else { self.limit };
        json!({ "page": self.page, "limit": limit, "total": total, "pages": total.div_ceil(limit) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn pages_cover_all_rows_once() {
        for total in [0usize, 1, 9, 10, 11, 25] {
            let mut seen = Vec::new();
            let pages = total.div_ceil(10);
            for page in 1..=pages {
                let (rows, pagination) = Paging { page, limit: 10 }.slice((0..total).collect());
                assert_eq!(pagination["pages"], pages);
                seen.extend(rows);
            }
            assert_eq!(seen, (0..total).collect::<Vec<_>>());
        }
    }

    #[test]
    fn bad_paging_is_refused() {
        for bad in [("page", "0"), ("limit", "101"), ("limit", "x"), ("page", "-1")] {
            assert!(Paging::from_query(&query(&[bad])).is_err(), "{bad:?}");
        }
        assert_eq!(Paging::from_query(&query(&[])).ok(), Some(Paging { page: 1, limit: 10 }));
    }
}
