use serde_json::{Value, json};

use super::Keeper;
use crate::Outcome;
use crate::server::Client;

/// A project on a server.
pub struct Ours {
    client: Client,
    project: String,
    /// The heads of `main` and of the branch, as the answers told them: what a merge is pinned to.
    main: String,
    head: String,
}

impl Ours {
    /// A project by its id.
    pub fn new(client: Client, id: &str) -> Self {
        Self { client, project: format!("projects/{id}"), main: String::new(), head: String::new() }
    }
}

impl Keeper for Ours {
    fn branch(&mut self, name: &str) -> Outcome {
        let reply = self.client.send("POST", &format!("{}/branches", self.project), &json!({ "name": name }))?;
        self.main = reply.data["hash"].as_str().ok_or("a branch has a head")?.to_owned();
        Ok(())
    }

    fn edit(&mut self, branch: &str) -> Outcome {
        let path = format!("{}/tools/tool-0?ref={branch}", self.project);
        let reply = self.client.send("PATCH", &path, &json!({ "name": format!("Tool {branch}") }))?;
        self.head = reply.commit.ok_or("a write has a commit")?;
        Ok(())
    }

    fn diff(&mut self, branch: &str) -> Outcome {
        let reply = self.client.get(&format!("{}/diff?from=main&to={branch}", self.project))?;
        if reply.data["tool"]["tool-0"]["fields"]["name"] == Value::Null {
            return Err("the change is not in the difference".into());
        }
        Ok(())
    }

    fn merge(&mut self, branch: &str) -> Outcome {
        let body = json!({
            "sourceBranch": branch, "targetBranch": "main", "sourceHash": self.head, "targetHash": self.main,
        });
        self.client.send("POST", &format!("{}/branches/merge", self.project), &body)?;
        Ok(())
    }
}
