//! The laws of [`ConfigStore`], one function each, for every engine to pass.
//!
//! [`crate::conformance_tests!`] makes a test of each, so that a run on any engine lists them by name.

mod apply;
pub(crate) mod bench;
mod branches;
mod bundles;
mod changes;
mod concurrency;
mod copies;
mod history;
mod imports;
mod merges;
mod past;
mod projects;
mod refs;
mod values;

use std::sync::Arc;

use async_trait::async_trait;
use tempfile::TempDir;
use understory_manage::ConfigStore;

pub use apply::*;
pub use bench::Bench;
pub use branches::*;
pub use bundles::*;
pub use changes::*;
pub use concurrency::*;
pub use copies::*;
pub use history::*;
pub use imports::*;
pub use merges::*;
pub use past::*;
pub use projects::*;
pub use refs::*;
pub use values::*;

/// Why a check failed, where it is not an assertion.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
/// What a check answers.
pub type Checked = Result<(), Failure>;
/// A store under test.
pub type Store = Arc<dyn ConfigStore>;

/// An engine under test.
#[async_trait]
pub trait Engine: Send + Sync {
    /// Whether the engine can be tested here; else says why `test` is skipped.
    fn is_here(&self, _test: &str) -> bool {
        true
    }

    /// A new store, in which no project of the test is yet.
    async fn open(&self) -> Result<Fresh, Failure>;
}

/// A new store, and the directory that it lives in while it is tested.
pub struct Fresh {
    /// The store.
    pub store: Store,
    /// Removed at the end.
    pub home: Option<TempDir>,
}

/// One `#[tokio::test]` per law of the store, for an [`Engine`] given as an expression.
#[macro_export]
macro_rules! conformance_tests {
    ($engine:expr) => {
        $crate::conformance_tests! { @each $engine;
            a_project_begins_with_a_root_and_a_first_commit,
            creating_a_project_twice_changes_nothing,
            projects_know_nothing_of_each_other,
            a_project_that_is_not_there_is_an_error,
            a_deleted_project_is_gone,
            a_new_project_needs_no_migration,
            changes_become_one_commit,
            changes_to_a_moved_head_write_nothing,
            no_changes_make_no_commit,
            changes_to_no_branch_are_refused,
            rows_are_added_changed_deleted_and_added_again,
            who_and_why_come_back_as_given,
            a_merge_has_two_parents_and_the_content_given,
            a_merge_of_no_changes_keeps_our_content,
            a_merge_settles_rows_that_one_side_deleted,
            a_merge_of_what_builds_on_ours_is_a_commit_of_its_own,
            a_merge_with_an_ancestor_is_a_commit,
            a_merge_with_an_unknown_commit_is_refused,
            a_branch_begins_at_the_commit_given,
            a_branch_is_made_once_and_at_a_commit_that_is_there,
            branches_that_differ_in_case_are_apart,
            branch_names_of_every_kind_work,
            a_lost_branch_takes_only_its_own_commits,
            a_branch_made_again_has_nothing_of_the_old_one,
            a_renamed_branch_keeps_its_commits,
            names_are_given_once,
            a_deleted_branch_can_be_made_again,
            a_tag_keeps_its_commit,
            changes_are_the_rows_that_differ,
            changes_of_unknown_commits_are_refused,
            a_bundle_is_the_project_elsewhere,
            a_bundle_can_become_another_project,
            a_bundle_that_is_damaged_or_does_not_fit_is_refused,
            a_history_becomes_a_project,
            a_whole_project_is_read_and_made_again,
            a_history_goes_on_where_a_project_is,
            a_history_that_does_not_fit_is_refused_whole,
            refs_go_back_along_first_parents,
            the_log_is_filtered_and_paged,
            a_rows_history_is_what_changed_it,
            blame_names_the_commit_of_each_field_and_line,
            the_log_has_children_before_parents,
            the_log_of_a_line_is_its_own_past,
            a_commit_is_found_by_hash_and_prefix,
            a_commit_that_no_ref_reaches_is_unknown,
            old_commits_read_as_they_were,
            rows_of_every_entity_come_back,
            rows_with_nothing_optional_come_back,
            empty_text_is_not_null,
            json_comes_back_as_given,
            texts_of_every_kind_come_back,
            ids_that_differ_in_case_are_different_rows,
            long_texts_come_back,
            a_thousand_rows_are_one_commit,
            writers_on_one_branch_take_turns,
            writers_on_many_branches_all_succeed,
            writers_in_many_projects_all_succeed,
            a_reader_never_sees_a_later_commit,
            a_copy_has_the_history_and_the_branches,
            a_copy_can_be_taken_as_another_project,
            collecting_keeps_all_that_branches_reach,
        }
    };
    (@each $engine:expr; $($law:ident),+ $(,)?) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $law() -> $crate::conformance::Checked {
            if !$crate::conformance::Engine::is_here(&$engine, stringify!($law)) {
                return Ok(());
            }
            let fresh = $crate::conformance::Engine::open(&$engine).await?;
            $crate::conformance::$law(&fresh.store).await
        }
    )+ };
}
