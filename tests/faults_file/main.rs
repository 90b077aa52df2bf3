//! Rows K, F and X of the fault matrix by name: a process that ends anywhere, a file or disk that is not as it was, and secrets. And
//! the list of every row that a submission has to hold, with the test that holds it where its name does not say so.
//!
//! A test whose name begins with the row holds it. These are held by tests of other names, `file::test` below `tests` or `src`:
//!
//! | row | test |
//! |---|---|
//! | K01 | tests/resume.rs::what_came_of_a_reading_that_was_cut_short_is_not_asked_for_again_and_changes_no_number |
//! | F05 | tests/config_secrets.rs::a_file_others_can_read_is_refused_with_its_mode_and_the_command |
//! | F05 | tests/cli/usage.rs::secrets_that_are_missing_or_open_to_others_are_refused |
//! | F08 | tests/store.rs::a_plan_changed_by_hand_is_refused |
//! | F08 | tests/store.rs::a_decision_made_on_other_values_is_refused_with_its_entry_and_cells |
//! | F09 | tests/cli/usage.rs::a_review_of_elsewhere_is_not_submitted |
//! | F11 | tests/store_history.rs::a_file_of_version_1_is_read_as_it_is |
//! | F11 | tests/store_history.rs::a_file_of_version_1_gets_what_is_new_when_it_is_opened_for_writing |
//! | F11 | tests/store_history.rs::a_file_without_a_version_or_of_a_later_one_is_refused |
//! | F12 | tests/jobs.rs::a_review_that_is_too_old_is_settled_and_not_sent |
//! | F12 | tests/cli/usage.rs::a_review_that_is_too_old_is_not_submitted |
//! | F15 | tests/signoff/facts.rs::what_is_applied_stands_apart_from_what_is_only_approved |
//! | X01 | tests/cli/usage.rs::a_secret_as_an_argument_is_refused_unseen |
//! | X02 | tests/io_client/secrets.rs::nothing_says_a_secret |
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

#[path = "../cli/between.rs"]
#[expect(dead_code, reason = "more goes wrong elsewhere")]
mod between;
#[path = "../cli/rig.rs"]
#[expect(dead_code, reason = "more of the program is run elsewhere")]
mod cli;
mod files;
mod kills;
mod rig;
mod secrets;
#[path = "../support/mod.rs"]
mod support;
