//! Reading, reading again, and data sets that are not quarterly.

use super::*;

/// A plan with data sets that are not quarterly, of a reading that says all that can be said of it.
fn unfit(chosen: Option<Choice>) -> onse::domain::plan::Plan {
    let monthly = "rkyO2EAX45C";
    let made = chosen.is_some();
    let mut plan = common::plan_with(
        1106,
        |_, _| {},
        |draft| {
            for at in draft.plan().column(common::property::MALARIA).collect::<Vec<_>>() {
                let (old, state) = (draft.plan().old(at).map(str::to_owned), draft.plan().state(at));
                let state = if made { state } else { State::WrongPeriodType };
                let held = draft.plan().held(at).filter(|_| made).map(str::to_owned);
                draft.set(at, old.as_deref(), held.as_deref(), state);
            }
        },
    );
    let element = plan.property(common::property::MALARIA).data_element.clone();
    let set = plan.property(common::property::MALARIA).data_set.clone();
    let head = &mut plan.head;
    let elements = [(element.as_str(), "SUM"), ("b", "LAST")];
    head.finer = vec![
        Unfit::of((&set, "HMIS 15 Monthly Health Centre Report"), "Monthly", &elements, [true, true, false]),
        Unfit::of((monthly, "Partner Finance Return"), "FinancialApril", &[("c", "SUM")], [false; 3]),
    ];
    head.choices.extend(chosen.map(|chosen| (set.clone(), chosen)));
    head.notes =
        head.finer.iter().map(|unfit| unfit.sentence(head.quarter, head.choices.get(&unfit.data_set))).collect();
    head.notes.push("facilities in scope: 1106, last time 1104 (2026Q1, read 2026-04-05)".to_owned());
    "2.42.1".clone_into(&mut head.dhis2_version);
    head.index_as_of = Some("2026-07-05T08:38:12.123456Z".to_owned());
    head.look_back = 2;
    head.without_case = (0..32).map(|at| (format!("Uaaaaaaaa{at:02}"), format!("Unit {at}"))).collect();
    plan
}

#[test]
fn a_data_set_that_is_not_quarterly() {
    let sum = || Some(Choice::Ways([Way::Sum].into()));
    for size in ALL {
        shot("choice_overview", &opened(unfit(None), size, "1 j"));
        shot("choice_question", &opened(unfit(None), size, "1 j enter"));
        shot("choice_why", &opened(unfit(None), size, "1 j j enter"));
        shot("choice_made", &opened(unfit(sum()), size, "1 j"));
        shot("choice_change", &opened(unfit(sum()), size, "1 j enter"));
        shot("choice_not_matched", &opened(unfit(None), size, "1 g enter"));
        let mut model = opened(unfit(sum()), size, "");
        common::press_only(&mut model, "3 l j j");
        let cell = model.detail_cell().unwrap();
        let part = |month: &str, name: &str, value: &str| PartLine {
            name: name.to_owned(),
            period: Some(month.to_owned()),
            value: Some(value.to_owned()),
            ..PartLine::default()
        };
        let (under, over) = ("under 5", "5 and over");
        let parts = vec![
            part("202604", under, "402"),
            part("202604", over, "201"),
            part("202605", under, "640"),
            part("202605", over, "67"),
        ];
        update(&mut model, Msg::Detail(Ok(Detail { cell, parts, history: None })), &now());
        shot("choice_detail", &model);
    }
}

/// The same facilities read again, after which three decisions are undecided again.
pub(crate) fn read_again(model: &mut Model, facilities: u32) {
    let before = model.review.as_ref().unwrap();
    let mut plan = common::plan(facilities);
    plan.head.generation = 2;
    let text = |text: Option<&str>| text.map(str::to_owned);
    let reset = |(at, said): (usize, Option<Verdict>)| {
        let cell = plan.cells().filter(|cell| before.ledger.verdict(&before.plan, *cell).is_none()).nth(at).unwrap();
        Reset { cell, said, old: text(plan.old(cell)), new: Some("1234567".to_owned()) }
    };
    let said = [Some(Verdict::Approve), Some(Verdict::Reject), Some(Verdict::Zero)];
    let reset: Vec<Reset> = said.into_iter().enumerate().map(reset).collect();
    let (ledger, file) = (before.ledger.clone(), "2026Q2.review".to_owned());
    let opened = Opened { plan: Arc::new(plan), ledger, place: None, file, sending: None, reset };
    update(model, Msg::Read(Ok(Box::new(opened))), &now());
}

#[test]
fn reading_again() {
    for size in ALL {
        let mut model = model(1106, PLAIN, size);
        press(&mut model, "1 F");
        shot("again_reading", &model);
        press(&mut model, "3 a");
        shot("again_facilities", &model);
        read_again(&mut model, 1106);
        shot("again_told", &model);
        press(&mut model, "1 g j");
        shot("again_overview", &model);
        press(&mut model, "enter");
        shot("again_reset", &model);
        if size == (80, 24) {
            model.look = MONO;
            shot("again_reset_mono", &model);
        }
    }
}

/// Seconds after reading began.
fn after(seconds: i64) -> Timestamp {
    let now: Timestamp = now().at.parse().unwrap();
    now + SignedDuration::from_secs(seconds - 6)
}

fn wait(cause: Cause, detail: &str, seconds: u64) -> Wait {
    let (asked, detail) = ("the data values of 2026Q2".to_owned(), detail.to_owned());
    Wait { side: Side::Dhis2, asked, cause, detail, pause: Duration::from_secs(seconds), next_try: 2 }
}

/// Six seconds into reading.
fn in_the_middle() -> Reading {
    let mut reading = Reading {
        mapping_problems: vec![
            "line 8: data set id is empty".to_owned(),
            "line 24: data set rkyO2EAX45C is monthly, the quarter holds no row of it".to_owned(),
        ],
        mapping: "case_property_map.csv   25 rows, 21 usable".to_owned(),
        ..Reading::default()
    };
    reading.cases.set(0, None, after(0));
    reading.cases.set(1106, Some(1106), after(6));
    reading.reports.set(0, Some(8848), after(0));
    for second in 1..=6 {
        reading.reports.add(864, after(second));
        (0..14).for_each(|_| reading.asked(after(second - 1)));
        (0..14).for_each(|_| reading.answered(after(second), 100));
    }
    (0..5).for_each(|_| reading.asked(after(6)));
    reading.history.quarters = 8;
    reading.names.set(3, None, after(5));
    reading.waits(&wait(Cause::SlowDown(429), "", 1), after(2));
    reading.waits(&wait(Cause::NoAnswer, "the connection was reset", 1), after(3));
    reading.waits(&wait(Cause::SlowDown(429), "", 4), after(6));
    reading
}

#[test]
fn reading() {
    let drawn_with = |size, look, reading: Reading| {
        let mut model = Model::new(run(), look, size);
        update(&mut model, Msg::Reading(Box::new(reading)), &now());
        model
    };
    every("reading", |size, look| drawn_with(size, look, in_the_middle()));
    every("reading_stands", |size, look| {
        let mut reading = in_the_middle();
        reading.history = History { quarters: 8, cached: 8848, ..History::default() };
        reading.history.bar.set(8848, Some(8848), after(6));
        reading.waits(&wait(Cause::NoConnection, "connection refused", 70), after(6));
        let mut model = drawn_with(size, look, reading);
        update(&mut model, Msg::Tick, &Now { at: after(46).to_string(), ..now() });
        model
    });
    sizes("reading_begins", &[(80, 24)], |size, look| Model::new(run(), look, size));
    sizes("reading_failed", &[(80, 24)], |size, look| {
        let mut model = Model::new(run(), look, size);
        let why = "DHIS2 refused the sign-in of importer at hmis.example.org (401).\nNothing was written. Set \
                   ONSE_DHIS2_PASSWORD and start again.";
        update(&mut model, Msg::Read(Err(why.to_owned())), &now());
        model
    });
}
