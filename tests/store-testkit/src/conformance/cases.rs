//! The list of all cases, and the macros that use it.

/// Generates a test for each case of the conformance suite.
///
/// The argument is an expression that makes a
/// [`StoreFactory`](crate::conformance::StoreFactory); each test evaluates it for itself,
/// in an async context. The tests are named like the cases. The calling crate depends on `tokio`
/// with its features `macros` and `rt-multi-thread`.
///
/// ```
/// use std::sync::Arc;
///
/// use waypost_store_testkit::conformance::StoreFactory;
/// use waypost_store::{MemoryStore, Store};
///
/// struct Memory;
///
/// #[async_trait::async_trait]
/// impl StoreFactory for Memory {
///     async fn empty_store(&self) -> Arc<dyn Store> {
///         Arc::new(MemoryStore::new())
///     }
/// }
///
/// mod memory {
///     waypost_store_testkit::conformance_tests!(super::Memory);
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! conformance_tests {
    ($factory:expr $(,)?) => {
        $crate::__conformance_cases! { __conformance_test ($factory) }
    };
}

/// Passes the list of all cases, by file, to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ($then:ident $arguments:tt) => {
        $crate::$then! {
            $arguments
            links {
                an_inserted_link_is_found_by_its_code
                a_link_is_found_in_any_case_and_keeps_its_spelling
                codes_that_differ_in_one_character_are_different_links
                a_taken_code_is_a_conflict_in_any_case_and_nothing_changes
                a_taken_id_is_a_conflict_and_nothing_changes
                clicks_start_at_zero_whatever_the_link_says
                a_deleted_link_is_gone_and_its_code_is_free
                deleting_twice_answers_false
                the_longest_code_and_target_are_kept_whole
                targets_that_look_like_sql_or_patterns_survive
                creation_times_are_the_same_instant_in_utc
                nanoseconds_of_creation_are_cut
                counts_follow_inserts_and_deletes
                a_working_store_answers_a_ping
                stores_of_a_factory_are_isolated
            }
            details {
                details_survive_being_inserted
                details_survive_being_changed
                the_longest_details_are_kept_whole
                tags_that_look_alike_stay_apart
                every_visibility_and_switch_is_kept
                expiry_is_the_same_instant_in_utc_cut_to_microseconds
                an_inserted_link_is_a_first_version_whatever_it_says
                a_change_is_dated_and_counted_and_a_click_is_none
            }
            renames {
                a_former_code_leads_to_its_link_in_any_case
                the_codes_of_a_link_are_those_it_ever_had
                a_code_stays_reserved_for_its_link_and_nothing_changes
                a_link_takes_back_a_code_that_it_had
                another_spelling_of_its_code_is_a_change_of_a_link
                a_change_of_a_link_names_each_of_its_codes
                a_link_that_is_gone_frees_all_of_its_codes
                one_of_many_who_rename_to_the_same_code_gets_it
                links_renamed_at_once_keep_all_their_codes
            }
            audit {
                the_audit_trail_is_listed_newest_first_and_by_event_and_user
                an_entry_of_the_audit_trail_is_kept_as_it_was_and_once
                old_entries_of_the_audit_trail_are_purged_oldest_first
                entries_of_the_audit_trail_outlive_their_user
            }
            blocklist {
                a_blocked_host_is_found_by_each_of_its_patterns
                a_blocked_network_is_found_by_each_form_of_an_address
                an_entry_of_the_blocklist_is_kept_once
                the_blocklist_is_listed_in_order
                a_link_to_a_blocked_host_is_known_as_such
            }
            orphans {
                tries_of_a_path_add_up
                a_day_keeps_so_many_paths_and_no_more
                orphans_are_listed_by_hits_in_pages
                what_leads_somewhere_now_is_not_listed
                old_orphans_are_purged_and_others_stay
                an_orphan_is_forgotten
                tries_of_writers_at_once_are_all_counted
            }
            keywords {
                a_code_of_several_segments_is_found_as_a_whole
                it_is_known_which_codes_go_on
                it_is_known_who_holds_a_code
                a_keyword_stays_one
                a_keyword_and_a_code_that_goes_on_from_it_are_a_conflict
                keywords_are_listed_in_the_order_of_their_codes
                clicks_on_keywords_are_counted
            }
            paths {
                the_code_above_another_is_the_longest_that_it_continues
                the_codes_below_a_link_are_those_of_others_in_order
                nested_codes_are_listed_with_the_code_above_them
                many_nested_codes_are_listed_in_pages
            }
            deletion {
                a_link_in_the_bin_is_found_by_its_id_alone
                the_moment_of_a_deletion_is_the_same_instant_in_utc
                the_codes_of_a_link_in_the_bin_stay_reserved
                a_link_is_restored_with_its_content
                a_link_restored_under_the_code_of_another_stays_deleted
                lists_and_counts_leave_out_what_is_in_the_bin
                clicks_on_a_link_in_the_bin_are_counted
                deleted_links_before_is_exact_to_the_microsecond
                purging_the_bin_takes_what_is_old_within_its_limit
                what_belongs_to_a_purged_link_goes_with_it
                a_link_is_restored_or_purged_but_not_both
            }
            versions {
                a_new_link_has_the_version_that_made_it
                each_change_of_a_link_adds_to_its_history
                a_change_to_what_is_there_already_is_a_version
                versions_are_read_newest_first_below_a_number
                of_old_versions_one_a_day_is_kept
                a_change_of_another_version_or_of_no_link_changes_nothing
                the_history_forgets_who_a_deleted_user_was
                the_history_of_a_link_goes_with_it
                one_of_many_concurrent_changes_of_a_version_wins
                changes_that_are_tried_again_are_all_made
            }
            invitations {
                an_invitation_to_see_a_link_shares_it_at_once
                an_invitation_ends_with_the_sharing
                an_invitation_waits_for_a_user_with_its_address
                an_invitation_ends_with_the_rights_of_its_giver
                a_link_without_an_owner_is_transferred
                invitations_are_claimed_at_sign_in
            }
            owners {
                a_link_belongs_to_who_made_it_or_to_nobody
                a_link_of_an_unknown_owner_is_not_inserted
                owners_are_added_behind_those_who_are_there
                the_primary_owner_is_who_is_made_it
                the_oldest_owner_follows_the_primary_one
                a_link_is_shared_with_those_who_do_not_own_it
                a_link_is_not_given_to_nor_shared_with_an_unknown_user
                owners_are_told_link_by_link
                renaming_and_deleting_a_link_leave_its_owners
                who_has_nothing_to_do_with_a_link_is_a_stranger
                a_user_is_deleted_when_they_own_nothing
                nobody_is_deleted_while_they_become_an_owner
            }
            taking {
                links_are_given_to_who_follows_their_owner
                a_co_owner_becomes_the_primary_one_when_links_are_given_to_them
                links_that_nobody_gets_are_deleted_unless_others_own_them
                links_are_taken_within_a_limit_until_none_is_left
                links_are_not_given_to_an_unknown_user
                taken_links_are_in_the_change_feed
                links_taken_by_many_at_once_are_taken_once
            }
            catalog {
                readers_find_what_they_may_see
                each_filter_finds_what_it_asks_for
                filters_together_find_what_each_of_them_finds
                what_somebody_has_a_part_in_is_found_in_every_order
                a_list_shows_links_as_they_are
                a_list_follows_who_may_see_a_link
                the_longest_targets_are_told_apart
            }
            near {
                links_with_a_code_near_to_a_typed_one_are_found
                near_links_are_those_that_a_reader_may_see
                so_many_links_whose_code_begins_so_are_found
            }
            walks {
                lists_are_in_the_order_that_is_asked_for
                limits_of_lists_are_kept
                a_walk_shows_what_its_query_finds
                a_walk_sees_what_stayed_exactly_once
                the_place_behind_a_link_that_went_still_works
                a_place_means_a_microsecond_and_a_code_in_any_case
            }
            search {
                links_are_found_by_the_beginnings_of_all_words
                patterns_are_characters_like_any_other
                a_search_follows_the_changes_of_a_link
                links_are_found_in_every_script_and_spelling
                the_longest_texts_are_found_by_their_parts
                new_links_are_findable_at_once
            }
            tags {
                tags_are_shown_to_those_who_see_their_links
                a_tag_of_private_links_alone_is_not_shown_to_strangers
                a_tag_goes_with_the_last_link_that_has_it
                tags_are_in_the_order_of_their_characters
                tags_are_read_behind_a_tag_within_a_limit
            }
            model {
                links_are_the_same_in_every_store_whatever_happens
            }
            lists {
                pages_show_the_newest_first_with_the_total
                links_of_one_microsecond_are_in_the_order_of_their_ids
                links_are_in_the_order_of_their_times_across_zones
                pages_of_an_owner_and_of_nobody_show_what_is_theirs
                a_page_behind_the_last_one_is_empty
                cursor_limits_are_kept
                a_cursor_means_a_microsecond_in_utc
                pages_move_by_what_is_inserted_and_deleted
                a_cursor_walk_sees_what_stayed_exactly_once
                the_cursor_of_a_deleted_link_still_works
            }
            clicks {
                a_recorded_click_is_counted_everywhere
                a_batch_counts_each_link_and_day_on_its_own
                the_day_of_the_rollup_is_the_one_given
                an_empty_batch_records_nothing
                clicks_on_unknown_links_are_left_out_and_reported
                a_stored_click_in_a_batch_is_a_conflict_and_nothing_counts
                a_click_id_twice_in_a_batch_is_a_conflict_and_nothing_counts
                a_click_without_anything_about_the_visitor_is_stored
                awkward_texts_in_clicks_survive
                the_longest_texts_in_clicks_are_kept_whole
                click_times_are_the_same_instant_in_utc
                nanoseconds_of_a_click_are_cut
                a_batch_of_10000_clicks_is_stored_whole
            }
            facts {
                clicks_are_read_in_the_order_of_their_ids
                changed_facts_are_counted_instead_of_the_old_ones
                a_click_that_is_not_as_given_is_left_alone
                a_day_that_was_never_counted_is_not_begun
                clicks_of_deleted_links_are_changed_as_long_as_there_are_any
                a_purged_click_cannot_be_changed
                values_counted_as_others_are_taken_back
                hosts_of_referrers_count_in_one_form
                a_thousand_clicks_are_changed_at_once
                facts_are_changed_while_clicks_are_stored
                the_same_change_of_many_at_once_is_made_once
            }
            ledger {
                the_ledger_lists_all_links_in_the_order_of_their_ids
                each_entry_counts_its_own_link
                the_ledger_goes_on_behind_a_deleted_link
            }
            retention {
                clicks_before_is_exact_to_the_microsecond
                it_is_known_whether_there_are_so_many_clicks
                the_boundary_of_age_may_be_given_in_any_zone
                purging_stops_exactly_at_the_boundary
                purging_takes_the_oldest_first_within_its_limit
                totals_and_rollups_survive_purging
                deleting_a_link_takes_its_clicks_along
                a_link_that_comes_back_starts_at_zero
                the_clicks_of_one_link_are_purged_alone
                statistics_do_not_change_by_a_purge
            }
            database_time {
                the_time_of_the_database_is_told_in_utc
                the_time_of_the_database_goes_on
            }
            space {
                space_is_released_in_steps_and_no_number_changes
                nothing_is_released_where_nothing_was_deleted
            }
            leases {
                a_lease_has_one_holder
                a_lease_runs_out
                a_lease_is_renewed_by_its_holder
                a_lease_that_lasts_too_long_to_be_true_is_free
                a_lease_is_given_back_by_its_holder
                of_many_who_take_a_lease_at_once_one_gets_it
            }
            salts {
                the_first_candidate_is_the_salt_of_the_day
                each_day_has_its_own_salt
                each_byte_of_a_salt_survives
                destroying_stops_before_the_day
                a_destroyed_salt_is_replaced_by_a_new_one
                the_traces_of_destroyed_salts_are_known_until_they_are_erased
            }
            users {
                an_inserted_user_is_found_by_id_and_address
                addresses_that_differ_in_one_character_are_different_users
                a_taken_address_or_id_is_a_conflict_and_nothing_changes
                times_of_a_user_are_the_same_instants_in_utc
                changing_a_user_changes_what_is_named
                a_password_belongs_to_its_user
                users_are_listed_newest_first_behind_a_cursor
                deleting_a_user_leaves_their_clicks
                one_of_many_concurrent_inserts_of_an_address_wins
                a_new_password_revokes_tokens_if_asked_to
            }
            tokens {
                a_token_is_found_by_its_hash_with_its_user
                each_byte_of_a_hash_counts
                a_taken_hash_or_a_missing_user_is_refused
                tokens_are_listed_newest_first_behind_a_cursor
                a_revoked_token_stays_revoked_since_then
                the_latest_use_of_a_token_is_kept
                a_user_has_a_limited_number_of_valid_tokens
                concurrent_insertions_of_tokens_keep_to_the_limit
            }
            sessions {
                a_session_is_found_by_its_hash_with_its_user
                a_taken_session_hash_or_a_missing_user_is_refused
                valid_sessions_are_listed_newest_first_behind_a_cursor
                the_latest_use_of_a_session_is_kept
                an_ended_session_stays_ended_since_then
                all_sessions_of_a_user_end_but_for_the_one_that_is_kept
                a_new_password_ends_the_sessions_of_its_user
                all_nodes_get_the_same_key_for_browsers
                disabling_a_user_ends_their_sessions
                deleting_a_user_deletes_what_they_sign_in_with
                purging_sessions_takes_the_oldest_within_its_limit
                many_sessions_are_resolved_at_once
                a_click_of_a_deleted_user_can_be_stored_as_nobodys
            }
            setup {
                a_set_up_secret_is_known_until_it_expires
                the_first_admin_is_made_once
                an_expired_or_unknown_set_up_secret_makes_nobody
                nobody_is_set_up_where_there_are_users
                of_many_who_set_up_at_once_one_succeeds
            }
            identities {
                an_account_elsewhere_is_that_of_its_user
                an_account_elsewhere_is_given_once
                leaving_the_group_of_admins_takes_only_what_it_gave
                a_user_has_one_account_at_an_issuer
                an_account_that_is_taken_away_leaves_nothing_behind
                a_sign_in_is_answered_once
            }
            changes {
                a_store_without_changes_has_number_zero
                inserting_and_deleting_are_changes_in_ascending_order
                a_change_names_the_code_in_its_normal_form
                what_changes_nothing_is_no_change
                changes_are_read_behind_a_number_within_a_limit
                purging_changes_takes_the_oldest_and_keeps_the_newest
                purging_changes_leaves_what_is_not_old_enough
                numbers_go_on_after_everything_else_is_purged
                concurrent_changes_have_numbers_of_their_own
            }
            journal_owners {
                a_journal_is_registered_once
                a_journal_goes_from_a_process_to_the_next_one
                the_takes_that_a_database_forgot_are_noted_with_the_next_one
                a_process_that_lost_its_journal_settles_and_notes_nothing
                a_journal_of_another_process_is_refused
                a_forgotten_journal_is_known_again_when_it_is_used
                taking_again_changes_nothing
                of_many_who_take_a_journal_at_once_one_gets_it
                a_batch_commits_before_its_journal_is_taken_or_never
                a_note_is_kept_until_the_next_one
                what_a_journal_has_settled_is_made_durable_for_its_owner
                losses_are_accepted_with_a_reason
            }
            journals {
                journals_are_listed_in_the_order_of_their_ids
                a_settled_batch_moves_the_position_and_counts_its_clicks
                batches_over_many_links_and_days_add_up
                a_batch_that_is_settled_already_changes_nothing
                a_batch_from_the_future_changes_nothing
                an_unknown_journal_settles_nothing
                clicks_on_deleted_links_are_dropped_and_counted
                a_batch_of_dropped_records_alone_is_settled
                duplicates_are_settled_and_not_counted
                clicks_that_are_stored_are_told_from_others
                a_stored_click_in_a_batch_moves_no_position
                a_click_id_twice_in_a_batch_moves_no_position
                ingested_clicks_keep_everything_about_the_visitor
                a_batch_of_10000_clicks_is_settled_whole
            }
            budget {
                the_first_clicks_of_a_link_and_day_leave_records
                every_link_and_day_has_its_own_budget
                a_click_that_is_stored_already_is_a_conflict_with_or_without_a_record
                a_budget_that_is_used_up_within_a_large_batch_is_kept
                journals_at_once_share_the_budget
                ids_of_clicks_without_records_are_purged_oldest_first
            }
            ingest_at_once {
                a_batch_ingested_by_many_at_once_is_settled_once
                two_journals_settle_clicks_on_the_same_links
                ingesting_and_recording_on_the_same_links_count_all
                purging_while_ingesting_keeps_the_ledger_in_agreement
                a_link_can_be_deleted_while_its_clicks_are_ingested
                the_ledger_agrees_at_any_moment_while_ingesting
                a_batch_whose_caller_gives_up_is_settled_whole_or_not_at_all
                callers_on_runtimes_of_their_own_ingest_too
            }
            stats {
                every_number_is_that_of_the_clicks
                a_range_of_days_has_both_its_ends
                days_of_any_year_can_be_asked_for
                numbers_stay_when_clicks_are_purged
                clicks_without_rows_are_counted_all_the_same
                two_ingesters_on_the_same_links_lose_nothing
                a_visitor_is_counted_once_for_each_link_and_day
                purging_visitors_keeps_their_numbers
                clicks_on_a_deleted_link_leave_no_numbers
                a_link_in_the_bin_keeps_its_numbers
                the_longest_referrers_are_counted
            }
            stats_people {
                clicks_are_listed_newest_first_with_who_made_them
                the_numbers_of_all_that_somebody_owns_add_up
                links_clicked_as_often_stand_in_the_order_of_their_ids
                pairs_of_links_and_their_owners_are_found
                the_totals_of_many_links_are_found_at_once
            }
            concurrency {
                sixty_four_concurrent_clicks_are_exactly_sixty_four
                batches_in_opposite_link_orders_are_all_stored
                a_batch_recorded_by_many_at_once_counts_once
                fifty_concurrent_shortenings_make_fifty_links
                a_drawn_code_that_is_taken_is_drawn_again
                one_of_many_concurrent_inserts_of_a_code_wins
                a_link_can_be_deleted_while_it_is_clicked
                concurrent_questions_for_a_salt_get_one_answer
                purging_while_recording_keeps_the_ledger_in_agreement
                the_ledger_agrees_at_any_moment_while_recording
                a_cursor_walk_during_changes_repeats_and_skips_nothing
            }
            purges {
                purges_of_clicks_at_once_delete_each_once
                links_are_deleted_while_their_clicks_are_purged
                purges_of_changes_at_once_delete_each_once
                purges_of_sessions_at_once_delete_each_once
                purges_of_visitors_at_once_delete_each_once
                purges_of_click_ids_at_once_delete_each_once
                purges_of_orphans_at_once_delete_each_once
                purges_of_deleted_links_at_once_delete_each_once
            }
        }
    };
}

/// Makes the cases public; one that is not listed stays unreachable, which the compiler reports.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_export {
    (() $($file:ident { $($case:ident)* })*) => {
        $(pub use $file::{$($case),*};)*
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_test {
    (($factory:expr) $($file:ident { $($case:ident)* })*) => {$($(
        #[::tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $case() {
            let factory = $factory;
            $crate::conformance::$case(&factory).await;
        }
    )*)*};
}
