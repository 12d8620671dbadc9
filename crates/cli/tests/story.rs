//! `examples/story/run.sh`, with this program.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::Command;

#[test]
fn the_story_goes_as_told() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/story/run.sh");
    let told = Command::new("bash").arg(script).env("UNDERSTORY", env!("CARGO_BIN_EXE_understory")).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&told.stdout), text(&told.stderr));
    assert!(told.status.success() && out.contains("The end: every step was as told"), "{out}\n{err}");
}
