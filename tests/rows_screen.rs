//! Which test holds each row of the fault matrix that the screen has to hold, and that there is one.
//!
//! | row | test |
//! |---|---|
//! | V01 | tests/pty/manners.rs::v01_resized_to_20x5_and_back |
//! | V02 | tests/pty/manners.rs::v02_resize_storm_while_submitting |
//! | V03 | tests/pty/give_back.rs::without_a_terminal_it_says_what_to_use |
//! | V04 | tests/pty/manners.rs::v04_without_colour_nothing_is_coloured_and_with_colour_the_sixteen_are_enough |
//! | V04 | src/tui/terminal.rs::v04_a_dumb_terminal_cannot_be_drawn_on |
//! | V04 | tests/rows_screen.rs::v04_only_the_sixteen_colours_of_the_terminal |
//! | V05 | tests/pty/manners.rs::v05_a_locale_without_utf8_shows_ascii_only |
//! | V06 | tests/update/wide.rs::v06_columns_align_whatever_names_are_made_of |
//! | V07 | tests/pty/give_back.rs::a_fault_in_drawing_gives_the_screen_back_first |
//! | V08 | tests/pty/manners.rs::v08_ten_thousand_characters_are_pasted |
//! | V09 | tests/pty/manners.rs::v09_a_held_key_never_takes_a_stop |
//! | V10 | tests/pty/hostile.rs::a_hostile_name_is_text_and_nothing_else |
//! | V10 | tests/cli/usage.rs::server_text_is_inert_in_every_output |
//! | V10 | tests/signoff/hostile.rs::v11_hostile_text_stays_text_in_html |
//! | V10 | tests/update/copy.rs::v10_what_is_copied_stays_one_field_and_does_nothing |
//! | V13 | tests/::v13_the_whole_review_in_lines |
//! | V14 | tests/pty/stop.rs::a_window_that_is_closed_keeps_decisions |
//! | K20 | tests/pty/stop.rs::ctrl_c_while_sending_goes_a_step_further_each_time |
//! | K21 | tests/pty/stop.rs::every_way_to_be_interrupted_gives_the_terminal_back |
//! | K21 | tests/pty/stop.rs::ctrl_z_gives_the_terminal_to_the_shell_and_fg_brings_the_review_back |
//! | K21 | tests/pty/stop.rs::a_signal_to_end_while_sending_writes_down_what_is_open |
//! | K21 | tests/cli/submitting.rs::k20_k21_a_signal_lets_the_form_under_way_end_and_sends_no_more |
//! | K22 | tests/pty/manners.rs::k22_a_reader_that_stops_is_no_fault |

#[path = "support/rows.rs"]
mod rows;

use onse::tui::theme::{Choice, Role, Theme};
use ratatui::style::Color;

/// The rows.
const ROWS: [&str; 15] =
    ["V01", "V02", "V03", "V04", "V05", "V06", "V07", "V08", "V09", "V10", "V13", "V14", "K20", "K21", "K22"];

#[test]
fn every_row_is_held_by_a_test_that_exists() {
    rows::held(include_str!("rows_screen.rs"), &ROWS);
}

#[test]
fn v04_only_the_sixteen_colours_of_the_terminal() {
    for theme in [Choice::Default, Choice::Contrast, Choice::Mono].map(|choice| Theme::new(choice, false)) {
        for role in Role::ALL {
            let style = theme.style(role);
            for colour in [style.fg, style.bg].into_iter().flatten() {
                assert!(!matches!(colour, Color::Rgb(..) | Color::Indexed(_)), "{role:?}: {colour:?}");
            }
            assert_eq!(
                style.bg.filter(|colour| *colour != Color::Reset),
                None,
                "{role:?}: the background is the terminal's"
            );
        }
    }
}
