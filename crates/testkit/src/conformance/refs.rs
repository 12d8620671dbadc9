use understory_manage::{BranchName, CommitHash, Signature, StoreError, Tag};

use super::{Bench, Checked, Failure, Store};

/// A branch renamed is where it was, under its new name only, and can be written there.
pub async fn a_renamed_branch_keeps_its_commits(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let topic = bench.branch("topic", &main).await?;
    bench.put_tool(&topic, "one").await?;
    let head = bench.head(&topic).await?;
    let (renamed, case) = (BranchName::new("renamed")?, BranchName::new("Renamed")?);
    store.branch_rename(&bench.project, &topic, &renamed).await?;
    assert_eq!(store.branch_head(&bench.project, &topic).await?, None);
    assert_eq!(bench.head(&renamed).await?, head);
    store.branch_rename(&bench.project, &renamed, &case).await?;
    bench.put_tool(&case, "two").await?;
    assert_eq!(bench.tools(&case).await?, ["one", "two"]);
    assert!(store.kept(&bench.project).await?.is_empty());
    // The old name is free, and means another branch from now on.
    let again = bench.branch("topic", &main).await?;
    assert!(bench.tools(&again).await?.is_empty());
    bench.put_tool(&again, "other").await?;
    assert_eq!((bench.tools(&again).await?, bench.tools(&main).await?), (vec!["other".to_owned()], vec![]));
    Ok(())
}

/// A name that a branch or a tag has is not given again, and `main` stays.
pub async fn names_are_given_once(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let head = bench.head(&main).await?;
    let topic = bench.branch("topic", &main).await?;
    let tag = tag("v1", &head)?;
    store.tag_create(&bench.project, &tag).await?;
    let taken = |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::RefExists(_))), "{result:?}");
    for name in [&topic, &tag.name, &main] {
        taken(store.branch_create(&bench.project, name, &head).await);
        taken(store.tag_create(&bench.project, &Tag { name: name.clone(), ..tag.clone() }).await);
        if *name != topic {
            taken(store.branch_rename(&bench.project, &topic, name).await);
        }
    }
    let nowhere = BranchName::new("nowhere")?;
    let renamed = store.branch_rename(&bench.project, &nowhere, &BranchName::new("x")?).await;
    assert!(matches!(renamed, Err(StoreError::UnknownBranch(name)) if name == nowhere));
    assert!(store.branch_rename(&bench.project, &main, &nowhere).await.is_err());
    assert!(store.branch_delete(&bench.project, &main, &head).await.is_err());
    assert_eq!(bench.head(&main).await?, head);
    Ok(())
}

/// What a deleted branch reached can be read and branched from, until its head is kept no longer.
pub async fn a_deleted_branch_can_be_made_again(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let main = BranchName::main();
    let topic = bench.branch("topic", &main).await?;
    let own = bench.put_tool(&topic, "own").await?.hash;
    let stale = store.branch_delete(&bench.project, &topic, &bench.head(&main).await?).await;
    assert!(matches!(stale, Err(StoreError::HeadMoved { head, .. }) if head == own));
    bench.delete_branch(&topic).await?;
    store.gc(&bench.project).await?;
    assert_eq!(store.branches(&bench.project).await?.len(), 1, "it is hidden");
    assert_eq!(store.kept(&bench.project).await?, std::slice::from_ref(&own));
    assert!(store.commit(&bench.project, &own).await?.is_some());
    assert_eq!(bench.rows_at(&own).await?.table("tool").len(), 1);
    store.branch_create(&bench.project, &topic, &own).await?;
    assert_eq!(bench.tools(&topic).await?, ["own"]);
    // A second branch deleted at the same commit is kept by the same head.
    let twin = bench.branch("twin", &topic).await?;
    for branch in [&topic, &twin] {
        bench.delete_branch(branch).await?;
    }
    assert_eq!(store.kept(&bench.project).await?, std::slice::from_ref(&own));
    for _ in 0..2 {
        store.keep_drop(&bench.project, &own).await?;
        assert_eq!(store.commit(&bench.project, &own).await?, None);
    }
    Ok(())
}

/// A tag comes back as given, and what it names stays while it does.
pub async fn a_tag_keeps_its_commit(store: &Store) -> Checked {
    let bench = Bench::new(store).await?;
    let topic = bench.branch("topic", &BranchName::main()).await?;
    let own = bench.put_tool(&topic, "own").await?.hash;
    let mut tags = vec![tag("Release-1.0", &own)?, tag("a/b", &own)?, tag("release-1.0", &own)?];
    tags[1].message = String::new();
    for tag in &tags {
        store.tag_create(&bench.project, tag).await?;
    }
    assert_eq!(store.tags(&bench.project).await?, tags);
    bench.lose_branch(&topic).await?;
    store.gc(&bench.project).await?;
    assert_eq!(store.tags(&bench.project).await?, tags);
    assert_eq!(bench.rows_at(&own).await?.table("tool").len(), 1);
    for tag in &tags {
        assert!(store.commit(&bench.project, &own).await?.is_some());
        store.tag_delete(&bench.project, &tag.name).await?;
        let again = store.tag_delete(&bench.project, &tag.name).await;
        assert!(matches!(again, Err(StoreError::UnknownTag(name)) if name == tag.name));
    }
    assert_eq!(store.kept(&bench.project).await?, std::slice::from_ref(&own), "each can be made again");
    store.tag_create(&bench.project, &tags[0]).await?;
    store.tag_delete(&bench.project, &tags[0].name).await?;
    store.keep_drop(&bench.project, &own).await?;
    assert_eq!(store.commit(&bench.project, &own).await?, None);
    let nobody = store.tag_create(&bench.project, &tag("x", &CommitHash::from_bytes(&[3; 20]))?).await;
    assert!(matches!(nobody, Err(StoreError::UnknownCommit(_))));
    Ok(())
}

pub(super) fn tag(name: &str, hash: &CommitHash) -> Result<Tag, Failure> {
    Ok(Tag {
        name: BranchName::new(name)?,
        hash: hash.clone(),
        tagger: Signature::new("Tess Ter", "tess@example.com"),
        message: format!("Why {name}\n\nand a second line"),
        date: "2026-01-02T03:04:05Z".to_owned(),
    })
}
