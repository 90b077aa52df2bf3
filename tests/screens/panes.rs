//! Overview, Properties and Facilities at every size.

use super::*;

#[test]
fn overview() {
    every("overview", |size, look| at(size, look, "1"));
}

#[test]
fn overview_with_a_property_under_the_cursor() {
    sizes("overview_property", &TWO, |size, look| at(size, look, "1 j j j j j j"));
}

#[test]
fn properties() {
    every("properties", |size, look| at(size, look, "2 l l"));
}

#[test]
fn facilities_list() {
    every("facilities_list", |size, look| at(size, look, "3"));
}

#[test]
fn facilities_cells() {
    every("facilities_cells", |size, look| at(size, look, "3 l j j"));
}

#[test]
fn facilities_low() {
    sizes("facilities_low", &[(60, 16), (80, 16), (80, 20), (200, 20)], |size, look| at(size, look, "3 l j j"));
}

#[test]
fn facilities_with_all_cells() {
    sizes("facilities_unchanged", &TWO, |size, look| at(size, look, "3 t l G k k k k k k k k k k"));
}

#[test]
fn a_text_and_a_long_number() {
    sizes("facilities_long_number", &TWO, |size, look| at(size, look, "3 l j j j j"));
    sizes("facilities_text", &TWO, |size, look| at(size, look, "3 l j j j j j j j"));
}

#[test]
fn names_of_others_are_inert() {
    sizes("facilities_names", &[(60, 20), (80, 24)], |size, look| at(size, look, "3 / E v i l enter"));
    sizes("facilities_wide_names", &[(60, 20), (80, 24)], |size, look| at(size, look, "3 / L i k o m a enter"));
}

#[test]
fn ascii() {
    let model = at((80, 24), Look { ascii: true, ..MONO }, "3 l j j");
    assert!(drawn(&model).content.iter().all(|cell| cell.symbol().is_ascii()));
    shot("ascii", &model);
}

#[test]
fn a_filter_is_named_on_properties() {
    sizes("properties_filter", &[(60, 20), (80, 24)], |size, look| at(size, look, "2 l l / i s : s t o p enter"));
}

#[test]
fn a_closed_case_says_what_is_left_and_a_long_name_keeps_its_end() {
    let plan = || {
        let long = |at: usize, facility: &mut onse::domain::plan::Facility| {
            if at == 0 {
                facility.closed = true;
                facility.name = "Matope South Community Health Centre (new)".to_owned();
            }
        };
        common::plan_with(20, long, |_| {})
    };
    sizes("closed", &[(60, 20), (80, 24)], |size, _| opened(plan(), size, "3"));
    let shown = |keys| rows(&drawn(&opened(plan(), (80, 24), keys)));
    for (keys, row) in [("3", 3), ("3", 5), ("2 l l", 4)] {
        let text = shown(keys).swap_remove(row);
        assert!(text.contains("(new)"), "{keys}: {text}");
    }
    let heading = shown("3").swap_remove(3);
    assert!(heading.ends_with("closed  8 left of 8") || heading.contains("closed  "), "{heading}");
}

/// A country in which numbers are missing in every way, with one facility in which a zero was approved and one kept.
pub(crate) fn absences() -> onse::domain::plan::Plan {
    use common::{cell, property};
    use onse::domain::plan::State;
    common::plan_with(
        20,
        |_, _| {},
        |draft| {
            for facility in 0..12 {
                let old = (facility != 7).then(|| (1200 + facility).to_string());
                draft.set(cell(facility, property::AMBULANCES), old.as_deref(), None, State::ZeroNotStored);
            }
            draft.set(cell(0, property::BEDS), Some("28"), Some("1214"), State::OlderQuarter);
            draft.set_quarter(cell(0, property::BEDS), Quarter::parse("2025Q4").unwrap());
            draft.set(cell(0, 8), Some("5120"), None, State::NotAssigned);
            draft.set(cell(0, 10), Some("12"), None, State::Deleted);
        },
    )
}

#[test]
fn a_number_that_is_missing_says_how() {
    sizes("absences_cell", &[(60, 20), (80, 24), (120, 40)], |size, _| opened(absences(), size, "3 l t j j j j j j"));
    sizes("absences_zero", &[(80, 24), (120, 40)], |size, _| opened(absences(), size, "3 l t j j j j j j 0"));
    sizes("absences_overview", &[(80, 24), (120, 40)], |size, _| opened(absences(), size, "1"));
    let column = "2 l l l l l l / s t a t e : z e r o _ n o t _ s t o r e d enter";
    sizes("absences_column", &[(60, 20), (80, 24)], |size, _| opened(absences(), size, &format!("{column} 0 r O")));
    let mut ascii = opened(absences(), (80, 24), &format!("{column} 0 r"));
    ascii.look.ascii = true;
    let text = rows(&drawn(&ascii)).join("\n");
    assert!(text.contains("[0]") && text.contains("[r]"), "{text}");
    let all = rows(&drawn(&opened(absences(), (120, 40), "3 l t"))).join("\n");
    for words in ["1,214 (2025Q4)", "not collected here", "deleted in DHIS2", "(0?)"] {
        assert!(all.contains(words), "{words} is missing in {all}");
    }
}

#[test]
fn the_label_outlives_long_names() {
    let mut names = run();
    names.label = "PRODUCTION".to_owned();
    names.project = "a-project-with-a-rather-long-name-of-its-own".to_owned();
    names.dhis2 = "dhis2.health-information.ministry.example.org".to_owned();
    names.file = "a-project-with-a-rather-long-name-of-its-own-2026Q2.review".to_owned();
    for width in 80..200 {
        let mut model = at((width, 24), PLAIN, "1");
        model.run = names.clone();
        let line = rows(&drawn(&model)).swap_remove(1);
        assert!(line.contains("PRODUCTION"), "{width}: {line}");
        assert!(width < 120 || line.contains("2026Q2"), "{width}: {line}");
    }
}

#[test]
fn no_size_cuts_the_sign_of_a_flag() {
    use onse::domain::flags::{Flag, Severity};
    let plan = || {
        common::plan_with(
            20,
            |_, _| {},
            |draft| {
                let wide = common::cell(0, common::property::EXPENDITURE);
                draft.flag(
                    wide,
                    Flag::new("S09", Severity::Stop, "a sentence that is longer than there is room for it"),
                );
            },
        )
    };
    // The row of the wide number, and the one of a usual number, each on both screens.
    for (keys, name) in
        [("2 l l l l", "] Kasenga"), ("2 l l", "] Kasenga"), ("3 l j j j j", "] exp"), ("3 l j j", "] susp")]
    {
        let mut model = opened(plan(), (80, 30), keys);
        for width in 60..220 {
            update(&mut model, Msg::Resize(width, 40), &now());
            let rows = rows(&drawn(&model));
            let row = rows.iter().find(|row| row.contains(name));
            assert!(row.is_some_and(|row| row.contains("!!")), "{keys} {width}: {row:?}");
        }
    }
}

#[test]
fn every_number_of_the_long_one_is_whole() {
    let mut model = few("3 l j j j j");
    for width in 60..200 {
        update(&mut model, Msg::Resize(width, 40), &now());
        let text = rows(&drawn(&model)).join("\n");
        assert!(text.contains("98,765,432,109,876"), "{width}:\n{text}");
    }
}
