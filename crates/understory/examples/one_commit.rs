//! Embeds Understory: opens a directory, creates a project, and makes two changes as one commit on a branch.
//!
//! `cargo run -p understory --example one_commit`

use serde_json::json;
use understory::{BatchOperation, Options, Principal, Understory, WriteOptions};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let home = tempfile::tempdir()?;
    let app = Understory::open(Options::new(home.path())).await?;

    let body = json!({ "id": "shop", "name": "Shop", "models": { "base": { "model": "openai/gpt-4o-mini" } } });
    let ana = Principal::system();
    let shop = app.project_create(&ana, "acme", body, WriteOptions::default()).await?.value;
    shop.branch_create("tools", None, None).await?;

    let server = |url: &str| json!({ "type": "mcp", "mcp": { "server": { "url": url } } });
    let operations: Vec<BatchOperation> = serde_json::from_value(json!([
        { "method": "POST", "path": "/tools",
          "body": { "id": "orders", "name": "Orders", "config": server("https://mcp.example.com/orders") } },
        { "method": "POST", "path": "/tools",
          "body": { "id": "parcels", "name": "Parcels", "config": server("https://mcp.example.com/parcels") } },
    ]))?;
    let written = shop.batch(&operations, "", &WriteOptions::to("tools", "Connect orders and parcels")).await?;
    println!("tools is at {}", written.head);

    for (entity, rows) in shop.diff("main", "tools", None).await? {
        for (key, change) in rows {
            println!("{:?} {entity} {key}", change.kind);
        }
    }
    for entry in shop.log("tools", 10).await? {
        println!("{} {} {}", &entry.hash[..10], entry.author, entry.message);
    }
    Ok(())
}
