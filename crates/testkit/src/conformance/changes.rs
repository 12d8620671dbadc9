use std::sync::Arc;

use understory_manage::{BranchName, Change, StoreError, changed_rows};

use super::bench::tool_ids;
use super::{Bench, Checked, Store};
use crate::samples;

/// The changes between any two commits are what comparing their rows finds.
pub async fn changes_are_the_rows_that_differ(store: &Store) -> Checked {
    let bench = Bench::rich(store).await?;
    let main = BranchName::main();
    let mut commits = vec![bench.head(&main).await?];
    commits.push(bench.put_tool(&main, "one").await?.hash);
    let key = samples::key(&["one"]);
    for edit in [("name", "Other"), ("image_url", "https://x.io/ü.png")] {
        let edited = bench.edit(&main, |draft| samples::change(draft, "tool", &key, edit.0, edit.1)).await?;
        commits.push(edited.hash);
    }
    let agent = samples::key(&["helper"]);
    let deleted =
        bench.edit(&main, |draft| draft.delete("agent", &agent).then_some(()).ok_or("no agent".into())).await?;
    commits.push(deleted.hash);
    let topic = BranchName::new("topic")?;
    store.branch_create(&bench.project, &topic, &commits[1]).await?;
    commits.push(bench.put_tool(&topic, "elsewhere").await?.hash);
    for from in &commits {
        for to in &commits {
            let expected = changed_rows(&*bench.rows_at(from).await?, &*bench.rows_at(to).await?);
            let found = store.changes(&bench.project, Some(from), to).await?;
            assert_eq!(plain(&found), plain(&expected), "{from} {to}");
            assert_eq!(found.is_empty(), from == to);
        }
    }
    let all = store.changes(&bench.project, None, &commits[0]).await?;
    assert_eq!(all.len(), bench.rows_at(&commits[0]).await?.row_count());
    assert!(all.iter().all(|change| change.before.is_none() && change.after.is_some()));
    Ok(())
}

/// Changes are told of commits that refs reach only.
pub async fn changes_of_unknown_commits_are_refused(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let head = bench.head(&main).await?;
    let topic = bench.branch("topic", &main).await?;
    let lost = bench.put_tool(&topic, "lost").await?.hash;
    assert_eq!(tool_ids(&*bench.rows_at(&lost).await?), ["lost"]);
    bench.lose_branch(&topic).await?;
    for (from, to) in [(Some(&head), &lost), (Some(&lost), &head), (None, &lost)] {
        let changes = store.changes(&bench.project, from, to).await;
        assert!(matches!(changes, Err(StoreError::UnknownCommit(hash)) if hash == lost));
    }
    Ok(())
}

type Plain = (String, String, Option<String>, Option<String>);

/// Changes as text: rows that an engine reads name all columns, those of a draft perhaps not.
fn plain(changes: &[Change]) -> Vec<Plain> {
    let row = |row: &Arc<understory_model::Row>| {
        let named = row.iter().filter(|(_, value)| !value.is_null());
        named.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    let side = |side: &Option<Arc<_>>| side.as_ref().map(row);
    changes.iter().map(|c| (c.entity.clone(), c.key.to_string(), side(&c.before), side(&c.after))).collect()
}
