//! Undo as whole jobs against the sandbox in process: a review is submitted, others change cases, a second review puts back what
//! stood before (fault matrix section 5). What is put back where is a table in `domain::undo`.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod support;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use onse::{
    domain::{
        ledger::Act,
        offer::or_blank,
        plan::{Cell, Kind, Plan, State},
        undo::Counts,
        value::grouped,
    },
    io::{store::Store, transport::SharedTransport},
    job::{
        report::Sending,
        session::Session,
        undo::{Undone, undone},
    },
    sandbox::{self, Sandbox},
};
use support::{ORIGIN, approve, ask, clock, connect, on, read, sandbox, session, steering, submit};
use tokio::sync::watch;

/// Every property of every case; what is not set and what is blank are both absent, since nothing can be taken away.
fn everything(sandbox: &Sandbox) -> BTreeMap<(String, String), String> {
    let cases = sandbox.case_ids().into_iter().map(|id| (id.clone(), sandbox.case(&id).unwrap()));
    let of = |(id, case): (String, sandbox::CaseState)| {
        let properties = case.properties.into_iter().map(|(name, value)| (name.to_string(), value));
        let all = properties.chain([("external_id".to_owned(), case.external_id.unwrap_or_default())]);
        let all: Vec<_> = all.map(|(name, value)| ((id.clone(), name), value)).collect();
        all
    };
    cases.flat_map(of).filter(|(_, value)| !value.is_empty()).collect()
}

/// A review of the sandbox with every change without a flag, and its plan.
async fn approved(sandbox: &Sandbox, folder: &Path, chunk_size: usize) -> (Session, Arc<Plan>, Vec<Cell>) {
    let session = session(folder, connect(sandbox.transport(ORIGIN)));
    let mut ask = ask(&[]);
    ask.used.chunk_size = chunk_size;
    let mut opened = read(&session, &ask).await.unwrap();
    let plan = Arc::clone(&opened.plan);
    let cells = opened.ledger.undecided(&plan, plan.cells()).plain;
    approve(&session, &plan, &mut opened.ledger, cells.clone()).await;
    (session, plan, cells)
}

/// The undo of a review, through this transport.
async fn undo_by(session: &Session, transport: SharedTransport) -> anyhow::Result<Undone> {
    let sources = connect(transport)(Arc::new(|_| {}));
    undone(Store::read_only(session.path()).unwrap(), "2026Q2.review", &sources, clock(), &|_, _| {}).await
}

async fn undo(session: &Session, sandbox: &Sandbox) -> Undone {
    undo_by(session, sandbox.transport(ORIGIN)).await.unwrap()
}

/// Keeps an undo in a file of this name, approves all of it and submits it.
async fn carry_out(undone: &Undone, sandbox: &Sandbox, path: &Path) -> (Session, Sending) {
    let store = Store::create(path).unwrap();
    undone.save(&store).await.unwrap();
    let session = on(store, connect(sandbox.transport(ORIGIN)));
    let opened = session.open().await.unwrap();
    let (plan, mut ledger) = (opened.plan, opened.ledger);
    let changes: Vec<Cell> = plan.cells().filter(|cell| plan.kind(*cell) == Kind::Change).collect();
    let (flagged, free): (Vec<Cell>, Vec<Cell>) = changes.into_iter().partition(|cell| plan.severity(*cell).is_some());
    for cells in [free, flagged].into_iter().filter(|cells| !cells.is_empty()) {
        approve(&session, &plan, &mut ledger, cells).await;
    }
    // What becomes blank is said before the question, and nothing where nothing does.
    let check = session.check(&plan, &ledger).await.unwrap();
    let said = check.lines.iter().find_map(|(_, line)| line.strip_suffix(" of the changes make a property blank"));
    let held: Vec<Cell> = check.held.iter().map(|held| held.cell).collect();
    let blanks = ledger.to_send(&plan).filter(|cell| plan.becomes_blank(*cell) && !held.contains(cell)).count();
    assert_eq!(said.map(str::to_owned), (blanks > 0).then(|| grouped(&blanks.to_string())));
    let sent = submit(&session).await.unwrap();
    (session, sent)
}

fn counts(put_back: usize, as_before: usize, conflicts: usize) -> Counts {
    Counts { put_back, blanks: 0, as_before, conflicts }
}

/// The same without the blanks.
fn but_blanks(counts: Counts) -> Counts {
    Counts { blanks: 0, ..counts }
}

fn key(plan: &Plan, cell: Cell) -> (String, String) {
    (plan.facility(cell.facility).case_id.clone(), plan.property(cell.property).name.clone())
}

fn change(sandbox: &Sandbox, plan: &Plan, cell: Cell, value: &str) {
    let (case, property) = key(plan, cell);
    assert!(sandbox.set_property(&case, &property, value));
}

#[tokio::test]
async fn all_of_a_review_is_put_back_and_its_undo_too() {
    let sandbox = sandbox(80);
    let folder = tempfile::tempdir().unwrap();
    let before = everything(&sandbox);
    let (session, plan, cells) = approved(&sandbox, folder.path(), 30).await;
    assert!(submit(&session).await.unwrap().all_applied());
    session.close();
    let file = std::fs::read(session.path()).unwrap();
    let applied = everything(&sandbox);
    assert!(applied != before);

    let first = undo(&session, &sandbox).await;
    let new = cells.iter().filter(|cell| plan.old(**cell).unwrap_or("").is_empty()).count();
    assert!(new > 0, "some were never set");
    assert_eq!(first.counts, Counts { blanks: new, ..counts(cells.len(), 0, 0) });
    assert!(first.conflicts.is_empty() && first.unsettled.is_empty());
    let sent: Vec<String> = sandbox.forms().iter().map(|form| form.id.clone()).collect();
    let named: Vec<String> = first.forms().iter().map(|form| form.form_id.clone()).collect();
    assert!(named == sent && sent.len() > 1 && first.plan.head.notes.iter().any(|note| note.contains(&sent[0])));
    assert_eq!(std::fs::read(session.path()).unwrap(), file, "the review that is undone is as it was");
    assert_eq!(sandbox.forms().len(), named.len(), "nothing is sent by making it");

    let (undoing, sending) = carry_out(&first, &sandbox, &folder.path().join("undo.review")).await;
    assert!(sending.all_applied() && sending.applied == cells.len(), "{sending:?}");
    assert!(everything(&sandbox) == before, "something is not as it was");
    let again = undo(&session, &sandbox).await;
    assert_eq!(but_blanks(again.counts), counts(0, cells.len(), 0), "all is as before");

    let second = undo(&undoing, &sandbox).await;
    assert_eq!(second.counts, counts(cells.len(), 0, 0));
    carry_out(&second, &sandbox, &folder.path().join("undo2.review")).await;
    assert!(everything(&sandbox) == applied, "the undo of the undo");
}

#[tokio::test]
async fn what_someone_changed_since_is_a_conflict_and_stays() {
    let sandbox = sandbox(80);
    let folder = tempfile::tempdir().unwrap();
    let (session, plan, cells) = approved(&sandbox, folder.path(), 1000).await;
    let mut expected = everything(&sandbox);
    submit(&session).await.unwrap();
    let theirs: Vec<Cell> = cells.iter().copied().step_by(4).collect();
    for (at, cell) in theirs.iter().enumerate() {
        let value = if at == 0 { String::new() } else { format!("77{at}") };
        change(&sandbox, &plan, *cell, &value);
        expected.insert(key(&plan, *cell), value);
    }
    expected.retain(|_, value| !value.is_empty());
    let undone = undo(&session, &sandbox).await;
    assert_eq!(but_blanks(undone.counts), counts(cells.len() - theirs.len(), 0, theirs.len()));
    let listed: Vec<_> = undone.conflicts.iter().map(|one| key(&undone.plan, one.cell)).collect();
    assert_eq!(listed, theirs.iter().map(|cell| key(&plan, *cell)).collect::<Vec<_>>());
    for (one, cell) in undone.conflicts.iter().zip(&theirs) {
        assert_eq!((Some(one.ours.as_str()), one.before.as_deref()), (plan.new_value(*cell), plan.old(*cell)));
        assert_eq!(undone.plan.state(one.cell), State::Conflict);
        assert_eq!(undone.plan.flags(one.cell)[0].sentence, one.why);
        let now = grouped(or_blank(one.now.as_deref().unwrap()));
        assert!(one.why.contains(&format!("holds {now} now")), "{}", one.why);
    }
    let (_, sending) = carry_out(&undone, &sandbox, &folder.path().join("undo.review")).await;
    assert!(sending.all_applied());
    assert!(everything(&sandbox) == expected, "theirs are untouched, the others are as before");
}

#[tokio::test]
async fn what_was_not_sent_is_left_alone() {
    let sandbox = sandbox(80);
    let folder = tempfile::tempdir().unwrap();
    let before = everything(&sandbox);
    let (session, ..) = approved(&sandbox, folder.path(), 20).await;
    let none = undo_by(&session, sandbox.transport(ORIGIN)).await.unwrap_err().to_string();
    assert!(none.contains("nothing was sent from 2026Q2.review"), "{none}");
    // As many changes as the first form has are confirmed; sending stops before the second.
    let check =
        session.check(&session.open().await.unwrap().plan, &session.open().await.unwrap().ledger).await.unwrap();
    assert!(check.forms > 1);
    let sent = session.submit(
        sandbox::COMMCARE_USER,
        first_form(&session).await,
        watch::channel(Sending::default()).0,
        steering(),
    );
    let sent = sent.await.unwrap();
    assert_eq!(sandbox.forms().len(), 1, "{sent:?}");
    let undone = undo(&session, &sandbox).await;
    assert_eq!(but_blanks(undone.counts), counts(sent.applied, 0, 0));
    assert_eq!(
        (undone.plan.facilities().len(), undone.forms().len()),
        (20, 1),
        "of the facilities that were written to"
    );
    let others = undone.plan.cells().filter(|cell| undone.plan.state(*cell) == State::NotWritten);
    assert_eq!(others.count() + sent.applied, undone.plan.cells().count());
    carry_out(&undone, &sandbox, &folder.path().join("undo.review")).await;
    assert!(everything(&sandbox) == before);
}

/// Changes in the first form of 20 facilities.
async fn first_form(session: &Session) -> usize {
    let opened = session.open().await.unwrap();
    let cells: Vec<Cell> = opened.ledger.to_send(&opened.plan).collect();
    cells.chunk_by(|a, b| a.facility == b.facility).take(20).map(<[Cell]>::len).sum()
}

#[tokio::test]
async fn two_readings_of_one_review_go_back_to_the_first_value() {
    let sandbox = sandbox(60);
    let folder = tempfile::tempdir().unwrap();
    let before = everything(&sandbox);
    let (session, plan, cells) = approved(&sandbox, folder.path(), 1000).await;
    submit(&session).await.unwrap();
    // DHIS2 has other numbers later, for three of them; somebody else changed a fourth in between.
    let (twice, between) = (&cells[..3], cells[3]);
    change(&sandbox, &plan, between, "555");
    let mut draft = Plan::draft(plan.head.clone(), plan.facilities().to_vec(), plan.properties().to_vec());
    for cell in plan.cells() {
        let case = sandbox.case(&plan.facility(cell.facility).case_id).unwrap();
        let now = case.properties.get(plan.property(cell.property).name.as_str()).map(String::as_str);
        let changed = twice.contains(&cell) || cell == between;
        draft.set(cell, now, if changed { Some("4242") } else { plan.held(cell) }, plan.state(cell));
    }
    for cell in &cells[..4] {
        assert!(sandbox.flatten_column(&plan.property(cell.property).name, "4242"));
    }
    let opened = session.next_generation(&draft.finish(), Vec::new(), Vec::new()).await.unwrap();
    let (plan, mut ledger) = (opened.plan, opened.ledger);
    let mut again = twice.to_vec();
    again.push(between);
    for cell in &again {
        let entry = ledger.decide(&plan, Act::Approve, [*cell], Some("seen"), "one", &session.stamp()).unwrap();
        session.record(entry, &plan).await.unwrap();
    }
    assert_eq!(submit(&session).await.unwrap().forms.len(), 2);
    let undone = undo(&session, &sandbox).await;
    assert_eq!(but_blanks(undone.counts), counts(cells.len(), 0, 0));
    carry_out(&undone, &sandbox, &folder.path().join("undo.review")).await;
    let mut expected = before;
    expected.insert(key(&plan, between), "555".to_owned());
    assert!(everything(&sandbox) == expected, "the first value, but where somebody else's was between");
}

#[tokio::test]
async fn a_case_that_is_closed_moved_or_gone_is_a_conflict() {
    let sandbox = sandbox(60);
    let folder = tempfile::tempdir().unwrap();
    let (session, plan, cells) = approved(&sandbox, folder.path(), 1000).await;
    submit(&session).await.unwrap();
    let ids: Vec<String> = cells.chunk_by(|a, b| a.facility == b.facility).map(|one| key(&plan, one[0]).0).collect();
    let [closed, moved, gone, other, ..] = ids.as_slice() else { unreachable!() };
    let close = format!(
        "<data xmlns=\"x\"><case case_id=\"{closed}\" xmlns=\"http://commcarehq.org/case/transaction/v2\"><close/></case></data>"
    );
    let hq = connect(sandbox.transport(ORIGIN))(Arc::new(|_| {})).commcare;
    hq.submit(close.into(), "f1").await;
    assert!(sandbox.case(closed).unwrap().closed && sandbox.set_property(moved, "external_id", "elsewhere01"));
    assert!(sandbox.set_property(other, "case_type", "clinic"));
    assert!(sandbox.delete_case(gone));
    let undone = undo(&session, &sandbox).await;
    let of = |id: &str| cells.iter().filter(|cell| key(&plan, **cell).0 == id).count();
    let conflicts: usize = [closed, moved, gone, other].into_iter().map(|id| of(id)).sum();
    assert_eq!(but_blanks(undone.counts), counts(cells.len() - conflicts, 0, conflicts));
    for (id, why) in [
        (closed, "the case was closed"),
        (moved, "the case belongs to organisation unit elsewhere01 now"),
        (gone, "the case is gone"),
        (other, "the case is of type clinic now"),
    ] {
        let mut of = undone.conflicts.iter().filter(|one| key(&undone.plan, one.cell).0 == **id).peekable();
        assert!(of.peek().is_some() && of.all(|one| one.why.contains(why)), "{why}: {:?}", undone.conflicts);
    }
}

#[tokio::test]
async fn what_the_index_does_not_show_yet_is_not_taken_for_undone() {
    let sandbox = sandbox(40);
    let folder = tempfile::tempdir().unwrap();
    let before = everything(&sandbox);
    let (session, _, cells) = approved(&sandbox, folder.path(), 1000).await;
    sandbox.hold_index(true);
    // The database is asked about the first few cases, each time the same.
    let accepted = submit(&session).await.unwrap().accepted;
    assert!(accepted > 0);
    let early = undo(&session, &sandbox).await;
    assert_eq!((early.counts.conflicts, early.counts.put_back), (accepted, cells.len() - accepted));
    assert!(early.conflicts.iter().all(|one| one.why.contains("does not show yet")));
    assert!(early.unsettled.len() == 1 && early.unsettled[0].contains("onse verify 2026Q2.review"));
    sandbox.hold_index(false);
    let undone = undo(&session, &sandbox).await;
    assert_eq!((but_blanks(undone.counts), undone.unsettled.len()), (counts(cells.len(), 0, 0), 1), "reading decides");
    carry_out(&undone, &sandbox, &folder.path().join("undo.review")).await;
    assert!(everything(&sandbox) == before);
}

#[tokio::test]
async fn an_undo_is_not_read_from_dhis2_and_what_moves_before_it_is_sent_is_held() {
    let sandbox = sandbox(40);
    let folder = tempfile::tempdir().unwrap();
    let (session, plan, cells) = approved(&sandbox, folder.path(), 1000).await;
    submit(&session).await.unwrap();
    let undone = undo(&session, &sandbox).await;
    change(&sandbox, &plan, cells[0], "31337");
    let (undoing, sending) = carry_out(&undone, &sandbox, &folder.path().join("undo.review")).await;
    assert_eq!((sending.applied, sending.held.len()), (cells.len() - 1, 1));
    assert!(sending.held[0].why.contains("31337"), "{:?}", sending.held);
    let refused = read(&undoing, &ask(&[])).await.unwrap_err().to_string();
    assert!(refused.contains("puts back what CommCare held"), "{refused}");
    assert_eq!(undoing.open().await.unwrap().plan.head.generation, 1);
}
