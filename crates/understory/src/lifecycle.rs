//! Projects come and go: intents that span both stores, each with its commit point.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::OwnedMutexGuard;
use understory_auth::{Access, Permission, Principal, Target};
use understory_manage::replay::History;
use understory_manage::{ChangeSet, Commit, CommitMeta, Draft, ProjectId, Snapshot};
use understory_model::id::{is_project_id, is_resource_id, made_id};
use understory_runtime::{Intent, IntentKind, ProjectKey, RuntimeError};

use crate::access::authorize;
use crate::action::Answer;
use crate::app::{Inner, Understory};
use crate::document::{self, Scope};
use crate::error::violations;
use crate::project::{Project, View};
use crate::write::{WriteOptions, Written};
use crate::{Error, Paging, Result, names};

/// What a new project is made of.
enum Content {
    /// Rows, in one commit.
    Rows(ChangeSet, CommitMeta),
    /// Commits made elsewhere.
    History(History),
}

impl Understory {
    /// Creates a project from a body with its own fields only.
    pub async fn project_create(
        &self,
        principal: &Principal,
        tenant: &str,
        body: Value,
        options: WriteOptions,
    ) -> Result<Written<Project>> {
        authorize(principal, Permission::Edit, &Target::Tenant(tenant))?;
        let id = body_id(&body)?;
        let scope = Scope::new(tenant, &id);
        self.create(principal, tenant, &id, options, |draft| document::write_project_row(draft, &scope, &body)).await
    }

    /// Creates a project from a full document.
    pub async fn project_full_create(
        &self,
        principal: &Principal,
        tenant: &str,
        body: Value,
        options: WriteOptions,
    ) -> Result<Written<Project>> {
        authorize(principal, Permission::Edit, &Target::Tenant(tenant))?;
        let id = body_id(&body)?;
        let scope = Scope::new(tenant, &id);
        self.create(principal, tenant, &id, options, |draft| document::write_project(draft, &scope, &body)).await
    }

    /// The commit point is the project's file appearing under its name. An intent is written before it and the
    /// registry's row after it: after a crash, a project whose file is there is completed, and one without is dropped.
    pub(crate) async fn create(
        &self,
        principal: &Principal,
        tenant: &str,
        id: &str,
        options: WriteOptions,
        fill: impl Fn(&mut Draft) -> Result<Vec<String>>,
    ) -> Result<Written<Project>> {
        check_ids(tenant, id)?;
        let one_at_a_time = Arc::clone(&self.inner.lifecycle).lock_owned().await;
        if self.project_id(tenant, id).await?.is_some() {
            return Err(Error::Conflict(format!("Project '{id}' exists already")));
        }
        let mut draft = Draft::new(self.inner.model.clone(), Default::default());
        let unknown = fill(&mut draft)?;
        let changes = draft.finish().map_err(|broken| violations(&self.inner.model, &broken))?;
        let meta = options.meta(principal, || format!("Create project {id}"));

        let project = ProjectId { tenant: tenant.to_owned(), id: id.to_owned(), uid: made_id() };
        let content = Content::Rows(changes, meta);
        let commit = self.create_in_both(&project, content, one_at_a_time).await?;
        let value = Project::new(self.clone(), project, principal.clone());
        let View { resolved, snapshot } = value.view("").await?;
        Ok(Written { value, head: resolved.hash, commit, snapshot, unknown })
    }

    /// Creates a project of a history made elsewhere.
    pub(crate) async fn project_replay(
        &self,
        project: &ProjectId,
        history: History,
        turn: OwnedMutexGuard<()>,
    ) -> Result<()> {
        check_ids(&project.tenant, &project.id)?;
        self.create_in_both(project, Content::History(history), turn).await.map(drop)
    }

    /// A client that hangs up must not leave a project between its stores until the next start: the work goes on.
    async fn create_in_both(
        &self,
        project: &ProjectId,
        content: Content,
        turn: OwnedMutexGuard<()>,
    ) -> Result<Option<Commit>> {
        let (app, project) = (self.clone(), project.clone());
        let work = tokio::spawn(async move {
            let _until_done = turn;
            app.do_create_in_both(&project, &content).await
        });
        work.await.map_err(Error::internal)?
    }

    async fn do_create_in_both(&self, project: &ProjectId, content: &Content) -> Result<Option<Commit>> {
        let Inner { runtime, store, .. } = &*self.inner;
        let intent = runtime.project_creation_begin(&project.tenant, &project.id, &project.uid).await?;
        let made = match content {
            Content::Rows(changes, meta) => store.project_create(project, changes, meta).await.map(Some),
            Content::History(history) => store.import(project, history).await.map(|_| None),
        };
        let created = match made {
            Ok(commit) => self.finish_creation(&intent, project).await.map(|()| commit),
            Err(error) => {
                // It may have been made all the same, and stays then.
                if let Err(left) = self.settle_creation(&intent, project).await {
                    tracing::warn!(project.id = project.id, error = %left, "a creation that failed is settled later");
                }
                Err(error.into())
            }
        };
        created.inspect_err(|_| runtime.intent_leave(&intent))
    }

    /// Registers a project whose data are there. Where another process was first, or gave this creation up in the belief
    /// that this process is dead, the data go.
    async fn finish_creation(&self, intent: &Intent, project: &ProjectId) -> Result<()> {
        match self.inner.runtime.project_creation_finish(intent).await {
            Ok(_) => Ok(()),
            Err(lost @ (RuntimeError::Exists { .. } | RuntimeError::Intent { .. })) => {
                self.drop_creation(intent, project).await?;
                Err(lost.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Abandons a creation, with whatever it has left.
    async fn drop_creation(&self, intent: &Intent, project: &ProjectId) -> Result<()> {
        self.inner.store.project_delete(project).await?;
        Ok(self.inner.runtime.project_creation_abandon(intent).await?)
    }

    /// Deletes a project with all its history. The commit point is the registry's row going; the data follows.
    pub async fn project_delete(&self, principal: &Principal, tenant: &str, id: &str) -> Result<()> {
        authorize(principal, Permission::Edit, &Target::Tenant(tenant))?;
        let _one_at_a_time = self.inner.lifecycle.lock().await;
        self.project_open(principal, tenant, id).await?;
        let intent = self.inner.runtime.project_deletion_begin(tenant, id).await?;
        let intent = intent.ok_or_else(|| Error::not_found("Project", id))?;
        self.forget_project(tenant, id);
        self.inner.gate.forget();
        self.inner.hub.close_project(&ProjectKey { tenant: tenant.to_owned(), project: id.to_owned() });
        let finished = self.finish_deletion(&intent).await;
        finished.inspect_err(|_| self.inner.runtime.intent_leave(&intent))
    }

    async fn finish_deletion(&self, intent: &Intent) -> Result<()> {
        let IntentKind::ProjectDeletion { uid } = &intent.kind else { return Ok(()) };
        self.inner.store.project_delete(&project_of(intent, uid)).await?;
        Ok(self.inner.runtime.intent_done(intent).await?)
    }

    /// Of the intents that nobody is at work on, completes those that passed their commit point and drops the others:
    /// those. The first failure is told, and what failed has its turn again.
    pub(crate) async fn settle_left(&self) -> Result<Vec<Intent>> {
        let (mut settled, mut failure) = (Vec::new(), None);
        for intent in self.inner.runtime.intents_take_over().await? {
            match self.settle(&intent).await {
                Ok(()) => settled.push(intent),
                Err(error) => {
                    self.inner.runtime.intent_leave(&intent);
                    failure.get_or_insert(error);
                }
            }
        }
        failure.map_or(Ok(settled), Err)
    }

    async fn settle(&self, intent: &Intent) -> Result<()> {
        match &intent.kind {
            IntentKind::ProjectDeletion { .. } => self.finish_deletion(intent).await,
            IntentKind::ProjectCreation { uid } => self.settle_creation(intent, &project_of(intent, uid)).await,
            IntentKind::RefChange(change) => self.settle_ref_change(intent, &project_of(intent, &change.uid)).await,
        }
    }

    async fn settle_creation(&self, intent: &Intent, project: &ProjectId) -> Result<()> {
        // Parts of it may be there though it is not.
        if !self.inner.store.project_exists(project).await? {
            return self.drop_creation(intent, project).await;
        }
        match self.finish_creation(intent, project).await {
            Ok(()) => {
                tracing::info!(project.id = project.id, "completed a project that was being created");
                Ok(())
            }
            // A later creation of the same id was answered first: this one never was.
            Err(Error::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A page of those of a tenant's projects that a principal may see: `{data, pagination}`, each as its `main` has it.
    pub async fn project_list(
        &self,
        principal: &Principal,
        tenant: &str,
        paging: Paging,
        with_agents: bool,
    ) -> Result<Answer> {
        authorize(principal, Permission::View, &Target::Tenant(tenant))?;
        let (ids, total) = self.projects_seen(principal, tenant, paging).await?;
        let mut data = Vec::with_capacity(ids.len());
        for id in ids {
            let view = self.project_open(principal, tenant, &id).await?.view("main").await?;
            data.push(project_item(&self.inner.model, &view.snapshot, tenant, &id, with_agents));
        }
        Ok(Answer::new(200, serde_json::json!({ "data": data, "pagination": paging.pagination(total) })))
    }

    /// The ids of one page, and how many there are in all.
    async fn projects_seen(&self, principal: &Principal, tenant: &str, paging: Paging) -> Result<(Vec<String>, usize)> {
        let Access::Roles(roles) = &principal.access else { return self.projects_page(tenant, paging).await };
        if roles.is_admin_of(tenant) {
            return self.projects_page(tenant, paging).await;
        }
        let mut seen = Vec::new();
        for (_, id) in roles.projects.keys().filter(|(of, _)| of == tenant) {
            if self.project_id(tenant, id).await?.is_some() {
                seen.push(id.clone());
            }
        }
        let total = seen.len();
        let page = seen.into_iter().skip(paging.page.saturating_sub(1).saturating_mul(paging.limit)).take(paging.limit);
        Ok((page.collect(), total))
    }

    async fn projects_page(&self, tenant: &str, paging: Paging) -> Result<(Vec<String>, usize)> {
        let (page, limit) = (as_u32(paging.page), as_u32(paging.limit));
        let (records, total) = self.inner.runtime.project_list(tenant, page, limit).await?;
        let ids = records.into_iter().map(|record| record.id).collect();
        Ok((ids, usize::try_from(total).unwrap_or(usize::MAX)))
    }

    /// All projects: tenant and id.
    pub async fn projects(&self) -> Result<Vec<(String, String)>> {
        let records = self.inner.runtime.project_list_all().await?;
        Ok(records.into_iter().map(|record| (record.tenant_id, record.id)).collect())
    }
}

fn project_item(model: &understory_model::Model, rows: &Snapshot, tenant: &str, id: &str, with_agents: bool) -> Value {
    let mut item = document::read_project_row(model, rows, &Scope::new(tenant, id)).unwrap_or_default();
    if with_agents && let Some(object) = item.as_object_mut() {
        let agents = rows.table(names::agent::ENTITY).values();
        let agents = agents.map(|row| serde_json::json!({ "agentId": row.get("id"), "agentName": row.get("name") }));
        object.insert("agents".into(), agents.collect::<Vec<_>>().into());
    }
    item
}

fn project_of(intent: &Intent, uid: &str) -> ProjectId {
    ProjectId { tenant: intent.tenant_id.clone(), id: intent.project_id.clone(), uid: uid.to_owned() }
}

fn body_id(body: &Value) -> Result<String> {
    let id = body.get("id").and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| Error::field("/id", "required", "id is required"))
}

fn check_ids(tenant: &str, project: &str) -> Result<()> {
    if !is_resource_id(tenant, 256) {
        return Err(Error::BadRequest("a tenant id has 1 to 256 of letters, digits and - _ .".into()));
    }
    if !is_project_id(project) {
        let detail = "a project id has 1 to 255 lower-case letters, digits and inner hyphens";
        return Err(Error::field("/id", "pattern", detail));
    }
    Ok(())
}

fn as_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
