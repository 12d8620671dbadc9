use std::collections::HashMap;

use serde_json::{Map, Value, json};
use understory_manage::{Draft, Snapshot};
use understory_model::Row;
use understory_model::id::made_uuid;
use understory_runtime::AgentStatus;

use super::body::{Complete, default_capabilities};
use super::shown::{default_sub_agent, shown};
use super::status::doing;
use super::{AgentBody, AgentConfiguration, call};
use crate::action::{Action, Call};
use crate::document::required_entity;
use crate::names::{agent, sub_agent};
use crate::project::Project;
use crate::rows::Rows as _;
use crate::write::{WriteOptions, Written};
use crate::{Error, Paging, Result};

/// The sub-agent of an agent that is made here. It says nothing of its own, so that the agent's prompt and model count.
const SUB_AGENT: &str = "default";

impl Project {
    /// A page of the agents of `main`, the newest first; all of them where no page is asked for.
    pub async fn agent_list(&self, paging: Option<Paging>) -> Result<Value> {
        let view = self.view("").await?;
        let said = self.runtime().agent_status_list(&self.key()).await?.into_iter();
        let mut said: HashMap<String, AgentStatus> = said.map(|one| (one.agent_id.clone(), one)).collect();
        let answering = self.runtime().agents_answering(&self.key()).await?;
        let scope = self.scope();
        let mut rows = view.snapshot.within(agent::ENTITY, &scope.place());
        rows.reverse();
        let (page, _) = paging.unwrap_or(Paging::ALL).slice(rows);
        let mut one = |row: &Row| {
            let id = row.text("id").unwrap_or_default();
            shown(view.snapshot.as_ref(), &scope, row, doing(id, &answering, said.remove(id)).as_ref())
        };
        Ok(page.into_iter().map(|row| one(row)).collect())
    }

    /// An agent of `main`.
    pub async fn agent_get(&self, id: &str) -> Result<Value> {
        self.agent_shown(&self.view("").await?.snapshot, id).await
    }

    async fn agent_shown(&self, rows: &Snapshot, id: &str) -> Result<Value> {
        let scope = self.scope();
        let row = scope.agent(rows, id).ok_or_else(|| Error::not_found("Agent", id))?;
        let said = self.runtime().agent_status_get(&self.key(), id).await?;
        let answering = self.runtime().agents_answering(&self.key()).await?;
        Ok(shown(rows, &scope, row, doing(id, &answering, said).as_ref()))
    }

    /// Makes an agent that belongs to the principal, with defaults for what the request does not say.
    pub async fn agent_create(&self, body: AgentBody, options: &WriteOptions) -> Result<Written<Value>> {
        let id = made_uuid();
        let configuration = body.configuration.unwrap_or_default().complete()?;
        let metadata = json!({
            "userId": self.principal().id,
            "capabilities": body.capabilities.unwrap_or_else(default_capabilities),
            "configuration": configuration.others,
        });
        let document = json!({
            "id": id,
            "name": body.name,
            "description": body.description,
            "prompt": configuration.system_prompt,
            "models": with_base(&Value::Null, &configuration),
            "metadata": metadata,
            "defaultSubAgentId": SUB_AGENT,
            "subAgents": { SUB_AGENT: { "name": body.name } },
        });
        let create = call(self, &id, document);
        let edit = |draft: &mut Draft| Action::AgentCreate.write(draft, &create).map(drop);
        self.agent_write(&id, "Create", options, edit).await
    }

    /// Replaces the parts of an agent that a request names, each as a whole. Its id and its owner stay.
    pub async fn agent_replace(&self, id: &str, body: AgentBody, options: &WriteOptions) -> Result<Written<Value>> {
        let configuration = body.configuration.clone().map(AgentConfiguration::complete).transpose()?;
        let edit = |draft: &mut Draft| {
            let row = self.scope().agent(draft, id).cloned().ok_or_else(|| Error::not_found("Agent", id))?;
            if let Some(configuration) = &configuration {
                self.sub_agent_model(draft, &row, configuration)?;
            }
            let changes = changes(&row, &body, configuration.as_ref());
            update(draft, agent::ENTITY, &call(self, id, changes))
        };
        let written = self.agent_write(id, "Update", options, edit).await?;
        let Some(status) = body.status else { return Ok(written) };
        self.agent_state_set(id, status).await?;
        let value = self.agent_shown(&written.snapshot, id).await?;
        Ok(written.with(value))
    }

    /// A default sub-agent with a model of its own gets the new one too: else runs would go on with the old.
    fn sub_agent_model(&self, draft: &mut Draft, row: &Row, configuration: &Complete) -> Result<()> {
        let Some(sub_agent) = default_sub_agent(draft, &self.scope(), row) else { return Ok(()) };
        let models = sub_agent.get(sub_agent::MODELS);
        if models["base"]["model"].is_null() {
            return Ok(());
        }
        let body = json!({ "models": with_base(models, configuration) });
        let mut update_sub_agent = call(self, sub_agent.text("id").unwrap_or_default(), body);
        update_sub_agent.params.insert("agentId".into(), row.text("id").unwrap_or_default().to_owned());
        update(draft, sub_agent::ENTITY, &update_sub_agent)
    }

    /// Deletes an agent, and what is known of what it is doing.
    pub async fn agent_delete(&self, id: &str, options: &WriteOptions) -> Result<Written<()>> {
        let delete = call(self, id, Value::Null);
        let edit = |draft: &mut Draft| Action::AgentDelete.write(draft, &delete).map(drop);
        let written = self.write(options, || Action::AgentDelete.message(&delete), |_| None, edit).await?;
        self.runtime().agent_status_delete(&self.key(), id).await?;
        Ok(written)
    }

    async fn agent_write(
        &self,
        id: &str,
        verb: &str,
        options: &WriteOptions,
        edit: impl Fn(&mut Draft) -> Result<()>,
    ) -> Result<Written<Value>> {
        let written = self.write(options, || format!("{verb} agent {id}"), |_| None, edit).await.map_err(in_request)?;
        let value = self.agent_shown(&written.snapshot, id).await?;
        Ok(written.with(value))
    }
}

fn update(draft: &mut Draft, entity: &str, call: &Call) -> Result<()> {
    Action::Update(required_entity(draft, entity)?).write(draft, call).map(drop)
}

/// What a request changes of an agent's row.
fn changes(row: &Row, body: &AgentBody, configuration: Option<&Complete>) -> Value {
    let mut changes = Map::new();
    let mut metadata = row.get(agent::METADATA).as_object().cloned().unwrap_or_default();
    if let Some(name) = &body.name {
        changes.insert("name".into(), name.as_str().into());
    }
    if let Some(description) = &body.description {
        changes.insert("description".into(), description.as_str().into());
    }
    if let Some(capabilities) = &body.capabilities {
        metadata.insert("capabilities".into(), json!(capabilities));
    }
    if let Some(configuration) = configuration {
        metadata.insert("configuration".into(), configuration.others.clone().into());
        changes.insert("prompt".into(), configuration.system_prompt.as_str().into());
        changes.insert("models".into(), with_base(row.get(agent::MODELS), configuration));
    }
    if !metadata.is_empty() {
        changes.insert("metadata".into(), metadata.into());
    }
    changes.into()
}

/// The same models with another one to begin with.
fn with_base(models: &Value, configuration: &Complete) -> Value {
    let mut models = models.as_object().cloned().unwrap_or_default();
    let mut base = models.get("base").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut options = base.get("providerOptions").and_then(Value::as_object).cloned().unwrap_or_default();
    options.insert("temperature".into(), configuration.temperature.into());
    options.insert("maxTokens".into(), configuration.max_tokens.into());
    base.insert("model".into(), configuration.model.clone().into());
    base.insert("providerOptions".into(), options.into());
    models.insert("base".into(), base.into());
    models.into()
}

/// Faults of the agent's columns, told of where the request has them.
fn in_request(error: Error) -> Error {
    let Error::Invalid(mut errors) = error else { return error };
    for error in &mut errors {
        if error.pointer == "/prompt" {
            error.pointer = "/configuration/systemPrompt".into();
        } else if let Some(rest) = error.pointer.strip_prefix("/metadata") {
            error.pointer = rest.to_owned();
        }
    }
    Error::Invalid(errors)
}
