use std::sync::Arc;

use serde_json::Value;
use understory_model::id::made_uuid;
use understory_model::{Entity, camel_case, timestamp_iso};

use super::call;
use crate::action::{Action, Answer};
use crate::names::{CREATED_AT, UPDATED_AT, code_project};
use crate::project::{Project, View};
use crate::rows::Rows as _;
use crate::write::{WriteOptions, Written};
use crate::{Error, Paging, Result};

impl Project {
    /// A page of the source code that agents of `main` work on, the newest first, of a status if one is named; all of it
    /// where no page is asked for.
    pub async fn code_project_list(&self, status: Option<&str>, paging: Option<Paging>) -> Result<Value> {
        let view = self.view("").await?;
        let mut rows = view.snapshot.within(code_project::ENTITY, &self.scope().place());
        rows.retain(|row| status.is_none_or(|status| row.text(code_project::STATUS) == Some(status)));
        rows.reverse();
        let (page, _) = paging.unwrap_or(Paging::ALL).slice(rows);
        page.into_iter().map(|row| self.code_project_at(&view, row.text("id").unwrap_or_default())).collect()
    }

    /// Some source code that agents of `main` work on.
    pub async fn code_project_get(&self, id: &str) -> Result<Value> {
        self.code_project_at(&self.view("").await?, id)
    }

    fn code_project_at(&self, view: &View, id: &str) -> Result<Value> {
        let get = self.code_project_action(Action::Get)?;
        Ok(shown(get.read(self.model(), &view.snapshot, &call(self, id, Value::Null))?))
    }

    /// Notes some source code for agents to work on.
    pub async fn code_project_create(&self, mut body: Value, options: &WriteOptions) -> Result<Written<Value>> {
        let id = made_uuid();
        if let Some(body) = body.as_object_mut() {
            body.insert("id".into(), id.clone().into());
        }
        self.code_project_write(Action::Create, &id, body, options).await
    }

    /// Replaces the fields of some source code that a request names, each as a whole. Its id stays.
    pub async fn code_project_replace(&self, id: &str, body: Value, options: &WriteOptions) -> Result<Written<Value>> {
        self.code_project_write(Action::Update, id, body, options).await
    }

    /// Deletes what is noted of some source code; its history stays.
    pub async fn code_project_delete(&self, id: &str, options: &WriteOptions) -> Result<Written<Value>> {
        self.code_project_write(Action::Delete, id, Value::Null, options).await
    }

    async fn code_project_write(
        &self,
        action: fn(Arc<Entity>) -> Action,
        id: &str,
        body: Value,
        options: &WriteOptions,
    ) -> Result<Written<Value>> {
        let action = self.code_project_action(action)?;
        let written = self.act(&action, &call(self, id, body), options).await?;
        let (unknown, value) = (written.value.unknown.clone(), shown(written.value.clone()));
        Ok(Written { unknown, ..written.with(value) })
    }

    fn code_project_action(&self, action: fn(Arc<Entity>) -> Action) -> Result<Action> {
        let entity = self.model().entity(code_project::ENTITY).cloned();
        entity.map(action).ok_or_else(|| Error::not_found("Entity", code_project::ENTITY))
    }
}

/// The data of an answer, its times as the simple API writes them; null where it has none.
fn shown(mut answer: Answer) -> Value {
    let mut data = answer.body["data"].take();
    for stamp in [CREATED_AT, UPDATED_AT].map(camel_case) {
        if let Some(time) = data[&stamp].as_str().map(timestamp_iso) {
            data[&stamp] = time.into();
        }
    }
    data
}
