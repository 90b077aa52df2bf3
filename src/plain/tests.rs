//! The review in lines, a line at a time: what is said, what is recorded, and what is not done.

use std::sync::Arc;

use super::{Out, Review};
use crate::{
    domain::{
        flags::{Check, Flag, Severity},
        ledger::{Entry, Ledger, Stamp, Verdict},
        plan::{Cell, Plan, State, sample},
    },
    job::report,
};

fn stamp() -> Stamp {
    Stamp { at: "2026-07-05T09:00:00Z".to_owned(), who: "Grace".to_owned() }
}

fn cell(facility: u32, property: u16) -> Cell {
    Cell { facility, property }
}

/// 3 facilities by 4 properties: (0,0) is a STOP, (0,1) and (1,1) are REVIEW, (1,2) reads `(0?)`; the third facility has a name
/// that acts on a terminal.
fn plan(checks: &[(&str, &str)]) -> Arc<Plan> {
    let mut plan = sample(3, 4, |draft| {
        draft.set(cell(0, 0), Some("120"), Some("1310"), State::Reported);
        draft.flag(cell(0, 0), Flag::new("T1", Severity::Stop, "11 times the usual 118"));
        draft.flag(cell(0, 1), Flag::new("S10", Severity::Review, "a fraction"));
        draft.flag(cell(1, 1), Flag::new("S10", Severity::Review, "a fraction\u{1b}[2J"));
        draft.set(cell(1, 2), Some("61"), None, State::ZeroNotStored);
    });
    for (property, id) in checks {
        plan.head.checks.push(Check::of_property(id, Severity::Stop, property, "4.1 times the quarters before"));
    }
    Arc::new(plan)
}

/// A person with the review, and everything they had recorded.
struct Desk {
    review: Review,
    log: Vec<Entry>,
}

impl Desk {
    fn new(plan: &Arc<Plan>) -> Self {
        Self::at(plan, Ledger::new(plan), Vec::new(), None)
    }

    fn at(plan: &Arc<Plan>, ledger: Ledger, log: Vec<Entry>, place: Option<&str>) -> Self {
        let mut review = Review::new(Arc::clone(plan), ledger, Vec::new(), place, None);
        review.begin();
        Self { review, log }
    }

    /// Types a line; answers what was said, one text, and everything else that came.
    fn all(&mut self, text: &str) -> (String, Vec<Out>) {
        let (mut said, mut other) = (Vec::new(), Vec::new());
        for out in self.review.answer(text, &stamp()) {
            match out {
                Out::Line(text) => said.push(text),
                Out::Record(entry) => {
                    assert!(said.is_empty(), "said before it was recorded: {said:?}");
                    self.log.push(*entry);
                }
                other_one => other.push(other_one),
            }
        }
        let said = said.join("\n");
        assert!(said.chars().all(|c| c == '\n' || (' '..='~').contains(&c)), "{said}");
        (said, other)
    }

    fn types(&mut self, text: &str) -> String {
        self.all(text).0
    }

    /// Types a line after which nothing may be recorded.
    #[track_caller]
    fn nothing(&mut self, text: &str, part: &str) -> String {
        let before = self.log.len();
        let said = self.types(text);
        assert_eq!(self.log.len(), before, "{text}: {said}");
        assert!(said.contains(part), "\"{part}\" is missing after {text}: {said}");
        said
    }

    fn verdict(&self, facility: u32, property: u16) -> Option<Verdict> {
        self.review.ledger.verdict(&self.review.plan, cell(facility, property))
    }

    /// The log must lead to the same verdicts.
    fn again(&self) -> Self {
        let plan = Arc::clone(&self.review.plan);
        let ledger = Ledger::replay(&plan, &self.log).unwrap();
        for at in plan.cells() {
            assert_eq!(ledger.verdict(&plan, at), self.review.ledger.verdict(&plan, at), "{at:?}");
        }
        Self::at(&plan, ledger, self.log.clone(), Some(&self.review.place()))
    }
}

#[test]
fn a_facility_is_read_a_fact_a_line() {
    let plan = plan(&[]);
    let mut review = Review::new(Arc::clone(&plan), Ledger::new(&plan), Vec::new(), None, None);
    let lines: Vec<String> = review
        .begin()
        .into_iter()
        .map(|out| match out {
            Out::Line(text) => text,
            Out::Past(cell) => format!("past of {cell:?}"),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        lines[2..7],
        [
            "properties are named without dhis_.",
            "facility 1 of 3: Facility 0, case case0. 4 left of 4: 2 no flag, 1 REVIEW, 1 STOP.",
            "1  p0  120 to 1,310.  STOP: 11 times the usual 118.",
            "past of Cell { facility: 0, property: 0 }",
            "2  p1  1 to 2.  REVIEW: a fraction.",
        ]
    );
    assert!(lines.last().unwrap().ends_with("? help"));
}

#[test]
fn a_stop_is_approved_alone_and_with_a_reason() {
    let mut desk = Desk::new(&plan(&[]));
    desk.nothing("a 1", "120 to 1,310. 11 times the usual 118");
    assert_eq!(desk.review.prompt(), "reason to approve the STOP (empty: no): ");
    desk.nothing("", "no; nothing was decided");
    assert_eq!(desk.review.prompt(), "> ");
    desk.nothing("a 1", "11 times");
    desk.nothing("ok", "at least 3 characters");
    desk.nothing("undo", "is a command and no reason");
    let said = desk.types("outbreak, confirmed by district");
    assert_eq!(said, "approved p0 of Facility 0. 3 left of 4: 2 no flag, 1 REVIEW.");
    assert_eq!(desk.verdict(0, 0), Some(Verdict::Approve));
    assert_eq!(desk.review.ledger.reason(cell(0, 0)), Some("outbreak, confirmed by district"));
    desk.again();
}

#[test]
fn bulk_takes_what_has_no_flag_and_asks_for_review_with_the_count() {
    let mut desk = Desk::new(&plan(&[]));
    let said = desk.types("a");
    assert_eq!(said, "approved 2 in Facility 0. 2 left of 4: 1 REVIEW, 1 STOP; 1 REVIEW, 1 STOP stay.");
    desk.nothing("a", "approve 1 REVIEW in Facility 0; 1 STOP stay.");
    assert_eq!(desk.review.prompt(), "y: approve 1; anything else: no: ");
    desk.nothing("a", "no; nothing was decided");
    desk.nothing("a review", "approve 1 REVIEW");
    assert!(desk.types("Y").starts_with("approved 1 REVIEW in Facility 0."));
    desk.nothing("a", "1 STOP in Facility 0: approved one at a time by number, with a reason");
    desk.nothing("a review", "1 STOP in Facility 0");
    assert_eq!((desk.verdict(0, 0), desk.verdict(0, 1)), (None, Some(Verdict::Approve)));
    desk.again();
}

#[test]
fn numbers_name_rows_and_what_is_not_there_does_nothing() {
    let mut desk = Desk::new(&plan(&[]));
    let said = desk.types("a 1-3");
    assert!(
        said.starts_with("approved 1 in Facility 0 by number.") && said.contains("1 REVIEW, 1 STOP stay"),
        "{said}"
    );
    assert_eq!((desk.verdict(0, 0), desk.verdict(0, 1), desk.verdict(0, 2)), (None, None, Some(Verdict::Approve)));
    desk.nothing("a 4 5", "there is no row 5: rows 1 to 4 are listed. Nothing was done.");
    desk.nothing("r 1-99999999999", "there is no row 99,999,999,999");
    // Numbers stay while nothing is listed again.
    assert!(desk.types("r 4").starts_with("rejected p3 of Facility 0."));
    assert!(desk.types("c 3 4").starts_with("cleared 2 in Facility 0."));
    let listed = desk.types("l");
    assert!(listed.contains("4  p3  "), "{listed}");
    desk.again();
}

#[test]
fn what_is_shown_is_approved_and_rejected_with_its_count() {
    let mut desk = Desk::new(&plan(&[]));
    desk.nothing("A", "approve 8 changes in all facilities without a flag; 2 REVIEW, 1 STOP stay.");
    desk.nothing("n", "no; nothing was decided");
    desk.nothing("a all", "approve 8 changes");
    assert!(
        desk.types("yes").starts_with("approved all 8 without a flag in all facilities. 3 left of 11 in the whole")
    );
    desk.nothing("R", "reject 3 changes in all facilities; 2 REVIEW, 1 STOP among them.");
    assert!(desk.types("y").starts_with("rejected 3 in all facilities. 0 left of 11"));
    desk.nothing("f is:left", "no facility is shown");
    desk.nothing("f", "shown: 11 changes in 3 facilities.");
    desk.nothing("C", "clear 11 decisions in all facilities.");
    assert!(desk.types("y").starts_with("cleared 11"));
    desk.again();
}

#[test]
fn a_property_with_an_open_stop_takes_no_bulk_until_it_is_settled() {
    let mut desk = Desk::new(&plan(&[("dhis_p3", "C5")]));
    desk.nothing("A", "open STOP of p3 (C5): settle NAME takes a reason");
    let said = desk.types("a");
    assert!(said.starts_with("approved 1 in Facility 0.") && said.contains("1 of a property with an open STOP stays"));
    let said = desk.nothing("prop p3", "STOP of the property: C5: 4.1 times the quarters before.");
    assert!(said.starts_with("property 4 of 4: p3. 3 left of 3"), "{said}");
    desk.nothing("A", "open STOP of p3 (C5)");
    desk.nothing("settle", "p3: C5: 4.1 times");
    desk.nothing("no", "at least 3 characters");
    assert!(desk.types("new form").starts_with("settled the STOP of p3;"));
    desk.nothing("settle dhis_p3", "p3 has no open STOP of its own");
    desk.nothing("A", "approve 3 changes in p3 without a flag.");
    assert!(desk.types("y").starts_with("approved all 3 without a flag in p3. 0 left of 3"));
    desk.again();
}

#[test]
fn a_zero_is_chosen_on_its_own_and_never_part_of_a_bulk() {
    let mut desk = Desk::new(&plan(&[]));
    desk.types("g facility 1");
    assert!(desk.types("l").contains("3  p2  61, reads (0?): 0 writes 0, r keeps what is there."));
    desk.types("a");
    assert_eq!(desk.verdict(1, 2), None);
    desk.nothing("a 3", "it reads (0?)");
    assert!(desk.types("0 3").starts_with("approved 0 for p2 of Facility 1."));
    assert_eq!(desk.verdict(1, 2), Some(Verdict::Zero));
    desk.types("u");
    desk.nothing("0", "write 0 for 1 in Facility 1 that read (0?)");
    assert!(desk.types("y").starts_with("approved 0 for 1 (0?) in Facility 1."));
    desk.again();
}

#[test]
fn undo_goes_on_over_a_restart_and_the_place_is_kept() {
    let mut desk = Desk::new(&plan(&[]));
    desk.types("A");
    desk.types("y");
    desk.types("f is:stop");
    desk.types("prop p1");
    let mut desk = desk.again();
    desk.nothing("l all", "property 2 of 4: p1.");
    assert_eq!(desk.review.filter.text(), "is:stop");
    let said = desk.types("u");
    assert!(said.starts_with("undone: approved all 8 without a flag in all facilities. 11 left of 11"), "{said}");
    assert_eq!(desk.review.ledger.all().approved, 0);
    let mut desk = desk.again();
    assert!(desk.types("redo").starts_with("done again: approved all 8"));
    assert_eq!(desk.review.ledger.all().approved, 8);
    desk.types("u");
    desk.nothing("u", "nothing to undo.");
    desk.again();
}

#[test]
fn a_place_of_the_full_screen_is_read_and_what_else_it_holds_is_kept() {
    let plan = plan(&[]);
    let at = |place: &str| Review::new(Arc::clone(&plan), Ledger::new(&plan), Vec::new(), Some(place), None).place();
    let place = r#"{"screen":"properties","facility":"case2","property":"dhis_p1","filter":"facility","pane":"list"}"#;
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(json(&at(place)), json(place));
    let other = json(&at(r#"{"screen":"submit","facility":"case1","property":null,"filter":""}"#));
    assert_eq!((other["screen"].as_str(), other["facility"].as_str()), (Some("facilities"), Some("case1")));
    for unknown in ["", "[]", "{\"screen\":7}", "{\"filter\":\"is:nothing\",\"facility\":\"gone\"}"] {
        assert_eq!(json(&at(unknown))["facility"], "case0", "{unknown}");
    }
}

#[test]
fn next_and_back_go_where_something_is_left() {
    let mut desk = Desk::new(&plan(&[]));
    desk.types("g 2");
    let second = desk.review.facility.unwrap();
    desk.types("r");
    desk.types("b");
    assert!(desk.types("n").starts_with("facility 3 of 3"), "the second has nothing left");
    desk.nothing("n", "no facility after this one has something left.");
    assert!(desk.types("b").starts_with("facility 1 of 3"));
    desk.nothing("b", "no facility before this one");
    desk.nothing("g 4", "there is no facility 4; 3 are shown.");
    desk.nothing("g nowhere", "no facility has the name or id \"nowhere\"");
    desk.nothing("g Facility", "is in 3 names");
    assert_eq!(desk.review.ledger.facility(second).left(), 0);
    desk.types("prop 1");
    assert!(desk.types("n").starts_with("property 2 of 4"));
    assert!(desk.types("facilities").starts_with("facility 1 of 3"));
}

#[test]
fn long_lists_come_in_pieces_and_what_was_not_listed_has_no_number() {
    let plan = Arc::new(sample(30, 1, |_| {}));
    let mut desk = Desk::new(&plan);
    assert!(desk.types("prop dhis_p0").ends_with("10 rows not listed yet; more lists them."));
    desk.nothing("a 21", "there is no row 21: rows 1 to 20 are listed");
    assert!(desk.types("more").contains("30  "));
    desk.nothing("more", "no more rows.");
    assert!(desk.types("a 21").starts_with("approved "));
}

#[test]
fn only_the_number_of_changes_sends() {
    let mut desk = Desk::new(&plan(&[]));
    assert_eq!(desk.all("submit").1, [Out::Check]);
    desk.types("A");
    desk.types("y");
    let check = || report::Check { changes: 8, facilities: 3, forms: 1, ..report::Check::default() };
    for (typed, part) in
        [("", "no; nothing was sent."), ("y", "nothing was sent"), ("9", "9 is not the number of changes, 8")]
    {
        desk.review.checked(Ok(check()));
        assert_eq!(desk.review.prompt(), "number of changes (empty: no): ");
        let (said, other) = desk.all(typed);
        assert!(said.contains(part) && other.is_empty(), "{said} {other:?}");
        assert_eq!(desk.review.prompt(), "> ");
    }
    desk.review.checked(Ok(check()));
    assert_eq!(desk.all("8").1, [Out::Submit(8)]);
    let stop = report::Check { lines: vec![(report::Level::Stop, "too old".to_owned())], ..check() };
    let said = desk.review.checked(Ok(stop));
    assert!(said.contains(&Out::Line("nothing can be sent: too old.".to_owned())), "{said:?}");
    assert!(!desk.review.asks());
    desk.review.checked(Err("no answer".to_owned()));
    assert!(!desk.review.asks());
}

#[test]
fn what_could_not_be_written_is_taken_back() {
    let mut desk = Desk::new(&plan(&[]));
    desk.types("a");
    let entry = desk.log.pop().unwrap();
    let said = desk.review.not_recorded(entry.seq, "disk full");
    assert_eq!(said, Out::Line("not saved, so it was taken back: disk full.".to_owned()));
    assert_eq!(desk.review.ledger.all().approved, 0);
    desk.types("m 1 x");
    let entry = desk.log.pop().unwrap();
    desk.review.not_recorded(entry.seq, "disk full");
    assert_eq!(desk.review.ledger.note(cell(0, 0)), None);
    desk.types("a");
    desk.again();
}

#[test]
fn a_note_is_put_told_taken_back_and_taken_away() {
    let mut desk = Desk::new(&plan(&[]));
    let said = desk.types("m 1 asked the clerk\u{1b}[2J on 3 July");
    assert_eq!(said, "noted p0 of Facility 0. note: asked the clerk<1B>[2J on 3 July");
    assert_eq!(desk.verdict(0, 0), None);
    assert!(desk.types("l").contains("1  p0  120 to 1,310.  STOP: 11 times the usual 118.  note: asked the clerk"));
    assert!(desk.types("why 1").contains("\nundecided.\nnote: asked the clerk"));
    assert!(desk.types("u").starts_with("undone: noted p0 of Facility 0. "));
    desk.nothing("why 1", "undecided.");
    assert!(desk.types("redo").starts_with("done again: noted p0 of Facility 0. "));

    desk.nothing("m 9 x", "there is no row 9");
    desk.nothing(&format!("m 1 {}", "x".repeat(201)), "at most 200 characters, this one has 201. Nothing was noted.");
    desk.nothing("m 2", "there is no note here. Nothing was noted.");
    assert!(desk.types(&format!("m 2 {}", "x".repeat(200))).starts_with("noted p1 of Facility 0. "));
    assert_eq!(desk.types("note 2-4 same form"), "noted 3 in Facility 0 by number. note: same form");
    desk.nothing("m 3 same form", "the note says that already. Nothing was noted.");
    assert_eq!(desk.types("m 1-4 same form"), "noted p0 of Facility 0. 3 rows as before. note: same form");
    assert_eq!(desk.types("m 3"), "took the note from p2 of Facility 0.");
    let mut desk = desk.again();
    let notes: Vec<_> = desk.review.ledger.notes().map(|(at, text)| (at.property, text.to_owned())).collect();
    assert_eq!(notes, [0, 1, 3].map(|property| (property, "same form".to_owned())));
    assert!(desk.types("u").starts_with("undone: took the note from p2 of Facility 0. "));
    assert_eq!(desk.review.ledger.note(cell(0, 2)), Some("same form"));
}

#[test]
fn a_note_is_no_decision_and_is_found() {
    let mut desk = Desk::new(&plan(&[]));
    desk.types("g facility 1");
    desk.types("m 3 ward closed");
    assert_eq!((desk.verdict(1, 2), desk.review.ledger.all().decided()), (None, 0));
    let said = desk.nothing("f note:WARD", "facility 1 of 1: Facility 1, ");
    assert!(said.contains("reads (0?)") && said.contains("  note: ward closed"), "{said}");
    desk.nothing("f note:clinic", "shown: 0 changes in 0 facilities.");
    desk.nothing("m 1 x", "no row is listed");
}

#[test]
fn lists_are_sorted_and_the_facility_stays() {
    let plan = sample(3, 2, |draft| {
        draft.flag(cell(1, 0), Flag::new("T1", Severity::Stop, "11 times"));
        draft.set(cell(2, 1), Some("1"), Some("900"), State::Reported);
    });
    let plan = Arc::new(plan);
    let mut desk = Desk::new(&plan);
    desk.nothing("sort", "sorted by weight; ? names the others.");
    assert_eq!(desk.review.list, [1, 0, 2]);
    let said = desk.nothing("sort change", "sorted by change; g 1 goes to the first.");
    assert_eq!(desk.review.list[0], 2);
    let place = desk.review.list.iter().position(|at| *at == 1).unwrap() + 1;
    assert!(said.contains(&format!("\nfacility {place} of 3: Facility 1, ")), "{said}");
    desk.nothing("g 1", "facility 1 of 3: Facility 2, ");
    desk.nothing("prop p1", "1  Facility 2  1 to 900.");
    let said = desk.nothing("sort name", "sorted by name.\n");
    assert!(said.contains("\n1  Facility 0  "), "{said}");
    assert_eq!(desk.review.list, [0, 1, 2]);
    // A newer reading keeps the order; what is decided is not left.
    desk.types("sort left");
    desk.types("g facility 0");
    desk.types("r");
    let ledger = desk.review.ledger.clone();
    desk.review.read_again(Arc::clone(&plan), ledger, Vec::new());
    desk.nothing("sort", "sorted by left to decide;");
    assert_eq!(desk.review.list, [1, 2, 0]);
}

#[test]
fn one_who_may_only_look_decides_and_sends_nothing() {
    let plan = plan(&[("dhis_p3", "C5")]);
    let why = Some("nobody is there".to_owned());
    let mut review = Review::new(Arc::clone(&plan), Ledger::new(&plan), Vec::new(), None, why);
    review.begin();
    for text in [
        "l",
        "n",
        "prop p1",
        "left",
        "overview",
        "checks",
        "reset",
        "why 1",
        "p 1",
        "?",
        "f is:stop",
        "sort name",
        "aprove",
        "",
    ] {
        let outs = review.answer(text, &stamp());
        assert!(!outs.iter().any(|out| matches!(out, Out::Record(_))), "{text}");
        assert!(!review.was_refused(), "{text}");
    }
    for text in [
        "a",
        "a 1",
        "A",
        "m 1 x",
        "m 1",
        "r 1",
        "c",
        "0",
        "u",
        "redo",
        "settle p3",
        "settle forms",
        "verify",
        "submit",
        "read",
    ] {
        let outs = review.answer(text, &stamp());
        assert_eq!(outs, [Out::Line("refused, nothing was done: nobody is there.".to_owned())], "{text}");
        assert!(!review.asks() && review.was_refused());
    }
    assert!(!review.keeps_place());
}
