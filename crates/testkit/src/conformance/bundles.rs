use understory_manage::bundle::{Bundle, BundleError, Content, write};
use understory_manage::{BranchName, CommitHash, ProjectId, StoreError};

use super::bench::{assert_same, changes, committed, meta};
use super::refs::tag;
use super::{Bench, Checked, Failure, Store};
use crate::samples::{self, model};

/// A bundle makes the project again, under its own name with the same rows; what came later follows alone.
pub async fn a_bundle_is_the_project_elsewhere(store: &Store) -> Checked {
    let bench = history(store).await?;
    let copy = samples::project_id("copy");
    let whole = write(store.as_ref(), &model(), &bench.project, Content::Shared { since: None }).await?;
    take(store, &copy, &whole, false).await?;
    assert_alike(&bench, &copy).await?;
    let (main, tagged) = (BranchName::main(), store.tags(&bench.project).await?[0].hash.clone());
    bench.put_tool(&main, "later").await?;
    let part = write(store.as_ref(), &model(), &bench.project, Content::Shared { since: Some(&tagged) }).await?;
    assert!(part.len() < whole.len());
    assert_eq!(take(store, &copy, &part, true).await?, 1, "the merge is there");
    assert_alike(&bench, &copy).await?;
    assert_eq!(take(store, &copy, &part, true).await?, 0, "it is there");
    Ok(())
}

/// Another tenant and project get the rows as their own, with the ids of relations that they would have made.
pub async fn a_bundle_can_become_another_project(store: &Store) -> Checked {
    let bench = history(store).await?;
    let other = ProjectId { tenant: "other".into(), id: "copy".into(), uid: samples::project_id("o").uid };
    let bytes = write(store.as_ref(), &model(), &bench.project, Content::Shared { since: None }).await?;
    take(store, &other, &bytes, false).await?;
    let main = BranchName::main();
    let head = store.branch_head(&other, &main).await?.ok_or("no main")?;
    let rows = store.read(&other, &head).await?;
    assert!(understory_manage::change::check(&model(), &rows).is_empty());
    let project = rows.table("project").values().next().ok_or("no project")?;
    assert_eq!((project.text("tenant_id"), project.text("id")), (Some("other"), Some("copy")));
    let original = bench.rows(&main).await?;
    let relation = |rows: &understory_manage::Snapshot| {
        rows.table("sub_agent_relation").keys().next().map(|key| key.id().to_owned())
    };
    assert_ne!(relation(&rows), relation(&original), "its id is made of tenant and project too");
    let again = write(store.as_ref(), &model(), &other, Content::Shared { since: None }).await?;
    let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>();
    let (first, second) = (lines(&bytes), lines(&again));
    assert_eq!(first[1..first.len() - 1], second[1..second.len() - 1], "but for its name it is the same bundle");
    Ok(())
}

/// What is no whole bundle, or does not fit, is refused.
pub async fn a_bundle_that_is_damaged_or_does_not_fit_is_refused(store: &Store) -> Checked {
    let bench = history(store).await?;
    let bytes = write(store.as_ref(), &model(), &bench.project, Content::Shared { since: None }).await?;
    let text = String::from_utf8(bytes.clone())?;
    let shorter: String =
        text.lines().filter(|line| !line.contains("Theirs")).map(|line| format!("{line}\n")).collect();
    for damaged in [&text[..text.len() - 1], &text[..text.len() / 3], &text.replace("Tess", "Toss"), &shorter, "", "\n"]
    {
        let parsed = Bundle::parse(damaged.as_bytes());
        assert!(matches!(parsed, Err(BundleError::Damaged(_))), "{damaged}");
    }
    let newer = text.replacen("\"version\":1", "\"version\":99", 1);
    assert!(Bundle::parse(newer.as_bytes()).is_err());
    let tagged = store.tags(&bench.project).await?[0].hash.clone();
    let part = Bundle::parse(
        &write(store.as_ref(), &model(), &bench.project, Content::Shared { since: Some(&tagged) }).await?,
    )?;
    let nobody = samples::project_id("nobody");
    let lost = part.history(store.as_ref(), &model(), &nobody, false).await;
    assert!(matches!(&lost, Err(BundleError::Misfit(detail)) if detail.contains("not here")), "{lost:?}");
    let fork = samples::project_id("fork");
    take(store, &fork, &bytes, false).await?;
    let forked = Bench { store: Store::clone(store), project: fork };
    let main = BranchName::main();
    forked.put_tool(&main, "mine").await?;
    bench.put_tool(&main, "yours").await?;
    let newer =
        Bundle::parse(&write(store.as_ref(), &model(), &bench.project, Content::Shared { since: None }).await?)?;
    let refused = newer.history(store.as_ref(), &model(), &forked.project, true).await;
    assert!(matches!(&refused, Err(BundleError::Misfit(detail)) if detail.contains("another way")), "{refused:?}");
    Ok(())
}

/// A project with a merge, a tag before it, and rows of relations that came and went.
async fn history(store: &Store) -> Result<Bench, Failure> {
    let bench = Bench::rich(store).await?;
    let main = BranchName::main();
    let topic = bench.branch("topic/X", &main).await?;
    let agent = samples::key(&["helper"]);
    let theirs = bench.edit(&topic, |draft| samples::change(draft, "agent", &agent, "name", "Theirs")).await?.hash;
    let worker = samples::key(&["helper", "worker"]);
    bench.edit(&main, |draft| draft.delete("sub_agent", &worker).then_some(()).ok_or("no worker".into())).await?;
    let ours = bench.edit(&main, |draft| {
        let place = [("agent_id", "helper")];
        samples::put(draft, "sub_agent", &place, &serde_json::json!({ "id": "next", "name": "Next" }))?;
        let transfer =
            serde_json::json!({ "sourceSubAgentId": "router", "targetSubAgentId": "next", "relationType": "transfer" });
        samples::put(draft, "sub_agent_relation", &place, &transfer).map(drop)
    });
    let ours = ours.await?.hash;
    store.tag_create(&bench.project, &tag("v1", &ours)?).await?;
    let bring = changes(&*bench.rows(&main).await?, |draft| samples::change(draft, "agent", &agent, "name", "Theirs"))?;
    committed(store.apply(&bench.project, &main, &ours, &bring, Some(&theirs), &meta("Merge")).await?)?;
    Ok(bench)
}

/// Takes a bundle over; how many commits were made.
async fn take(store: &Store, project: &ProjectId, bytes: &[u8], present: bool) -> Result<usize, Failure> {
    let bundle = Bundle::parse(bytes)?;
    let history = bundle.history(store.as_ref(), &model(), project, present).await?;
    match store.import(project, &history).await {
        Ok(made) => Ok(made.len()),
        Err(StoreError::Misfit(_)) if history.branches.is_empty() => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Asserts that a copy tells and holds the same, commit by commit.
async fn assert_alike(bench: &Bench, copy: &ProjectId) -> Checked {
    let store = &bench.store;
    let branches = store.branches(&bench.project).await?;
    for (branch, copied) in branches.iter().zip(store.branches(copy).await?) {
        assert_eq!(branch.name, copied.name);
        let log = async |project: &ProjectId, head: &CommitHash| store.log(project, head, 99).await;
        let (mut ours, mut theirs) = (log(&bench.project, &branch.head).await?, log(copy, &copied.head).await?);
        assert_eq!(
            (ours.pop().map(|root| root.parents), theirs.pop().map(|root| root.parents)),
            (Some(vec![]), Some(vec![]))
        );
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(
                (&ours.meta, &ours.date, ours.parents.len()),
                (&theirs.meta, &theirs.date, theirs.parents.len())
            );
            assert_same(&*store.read(copy, &theirs.hash).await?, &*store.read(&bench.project, &ours.hash).await?);
        }
    }
    assert_eq!(store.tags(copy).await?.len(), store.tags(&bench.project).await?.len());
    Ok(())
}
