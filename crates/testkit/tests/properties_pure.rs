//! Laws of drafts and merges, on random projects.

use understory_testkit::properties;

macro_rules! properties {
    ($($name:ident: $cases:expr),+ $(,)?) => { $(
        #[test]
        fn $name() -> Result<(), String> {
            properties::$name($cases)
        }
    )+ };
}

properties! {
    edits_are_refused_or_valid: 500,
    deletions_leave_a_valid_project: 500,
    files_hold_the_whole_project: 500,
    files_change_what_differs: 500,
    files_move_to_another_project: 100,
    merging_the_same_changes_nothing: 1_500,
    merging_again_brings_nothing: 1_500,
    swapping_the_sides_swaps_the_labels: 1_500,
    no_lone_edit_is_lost: 3_000,
    edits_of_one_field_meet_by_its_rule: 3_000,
    only_what_both_sides_touched_conflicts: 1_500,
    timestamps_never_conflict: 1_500,
    the_order_of_merges_is_irrelevant: 1_500,
    every_resolution_is_valid: 1_500,
    resolutions_are_followed: 1_500,
    a_deletion_stays_or_is_undone_whole: 1_500,
    random_sides_meet_in_every_way: 4_000,
    every_entity_is_met: 1_500,
}
