use clap::Subcommand;
use serde::Deserialize;
use serde_json::json;

use super::Context;
use crate::error::CommandResult;
use crate::names::encoded;
use crate::output::table;
use crate::request::Request;

const KEYS: &str = "/manage/keys";

/// Make, list and revoke keys: whoever presents one acts, and commits, under its name
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a key and print it, once
    Create {
        /// Whose it is, as ana@example.com or ci
        #[arg(long)]
        name: String,
    },
    /// List the keys, without their secrets
    List,
    /// Revoke a key, at once and for good
    Revoke {
        /// Its name
        name: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    name: String,
    prefix: String,
    created_at: String,
    last_used_at: Option<String>,
    revoked_at: Option<String>,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    match &args.action {
        Action::Create { name } => create(context, name),
        Action::List => list(context),
        Action::Revoke { name } => {
            let reply = context.api()?.send(Request::delete(format!("{KEYS}/{}", encoded(name))))?;
            context.output.show(reply.data(), || format!("Revoked the key {name}"))
        }
    }
}

/// The key alone is the result, for scripts; that it is not shown again is said beside it.
fn create(context: &Context, name: &str) -> CommandResult<()> {
    let reply = context.api_or_new()?.send(Request::post(KEYS, json!({ "name": name })))?;
    eprintln!("key of {name}, shown only this once:");
    context.output.show(reply.data(), || reply.data()["key"].as_str().unwrap_or_default().to_owned())
}

fn list(context: &Context) -> CommandResult<()> {
    let reply = context.api()?.send(Request::get(KEYS))?;
    let keys: Vec<Key> = reply.read_data()?;
    let never = || "never".to_owned();
    let row = |key: Key| {
        let state = key.revoked_at.map_or_else(|| "good".to_owned(), |at| format!("revoked {at}"));
        vec![key.name, key.prefix, key.created_at, key.last_used_at.unwrap_or_else(never), state]
    };
    context
        .output
        .show(reply.data(), || table(&["NAME", "BEGINS WITH", "MADE", "LAST USED", "STATE"], keys.into_iter().map(row)))
}
