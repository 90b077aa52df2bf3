//! Which test holds each row of the fault matrix that scripts, spreadsheets, sign-off and set-up have to hold, and that there is one; and that
//! every row of the matrix is held by some test.
//!
//! | row | test |
//! |---|---|
//! | F13 | tests/cli/import.rs::f13_an_export_of_another_review_is_refused_by_its_marks |
//! | F13 | src/domain/returned/judge/tests.rs::f13_an_export_of_another_review_is_refused_whole |
//! | F21 | tests/cli/export.rs::f21_a_report_never_takes_the_place_of_another_file |
//! | F21 | src/cli/export.rs::f21_a_name_that_is_taken_gets_a_number |
//! | F21 | src/cli/export.rs::f21_many_at_once_take_a_name_each |
//! | M23 | src/io/spreadsheet/quote.rs::m23_what_a_spreadsheet_would_take_for_a_formula_gets_an_apostrophe |
//! | M23 | src/io/spreadsheet/quote.rs::m23_every_text_comes_back |
//! | M23 | tests/spreadsheet/out.rs::m23_nothing_in_a_workbook_is_a_formula_or_acts |
//! | M23 | tests/spreadsheet/out.rs::m23_a_csv_opened_in_excel_has_no_formula_and_its_own_letters |
//! | V11 | tests/signoff/hostile.rs::v11_hostile_text_stays_text_in_html |
//! | V11 | tests/signoff/hostile.rs::v11_names_are_set_apart_from_the_direction_around_them |
//! | V12 | tests/signoff/hostile.rs::v12_hostile_text_stays_text_in_markdown |
//! | V12 | tests/signoff/hostile.rs::v12_text_reads_the_same_once_it_is_shown |
//! | X04 | tests/cli/notify.rs::x04_the_program_that_is_told_gets_no_secret |
//! | X05 | tests/keyring.rs::x05_a_keyring_that_is_missing_or_locked_is_passed_over |
//! | X05 | src/cli/init/dialogue/tests.rs::x05_without_a_keyring_a_file_is_never_the_usual_answer |
//! | X05 | tests/cli/init.rs::x05_no_way_to_a_keyring_is_a_line_of_the_log_and_no_more |
//! | X05 | tests/pty/init.rs::x05_from_an_empty_home_to_a_green_check_with_a_file_only_when_it_was_chosen |
//! | X06 | tests/keyring.rs::x06_a_keyring_that_never_answers_is_waited_for_once_and_only_so_long |
//! | X08 | tests/cli/init.rs::x08_secrets_inside_a_repository_are_warned_of |
//! | X08 | src/io/config/keep.rs::x08_a_file_in_a_repository_is_noticed_wherever_in_it |
//! | X08 | src/cli/init/dialogue/tests.rs::x08_a_file_in_a_repository_is_called_that_before_it_is_chosen |

use std::{collections::BTreeSet, fs, path::Path};

#[path = "support/rows.rs"]
mod rows;

/// The rows.
const ROWS: [&str; 9] = ["F13", "F21", "M23", "V11", "V12", "X04", "X05", "X06", "X08"];

#[test]
fn every_row_is_held_by_a_test_that_exists() {
    rows::held(include_str!("rows_script.rs"), &ROWS);
}

/// Every row of the matrix, as letters with the numbers there are.
const MATRIX: [(char, u8); 9] =
    [('N', 23), ('D', 27), ('H', 29), ('K', 22), ('F', 22), ('M', 23), ('V', 14), ('Q', 6), ('X', 9)];
/// The number that no row has.
const NONE: &str = "F14";

#[test]
fn every_row_of_the_matrix_is_held_by_a_table_or_by_the_name_of_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut held = BTreeSet::new();
    for name in ["mapping/main.rs", "faults_file/main.rs", "rows_screen.rs", "rows_script.rs"] {
        held.extend(rows::table(&fs::read_to_string(root.join("tests").join(name)).unwrap()));
    }
    for path in ["src", "tests"].iter().flat_map(|folder| rows::sources(&root.join(folder))) {
        for name in rows::tests(&fs::read_to_string(path).unwrap()) {
            // Of `n07_n09_a_redirect`, both.
            let is_row = |word: &&str| word.len() == 3 && word[1..].bytes().all(|b| b.is_ascii_digit());
            held.extend(name.split('_').take_while(is_row).map(str::to_uppercase));
        }
    }
    let all = MATRIX.into_iter().flat_map(|(letter, last)| (1..=last).map(move |row| format!("{letter}{row:02}")));
    let all: Vec<String> = all.filter(|row| row != NONE).collect();
    assert_eq!(all.len(), 174, "as many as the matrix has");
    let missing: Vec<&String> = all.iter().filter(|row| !held.contains(*row)).collect();
    assert!(missing.is_empty(), "no test holds {missing:?}");
}
