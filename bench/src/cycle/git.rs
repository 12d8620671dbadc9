use std::path::{Path, PathBuf};
use std::process::Command;

use understory::files::Files;

use super::Keeper;
use crate::Outcome;

/// The file that is edited.
const FILE: &str = "tools/tool-0.json";

/// A project's files in a Git repository, whose settings are all Git's own.
pub struct Git {
    directory: PathBuf,
}

impl Git {
    /// Makes the repository.
    pub fn init(directory: &Path, files: &Files) -> Outcome<Self> {
        for (path, text) in files {
            let path = directory.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(directory))?;
            std::fs::write(path, text)?;
        }
        let git = Self { directory: directory.to_owned() };
        git.run(&["init", "--quiet", "--initial-branch=main"])?;
        git.run(&["add", "."])?;
        git.run(&["commit", "--quiet", "-m", "Create"])?;
        Ok(git)
    }

    fn run(&self, arguments: &[&str]) -> Outcome<Vec<u8>> {
        let mut command = Command::new("git");
        command.current_dir(&self.directory).args(arguments);
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "bench").env(format!("GIT_{role}_EMAIL"), "bench@localhost");
        }
        let output = command.output()?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(format!("git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into()),
        }
    }
}

impl Keeper for Git {
    fn branch(&mut self, name: &str) -> Outcome {
        self.run(&["checkout", "--quiet", "-b", name, "main"]).map(drop)
    }

    fn edit(&mut self, branch: &str) -> Outcome {
        let path = self.directory.join(FILE);
        let renamed = |line: &str| match line.contains("\"name\"") {
            true => format!("  \"name\": \"Tool {branch}\",\n"),
            false => format!("{line}\n"),
        };
        let text: String = std::fs::read_to_string(&path)?.lines().map(renamed).collect();
        std::fs::write(&path, text)?;
        self.run(&["commit", "--quiet", "--all", "-m", "Update tool tool-0"]).map(drop)
    }

    fn diff(&mut self, branch: &str) -> Outcome {
        match self.run(&["diff", "main", branch])?.is_empty() {
            true => Err("the change is not in the difference".into()),
            false => Ok(()),
        }
    }

    fn merge(&mut self, branch: &str) -> Outcome {
        self.run(&["checkout", "--quiet", "main"])?;
        self.run(&["merge", "--quiet", "--no-ff", "-m", &format!("Merge {branch}"), branch]).map(drop)
    }
}
