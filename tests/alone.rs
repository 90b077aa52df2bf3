//! A facility that is read alone: there is no property to compare it with, so the spread of the last review stands in.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod support;

use std::{path::Path, sync::Arc};

use onse::{
    domain::{
        flags::{Limits, Severity, Usual},
        plan::{Cell, Plan},
        quarter::Quarter,
        value::Number,
    },
    io::store::Store,
    job::{
        earlier::EarlierFrom,
        fetch::{Ask, Reach},
        session::Session,
    },
    sandbox::Sandbox,
};
use support::{ORIGIN, ask, connect, on, read, sandbox};

/// A flow in one row, of which facilities differ in how steady they are.
const SPENT: &str = "dhis_expenditure_in_quarter";

/// The spread where nothing is known.
const DEFAULT: f64 = 0.25;

fn asking(quarter: &str, facilities: &[&str], reviews: Option<&Path>) -> Ask {
    let earlier = EarlierFrom { folder: reviews.map(Path::to_owned), file: None };
    Ask { quarter: Quarter::parse(quarter).unwrap(), earlier, reach: Reach::default(), ..ask(facilities) }
}

fn begin(path: &Path, sandbox: &Sandbox) -> Session {
    on(Store::create(path).unwrap(), connect(sandbox.transport(ORIGIN)))
}

/// A reading into a file of its own.
async fn plan_of(sandbox: &Sandbox, ask: &Ask) -> Arc<Plan> {
    let folder = tempfile::tempdir().unwrap();
    read(&begin(&folder.path().join("q.review"), sandbox), ask).await.unwrap().plan
}

/// T1, T2 or nothing, of a facility that is read alone.
fn said(plan: &Plan) -> Option<(&str, Severity)> {
    let property = plan.find_property(SPENT).unwrap();
    let flags = plan.flags(Cell { facility: 0, property }).iter();
    flags.map(|flag| (flag.id.as_str(), flag.severity)).find(|(id, _)| ["T1", "T2"].contains(id))
}

/// What section 3.2 and 3.3 of data-quality-flags.md say of this number.
fn expected(usual: &Usual, number: f64, spread: f64) -> Option<(&'static str, Severity)> {
    let score = usual.score(number, spread, &Limits::default());
    if score.away >= 6.0 && score.ratio >= 3.0 {
        Some(("T1", Severity::Stop))
    } else if score.away >= 3.5 && score.ratio >= 2.0 {
        Some(("T2", Severity::Review))
    } else {
        None
    }
}

/// A facility, what is usual there, the row that holds its number, and a number that one spread finds and the other does not.
struct Odd {
    case_id: String,
    row: (String, String, String),
    number: f64,
    usual: Usual,
}

/// The first facility with a number on which the two spreads are not of one mind.
async fn odd(session: &Session, plan: &Plan, spread: f64) -> Odd {
    let property = plan.find_property(SPENT).unwrap();
    for cell in plan.column(property) {
        let detail = session.detail(plan, cell).await.unwrap();
        let (Some(series), [row]) = (detail.history, detail.parts.as_slice()) else { continue };
        let before: Vec<f64> = series.totals(8).iter().flatten().map(Number::approx).collect();
        let Some(usual) = Usual::of(&before).filter(|_| before.len() == 8) else { continue };
        let facility = plan.facility(cell.facility);
        let twin = plan.facilities().iter().filter(|other| other.external_id == facility.external_id).count() > 1;
        let numbers = (20..60).map(|tenths| (usual.median * f64::from(tenths) / 10.0).round());
        let mut split =
            numbers.filter(|number| expected(&usual, *number, spread) != expected(&usual, *number, DEFAULT));
        if let Some(number) = split.next().filter(|_| !twin && !facility.closed) {
            let (option, _) = plan.option_names().iter().find(|(_, name)| **name == row.name).unwrap();
            let row = (facility.external_id.clone(), plan.property(property).data_element.clone(), option.clone());
            return Odd { case_id: facility.case_id.clone(), row, number, usual };
        }
    }
    unreachable!("no facility on which the spreads differ")
}

#[tokio::test]
async fn a_facility_alone_is_judged_by_the_spread_of_the_last_review() {
    let (sandbox, reviews) = (sandbox(60), tempfile::tempdir().unwrap());
    let session = begin(&reviews.path().join("2026Q1-20260405T090000.000Z.review"), &sandbox);
    let last = read(&session, &asking("2026Q1", &[], Some(reviews.path()))).await.unwrap().plan;
    let spread = last.whole(last.find_property(SPENT).unwrap()).unwrap().spread().unwrap();
    assert!((spread - DEFAULT).abs() > 0.05, "{spread}");
    session.close();
    let all = tempfile::tempdir().unwrap();
    let session = begin(&all.path().join("q.review"), &sandbox);
    let plan = read(&session, &asking("2026Q2", &[], None)).await.unwrap().plan;
    let odd = odd(&session, &plan, spread).await;
    let (unit, element, option) = &odd.row;
    assert!(sandbox.set_value(unit, element, option, "2026Q2", Some(&odd.number.to_string())));

    let known = plan_of(&sandbox, &asking("2026Q2", &[&odd.case_id], Some(reviews.path()))).await;
    let unknown = plan_of(&sandbox, &asking("2026Q2", &[&odd.case_id], None)).await;
    assert_eq!(said(&known), expected(&odd.usual, odd.number, spread));
    assert_eq!(said(&unknown), expected(&odd.usual, odd.number, DEFAULT));
    assert_ne!(said(&known), said(&unknown));
    for plan in [&known, &unknown] {
        assert_eq!(plan.facilities().len(), 1);
        assert!(plan.head.checks.is_empty(), "{:?}", plan.head.checks);
        assert!(plan.head.whole.is_empty(), "{:?}", plan.head.whole);
        let note = "some facilities alone: no checks of properties and of the run, and spreads are those of the last review, else 0.25";
        assert!(plan.head.notes.iter().any(|said| said == note), "{:?}", plan.head.notes);
    }
    // Among all there is a property, and no such note.
    assert!(!plan.head.checks.is_empty() && plan.head.whole.len() == plan.properties().len());
    assert!(plan.head.notes.iter().all(|said| !said.starts_with("some facilities alone")), "{:?}", plan.head.notes);
}

#[tokio::test]
async fn a_review_of_some_facilities_tells_no_spread() {
    let (sandbox, reviews) = (sandbox(60), tempfile::tempdir().unwrap());
    let session = begin(&reviews.path().join("2025Q4-20260105T090000.000Z.review"), &sandbox);
    let whole = read(&session, &asking("2025Q4", &[], None)).await.unwrap().plan;
    let spread = whole.whole(whole.find_property(SPENT).unwrap()).unwrap().spread().unwrap();
    session.close();
    let session = begin(&reviews.path().join("2026Q1-20260405T090000.000Z.review"), &sandbox);
    let one = whole.facility(7).case_id.clone();
    read(&session, &asking("2026Q1", &[&one], None)).await.unwrap();
    session.close();
    let told = onse::job::earlier::Search::of(&asking("2026Q2", &[], Some(reviews.path()))).read().unwrap();
    assert_eq!(told.earlier.spread(SPENT), Some(spread), "the last review that worked one out");
}
