//! One thing done to many projects.

use super::Context;
use crate::error::{CommandError, CommandResult};
use crate::names::ProjectName;

/// Does something to every project, telling of each; those that fail keep none from its turn, and are named at the end.
pub fn project<T>(
    context: &Context,
    projects: &[ProjectName],
    undone: &str,
    mut act: impl FnMut(&ProjectName) -> CommandResult<(String, T)>,
) -> CommandResult<Vec<T>> {
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for (number, project) in projects.iter().enumerate() {
        let place = format!("{}/{} {project}", number + 1, projects.len());
        match act(project) {
            Ok((said, value)) => {
                context.output.note(&format!("{place}: {said}"))?;
                done.push(value);
            }
            Err(error) => {
                context.output.note(&format!("{place}: failed"))?;
                failed.push((project.to_string(), error));
            }
        }
    }
    if failed.is_empty() {
        return Ok(done);
    }
    let message = format!("{} of {} projects {undone}", failed.len(), projects.len());
    Err(CommandError::of_parts(message, &failed).hint("mend the cause and run it again: it goes on where it stopped"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Output;
    use crate::settings::Settings;

    #[test]
    fn a_project_that_fails_keeps_none_from_its_turn() {
        let flags = crate::args::Global { data: Some("unused".into()), json: true, ..Default::default() };
        let context = Context { settings: Settings::read(&flags).unwrap(), output: Output::new(true) };
        let projects = ["a/x", "a/y", "b/z"].map(|name| name.parse::<ProjectName>().unwrap());
        let mut seen = Vec::new();
        let error = project(&context, &projects, "were not migrated", |project| {
            seen.push(project.to_string());
            match project.id.as_str() {
                "z" => Ok(("done".into(), ())),
                id => Err(CommandError::user("no room").cause(format!("disk {id}"))),
            }
        });
        let said = format!("{:?}", error.unwrap_err());
        assert_eq!(seen, ["a/x", "a/y", "b/z"]);
        let parts = ["2 of 3 projects were not migrated", "a/x: no room\\n  disk x", "a/y: no room\\n  disk y"];
        assert!(parts.iter().all(|part| said.contains(part)) && !said.contains("b/z"), "{said}");
        let all = project(&context, &projects, "", |project| Ok((String::new(), project.id.clone())));
        assert_eq!(all.unwrap(), ["x", "y", "z"]);
    }
}
