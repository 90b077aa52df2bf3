//! Every screen at every size, as text with a second layer that names the look of each cell.
#![expect(clippy::unwrap_used, reason = "a screen that cannot be built is a broken test")]

mod common;
#[path = "../examples/picture/svg.rs"]
mod svg;

use std::{collections::BTreeMap, fmt::Write, sync::Arc, time::Duration};

use common::{model, now, press, run};
use jiff::{SignedDuration, Timestamp};
use onse::{
    domain::{
        finer::{Choice, Unfit, Way},
        flags::{Check as PropertyCheck, Flag, Kind, Severity, Whole},
        history::{Past, PastPart, Series},
        ledger::{Ledger, Reset, Verdict},
        outcome::Outcome,
        plan::State,
        quarter::Quarter,
        text::width,
    },
    io::http::{Cause, Side, Wait},
    job::report::{Check, Detail, FormLine, Held, History, Level, PartLine, Phase, Reading, Sending},
    tui::{
        model::{Look, Model},
        msg::{Cmd, Msg, Now, Opened},
        screen::draw,
        update::update,
    },
};
use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};

const PLAIN: Look = Look { ascii: false, mono: false };

/// Draws the model at its size.
fn drawn(model: &Model) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, model.size.0, model.size.1));
    draw(model, &mut buf);
    buf
}

/// The rows as text. A wide character covers two cells and is one in the text.
fn rows(buf: &Buffer) -> Vec<String> {
    let mut rows = Vec::new();
    for y in 0..buf.area.height {
        let (mut row, mut x) = (String::new(), 0);
        while x < buf.area.width {
            let symbol = buf[(x, y)].symbol();
            row.push_str(symbol);
            x += u16::try_from(width(symbol)).unwrap().max(1);
        }
        rows.push(row.trim_end().to_owned());
    }
    rows
}

/// How a cell looks, in words.
fn look(cell: &Cell) -> String {
    let mut words = Vec::new();
    if cell.fg != Color::Reset {
        words.push(format!("{:?}", cell.fg).to_lowercase());
    }
    for (modifier, word) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
        (Modifier::CROSSED_OUT, "crossed out"),
    ] {
        if cell.modifier.contains(modifier) {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

/// The text, then a letter per cell for its look, then what the letters mean. A letter stands for the same look in every
/// picture: the order is fixed here.
fn picture(model: &Model) -> String {
    const LOOKS: [&str; 20] = [
        "bold",
        "dim",
        "reversed",
        "cyan bold",
        "green bold",
        "red bold",
        "yellow bold",
        "cyan",
        "bold reversed",
        "dim reversed",
        "cyan bold reversed",
        "green bold reversed",
        "red bold reversed",
        "yellow bold reversed",
        "green",
        "red crossed out",
        "bold underlined",
        "underlined",
        "crossed out",
        "bold underlined reversed",
    ];
    let buf = drawn(model);
    let mut used = BTreeMap::new();
    let mut out = rows(&buf).join("\n");
    out.push_str("\n\n");
    for y in 0..buf.area.height {
        let letter = |x| {
            let look = look(&buf[(x, y)]);
            if look.is_empty() {
                return ' ';
            }
            let at = LOOKS.iter().position(|l| *l == look);
            assert!(at.is_some(), "no letter for {look}");
            let letter = char::from(b'a' + u8::try_from(at.unwrap()).unwrap());
            used.insert(letter, look);
            letter
        };
        let line: String = (0..buf.area.width).map(letter).collect::<Vec<_>>().into_iter().collect();
        let _ = writeln!(out, "{}", line.trim_end());
    }
    for (letter, look) in used {
        let _ = writeln!(out, "{letter} {look}");
    }
    out
}

/// One picture per size.
fn sizes(name: &str, sizes: &[(u16, u16)], build: impl Fn((u16, u16), Look) -> Model) {
    for size in sizes {
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), picture(&build(*size, PLAIN)));
    }
}

const ALL: [(u16, u16); 5] = [(60, 20), (80, 24), (100, 30), (120, 40), (200, 60)];
const TWO: [(u16, u16); 2] = [(80, 24), (120, 40)];

fn at(size: (u16, u16), look: Look, keys: &str) -> Model {
    let mut model = model(1106, look, size);
    press(&mut model, keys);
    model
}

#[test]
fn overview() {
    sizes("overview", &ALL, |size, look| at(size, look, "1"));
}

#[test]
fn overview_with_a_property_under_the_cursor() {
    sizes("overview_property", &TWO, |size, look| at(size, look, "1 j j j j j j"));
}

#[test]
fn properties() {
    sizes("properties", &ALL, |size, look| at(size, look, "2 l l"));
}

#[test]
fn facilities_list() {
    sizes("facilities_list", &ALL, |size, look| at(size, look, "3"));
}

#[test]
fn facilities_cells() {
    sizes("facilities_cells", &ALL, |size, look| at(size, look, "3 l j j"));
}

/// The quarters before 2026Q2 in which these values were reported, newest first; none where the text is empty.
fn series(values: &[&str]) -> Series {
    let mut quarter = Quarter::parse("2026Q2").unwrap();
    let past = values.iter().map(|value| {
        quarter = quarter.before();
        let part = PastPart { value: (*value).to_owned(), ..PastPart::default() };
        Past { quarter, parts: Some(part).filter(|part| !part.value.is_empty()).into_iter().collect() }
    });
    let past: Vec<Past> = past.collect();
    Series::before(Quarter::parse("2026Q2").unwrap(), &past)
}

/// The review at a cell of which earlier quarters were asked for.
fn with_history(size: (u16, u16), keys: &str, values: &[&str]) -> Model {
    let mut model = model(1106, PLAIN, size);
    common::press_only(&mut model, keys);
    let behind = common::behind(model.detail_cell().unwrap());
    let behind = Detail { history: Some(series(values)), ..behind };
    update(&mut model, Msg::Detail(Ok(behind)), &now());
    model
}

#[test]
fn earlier_quarters() {
    let usual = ["121", "115", "119", "124", "108", "117", "118", "120"];
    let sizes = [(60, 20), (80, 24), (120, 40), (200, 60)];
    for size in sizes {
        let name = |what: &str| format!("history_{what}_{}x{}", size.0, size.1);
        insta::assert_snapshot!(name("facilities"), picture(&with_history(size, "3 l j j", &usual)));
        insta::assert_snapshot!(name("properties"), picture(&with_history(size, "2 l l", &usual)));
    }
    for (what, keys, values) in [
        ("plain", "3 l", &usual[..]),
        ("gaps", "3 l j", &["", "1310.5", "", ""]),
        ("none", "3 l", &["", ""]),
        ("texts", "3 l", &["about 12"]),
    ] {
        for size in [(60, 20), (80, 24)] {
            insta::assert_snapshot!(
                format!("history_{what}_{}x{}", size.0, size.1),
                picture(&with_history(size, keys, values))
            );
        }
    }
}

#[test]
fn no_size_cuts_an_earlier_number() {
    let long = ["98765432109876", "1234567890123.25", "7", "", "555555555555"];
    for (keys, height) in [("3 l", 40), ("2", 40), ("3 l", 20)] {
        for width in 60..220 {
            let text = rows(&drawn(&with_history((width, height), keys, &long))).join("\n");
            let known = ["98,765,432,109,876", "1,234,567,890,123.25", "a year ago -", "usual 895,061,722,839.125"];
            let whole = known.iter().all(|number| text.contains(number));
            // A folded detail tells all of the last four or none of them.
            let folded = height == 20 || width < 80;
            let some = text.contains("last 4: 98,765,432,109,876 1,234,567,890,123.25 7 -");
            assert!(whole && !folded || folded && (some || !text.contains("last 4")), "{keys} {width}\n{text}");
        }
    }
}

#[test]
fn history_is_silent_where_it_was_not_asked_for() {
    for keys in ["3 l j j", "2 l l"] {
        let text = rows(&drawn(&at((120, 40), PLAIN, keys))).join("\n");
        assert!(text.contains("under 5, female") && !text.contains("last 4") && !text.contains("earlier"), "{text}");
    }
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
fn mono_and_ascii() {
    let mono = Look { mono: true, ascii: false };
    let ascii = Look { mono: true, ascii: true };
    insta::assert_snapshot!("mono_80x24", picture(&at((80, 24), mono, "3 l j j")));
    let model = at((80, 24), ascii, "3 l j j");
    assert!(drawn(&model).content.iter().all(|cell| cell.symbol().is_ascii()));
    insta::assert_snapshot!("ascii_80x24", picture(&model));
}

#[test]
fn questions() {
    sizes("question_bulk", &[(60, 20), (80, 24), (80, 16)], |size, look| at(size, look, "3 A"));
    sizes("question_column", &[(80, 24)], |size, look| at(size, look, "2 A"));
    sizes("question_reason", &[(60, 20), (80, 24), (80, 16)], |size, look| at(size, look, "3 l j j a o k"));
    sizes("question_filter", &[(60, 20), (80, 24)], |size, look| at(size, look, "3 / i s : x"));
}

#[test]
fn a_property_with_an_open_stop() {
    let model = |size, keys: &str| {
        let mut plan = common::plan(60);
        let name = plan.property(common::property::MALARIA).name.clone();
        let sentence = "whole column is 4.1x the quarters before (median of 1,106 facilities)";
        plan.head.checks.push(PropertyCheck::of_property("C5", Severity::Stop, &name, sentence));
        opened(plan, size, keys)
    };
    sizes("question_settle", &[(60, 20), (80, 24), (80, 16)], |size, _| model(size, "2 l l A n e w"));
    sizes("settled", &[(80, 24)], |size, _| model(size, "2 l l A n e w enter"));
    sizes("all_blocked", &[(60, 20), (80, 24)], |size, _| model(size, "3 A"));
}

#[test]
fn covers() {
    sizes("help", &[(60, 20), (80, 24), (120, 40)], |size, look| at(size, look, "3 ?"));
    sizes("help_found", &[(80, 24)], |size, look| at(size, look, "3 ? u n d o"));
    sizes("log", &[(80, 24)], |size, look| {
        let mut model = at(size, look, "3 a");
        let long =
            "DHIS2 at hmis.example.org did not answer for 60 s\u{1b}[2J; the other side goes on and nothing is lost";
        update(&mut model, Msg::Note(Level::Stop, long.to_owned()), &now());
        press(&mut model, "L");
        model
    });
    sizes("not_matched", &[(80, 24)], |size, look| at(size, look, "1 g enter"));
    sizes("small", &[(59, 24), (80, 15), (20, 5)], |size, look| at(size, look, "3"));
}

#[test]
fn a_filter_is_named_on_properties() {
    sizes("properties_filter", &[(60, 20), (80, 24)], |size, look| at(size, look, "2 l l / i s : s t o p enter"));
}

/// A review whose odd facility is closed and whose name is long, with something approved, of which a part was sent.
fn partly(size: (u16, u16), sending: Option<Sending>) -> Model {
    let mut model = model(1106, PLAIN, size);
    let review = model.review.as_ref().unwrap();
    let sent: Vec<_> = review.ledger.to_send(&review.plan).take(2).collect();
    assert_eq!(sent.len(), 2);
    let (plan, mut ledger) = (Arc::clone(&review.plan), review.ledger.clone());
    ledger.set_sent(sent);
    let opened = Opened { plan, ledger, place: None, file: "2026Q2.review".to_owned(), sending, reset: Vec::new() };
    model.review = None;
    update(&mut model, Msg::Read(Ok(Box::new(opened))), &now());
    model
}

#[test]
fn what_was_sent_is_told_from_what_was_not() {
    for size in TWO {
        let mut model = partly(size, None);
        insta::assert_snapshot!(format!("partly_overview_{}x{}", size.0, size.1), picture(&model));
        press(&mut model, "3");
        insta::assert_snapshot!(format!("partly_facilities_{}x{}", size.0, size.1), picture(&model));
        let form = FormLine { changes: 2, ..forms().swap_remove(0) };
        let ended = Sending { phase: Phase::Ended, changes: 2, applied: 2, forms: vec![form], ..Sending::default() };
        let mut model = partly(size, Some(ended));
        press(&mut model, "4");
        insta::assert_snapshot!(format!("partly_submit_{}x{}", size.0, size.1), picture(&model));
    }
}

/// A plan with data sets that are not quarterly, of a reading that says all that can be said of it.
fn unfit(chosen: Option<Choice>) -> onse::domain::plan::Plan {
    let monthly = "rkyO2EAX45C";
    let made = chosen.is_some();
    let mut plan = common::plan_with(
        1106,
        |_, _| {},
        |draft| {
            for at in draft.plan().column(common::property::MALARIA).collect::<Vec<_>>() {
                let (old, state) = (draft.plan().old(at).map(str::to_owned), draft.plan().state(at));
                let state = if made { state } else { State::WrongPeriodType };
                let held = draft.plan().held(at).filter(|_| made).map(str::to_owned);
                draft.set(at, old.as_deref(), held.as_deref(), state);
            }
        },
    );
    let element = plan.property(common::property::MALARIA).data_element.clone();
    let set = plan.property(common::property::MALARIA).data_set.clone();
    let head = &mut plan.head;
    let elements = [(element.as_str(), "SUM"), ("b", "LAST")];
    head.finer = vec![
        Unfit::of((&set, "HMIS 15 Monthly Health Centre Report"), "Monthly", &elements, [true, true, false]),
        Unfit::of((monthly, "Partner Finance Return"), "FinancialApril", &[("c", "SUM")], [false; 3]),
    ];
    head.choices.extend(chosen.map(|chosen| (set.clone(), chosen)));
    head.notes =
        head.finer.iter().map(|unfit| unfit.sentence(head.quarter, head.choices.get(&unfit.data_set))).collect();
    head.notes.push("facilities in scope: 1106, last time 1104 (2026Q1, read 2026-04-05)".to_owned());
    "2.42.1".clone_into(&mut head.dhis2_version);
    head.index_as_of = Some("2026-07-05T08:38:12.123456Z".to_owned());
    head.look_back = 2;
    head.without_case = (0..32).map(|at| (format!("Uaaaaaaaa{at:02}"), format!("Unit {at}"))).collect();
    plan
}

#[test]
fn a_data_set_that_is_not_quarterly() {
    let sum = || Some(Choice::Ways([Way::Sum].into()));
    for size in [(60, 20), (80, 24), (120, 40)] {
        let shot = |name: &str, model: &Model| {
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), picture(model));
        };
        shot("choice_overview", &opened(unfit(None), size, "1 j"));
        shot("choice_question", &opened(unfit(None), size, "1 j enter"));
        shot("choice_why", &opened(unfit(None), size, "1 j j enter"));
        shot("choice_made", &opened(unfit(sum()), size, "1 j"));
        shot("choice_change", &opened(unfit(sum()), size, "1 j enter"));
        shot("choice_not_matched", &opened(unfit(None), size, "1 g enter"));
        let mut model = opened(unfit(sum()), size, "");
        common::press_only(&mut model, "3 l j j");
        let cell = model.detail_cell().unwrap();
        let part = |month: &str, name: &str, value: &str| PartLine {
            name: name.to_owned(),
            period: Some(month.to_owned()),
            value: Some(value.to_owned()),
            ..PartLine::default()
        };
        let (under, over) = ("under 5", "5 and over");
        let parts = vec![
            part("202604", under, "402"),
            part("202604", over, "201"),
            part("202605", under, "640"),
            part("202605", over, "67"),
        ];
        update(&mut model, Msg::Detail(Ok(Detail { cell, parts, history: None })), &now());
        shot("choice_detail", &model);
    }
}

#[test]
fn reading_again() {
    for size in [(60, 20), (80, 24), (120, 40)] {
        let shot = |name: &str, model: &Model| {
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), picture(model));
        };
        let mut model = model(1106, PLAIN, size);
        press(&mut model, "1 F");
        shot("again_reading", &model);
        press(&mut model, "3 a");
        shot("again_facilities", &model);
        let before = model.review.as_ref().unwrap();
        let mut plan = common::plan(1106);
        plan.head.generation = 2;
        let text = |text: Option<&str>| text.map(str::to_owned);
        let reset = |(at, said): (usize, Option<Verdict>)| {
            let cell =
                plan.cells().filter(|cell| before.ledger.verdict(&before.plan, *cell).is_none()).nth(at).unwrap();
            Reset { cell, said, old: text(plan.old(cell)), new: Some("1234567".to_owned()) }
        };
        let said = [Some(Verdict::Approve), Some(Verdict::Reject), Some(Verdict::Zero)];
        let reset: Vec<Reset> = said.into_iter().enumerate().map(reset).collect();
        let (ledger, file) = (before.ledger.clone(), "2026Q2.review".to_owned());
        let opened = Opened { plan: Arc::new(plan), ledger, place: None, file, sending: None, reset };
        update(&mut model, Msg::Read(Ok(Box::new(opened))), &now());
        press(&mut model, "1 g j");
        shot("again_overview", &model);
        press(&mut model, "enter");
        shot("again_reset", &model);
    }
}

/// A plan as it is right after reading.
fn opened(plan: onse::domain::plan::Plan, size: (u16, u16), keys: &str) -> Model {
    let ledger = Ledger::new(&plan);
    let opened = Opened {
        plan: Arc::new(plan),
        ledger,
        place: None,
        file: "f.review".to_owned(),
        sending: None,
        reset: Vec::new(),
    };
    let mut model = Model::new(run(), PLAIN, size);
    update(&mut model, Msg::Read(Ok(Box::new(opened))), &now());
    press(&mut model, keys);
    model
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
fn absences() -> onse::domain::plan::Plan {
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
fn an_error_marks_the_tab() {
    sizes("unread", &[(80, 24)], |size, look| {
        let mut model = at(size, look, "3");
        update(&mut model, Msg::Note(Level::Stop, "the disk is full; the decision was not kept".to_owned()), &now());
        model
    });
}

/// Seconds after reading began.
fn after(seconds: i64) -> Timestamp {
    let now: Timestamp = now().at.parse().unwrap();
    now + SignedDuration::from_secs(seconds - 6)
}

fn wait(cause: Cause, detail: &str, seconds: u64) -> Wait {
    let (asked, detail) = ("the data values of 2026Q2".to_owned(), detail.to_owned());
    Wait { side: Side::Dhis2, asked, cause, detail, pause: Duration::from_secs(seconds), next_try: 2 }
}

/// Six seconds into reading.
fn in_the_middle() -> Reading {
    let mut reading = Reading {
        mapping_problems: vec![
            "line 8: data set id is empty".to_owned(),
            "line 24: data set rkyO2EAX45C is monthly, the quarter holds no row of it".to_owned(),
        ],
        mapping: "case_property_map.csv   25 rows, 21 usable".to_owned(),
        ..Reading::default()
    };
    reading.cases.set(0, None, after(0));
    reading.cases.set(1106, Some(1106), after(6));
    reading.reports.set(0, Some(8848), after(0));
    for second in 1..=6 {
        reading.reports.add(864, after(second));
        (0..14).for_each(|_| reading.asked(after(second - 1)));
        (0..14).for_each(|_| reading.answered(after(second), 100));
    }
    (0..5).for_each(|_| reading.asked(after(6)));
    reading.history.quarters = 8;
    reading.names.set(3, None, after(5));
    reading.waits(&wait(Cause::SlowDown(429), "", 1), after(2));
    reading.waits(&wait(Cause::NoAnswer, "the connection was reset", 1), after(3));
    reading.waits(&wait(Cause::SlowDown(429), "", 4), after(6));
    reading
}

#[test]
fn reading() {
    let drawn_with = |size, look, reading: Reading| {
        let mut model = Model::new(run(), look, size);
        update(&mut model, Msg::Reading(Box::new(reading)), &now());
        model
    };
    sizes("reading", &[(60, 20), (80, 24), (120, 40)], |size, look| drawn_with(size, look, in_the_middle()));
    sizes("reading_stands", &[(60, 20), (80, 24), (120, 40)], |size, look| {
        let mut reading = in_the_middle();
        reading.history = History { quarters: 8, cached: 8848, ..History::default() };
        reading.history.bar.set(8848, Some(8848), after(6));
        reading.waits(&wait(Cause::NoConnection, "connection refused", 70), after(6));
        let mut model = drawn_with(size, look, reading);
        update(&mut model, Msg::Tick, &Now { at: after(46).to_string(), ..now() });
        model
    });
    sizes("reading_begins", &[(80, 24)], |size, look| Model::new(run(), look, size));
    sizes("reading_failed", &[(80, 24)], |size, look| {
        let mut model = Model::new(run(), look, size);
        let why = "DHIS2 refused the sign-in of importer at hmis.example.org (401).\nNothing was written. Set \
                   ONSE_DHIS2_PASSWORD and start again.";
        update(&mut model, Msg::Read(Err(why.to_owned())), &now());
        model
    });
}

/// Opens Submit and answers its checks.
fn checked(size: (u16, u16), look: Look, check: impl FnOnce(Check) -> Check) -> Model {
    let mut model = model(1106, look, size);
    press(&mut model, "3");
    let commands = update(&mut model, Msg::Key(onse::tui::keymap::Press::parse("4").unwrap()), &now());
    let job = commands.iter().find_map(|c| if let Cmd::Check(job) = c { Some(*job) } else { None }).unwrap();
    let ok = Check {
        at: "11:58:12".to_owned(),
        changes: 3980,
        facilities: 1012,
        forms: 11,
        held: Vec::new(),
        lines: vec![
            (Level::Ok, "cases read again: 1,012 of 1,012 as they were at 09:41".to_owned()),
            (Level::Ok, "DHIS2 read again: none of 3,980 moved".to_owned()),
            (Level::Look, "9 STOP approved, each with a reason".to_owned()),
        ],
        stamp: None,
    };
    update(&mut model, Msg::Checked(job, Ok(Box::new(check(ok)))), &now());
    model
}

fn held() -> Vec<Held> {
    vec![Held {
        cell: common::cell(1, common::property::BEDS),
        now: Some("33".to_owned()),
        already_set: false,
        moved: true,
        why: "the case holds 33 now, not 31; undecided again".to_owned(),
    }]
}

#[test]
fn submit_question() {
    sizes("submit", &ALL, |size, look| {
        let mut model = checked(size, look, |check| check);
        press(&mut model, "3 9");
        model
    });
    sizes("submit_held", &[(80, 24)], |size, look| checked(size, look, |check| Check { held: held(), ..check }));
    sizes("submit_nothing", &[(80, 24)], |size, look| {
        checked(size, look, |_| Check { at: "11:58:12".to_owned(), ..Check::default() })
    });
    sizes("submit_stamp", &[(60, 20), (80, 24), (120, 40)], |size, look| {
        let stamp = Some(("dhis2_last_imported".to_owned(), "2026-07-05".to_owned()));
        checked(size, look, |check| Check { stamp, ..check })
    });
    sizes("submit_checking", &[(80, 24)], |size, look| at(size, look, "3 4"));
}

fn forms() -> Vec<FormLine> {
    let names = [
        "Area 12 HC",
        "Bwera HC",
        "Chiuta HC",
        "Duwa HC",
        "Golo HC",
        "Katete HC",
        "Lwazi HC",
        "Mbiri HC",
        "Namisu HC",
        "Ntaja \u{1b}[31mHC",
        "Zomba HC",
    ];
    let outcomes = [
        Some(Outcome::Applied),
        Some(Outcome::Applied),
        Some(Outcome::NotApplied),
        Some(Outcome::Accepted),
        Some(Outcome::Accepted),
        Some(Outcome::Unknown),
        Some(Outcome::Accepted),
        Some(Outcome::Frozen),
        None,
        None,
        None,
    ];
    let form = |(at, outcome): (usize, Option<Outcome>)| FormLine {
        number: at + 1,
        first: names[at].to_owned(),
        last: names.get(at + 1).unwrap_or(&"Zukula HC").to_string(),
        facilities: 92,
        changes: 362,
        form_id: outcome.map(|_| format!("3b1e88d{at}-88d0-4c1f-9a77-0c6d5e4f3a2b")),
        outcome,
        answer: (outcome == Some(Outcome::NotApplied)).then(|| "the project is read-only".to_owned()),
        replaced: false,
    };
    outcomes.into_iter().enumerate().map(form).collect()
}

/// A submission shown when a review is opened.
fn sent(size: (u16, u16), look: Look, sending: Sending) -> Model {
    let plan = common::plan(20);
    let ledger = Ledger::new(&plan);
    let file = "2026Q2.review".to_owned();
    let opened = Opened { plan: Arc::new(plan), ledger, place: None, file, sending: Some(sending), reset: Vec::new() };
    let mut model = Model::new(run(), look, size);
    update(&mut model, Msg::Read(Ok(Box::new(opened))), &now());
    press(&mut model, "4");
    model
}

#[test]
fn submit_under_way_and_after() {
    let going = || Sending {
        phase: Phase::Sending,
        changes: 3980,
        forms: forms(),
        applied: 724,
        accepted: 1089,
        not_applied: 362,
        unknown: 723,
        held: held(),
        elsewhere: Vec::new(),
        note: Some(
            "form 6: no answer after 60 s. The same bytes are sent again; CommCare knows the form id, so it \
                    takes effect once. Then its cases are read back."
                .to_owned(),
        ),
        elapsed: Duration::from_secs(83),
        ..Sending::default()
    };
    sizes("sending", &ALL, |size, look| {
        let mut model = checked(size, look, |check| check);
        press(&mut model, "3 9 8 0");
        let commands = update(&mut model, Msg::Key(onse::tui::keymap::Press::parse("enter").unwrap()), &now());
        let job =
            commands.iter().find_map(|c| if let Cmd::Submit { job, .. } = c { Some(*job) } else { None }).unwrap();
        update(&mut model, Msg::Sending(job, Box::new(going())), &now());
        model
    });
    sizes("ended", &TWO, |size, look| {
        let mut sending = Sending { phase: Phase::Ended, note: None, ..going() };
        for form in sending.forms.iter_mut().filter(|form| form.outcome.is_none_or(|o| o == Outcome::Frozen)) {
            form.outcome = Some(Outcome::Applied);
        }
        sending.unknown = 361;
        sent(size, look, sending)
    });
}

/// A review of few facilities, for tests that press many keys.
fn few(keys: &str) -> Model {
    let mut model = model(30, PLAIN, (80, 24));
    press(&mut model, keys);
    model
}

/// A small generator, so that the sizes are the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u16) -> u16 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u16::try_from((self.0 >> 33) % u64::from(below)).unwrap()
    }
}

/// What must hold of every frame whatever its size.
fn sound(model: &Model, what: &str) {
    let buf = drawn(model);
    for cell in &buf.content {
        assert!(!cell.symbol().chars().any(char::is_control), "{what}: {:?}", cell.symbol());
    }
    for row in rows(&buf) {
        assert!(width(&row) <= usize::from(buf.area.width), "{what}: {row:?}");
    }
}

#[test]
fn any_size_any_cursor() {
    let screens: [fn() -> Model; 5] = [
        || few("1"),
        || few("2"),
        || few("3 t l"),
        || checked((80, 24), PLAIN, |check| Check { held: held(), ..check }),
        || {
            let mut sending = Sending { phase: Phase::Ended, changes: 9, forms: forms(), ..Sending::default() };
            sending.held = held();
            sent((80, 24), PLAIN, sending)
        },
    ];
    let keys =
        ["j", "k", "pgdn", "G", "g", "l", "h", "tab", "n", "]", "a", "r", "A", "?", "esc", "/", "t", "L", "space", "u"];
    let mut dice = Dice(7);
    for (number, build) in screens.into_iter().enumerate() {
        let mut model = build();
        for turn in 0..500 {
            let size = (dice.roll(240), dice.roll(80));
            update(&mut model, Msg::Resize(size.0, size.1), &now());
            let key = keys[usize::from(dice.roll(u16::try_from(keys.len()).unwrap()))];
            press(&mut model, key);
            sound(&model, &format!("screen {number}, turn {turn}, {size:?} after {key}"));
        }
    }
}

#[test]
fn a_window_smaller_than_the_model_thinks_is_drawn_too() {
    let model = at((120, 40), PLAIN, "3 l");
    for (width, height) in [(0, 0), (1, 1), (80, 24), (300, 3)] {
        draw(&model, &mut Buffer::empty(Rect::new(0, 0, width, height)));
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

#[test]
fn a_picture_is_sound_xml_with_the_text_in_it() {
    let model = at((120, 40), PLAIN, "3 l j j");
    let svg = svg::svg(&drawn(&model), "a <title> & more");
    let mut reader = quick_xml::Reader::from_str(&svg);
    let mut text = String::new();
    loop {
        match reader.read_event().unwrap() {
            quick_xml::events::Event::Eof => break,
            quick_xml::events::Event::Text(part) => text.push_str(&part.xml10_content()),
            quick_xml::events::Event::GeneralRef(part) => text.push_str(&part.xml10_content()),
            _ => {}
        }
    }
    assert!(text.contains("Kasenga\u{a0}HC") && text.contains("Facilities"), "{text}");
    assert!(!svg.contains('\u{1b}'));
}

/// A plan of which all is known that earlier quarters and the other facilities tell.
fn judged() -> onse::domain::plan::Plan {
    use common::property::{BEDS, MALARIA};
    let mut plan = common::plan_with(
        1106,
        |_, _| {},
        |draft| {
            for at in draft.plan().cells().collect::<Vec<_>>() {
                let usual = if at.facility == 0 { Some("118") } else { draft.plan().old(at) };
                let usual = usual.map(str::to_owned);
                draft.set_usual(at, usual.as_deref());
            }
            let far = "1,310 is 11x the usual 118 (8 quarters)";
            draft.flag(common::cell(0, MALARIA), Flag::new("T1", Severity::Stop, far));
            let missing = "not reported; 4 of the last 4 quarters were, usually 118";
            draft.flag(common::cell(0, BEDS), Flag::new("T5", Severity::Review, missing));
        },
    );
    let names: Vec<String> = plan.properties().iter().map(|property| property.name.clone()).collect();
    let of = |at: usize, id: &str, severity, said: &str| PropertyCheck::of_property(id, severity, &names[at], said);
    let zeros = "3 properties; 431 cells read (0?): nothing stored although the report is complete";
    let shift = "sum now 12,345, 1.4x after 8,818 in the mean of the 4 quarters before (1,003 facilities)";
    let mut checks = vec![
        PropertyCheck::of_run("R2", Severity::Review, "1 case that cannot take part"),
        PropertyCheck::of_run("C8", Severity::Review, zeros),
    ];
    let unit = "whole column is 4.1x the usual: 901 of 1,098 facilities are within 15 % of that";
    checks.push(of(usize::from(MALARIA), "C5", Severity::Stop, unit));
    checks.push(of(usize::from(MALARIA), "C1", Severity::Review, shift));
    checks.push(of(usize::from(MALARIA), "C3", Severity::Info, "701 of 1,098 reports were complete in time (64 %)"));
    checks.extend((10..17).map(|at| of(at, "C2", Severity::Review, "378 of 1,102 facilities have a value (34 %)")));
    let whole = |at: usize| Whole {
        kind: Kind::Flow,
        spread: "0.2000".to_owned(),
        shift: (at != 5).then(|| if at == 2 { "4.1012".to_owned() } else { "1.0450".to_owned() }),
        with: 1098,
        of: 1106,
    };
    plan.head.whole = names.iter().enumerate().map(|(at, name)| (name.clone(), whole(at))).collect();
    plan.head.checks = checks;
    plan
}

/// The same with what is behind the cell under the cursor.
fn judged_at(size: (u16, u16), look: Look, keys: &str) -> Model {
    let mut model = opened(judged(), size, "");
    model.look = look;
    common::press_only(&mut model, keys);
    if let Some(cell) = model.detail_cell() {
        let mut behind = common::behind(cell);
        for (part, usual) in behind.parts.iter_mut().zip([0.62, 0.3, 0.15, 0.004]) {
            part.usual = Some(usual);
        }
        let history = Some(series(&["100", "110", "95", "105", "98", "102", "107", "99"]));
        update(&mut model, Msg::Detail(Ok(Detail { history, ..behind })), &now());
    }
    model
}

#[test]
fn what_the_flags_tell() {
    for size in [(60, 20), (80, 24), (120, 40), (200, 60)] {
        let shot = |name: &str, keys: &str| {
            let model = judged_at(size, PLAIN, keys);
            insta::assert_snapshot!(format!("judged_{name}_{}x{}", size.0, size.1), picture(&model));
        };
        shot("overview", "1 g");
        shot("overview_below", "1 G");
        shot("properties", "2 l l");
        shot("facilities", "3 l ]");
        shot("facilities_missing", "3 l G k k k");
    }
    let ascii = Look { mono: true, ascii: true };
    for (name, keys) in [("overview", "1 g"), ("properties", "2 l l")] {
        let model = judged_at((80, 24), ascii, keys);
        assert!(drawn(&model).content.iter().all(|cell| cell.symbol().is_ascii()), "{name}");
        insta::assert_snapshot!(format!("judged_{name}_ascii_80x24"), picture(&model));
    }
}

#[test]
fn a_reading_without_history_says_what_is_not_looked_at() {
    let mut plan = common::plan(4);
    plan.head.facilities = vec!["Kasenga HC".to_owned()];
    plan.head.without_history = true;
    let text = rows(&drawn(&opened(plan, (120, 40), "1"))).join("\n");
    assert!(text.contains("nothing looks odd; earlier quarters were not read"), "{text}");
}

#[test]
fn no_size_cuts_a_number_for_the_multiple_of_the_usual() {
    for keys in ["2 l l", "3 l j j"] {
        let mut model = judged_at((60, 40), PLAIN, keys);
        for width in 60..220 {
            update(&mut model, Msg::Resize(width, 40), &now());
            let text = rows(&drawn(&model)).join("\n");
            let row = text.lines().find(|row| row.contains("120 →") && row.contains(" 1,310 ")).unwrap_or_default();
            assert!(row.contains("+1,190"), "{keys} {width}\n{text}");
            // On Facilities it gives way to columns of fourteen digits where these have room without it.
            let has_room = if keys.starts_with('2') { width >= 80 } else { (120..140).contains(&width) };
            assert!(!has_room || row.contains(" 11x "), "{keys} {width}\n{row}");
        }
    }
}
