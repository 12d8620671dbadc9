//! Association routes.

use indexmap::IndexMap;

use super::Builder;
use crate::file::{AssociationFile, EntityFile};
use crate::row::camel_case;
use crate::{Association, Column, LoadError, Shape, Side};

impl Builder<'_> {
    pub(super) fn association(
        &self,
        own: &AssociationFile,
        file: &EntityFile,
        columns: &[Column],
    ) -> Result<Association, LoadError> {
        let Some(path) = own.path.as_ref().or(file.path.as_ref()) else {
            return self.wrong("association.path", "the path is missing", "add path = \"…\"");
        };
        let path = format!("{}/{path}", own.under.unwrap_or(file.scope).base());
        let right = self.side("association.right", &own.right, columns)?;
        let left = match &own.left {
            Some(left) => self.side("association.left", left, columns)?,
            None if own.shape == Shape::ByRight => right.clone(),
            None => return self.wrong("association.left", "the left side is missing", "add left = { column = … }"),
        };
        self.check_words(own, columns)?;
        let given = IndexMap::from([(left.param.clone(), left.column.clone())]);
        let mut bind = self.bind("association.path", &path, &given, columns)?;
        for side in [&left, &right] {
            bind.insert(side.param.clone(), side.column.clone());
        }
        Ok(Association {
            shape: own.shape,
            path,
            bind,
            left,
            right,
            with: own.with.clone(),
            omit: own.omit.clone(),
            removed_empty: own.removed.as_deref() == Some("empty"),
            bare: own.bare,
        })
    }

    fn side(&self, key: &str, side: &Side, columns: &[Column]) -> Result<Side, LoadError> {
        self.all_named(key, [&side.column], "a column of this entity", known(columns))?;
        let mut side = side.clone();
        if side.param.is_empty() {
            side.param = camel_case(&side.column);
        }
        Ok(side)
    }

    fn check_words(&self, own: &AssociationFile, columns: &[Column]) -> Result<(), LoadError> {
        self.all_named("association.with", &own.with, "columns of this entity", known(columns))?;
        if let Some(other) = own.omit.iter().find(|omit| !matches!(omit.as_str(), "exists" | "by_right")) {
            let problem = format!("there is no route '{other}' to leave out");
            return self.wrong("association.omit", problem, "any of \"exists\", \"by_right\"");
        }
        match own.removed.as_deref() {
            None | Some("message" | "empty") => Ok(()),
            Some(_) => self.wrong("association.removed", "is not known", "\"message\" or \"empty\""),
        }
    }
}

fn known(columns: &[Column]) -> impl Fn(&str) -> bool {
    move |name| columns.iter().any(|column| column.name == name)
}
