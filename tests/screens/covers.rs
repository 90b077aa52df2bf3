//! Questions, prompts, and what covers the screen, at every size.

use super::*;

#[test]
fn questions() {
    every("question_bulk", |size, look| at(size, look, "3 A"));
    every("question_column", |size, look| at(size, look, "2 A"));
    every("question_reason", |size, look| at(size, look, "3 l j j a o k"));
    every("question_filter", |size, look| at(size, look, "3 / i s : x"));
}

#[test]
fn questions_in_a_low_window() {
    let low = [(80, 16)];
    sizes("question_bulk", &low, |size, look| at(size, look, "3 A"));
    sizes("question_reason", &low, |size, look| at(size, look, "3 l j j a o k"));
    sizes("question_settle", &low, |size, _| open_stop(size, "2 l l A n e w"));
}

#[test]
fn words_order_notes_and_ranges() {
    every("picks", |size, look| at(size, look, "3 f j j enter j"));
    every("question_sort", |size, look| at(size, look, "3 s"));
    every("sorted", |size, look| at(size, look, "3 s c"));
    every("question_note", |size, look| at(size, look, "3 l j m a s k"));
    every("note", |size, look| at(size, look, "3 l j m a s k space t h e space w a r d enter"));
    every("note_column", |size, look| at(size, look, "2 l l m a s k enter"));
    every("range", |size, look| at(size, look, "3 v j j"));
    every("help_refused", |size, look| at(size, look, "3 l ? enter"));
    every("range_wide", |size, look| at(size, look, "3 w v j j"));
    every("range_cells", |size, look| at(size, look, "3 l v j j"));
    every("range_column", |size, look| at(size, look, "2 l l v j j j"));
    every("range_decided", |size, look| at(size, look, "3 v j j a"));
    every("question_zeros", |size, _| opened(panes::absences(), size, "2 l l l l l l O"));
}

/// Properties with a STOP of a whole column that nobody settled.
fn open_stop(size: (u16, u16), keys: &str) -> Model {
    let mut plan = common::plan(60);
    let name = plan.property(common::property::MALARIA).name.clone();
    let sentence = "whole column is 4.1x the quarters before (median of 1,106 facilities)";
    plan.head.checks.push(PropertyCheck::of_property("C5", Severity::Stop, &name, sentence));
    opened(plan, size, keys)
}

#[test]
fn a_property_with_an_open_stop() {
    every("question_settle", |size, _| open_stop(size, "2 l l A n e w"));
    sizes("settled", &[(80, 24)], |size, _| open_stop(size, "2 l l A n e w enter"));
    sizes("all_blocked", &[(60, 20), (80, 24)], |size, _| open_stop(size, "3 A"));
}

#[test]
fn covers() {
    every("help", |size, look| at(size, look, "3 ?"));
    sizes("help_found", &[(80, 24)], |size, look| at(size, look, "3 ? u n d o"));
    every("log", |size, look| {
        let mut model = at(size, look, "3 a");
        let long =
            "DHIS2 at hmis.example.org did not answer for 60 s\u{1b}[2J; the other side goes on and nothing is lost";
        update(&mut model, Msg::Note(Level::Stop, long.to_owned()), &now());
        press(&mut model, "L");
        model
    });
    every("not_matched", |size, look| at(size, look, "1 g enter"));
    sizes("small", &[(59, 24), (80, 15), (20, 5)], |size, look| at(size, look, "3"));
}

#[test]
fn an_error_marks_the_tab() {
    sizes("unread", &[(80, 24)], |size, look| {
        let mut model = at(size, look, "3");
        update(&mut model, Msg::Note(Level::Stop, "the disk is full; the decision was not kept".to_owned()), &now());
        model
    });
}
