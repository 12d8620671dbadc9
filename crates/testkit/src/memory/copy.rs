//! A project as text and back: what the in-memory store's backups hold.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use understory_manage::{BranchName, Commit, CommitHash, CommitMeta, Signature, Snapshot, StoreError, Table, Tag};
use understory_model::{Key, Row};

use super::{Entry, Project};

type Read<T> = Result<T, Box<dyn Error + Send + Sync>>;

pub(super) fn failed(doing: &str, error: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Engine { detail: doing.to_owned(), source: Some(error.into()) }
}

pub(super) fn write(project: &Project) -> String {
    let branches: Map<_, _> = project.branches.iter().map(|(name, head)| (name.to_string(), json!(head))).collect();
    let mut entries: Vec<_> = project.commits.values().collect();
    entries.sort_by_key(|entry| entry.number);
    let commits: Vec<_> = entries.into_iter().map(write_entry).collect();
    let tags: Vec<_> = project.tags.values().map(write_tag).collect();
    json!({
        "branches": branches, "tags": tags, "kept": project.kept, "commits": commits, "made": project.made,
    })
    .to_string()
}

fn write_tag(tag: &Tag) -> Value {
    json!({
        "name": tag.name, "hash": tag.hash, "message": tag.message, "date": tag.date,
        "tagger": tag.tagger.name, "email": tag.tagger.email,
    })
}

fn read_tag(tag: &Value) -> Read<Tag> {
    let text = |name: &str| tag[name].as_str().map(str::to_owned).ok_or(format!("no {name}"));
    Ok(Tag {
        name: BranchName::new(&text("name")?)?,
        hash: hash(&tag["hash"])?,
        tagger: Signature { name: text("tagger")?, email: text("email")? },
        message: text("message")?,
        date: text("date")?,
    })
}

fn write_entry(entry: &Entry) -> Value {
    let Commit { hash, parents, meta, date } = &entry.commit;
    let rows = |table: &Table| table.iter().map(|(key, row)| json!([key, **row])).collect::<Vec<_>>();
    let tables: Map<_, _> =
        entry.snapshot.tables().map(|(entity, table)| (entity.to_owned(), json!(rows(table)))).collect();
    json!({
        "number": entry.number, "hash": hash, "parents": parents, "date": date, "tables": tables,
        "name": meta.author.name, "email": meta.author.email, "message": meta.engine_message(),
    })
}

pub(super) fn read(text: &str) -> Read<Project> {
    let copy: Value = serde_json::from_str(text)?;
    let mut project = Project { made: copy["made"].as_u64().ok_or("no count")?, ..Project::default() };
    for entry in copy["commits"].as_array().ok_or("no commits")? {
        let entry = read_entry(entry)?;
        project.commits.insert(entry.commit.hash.clone(), entry);
    }
    for (name, head) in copy["branches"].as_object().ok_or("no branches")? {
        project.branches.insert(BranchName::new(name)?, hash(head)?);
    }
    for tag in copy["tags"].as_array().ok_or("no tags")? {
        let tag = read_tag(tag)?;
        project.tags.insert(tag.name.clone(), tag);
    }
    project.kept = copy["kept"].as_array().ok_or("no kept heads")?.iter().map(hash).collect::<Read<_>>()?;
    Ok(project)
}

fn read_entry(entry: &Value) -> Read<Entry> {
    let text = |name: &str| entry[name].as_str().ok_or(format!("no {name}"));
    let author = Signature { name: text("name")?.to_owned(), email: text("email")?.to_owned() };
    let commit = Commit {
        hash: hash(&entry["hash"])?,
        parents: entry["parents"].as_array().ok_or("no parents")?.iter().map(hash).collect::<Read<_>>()?,
        meta: CommitMeta::from_engine(author, text("message")?),
        date: text("date")?.to_owned(),
    };
    let mut tables = BTreeMap::new();
    for (entity, rows) in entry["tables"].as_object().ok_or("no tables")? {
        let rows: Vec<(Key, Row)> = serde_json::from_value(rows.clone())?;
        tables.insert(entity.clone(), rows.into_iter().map(|(key, row)| (key, Arc::new(row))).collect());
    }
    let number = entry["number"].as_u64().ok_or("no number")?;
    Ok(Entry { number, commit, snapshot: Arc::new(Snapshot::new(tables)) })
}

fn hash(value: &Value) -> Read<CommitHash> {
    Ok(value.as_str().and_then(CommitHash::parse).ok_or("not a hash")?)
}
