//! A newer reading in the places of the one before: every facility and property keeps its ordinal, new ones come behind, and one
//! that is gone stays where it was with nothing proposed for it. What becomes of decisions is `ledger`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    flags::{Flag, case_moved, source_moved},
    ledger::{Act, Ledger, Verdict},
    plan::{Cell, Draft, Facility, Head, Plan, Property, State, index, ordinal},
    value::same,
};

/// A plan in the places of the one before.
#[derive(Debug)]
pub struct Aligned {
    /// The plan, one generation later.
    pub plan: Plan,
    /// By the ordinal a facility had in the plan given, the one it has now: for what hangs on facilities beside the plan.
    pub facilities: Vec<u32>,
}

/// How many of those that are gone a note names.
const NAMED: usize = 3;

/// Puts `now` in the places of `before`, one generation later. A facility is its case, a property its name.
///
/// A cell of one that is gone keeps its old value, in state `NOT_ASSIGNED`, and a note of the plan names it. What was approved
/// according to `ledger`, which is on `before`, and moved has a STOP (S30, S31).
pub fn align(before: &Plan, ledger: &Ledger, now: &Plan) -> Aligned {
    let facilities = Places::of(before.facilities(), now.facilities(), |one: &Facility| &one.case_id);
    let properties = Places::of(before.properties(), now.properties(), |one: &Property| &one.name);
    let mut head = Head { generation: before.head.generation + 1, ..now.head.clone() };
    head.notes.extend(gone("facilities", &facilities.gone, |at| &before.facilities()[at].name));
    head.notes.extend(gone("properties", &properties.gone, |at| &before.properties()[at].name));
    let mut draft = Plan::draft(head, facilities.all, properties.all);
    for cell in draft.plan().cells().collect::<Vec<_>>() {
        let known = cell.facility < before.height() && cell.property < before.width();
        draft.set(cell, if known { before.old(cell) } else { None }, None, State::NotAssigned);
    }
    let facilities: Vec<u32> = facilities.now.into_iter().map(ordinal).collect();
    for from in now.cells() {
        let property = u16::try_from(properties.now[usize::from(from.property)]).unwrap_or(u16::MAX);
        copy(now, from, Cell { facility: facilities[index(from.facility)], property }, &mut draft);
    }
    for skipped in now.skipped() {
        draft.skip(skipped.clone());
    }
    for (id, name) in before.option_names().iter().chain(now.option_names()) {
        draft.name(id.clone(), name.clone());
    }
    for (cell, flag) in moved(before, ledger, draft.plan()) {
        draft.flag(cell, flag);
    }
    Aligned { plan: draft.finish(), facilities }
}

/// The STOP of each cell that was approved in `before` and whose values moved until `now`, which is `before` read again in the same
/// places: what was approved by habit on values that moved is decided one by one (S30 and S31). `ledger` is on `before`.
///
/// A cell whose case holds what was sent did not move. One that has such a STOP already keeps it until it is decided, however often
/// the review is read.
fn moved(before: &Plan, ledger: &Ledger, now: &Plan) -> Vec<(Cell, Flag)> {
    let mut flags = Vec::new();
    for cell in before.cells().filter(|cell| Act::Reject.fits(now, *cell)) {
        let verdict = ledger.verdict(before, cell);
        let open: Vec<&Flag> = match verdict {
            None => before.flags(cell).iter().filter(|flag| ["S30", "S31"].contains(&flag.id.as_str())).collect(),
            Some(_) => Vec::new(),
        };
        let ours = ledger.is_sent(cell) && same(now.old(cell), before.offer(cell));
        let approved = verdict.is_some_and(Verdict::writes) || ledger.held(before, cell);
        if ours || (open.is_empty() && !approved) {
            continue;
        }
        let case = case_moved(before.old(cell), now.old(cell), now.offer(cell));
        // A 0 that DHIS2 may not have stored and one that it did write the same.
        let source = || source_moved(before.new_value(cell), now.new_value(cell));
        let source = if same(before.offer(cell), now.offer(cell)) { None } else { source() };
        let new: Vec<Flag> = case.into_iter().chain(source).collect();
        let all = if new.is_empty() { open.into_iter().cloned().collect() } else { new };
        flags.extend(all.into_iter().map(|flag| (cell, flag)));
    }
    flags
}

/// What a plan says of a cell, at its place in another.
fn copy(plan: &Plan, from: Cell, to: Cell, draft: &mut Draft) {
    draft.set(to, plan.old(from), plan.held(from), plan.state(from));
    if plan.quarter(from) != plan.head.quarter {
        draft.set_quarter(to, plan.quarter(from));
    }
    draft.set_usual(to, plan.usual(from));
    for flag in plan.flags(from) {
        draft.flag(to, flag.clone());
    }
}

/// Where things of one kind stand.
struct Places<T> {
    /// All of them: those there were, as they are now, then the new ones.
    all: Vec<T>,
    /// By the place of one that is there now, its place in `all`.
    now: Vec<usize>,
    /// Places in `all` of those that are gone.
    gone: Vec<usize>,
}

impl<T: Clone> Places<T> {
    fn of(before: &[T], now: &[T], name: fn(&T) -> &String) -> Self {
        let known: BTreeMap<&String, usize> = before.iter().enumerate().map(|(at, one)| (name(one), at)).collect();
        let mut all = before.to_vec();
        let mut places = Vec::with_capacity(now.len());
        for one in now {
            let at = known.get(name(one)).copied().unwrap_or(all.len());
            if at < all.len() {
                all[at] = one.clone();
            } else {
                all.push(one.clone());
            }
            places.push(at);
        }
        let here: BTreeSet<usize> = places.iter().copied().collect();
        let gone = (0..before.len()).filter(|at| !here.contains(at)).collect();
        Self { all, now: places, gone }
    }
}

/// That some are gone, and which.
fn gone<'a>(what: &str, places: &[usize], name: impl Fn(usize) -> &'a String) -> Option<String> {
    let first: Vec<&str> = places.iter().take(NAMED).map(|at| name(*at).as_str()).collect();
    let more = match places.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!places.is_empty()).then(|| {
        format!(
            "{} {what} of an earlier reading are not in this one and nothing is proposed for them: {}{more}",
            places.len(),
            first.join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        flags::Severity,
        ledger::Stamp,
        plan::{Kind, sample},
        quarter::Quarter,
    };

    fn cell(facility: u32, property: u16) -> Cell {
        Cell { facility, property }
    }

    /// The same things in another order, without `case1` and `dhis_p0`, with one new of each.
    fn later() -> Plan {
        let first = sample(3, 2, |_| {});
        let facility = |at: u32| first.facility(at).clone();
        let new = Facility { case_id: "new".to_owned(), name: "New".to_owned(), ..Facility::default() };
        let renamed = Facility { name: "Renamed".to_owned(), ..facility(0) };
        let property = Property { name: "dhis_new".to_owned(), ..Property::default() };
        let head = Head { read_at: "2026-07-06T09:00:00Z".to_owned(), ..first.head.clone() };
        let properties = vec![property, first.property(1).clone()];
        let mut draft = Plan::draft(head, vec![facility(2), new, renamed], properties);
        draft.set(cell(0, 1), Some("201"), Some("999"), State::OlderQuarter);
        draft.set_quarter(cell(0, 1), Quarter::parse("2025Q4").unwrap());
        draft.flag(cell(0, 1), Flag::new("S11", Severity::Review, "marked"));
        draft.set(cell(2, 0), None, Some("5"), State::Reported);
        draft.finish()
    }

    #[test]
    fn everything_keeps_its_place() {
        let before = sample(3, 2, |_| {});
        let Aligned { plan, facilities } = align(&before, &Ledger::new(&before), &later());
        let names: Vec<&str> = plan.facilities().iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["Renamed", "Facility 1", "Facility 2", "New"]);
        let properties: Vec<&str> = plan.properties().iter().map(|one| one.name.as_str()).collect();
        assert_eq!((properties, facilities), (vec!["dhis_p0", "dhis_p1", "dhis_new"], vec![2, 3, 0]));
        assert_eq!((plan.head.generation, plan.head.read_at.as_str()), (2, "2026-07-06T09:00:00Z"));
        let moved = cell(2, 1);
        assert_eq!((plan.old(moved), plan.new_value(moved)), (Some("201"), Some("999")));
        assert_eq!((plan.quarter(moved).to_string(), plan.flags(moved).len()), ("2025Q4".to_owned(), 1));
        assert_eq!(plan.new_value(cell(0, 2)), Some("5"), "a new property");
    }

    #[test]
    fn what_is_gone_keeps_its_value_and_proposes_nothing() {
        let before = sample(3, 2, |_| {});
        let plan = align(&before, &Ledger::new(&before), &later()).plan;
        for (gone, old) in [(cell(1, 0), Some("100")), (cell(1, 1), Some("101")), (cell(2, 0), Some("200"))] {
            assert_eq!((plan.old(gone), plan.state(gone), plan.kind(gone)), (old, State::NotAssigned, Kind::Without));
        }
        assert_eq!((plan.old(cell(3, 0)), plan.offer(cell(3, 0))), (None, None), "new facility, old property");
        let notes = plan.head.notes.join("\n");
        assert!(notes.contains("1 facilities") && notes.contains("Facility 1") && notes.contains("dhis_p0"), "{notes}");
    }

    /// One facility by 6 properties, all approved but the last, of which the first was sent; then read again with these values.
    fn again(now: &[(u16, Option<&str>, Option<&str>, State)]) -> Vec<(u16, String)> {
        let before = sample(1, 6, |_| {});
        let stamp = Stamp { at: String::new(), who: "Grace".to_owned() };
        let mut ledger = Ledger::new(&before);
        ledger.decide(&before, Act::Approve, (0..5).map(|at| cell(0, at)), None, "some", &stamp).unwrap();
        ledger.set_sent([cell(0, 0)]);
        let now = sample(1, 6, |draft| {
            for (at, old, held, state) in now {
                draft.set(cell(0, *at), *old, *held, *state);
            }
        });
        stops(&align(&before, &ledger, &now).plan)
    }

    fn stops(plan: &Plan) -> Vec<(u16, String)> {
        let of = |cell: Cell| {
            plan.flags(cell).iter().map(move |flag| (cell.property, format!("{} {}", flag.id, flag.sentence)))
        };
        plan.cells().flat_map(of).collect()
    }

    #[test]
    fn what_was_approved_and_moved_is_a_stop() {
        use State::{NotReported, Reported, ZeroNotStored};
        let moved = [
            (1, Some("9"), Some("2"), Reported),
            (2, Some("2"), Some("30"), Reported),
            (3, Some("9"), Some("40"), Reported),
            (4, Some("4"), None, ZeroNotStored),
            (5, Some("9"), Some("60"), Reported),
        ];
        let said = [
            (1, "S30 case changed since plan: 1 -> 9 -> 2"),
            (2, "S31 DHIS2 changed since plan: 3 -> 30"),
            (3, "S30 case changed since plan: 3 -> 9 -> 40"),
            (3, "S31 DHIS2 changed since plan: 4 -> 40"),
            (4, "S31 DHIS2 changed since plan: 5 -> nothing"),
        ];
        assert_eq!(again(&moved), said.map(|(at, words)| (at, words.to_owned())), "one that was undecided is none");
        let still = [
            (1, Some("1.0"), Some(" 2"), Reported),
            (2, Some("3"), Some("3"), Reported),
            (3, Some("3"), None, NotReported),
        ];
        assert_eq!(again(&still), [], "the same number, nothing left to change, nothing to write");
    }

    #[test]
    fn a_case_that_holds_what_was_sent_did_not_move() {
        let at = |old: &str, held: &str| again(&[(0, Some(old), Some(held), State::Reported)]);
        assert_eq!((at("1", "1"), at("1", "7")), (Vec::new(), Vec::new()));
        assert_eq!(at("5", "1"), [(0, "S30 case changed since plan: 0 -> 5 -> 1".to_owned())]);
    }

    #[test]
    fn what_moved_stays_a_stop_until_it_is_decided() {
        let stamp = Stamp { at: String::new(), who: "Grace".to_owned() };
        let reported = |old: &'static str, held: &'static str| {
            sample(1, 1, move |draft| draft.set(cell(0, 0), Some(old), Some(held), State::Reported))
        };
        let first = reported("12", "31");
        let mut ledger = Ledger::new(&first);
        ledger.decide(&first, Act::Approve, [cell(0, 0)], None, "one", &stamp).unwrap();
        let second = align(&first, &ledger, &reported("19", "31")).plan;
        let words = [(0, "S30 case changed since plan: 12 -> 19 -> 31".to_owned())];
        assert_eq!(stops(&second), words);
        let mut ledger = Ledger::new(&second);
        assert_eq!(stops(&align(&second, &ledger, &reported("19", "31")).plan), words, "read again, undecided");
        let words = [(0, "S31 DHIS2 changed since plan: 31 -> 33".to_owned())];
        assert_eq!(stops(&align(&second, &ledger, &reported("19", "33")).plan), words, "moved again");
        ledger.decide(&second, Act::Approve, [cell(0, 0)], Some("it is right"), "one", &stamp).unwrap();
        assert_eq!(stops(&align(&second, &ledger, &reported("19", "31")).plan), [], "approved one by one");
        let mut ledger = Ledger::new(&second);
        ledger.decide(&second, Act::Reject, [cell(0, 0)], None, "one", &stamp).unwrap();
        assert_eq!(stops(&align(&second, &ledger, &reported("19", "33")).plan), [], "kept");
    }
}
