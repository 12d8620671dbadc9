use serde_json::{Value, json};

use super::Context;
use crate::connect::Api;
use crate::error::{CommandError, CommandResult};
use crate::names::ProjectName;
use crate::request::Request;

/// Load one rich project, demo/support, with a history, a branch and a conflict
#[derive(clap::Args)]
pub struct Args {}

const ANA: (&str, &str) = ("Ana Ruiz", "ana@example.com");
const BEN: (&str, &str) = ("Ben Osei", "ben@example.com");
const BRANCH: &str = "warmer-tone";
const ROUTER: &str = "/agents/support/sub-agents/router";
const BILLING: &str = "/agents/support/sub-agents/billing";

const TRY: &str = "\
Loaded demo/support: three sub-agents and their tools, changed by two people, and the branch warmer-tone.

Who changed what, and how:
  understory log   -p demo/support
  understory diff  -p demo/support main warmer-tone
  understory blame -p demo/support support/router prompt

Change it, in one commit, and take that back:
  understory set   -p demo/support support/billing prompt='Be brief.' -m 'Shorter answers'
  understory undo  -p demo/support

Look into it:
  understory sql   -p demo/support 'select id, name from sub_agents'

Both branches changed the router's prompt: this shows the conflict, and how to settle it:
  understory merge -p demo/support warmer-tone";

pub fn run(_: &Args, context: &Context) -> CommandResult<()> {
    let api = context.api_or_new()?;
    let demo = Demo { api: &api, project: ProjectName { tenant: "demo".into(), id: "support".into() } };
    if api.find(Request::get(demo.project.path("")))?.is_some() {
        let error = CommandError::user("demo/support is there already");
        return Err(error.hint("`understory log -p demo/support` shows its history"));
    }
    demo.load()?;
    context.output.show(&json!({ "project": "demo/support", "branch": BRANCH }), || TRY.to_owned())
}

struct Demo<'a> {
    api: &'a Api,
    project: ProjectName,
}

impl Demo<'_> {
    fn load(&self) -> CommandResult<()> {
        let document: Value = serde_json::from_str(include_str!("demo.json"))
            .map_err(|error| CommandError::internal("the demo does not read").because(&error))?;
        self.api.send(Request::put(self.project.full(), document).message(Some("Answer customers about orders"))?)?;
        let billing = json!({ "prompt": BILLING_PROMPT });
        self.commit("main", ANA, "Refunds above 100 need a person", BILLING, billing)?;
        let tool =
            json!({ "config": { "type": "mcp", "mcp": { "server": { "url": "https://mcp.example.com/orders/v2" } } } });
        self.commit("main", BEN, "Use the new order service", "/tools/orders", tool)?;
        self.api.send(Request::post(self.project.path("/branches"), json!({ "name": BRANCH })))?;
        self.commit("main", ANA, "Route in the customer's language", ROUTER, json!({ "prompt": PLAIN }))?;
        self.commit(BRANCH, BEN, "Greet customers by name", ROUTER, json!({ "prompt": WARM }))
    }

    /// One change by one person.
    fn commit(&self, branch: &str, who: (&str, &str), why: &str, path: &str, change: Value) -> CommandResult<()> {
        let operation = json!({ "method": "PATCH", "path": path, "body": change });
        let author = json!({ "name": who.0, "email": who.1 });
        let body = json!({ "message": why, "author": author, "operations": [operation] });
        self.api.send(Request::post(self.project.path("/batch"), body).query("ref", branch)).map(drop)
    }
}

const BILLING_PROMPT: &str = "\
You answer questions about invoices and refunds.
Look the order up before you say anything about it.
Offer a refund of up to 100 yourself; above that, hand over to a person.";

const PLAIN: &str = "\
You are the first to meet a customer, and answer in the customer's language.
Find out what it is about, and hand over: invoices and refunds to billing, parcels to shipping.
Never promise anything yourself.";

const WARM: &str = "\
You are the first to meet a customer: greet them by name.
Find out what it is about, and hand over: invoices and refunds to billing, parcels to shipping.
Never promise anything yourself.";
