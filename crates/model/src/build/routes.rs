//! CRUD routes, and which column each placeholder of a path binds.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::Builder;
use crate::file::EntityFile;
use crate::routes::placeholders;
use crate::{Column, Crud, LoadError, Method};

impl Builder<'_> {
    pub(super) fn crud(&self, file: &EntityFile, columns: &[Column]) -> Result<Option<Crud>, LoadError> {
        let Some(path) = &file.path else { return Ok(None) };
        let base = file.under.unwrap_or(file.scope).base();
        let path = format!("{base}/{path}");
        let list_path = file.list_path.as_ref().map_or_else(|| path.clone(), |list| format!("{base}/{list}"));
        let mut bind = self.bind("path", &path, &file.bind, columns)?;
        bind.append(&mut self.bind("list_path", &list_path, &file.bind, columns)?);
        let all = vec![Method::List, Method::Create, Method::Get, Method::Update, Method::Delete];
        Ok(Some(Crud {
            path,
            list_path,
            id_param: file.id_param.clone().unwrap_or_else(|| "id".into()),
            bind,
            filters: file.filters.clone(),
            paged: file.paged,
            bulk: file.bulk,
            methods: file.methods.clone().unwrap_or(all),
        }))
    }

    /// Which column each placeholder of a path binds: the given one, else the one of the same wire name.
    pub(super) fn bind(
        &self,
        key: &str,
        path: &str,
        given: &IndexMap<String, String>,
        columns: &[Column],
    ) -> Result<BTreeMap<String, String>, LoadError> {
        let mut bind = BTreeMap::new();
        for param in placeholders(path) {
            let column = match given.get(param) {
                Some(column) => columns.iter().find(|c| c.name == *column),
                None => columns.iter().find(|c| c.wire == param),
            };
            let Some(column) = column else {
                return self.wrong(
                    key,
                    format!("{{{param}}} is no column"),
                    "name it like a column, or add it to bind",
                );
            };
            bind.insert(param.to_owned(), column.name.clone());
        }
        Ok(bind)
    }
}
