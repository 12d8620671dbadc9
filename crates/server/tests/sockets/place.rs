//! A server with conversations.

use std::time::Duration;

use serde_json::{Value, json};
use understory_server::{Settings, SocketSettings};
use understory_testkit::server::{ADMIN_KEY, TestServer};
use understory_testkit::sockets::{InMemory, Listening};

pub const TENANT: &str = "acme";
pub const PROJECT: &str = "shop";

pub struct Place {
    pub server: TestServer,
    pub settings: Settings,
    tenant: &'static str,
    project: &'static str,
}

impl Place {
    /// A server with the conversation `c1`, whose agent answers with a model of the echo.
    pub async fn start(model: &str) -> Self {
        let place = Self::start_at(TENANT, PROJECT, model).await;
        place.begin("c1").await;
        place
    }

    /// A server with a project whose agent answers with a model of the echo.
    pub async fn start_at(tenant: &'static str, project: &'static str, model: &str) -> Self {
        let server = TestServer::start().await;
        let place = Self { server, settings: Settings::default(), tenant, project };
        place.make(tenant, project, model).await;
        place
    }

    fn conversations(&self) -> String {
        conversations(self.tenant, self.project)
    }

    /// Makes a project with an agent.
    pub async fn make(&self, tenant: &str, project: &str, model: &str) {
        let document = json!({
            "id": project, "name": project, "tools": {},
            "models": { "base": { "model": format!("echo/{model}") } },
            "agents": { "helper": { "id": "helper", "name": "Helper", "defaultSubAgentId": "main",
                "subAgents": { "main": { "id": "main", "name": "Main", "type": "internal", "prompt": "Help.", "canUse": [] } } } },
        });
        self.server.write("PUT", &format!("/manage/tenants/{tenant}/project-full/{project}"), &document, 201).await;
    }

    /// Begins a conversation.
    pub async fn begin(&self, id: &str) {
        self.begin_at(self.tenant, self.project, id).await;
    }

    /// Begins a conversation in any project.
    pub async fn begin_at(&self, tenant: &str, project: &str, id: &str) {
        let body = json!({ "id": id, "agentId": "helper" });
        self.server.write("POST", &conversations(tenant, project), &body, 201).await;
    }

    /// Adds a message that nobody answers: one event.
    pub async fn note(&self, conversation: &str, text: &str) {
        let body = json!({ "role": "user", "content": text, "answer": false });
        self.server.write("POST", &format!("{}/{conversation}/messages", self.conversations()), &body, 201).await;
    }

    /// Says something that is answered; the answer as it begins.
    pub async fn ask(&self, conversation: &str, text: &str) -> Value {
        let body = json!({ "role": "user", "content": text });
        let path = format!("{}/{conversation}/messages", self.conversations());
        self.server.write("POST", &path, &body, 201).await["answer"].clone()
    }

    pub async fn delete(&self, conversation: &str) {
        let answered = self.server.send("DELETE", &format!("{}/{conversation}", self.conversations()), None).await;
        assert_eq!(answered.status.as_u16(), 204);
    }

    pub fn with(mut self, change: impl FnOnce(&mut SocketSettings)) -> Self {
        change(&mut self.settings.sockets);
        self
    }

    pub async fn listen(&self) -> Listening {
        Listening::start(self.server.router(self.settings.clone())).await
    }

    pub fn in_memory(&self) -> InMemory {
        InMemory::start(self.server.router(self.settings.clone()))
    }
}

fn conversations(tenant: &str, project: &str) -> String {
    format!("/manage/tenants/{tenant}/projects/{project}/conversations")
}

pub fn bearer() -> (&'static str, String) {
    ("authorization", format!("Bearer {ADMIN_KEY}"))
}

pub const SOON: Duration = Duration::from_millis(200);
