//! `examples/story/run.sh`, with this program.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::process::Command;

use understory_testkit::servers::TestServer;

#[test]
fn the_story_goes_as_told() {
    tell(&[]);
}

#[tokio::test]
async fn the_story_goes_as_told_on_database_servers() {
    let name = "the_story_goes_as_told_on_database_servers";
    let manage = TestServer::DoltGres.database(name).await.unwrap();
    let runtime = TestServer::Postgres.database(name).await.unwrap();
    let (Some(manage), Some(runtime)) = (manage, runtime) else { return };
    let places =
        [("UNDERSTORY_MANAGE_DATABASE_URL", manage.address()), ("UNDERSTORY_RUNTIME_DATABASE_URL", runtime.address())];
    let home = tempfile::tempdir().unwrap();
    let mut migrate = Command::new(env!("CARGO_BIN_EXE_understory"));
    let migrated = migrate.arg("migrate").current_dir(home.path()).envs(places.clone()).output().unwrap();
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    tokio::task::spawn_blocking(move || tell(&places)).await.unwrap();
}

fn tell(environment: &[(&str, String)]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/story/run.sh");
    let mut story = Command::new("bash");
    story.arg(script).env("UNDERSTORY", env!("CARGO_BIN_EXE_understory")).envs(environment.iter().cloned());
    let told = story.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&told.stdout), text(&told.stderr));
    assert!(told.status.success() && out.contains("The end: every step was as told"), "{out}\n{err}");
}
