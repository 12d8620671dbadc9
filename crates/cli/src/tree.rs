//! A project as a directory of files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Component, Path};

use understory::model::{Model, Scope};

use crate::error::{CommandError, CommandResult, io};

/// Texts by path, with `/` between the parts of a path.
pub type Files = BTreeMap<String, String>;

/// The file that every export has: it tells an export from any other directory.
const MARK: &str = "project.json";
/// The file that people may put beside the project's own.
const README: &str = "README.md";

/// Where exports of a model put files: they alone are theirs to remove.
pub struct Owned(BTreeSet<String>);

impl Owned {
    /// The first parts of the paths of a model's rows.
    pub fn of(model: &Model) -> Self {
        let paths =
            model.entities().filter_map(|entity| entity.crud.as_ref()?.path.strip_prefix(Scope::Project.base()));
        Self(paths.filter_map(|path| path.split('/').nth(1)).map(str::to_owned).collect())
    }

    /// Whether an earlier export may have written a file.
    fn has(&self, path: &str) -> bool {
        let own_kind = [".json", ".md"].iter().any(|end| path.ends_with(end));
        let own_place = match path.split_once('/') {
            Some((first, _)) => self.0.contains(first),
            None => path.starts_with("project."),
        };
        own_kind && own_place
    }
}

/// Reads a directory: every file but dot files and a README.md at the top.
pub fn read(dir: &Path) -> CommandResult<Files> {
    if !dir.join(MARK).is_file() {
        let error = CommandError::user(format!("{} is no exported project: it has no {MARK}", dir.display()));
        return Err(error.hint("`understory export DIR` writes one"));
    }
    let mut files = Files::new();
    for path in walk(dir)? {
        let file = dir.join(&path);
        let text = String::from_utf8(fs::read(&file).map_err(io(file.display().to_string()))?);
        let text = text.map_err(|_| CommandError::user(format!("{} is no text in UTF-8", file.display())))?;
        files.insert(path, text);
    }
    Ok(files)
}

/// Refuses a directory that holds other things than an earlier export.
pub fn check(dir: &Path) -> CommandResult<()> {
    match fs::metadata(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io(dir.display().to_string())(error)),
        Ok(found) if !found.is_dir() => {
            let error = CommandError::user(format!("{} is a file", dir.display()));
            Err(error.hint("a project is written to a directory; to one file if its name ends in .json"))
        }
        Ok(_) if dir.join(MARK).is_file() || walk(dir)?.is_empty() => Ok(()),
        Ok(_) => {
            let error = CommandError::user(format!("{} is not empty and holds no exported project", dir.display()));
            Err(error.hint("name a new directory"))
        }
    }
}

/// Makes a directory hold these files; the files of an earlier export that it removed.
pub fn write(dir: &Path, files: &Files, owned: &Owned) -> CommandResult<Vec<String>> {
    check(dir)?;
    if let Some(bad) = files.keys().find(|path| !is_below(path)) {
        return Err(CommandError::internal(format!("'{bad}' is no path below a directory; nothing was written")));
    }
    let gone: Vec<String> = match dir.join(MARK).is_file() {
        true => walk(dir)?.into_iter().filter(|path| owned.has(path) && !files.contains_key(path)).collect(),
        false => Vec::new(),
    };
    gone.iter().try_for_each(|path| remove(dir, path))?;
    for (path, text) in files {
        let file = dir.join(path);
        let made = file.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&file, text));
        made.map_err(io(file.display().to_string()))?;
    }
    Ok(gone)
}

fn is_below(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Removes a file, and the directories that are empty without it.
fn remove(dir: &Path, path: &str) -> CommandResult<()> {
    let file = dir.join(path);
    fs::remove_file(&file).map_err(io(file.display().to_string()))?;
    let above = Path::new(path).ancestors().skip(1).filter(|part| !part.as_os_str().is_empty());
    for part in above {
        if fs::remove_dir(dir.join(part)).is_err() {
            break;
        }
    }
    Ok(())
}

/// The paths of all files below a directory, but for those that no project has.
fn walk(dir: &Path) -> CommandResult<Vec<String>> {
    let (mut files, mut open) = (Vec::new(), vec![String::new()]);
    while let Some(within) = open.pop() {
        let here = dir.join(&within);
        for entry in fs::read_dir(&here).map_err(io(here.display().to_string()))? {
            let entry = entry.map_err(io(here.display().to_string()))?;
            let name = entry.file_name().into_string();
            let name = name.map_err(|name| CommandError::user(format!("{}: the name is no text", name.display())))?;
            if name.starts_with('.') || (within.is_empty() && name == README) {
                continue;
            }
            let path = format!("{within}{name}");
            let kind = entry.file_type().map_err(io(path.clone()))?;
            match (kind.is_dir(), kind.is_file()) {
                (true, _) => open.push(format!("{path}/")),
                (_, true) => files.push(path),
                _ => return Err(CommandError::user(format!("{path} is neither a file nor a directory"))),
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(texts: &[(&str, &str)]) -> Files {
        texts.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect()
    }

    fn owned() -> Owned {
        Owned::of(&Model::built_in().unwrap())
    }

    #[test]
    fn what_is_written_is_read() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("new/shop");
        let tree = files(&[
            ("project.json", "{}\n"),
            ("agents/a/agent.json", "{\r\n}"),
            ("agents/a/sub-agents/b.prompt.md", "\u{feff}Be kind."),
            ("tools/w.json", ""),
        ]);
        assert!(write(&dir, &tree, &owned()).unwrap().is_empty());
        assert_eq!(read(&dir).unwrap(), tree);
    }

    #[test]
    fn only_files_of_an_earlier_export_go() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path();
        let first = files(&[("project.json", "{}"), ("project.notes.md", ""), ("agents/a/agent.json", "{}")]);
        write(dir, &first, &owned()).unwrap();
        let others = [".git/HEAD", "README.md", "docs/guide.md", "notes.md", "agents/picture.png", "agents/.keep.md"];
        for path in others {
            fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
            fs::write(dir.join(path), "mine").unwrap();
        }
        let second = files(&[("project.json", "{ }"), ("tools/w.json", "{}")]);
        let gone = write(dir, &second, &owned()).unwrap();
        assert_eq!(gone, ["agents/a/agent.json", "project.notes.md"]);
        assert!(!dir.join("agents/a").exists(), "a directory that is empty goes");
        for path in others {
            assert_eq!(fs::read_to_string(dir.join(path)).unwrap(), "mine", "{path}");
        }
    }

    #[test]
    fn a_row_may_become_a_directory_and_back() {
        let home = tempfile::tempdir().unwrap();
        let trees = [&["project.json", "tools/w.json"][..], &["project.json", "tools/w.json/x.json"]];
        for paths in [trees[0], trees[1], trees[0]] {
            let tree = paths.iter().map(|path| (path.to_string(), String::new())).collect();
            write(home.path(), &tree, &owned()).unwrap();
            assert_eq!(read(home.path()).unwrap(), tree);
        }
    }

    #[test]
    fn other_directories_are_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path();
        let tree = files(&[("project.json", "{}")]);
        fs::write(dir.join("tax.ods"), "").unwrap();
        let error = write(dir, &tree, &owned()).unwrap_err();
        assert!(format!("{error:?}").contains("not empty"), "{error:?}");
        assert!(!dir.join("project.json").exists());
        assert!(format!("{:?}", write(&dir.join("tax.ods"), &tree, &owned()).unwrap_err()).contains("is a file"));
        assert!(format!("{:?}", read(dir).unwrap_err()).contains("no project.json"));
        fs::rename(dir.join("tax.ods"), dir.join(".git")).unwrap();
        write(dir, &tree, &owned()).unwrap();
    }

    #[test]
    fn nothing_is_written_outside() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("shop");
        for path in ["../x.json", "/x.json", "tools/../../x.json", "", "./x.json"] {
            let error = write(&dir, &files(&[("project.json", "{}"), (path, "")]), &owned()).unwrap_err();
            assert!(format!("{error:?}").contains("nothing was written"), "{path}");
            assert!(!dir.exists(), "{path}");
        }
    }

    #[test]
    fn what_is_no_text_is_named() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("project.json"), "{}").unwrap();
        fs::write(home.path().join("picture.json"), [0xff, 0xfe]).unwrap();
        assert!(format!("{:?}", read(home.path()).unwrap_err()).contains("picture.json is no text"));
    }
}
