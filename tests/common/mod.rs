//! A review as data, without any server: the real property names, a few facilities that ask for something, and as many
//! ordinary ones as wanted. The numbers are made up; the same every time.
#![expect(clippy::unwrap_used, reason = "a sample that cannot be built is a broken test")]

use std::sync::Arc;

use onse::{
    domain::{
        flags::{Flag, Severity},
        ledger::{Act, Ledger, Stamp},
        plan::{Cell, Draft, Facility, Head, Plan, Property, Skipped, State},
        quarter::Quarter,
    },
    job::report::{Detail, PartLine},
    tui::{
        keymap::Press,
        model::{Look, Model, Run},
        msg::{Cmd, Msg, Now, Opened},
        update::update,
    },
};

/// Names that go first; one in wide characters, one with escape sequences.
const NAMES: [&str; 14] = [
    "Kasenga HC",
    "Chitowe RH",
    "Zukula HC",
    "Tsanga HC",
    "Nkhula HC",
    "Bwanje Hill HC",
    "Luvuzi HC",
    "Mulozi HC",
    "Matope South Community Health Centre",
    "診療所 湖畔 (Likoma)",
    "Evil \u{1b}[31mHC\u{7}\u{202e}",
    "Namisu HC",
    "Ulongo RH",
    "Vinthu HC",
];

/// Properties, by their line in the mapping.
pub(crate) mod property {
    pub(crate) const DISCUSSED: u16 = 0;
    pub(crate) const ADMISSIONS: u16 = 1;
    pub(crate) const MALARIA: u16 = 2;
    pub(crate) const BUDGET: u16 = 3;
    pub(crate) const EXPENDITURE: u16 = 4;
    pub(crate) const SUPERVISED: u16 = 5;
    pub(crate) const AMBULANCES: u16 = 6;
    pub(crate) const BEDS: u16 = 7;
    pub(crate) const CURED: u16 = 9;
}

pub(crate) fn cell(facility: u32, property: u16) -> Cell {
    Cell { facility, property }
}

pub(crate) fn now() -> Now {
    Now { at: "2026-07-05T11:00:00Z".to_owned(), ..Now::default() }
}

fn facilities(number: u32) -> Vec<Facility> {
    let name = |i: u32| match NAMES.get(usize::try_from(i).unwrap()) {
        Some(name) => (*name).to_owned(),
        None => format!("Area {i} HC"),
    };
    (0..number)
        .map(|i| Facility {
            case_id: format!("7f3ac21{i:x}-5e2b-4f8d-9c11-0a2b3c4d5e6f"),
            name: name(i),
            external_id: format!("qX{i:09}"),
            closed: false,
            unit_name: Some(name(i)),
        })
        .collect()
}

fn properties() -> Vec<Property> {
    let sets = [("q1Es3k3sZem", "HMIS-15"), ("uk3Vkwy5cIe", "HMIS-17"), ("VEqRXwmqhM1", "TB treatment outcomes")];
    let map = include_str!("../../case_property_map.csv");
    let row = |(line, text): (usize, &str)| {
        let mut fields = text.splitn(4, ',').map(str::to_owned);
        let mut next = || fields.next().unwrap();
        let (name, data_element, data_set, title) = (next(), next(), next(), next());
        let known = sets.iter().find(|(id, _)| *id == data_set).map(|(_, name)| (*name).to_owned());
        Property {
            name,
            element_name: title.clone(),
            title,
            data_element,
            line: u64::try_from(line + 1).unwrap(),
            value_type: "NUMBER".to_owned(),
            data_set_name: known.unwrap_or_default(),
            data_set,
        }
    };
    map.lines().enumerate().skip(1).map(row).collect()
}

fn head() -> Head {
    Head {
        quarter: Quarter::parse("2026Q2").unwrap(),
        project: "onse-demo".to_owned(),
        label: "SANDBOX".to_owned(),
        dhis2: "https://hmis.example.org".to_owned(),
        commcare: "https://www.example.org".to_owned(),
        mapping: "case_property_map.csv, 21 rows".to_owned(),
        mapping_rows: 21,
        case_type: "facility_supervision".to_owned(),
        read_at: "2026-07-05T09:00:00Z".to_owned(),
        generation: 1,
        scope: "whole project".to_owned(),
        mapping_problems: vec!["line 24: data set rkyO2EAX45C is monthly, the quarter holds no row of it".to_owned()],
        notes: Vec::new(),
        ..Head::of(Quarter::parse("2026Q2").unwrap())
    }
}

/// Ordinary values: most stay, some rise a little, some are not reported.
fn fill(draft: &mut Draft) {
    for at in draft.plan().cells().collect::<Vec<_>>() {
        let number = u64::from(at.facility) * 37 + u64::from(at.property) * 11;
        let scale = if matches!(at.property, property::BUDGET | property::EXPENDITURE) { 24_507 } else { 1 };
        let old = (number % 397 + 3) * scale;
        let text = old.to_string();
        match number % 7 {
            0 | 1 => draft.set(at, Some(&text), Some(&(old + number % 19 * scale + 1).to_string()), State::Reported),
            2 => draft.set(at, Some(&text), None, State::NotReported),
            3 if number % 2 == 0 => draft.set(at, Some(&text), None, State::BlankInReport),
            _ => draft.set(at, Some(&text), Some(&text), State::Reported),
        }
    }
}

/// What asks for something.
fn oddities(draft: &mut Draft) {
    use property::{ADMISSIONS, AMBULANCES, BEDS, BUDGET, CURED, DISCUSSED, EXPENDITURE, MALARIA, SUPERVISED};
    let kasenga = [
        (DISCUSSED, Some("2"), Some("3"), State::Reported),
        (ADMISSIONS, Some("902"), Some("2204"), State::Reported),
        (MALARIA, Some("120"), Some("1310"), State::Reported),
        (BUDGET, Some("4500000"), Some("15210000.75"), State::Reported),
        (EXPENDITURE, Some("987654321.5"), Some("98765432109876"), State::Reported),
        (SUPERVISED, None, Some("7"), State::Reported),
        (AMBULANCES, Some("1"), Some("0"), State::ReportedZero),
        (BEDS, Some("28"), None, State::NotReported),
        (8, Some("5120"), None, State::BlankInReport),
        (CURED, Some("12"), Some("12 (est)\u{1b}[2J"), State::NonNumeric),
        (10, Some("about 12, see register"), Some("14"), State::Reported),
    ];
    for (property, old, held, state) in kasenga {
        draft.set(cell(0, property), old, held, state);
    }
    let stop = |id: &str, text: &str| Flag::new(id, Severity::Stop, text);
    let review = |id: &str, text: &str| Flag::new(id, Severity::Review, text);
    draft.flag(cell(0, MALARIA), stop("S06", "total 655 and breakdown 655 both entered"));
    draft.flag(cell(0, MALARIA), review("S11", "\"under 5, male\" is marked for follow-up in DHIS2"));
    draft.flag(cell(0, ADMISSIONS), review("S07", "sum of 2 attribute options: Government, Mission"));
    draft.set(cell(1, BEDS), Some("31"), Some("-4"), State::Reported);
    draft.flag(cell(1, BEDS), stop("S09", "-4 in \"default\""));
    draft.set(cell(2, AMBULANCES), Some("2"), Some("2.5"), State::Reported);
    draft.flag(cell(2, AMBULANCES), review("S10", "2.5 in a whole-number field"));
    draft.set(cell(3, MALARIA), Some("77"), Some("19"), State::Reported);
    draft.flag(cell(3, MALARIA), review("S07", "sum of 2 attribute options: Government, Mission"));
    draft.skip(Skipped {
        case_id: "c9".to_owned(),
        case_name: "Old clinic".to_owned(),
        reason: "no external id".to_owned(),
    });
}

/// A plan of so many facilities, at least four.
pub(crate) fn plan(number: u32) -> Plan {
    plan_with(number, |_, _| {}, |_| {})
}

/// The same with facilities and cells of one's own.
pub(crate) fn plan_with(number: u32, facility: impl Fn(usize, &mut Facility), more: impl FnOnce(&mut Draft)) -> Plan {
    let mut all = facilities(number);
    for (at, one) in all.iter_mut().enumerate() {
        facility(at, one);
    }
    let mut draft = Plan::draft(head(), all, properties());
    fill(&mut draft);
    oddities(&mut draft);
    more(&mut draft);
    draft.finish()
}

/// What is behind the malaria cell of Kasenga.
pub(crate) fn behind(cell: Cell) -> Detail {
    let part = |name: &str, value: Option<&str>| PartLine {
        name: name.to_owned(),
        value: value.map(str::to_owned),
        stored_by: Some("ward.clerk".to_owned()),
        last_updated: Some("2026-07-04T10:12:00.000".to_owned()),
        ..PartLine::default()
    };
    let mut parts = vec![
        part("under 5, female", Some("640")),
        part("under 5, male", Some("402")),
        part("5 and over, female", Some("201")),
        part("5 and over, male", Some("67")),
        part("not known", None),
    ];
    parts[1].follow_up = true;
    parts[2].attribute = Some("Mission".to_owned());
    parts[4].comment = Some("register was\u{1b}[2J wet".to_owned());
    Detail { cell, parts, history: None }
}

/// What the program knows before it reads.
pub(crate) fn run() -> Run {
    Run {
        project: "onse-demo".to_owned(),
        label: "SANDBOX".to_owned(),
        dhis2: "hmis.example.org".to_owned(),
        quarter: "2026Q2".to_owned(),
        file: "2026Q2.review".to_owned(),
        account: "ops@example.org".to_owned(),
        who: "Grace".to_owned(),
        read_only: None,
        not_again: None,
    }
}

/// A model with a review of so many facilities, some of them decided, opened at Overview.
pub(crate) fn model(number: u32, look: Look, size: (u16, u16)) -> Model {
    let plan = plan(number);
    let mut ledger = Ledger::new(&plan);
    let stamp = Stamp { at: now().at, who: "Grace".to_owned() };
    let first = ledger.undecided(&plan, plan.row(0)).plain;
    ledger.decide(&plan, Act::Approve, first.into_iter().skip(1).take(3), None, "3 in Kasenga HC", &stamp).unwrap();
    ledger.decide(&plan, Act::Reject, [cell(0, property::AMBULANCES)], None, "ambulances", &stamp).unwrap();
    let sixth = ledger.undecided(&plan, plan.row(5)).plain;
    ledger.decide(&plan, Act::Approve, sixth, None, "all in Bwanje Hill HC", &stamp).unwrap();
    let opened = Opened {
        plan: Arc::new(plan),
        ledger,
        place: None,
        file: "2026Q2.review".to_owned(),
        sending: None,
        reset: Vec::new(),
    };
    let mut model = Model::new(run(), look, size);
    update(&mut model, Msg::Read(Ok(Box::new(opened))), &now());
    model
}

/// Presses keys written as `2 j j a`, acknowledges decisions at once, and answers what is asked about the last cell.
pub(crate) fn press(model: &mut Model, keys: &str) {
    press_only(model, keys);
    if let Some(cell) = model.detail_cell() {
        update(model, Msg::Detail(Ok(behind(cell))), &now());
    }
}

/// The same without an answer about the last cell.
pub(crate) fn press_only(model: &mut Model, keys: &str) {
    for key in keys.split_whitespace() {
        for command in update(model, Msg::Key(Press::parse(key).unwrap()), &now()) {
            if let Cmd::Record(entry) = command {
                update(model, Msg::Recorded(entry.seq, Ok(())), &now());
            }
        }
    }
}
