//! Submit: the question, under way, after.

use super::*;

/// Opens Submit and answers its checks.
pub(crate) fn checked(size: (u16, u16), look: Look, check: impl FnOnce(Check) -> Check) -> Model {
    let mut model = model(1106, look, size);
    press(&mut model, "3");
    let commands = update(&mut model, Msg::Key(onse::tui::keymap::Press::parse("4").unwrap()), &now());
    let job = commands.iter().find_map(|c| if let Cmd::Check(job) = c { Some(*job) } else { None }).unwrap();
    let ok = Check {
        at: "11:58:12".to_owned(),
        changes: 3980,
        facilities: 1012,
        forms: 11,
        held: Vec::new(),
        lines: vec![
            (Level::Ok, "cases read again: 1,012 of 1,012 as they were at 09:41".to_owned()),
            (Level::Ok, "DHIS2 read again: none of 3,980 moved".to_owned()),
            (Level::Look, "9 STOP approved, each with a reason".to_owned()),
        ],
        stamp: None,
    };
    update(&mut model, Msg::Checked(job, Ok(Box::new(check(ok)))), &now());
    model
}

pub(crate) fn held() -> Vec<Held> {
    vec![Held {
        cell: common::cell(1, common::property::BEDS),
        now: Some("33".to_owned()),
        already_set: false,
        moved: true,
        why: "the case holds 33 now, not 31; undecided again".to_owned(),
    }]
}

pub(crate) fn forms() -> Vec<FormLine> {
    let names = [
        "Area 12 HC",
        "Bwera HC",
        "Chiuta HC",
        "Duwa HC",
        "Golo HC",
        "Katete HC",
        "Lwazi HC",
        "Mbiri HC",
        "Namisu HC",
        "Ntaja \u{1b}[31mHC",
        "Zomba HC",
    ];
    let outcomes = [
        Some(Outcome::Applied),
        Some(Outcome::Applied),
        Some(Outcome::NotApplied),
        Some(Outcome::Accepted),
        Some(Outcome::Accepted),
        Some(Outcome::Unknown),
        Some(Outcome::Accepted),
        Some(Outcome::Frozen),
        None,
        None,
        None,
    ];
    let form = |(at, outcome): (usize, Option<Outcome>)| FormLine {
        number: at + 1,
        first: names[at].to_owned(),
        last: names.get(at + 1).unwrap_or(&"Zukula HC").to_string(),
        facilities: 92,
        changes: 362,
        form_id: outcome.map(|_| format!("3b1e88d{at}-88d0-4c1f-9a77-0c6d5e4f3a2b")),
        outcome,
        answer: (outcome == Some(Outcome::NotApplied)).then(|| "the project is read-only".to_owned()),
        replaced: false,
        cells: [].into(),
    };
    outcomes.into_iter().enumerate().map(form).collect()
}

/// A submission shown when a review is opened.
pub(crate) fn sent(size: (u16, u16), look: Look, sending: Sending) -> Model {
    let plan = common::plan(20);
    let ledger = Ledger::new(&plan);
    let file = "2026Q2.review".to_owned();
    let opened = Opened { plan: Arc::new(plan), ledger, place: None, file, sending: Some(sending), reset: Vec::new() };
    let mut model = Model::new(run(), look, size);
    update(&mut model, Msg::Read(Ok(Box::new(opened))), &now());
    press(&mut model, "4");
    model
}

#[test]
fn submit_question() {
    every("submit", |size, look| {
        let mut model = checked(size, look, |check| check);
        press(&mut model, "3 9");
        model
    });
    every("submit_held", |size, look| checked(size, look, |check| Check { held: held(), ..check }));
    every("submit_nothing", |size, look| {
        checked(size, look, |_| Check { at: "11:58:12".to_owned(), ..Check::default() })
    });
    every("submit_stamp", |size, look| {
        let stamp = Some(("dhis2_last_imported".to_owned(), "2026-07-05".to_owned()));
        checked(size, look, |check| Check { stamp, ..check })
    });
    every("submit_checking", |size, look| at(size, look, "3 4"));
}

#[test]
fn submit_under_way_and_after() {
    let going = || Sending {
        phase: Phase::Sending,
        changes: 3980,
        forms: forms(),
        applied: 724,
        accepted: 1089,
        not_applied: 362,
        unknown: 723,
        held: held(),
        elsewhere: Vec::new(),
        note: Some(
            "form 6: no answer after 60 s. The same bytes are sent again; CommCare knows the form id, so it \
                    takes effect once. Then its cases are read back."
                .to_owned(),
        ),
        elapsed: Duration::from_secs(83),
        ..Sending::default()
    };
    every("sending", |size, look| {
        let mut model = checked(size, look, |check| check);
        press(&mut model, "3 9 8 0");
        let commands = update(&mut model, Msg::Key(onse::tui::keymap::Press::parse("enter").unwrap()), &now());
        let job =
            commands.iter().find_map(|c| if let Cmd::Submit { job, .. } = c { Some(*job) } else { None }).unwrap();
        update(&mut model, Msg::Sending(job, Box::new(going())), &now());
        model
    });
    every("ended", |size, look| {
        let mut sending = Sending { phase: Phase::Ended, note: None, ..going() };
        for form in sending.forms.iter_mut().filter(|form| form.outcome.is_none_or(|o| o == Outcome::Frozen)) {
            form.outcome = Some(Outcome::Applied);
        }
        sending.unknown = 361;
        sent(size, look, sending)
    });
}

/// A review whose odd facility is closed and whose name is long, with something approved, of which a part was sent.
fn partly(size: (u16, u16), sending: Option<Sending>) -> Model {
    let mut model = model(1106, PLAIN, size);
    let review = model.review.as_ref().unwrap();
    let sent: Vec<_> = review.ledger.to_send(&review.plan).take(2).collect();
    assert_eq!(sent.len(), 2);
    let (plan, mut ledger) = (Arc::clone(&review.plan), review.ledger.clone());
    ledger.set_sent(sent);
    let opened = Opened { plan, ledger, place: None, file: "2026Q2.review".to_owned(), sending, reset: Vec::new() };
    model.review = None;
    update(&mut model, Msg::Read(Ok(Box::new(opened))), &now());
    model
}

#[test]
fn what_was_sent_is_told_from_what_was_not() {
    for size in TWO {
        let mut model = partly(size, None);
        shot("partly_overview", &model);
        press(&mut model, "3");
        shot("partly_facilities", &model);
        let form = FormLine { changes: 2, ..forms().swap_remove(0) };
        let ended = Sending { phase: Phase::Ended, changes: 2, applied: 2, forms: vec![form], ..Sending::default() };
        let mut model = partly(size, Some(ended));
        press(&mut model, "4");
        shot("partly_submit", &model);
    }
}

#[test]
fn x09_a_refused_sign_in_is_told_with_the_way_on() {
    let first = FormLine { outcome: Some(Outcome::Accepted), ..forms().swap_remove(0) };
    let ended = Sending {
        phase: Phase::Ended,
        changes: 3980,
        accepted: first.changes,
        waiting: 3980 - first.changes,
        forms: vec![first],
        note: Some("form 1 could not be read back yet: CommCare HQ: the sign-in was refused (401).".to_owned()),
        refused: true,
        ..Sending::default()
    };
    shot("sending_refused", &sent((80, 24), PLAIN, ended));
}
