//! Texts that commands read.

use std::io::Read as _;
use std::path::Path;

use crate::error::{CommandResult, io};

/// The text of a file; of the standard input for `-`.
pub fn text(file: &Path) -> CommandResult<String> {
    if file != Path::new("-") {
        return std::fs::read_to_string(file).map_err(io(file.display().to_string()));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(io("the standard input"))?;
    Ok(text)
}
