//! Flags that settle conflicts, and the resolutions that they make.

use clap::Args;
use serde_json::{Map, Value, json};
use understory::model::{Entity, Model, camel_case};

use crate::conflict::{Conflict, described};
use crate::connect::Api;
use crate::error::{CommandError, CommandResult};
use crate::fields::Assignment;
use crate::request::{Reply, Request, typed};

/// Flags that settle conflicts.
#[derive(Args)]
pub struct ResolveArgs {
    /// Settle a conflict the branch's way; ROW is as conflicts show it, as subAgent/support/router
    #[arg(long, value_name = "ROW[:FIELD]", help_heading = "Conflicts")]
    ours: Vec<String>,
    /// Settle a conflict the way of what is brought
    #[arg(long, value_name = "ROW[:FIELD]", help_heading = "Conflicts")]
    theirs: Vec<String>,
    /// Settle a field with a value of its own: ROW:FIELD=TEXT, ROW:FIELD=@FILE or ROW:json:FIELD=JSON
    #[arg(long, value_name = "ROW:FIELD=VALUE", help_heading = "Conflicts")]
    set: Vec<String>,
}

/// How one conflict is settled.
struct Settled<'a> {
    conflict: &'a Conflict,
    pick: Option<&'static str>,
    fields: Map<String, Value>,
}

impl ResolveArgs {
    /// Sends a request that may meet conflicts: as it is first, and once more with those settled that it meets.
    pub fn send(&self, api: &Api, model: &Model, request: Request) -> CommandResult<Reply> {
        let refused = match api.send(request.clone()) {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        let Some(conflicts) = refused.conflicts().cloned() else { return Err(refused) };
        let resolutions = self.settle(model, &conflicts)?;
        api.send(request.with("resolutions", resolutions.into()))
    }

    /// The resolutions of all these conflicts; an error that tells those which the flags leave open.
    pub fn settle(&self, model: &Model, conflicts: &Value) -> CommandResult<Vec<Value>> {
        let all: Vec<Conflict> = typed(conflicts)?;
        let mut settled: Vec<Settled> =
            all.iter().map(|conflict| Settled { conflict, pick: None, fields: Map::new() }).collect();
        for (side, flags) in [("ours", &self.ours), ("theirs", &self.theirs)] {
            flags.iter().try_for_each(|flag| pick(&mut settled, flag, side))?;
        }
        self.set.iter().try_for_each(|flag| set(&mut settled, flag, model))?;
        match settled.iter().find(|one| !one.is_whole()) {
            Some(first) => Err(unsettled(conflicts, &settled, &first.conflict.row())),
            None => Ok(settled.iter().map(Settled::resolution).collect()),
        }
    }
}

impl Settled<'_> {
    /// The rest of a text that names its row: nothing, or what follows the colon.
    fn rest<'t>(&self, text: &'t str) -> Option<&'t str> {
        let rest = text.strip_prefix(&self.conflict.row())?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix(':') }
    }

    fn is_whole(&self) -> bool {
        let fields = &self.conflict.fields;
        let each = !fields.is_empty() && fields.iter().all(|field| self.fields.contains_key(&field.field));
        self.pick.is_some() || each
    }

    fn field(&mut self, name: &str, choice: Value) -> CommandResult<()> {
        match self.fields.insert(name.to_owned(), choice) {
            None => Ok(()),
            Some(_) => Err(CommandError::user(format!("{}:{name} is settled twice", self.conflict.row()))),
        }
    }

    fn resolution(&self) -> Value {
        // Without a pick every field in question has a choice of its own, so that none is left to the default.
        let Conflict { entity, key, .. } = self.conflict;
        json!({ "entity": entity, "key": key, "pick": self.pick.unwrap_or("ours"), "fields": self.fields })
    }
}

fn pick(settled: &mut [Settled], flag: &str, side: &'static str) -> CommandResult<()> {
    let (one, field) = named(settled, flag)?;
    if !field.is_empty() {
        return one.field(field, side.into());
    }
    match one.pick.replace(side) {
        None => Ok(()),
        Some(_) => Err(CommandError::user(format!("{flag} is settled twice"))),
    }
}

fn set(settled: &mut [Settled], flag: &str, model: &Model) -> CommandResult<()> {
    let (one, assignment) = named(settled, flag)?;
    let assignment = Assignment::parse(assignment)?;
    let value = assignment.value(entity(model, &one.conflict.entity)?)?;
    one.field(assignment.name, json!({ "value": value }))
}

/// The conflict that a flag names, and what follows its row.
fn named<'a, 'c, 't>(settled: &'a mut [Settled<'c>], flag: &'t str) -> CommandResult<(&'a mut Settled<'c>, &'t str)> {
    let rows: Vec<String> = settled.iter().map(|one| one.conflict.row()).collect();
    let found = settled.iter_mut().find_map(|one| one.rest(flag).map(|rest| (one, rest)));
    found.ok_or_else(|| {
        let error = CommandError::user(format!("there is no conflict about '{flag}'"));
        rows.into_iter().fold(error, |error, row| error.cause(format!("in conflict: {row}")))
    })
}

fn entity<'m>(model: &'m Model, wire: &str) -> CommandResult<&'m Entity> {
    let found = model.entities().find(|entity| camel_case(&entity.name) == wire);
    found.map(|entity| &**entity).ok_or_else(|| {
        let error = CommandError::config(format!("the model here has no entity '{wire}'"));
        error.hint("name the server's entity files with --model")
    })
}

fn unsettled(conflicts: &Value, settled: &[Settled], row: &str) -> CommandError {
    let each = conflicts.as_array().into_iter().flatten().zip(settled);
    let open: Vec<&Value> = each.filter(|(_, one)| !one.is_whole()).map(|(conflict, _)| conflict).collect();
    let message = match open.len() {
        1 => "a conflict is to be settled; nothing was written".to_owned(),
        number => format!("{number} conflicts are to be settled; nothing was written"),
    };
    let hint =
        format!("run it again, for each with --ours ROW, --theirs ROW or --set ROW:FIELD=VALUE, as --theirs {row}");
    described(CommandError::user(message), json!(open)).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conflicts() -> Value {
        let field = |name: &str| json!({ "field": name, "base": "a", "ours": "b", "theirs": "c" });
        json!([
            { "entity": "subAgent", "key": "support/router", "fields": [field("prompt"), field("name")], "reason": "r" },
            { "entity": "tool", "key": "weather", "fields": [], "reason": "deleted and changed" },
        ])
    }

    fn settle(ours: &[&str], theirs: &[&str], set: &[&str]) -> CommandResult<Vec<Value>> {
        let [ours, theirs, set] = [ours, theirs, set].map(|flags| flags.iter().map(ToString::to_string).collect());
        ResolveArgs { ours, theirs, set }.settle(&Model::built_in().unwrap(), &conflicts())
    }

    #[test]
    fn flags_become_resolutions() {
        let settled = settle(
            &["subAgent/support/router:name"],
            &["tool/weather"],
            &["subAgent/support/router:prompt=Be kind: always=yes"],
        );
        let prompt = json!({ "name": "ours", "prompt": { "value": "Be kind: always=yes" } });
        let expected = [
            json!({ "entity": "subAgent", "key": "support/router", "pick": "ours", "fields": prompt }),
            json!({ "entity": "tool", "key": "weather", "pick": "theirs", "fields": {} }),
        ];
        assert_eq!(settled.unwrap(), expected);
    }

    #[test]
    fn no_conflict_is_left_to_chance() {
        let error = settle(&["subAgent/support/router:prompt"], &["tool/weather"], &[]).unwrap_err();
        assert_eq!(error.conflicts().unwrap().as_array().unwrap().len(), 1, "{error:?}");
        let said = format!("{error:?}");
        assert!(said.contains("--theirs subAgent/support/router") && !said.contains("tool/weather"), "{said}");
        let error = settle(&[], &[], &[]).unwrap_err();
        assert_eq!(error.conflicts().unwrap(), &conflicts());
    }

    #[test]
    fn slips_of_the_finger_are_told() {
        let wrong: [(&[&str], &[&str], &str); 4] = [
            (&["subAgent/support/route"], &[], "no conflict about 'subAgent/support/route'"),
            (&["tool/weather"], &["tool/weather"], "settled twice"),
            (&["tool/weather:name", "tool/weather:name"], &[], "settled twice"),
            (&["tool/weather.2"], &[], "in conflict: tool/weather"),
        ];
        for (ours, theirs, part) in wrong {
            let said = format!("{:?}", settle(ours, theirs, &[]).unwrap_err());
            assert!(said.contains(part), "{said}");
        }
        let said = format!("{:?}", settle(&[], &[], &["tool/weather:config={"]).unwrap_err());
        assert!(said.contains("not JSON"), "{said}");
        let said = format!("{:?}", settle(&[], &[], &["tool/weather"]).unwrap_err());
        assert!(said.contains("FIELD=TEXT"), "{said}");
    }
}
