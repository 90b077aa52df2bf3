//! Which quarter is meant: worked out once, typed in many ways, kept whatever the clock says later.

use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, civil::date, tz::TimeZone};
use onse::{
    domain::{plan::Cell, quarter::Quarter},
    io::store::Store,
    job::{
        fetch::{Ask, Reach},
        session::Session,
    },
};

use crate::{
    cli::{Home, ready},
    faults::{Fault, Rule},
    rig::{Act, Rig},
    support::{ORIGIN, approve, ask, connect, read, steering},
};

/// The quarter a clock on a wall shows as the last one that is over.
fn last(instant: &str, zone: &str) -> String {
    let zone = TimeZone::posix(zone).unwrap();
    Quarter::last_finished(instant.parse::<Timestamp>().unwrap().to_zoned(zone).date()).to_string()
}

#[test]
fn q01_the_quarter_follows_the_date_on_the_wall_to_the_second() {
    for (instant, zone, quarter) in [
        ("2026-06-30T21:59:59Z", "CAT-2", "2026Q1"),
        ("2026-06-30T22:00:00Z", "CAT-2", "2026Q2"),
        ("2026-06-30T22:00:00Z", "UTC0", "2026Q1"),
        ("2026-07-01T03:59:59Z", "EDT4", "2026Q1"),
        ("2026-07-01T04:00:00Z", "EDT4", "2026Q2"),
        ("2026-12-31T23:59:59Z", "UTC0", "2026Q3"),
        ("2026-12-31T09:59:59Z", "LINT-14", "2026Q3"),
        ("2026-12-31T10:00:00Z", "LINT-14", "2026Q4"),
    ] {
        assert_eq!(last(instant, zone), quarter, "{instant} in {zone}");
    }
}

#[tokio::test]
async fn q01_a_reading_over_midnight_asks_for_one_quarter_only_and_keeps_it() {
    let rig = Rig::new(40);
    // Ninety days pass between the first request and the last.
    let slow = Rule::new(Fault::Late(Duration::from_hours(24 * 30))).on("/dhis2/");
    let reach = Reach { history: false, ..Reach::default() };
    let got = rig.through(vec![slow], |_| Act::Pass, &Ask { reach, ..ask(&[]) }).await;
    assert!(rig.time.passed() > Duration::from_hours(24 * 90), "{:?}", rig.time.passed());
    assert_ne!(Quarter::last_finished(rig.time.now().to_zoned(TimeZone::UTC).date()).to_string(), "2026Q2");
    got.says(&rig.truth().await);
    assert_eq!(got.plan().head.quarter.to_string(), "2026Q2");
    let periods = got.asked.iter().filter(|asked| asked.address.contains("period="));
    assert!(periods.clone().count() >= 2 && periods.clone().all(|asked| asked.address.contains("period=2026Q2&")));
}

#[tokio::test]
async fn q02_what_the_clock_says_later_changes_neither_the_quarter_nor_what_is_sent() {
    let rig = Rig::new(40);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("2026Q2.review");
    let first = crate::support::on(Store::create(&path).unwrap(), connect(rig.sandbox.transport(ORIGIN)));
    let mut opened = read(&first, &ask(&[])).await.unwrap();
    let plan = Arc::clone(&opened.plan);
    let cells: Vec<Cell> = opened.ledger.undecided(&plan, plan.cells()).plain.into_iter().take(7).collect();
    approve(&first, &plan, &mut opened.ledger, cells.clone()).await;
    first.close();
    let before = rig.sandbox.requests().len();
    // Another day, another quarter, an hour that daylight saving skipped.
    let later = "2027-03-14T07:30:00Z".parse::<Timestamp>().unwrap();
    let sleep = rig.time.sleeper();
    let connect = Some(connect(rig.sandbox.transport(ORIGIN)));
    let session = Session::new(Store::open(&path).unwrap(), connect, Arc::new(move || later), sleep, "Grace");
    let opened = session.open().await.unwrap();
    assert_eq!(opened.plan.head.quarter, plan.head.quarter);
    let progress = tokio::sync::watch::channel(onse::job::report::Sending::default()).0;
    let sent = session.submit(onse::sandbox::COMMCARE_USER, usize::MAX, progress, steering()).await.unwrap();
    assert!(sent.all_applied(), "{sent:?}");
    for cell in cells {
        let case = rig.sandbox.case(&plan.facility(cell.facility).case_id).unwrap();
        assert_eq!(
            case.properties.get(plan.property(cell.property).name.as_str()).map(String::as_str),
            plan.new_value(cell)
        );
    }
    let requests = rig.sandbox.requests();
    assert!(
        requests[before..].iter().all(|request| !request.query.contains("period=2026Q4")),
        "no other quarter is read"
    );
}

#[test]
fn q03_a_quarter_is_typed_in_many_ways_and_refused_with_examples() {
    let home = Home::new();
    for text in ["2026q2", "Q2 2026", "2026-Q2", "2026Q2"] {
        let ran = home.run(&["plan", "--period", text]);
        // It got as far as looking for settings, of which there are none.
        assert!(ran.code == 2 && !ran.err.contains("is not a quarter"), "{text}: {ran:?}");
        assert_eq!(Quarter::parse(text).unwrap(), Quarter::of(date(2026, 5, 1)), "{text}");
    }
    for text in ["2026Q5", "2026", "Q2", "2026Q22", "second\u{1b}[2J"] {
        home.run(&["plan", "--period", text]).refused(2, &["is not a quarter", "2026Q2", "Q2 2026"]);
    }
}

#[test]
fn q04_an_unfinished_quarter_is_read_only_when_allowed_with_a_warning_that_stays() {
    let (home, _servers) = ready();
    home.run(&["plan", "--period", "2999Q4"]).refused(2, &["2999Q4", "not over", "--allow-unfinished"]);
    assert!(home.reviews().is_empty());
    let file = home.path("future.review");
    let file = file.to_str().unwrap();
    let ran = home.run(&["plan", "--period", "2999Q4", "--allow-unfinished", "--no-history", "-o", file]);
    assert!(ran.err.contains("2999Q4 is not over"), "{ran:?}");
    for told in [ran.out, home.run(&["show", file]).out, home.run(&["show", file, "--json"]).out] {
        assert!(told.contains("2999Q4 was not over when it was read"), "{told}");
    }
    for report in ["report.md", "report.html"] {
        home.run(&["export", file, "--to", report]).ok(0);
        let told = std::fs::read_to_string(home.path(report)).unwrap();
        assert!(told.contains("2999Q4 was not over when it was read"), "{report}: {told}");
    }
}

#[tokio::test]
async fn q04_a_finished_quarter_has_no_such_warning() {
    let rig = Rig::new(40);
    assert!(!rig.read(&ask(&[])).await.has_note("not over"));
    let got = rig.read(&Ask { unfinished: true, ..ask(&[]) }).await;
    assert!(got.note("not over").contains("2026Q2"));
    for size in [(60, 40), (80, 24), (120, 40)] {
        let text = crate::names::overview(&got, size).replace('\n', " ");
        assert!(text.contains("quarter 2026Q2 was not over"), "{size:?}: {text}");
    }
}
