use std::sync::Arc;

use understory_model::{Entity, Model, Row};
use understory_runtime::{CommitAlias, RowsOf, RuntimeError, RuntimeStore};

use super::Place;
use super::registry::create;
use crate::conformance::{Checked, Failure};

/// A commit is found by the beginning of a hash that it had, in its own project only, until the project goes.
pub async fn earlier_hashes_are_found_by_their_beginning(place: &impl Place) -> Checked {
    let store = place.open().await?;
    create(&store, "acme", "shop").await?;
    let alias = |hash: &str, target: &str| CommitAlias { hash: hash.to_owned(), target: target.to_owned() };
    let all = [alias("aaaaaaa0", "x"), alias("aaaaaaav", "y"), alias("aaaaaab0", "z"), alias("b0000000", "z")];
    store.commit_alias_add("acme", "shop", &all).await?;
    store.commit_alias_add("acme", "shop", &[alias("aaaaaaa0", "other")]).await?;
    assert_eq!(store.commit_alias_list("acme", "shop").await?, all, "the first name stays");
    for (beginning, found) in [("aaaaaaa", "x y"), ("aaaaaaa0", "x"), ("aaaaaa", "x y"), ("b", "z"), ("c", "")] {
        assert_eq!(store.commit_alias_find("acme", "shop", beginning).await?.join(" "), found, "{beginning}");
    }
    assert!(store.commit_alias_find("acme", "other", "b").await?.is_empty());
    store.project_deletion_begin("acme", "shop").await?;
    assert_eq!(store.commit_alias_list("acme", "shop").await?, []);
    Ok(())
}

/// A table is read page by page, and its rows are the same in another table; what is there already stays.
pub async fn tables_go_from_page_to_page(place: &impl Place) -> Checked {
    let store = place.open().await?;
    for (tenant, id) in [("acme", "a"), ("acme", "b"), ("acme", "c"), ("other", "a"), ("other", "b")] {
        create(&store, tenant, id).await?;
    }
    let all = RowsOf::all(&entity("project_metadata")?);
    let some = all.clone().with("tenant_id", "acme");
    assert_eq!((store.rows_count(&all).await?, store.rows_count(&some).await?), (5, 3));
    let (rows, pages) = paged(&store, &all, 2).await?;
    assert_eq!((rows.len(), pages), (5, 3));
    assert_eq!(paged(&store, &some, 3).await?.0, rows[..3]);

    place.sql("delete from project_metadata").await?;
    store.rows_add(&all, &rows[1..3]).await?;
    let changed = rows[1].clone().with("main_branch_name", "changed");
    store.rows_add(&all, &[rows[0].clone(), changed, rows[3].clone(), rows[4].clone()]).await?;
    assert_eq!(paged(&store, &all, 9).await?, (rows.clone(), 1));
    let taken = rows[0].clone().with("id", "with the uid of another");
    let refused = store.rows_add(&all, &[rows[0].clone().with("id", "new").with("uid", "new"), taken]).await;
    assert!(matches!(refused, Err(RuntimeError::Storage(_))), "{refused:?}");
    assert_eq!(store.rows_count(&all).await?, 5, "all of them or none");
    Ok(())
}

/// A column that a table lacks is computed over all of it, wherever a page begins; without an answer it has its default.
pub async fn a_column_that_is_lacking_is_computed(place: &impl Place) -> Checked {
    let store = place.open().await?;
    for (tenant, id, at) in [("acme", "a", 3), ("acme", "b", 1), ("acme", "c", 2), ("other", "a", 1)] {
        create(&store, tenant, id).await?;
        let at = format!("2026-03-0{at} 08:00:00.000");
        place
            .sql(&format!(
                "update project_metadata set created_at = '{at}' where tenant_id = '{tenant}' and id = '{id}'"
            ))
            .await?;
    }
    place.sql("alter table project_metadata drop column main_branch_name").await?;
    let entity = entity("project_metadata")?;
    let rank = "cast(row_number() over (partition by tenant_id order by created_at) as text)";
    let query = format!("select tenant_id, id, {rank} as main_branch_name from project_metadata");
    let columns = entity.columns.iter().map(|column| column.name.clone()).filter(|name| name != "main_branch_name");
    let lacking = RowsOf::all(&entity).having(&columns.collect());
    let ranks = |rows: Vec<Row>| -> Vec<String> {
        rows.iter().map(|row| row.text("main_branch_name").unwrap_or("none").to_owned()).collect()
    };
    assert_eq!(ranks(paged(&store, &lacking, 9).await?.0), ["none"; 4]);
    let rows = lacking.clone().computed("main_branch_name", &query);
    for limit in [1, 3, 9] {
        assert_eq!(ranks(paged(&store, &rows, limit).await?.0), ["3", "1", "2", "1"], "pages of {limit}");
    }
    let own = rows.with("tenant_id", "acme");
    assert_eq!(
        (ranks(paged(&store, &own, 2).await?.0), store.rows_count(&own).await?),
        (["3", "1", "2"].map(String::from).to_vec(), 3)
    );
    let some = lacking.computed("main_branch_name", &format!("{query} where id = 'a'"));
    assert_eq!(ranks(paged(&store, &some, 2).await?.0), ["1", "none", "none", "1"]);
    Ok(())
}

fn entity(name: &str) -> Result<Arc<Entity>, Failure> {
    let model = Model::built_in()?;
    let found = model.runtime_entities().find(|entity| entity.name == name).cloned();
    Ok(found.ok_or("there is no such entity")?)
}

/// All rows, and how many pages of this many they take.
async fn paged(store: &RuntimeStore, rows: &RowsOf, limit: usize) -> Result<(Vec<Row>, usize), Failure> {
    let (mut all, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let (page, end) = store.rows_page(rows, after.as_ref(), limit).await?;
        pages += 1;
        all.extend(page);
        after = end;
        if after.is_none() {
            return Ok((all, pages));
        }
    }
}
