//! Copying: the row, the facility, on Submit the form; text that stays text where it is pasted.

use onse::{
    domain::{
        flags::{Flag, Severity},
        outcome::Outcome,
        plan::{Cell, State},
    },
    job::report::{FormLine, Phase, Sending},
    tui::{
        model::Stage,
        msg::{Cmd, Msg},
        screen::Screen,
    },
};

use super::{Desk, PROPERTIES, cells, plan_of};

fn copied(desk: &Desk) -> Vec<String> {
    let text = |cmd: &Cmd| match cmd {
        Cmd::Copy(text) => Some(text.clone()),
        _ => None,
    };
    desk.cmds.iter().filter_map(text).collect()
}

#[test]
fn y_copies_the_row() {
    let mut desk = cells();
    desk.keys("jy");
    let row = "Kasenga HC\tou000000000\tcase-0\tdhis_malaria_pos\t120\t1310\t+1190\treported\t\
               STOP 1,310 is 11x the usual 118\t\t\t2026Q2";
    assert_eq!(copied(&desk), [row.to_owned()]);
    assert_eq!(desk.status(), "copied 1 row (Kasenga HC, malaria_pos)");
    let mut desk = Desk::on(Screen::Properties);
    desk.keys("ry");
    let text = copied(&desk).remove(0);
    assert_eq!(text.matches('\t').count(), 11, "{text}");
    let mut desk = Desk::on(Screen::Facilities);
    desk.keys("y");
    assert_eq!(copied(&desk), ["Kasenga HC\tou000000000\tcase-0\t3\t3\t1\t1"]);
    assert_eq!(desk.status(), "copied 1 row (Kasenga HC)");
}

#[test]
fn capital_y_copies_every_row_of_the_facility() {
    for (screen, keys) in
        [(Screen::Facilities, "Y"), (Screen::Facilities, "l/is:stop<enter>Y"), (Screen::Properties, "Y")]
    {
        let mut desk = Desk::on(screen);
        desk.keys(keys);
        let text = copied(&desk).remove(0);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("facility\torganisation unit\tcase id\tproperty\told\tnew\t"), "{text}");
        assert_eq!(lines.len(), 1 + PROPERTIES.len(), "also what is not shown: {text}");
        assert!(lines.iter().all(|line| line.matches('\t').count() == 11), "{text}");
        assert!(desk.status().starts_with("copied 4 rows of "), "{}", desk.status());
    }
}

#[test]
fn v10_what_is_copied_stays_one_field_and_does_nothing() {
    let mut desk = Desk::with(
        plan_of(&["=HYPERLINK(\"x\")\t\u{1b}]52;c;eA==\u{7}\r\nHC"], |draft| {
            let cell = Cell { facility: 0, property: 0 };
            draft.set(cell, Some("@SUM(A1)"), Some("-4"), State::Reported);
            draft.flag(cell, Flag::new("T1", Severity::Review, "a\tb\u{9b}31m"));
        }),
        Screen::Facilities,
    );
    desk.keys("Y");
    let text = copied(&desk).remove(0);
    assert!(text.chars().all(|c| !c.is_control() || c == '\t' || c == '\n'), "{text:?}");
    assert_eq!(text.lines().count(), 5, "{text:?}");
    let fields: Vec<&str> = text.lines().nth(1).unwrap().split('\t').collect();
    assert_eq!(fields.len(), 12, "{fields:?}");
    assert_eq!(fields[0], "'=HYPERLINK(\"x\")<9><1B>]52;c;eA==<7><D><A>HC");
    assert_eq!(&fields[4..7], ["'@SUM(A1)", "-4", ""], "a number stays a number");
    assert_eq!(fields[8], "REVIEW a<9>b<9B>31m");
    assert!(!desk.status().contains('\u{1b}'));
}

fn line(number: usize, form_id: Option<&str>) -> FormLine {
    FormLine {
        number,
        first: String::new(),
        last: String::new(),
        facilities: 1,
        changes: 1,
        form_id: form_id.map(str::to_owned),
        outcome: form_id.map(|_| Outcome::Applied),
        answer: None,
        replaced: false,
        cells: std::sync::Arc::default(),
    }
}

#[test]
fn on_submit_the_form_under_the_cursor_is_asked_for() {
    let mut desk = Desk::on(Screen::Submit);
    desk.model.submit.stage = Stage::Idle;
    desk.keys("y");
    assert!(desk.status().contains("no form"), "{}", desk.status());
    let forms = vec![line(1, Some("a")), line(2, None)];
    desk.model.submit.stage = Stage::Ended(Sending { phase: Phase::Ended, forms, ..Sending::default() });
    desk.cmds.clear();
    desk.keys("y");
    assert!(desk.cmds.is_empty() && desk.status().contains("on no form"), "{}", desk.status());
    desk.model.submit.at = 1;
    desk.keys("yY");
    assert_eq!(desk.cmds, [Cmd::CopyForm { number: 1, xml: false }, Cmd::CopyForm { number: 1, xml: true }]);
    desk.model.submit.at = 2;
    desk.cmds.clear();
    desk.keys("y");
    assert!(desk.cmds.is_empty() && desk.status().contains("form 2 is made when it is sent"), "{}", desk.status());
    desk.tell(Msg::Copied(Ok(("<data/>".to_owned(), "the XML of form 1".to_owned()))));
    assert_eq!(copied(&desk), ["<data/>"]);
    assert_eq!(desk.status(), "copied the XML of form 1");
    desk.tell(Msg::Copied(Err("form 1 is not in the file".to_owned())));
    assert_eq!(desk.status(), "not copied: form 1 is not in the file");
}

#[test]
fn more_than_a_terminal_takes_is_not_given_to_it() {
    let mut desk = Desk::on(Screen::Submit);
    for (size, fits) in [(70_000, true), (70_001, false)] {
        desk.cmds.clear();
        desk.tell(Msg::Copied(Ok(("x".repeat(size), "the XML".to_owned()))));
        assert_eq!(!copied(&desk).is_empty(), fits);
        assert_eq!(desk.status().contains("too much for the terminal's clipboard"), !fits);
    }
}
