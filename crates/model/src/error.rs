//! What is wrong with a model file, and what would be right.

use std::fmt;

/// A model file that cannot be used: which, where in it, and what would be right.
#[derive(Debug, thiserror::Error)]
pub struct LoadError {
    /// The file.
    pub file: String,
    /// The key in it, if one is at fault.
    pub key: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What would be right.
    pub remedy: String,
}

impl LoadError {
    /// An error at a key of a file; an empty key stands for the file as a whole.
    pub(crate) fn new(
        file: impl Into<String>,
        key: &str,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let key = (!key.is_empty()).then(|| key.to_owned());
        Self { file: file.into(), key, problem: problem.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(key) = &self.key {
            write!(f, ", {key}")?;
        }
        write!(f, ": {}; {}", self.problem, self.remedy)
    }
}
