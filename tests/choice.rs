//! The choice for a data set that is not quarterly, as whole jobs against the sandbox: made, changed, taken back and carried from
//! reading to reading.

mod support;

use std::path::Path;

use onse::{
    domain::{
        finer::{Choice, Way},
        mapping::Mapping,
        outcome::Outcome,
        plan::{Cell, Plan, State},
    },
    io::store::{Form, FormCell, Store},
    job::{
        fetch::{Ask, Finer},
        generation::Pick,
        report::Reading,
        session::{Opened, Session},
    },
    sandbox::{FISCAL_ELEMENT, FISCAL_SET, MONTHLY_LAST, MONTHLY_SET, MONTHLY_SUM, Sandbox},
};
use support::{ORIGIN, ask, connect, read, sandbox, session};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Columns of the mapping below.
const FEVER: u16 = 0;
const STOCK: u16 = 1;
const BUDGET: u16 = 2;

/// What is asked with a mapping of two monthly columns and one of fiscal quarters.
fn monthly() -> Ask {
    let text = format!(
        "case_property,data_element_id,data_set_id,dhis2_name\n\
         fever,{MONTHLY_SUM},{MONTHLY_SET},\nors,{MONTHLY_LAST},{MONTHLY_SET},\nbudget,{FISCAL_ELEMENT},{FISCAL_SET},\n"
    );
    Ask { mapping: Mapping::read(text.as_bytes()), ..ask(&[]) }
}

fn choosing(finer: &[(&str, Finer)]) -> Ask {
    let mut ask = monthly();
    ask.reach.finer = finer.iter().map(|(set, finer)| ((*set).to_owned(), *finer)).collect();
    ask
}

fn begin(sandbox: &Sandbox, folder: &Path) -> Session {
    session(folder, connect(sandbox.transport(ORIGIN)))
}

async fn again(session: &Session, ask: &Ask, pick: Option<(&str, Option<Finer>)>) -> anyhow::Result<Opened> {
    let pick = pick.map(|(set, finer)| Pick { data_set: set.to_owned(), finer });
    session.read_again(ask, pick, watch::channel(Reading::default()).0, CancellationToken::new()).await
}

/// Everything a plan says of its cells.
fn cells(plan: &Plan) -> Vec<(Cell, Option<&str>, State, Vec<&str>)> {
    let flags = |cell| plan.flags(cell).iter().map(|flag| flag.id.as_str()).collect();
    plan.cells().map(|cell| (cell, plan.held(cell), plan.state(cell), flags(cell))).collect()
}

fn values(plan: &Plan, property: u16) -> usize {
    plan.column(property).filter(|cell| plan.held(*cell).is_some()).count()
}

#[tokio::test]
async fn a_choice_made_later_gives_what_it_gives_at_once() {
    let sandbox = sandbox(30);
    for finer in [Finer::Sum, Finer::Last, Finer::ByType, Finer::LeaveOut] {
        let [early, late] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let at_once = read(&begin(&sandbox, early.path()), &choosing(&[(MONTHLY_SET, finer)])).await.unwrap();
        let session = begin(&sandbox, late.path());
        let open = read(&session, &monthly()).await.unwrap();
        assert_eq!(values(&open.plan, FEVER) + values(&open.plan, STOCK), 0, "nothing is chosen silently");
        let later = again(&session, &monthly(), Some((MONTHLY_SET, Some(finer)))).await.unwrap();
        assert_eq!(cells(&later.plan), cells(&at_once.plan), "{finer}");
        assert_eq!((later.plan.head.generation, &later.plan.head.choices), (2, &at_once.plan.head.choices));
        assert_eq!(
            (&later.plan.head.notes, &later.plan.head.finer),
            (&at_once.plan.head.notes, &at_once.plan.head.finer)
        );
        let made = (values(&later.plan, FEVER) > 0, values(&later.plan, STOCK) > 0);
        let expected = match finer {
            Finer::Sum => (true, false),
            Finer::Last => (false, true),
            Finer::ByType => (true, true),
            _ => (false, false),
        };
        assert_eq!(made, expected, "{finer}");
    }
}

#[tokio::test]
async fn a_plan_says_what_may_be_chosen() {
    let sandbox = sandbox(10);
    let folder = tempfile::tempdir().unwrap();
    let session = begin(&sandbox, folder.path());
    let plan = read(&session, &monthly()).await.unwrap().plan;
    let head = &plan.head;
    let month = head.unfit(MONTHLY_SET).unwrap();
    assert_eq!((month.period_type.as_str(), month.months, month.why.as_deref()), ("Monthly", [true; 3], None));
    let ways = |ways: &[Way]| Choice::Ways(ways.iter().copied().collect());
    let offered = [ways(&[Way::Sum, Way::Last]), ways(&[Way::Sum]), ways(&[Way::Last]), Choice::LeaveOut];
    assert_eq!(month.offered(), offered);
    let fiscal = head.unfit(FISCAL_SET).unwrap();
    assert!(fiscal.offered().is_empty() && fiscal.why.as_deref().unwrap().contains("November"), "{fiscal:?}");
    assert_eq!(values(&plan, BUDGET), 0);
    // Whoever tells of these by themselves does not tell them twice.
    assert!(head.notes.iter().any(|note| note.contains(MONTHLY_SET)));
    assert!(!head.other_notes().any(|note| note.contains(MONTHLY_SET) || note.contains(FISCAL_SET)));
    // It stands in the file as it was.
    session.close();
    let kept = Store::read_only(&folder.path().join("2026Q2.review")).unwrap();
    assert_eq!(kept.plan.head, *head);
}

#[tokio::test]
async fn choices_are_carried_from_reading_to_reading_until_they_are_changed_or_taken_back() {
    let sandbox = sandbox(10);
    let folder = tempfile::tempdir().unwrap();
    let session = begin(&sandbox, folder.path());
    // What the first reading was asked for does not come back once another choice is made.
    let first = choosing(&[(MONTHLY_SET, Finer::Sum)]);
    read(&session, &first).await.unwrap();
    let chosen = async |pick| {
        let opened = again(&session, &first, pick).await.unwrap();
        let of = opened.plan.head.choices.get(MONTHLY_SET).map(Finer::from);
        (opened.plan.head.generation, of, values(&opened.plan, FEVER) > 0, values(&opened.plan, STOCK) > 0)
    };
    assert_eq!(chosen(None).await, (2, Some(Finer::Sum), true, false));
    assert_eq!(chosen(Some((MONTHLY_SET, Some(Finer::Last)))).await, (3, Some(Finer::Last), false, true));
    assert_eq!(chosen(None).await, (4, Some(Finer::Last), false, true));
    assert_eq!(chosen(Some((MONTHLY_SET, None))).await, (5, None, false, false));
    assert_eq!(chosen(None).await, (6, None, false, false));
    assert_eq!(chosen(Some((MONTHLY_SET, Some(Finer::LeaveOut)))).await, (7, Some(Finer::LeaveOut), false, false));
    // A reading that says nothing of the data set keeps the choice; one that does changes it.
    let kept = read(&session, &monthly()).await.unwrap();
    assert_eq!(kept.plan.head.choices.get(MONTHLY_SET).map(Finer::from), Some(Finer::LeaveOut));
    let said = read(&session, &first).await.unwrap();
    assert_eq!(said.plan.head.choices.get(MONTHLY_SET).map(Finer::from), Some(Finer::Sum));
}

#[tokio::test]
async fn a_reading_that_is_stopped_or_refused_leaves_the_review_as_it_was() {
    let sandbox = sandbox(10);
    let folder = tempfile::tempdir().unwrap();
    let session = begin(&sandbox, folder.path());
    let first = read(&session, &monthly()).await.unwrap();
    let stop = CancellationToken::new();
    stop.cancel();
    let pick = Pick { data_set: MONTHLY_SET.to_owned(), finer: Some(Finer::Sum) };
    let news = watch::channel(Reading::default()).0;
    let error = session.read_again(&monthly(), Some(pick), news, stop).await.unwrap_err();
    assert!(error.to_string().contains("stopped"), "{error:#}");
    let kept = session.open().await.unwrap();
    assert_eq!((&kept.plan.head, cells(&kept.plan)), (&first.plan.head, cells(&first.plan)));
    // A file that nothing was read into has nothing to go on from.
    let other = tempfile::tempdir().unwrap();
    let blank = begin(&sandbox, other.path());
    assert!(again(&blank, &monthly(), None).await.is_err());
}

#[tokio::test]
async fn a_review_with_a_form_that_is_not_settled_is_not_read_again() {
    let sandbox = sandbox(10);
    let folder = tempfile::tempdir().unwrap();
    let session = begin(&sandbox, folder.path());
    read(&session, &monthly()).await.unwrap();
    session.close();
    let store = Store::open(&folder.path().join("2026Q2.review")).unwrap();
    let form = Form {
        number: 1,
        form_id: "0123456789abcdef0123456789abcdef".to_owned(),
        generation: 1,
        frozen_at: "2026-07-05T11:59:03Z".to_owned(),
        size: 7,
        cells: vec![FormCell { facility: 0, property: FEVER, old: None, new: "7".to_owned(), since: None }],
        sent: Outcome::Unknown,
        answer: None,
        seen: Vec::new(),
    };
    store.freeze(form, b"<data/>".to_vec(), "Grace".to_owned()).await.unwrap();
    let session = support::on(store, connect(sandbox.transport(ORIGIN)));
    let both = [again(&session, &monthly(), None).await, read(&session, &monthly()).await];
    for refused in both {
        let why = refused.unwrap_err().to_string();
        assert!(why.starts_with("nothing was read: 1 of the forms") && why.contains("onse review"), "{why}");
    }
    assert_eq!(session.open().await.unwrap().plan.head.generation, 1);
}
