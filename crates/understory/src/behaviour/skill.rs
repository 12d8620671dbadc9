//! Skills: a `SKILL.md` whose front matter gives name, description and metadata, and further files.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use understory_manage::Draft;
use understory_model::{Entity, FieldError, Key, Row, decode_create};

use super::{Behaviour, Form};
use crate::action::Call;
use crate::names::skill::{CONTENT, DESCRIPTION, METADATA, NAME};
use crate::names::skill_file::{self, PATH};
use crate::names::{PROJECT, TENANT};
use crate::rows::Rows;
use crate::{Error, Result};

/// The file that makes a folder a skill.
const MAIN_FILE: &str = "SKILL.md";

/// Instructions with files.
pub(super) struct Skill;

impl Behaviour for Skill {
    /// `{files}` becomes the columns that the front matter of `SKILL.md` gives.
    fn accept(&self, existing: Option<&Row>, body: &mut Map<String, Value>) -> Result<()> {
        let files = files(body)?;
        let mut main = files.iter().enumerate().filter(|(_, (path, _))| *path == MAIN_FILE);
        let (Some((index, (_, text))), None) = (main.next(), main.next()) else {
            return Err(Error::field("/files", "required", "a skill has exactly one file SKILL.md"));
        };
        let front = FrontMatter::parse(text).map_err(|detail| {
            Error::field(format!("/files/{index}/content"), "front_matter", format!("SKILL.md: {detail}"))
        })?;
        for (index, (path, _)) in files.iter().enumerate() {
            let pointer = format!("/files/{index}/filePath");
            check_path(path).map_err(|detail| Error::field(&pointer, "pattern", detail))?;
            if files.iter().take(index).any(|(other, _)| other == path) {
                return Err(Error::field(pointer, "duplicate", format!("{path} is there twice")));
            }
        }
        let named = body.get("id").and_then(Value::as_str).or_else(|| existing?.text("id"));
        if named.is_some_and(|id| id != front.name) {
            let detail = "the name in SKILL.md is the skill's id, and not another";
            return Err(Error::field(format!("/files/{index}/content"), "immutable", detail));
        }
        let metadata = if front.metadata.is_empty() { Value::Null } else { json!(front.metadata) };
        body.extend([
            ("id".to_owned(), front.name.clone().into()),
            (NAME.to_owned(), front.name.into()),
            (DESCRIPTION.to_owned(), front.description.into()),
            (METADATA.to_owned(), metadata),
            (CONTENT.to_owned(), front.content.into()),
        ]);
        Ok(())
    }

    /// Makes the file rows say what `files` says.
    fn written(&self, draft: &mut Draft, _: &Entity, key: &Key, body: &Map<String, Value>) -> Result<()> {
        let Some(entity) = draft.model().entity(skill_file::ENTITY).map(Arc::clone) else { return Ok(()) };
        let files = files(body)?;
        let [tenant, project, id] = key.parts() else { return Ok(()) };
        let place = Row::new().with(TENANT, tenant.as_str()).with(PROJECT, project.as_str());
        let place = place.with(skill_file::SKILL, id.as_str());
        let present: Vec<Arc<Row>> = draft.within(&entity.name, &place).into_iter().cloned().collect();
        for row in present.iter().filter(|row| !files.iter().any(|(path, _)| row.text(PATH) == Some(path))) {
            draft.delete(&entity.name, &entity.key_of(row));
        }
        for (path, content) in files {
            let row = match present.iter().find(|row| row.text(PATH) == Some(path)) {
                Some(row) => Row::clone(row).with(skill_file::CONTENT, content),
                None => {
                    let body = json!({ "filePath": path, "content": content });
                    decode_create(&entity, &place, &body).map_err(Error::Invalid)?.row
                }
            };
            draft.put(&entity, row);
        }
        Ok(())
    }

    fn answer(&self, rows: &dyn Rows, row: &Row, _: &Call, many: bool, object: &mut Map<String, Value>) {
        if !many {
            object.insert("files".into(), file_answers(rows, row).into());
        }
    }

    fn fault(&self, row: &Row) -> Option<FieldError> {
        let detail = "a skill's name is its id, and not another";
        (row.text(NAME) != row.text("id")).then(|| FieldError::new("/name", "immutable", detail))
    }

    fn understands(&self, key: &str) -> bool {
        key == "files"
    }

    fn describe(&self, form: Form, schema: &mut Value) {
        if form == Form::Answer {
            let file = json!({ "$ref": "#/components/schemas/SkillFile" });
            schema["properties"]["files"] = json!({ "type": "array", "items": file });
            return;
        }
        let text = json!({ "type": "string" });
        let properties = json!({ "filePath": text, "content": text });
        let file = json!({ "type": "object", "properties": properties, "required": ["filePath", "content"] });
        *schema = json!({
            "type": "object",
            "properties": { "files": { "type": "array", "items": file, "description": "Exactly one is SKILL.md." } },
            "required": ["files"],
        });
    }
}

/// The files of a skill as answers show them.
fn file_answers(rows: &dyn Rows, skill: &Row) -> Vec<Value> {
    let wanted = [(TENANT, skill.text(TENANT)), (PROJECT, skill.text(PROJECT)), (skill_file::SKILL, skill.text("id"))];
    let wanted: Vec<(&str, &str)> = wanted.into_iter().filter_map(|(column, value)| Some((column, value?))).collect();
    let one = |row: &Arc<Row>| {
        json!({
            "id": row.get("id"), "skillId": row.get(skill_file::SKILL), "filePath": row.get(PATH),
            "content": row.get(skill_file::CONTENT), "createdAt": row.get("created_at"), "updatedAt": row.get("updated_at"),
        })
    };
    rows.matching(skill_file::ENTITY, &wanted).into_iter().map(one).collect()
}

/// One file of a skill.
pub(super) struct SkillFile;

impl Behaviour for SkillFile {
    fn accept(&self, existing: Option<&Row>, body: &mut Map<String, Value>) -> Result<()> {
        let path = match existing {
            Some(row) => row.text(PATH).unwrap_or_default(),
            None => body.get("filePath").and_then(Value::as_str).unwrap_or_default(),
        };
        if path == MAIN_FILE {
            return Err(Error::BadRequest("SKILL.md is changed through the skill itself".into()));
        }
        if existing.is_some() && !body.contains_key("content") {
            return Err(Error::field("/content", "required", "content is required"));
        }
        Ok(())
    }

    fn fault(&self, row: &Row) -> Option<FieldError> {
        let detail = check_path(row.text(PATH).unwrap_or_default()).err()?;
        Some(FieldError::new("/filePath", "pattern", detail))
    }

    fn deletable(&self, row: &Row) -> Result<()> {
        if row.text(PATH) == Some(MAIN_FILE) {
            return Err(Error::BadRequest("SKILL.md goes only with the skill itself".into()));
        }
        Ok(())
    }

    /// A file is replaced by its new content; its path stays.
    fn describe(&self, form: Form, schema: &mut Value) {
        if form == Form::Update {
            *schema = json!({
                "type": "object",
                "properties": { "content": { "type": "string" } },
                "required": ["content"],
            });
        }
    }
}

/// The files of a body, path and content.
fn files(body: &Map<String, Value>) -> Result<Vec<(&str, &str)>> {
    let wrong = |pointer: String| Error::field(pointer, "required", "files is an array of {filePath, content}");
    let files = body.get("files").and_then(Value::as_array).ok_or_else(|| wrong("/files".into()))?;
    let mut read = Vec::new();
    for (index, file) in files.iter().enumerate() {
        let text = |key: &str| file.get(key).and_then(Value::as_str);
        let (Some(path), Some(content)) = (text("filePath"), text("content")) else {
            return Err(wrong(format!("/files/{index}")));
        };
        read.push((path, content));
    }
    Ok(read)
}

/// A path within a skill: relative, without `..`.
fn check_path(path: &str) -> std::result::Result<(), &'static str> {
    let bad = |segment: &str| segment.is_empty() || segment == "." || segment == "..";
    if path.starts_with('/') || path.contains('\\') || path.split('/').any(bad) {
        return Err("a file's path is relative and has no '..'");
    }
    Ok(())
}

/// What the head of a `SKILL.md` says.
#[derive(Debug, PartialEq, Deserialize)]
struct FrontMatter {
    name: String,
    description: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    /// The rest of the file.
    #[serde(skip)]
    content: String,
}

impl FrontMatter {
    /// Reads a line of `---`, YAML, a line of `---`, and the rest.
    fn parse(text: &str) -> std::result::Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let rest = text.strip_prefix("---\n").ok_or("must begin with a line of ---")?;
        let (head, content) = rest.split_once("\n---").ok_or("the front matter must end with a line of ---")?;
        let content = content.split_once('\n').map_or("", |(_, content)| content);
        let front: Self = serde_saphyr::from_str(head).map_err(|error| error.to_string())?;
        Self { content: content.trim_start_matches('\n').to_owned(), ..front }.check()
    }

    fn check(self) -> std::result::Result<Self, String> {
        let slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let name = &self.name;
        let hyphens = name.starts_with('-') || name.ends_with('-') || name.contains("--");
        if name.is_empty() || name.len() > 64 || !name.chars().all(slug) || hyphens {
            return Err("name must be 1 to 64 of a-z, 0-9 and single inner hyphens".into());
        }
        if self.description.is_empty() || self.description.chars().count() > 1024 {
            return Err("description must have 1 to 1024 characters".into());
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_read() {
        let text = "---\nname: code-review\ndescription: \"Reviews: code\"\nmetadata:\n  author: me\n---\n\n# Body\n";
        let front = FrontMatter::parse(text).expect("it is well-formed");
        assert_eq!((front.name.as_str(), front.description.as_str()), ("code-review", "Reviews: code"));
        assert_eq!(front.metadata["author"], "me");
        assert_eq!(front.content, "# Body\n");
    }

    #[test]
    fn bad_front_matter_is_refused() {
        for bad in [
            "# no front",
            "---\nname: A\ndescription: d\n---\n",
            "---\nname: a\n---\n",
            "---\nname: a--b\ndescription: d\n---\n",
        ] {
            assert!(FrontMatter::parse(bad).is_err(), "{bad}");
        }
    }
}
