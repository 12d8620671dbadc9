use indexmap::IndexMap;
use serde::Deserialize;

use super::Context;
use crate::address::Finder;
use crate::commit::{subject, when};
use crate::error::{CommandError, CommandResult};
use crate::names::{ProjectArg, RefArg, short};
use crate::output::table;
use crate::request::Request;

/// Show which commit made each field of a row what it is: `blame -p acme/shop support/router prompt` for each line
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    project: ProjectArg,
    #[command(flatten)]
    reference: RefArg,
    /// KIND/ID, as `get` takes it
    address: String,
    /// Show this field alone, line by line where it merges by line
    field: Option<String>,
}

/// Who made a field what it is.
#[derive(Deserialize)]
struct Blame {
    #[serde(flatten)]
    by: By,
    lines: Option<Vec<Line>>,
}

#[derive(Deserialize)]
struct Line {
    text: String,
    #[serde(flatten)]
    by: By,
}

#[derive(Deserialize)]
struct By {
    commit: String,
    author: String,
    date: String,
    message: String,
}

pub fn run(args: &Args, context: &Context) -> CommandResult<()> {
    let (api, model) = (context.api()?, context.model()?);
    let (project, reference) = (&args.project.project, args.reference.reference.as_str());
    let place = Finder { api: &api, model: &model, project, reference }.find(&args.address)?.place;
    let reply = api.send(Request::get(format!("{}/blame", place.path)).query("ref", reference))?;
    let fields: IndexMap<String, Blame> = reply.read_data()?;
    let Some(name) = &args.field else {
        return context.output.show(reply.data(), || as_table(fields.iter()));
    };
    let Some(field) = fields.get(name) else {
        let known: Vec<&str> = fields.keys().map(String::as_str).collect();
        let error = CommandError::user(format!("{} has no field '{name}' to blame", place.address));
        return Err(error.cause(format!("fields: {}", known.join(", "))));
    };
    context.output.show(&reply.data()[name], || match &field.lines {
        Some(lines) => by_line(lines),
        None => as_table([(name, field)].into_iter()),
    })
}

fn as_table<'a>(fields: impl Iterator<Item = (&'a String, &'a Blame)>) -> String {
    let row = |(name, field): (&String, &Blame)| {
        let By { commit, author, date, message } = &field.by;
        vec![name.clone(), short(commit).to_owned(), when(date), author.clone(), subject(message).to_owned()]
    };
    table(&["FIELD", "COMMIT", "DATE (UTC)", "AUTHOR", "MESSAGE"], fields.map(row))
}

fn by_line(lines: &[Line]) -> String {
    let width = lines.iter().map(|line| line.by.author.chars().count()).max().unwrap_or_default();
    let shown = lines.iter().enumerate().map(|(number, Line { text, by })| {
        let (commit, date, number) = (short(&by.commit), when(&by.date), number + 1);
        format!("{commit} ({:width$} {date} {number:>3}) {text}", by.author).trim_end().to_owned()
    });
    shown.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lines_have_their_commit_author_and_date_before_them() {
        let line = |text: &str, commit: &str, author: &str| {
            let date = "2026-01-31T12:00:00Z";
            json!({ "text": text, "commit": commit, "author": author, "date": date, "message": "m" })
        };
        let lines = [line("Be kind.", "0123456789ab", "ana"), line("", "ba9876543210", "ben o")];
        let field = json!({ "commit": "0123456789ab", "author": "ana", "date": "d", "message": "m", "lines": lines });
        let field: Blame = serde_json::from_value(field).unwrap();
        let expected = "0123456789 (ana   2026-01-31 12:00:00   1) Be kind.\n\
                        ba98765432 (ben o 2026-01-31 12:00:00   2)";
        assert_eq!(by_line(&field.lines.unwrap()), expected);
    }
}
