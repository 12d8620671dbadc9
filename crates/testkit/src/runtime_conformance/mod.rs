//! The laws of [`understory_runtime::RuntimeStore`], one function each, for every engine to pass.
//!
//! [`crate::runtime_conformance_tests!`] makes a test of each for an engine; [`crate::runtime_server_tests!`] adds those
//! that only a server can break.

mod agent_status;
mod api_keys;
mod conversations;
mod idempotency;
mod intents;
mod keys;
mod migrations;
mod people;
mod places;
mod registry;
mod replicas;
mod servers;
mod settings;
mod transfer;

pub use agent_status::*;
pub use api_keys::*;
pub use conversations::*;
pub use idempotency::*;
pub use intents::*;
pub use keys::*;
pub use migrations::*;
pub use people::*;
pub use places::{InDirectory, OnServer, Place};
pub use registry::*;
pub use replicas::*;
pub use servers::*;
pub use settings::*;
pub use transfer::*;

/// One test per law of the store, for a function that answers a [`Place`] for the test of a name, or none.
#[macro_export]
macro_rules! runtime_conformance_tests {
    ($place:path) => {
        $crate::runtime_conformance_tests! { @each $place;
            a_store_of_a_newer_program_is_refused,
            a_lost_table_is_an_error,
            tenants_are_made_once_and_listed,
            a_created_project_is_found_in_its_tenant_only,
            pages_of_projects_know_the_total,
            a_registered_project_is_not_created_again,
            of_many_creations_at_once_one_has_the_project,
            an_abandoned_creation_cannot_be_finished,
            intents_survive_a_crash,
            a_deletion_is_committed_when_it_begins,
            a_change_of_a_ref_stays_on_record,
            a_change_of_a_ref_that_was_given_up_is_recorded_when_made,
            an_intent_that_was_left_is_found_again,
            an_intent_without_owner_is_taken_over,
            an_intent_that_does_not_read_back_is_damage_not_absence,
            of_many_claims_at_once_one_is_new,
            a_finished_request_is_answered_again,
            a_released_claim_is_new_again,
            a_claim_cut_off_by_a_crash_is_resumed_once,
            an_abandoned_claim_is_resumed_once,
            old_records_are_pruned_but_not_running_ones,
            keys_are_found_by_prefix_and_listed_by_name,
            a_name_of_a_key_is_taken_for_good,
            a_key_is_revoked_once,
            a_conversation_is_in_its_project_only,
            conversations_are_paged_by_what_happened_last,
            an_archived_conversation_stays_readable,
            messages_have_places_without_gaps,
            messages_are_paged_both_ways,
            a_message_reads_back_as_it_was_said,
            a_deleted_conversation_takes_its_messages,
            people_are_found_with_their_roles,
            an_address_and_a_user_name_are_taken_once,
            changes_of_a_person_meet,
            an_admission_is_used_once,
            wrong_passwords_are_counted,
            a_replaced_token_ends_its_session,
            sessions_end_with_what_they_stand_on,
            a_profile_is_begun_and_changed,
            api_keys_are_found_by_their_public_id,
            api_keys_are_rotated_and_deleted,
            a_deleted_project_leaves_no_way_in,
            events_are_numbered_without_gaps,
            an_answer_ends_once,
            an_answer_is_asked_to_stop,
            an_answer_that_was_left_is_taken_over,
            messages_are_searched_in_whatever_case,
            feedback_is_on_a_message_or_a_conversation,
            commits_of_messages_and_pins_are_named,
            a_task_says_how_it_stands,
            a_deleted_project_takes_its_conversations,
            an_agents_status_is_the_last_one_said,
            settings_are_kept_and_replaced,
            earlier_hashes_are_found_by_their_beginning,
            tables_go_from_page_to_page,
        }
    };
    (@each $place:path; $($law:ident),+ $(,)?) => { $(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $law() -> $crate::conformance::Checked {
            match $place(stringify!($law)).await? {
                Some(place) => $crate::runtime_conformance::$law(&place).await,
                None => Ok(()),
            }
        }
    )+ };
}

/// One test per law that only a server can break, for a function like that of [`crate::runtime_conformance_tests!`].
#[macro_export]
macro_rules! runtime_server_tests {
    ($place:path) => {
        $crate::runtime_conformance_tests! { @each $place;
            of_several_that_migrate_at_once_one_does,
            a_server_that_is_behind_is_refused_unless_it_may_be_migrated,
            a_silent_or_absent_server_is_unavailable,
            a_wrong_password_or_database_is_refused,
            a_full_pool_is_unavailable,
            ended_connections_are_replaced,
            what_is_alive_keeps_its_work,
            a_dead_runs_intents_go_to_one_each,
            a_dead_runs_claim_goes_to_one,
            a_run_that_left_is_dead_at_once,
            a_run_that_was_paused_comes_back,
            clocks_that_differ_make_no_difference,
            what_one_run_writes_all_read,
            what_only_files_have_is_unsupported,
            a_database_of_somebody_else_is_refused,
        }
    };
}
