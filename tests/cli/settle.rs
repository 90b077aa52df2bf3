//! A property with an open STOP, in lines: what bulk approvals are told, what settles it, and where it is shown.

use std::sync::Arc;

use onse::{
    domain::flags::{Check, Severity},
    io::store::{Loaded, Store},
};
use serde_json::{Value, json};

use crate::rig::{Home, Servers, cells, ready, stops};

const CLINICS: &str = "dhis_village_clinics";
const SENTENCE: &str = "whole column is 4.1x the quarters before";

/// A review of the sandbox in which the village clinics have a STOP and another property too, and nothing else is said of any.
fn checked() -> (Home, Servers, String) {
    let (home, servers) = ready();
    home.run(&["plan", "-o", "read.review"]).ok(3);
    let Loaded { mut plan, used, .. } = Store::read_only(&home.path("read.review")).unwrap();
    let changes = |name: &str| {
        let at = plan.find_property(name).unwrap();
        plan.column(at).filter(|at| plan.new_value(*at).is_some() && plan.severity(*at).is_none()).count()
    };
    let others = plan.properties().iter().map(|one| one.name.clone()).filter(|name| name != CLINICS);
    let other = others.max_by_key(|name| changes(name)).unwrap();
    plan.head.checks = vec![
        Check::of_run("R1", Severity::Review, "40 facilities, last time 44"),
        Check::of_property("C5", Severity::Stop, CLINICS, SENTENCE),
        Check::of_property("C6", Severity::Stop, &other, "all equal\u{1b}"),
    ];
    let store = Store::create(&home.path("q.review")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(store.save_plan(Arc::new(plan), used, Vec::new(), Vec::new())).unwrap();
    store.close();
    (home, servers, other)
}

fn decide(home: &Home, words: &str, more: &[&str]) -> crate::rig::Ran {
    home.run(&[&["decide", "q.review", "--where", words], more].concat())
}

fn shown(home: &Home) -> Value {
    home.run(&["show", "q.review", "--json"]).ok(0).json()
}

#[test]
fn bulk_approvals_are_refused_as_a_whole_until_it_is_settled_or_left_out() {
    let (home, _servers, other) = checked();
    let both = [CLINICS, &other, "(C5: whole column", "(C6: all equal<1B>)", "--settle --reason TEXT", "Nothing was"];
    decide(&home, "", &["--approve"]).refused(6, &both);
    decide(&home, "", &["--approve", "--reason", "because"]).refused(6, &["-prop:dhis_village_clinics"]);
    decide(&home, "prop:village_clinics", &["--approve"]).refused(6, &[CLINICS, "takes no bulk approval"]);
    assert_eq!(shown(&home)["counts"]["approved"], 0, "nothing of it");

    decide(&home, &format!("-prop:{CLINICS} -prop:{other}"), &["--approve"]).ok(0);
    let before = shown(&home);
    assert!(before["counts"]["approved"].as_u64().unwrap() > 0);
    let of = |review: &Value| {
        let approved = |(_, cell): &(String, Value)| cell["property"] == CLINICS && cell["verdict"] == "approve";
        cells(review).into_iter().filter(approved).count()
    };
    assert_eq!(of(&before), 0);

    // One that is named is decided as ever.
    let open = |(_, cell): &(String, Value)| cell["property"] == CLINICS && !cell["new"].is_null() && !stops(cell);
    let mut free = cells(&before).into_iter().filter(open).filter(|(_, cell)| cell["old"] != cell["new"]);
    let case = free.next().unwrap().0;
    decide(&home, &format!("{case} prop:{CLINICS}"), &["--approve"]).ok(0);
    assert_eq!(of(&shown(&home)), 1);

    let settled = decide(&home, &format!("prop:{CLINICS}"), &["--settle", "--reason", " new form "]).ok(0);
    assert!(settled.out.starts_with(&format!("settled C5 of {CLINICS}: {SENTENCE}\n")), "{settled:?}");
    assert!(
        settled.out.contains("onse decide q.review --where \"prop:dhis_village_clinics\" --approve"),
        "{settled:?}"
    );
    decide(&home, &format!("prop:{CLINICS}"), &["--approve"]).ok(0);
    assert!(of(&shown(&home)) > 1);
    decide(&home, &format!("prop:{other}"), &["--reject"]).ok(0);
}

#[test]
fn exactly_one_open_stop_has_to_be_meant() {
    let (home, _servers, other) = checked();
    let named = format!("prop:{CLINICS}");
    let settle = |words: &str, reason: &str| decide(&home, words, &["--settle", "--reason", reason]);
    for words in ["", "is:left", "kasenga", &format!("-{named}"), &format!("{named} is:left"), &format!("{named} a")] {
        settle(words, "because").refused(2, &["--where prop:NAME"]);
    }
    settle("prop:dhis", "because").refused(2, &["one property is settled at a time", CLINICS, &other]);
    settle(&format!("prop:dhis -{named} -prop:{other}"), "because").refused(2, &["nothing to settle"]);
    settle("prop:vilage", "because").refused(2, &["vilage"]);
    decide(&home, &named, &["--settle"]).refused(2, &["--reason TEXT", "3 characters"]);
    settle(&named, " ok ").refused(2, &["--reason TEXT", "3 characters"]);
    decide(&home, &named, &["--settle", "--approve"]).refused(2, &["cannot be used with"]);
    settle(&format!("prop:dhis -prop:{other}"), "because").ok(0);
    settle(&named, "again").refused(2, &["nothing to settle", CLINICS]);
}

#[test]
fn it_is_shown_with_what_settled_it() {
    let (home, _servers, other) = checked();
    decide(&home, &format!("prop:{CLINICS}"), &["--settle", "--reason", "new form"]).ok(0);
    let check = |id, severity, property: Value, sentence: &str, settled: Value| json!({"id": id, "severity": severity, "property": property, "sentence": sentence, "settled": settled});
    assert_eq!(
        shown(&home)["checks"],
        json!([
            check("R1", "REVIEW", Value::Null, "40 facilities, last time 44", Value::Null),
            check("C5", "STOP", json!(CLINICS), SENTENCE, json!("new form")),
            check("C6", "STOP", json!(other), "all equal\u{1b}", Value::Null),
        ])
    );
    let text = home.run(&["show", "q.review"]).ok(0).out;
    for line in [
        "REVIEW R1: 40 facilities, last time 44".to_owned(),
        format!("STOP C5 {CLINICS}: {SENTENCE}   settled: new form"),
        format!("STOP C6 {other}: all equal<1B>"),
    ] {
        assert!(text.lines().any(|one| one == line), "{line} is missing in {text}");
    }
}
