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
    edits_are_refused_or_valid: 64,
    deletions_leave_a_valid_project: 64,
    files_hold_the_whole_project: 64,
    files_change_what_differs: 64,
    files_move_to_another_project: 16,
    merging_the_same_changes_nothing: 64,
    merging_again_brings_nothing: 128,
    swapping_the_sides_swaps_the_labels: 128,
    no_lone_edit_is_lost: 128,
    the_order_of_merges_is_irrelevant: 128,
    every_resolution_is_valid: 128,
    random_sides_meet_in_every_way: 3_000,
}
