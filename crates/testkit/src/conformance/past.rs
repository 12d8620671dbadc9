use understory_manage::blame::blame;
use understory_manage::log::{LogFilter, RowFilter, log, row_history};
use understory_manage::replay::{BranchMove, History, Origin, Replayed};
use understory_manage::revision::{Revision, follow, parse_time};
use understory_manage::{BranchName, Commit, CommitMeta, DiffKind, RowDiff, Signature};
use understory_model::Key;

use super::bench::{changes, committed, meta};
use super::{Bench, Checked, Failure, Store};
use crate::samples;

/// Steps back follow first parents: past merges, by number and by time, and not beyond the beginning.
pub async fn refs_go_back_along_first_parents(store: &Store) -> Checked {
    let project = samples::project_id("dated");
    let hashes = store.import(&project, &dated(&["2025-01-01", "2025-02-01", "2025-03-01"])?).await?;
    let bench = Bench { store: Store::clone(store), project };
    let main = BranchName::main();
    let topic = bench.branch("topic", &main).await?;
    let theirs = bench.put_tool(&topic, "theirs").await?.hash;
    let none = understory_manage::ChangeSet::default();
    let head = hashes[2].clone();
    let merge = store.apply(&bench.project, &main, &head, &none, Some(&theirs), &meta("Merge")).await?;
    let merge = committed(merge)?.hash;
    for (text, expected) in [
        ("", Some(&merge)),
        ("~0", Some(&merge)),
        ("~", Some(&hashes[2])),
        ("~1~1", Some(&hashes[1])),
        ("~3", Some(&hashes[0])),
        ("~9", None),
        ("@{2025-02-01T00:00:00Z}", Some(&hashes[1])),
        ("@{2025-02-01T01:00:00+02:00}", Some(&hashes[0])),
        ("@{2025-02-28T23:59:59.9Z}~1", Some(&hashes[0])),
        ("@{2020-01-01T00:00:00Z}", None),
    ] {
        let steps = Revision::parse(text)?.steps;
        assert_eq!(follow(store.as_ref(), &bench.project, &merge, &steps).await?.as_ref(), expected, "main{text}");
    }
    Ok(())
}

/// The log can be had by author, by time and by what was changed, page by page, and nothing is told twice.
pub async fn the_log_is_filtered_and_paged(store: &Store) -> Checked {
    let project = samples::project_id("dated");
    let hashes = store.import(&project, &dated(&["2025-01-01", "2025-02-01", "2025-03-01"])?).await?;
    let bench = Bench { store: Store::clone(store), project };
    let main = BranchName::main();
    let edited =
        bench.edit(&main, |draft| samples::change(draft, "tool", &samples::key(&["t1"]), "name", "New")).await?;
    let head = bench.head(&main).await?;
    let rows = |entity: &str, id: Option<&str>| LogFilter {
        rows: Some(RowFilter { entity: entity.into(), key: id.map(|id| samples::key(&[id])) }),
        ..LogFilter::default()
    };
    let by = |author: &str| LogFilter { author: Some(author.into()), ..LogFilter::default() };
    let time = |text: &str| parse_time(text).map(Some);
    let between = LogFilter {
        since: time("2025-01-15T00:00:00Z")?,
        until: time("2025-02-01T00:00:00Z")?,
        ..LogFilter::default()
    };
    for (filter, expected) in [
        (rows("tool", None), vec![&edited.hash, &hashes[2], &hashes[1], &hashes[0]]),
        (rows("tool", Some("t1")), vec![&edited.hash, &hashes[1]]),
        (rows("agent", None), vec![]),
        (by("author 1"), vec![&hashes[1]]),
        (by("1@example.com"), vec![&hashes[1]]),
        (between, vec![&hashes[1]]),
    ] {
        let (mut found, mut skip) = (Vec::new(), Some(0));
        while let Some(at) = skip {
            let page = log(store.as_ref(), &bench.project, &head, at, 1, &filter).await?;
            found.extend(page.items.into_iter().map(|commit| commit.hash));
            skip = page.next;
        }
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{filter:?}");
    }
    Ok(())
}

/// A row's history has each commit that changed it once: a merge only where it is as on neither side.
pub async fn a_rows_history_is_what_changed_it(store: &Store) -> Checked {
    let merged = Merged::new(store).await?;
    let row = RowFilter { entity: "agent".into(), key: Some(merged.key.clone()) };
    let head = merged.bench.head(&BranchName::main()).await?;
    let page = row_history(store.as_ref(), &merged.bench.project, &head, &row, 0, 99).await?;
    let found: Vec<_> = page.items.iter().map(|(commit, _)| commit.meta.message.as_str()).collect();
    assert_eq!(found[0], "Merge", "its prompt is made of both sides'");
    let mut sides = found[1..3].to_vec();
    sides.sort_unstable();
    assert_eq!((sides, &found[3..]), (vec!["Ours", "Theirs"], &["Create the project"][..]));
    let kinds: Vec<_> = page.items.iter().filter_map(|(_, change)| RowDiff::of(change)).map(|diff| diff.kind).collect();
    assert_eq!(kinds[3], DiffKind::Added);
    assert!(page.next.is_none());
    Ok(())
}

/// Blame names the commit of each field and of each line, and looks through merges.
pub async fn blame_names_the_commit_of_each_field_and_line(store: &Store) -> Checked {
    let merged = Merged::new(store).await?;
    let (bench, key) = (&merged.bench, &merged.key);
    let agent = samples::entity("agent")?;
    let head = bench.head(&BranchName::main()).await?;
    let fields = blame(store.as_ref(), &bench.project, &head, &agent, key).await?.ok_or("the agent is there")?;
    let of = |commit: &Commit| commit.meta.message.clone();
    assert_eq!(of(&fields["name"].commit), "Theirs");
    assert_eq!(of(&fields["description"].commit), "Ours");
    assert_eq!(of(&fields["models"].commit), "Create the project");
    assert_eq!(of(&fields["prompt"].commit), "Merge");
    assert!(!fields.contains_key("id") && !fields.contains_key("updated_at"));
    let lines = fields["prompt"].lines.as_ref().ok_or("a prompt has lines")?;
    let lines: Vec<_> = lines.iter().map(|line| (line.text.as_str(), of(&line.commit))).collect();
    let expected = [("Be very kind.", "Ours"), ("Be brief.", "Create the project"), ("Be right, always.", "Theirs")];
    assert_eq!(lines, expected.map(|(text, message)| (text, message.to_owned())));
    let nobody = samples::key(&["nobody"]);
    assert!(blame(store.as_ref(), &bench.project, &head, &agent, &nobody).await?.is_none());
    Ok(())
}

/// A project whose agent was changed on two branches, in different lines and fields, and merged.
struct Merged {
    bench: Bench,
    key: Key,
}

impl Merged {
    async fn new(store: &Store) -> Result<Self, Failure> {
        let bench = Bench::rich(store).await?;
        let (main, key) = (BranchName::main(), samples::key(&["helper"]));
        let topic = bench.branch("topic", &main).await?;
        let edit = async |branch: &BranchName, message: &str, column: &str, value: &str, prompt: &str| {
            let applied = bench
                .try_edit(branch, message, |draft| {
                    samples::change(draft, "agent", &key, column, value)?;
                    samples::change(draft, "agent", &key, "prompt", prompt)
                })
                .await?;
            committed(applied).map(|commit| commit.hash)
        };
        let theirs = edit(&topic, "Theirs", "name", "Theirs", "Be kind.\nBe brief.\nBe right, always.").await?;
        let ours = edit(&main, "Ours", "description", "Ours", "Be very kind.\nBe brief.\nBe right.").await?;
        let rows = bench.rows_at(&ours).await?;
        let brought = changes(&rows, |draft| {
            samples::change(draft, "agent", &key, "name", "Theirs")?;
            samples::change(draft, "agent", &key, "prompt", "Be very kind.\nBe brief.\nBe right, always.")
        })?;
        committed(store.apply(&bench.project, &main, &ours, &brought, Some(&theirs), &meta("Merge")).await?)?;
        Ok(Self { bench, key })
    }
}

/// A history of commits made at these dates, the n-th by author n, who adds the tool tn.
fn dated(dates: &[&str]) -> Result<History, Failure> {
    let mut history = History::default();
    let mut rows = understory_manage::Snapshot::default();
    for (n, date) in dates.iter().enumerate() {
        let changes = changes(&rows, |draft| {
            if n == 0 {
                samples::put_project(draft)?;
            }
            samples::put_tool(draft, &format!("t{n}"), "Tool").map(drop)
        })?;
        rows = rows.after(&changes);
        let author = Signature::new(&format!("author {n}"), &format!("{n}@example.com"));
        history.commits.push(Replayed {
            parents: vec![n.checked_sub(1).map_or(Origin::Root, Origin::New)],
            meta: CommitMeta::new(author, format!("Commit {n}")),
            date: format!("{date}T00:00:00Z"),
            changes,
            rows: rows.clone(),
        });
    }
    let to = Origin::New(dates.len() - 1);
    history.branches.push(BranchMove { name: BranchName::main(), from: None, to });
    Ok(history)
}
