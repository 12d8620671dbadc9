//! Every operation that is served says what it needs, and is refused to whoever may not have it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use understory::{KeyRequest, KeyVerb, Membership, ProjectKey};
use understory_testkit::server::{ADMIN_KEY, TestServer};

/// Operations that need nobody who is known.
const OPEN: [&str; 6] = [
    "GET /api/health",
    "GET /health",
    "GET /ready",
    "POST /api/auth/login",
    "POST /api/auth/refresh",
    "POST /api/auth/register",
];

/// Operations with one more condition than their permission says, which even the admin key does not meet.
const MORE: [&str; 5] = [
    "POST /manage/backup",   // by commands on this machine only
    "POST /api/auth/logout", // by people only, as the next three
    "GET /api/auth/profile",
    "PATCH /api/auth/profile",
    "POST /api/auth/change-password",
];

struct Operation {
    name: String,
    method: String,
    path: String,
    /// What it needs: place and permission.
    needs: Option<(String, String)>,
}

impl Operation {
    fn all(description: &Value) -> Vec<Self> {
        let mut all = Vec::new();
        for (template, item) in description["paths"].as_object().unwrap() {
            for (verb, operation) in item.as_object().unwrap() {
                let method = verb.to_uppercase();
                let needs = operation["x-permission"].as_str().map(|needs| {
                    let (place, permission) = needs.split_once(':').unwrap_or((needs, ""));
                    (place.to_owned(), permission.to_owned())
                });
                assert_eq!(needs.is_none(), operation["security"] == json!([]), "{method} {template}");
                let path = filled(template);
                all.push(Self { name: format!("{method} {template}"), method, path, needs });
            }
        }
        all
    }

    async fn status(&self, server: &TestServer, key: &str) -> u16 {
        let headers = [("x-api-key", key)];
        let headers = if key.is_empty() { &[][..] } else { &headers };
        server.send_with(&self.method, &self.path, headers, None).await.status.as_u16()
    }
}

/// A path of tenant acme and its project demo.
fn filled(template: &str) -> String {
    let template = template.replace("{tenantId}", "acme").replace("/projects/{id}", "/projects/demo");
    let mut path = String::new();
    for segment in template.replace("{projectId}", "demo").split('/').skip(1) {
        path.push('/');
        path.push_str(if segment.starts_with('{') { "x" } else { segment });
    }
    path
}

/// Who asks: access tokens of people, and keys of projects.
struct Cast {
    server: TestServer,
    owner: String,
    member: String,
    viewer: String,
    nobody_here: String,
    stranger: String,
    key_of_another_tenant: String,
    key_without_verbs: String,
    key_that_reads: String,
}

impl Cast {
    async fn new() -> Self {
        let server = TestServer::start().await;
        for (tenant, project) in [("acme", "demo"), ("theirs", "demo")] {
            let models = json!({ "base": { "model": "m" } });
            let body = json!({ "id": project, "name": "Demo", "models": models, "agents": {}, "tools": {} });
            server.write("PUT", &format!("/manage/tenants/{tenant}/project-full/{project}"), &body, 201).await;
        }
        let mut tokens = Vec::new();
        for (name, roles) in [
            ("owner", vec![("acme", None, "owner")]),
            ("member", vec![("acme", Some("demo"), "project_member")]),
            ("viewer", vec![("acme", Some("demo"), "project_viewer")]),
            ("nobody", vec![("acme", None, "member")]),
            ("stranger", vec![("theirs", None, "owner"), ("theirs", Some("demo"), "project_admin")]),
        ] {
            tokens.push(person(&server, name, &roles).await);
        }
        let [owner, member, viewer, nobody_here, stranger] = tokens.try_into().unwrap();
        let shared = server.get("/api/agents").await;
        assert_eq!(shared["success"], json!(true), "which makes the project that keys share");
        Self {
            owner,
            member,
            viewer,
            nobody_here,
            stranger,
            key_of_another_tenant: key(&server, "theirs", "demo", &[KeyVerb::Read, KeyVerb::Use, KeyVerb::Write]).await,
            key_without_verbs: key(&server, "default", "default", &[]).await,
            key_that_reads: key(&server, "default", "default", &[KeyVerb::Read]).await,
            server,
        }
    }

    /// Somebody of another tenant, and what they are told.
    fn of_another_tenant(&self, place: &str) -> Option<(&str, u16)> {
        match place {
            "server" => Some((&self.stranger, 403)),
            "tenant" | "project" | "rows" => Some((&self.stranger, 404)),
            "home" => Some((&self.key_of_another_tenant, 404)),
            _ => None,
        }
    }

    /// Somebody who may not do quite as much, and what they are told.
    fn too_weak(&self, place: &str, permission: &str) -> Option<(&str, u16)> {
        match (place, permission) {
            ("server", _) => Some((&self.owner, 403)),
            ("tenant", "edit" | "admin") => Some((&self.member, 403)),
            ("project" | "rows", "view") => Some((&self.nobody_here, 404)),
            ("project" | "rows", "use") => Some((&self.viewer, 403)),
            ("project" | "rows", "edit" | "admin") => Some((&self.member, 403)),
            ("home", "view") => Some((&self.key_without_verbs, 403)),
            ("home", _) => Some((&self.key_that_reads, 403)),
            _ => None,
        }
    }

    fn strong_enough(&self, place: &str) -> &str {
        match place {
            "server" | "home" | "known" => ADMIN_KEY,
            _ => &self.owner,
        }
    }
}

async fn person(server: &TestServer, name: &str, roles: &[(&str, Option<&str>, &str)]) -> String {
    let body = json!({ "email": format!("{name}@example.com"), "username": name, "password": "long enough" });
    let entry = server.send_with("POST", "/api/auth/register", &[], Some(&body)).await.expect(201, name);
    let membership = |(tenant, project, role): &(&str, Option<&str>, &str)| Membership {
        tenant: (*tenant).to_owned(),
        project: project.map(str::to_owned),
        role: (*role).to_owned(),
    };
    let id = entry["user"]["id"].as_str().unwrap();
    server.app.people().grant(id, roles.iter().map(membership).collect()).await.unwrap();
    entry["accessToken"].as_str().unwrap().to_owned()
}

async fn key(server: &TestServer, tenant: &str, project: &str, verbs: &[KeyVerb]) -> String {
    let of = ProjectKey { tenant: tenant.into(), project: project.into() };
    let verbs = verbs.iter().copied().collect();
    let request = KeyRequest { name: "k".into(), agent: None, reference: None, verbs, expires_at: None };
    server.app.api_keys().create(&of, request).await.unwrap().1.reveal().to_owned()
}

#[tokio::test]
async fn every_operation_is_refused_to_who_may_not_have_it() {
    let cast = Cast::new().await;
    let description = cast.server.send_with("GET", "/openapi.json", &[], None).await.body;
    let operations = Operation::all(&description);
    let mut wrong = Vec::new();
    for operation in &operations {
        let Some((place, permission)) = &operation.needs else { continue };
        let foreign = cast.of_another_tenant(place);
        let weak = cast.too_weak(place, permission);
        // Whoever is known may do these, and seeing a tenant is the least that one may do there.
        let exempt = (place == "known", place == "known" || (place == "tenant" && permission == "view"));
        assert_eq!((foreign.is_none(), weak.is_none()), exempt, "{} has no case", operation.name);
        let unknown = [("nobody", "", 401), ("a wrong key", "sk_x.y", 401)].map(Some);
        let foreign = foreign.map(|(key, status)| ("somebody of another tenant", key, status));
        let weak = weak.map(|(key, status)| ("somebody too weak", key, status));
        for (who, key, status) in unknown.into_iter().chain([foreign, weak]).flatten() {
            let answered = operation.status(&cast.server, key).await;
            if answered != status {
                wrong.push(format!("{}: {who} is answered {answered}, not {status}", operation.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(operations.len() > 250, "{}", operations.len());
}

#[tokio::test]
async fn every_operation_is_granted_to_who_may_have_it() {
    let cast = Cast::new().await;
    let description = cast.server.send_with("GET", "/openapi.json", &[], None).await.body;
    let mut operations = Operation::all(&description);
    let open = operations.iter().filter(|operation| operation.needs.is_none()).map(|operation| operation.name.as_str());
    assert_eq!(open.collect::<BTreeSet<_>>(), OPEN.into_iter().collect());
    // Deletions come last: they take what others work on.
    operations.sort_by_key(|operation| operation.method == "DELETE");
    let mut wrong = Vec::new();
    for operation in operations.iter().filter(|operation| !MORE.contains(&operation.name.as_str())) {
        let Some((place, _)) = &operation.needs else { continue };
        let answered = operation.status(&cast.server, cast.strong_enough(place)).await;
        if matches!(answered, 401 | 403 | 405 | 500..) {
            wrong.push(format!("{}: answered {answered}", operation.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
