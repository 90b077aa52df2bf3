//! A small review with something of everything in it, and its way out and back.

use std::{collections::BTreeMap, fs};

use onse::{
    domain::{
        flags::{Check, Flag, Severity},
        history::{Cached, Change, Sheet},
        ledger::{Act, Ledger, Stamp},
        plan::{Cell, Facility, Head, Plan, Property, Skipped, State},
        quarter::Quarter,
        returned::Returned,
        total::Part,
    },
    io::spreadsheet::read,
    job::export::View,
};

/// The id of the review file.
pub(crate) const REVIEW: &str = "6f1b0c9e";

pub(crate) fn at(facility: u32, property: u16) -> Cell {
    Cell { facility, property }
}

/// A review and what was decided in it.
pub(crate) struct Desk {
    pub(crate) plan: Plan,
    pub(crate) ledger: Ledger,
    pub(crate) parts: BTreeMap<(u32, String), Vec<Part>>,
    pub(crate) history: BTreeMap<(u32, String), Sheet>,
}

fn facility(number: usize, name: &str) -> Facility {
    Facility {
        case_id: format!("{:032x}", number + 0xab00),
        name: name.to_owned(),
        external_id: format!("Ou{number:09}"),
        ..Facility::default()
    }
}

fn property(number: usize, name: &str, title: &str, set: &str) -> Property {
    Property {
        name: name.to_owned(),
        data_element: format!("De{number:09}"),
        data_set: format!("Ds{:09}", number / 2),
        title: title.to_owned(),
        element_name: title.to_owned(),
        data_set_name: set.to_owned(),
        ..Property::default()
    }
}

/// Two quarters of the first cell.
fn past() -> BTreeMap<(u32, String), Sheet> {
    let quarters = ["2026Q1", "2025Q4"].map(|text| Quarter::parse(text).unwrap());
    let row = |at: usize, value| Change {
        element: "De000000000",
        quarter: quarters[at],
        category_option_combo: "coc1",
        attribute_option_combo: "",
        value: Some(value),
    };
    let mut cached = Cached::unknown(&["u".to_owned()], &["De000000000".to_owned()], &quarters);
    cached.read("u", &quarters, &[row(0, "29"), row(1, "28.5")], jiff::Timestamp::UNIX_EPOCH);
    [((0, "Ds000000000".to_owned()), cached.sheet("u", &["De000000000"].into()))].into()
}

/// Every kind of cell: plain, STOP, REVIEW, `(0?)`, absent, texts that a spreadsheet would calculate, numbers it would round.
pub(crate) fn plan() -> Plan {
    let names = ["Matope Health Centre", "Área 25 Clínica", "=cmd|' /C calc'!A0", "Zomba \u{1b}[31mHC; -5+A1"];
    let head = Head {
        project: "onse-demo".to_owned(),
        label: "PRODUCTION".to_owned(),
        dhis2: "https://dhis2.example.org".to_owned(),
        commcare: "https://hq.example.org".to_owned(),
        case_type: "facility_supervision".to_owned(),
        mapping: "case_property_map.csv".to_owned(),
        mapping_rows: 4,
        read_at: "2026-07-05T09:00:00Z".to_owned(),
        scope: "whole project".to_owned(),
        notes: vec!["@note of the reading".to_owned()],
        ..Head::of(Quarter::parse("2026Q2").unwrap())
    };
    let properties = vec![
        property(0, "dhis_beds", "Number of beds", "Facility status (quarterly)"),
        property(1, "dhis_staff", "Clinical staff on post", "Facility status (quarterly)"),
        property(2, "dhis_births", "Live births", "Maternity (quarterly)"),
        property(3, "dhis_stock", "-Stock-outs", "Supply (quarterly)"),
    ];
    let facilities = names.iter().enumerate().map(|(number, name)| facility(number, name)).collect();
    let mut draft = Plan::draft(head, facilities, properties);
    draft.set(at(0, 0), Some("28"), Some("31"), State::Reported);
    draft.set_usual(at(0, 0), Some("29"));
    draft.set(at(0, 1), Some("120"), Some("1310"), State::Reported);
    draft.set_usual(at(0, 1), Some("118"));
    draft.flag(at(0, 1), Flag::new("T1", Severity::Stop, "1,310 is 11x the usual 118 (8 quarters)"));
    draft.set(at(0, 2), Some("61"), None, State::ZeroNotStored);
    draft.set(at(0, 3), Some("12.0"), Some("0012"), State::Reported);
    draft.set(at(1, 0), Some("12.0"), Some("13"), State::Reported);
    draft.flag(at(1, 0), Flag::new("T2", Severity::Review, "-13 is 2.6x the usual 5 (8 quarters)"));
    draft.set(at(1, 1), Some("=1+1"), Some("36.5"), State::Reported);
    draft.flag(at(1, 1), Flag::new("S35", Severity::Info, "no word in common"));
    draft.set(at(1, 2), Some("9007199254740993"), Some("123456789012345678"), State::Reported);
    draft.set(at(1, 3), None, Some("-4"), State::Reported);
    draft.flag(at(1, 3), Flag::new("S09", Severity::Stop, "-4 is below zero"));
    draft.set(at(2, 0), Some("007"), Some("0.30000000000000004"), State::Reported);
    draft.set(at(2, 1), Some("5"), Some("12 (est)"), State::NonNumeric);
    draft.set(at(2, 2), Some("@x\u{1f}é"), Some("1E3"), State::Reported);
    draft.set(at(2, 3), Some("'-A1"), Some("8"), State::Reported);
    draft.set(at(3, 0), Some("7"), Some("7"), State::Reported);
    draft.set(at(3, 1), Some("1,200"), Some("1200"), State::Reported);
    draft.skip(Skipped {
        case_id: "c9".to_owned(),
        case_name: "+Old HC".to_owned(),
        reason: "no external id".to_owned(),
    });
    draft.name("coc1".to_owned(), "Female".to_owned());
    draft.name("coc2".to_owned(), "Male".to_owned());
    let checks = vec![
        Check::of_run("R1", Severity::Review, "4 facilities, last time 40"),
        Check::of_property("C5", Severity::Stop, "dhis_stock", "whole column is 4.1x the quarters before"),
    ];
    draft.say(checks, BTreeMap::new());
    draft.finish()
}

impl Desk {
    pub(crate) fn new() -> Self {
        let plan = plan();
        let mut ledger = Ledger::new(&plan);
        let stamp = Stamp { at: "2026-07-06T10:00:00Z".to_owned(), who: "grace".to_owned() };
        ledger.decide(&plan, Act::Approve, [at(0, 0)], None, "", &stamp).unwrap();
        ledger.decide(&plan, Act::Approve, [at(1, 3)], Some("-4 asked Dr Phiri"), "", &stamp).unwrap();
        ledger.decide(&plan, Act::Reject, [at(1, 0)], Some("wrong ward"), "", &stamp).unwrap();
        ledger.put_note(&plan, [at(1, 0)], "call again", "", &stamp).unwrap();
        let part = |option: &str, value: &str| Part {
            data_element: "De000000000".to_owned(),
            category_option_combo: option.to_owned(),
            value: Some(value.to_owned()),
            ..Part::default()
        };
        let parts = [((0, "Ds000000000".to_owned()), vec![part("coc1", "17"), part("coc2", "14")])].into();
        let history = past();
        Self { plan, ledger, parts, history }
    }

    pub(crate) fn view<T>(&self, cells: &[Cell], with: impl FnOnce(&View<'_>) -> T) -> T {
        with(&View {
            review: REVIEW,
            plan: &self.plan,
            ledger: &self.ledger,
            forms: &[],
            parts: &self.parts,
            history: &self.history,
            cells,
        })
    }

    pub(crate) fn cells(&self) -> Vec<Cell> {
        self.plan.cells().collect()
    }

    pub(crate) fn xlsx(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.view(&self.cells(), |view| view.xlsx(&mut bytes)).unwrap();
        bytes
    }

    pub(crate) fn csv(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.view(&self.cells(), |view| view.csv(&mut bytes)).unwrap();
        bytes
    }
}

/// The rows of a file of these bytes; the error in words, without the folder.
pub(crate) fn back(bytes: &[u8]) -> Result<Vec<Returned>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("filled.in");
    fs::write(&path, bytes).unwrap();
    read(&path).map_err(|error| format!("{error:#}").replace(&format!("{}/", folder.path().display()), ""))
}
