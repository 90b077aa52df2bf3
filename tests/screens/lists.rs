//! What covers the screen as a list, what is widened, and the lists of Submit, at every size.

use super::*;

#[test]
fn the_pane_that_has_the_keys_is_widened() {
    every("wide_list", |size, look| at(size, look, "3 w"));
    every("wide_cells", |size, look| at(size, look, "3 l j j w"));
    every("wide_column", |size, look| at(size, look, "2 l l w"));
}

/// Submit with a few things approved, one of them a STOP with a reason.
pub(crate) fn approved(size: (u16, u16), look: Look, keys: &str) -> Model {
    let mut model = model(1106, look, size);
    press(&mut model, "3 l j j a o u t b r e a k enter 4");
    let job = model.submit.job;
    let check = Check { changes: 9, facilities: 2, forms: 1, at: "11:58:12".to_owned(), ..Check::default() };
    update(&mut model, Msg::Checked(job, Ok(Box::new(check))), &now());
    press(&mut model, keys);
    model
}

#[test]
fn what_would_be_written() {
    every("submit_list", |size, look| approved(size, look, "v j"));
    every("submit_flagged", |size, look| approved(size, look, "f"));
}

pub(crate) fn result(size: (u16, u16), look: Look, keys: &str) -> Model {
    let mut forms = forms();
    for form in forms.iter_mut().filter(|form| form.outcome.is_none_or(|outcome| outcome == Outcome::Frozen)) {
        form.outcome = Some(Outcome::Applied);
    }
    let cells = [(common::cell(0, common::property::MALARIA), Outcome::Unknown)];
    forms[5].cells = cells.into();
    let counts = Sending { applied: 2172, accepted: 1085, not_applied: 362, unknown: 361, ..Sending::default() };
    let sending = Sending { phase: Phase::Ended, changes: 3980, forms, held: held(), ..counts };
    let mut model = sent(size, look, sending);
    model.look = look;
    press(&mut model, keys);
    model
}

#[test]
fn what_became_of_it() {
    every("ended_counts", |size, look| result(size, look, "j j"));
    every("ended_unknown", |size, look| result(size, look, "j j j j enter"));
    every("ended_form", |size, look| result(size, look, "G k k k k k k k k enter"));
}

#[test]
fn no_digit_of_a_list_is_cut() {
    let mut model = approved((80, 24), PLAIN, "v");
    for width in 60..220 {
        update(&mut model, Msg::Resize(width, 40), &now());
        let text = rows(&drawn(&model)).join("\n");
        assert!(text.contains("98,765,432,109,876") && text.contains("15,210,000.75"), "{width}:\n{text}");
    }
}
