//! The project that everything is measured on.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use understory::{BatchOperation, Options, Permission, Principal, Project, Understory, WriteOptions};

use crate::Outcome;

/// The admin key of bench servers.
pub const KEY: &str = "bench-admin-key";

/// Opens a data directory. A server that just stopped may hold it for a moment longer, until its last connection is
/// gone: then it is tried again.
pub async fn open(dir: &Path) -> Outcome<Understory> {
    open_with(Options::new(dir)).await
}

/// The same with options.
pub async fn open_with(mut options: Options) -> Outcome<Understory> {
    options.admin_key = Some(KEY.to_owned());
    let mut tries = 0;
    loop {
        match Understory::open(options.clone()).await {
            Err(_) if tries < 1_000 => tries += 1,
            opened => return Ok(opened?),
        }
        tokio::task::yield_now().await;
    }
}

/// Creates a project of about 200 rows: 10 agents with 4 sub-agents each, tools, components and relations.
pub async fn create(app: &Understory, id: &str) -> Outcome<Project> {
    let written = app.project_full_create(&Principal::system(), "bench", document(id), WriteOptions::default()).await?;
    Ok(written.value)
}

/// Creates a project of just so many rows: its own and tools.
pub async fn create_of(app: &Understory, id: &str, rows: usize) -> Outcome<Project> {
    let tools = tools(rows.saturating_sub(1));
    let body = json!({ "id": id, "name": id, "models": { "base": { "model": "m" } }, "agents": {}, "tools": tools });
    Ok(app.project_full_create(&Principal::system(), "bench", body, WriteOptions::default()).await?.value)
}

/// Looks a project up.
pub async fn find(app: &Understory, id: &str) -> Outcome<Project> {
    Ok(app.project(&Principal::system(), Permission::Edit, "bench", id).await?)
}

/// Gives a tool another name, which is one commit on a branch.
pub async fn rename_tool(project: &Project, branch: &str, name: &str) -> Outcome {
    let body = json!({ "name": name });
    let operation = BatchOperation { method: "PATCH".into(), path: "/tools/tool-0".into(), body };
    project.batch(&[operation], "", &WriteOptions::to(branch, format!("Rename to {name}"))).await?;
    Ok(())
}

/// The file that a project is kept in: the one in a directory of just one.
pub fn only_file(data: &Path) -> Outcome<PathBuf> {
    files(data)?.into_iter().next().ok_or_else(|| "there is no project file".into())
}

/// The files that projects are kept in.
pub fn files(data: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = std::fs::read_dir(data.join("projects"))?.collect::<Result<Vec<_>, _>>()?;
    let is_project = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        !name.starts_with('.') && name.ends_with(".db")
    };
    Ok(entries.into_iter().map(|entry| entry.path()).filter(is_project).collect())
}

fn tools(count: usize) -> Map<String, Value> {
    let tool = |index: usize| {
        let id = format!("tool-{index}");
        let config = json!({ "type": "mcp", "mcp": { "server": { "url": "http://127.0.0.1:1/mcp" } } });
        (id.clone(), json!({ "id": id, "name": format!("Tool {index}"), "config": config }))
    };
    (0..count).map(tool).collect()
}

fn document(id: &str) -> Value {
    let agents: Map<String, Value> = (0..10).map(agent).collect();
    json!({
        "id": id, "name": "Bench", "models": { "base": { "model": "m" } }, "stopWhen": { "stepCountIs": 10 },
        "agents": agents, "tools": tools(20),
    })
}

fn agent(index: usize) -> (String, Value) {
    let id = format!("agent-{index}");
    let sub_agent = |sub: usize| {
        let uses: Vec<Value> =
            (0..2).map(|tool| json!({ "toolId": format!("tool-{}", (index + sub + tool) % 20) })).collect();
        let next = format!("sub-{}", (sub + 1) % 4);
        let body = json!({
            "id": format!("sub-{sub}"), "name": format!("Sub {sub}"), "type": "internal", "canUse": uses,
            "prompt": "You answer questions about orders, politely and briefly. ".repeat(20), "canTransferTo": [next],
        });
        (format!("sub-{sub}"), body)
    };
    let sub_agents: Map<String, Value> = (0..4).map(sub_agent).collect();
    (id.clone(), json!({ "id": id, "name": id, "defaultSubAgentId": "sub-0", "subAgents": sub_agents }))
}
