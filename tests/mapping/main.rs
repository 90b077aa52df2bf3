//! The mapping file: what is read, what is refused, and where the message points; and which test holds each row of section M of the
//! fault matrix, and those of other sections that are about the mapping.
//!
//! | row | test |
//! |---|---|
//! | M01 | tests/mapping/text.rs::m01_a_byte_order_mark_is_no_part_of_the_header |
//! | M01 | tests/mapping_write.rs::m01_a_byte_order_mark_is_kept |
//! | M02 | tests/mapping/text.rs::m02_the_separator_is_found_in_the_header_or_named_before_it |
//! | M02 | tests/mapping_write.rs::m02_the_separator_and_the_line_that_names_it_are_kept |
//! | M03 | tests/mapping/text.rs::m03_lines_end_in_any_way_and_in_several |
//! | M03 | tests/mapping_write.rs::m03_line_ends_are_kept_as_found |
//! | M04 | tests/mapping/text.rs::m04_utf_16_is_read_and_windows_1252_is_told |
//! | M04 | tests/mapping/text.rs::m04_letters_in_doubt_are_never_silent |
//! | M04 | tests/mapping_write.rs::m04_the_encoding_is_kept |
//! | M05 | tests/mapping/text.rs::m05_columns_stand_anywhere_and_are_named_in_many_ways |
//! | M05 | tests/mapping_write.rs::m05_other_columns_and_the_order_of_all_are_kept |
//! | M06 | tests/mapping/text.rs::m06_a_missing_column_is_named_with_those_found_and_the_nearest |
//! | M07 | tests/mapping/text.rs::m07_blank_rows_are_skipped_and_lines_stay_true |
//! | M07 | tests/mapping_write.rs::m07_blank_rows_and_trailing_separators_are_kept |
//! | M08 | tests/mapping/values.rs::m08_quotes_of_csv_are_read_and_curly_ones_left_out_with_a_note |
//! | M08 | tests/mapping/values.rs::m08_curly_quotes_do_not_hold_a_text_together |
//! | M09 | tests/mapping/values.rs::m09_what_cannot_be_seen_is_left_out_and_told_once |
//! | M10 | tests/mapping/values.rs::m10_a_wrong_id_is_told_with_its_place_and_its_wrong_letter |
//! | M11 | tests/mapping/values.rs::m11_what_a_spreadsheet_made_of_an_id_is_named |
//! | M12 | tests/mapping/values.rs::m12_a_property_in_two_rows_blocks_both |
//! | M12 | tests/mapping/size.rs::m12_ten_thousand_rows_of_one_property_are_told_in_short_sentences |
//! | M13 | tests/mapping/values.rs::m13_an_element_in_two_rows_is_allowed_with_a_note |
//! | M14 | tests/mapping/values.rs::m14_a_wrong_name_is_told_with_the_nearest_right_one |
//! | M15 | tests/mapping/values.rs::m15_an_empty_data_set_waits |
//! | M15 | tests/cli/data_sets.rs::m15_a_row_without_a_data_set_is_listed_first_with_what_could_stand_there |
//! | M16 | tests/mapping/values.rs::m16_no_row_is_ever_dropped |
//! | M16 | tests/datasets/explore.rs::m16_a_row_whose_data_element_is_gone_is_kept_and_marked |
//! | M16 | tests/cli/data_sets.rs::m16_a_data_element_that_is_gone_is_chosen_anew_with_its_data_set |
//! | M17 | tests/mapping_file.rs::m17_a_file_open_in_a_spreadsheet_program_is_left_alone |
//! | M17 | tests/mapping_file.rs::m17_a_file_that_may_not_be_written_is_left_alone |
//! | M17 | tests/mapping_file.rs::m17_a_folder_that_may_not_be_written_is_named |
//! | M17 | tests/cli/data_sets.rs::m17_a_file_that_is_open_elsewhere_is_not_written_and_the_new_content_is_kept |
//! | M18 | tests/mapping_file.rs::m18_a_file_changed_meanwhile_is_not_overwritten |
//! | M18 | tests/mapping_file.rs::m18_a_file_replaced_or_gone_meanwhile_is_told |
//! | M18 | tests/mapping_file.rs::m18_a_file_that_came_meanwhile_is_not_overwritten |
//! | M19 | tests/mapping_file.rs::m19_an_end_at_any_step_leaves_the_old_file_or_the_new_one_whole |
//! | M19 | tests/mapping_file.rs::m19_a_step_that_fails_leaves_the_old_file_and_nothing_else |
//! | M19 | tests/mapping_file.rs::m19_what_a_crash_left_is_in_nobodys_way |
//! | M20 | tests/mapping/size.rs::m20_too_many_rows_values_or_bytes_are_one_problem_with_the_limit |
//! | M20 | tests/mapping/size.rs::m20_a_million_blank_rows_are_no_rows |
//! | M20 | tests/mapping/size.rs::m20_memory_stays_bounded |
//! | M20 | tests/mapping/size.rs::m20_a_file_of_a_gigabyte_is_refused_without_reading_it |
//! | M21 | tests/mapping/foreign.rs::m21_what_is_no_csv_is_named_with_how_to_save_it |
//! | M21 | tests/mapping_write.rs::m21_workbooks_of_a_spreadsheet_program_are_refused_and_not_written |
//! | M22 | tests/mapping/values.rs::m22_a_formula_is_text |
//! | D04 | tests/datasets/explore.rs::d04_a_data_element_that_is_not_shown_blocks_its_row_alone |
//! | D20 | tests/datasets/explore.rs::d20_all_data_sets_of_a_data_element_are_shown_and_none_is_chosen |
//! | D20 | tests/cli/data_sets.rs::d20_a_data_element_in_several_data_sets_is_shown_with_all_of_them |
//! | D21 | tests/datasets/explore.rs::d21_a_data_element_in_no_data_set_says_so |
//! | D21 | tests/update/datasets.rs::d21_an_element_in_no_data_set_cannot_be_chosen_and_what_the_file_holds_is_no_choice |
//! | K16 | tests/mapping_file.rs::k16_a_process_killed_at_any_step_leaves_the_old_file_or_the_new_one_and_the_copy |
//! | K16 | tests/mapping_file.rs::k16_a_process_killed_while_it_keeps_a_suggestion_leaves_their_file |

mod dialects;
mod foreign;
mod general;
mod size;
mod text;
mod values;

#[path = "../support/rows.rs"]
mod rows;

use onse::domain::mapping::{Mapping, Problem};

/// The rows.
const ROWS: [&str; 26] = [
    "M01", "M02", "M03", "M04", "M05", "M06", "M07", "M08", "M09", "M10", "M11", "M12", "M13", "M14", "M15", "M16",
    "M17", "M18", "M19", "M20", "M21", "M22", "D04", "D20", "D21", "K16",
];

const HEAD: &str = "case_property,data_element_id,data_set_id,dhis2_name\n";

fn with(rows: &str) -> Mapping {
    Mapping::read(format!("{HEAD}{rows}").as_bytes())
}

fn usable(mapping: &Mapping) -> Vec<&str> {
    mapping.usable().map(|row| row.property.as_str()).collect()
}

fn said(mapping: &Mapping) -> Vec<String> {
    mapping.problems.iter().map(Problem::to_string).collect()
}

/// Properties and lines of all rows.
fn lines(mapping: &Mapping) -> Vec<(u64, &str)> {
    mapping.rows.iter().map(|row| (row.line, row.property.as_str())).collect()
}

#[test]
fn every_row_is_held_by_a_test_that_exists() {
    rows::held(include_str!("main.rs"), &ROWS);
}
