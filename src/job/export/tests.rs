use serde_json::{Value, json};

use super::*;
use crate::{
    domain::{
        flags::{Check, Flag, Severity},
        history::{Cached, Change},
        ledger::{Act, Stamp},
        plan::{Skipped, sample},
    },
    job::report::{FormLine, Held},
};

fn cell(facility: u32, property: u16) -> Cell {
    Cell { facility, property }
}

fn plan() -> Plan {
    sample(2, 2, |draft| {
        draft.set(cell(0, 1), None, Some("12 (est)\u{9b}31m"), State::NonNumeric);
        draft.set(cell(1, 0), Some(""), Some("0"), State::ReportedZero);
        draft.set(cell(1, 1), Some("5"), None, State::NotReported);
        draft.flag(cell(0, 0), Flag::new("S09", Severity::Stop, "below zero"));
        draft.skip(Skipped { case_id: "x".into(), case_name: "Old".into(), reason: "no external id".into() });
        draft.name("c1".to_owned(), "Female".to_owned());
    })
}

/// What was asked of earlier quarters of the first facility: 12 in 2026Q1 and a text in 2025Q4, of its first property only.
fn history() -> BTreeMap<(u32, String), Sheet> {
    let quarter = |text| crate::domain::quarter::Quarter::parse(text).unwrap();
    let (quarters, elements) = ([quarter("2026Q1"), quarter("2025Q4")], ["de000000000".to_owned()]);
    let row = |at: usize, option, value| Change {
        element: "de000000000",
        quarter: quarters[at],
        category_option_combo: option,
        attribute_option_combo: "",
        value: Some(value),
    };
    let mut cached = Cached::unknown(&["u".to_owned()], &elements, &quarters);
    let rows = [row(0, "c1", "5"), row(0, "c2", "7"), row(1, "c1", "a few")];
    cached.read("u", &quarters, &rows, jiff::Timestamp::UNIX_EPOCH);
    [((0, String::new()), cached.sheet("u", &["de000000000"].into()))].into()
}

fn printed(cells: &[Cell]) -> (Value, String, String) {
    let plan = plan();
    let mut ledger = Ledger::new(&plan);
    let stamp = Stamp { at: String::new(), who: String::new() };
    ledger.decide(&plan, Act::Approve, [cell(0, 0)], Some("checked"), "", &stamp).unwrap();
    let part = Part {
        data_element: "de000000000".into(),
        category_option_combo: "c1".into(),
        value: Some("1".into()),
        ..Part::default()
    };
    let parts = [((0, String::new()), vec![part])].into();
    let form = Form {
        number: 1,
        form_id: "f".into(),
        generation: 1,
        frozen_at: String::new(),
        size: 0,
        cells: vec![crate::io::store::FormCell {
            facility: 0,
            property: 0,
            old: Some("0".into()),
            new: "1".into(),
            since: None,
        }],
        sent: Outcome::Applied,
        answer: None,
        seen: Vec::new(),
    };
    let view =
        View { review: "", plan: &plan, ledger: &ledger, forms: &[form], parts: &parts, history: &history(), cells };
    let (mut json, mut table) = (Vec::new(), Vec::new());
    view.json(&mut json).unwrap();
    view.table(&mut table).unwrap();
    let json = String::from_utf8(json).unwrap();
    (serde_json::from_str(&json).unwrap(), json, String::from_utf8(table).unwrap())
}

#[test]
fn json_is_the_contract() {
    let (value, text, _) = printed(&plan().cells().collect::<Vec<_>>());
    assert_eq!(value["schema"], 1);
    assert_eq!(value["period"], "2026Q2");
    assert_eq!(
        (&value["mapping_rows"], &value["properties"]),
        (&json!(5), &json!(2)),
        "rows, and columns made of them"
    );
    assert_eq!(
        value["counts"],
        json!({"facilities": 2, "cells": 4, "changes": 2, "same": 0, "without_value": 2, "approved": 1,
               "rejected": 0, "undecided": 1, "may_be_zero": 0, "zeros": 0, "zeros_kept": 0, "sent": 0})
    );
    let first = &value["facilities"][0]["cells"][0];
    for (key, expected) in [("old", "0"), ("new", "1"), ("verdict", "approve"), ("state", "REPORTED")] {
        assert_eq!(first[key], expected, "{key}");
    }
    assert_eq!(first["outcome"], "APPLIED");
    assert_eq!(first["reason"], "checked");
    assert_eq!(first["flags"][0], json!({"id": "S09", "severity": "STOP", "sentence": "below zero"}));
    assert_eq!(first["parts"][0]["name"], "Female");
    let past = json!([{"period": "2026Q1", "value": "12"}, {"period": "2025Q4", "value": null}]);
    assert_eq!(first["history"], past);
    let second = &value["facilities"][0]["cells"][1];
    assert!(second["old"].is_null() && second["new"].is_null() && second["verdict"].is_null());
    assert!(second["history"].is_null(), "not asked for");
    assert_eq!(value["facilities"][1]["cells"][0]["old"], "");
    assert_eq!(value["skipped"], json!([{"case_id": "x", "case_name": "Old", "reason": "no external id"}]));
    assert!(text.starts_with("{\"schema\":1,\"period\":"), "{text}");
}

#[test]
fn checks_are_told_with_what_settled_them() {
    let mut plan = plan();
    plan.head.checks = vec![
        Check::of_run("R1", Severity::Review, "2 facilities, last time 40"),
        Check::of_property("C5", Severity::Stop, "dhis_p0", "4.1x\u{1b}"),
        Check::of_property("C6", Severity::Stop, "dhis_p1", "all equal"),
    ];
    let mut ledger = Ledger::new(&plan);
    let stamp = Stamp { at: String::new(), who: String::new() };
    ledger.settle(&plan, 0, "new form", &stamp).unwrap();
    let lines: Vec<String> =
        summary(&plan, &ledger).into_iter().filter(|line| line.contains("STOP C") || line.contains(" R1")).collect();
    assert_eq!(
        lines,
        [
            "REVIEW R1: 2 facilities, last time 40",
            "STOP C5 dhis_p0: 4.1x<1B>   settled: new form",
            "STOP C6 dhis_p1: all equal"
        ]
    );
    let (parts, history) = (BTreeMap::new(), BTreeMap::new());
    let view =
        View { review: "", plan: &plan, ledger: &ledger, forms: &[], parts: &parts, history: &history, cells: &[] };
    let mut out = Vec::new();
    view.json(&mut out).unwrap();
    let value: Value = serde_json::from_slice(&out).unwrap();
    let check = |id, severity, property, sentence, settled: Value| json!({"id": id, "severity": severity, "property": property, "sentence": sentence, "settled": settled});
    let run = json!({"id": "R1", "severity": "REVIEW", "property": null, "sentence": "2 facilities, last time 40",
                     "settled": null});
    let c5 = check("C5", "STOP", "dhis_p0", "4.1x\u{1b}", json!("new form"));
    assert_eq!(value["checks"], json!([run, c5, check("C6", "STOP", "dhis_p1", "all equal", Value::Null)]));
}

#[test]
fn json_keeps_text_as_stored_and_inert() {
    let (mut out, name) = (Vec::new(), "a\u{9b}\u{202e}\u{7f}\u{1b}é\u{e0001}\"");
    write(&name, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert_eq!(inert(&text), text);
    assert_eq!(serde_json::from_str::<String>(&text).unwrap(), name);
    assert!(text.contains('é'), "{text}");
}

#[test]
fn narrowing_keeps_the_counts_of_the_whole() {
    let (value, _, table) = printed(&[cell(0, 1)]);
    assert_eq!(value["counts"]["cells"], 4);
    assert_eq!(value["facilities"].as_array().unwrap().len(), 1);
    assert_eq!(table.lines().count(), 2);
    assert!(table.contains("\"12 (est)<9B>31m\""), "{table}");
}

#[test]
fn the_table_says_what_became_of_each_cell() {
    let (_, _, table) = printed(&plan().cells().collect::<Vec<_>>());
    let mut lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.remove(2), "    last 4: 12 - - -    a year ago -    usual 12", "{table}");
    assert!(lines[1].contains("approve") && lines[1].contains("STOP S09") && lines[1].ends_with("APPLIED"));
    assert!(lines[3].contains("undecided") && lines[4].contains("not reported"), "{table}");
}

#[test]
fn a_submission_names_forms_and_what_was_held() {
    let plan = plan();
    let line = |number, outcome, form_id: Option<&str>| FormLine {
        number,
        first: String::new(),
        last: String::new(),
        facilities: 3,
        changes: 4,
        form_id: form_id.map(str::to_owned),
        outcome,
        answer: None,
        replaced: false,
        cells: [].into(),
    };
    let sending = Sending {
        forms: vec![
            line(1, Some(Outcome::Applied), Some("a")),
            line(2, Some(Outcome::Frozen), Some("b")),
            line(3, None, None),
        ],
        held: vec![Held { cell: cell(0, 0), now: None, already_set: false, moved: true, why: "gone".into() }],
        elsewhere: vec![Held {
            cell: cell(0, 0),
            now: Some("8".into()),
            already_set: true,
            moved: false,
            why: "so already".into(),
        }],
        applied: 4,
        unknown: 4,
        changes: 12,
        ..Sending::default()
    };
    let mut out = Vec::new();
    submission(&plan, &sending, &mut out).unwrap();
    let value: Value = serde_json::from_slice(&out).unwrap();
    let outcomes: Vec<&Value> = value["forms"].as_array().unwrap().iter().map(|form| &form["outcome"]).collect();
    assert_eq!(outcomes, [&json!("APPLIED"), &json!("UNKNOWN"), &Value::Null]);
    assert_eq!(value["forms"][0]["cases"], 3);
    assert_eq!(value["held"][0]["reason"], "gone");
    assert_eq!((&value["already_set"][0]["now"], &value["already_set"][0]["already_set"]), (&json!("8"), &json!(true)));
    assert_eq!((&value["counts"]["held"], &value["counts"]["already_set"]), (&json!(1), &json!(1)));
}
