//! What the server says of itself and of its names: hostile text, other versions, another calendar, other period types.

use onse::{
    domain::{
        plan::{Kind, State},
        text::width,
    },
    job::fetch::Ask,
    sandbox::{self, Options, Version},
    tui::{
        keymap::Press,
        model::{Look, Model, Run},
        msg::{Msg, Now, Opened},
        screen::draw,
        update::update,
    },
};
use ratatui::{buffer::Buffer, layout::Rect};
use serde_json::Value;

use crate::{
    naive::Naive,
    rig::{Act, Got, Rig},
    rows::mapping,
    support::ask,
};

/// Escape sequences, marks that turn the writing round, a line break, faces of two columns.
const HOSTILE: &str = "\u{1b}[31mMale\u{7}\u{202e}\r\n\u{200f}\u{1f600}\u{9b}2J";

/// The first tab of what was read, line by line.
pub(crate) fn overview(got: &Got, size: (u16, u16)) -> String {
    let mut model = shown(got, size);
    update(&mut model, Msg::Key(Press::parse("1").unwrap()), &Now::default());
    let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    draw(&model, &mut buf);
    let row = |y| (0..size.0).map(|x| buf[(x, y)].symbol()).collect::<String>() + "\n";
    (0..size.1).map(row).collect()
}

/// The screen with what was read on it.
fn shown(got: &Got, size: (u16, u16)) -> Model {
    let opened = got.read.as_ref().unwrap();
    let mut model = Model::new(Run::default(), Look::default(), size);
    let opened = Opened {
        plan: std::sync::Arc::clone(&opened.plan),
        ledger: opened.ledger.clone(),
        place: None,
        file: String::new(),
        sending: None,
        reset: Vec::new(),
    };
    update(&mut model, Msg::Read(Ok(Box::new(opened))), &Now::default());
    model
}

/// The facility with its first cell under the cursor, drawn row by row; how far the cursor goes down first.
async fn drawn(got: &Got, down: usize, size: (u16, u16)) -> Vec<Vec<String>> {
    let (mut model, now) = (shown(got, size), Now::default());
    for key in ["2", "enter"].into_iter().chain(std::iter::repeat_n("j", down)) {
        update(&mut model, Msg::Key(Press::parse(key).unwrap()), &now);
    }
    let cell = model.detail_cell().unwrap();
    let detail = got.session.detail(got.plan(), cell).await.unwrap();
    update(&mut model, Msg::Detail(Ok(detail)), &now);
    let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
    draw(&model, &mut buf);
    let row = |y| {
        let (mut row, mut x) = (Vec::new(), 0);
        while x < size.0 {
            let symbol = buf[(x, y)].symbol().to_owned();
            x += u16::try_from(width(&symbol).max(1)).unwrap();
            row.push(symbol);
        }
        row
    };
    (0..size.1).map(row).collect()
}

#[tokio::test]
async fn d25_names_of_category_options_are_inert_cut_and_kept_whole() {
    let rig = Rig::new(40);
    let (case, unit) = rig.open()[1].clone();
    let option = rig.options_of("gKghGP99qDe").await.remove(0);
    assert!(rig.sandbox.set_value(&unit, "gKghGP99qDe", &option, "2026Q2", Some("-4")));
    let long = format!("{HOSTILE} {}", "x".repeat(10_000));
    let name = long.clone();
    let names = move |answer: &mut Value| {
        for option in answer["categoryOptionCombos"].as_array_mut().unwrap() {
            option["name"] = name.as_str().into();
        }
    };
    let judge =
        move |path: &str| if path.contains("/categoryOptionCombos") { Act::bend(names.clone()) } else { Act::Pass };
    let mapping = mapping(&[("cured", "gKghGP99qDe", "VEqRXwmqhM1"), ("dead", "yssWGMYDkdA", "VEqRXwmqhM1")]);
    let got = rig.through(Vec::new(), judge, &Ask { mapping, ..ask(&[&case]) }).await;
    let plan = got.plan();
    assert_eq!(plan.option_name(&option), Some(long.as_str()), "kept as it came");
    let cell = plan.cells().next().unwrap();
    assert_eq!(plan.kind(cell), Kind::Change);
    assert!(plan.flags(cell).iter().any(|flag| flag.id == "S09"));
    let detail = got.session.detail(plan, cell).await.unwrap();
    assert!(detail.parts.iter().all(|part| part.name == long), "the detail has all of it");
    for size in [(60, 20), (80, 24), (100, 30), (200, 60)] {
        let rows = drawn(&got, 0, size).await;
        let text: String = rows.iter().flatten().map(String::as_str).collect();
        assert!(!text.contains(|c: char| c.is_control() || "\u{202e}\u{200f}".contains(c)), "{size:?}");
        assert!(text.contains("<1B>[31mMale<7><202E>"), "{size:?}: {text}");
        assert!(text.contains('…'), "{size:?}");
        for row in rows {
            assert_eq!(row.iter().map(|symbol| width(symbol)).sum::<usize>(), usize::from(size.0), "{row:?}");
        }
    }
    // Sentences outside the screen are inert where they are made into lines.
    assert!(plan.head.notes.iter().all(|note| !note.contains('\u{1b}')));
}

#[tokio::test]
async fn d25_names_of_data_sets_in_notes_are_inert() {
    let rig = Rig::new(40);
    let rows = [
        ("fever", sandbox::MONTHLY_SUM, sandbox::MONTHLY_SET),
        ("out", sandbox::PARTNER_ELEMENT, sandbox::PARTNER_SET),
    ];
    let bend = |answer: &mut Value| {
        for set in answer["dataSets"].as_array_mut().unwrap() {
            set["name"] = HOSTILE.into();
            for combo in set["categoryCombo"]["categoryOptionCombos"].as_array_mut().unwrap() {
                combo["name"] = HOSTILE.into();
            }
        }
    };
    let judge = move |path: &str| if path.contains("/dataSets") { Act::bend(bend) } else { Act::Pass };
    let got = rig.through(Vec::new(), judge, &Ask { mapping: mapping(&rows), ..ask(&[]) }).await;
    let notes = got.plan().head.notes.join("\n");
    assert!(notes.contains("<1B>[31mMale") && notes.contains("is Monthly") && notes.contains("too low"), "{notes}");
    assert!(!notes.contains(['\u{1b}', '\u{202e}', '\r', '\u{9b}']), "{notes:?}");
}

#[tokio::test]
async fn d26_a_version_that_was_never_tried_is_read_with_a_warning() {
    let rig = Rig::new(40);
    let truth = rig.truth().await;
    for (version, warned) in
        [("2.44.0", true), ("2.29", true), ("2.99-SNAPSHOT\u{1b}[2J", true), ("2.41.3", false), ("2.43.2", false)]
    {
        let says = move |answer: &mut Value| answer["version"] = version.into();
        let got = rig.bent(move |path| if path.contains("/system/info") { Act::bend(says) } else { Act::Pass }).await;
        got.says(&truth);
        assert_eq!(got.has_note("not one of the versions this program was tested with"), warned, "{version}");
        assert!(got.plan().head.notes.iter().all(|note| !note.contains('\u{1b}')));
        assert_eq!(got.plan().head.dhis2_version, version);
    }
}

/// What comes of the question for the version.
type Fault = fn() -> Act;

#[tokio::test]
async fn d26_a_server_that_does_not_tell_its_version_is_read_too() {
    let rig = Rig::new(40);
    let truth = rig.truth().await;
    let faults: [(Fault, &str); 4] = [
        (|| Act::page(404), ""),
        (|| Act::page(403), ""),
        (|| Act::bend(|answer| *answer = serde_json::json!({"version": null, "calendar": null})), ""),
        (|| Act::bend(|answer| answer["version"] = "next".into()), "next"),
    ];
    for (fault, version) in faults {
        let got = rig.bent(move |path| if path.contains("/system/info") { fault() } else { Act::Pass }).await;
        got.says(&truth);
        assert_eq!(got.plan().head.dhis2_version, version);
        let words = if version.is_empty() { "does not say its version" } else { "not understood, next" };
        assert!(got.note(words).contains("tested with 2.30 to 2.43"), "{:?}", got.plan().head.notes);
    }
}

#[tokio::test]
async fn q05_in_another_calendar_the_quarter_is_not_guessed() {
    for version in [Version::V36, Version::V43] {
        let calendar = "ethiopian".to_owned();
        let rig = Rig::with(&Options { facilities: 40, version, calendar, ..Options::new((2026, 2)) });
        let got = rig.read(&Ask { guessed: true, ..ask(&[]) }).await;
        let told = got.failure();
        assert!(told.contains("ethiopian calendar") && told.contains("--period"), "{told}");
        assert_eq!(got.asked.len(), 1, "nothing else is asked");
        let got = rig.read(&Ask { guessed: false, ..ask(&[]) }).await;
        got.says(&rig.truth().await);
        assert!(got.note("calendar").contains("ethiopian"));
    }
    for calendar in ["iso8601", "gregorian", ""] {
        let calendar = calendar.to_owned();
        let rig = Rig::with(&Options { facilities: 40, calendar, ..Options::new((2026, 2)) });
        let got = rig.read(&Ask { guessed: true, ..ask(&[]) }).await;
        assert!(got.read.is_ok() && !got.has_note("calendar"));
    }
}

/// Quarters of a financial year are another period type, though their ids may look alike.
#[tokio::test]
async fn q06_quarters_of_a_financial_year_are_no_quarters() {
    let types = ["QuarterlyNov", "FinancialApril", "SixMonthly", "Yearly", "quarterly"];
    for (number, period_type) in types.into_iter().enumerate() {
        let rig = Rig::new(40);
        let set = ask(&[]).mapping.usable().next().unwrap().data_set.clone();
        let of = set.clone();
        let fiscal = move |answer: &mut Value| {
            for found in answer["dataSets"].as_array_mut().unwrap().iter_mut().filter(|found| found["id"] == *of) {
                found["periodType"] = period_type.into();
            }
        };
        let judge = move |path: &str| if path.contains("/dataSets?") { Act::bend(fiscal.clone()) } else { Act::Pass };
        let got = rig.bent(judge).await;
        let mut wanted = rig.truth().await;
        let mapping = ask(&[]).mapping;
        for ((_, property), cell) in &mut wanted {
            if mapping.usable().any(|row| row.property == *property && row.data_set == set) {
                *cell = (State::WrongPeriodType, None, None);
            }
        }
        got.says(&wanted);
        assert!(
            got.plan().head.notes.iter().any(|note| note.contains(&set) && note.contains(period_type)),
            "{number}: {:?}",
            got.plan().head.notes
        );
    }
}

#[tokio::test]
async fn q06_a_yearly_data_set_with_the_same_data_element_does_not_lend_its_column_a_number() {
    let rig = Rig::new(40);
    let naive = Naive::new(&rig.sandbox, rig.user);
    // The census shares its data elements with a quarterly data set.
    let sets = naive.ask("dataSets?fields=id,periodType,dataSetElements[dataElement[id]]&paging=false").await.1;
    let yearly = sets["dataSets"].as_array().unwrap().iter().find(|set| set["periodType"] == "Yearly").unwrap();
    let (census, element) = (&yearly["id"], &yearly["dataSetElements"][0]["dataElement"]["id"]);
    let (census, element) = (census.as_str().unwrap(), element.as_str().unwrap());
    let quarterly = ask(&[]).mapping.usable().find(|row| row.data_element == element).unwrap().data_set.clone();
    let mapping = mapping(&[("counted", element, census), ("reported", element, &quarterly)]);
    let ask = Ask { mapping, ..ask(&[]) };
    let got = rig.read(&ask).await;
    got.says(&naive.cells(&rig.sandbox, &ask.mapping).await.0);
    let of = |name: &'static str| got.cells().into_iter().filter(move |((_, property), _)| property == name);
    assert!(of("counted").all(|(_, cell)| cell.0 == State::WrongPeriodType));
    assert!(of("reported").filter(|(_, cell)| cell.0 == State::Reported).count() > 20);
}
