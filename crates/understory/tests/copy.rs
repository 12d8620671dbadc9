//! Copies that are cut off, and what they are of.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::sync::Mutex;

use serde_json::json;
use tokio::sync::Notify;
use understory::{
    CopyProgress, CopyReport, CopyRequest, Error, Options, Permission, Place, Principal, Servers, Understory,
    WriteOptions, copy,
};
use understory_testkit::servers::{FreshDatabase, TestServer};

/// A directory with some projects of one commit, two, three, …
async fn filled(directory: &Path, projects: usize) {
    let app = Understory::open(Options::new(directory)).await.unwrap();
    for number in 0..projects {
        let id = format!("p{number}");
        let body = json!({ "id": id, "name": id, "models": { "base": { "model": "m" } } });
        let project = app.project_create(&Principal::system(), "acme", body, WriteOptions::default()).await.unwrap();
        for commit in 0..number {
            let edit = |draft: &mut understory::manage::Draft| {
                let entity = draft.model().entity("project").cloned().ok_or("there are projects")?;
                let row = draft.rows("project").into_values().next().ok_or("it has its row")?;
                let row = understory::model::Row::clone(row).with("description", format!("{commit}"));
                draft.put(&entity, row);
                Ok(())
            };
            project.value.with_ref("main", "Edit", edit).await.unwrap();
        }
    }
}

fn request(from: Place, to: Place) -> CopyRequest {
    CopyRequest { from, to, projects: Vec::new(), dry_run: false, model: None, pool_size: 4 }
}

fn directory(path: &Path) -> Place {
    Place::Directory(path.to_owned())
}

/// New databases for both stores, if the servers are there.
async fn databases(test: &str) -> Option<(FreshDatabase, FreshDatabase)> {
    let manage = TestServer::DoltGres.database(test).await.unwrap();
    let runtime = TestServer::Postgres.database(test).await.unwrap();
    manage.zip(runtime)
}

fn on_servers((manage, runtime): &(FreshDatabase, FreshDatabase)) -> Place {
    Place::Servers(Box::new(Servers { manage: manage.url(), runtime: runtime.url() }))
}

/// Copies until so many projects are there, and is killed.
async fn cut_off(request: &CopyRequest, after: usize) {
    let reached = Notify::new();
    let progress = |progress: CopyProgress<'_>| {
        if matches!(progress, CopyProgress::Project { done, .. } if done == after) {
            reached.notify_one();
        }
    };
    tokio::select! {
        biased;
        () = reached.notified() => {}
        copied = copy(request, &progress) => panic!("it was to be cut off: {copied:?}"),
    }
}

async fn copied(request: &CopyRequest) -> understory::Result<CopyReport> {
    copy(request, &|_| {}).await
}

/// Each project's commits, and whether it was there.
fn told(report: &CopyReport) -> Vec<(usize, bool)> {
    report.projects.iter().map(|project| (project.commits, project.was_there)).collect()
}

async fn goes_on(to: Place) {
    let home = tempfile::tempdir().unwrap();
    let from = home.path().join("from");
    filled(&from, 4).await;
    let request = request(directory(&from), to);
    cut_off(&request, 2).await;

    let other = home.path().join("other");
    filled(&other, 1).await;
    let refused = copied(&CopyRequest { from: directory(&other), ..request.clone() }).await;
    assert!(matches!(&refused, Err(Error::Conflict(told)) if told.contains("not finished")), "{refused:?}");
    let some = vec![("acme".to_owned(), "p1".to_owned())];
    let refused = copied(&CopyRequest { projects: some, ..request.clone() }).await;
    assert!(matches!(&refused, Err(Error::Conflict(told)) if told.contains("not finished")), "{refused:?}");
    let onward = copied(&CopyRequest { from: request.to.clone(), to: directory(&other), ..request.clone() }).await;
    assert!(matches!(&onward, Err(Error::Conflict(told)) if told.contains("not finished")), "{onward:?}");

    let report = copied(&request).await.unwrap();
    assert_eq!(told(&report), [(1, true), (2, true), (3, false), (4, false)]);
    let again = copied(&request).await;
    assert!(matches!(&again, Err(Error::Conflict(told)) if told.contains("holds data already")), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_cut_off_goes_on_in_a_directory() {
    let home = tempfile::tempdir().unwrap();
    goes_on(directory(&home.path().join("to"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_cut_off_goes_on_on_servers() {
    let Some(databases) = databases("a_copy_that_was_cut_off_goes_on_on_servers").await else { return };
    goes_on(on_servers(&databases)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_copy_is_not_served_and_what_is_different_is_named() {
    let home = tempfile::tempdir().unwrap();
    let (from, to) = (home.path().join("from"), home.path().join("to"));
    filled(&from, 3).await;
    let request = request(directory(&from), directory(&to));
    cut_off(&request, 2).await;
    let opened = Understory::open(Options::new(&to)).await.map(drop);
    assert!(matches!(&opened, Err(Error::Conflict(told)) if told.contains("not finished")), "{opened:?}");

    let app = Understory::open(Options::new(&from)).await.unwrap();
    let project = app.project(&Principal::system(), Permission::Edit, "acme", "p1").await.unwrap();
    project.branch_create("later", None, None).await.unwrap();
    drop((project, app));
    let refused = copied(&request).await;
    assert!(
        matches!(&refused, Err(Error::Conflict(told)) if told.contains("acme/p1") && told.contains("branch later")),
        "{refused:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_is_told_from_the_first_to_the_last() {
    let home = tempfile::tempdir().unwrap();
    let from = home.path().join("from");
    filled(&from, 3).await;
    let told = Mutex::new(Vec::new());
    let progress = |progress: CopyProgress<'_>| {
        told.lock().unwrap().push(match progress {
            CopyProgress::Project { done, total, last } => format!("{done}/{total} {}", last.project),
            CopyProgress::Rows { table, done, total } => format!("{table} {done}/{total}"),
        });
    };
    copy(&request(directory(&from), directory(&home.path().join("to"))), &progress).await.unwrap();
    let told = told.into_inner().unwrap();
    assert_eq!(told[..3], ["1/3 acme/p0", "2/3 acme/p1", "3/3 acme/p2"]);
    assert!(told.contains(&"project_metadata 3/3".to_owned()), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_being_served_is_not_copied() {
    let Some(databases) = databases("what_is_being_served_is_not_copied").await else { return };
    let home = tempfile::tempdir().unwrap();
    let options = Options {
        manage_url: Some(databases.0.url()),
        runtime_url: Some(databases.1.url()),
        migrate_servers: true,
        ..Options::new(home.path().join("process"))
    };
    let app = Understory::open(options).await.unwrap();
    let request = request(on_servers(&databases), directory(&home.path().join("to")));
    let refused = copied(&request).await;
    assert!(matches!(&refused, Err(Error::Conflict(told)) if told.contains("is being served")), "{refused:?}");
    app.leave().await;
    drop(app);
    assert!(copied(&request).await.unwrap().projects.is_empty());
}
