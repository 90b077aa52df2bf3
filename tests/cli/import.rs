//! Verdicts that go out in a spreadsheet and come back: `onse export`, a person's hand, `onse import`.

use std::{fs, sync::Arc};

use onse::{
    domain::plan::Head,
    domain::{
        flags::{Check, Flag, Severity},
        ledger::{Stamp, Step},
        plan::{Cell, Draft, Facility, Plan, Property, State},
        quarter::Quarter,
    },
    io::{
        spreadsheet,
        store::{Loaded, Store, Used},
    },
    job::session::opened,
};
use serde_json::json;

use crate::rig::{Home, Ran};

const BEDS: &str = "dhis_beds";
const OPD: &str = "dhis_opd";
const DEATHS: &str = "dhis_deaths";

fn cell(facility: u32, property: u16) -> Cell {
    Cell { facility, property }
}

/// Six facilities by three properties, everything a change: two beds are STOPs, one is a REVIEW, one reads `(0?)`; outpatients hold
/// decimals; deaths have an open STOP of the whole property.
fn plan(generation: u32, more: impl FnOnce(&mut Draft)) -> Plan {
    let facilities = (0..6).map(|i| Facility {
        case_id: format!("case{i}"),
        name: format!("Facility {i}"),
        external_id: format!("ou{i:09}"),
        ..Facility::default()
    });
    let properties = [BEDS, OPD, DEATHS].map(|name| Property { name: name.to_owned(), ..Property::default() });
    let mut head = Head::of(Quarter::parse("2026Q2").unwrap());
    head.read_at = format!("2026-07-0{generation}T09:00:00Z");
    head.generation = generation;
    let mut draft = Plan::draft(head, facilities.collect(), properties.to_vec());
    for facility in 0..6 {
        draft.set(cell(facility, 0), Some("28"), Some(&format!("{}", 31 + facility)), State::Reported);
        draft.set(cell(facility, 1), Some("1.50"), Some("2.50"), State::Reported);
        draft.set(cell(facility, 2), Some("4"), Some("16"), State::Reported);
    }
    draft.set(cell(3, 0), Some("61"), None, State::ZeroNotStored);
    draft.flag(cell(0, 0), Flag::new("S09", Severity::Stop, "below zero"));
    draft.flag(cell(1, 0), Flag::new("S09", Severity::Stop, "below zero"));
    draft.flag(cell(2, 0), Flag::new("T1", Severity::Review, "11x"));
    more(&mut draft);
    let mut plan = draft.finish();
    plan.head.checks.push(Check::of_property("C5", Severity::Stop, DEATHS, "whole column is 4.1x"));
    plan
}

fn save(store: &Store, plan: Plan) {
    let used = Used {
        profile: "main".to_owned(),
        chunk_size: 1000,
        form_xmlns: "http://commcarehq.org/dhis2-import".to_owned(),
        stamp_property: None,
        submit_user_id: String::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.save_plan(Arc::new(plan), used, Vec::new(), Vec::new())).unwrap();
    store.close();
}

/// A home with that review as `q.review`.
fn ready() -> Home {
    let home = Home::new();
    save(&Store::create(&home.path("q.review")).unwrap(), plan(1, |_| {}));
    home
}

/// Facility, property, verdict, reason.
type Said<'a> = (u32, &'a str, &'a str, &'a str);

/// Exports `from`, fills this in and saves it as `a.csv`.
fn fill(home: &Home, from: &str, said: &[Said<'_>]) {
    let _ = fs::remove_file(home.path("a.csv"));
    home.run(&["export", from, "--to", "a.csv"]).ok(0);
    write(home, said, b',');
}

fn write(home: &Home, said: &[Said<'_>], delimiter: u8) {
    let text = fs::read(home.path("a.csv")).unwrap();
    let mut table = csv::Reader::from_reader(&text[..]);
    let headings = table.headers().unwrap().clone();
    let at = |name: &str| headings.iter().position(|heading| heading.trim_start_matches('\u{feff}') == name).unwrap();
    let mut out = csv::WriterBuilder::new().delimiter(delimiter).from_path(home.path("a.csv")).unwrap();
    out.write_record(&headings).unwrap();
    let mut left = said.len();
    for row in table.records() {
        let mut row: Vec<String> = row.unwrap().iter().map(str::to_owned).collect();
        let is = |said: &&Said<'_>| row[at("case_id")] == format!("case{}", said.0) && row[at("property")] == said.1;
        if let Some((_, _, verdict, reason)) = said.iter().find(is) {
            left -= 1;
            (*verdict).clone_into(&mut row[at("verdict")]);
            (*reason).clone_into(&mut row[at("reason")]);
        }
        out.write_record(&row).unwrap();
    }
    out.flush().unwrap();
    assert_eq!(left, 0, "every row is there");
}

fn import(home: &Home, more: &[&str]) -> Ran {
    home.run(&[&["import", "q.review", "a.csv"], more].concat())
}

fn loaded(home: &Home) -> Loaded {
    Store::read_only(&home.path("q.review")).unwrap()
}

/// Approved, zeros, rejected.
fn counts(home: &Home) -> (u32, u32, u32) {
    let all = opened(loaded(home)).unwrap().ledger.all();
    (all.approved, all.zeros, all.rejected)
}

const SAID: [Said<'static>; 7] = [
    (0, BEDS, "approve", "-4 is a correction"),
    (2, BEDS, "Approve", ""),
    (3, BEDS, "zero", ""),
    (0, OPD, "approve", ""),
    (1, OPD, "reject", "=HYPERLINK(\"http://x\") \u{1b}[2J"),
    (4, OPD, "approved", ""),
    (5, DEATHS, "approve", "counted at the ward"),
];

#[test]
fn verdicts_come_back_as_one_decision() {
    let home = ready();
    fill(&home, "q.review", &SAID);
    let before = fs::read(home.path("q.review")).unwrap();
    let words = "7 verdicts from a.csv: approved 6 values (0 for 1 of them, STOP 1, REVIEW 1, no flag 4), rejected 1\n";
    let dry = import(&home, &["--dry-run"]).ok(0);
    assert_eq!(dry.out, format!("would import {words}unchanged  11 rows\n"));
    assert!(dry.err.contains("nothing was decided; to take them: onse import q.review a.csv"), "{dry:?}");
    assert_eq!(fs::read(home.path("q.review")).unwrap(), before);

    let done = import(&home, &[]).ok(0);
    assert!(done.out.starts_with(&format!("imported {words}unchanged  11 rows\ndecided  ")), "{done:?}");
    assert!(done.err.contains("onse submit q.review --write 6"), "{done:?}");
    assert_eq!(counts(&home), (5, 1, 1));
    let Loaded { entries, plan, .. } = loaded(&home);
    assert!(matches!(&entries[..], [entry] if matches!(&entry.step, Step::Import { rows, .. } if rows.len() == 7)));
    let mut ledger = opened(loaded(&home)).unwrap().ledger;
    assert_eq!(ledger.reason(cell(1, 1)), Some("=HYPERLINK(\"http://x\") \u{1b}[2J"));
    assert_eq!(ledger.last_done().unwrap(), "imported 7 verdicts from a.csv");
    ledger.undo(&plan, &Stamp { at: String::new(), who: String::new() }).unwrap();
    assert_eq!((ledger.all().decided(), ledger.all().zeros), (0, 0));
    let trail = home.run(&["show", "q.review", "--trail"]).ok(0).out;
    assert!(trail.lines().any(|line| line.ends_with("tester  decision 1: import 7 verdicts from a.csv")), "{trail}");

    // Again is nothing, and neither is a fresh export, though its reason was made inert.
    for _ in 0..2 {
        let again = import(&home, &[]).ok(0);
        assert!(again.out.starts_with("no verdict of a.csv is taken\nunchanged  18 rows\n"), "{again:?}");
        assert!(again.err.contains("nothing to do"), "{again:?}");
        fill(&home, "q.review", &[]);
    }
    assert_eq!(loaded(&home).entries.len(), 1);
}

#[test]
fn as_other_spreadsheet_programs_save_it_too() {
    let home = ready();
    home.run(&["export", "q.review", "--to", "a.csv"]).ok(0);
    write(&home, &SAID, b';');
    let text = fs::read_to_string(home.path("a.csv")).unwrap();
    fs::write(home.path("a.csv"), text.replace(";1.50;2.50;", ";1,5;2,5;")).unwrap();
    import(&home, &[]).ok(0);
    assert_eq!(counts(&home), (5, 1, 1));
}

#[test]
fn verdicts_come_back_in_a_workbook() {
    let home = ready();
    home.run(&["export", "q.review", "--to", "a.xlsx"]).ok(0);
    home.run(&["import", "q.review", "a.xlsx"]).ok(0);
    assert_eq!(counts(&home), (0, 0, 0), "nobody wrote anything into it");
    let mut rows = spreadsheet::read(&home.path("a.xlsx")).unwrap();
    rows.retain(|row| row.property == OPD);
    for row in &mut rows {
        "reject".clone_into(&mut row.verdict);
    }
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet().set_name(spreadsheet::SHEET).unwrap();
    let headings = ["case_id", "property", "mark", "old", "new", "verdict", "reason"];
    sheet.write_row(0, 0, headings).unwrap();
    for (at, row) in (1_u32..).zip(&rows) {
        sheet.write_row(at, 0, [&row.case_id, &row.property, &row.mark]).unwrap();
        sheet.write_row(at, 3, [&row.old, &row.new].map(|text| text.parse::<f64>().unwrap())).unwrap();
        sheet.write_row(at, 5, [&row.verdict, &row.reason]).unwrap();
    }
    book.save(home.path("b.xlsx")).unwrap();
    let done = home.run(&["import", "q.review", "b.xlsx"]).ok(0);
    assert!(done.out.starts_with("imported 6 verdicts from b.xlsx: rejected 6\n"), "{done:?}");
    assert_eq!(counts(&home), (0, 0, 6));
}

#[test]
fn f13_an_export_of_another_review_is_refused_by_its_marks() {
    let home = ready();
    save(&Store::create(&home.path("other.review")).unwrap(), plan(1, |_| {}));
    fill(&home, "other.review", &SAID);
    for more in [&[][..], &["--dry-run"], &["--json"]] {
        import(&home, more).refused(1, &["a.csv: it was exported from another review", "Nothing was changed"]);
    }
    assert_eq!(loaded(&home).entries, []);
    home.run(&["import", "other.review", "a.csv"]).ok(0);
}

#[test]
fn what_moved_since_is_refused_and_the_rest_is_taken() {
    let home = ready();
    fill(&home, "q.review", &[(4, BEDS, "approve", ""), (5, BEDS, "approve", ""), (5, OPD, "approve", "")]);
    let moved = |draft: &mut Draft| {
        draft.set(cell(4, 0), Some("29"), Some("35"), State::Reported);
        draft.set(cell(5, 0), Some("28"), Some("99"), State::Reported);
    };
    save(&Store::open(&home.path("q.review")).unwrap(), plan(2, moved));
    let done = import(&home, &[]).ok(5);
    assert!(
        done.out.starts_with("imported 1 verdict from a.csv: approved 1 value (STOP 0, REVIEW 0, no flag 1)\n"),
        "{done:?}"
    );
    for line in [
        "refused  2 rows, which stay as they were:\n",
        "  row 14  Facility 4  dhis_beds: old reads \"28\" in the spreadsheet, and the case holds \"29\" now. It moved",
        "  row 17  Facility 5  dhis_beds: new reads \"36\" in the spreadsheet, and DHIS2 holds \"99\" now. It moved",
    ] {
        assert!(done.out.contains(line), "{line}: {done:?}");
    }
    assert!(done.err.contains("onse export q.review --to a.csv"), "{done:?}");
    assert_eq!(counts(&home), (1, 0, 0));
    import(&home, &[]).ok(1);
}

#[test]
fn stops_ask_each_for_its_own_reason() {
    let home = ready();
    let stops = [
        (0, BEDS, "approve", "Checked"),
        (1, BEDS, "approve", "checked."),
        (2, DEATHS, "approve", ""),
        (3, DEATHS, "approve", "ok"),
    ];
    fill(&home, "q.review", &stops);
    let none = import(&home, &["--json"]).ok(6);
    let said = none.json();
    assert_eq!(
        said["counts"],
        json!({"approved": 0, "zeros": 0, "rejected": 0, "cleared": 0, "reasons": 0, "unchanged": 14, "without_verdict": 0, "refused": 4})
    );
    let keys = (&said["schema"], &said["file"], &said["spreadsheet"], &said["dry_run"]);
    assert_eq!(keys, (&json!(1), &json!("q.review"), &json!("a.csv"), &json!(false)));
    let of = |key: &str| said["refused"].as_array().unwrap().iter().map(|one| one[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("row"), [2, 5, 10, 13]);
    assert_eq!(of("case_id"), ["case0", "case1", "case2", "case3"]);
    assert_eq!(of("property"), [BEDS, BEDS, DEATHS, DEATHS]);
    let why: Vec<String> = of("reason").iter().map(|why| why.as_str().unwrap().to_owned()).collect();
    assert!(why[..2].iter().all(|why| why.contains("the same reason stands at 2 facilities")), "{why:?}");
    assert!(
        why[2..].iter().all(|why| why.contains("dhis_deaths has an open STOP (C5: whole column is 4.1x)")),
        "{why:?}"
    );
    assert!(none.err.contains("nothing was decided: every verdict asked for was refused"), "{none:?}");
    assert_eq!(loaded(&home).entries, []);

    let one = [&stops[..], &[(0, OPD, "reject", "")]].concat();
    fill(&home, "q.review", &one);
    import(&home, &["--dry-run"]).ok(5);
    import(&home, &[]).ok(5);
    assert_eq!(counts(&home), (0, 0, 1));
    home.run(&["decide", "q.review", "--where", "prop:dhis_deaths", "--settle", "--reason", "new form"]).ok(0);
    fill(
        &home,
        "q.review",
        &[(2, DEATHS, "approve", ""), (3, DEATHS, "approve", ""), (0, BEDS, "approve", "recounted")],
    );
    import(&home, &[]).ok(0);
    assert_eq!(counts(&home), (3, 0, 1));
}

#[test]
fn what_cannot_be_used_decides_nothing() {
    let home = ready();
    home.run(&["import", "q.review", "a.ods"]).refused(2, &["a .csv or an .xlsx", "a.ods"]);
    home.run(&["import", "q.review", "a"]).refused(2, &["a .csv or an .xlsx"]);
    import(&home, &[]).refused(1, &["a.csv", "Nothing was decided"]);
    fs::write(home.path("a.csv"), "one,two\n1,2\n").unwrap();
    import(&home, &[]).refused(1, &["needs the headings"]);
    fill(&home, "q.review", &[(0, OPD, "yes", ""), (1, OPD, "nein\u{1b}[2J", "")]);
    let done = import(&home, &[]).ok(1);
    assert!(
        done.out.contains("row 3  Facility 0  dhis_opd: \"yes\" is no verdict: write approve, zero, reject"),
        "{done:?}"
    );
    assert!(done.out.contains("\"nein<1B>[2J\" is no verdict") && !done.out.contains('\u{1b}'), "{done:?}");
    assert_eq!(loaded(&home).entries, []);
    home.run(&["import", "none.review", "a.csv"]).refused(1, &["none.review"]);
}

#[test]
fn who_filled_it_in_is_kept_with_the_decision() {
    let home = ready();
    fill(&home, "q.review", &[(0, OPD, "approve", "")]);
    let dry = import(&home, &["--by", "Grace O'Neill", "--dry-run"]).ok(0);
    assert!(dry.err.contains("onse import q.review a.csv --by 'Grace O'\\''Neill'"), "{dry:?}");
    for (name, words) in [("  ", "who filled it in"), (&"x".repeat(101), "at most 100 characters")] {
        import(&home, &["--by", name]).refused(2, &[words]);
    }
    assert_eq!(loaded(&home).entries, []);
    import(&home, &["--by", " Grace\u{1b} "]).ok(0);
    let label = "1 verdict from a.csv, filled in by Grace<1B>";
    let Loaded { entries, .. } = loaded(&home);
    assert!(
        matches!(&entries[..], [entry] if matches!(&entry.step, Step::Import { label: kept, .. } if kept == label))
    );
    let trail = home.run(&["show", "q.review", "--trail"]).ok(0).out;
    assert!(trail.lines().any(|line| line.ends_with(&format!("tester  decision 1: import {label}"))), "{trail}");
}
