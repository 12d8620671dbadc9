use understory_manage::{Applied, BranchName};

use super::bench::{assert_same, committed};
use super::{Bench, Checked, Store};
use crate::samples::put_tool;

const WRITERS: usize = 4;
const WRITES: usize = 5;

/// Writers on one branch all succeed in turn: whoever finds the head moved begins again, and no write is lost.
pub async fn writers_on_one_branch_take_turns(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let (bench, main) = (bench.clone(), main.clone());
        writers.spawn(async move {
            for write in 0..WRITES {
                let id = format!("w{writer}-{write}");
                while let Applied::HeadMoved(_) =
                    bench.try_edit(&main, &id, |draft| put_tool(draft, &id, &id).map(drop)).await?
                {}
            }
            Checked::Ok(())
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer??;
    }
    assert_eq!(bench.tools(&main).await?.len(), WRITERS * WRITES);
    let head = bench.head(&main).await?;
    let log = store.log(&bench.project, &head, 999).await?;
    assert_eq!(log.len(), WRITERS * WRITES + 2);
    for commit in log.iter().filter(|commit| commit.meta.message.starts_with('w')) {
        let (after, before) = (bench.rows_at(&commit.hash).await?, bench.rows_at(&commit.parents[0]).await?);
        let own: Vec<_> = understory_manage::diff(&before, &after).into_iter().map(|row| row.key).collect();
        assert_eq!(own.len(), 1, "a commit holds its own writer's row only");
        assert_eq!(own[0].id(), commit.meta.message);
    }
    Ok(())
}

/// Writers on branches of their own never find the head moved.
pub async fn writers_on_many_branches_all_succeed(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let bench = bench.clone();
        let branch = bench.branch(&format!("b{writer}"), &main).await?;
        writers.spawn(async move {
            for write in 0..WRITES {
                bench.put_tool(&branch, &format!("w{writer}-{write}")).await?;
            }
            let expected: Vec<_> = (0..WRITES).map(|write| format!("w{writer}-{write}")).collect();
            assert_eq!(bench.tools(&branch).await?, expected);
            Checked::Ok(())
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer??;
    }
    assert!(bench.tools(&main).await?.is_empty());
    Ok(())
}

/// Projects are made and written side by side.
pub async fn writers_in_many_projects_all_succeed(store: &Store) -> Checked {
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let store = Store::clone(store);
        writers.spawn(async move {
            let bench = Bench::new(&store).await?;
            let main = BranchName::main();
            for write in 0..WRITES {
                bench.put_tool(&main, &format!("w{writer}-{write}")).await?;
            }
            assert_eq!(bench.tools(&main).await?.len(), WRITES);
            Checked::Ok(())
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer??;
    }
    Ok(())
}

/// What is read at a commit is that commit, while others write to its branch.
pub async fn a_reader_never_sees_a_later_commit(store: &Store) -> Checked {
    let bench = Bench::rich(store).await?;
    let main = BranchName::main();
    let (head, rows) = (bench.head(&main).await?, bench.rows(&main).await?);
    let writer = {
        let (bench, main) = (bench.clone(), main.clone());
        tokio::spawn(async move {
            for write in 0..WRITES * 2 {
                let id = format!("w{write}");
                committed(bench.try_edit(&main, &id, |draft| put_tool(draft, &id, &id).map(drop)).await?)?;
            }
            Checked::Ok(())
        })
    };
    while !writer.is_finished() {
        assert_same(bench.rows_at(&head).await?.as_ref(), &rows);
        tokio::task::yield_now().await;
    }
    writer.await??;
    assert_same(bench.rows_at(&head).await?.as_ref(), &rows);
    assert_eq!(bench.tools(&main).await?.len(), WRITES * 2 + 1);
    Ok(())
}
