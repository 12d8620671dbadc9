//! Coming from an installation of Inkeep's platform, made here of the tables that its description names.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use serde_json::{Value, json};
use understory::{
    CopyReport, CopyRequest, Error, Options, Permission, Place, Principal, Project, Servers, Understory, copy,
};
use understory_testkit::contract;
use understory_testkit::servers::{FreshDatabase, TestServer};

/// The statements that make the tables of a description, as far as rows need them.
fn tables(description: &str) -> String {
    let described = contract::json(description);
    let quoted = |name: &Value| format!("\"{}\"", name.as_str().unwrap());
    let column = |column: &Value| {
        let required = if column["nullable"] == false { " not null" } else { "" };
        let default = match &column["default"] {
            Value::String(sql) if !sql.contains("jsonb") => format!(" default {sql}"),
            value @ (Value::Number(_) | Value::Bool(_)) => format!(" default {value}"),
            _ => String::new(),
        };
        format!("{} {}{required}{default}", quoted(&column["name"]), column["type"].as_str().unwrap())
    };
    let table = |table: &Value| {
        let columns = table["columns"].as_array().unwrap().iter().map(column);
        let key = table["primary_key"].as_array().unwrap().iter().map(quoted).collect::<Vec<_>>().join(", ");
        let key = if key.is_empty() { None } else { Some(format!("primary key ({key})")) };
        let parts = columns.chain(key).collect::<Vec<_>>().join(", ");
        format!("create table {} ({parts});\n", quoted(&table["table"]))
    };
    described.as_array().unwrap().iter().map(table).collect()
}

/// An installation with four registered projects, one of which is nowhere.
struct Installation {
    manage: FreshDatabase,
    runtime: FreshDatabase,
}

impl Installation {
    async fn new(test: &str) -> Option<Self> {
        let manage = TestServer::DoltGres.database(test).await.unwrap();
        let runtime = TestServer::Postgres.database(test).await.unwrap();
        let made = Self { manage: manage?, runtime: runtime? };
        made.fill_runtime().await;
        made.on("main", &tables("manage-schema.json"), "Applied database migrations", "root").await;
        for branch in ["acme_main", "acme_shop_main", "acme_x_main", "acme_x_shop_main", "temp_branch_1"] {
            made.manage.batch(&format!("select dolt_branch('{branch}', 'main')")).await.unwrap();
        }
        made.fill_shop().await;
        made.on("acme_x_main", &project("acme", "x"), "Create x", "Ana").await;
        made.on("acme_x_shop_main", &project("acme_x", "shop"), "Create the other shop", "Ben").await;
        Some(made)
    }

    /// Runs statements on a branch and commits what they did.
    async fn on(&self, branch: &str, sql: &str, message: &str, author: &str) {
        let commit = format!("select dolt_commit('-A', '-m', '{message}', '--author', '{author} <{author}@x.org>')");
        self.batch_on(branch, &format!("{sql}; {commit}")).await;
    }

    async fn batch_on(&self, branch: &str, sql: &str) {
        let database = self.manage.url().database().to_owned();
        self.manage.batch(&format!("use \"{database}/{branch}\"; {sql}")).await.unwrap();
    }

    async fn fill_shop(&self) {
        let own = "'acme', 'shop'";
        let credential = format!(
            "insert into credential_references (tenant_id, project_id, id, name, type, credential_store_id, \
             retrieval_params) values ({own}, 'key', 'Key', 'memory', 'memory-default', '{{\"key\": \"K\"}}')"
        );
        let tool = |id: &str, credential: &str| {
            format!(
                "insert into tools (tenant_id, project_id, id, name, config, credential_reference_id, is_work_app, \
                 credential_scope) values ({own}, '{id}', '{id}', '{{\"mcp\": {{\"server\": {{\"url\": \
                 \"http://x\"}}}}, \"type\": \"mcp\"}}', {credential}, false, 'project')"
            )
        };
        let agent = format!("insert into agent (tenant_id, project_id, id, name) values ({own}, 'helper', 'Helper')");
        let sub_agent = format!(
            "insert into sub_agents (tenant_id, project_id, agent_id, id, name, prompt) \
             values ({own}, 'helper', 'router', 'Router', 'Be brief.')"
        );
        let relation = |id: &str, tool: &str| {
            format!(
                "insert into sub_agent_tool_relations (tenant_id, project_id, agent_id, sub_agent_id, id, tool_id) \
                 values ({own}, 'helper', 'router', '{id}', '{tool}')"
            )
        };
        let first =
            [project("acme", "shop"), credential, tool("orders", "'key'"), agent, sub_agent, relation("r1", "orders")];
        self.on("acme_shop_main", &first.join("; "), "Create the shop", "Ana").await;
        self.manage.batch("select dolt_branch('acme_shop_topic', 'acme_shop_main')").await.unwrap();
        let prompt = |text: &str| format!("update sub_agents set prompt = '{text}' where id = 'router'");
        self.on("acme_shop_main", &prompt("Be kind."), "Be kind", "Ben").await;
        self.on("acme_shop_topic", &tool("parcels", "null"), "Add parcels", "Cleo").await;
        let merge =
            "select dolt_merge('acme_shop_topic', '--no-ff', '-m', 'Merge topic', '--author', 'Ana <Ana@x.org>')";
        self.batch_on("acme_shop_main", merge).await;
        self.manage.batch("select dolt_tag('v1', 'acme_shop_main', '-m', 'First')").await.unwrap();

        // A column of another version comes to every branch.
        self.on("main", "alter table tools add column shade text", "Add a column", "root").await;
        let sync =
            "select dolt_merge('main', '--no-ff', '-m', 'Synced schema from main', '--author', 'Sync <s@x.org>')";
        self.batch_on("acme_shop_main", sync).await;
        // What refers to nothing: a relation that means nothing then, and a tool that can do without.
        let dangling = [
            "update tools set shade = 'red' where id = 'parcels'".to_owned(),
            relation("r2", "gone"),
            tool("lone", "'nobody'"),
        ];
        self.on("acme_shop_main", &dangling.join("; "), "Leave some ends loose", "Ben").await;
        self.batch_on("acme_shop_topic", &prompt("Nobody committed this.")).await;
    }

    async fn fill_runtime(&self) {
        let registered =
            [("acme", "shop"), ("acme", "x"), ("acme_x", "shop"), ("acme", "ghost")].map(|(tenant, id)| {
                format!(
                    "insert into project_metadata (tenant_id, id, main_branch_name, created_at) \
                 values ('{tenant}', '{id}', '{tenant}_{id}_main', '2026-03-0{} 08:00:00.123')",
                    id.len()
                )
            });
        let conversations = ["c1", "c2", "c3"].map(|id| {
            format!(
                "insert into conversations (tenant_id, project_id, id, active_sub_agent_id) \
                 values ('acme', 'shop', '{id}', 'router')"
            )
        });
        let said = |id: &str, conversation: &str, role: &str, at: &str| {
            format!(
                "insert into messages (tenant_id, project_id, id, conversation_id, role, content, created_at) values \
                 ('acme', 'shop', '{id}', '{conversation}', '{role}', '{{\"text\": \"{id}\", \"n\": 1.50}}', '2026-03-02 {at}')"
            )
        };
        // Neither by id nor as they were stored are they in the order in which they were said.
        let messages = [
            said("m1", "c1", "agent", "09:00:02.000005"),
            said("m4", "c1", "user", "09:00:01"),
            said("m3", "c1", "user", "09:00:02.000015"),
            said("m2", "c2", "user", "09:00:00"),
            said("m5", "c1", "agent", "09:00:02.000015"),
        ];
        let chunk = |conversation: &str, idx: u32| {
            format!(
                "insert into stream_chunks (tenant_id, project_id, conversation_id, idx, data, is_final) \
                 values ('acme', 'shop', '{conversation}', {idx}, '{{}}', {})",
                idx == 2
            )
        };
        let chunks = [chunk("c1", 1), chunk("c1", 2), chunk("c2", 1)];
        let feedback = "insert into feedback (tenant_id, project_id, id, conversation_id, message_id, type) \
                        values ('acme', 'shop', 'f', 'c1', 'm1', 'positive')";
        let users = "insert into \"user\" (id, name, email, email_verified) values ('u', 'Ana', 'ana@x.org', true)";
        let rows = [&registered[..], &conversations, &messages, &chunks, &[feedback.to_owned(), users.to_owned()]];
        let all = tables("runtime-schema.json") + &rows.concat().join("; ");
        self.runtime.batch(&all).await.unwrap();
    }

    fn place(&self) -> Place {
        Place::Servers(Box::new(Servers { manage: self.manage.url(), runtime: self.runtime.url() }))
    }

    async fn head(&self, branch: &str) -> String {
        let pool = understory::sql::postgres::Pool::new(&self.manage.url(), 1, false).unwrap();
        let sql = "select hash from dolt_branches where name = ?";
        let row = pool.connection().await.unwrap().query_row(sql, &[branch.into()]).await.unwrap().unwrap();
        row[0].text().unwrap().to_owned()
    }
}

fn project(tenant: &str, id: &str) -> String {
    format!(
        "insert into projects (tenant_id, id, name, models, created_at, updated_at) values ('{tenant}', '{id}', \
         'Shop of {tenant}', '{{\"base\": {{\"model\": \"m\"}}}}', '2026-03-01 09:00:00.5', '2026-03-01 09:00:00.5')"
    )
}

fn request(from: Place, to: Place, dry_run: bool) -> CopyRequest {
    CopyRequest { from, to, projects: Vec::new(), dry_run, model: None, pool_size: 4 }
}

async fn copied(request: &CopyRequest) -> understory::Result<CopyReport> {
    copy(request, &|_| {}).await
}

/// What does not come along, by its name: how much, and why.
fn left_out(report: &CopyReport, what: &str) -> (u64, String) {
    let found = report.left_out.iter().find(|left| left.what == what);
    let found = found.unwrap_or_else(|| panic!("{what} is not in {:#?}", report.left_out));
    (found.count, found.why.clone())
}

fn assert_left_out(report: &CopyReport) {
    for (what, count) in [
        ("rows of user", 1),
        ("project acme/ghost", 1),
        ("branch main", 1),
        ("branch acme_main", 1),
        ("branch temp_branch_1", 1),
        ("changes on branch acme_shop_topic", 1),
        ("acme/shop: values of tools.shade", 1),
    ] {
        assert_eq!(left_out(report, what).0, count, "{what}");
    }
    let (_, why) = left_out(report, "acme/shop: sub agent tool relation acme/shop/helper/r2");
    assert!(why.contains("'gone'") && why.ends_with("it does not come along"), "{why}");
    let (_, why) = left_out(report, "acme/shop: tool acme/shop/lone");
    assert!(why.contains("'nobody'") && why.ends_with("it loses the reference"), "{why}");
    assert_eq!(report.left_out.len(), 9, "{:#?}", report.left_out);
}

async fn rows(project: &Project, reference: &str, entity: &str, column: &str) -> Vec<String> {
    let view = project.view(reference).await.unwrap();
    view.snapshot.table(entity).values().map(|row| row.get(column).to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_comes_along_with_its_history() {
    let Some(theirs) = Installation::new("an_installation_comes_along_with_its_history").await else { return };
    let home = tempfile::tempdir().unwrap();
    let to = home.path().join("to");
    let planned = copied(&request(theirs.place(), Place::Directory(to.clone()), true)).await.unwrap();
    assert!(!to.exists(), "a dry run writes nothing");
    assert_left_out(&planned);
    let report = copied(&request(theirs.place(), Place::Directory(to.clone()), false)).await.unwrap();
    assert_left_out(&report);
    let told = |report: &CopyReport| {
        let projects = report.projects.iter();
        projects.map(|p| format!("{} {} {} {}", p.project, p.commits, p.branches, p.tags)).collect::<Vec<_>>()
    };
    assert_eq!(told(&report), ["acme/shop 5 2 1", "acme/x 1 1 0", "acme_x/shop 1 1 0"]);
    assert_eq!(told(&planned), told(&report));

    let app = Understory::open(Options::new(&to)).await.unwrap();
    let shop = app.project(&Principal::system(), Permission::View, "acme", "shop").await.unwrap();
    let log: Vec<_> = shop.log("main", 9).await.unwrap().into_iter().map(|e| (e.message, e.author, e.email)).collect();
    let said = |message: &str, author: &str| (message.to_owned(), author.to_owned(), format!("{author}@x.org"));
    assert_eq!(log[0], said("Leave some ends loose", "Ben"));
    assert_eq!(log[1], said("Merge topic", "Ana"));
    assert_eq!(log[2..4].iter().filter(|entry| entry.1 == "Cleo" || entry.1 == "Ben").count(), 2, "{log:?}");
    assert_eq!((&log[4], log.len()), (&said("Create the shop", "Ana"), 6));
    let (merge, _) = shop.show("v1").await.unwrap();
    assert_eq!((merge.message.as_str(), merge.parents.len()), ("Merge topic", 2));

    assert_eq!(rows(&shop, "main", "tool", "id").await, ["\"lone\"", "\"orders\"", "\"parcels\""]);
    assert_eq!(rows(&shop, "main", "tool", "credential_reference_id").await, ["null", "\"key\"", "null"]);
    assert_eq!(rows(&shop, "main", "sub_agent_tool_relation", "id").await, ["\"r1\""]);
    assert_eq!(rows(&shop, "main", "sub_agent", "prompt").await, ["\"Be kind.\""]);
    assert_eq!(rows(&shop, "topic", "sub_agent", "prompt").await, ["\"Be brief.\""]);
    assert_eq!(rows(&shop, "main", "project", "created_at").await, ["\"2026-03-01 09:00:00.500\""]);
    let config =
        &shop.view("main").await.unwrap().snapshot.table("tool").values().next().unwrap().get("config").clone();
    assert_eq!(config, &json!({ "mcp": { "server": { "url": "http://x" } }, "type": "mcp" }));
    let other = app.project(&Principal::system(), Permission::View, "acme_x", "shop").await.unwrap();
    assert_eq!(rows(&other, "main", "project", "name").await, ["\"Shop of acme_x\""]);

    // What their rows name by hash is found, a commit that only brought the schema too.
    for (branch, message) in [("acme_shop_main", "Leave some ends loose"), ("acme_shop_topic", "Add parcels")] {
        assert_eq!(shop.show(&theirs.head(branch).await).await.unwrap().0.message, message);
    }
    let written = shop
        .with_ref("main", "Go on", |draft| {
            let key = draft.rows("tool").keys().next().map(|key| (*key).clone()).ok_or("there are tools")?;
            draft.delete("tool", &key);
            Ok(())
        })
        .await
        .unwrap();
    assert!(written.commit.is_some(), "it is a project like any other");
}

fn copied_rows(report: &CopyReport) -> Vec<(&str, u64)> {
    let tables = report.tables.iter().map(|table| (table.table.as_str(), table.rows));
    tables.filter(|(table, _)| ["conversations", "messages", "stream_chunks", "feedback"].contains(table)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_conversations_go_on() {
    let Some(theirs) = Installation::new("its_conversations_go_on").await else { return };
    let home = tempfile::tempdir().unwrap();
    let to = home.path().join("to");
    let planned = copied(&request(theirs.place(), Place::Directory(to.clone()), true)).await.unwrap();
    let report = copied(&request(theirs.place(), Place::Directory(to.clone()), false)).await.unwrap();
    assert_eq!(copied_rows(&report), [("conversations", 3), ("feedback", 1), ("messages", 5), ("stream_chunks", 3)]);
    assert_eq!(copied_rows(&planned), copied_rows(&report));

    let app = Understory::open(Options::new(&to)).await.unwrap();
    let shop = app.project(&Principal::system(), Permission::Edit, "acme", "shop").await.unwrap();
    let mut counted = Vec::new();
    for id in ["c1", "c2", "c3"] {
        let conversation = shop.conversation(id).await.unwrap();
        counted.push((conversation.messages, conversation.events));
        assert_eq!(conversation.active_sub_agent_id, "router");
    }
    assert_eq!(counted, [(4, 2), (1, 1), (0, 0)]);
    let said = shop.messages_all("c1").await.unwrap();
    let said = said.iter().map(|message| (message.position, message.id.as_str(), message.role.as_str()));
    let order = [(1, "m4", "user"), (2, "m1", "agent"), (3, "m3", "user"), (4, "m5", "agent")];
    assert_eq!(said.collect::<Vec<_>>(), order);
    let next = shop
        .message_add(
            "c1",
            serde_json::from_value(json!({ "role": "user", "content": "Go on", "answer": false })).unwrap(),
        )
        .await
        .unwrap();
    assert_eq!(next.position, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_is_no_place_to_copy_to() {
    let Some(theirs) = Installation::new("an_installation_is_no_place_to_copy_to").await else { return };
    let Some(other) = TestServer::Postgres.database("an_installation_is_no_place_to_copy_to").await.unwrap() else {
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let from = home.path().join("from");
    drop(Understory::open(Options::new(&from)).await.unwrap());
    let refused = copied(&request(Place::Directory(from), theirs.place(), false)).await;
    assert!(matches!(&refused, Err(Error::BadRequest(told)) if told.contains("did not make")), "{refused:?}");
    let mixed = Place::Servers(Box::new(Servers { manage: theirs.manage.url(), runtime: other.url() }));
    let refused = copied(&request(mixed, Place::Directory(home.path().join("to")), true)).await;
    assert!(matches!(&refused, Err(Error::BadRequest(told)) if told.contains("project_metadata")), "{refused:?}");
}
