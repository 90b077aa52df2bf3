//! What earlier reviews tell of a cell: the flags a person accepted with a reason, what this program wrote there last, and the
//! rules that compare with either. Which files these are is not here (see `job::earlier`).

use std::collections::BTreeMap;

use super::{Facts, Flag, Row, Severity};
use crate::domain::{
    head::Head,
    ledger::{Entry, Ledger, Verdict, deciders, is_reason},
    plan::{Cell, Plan, ordinal},
    quarter::Quarter,
    text::inert,
    value::{Number, same},
};

/// Rules that speak of this reading: an earlier acceptance says nothing of them.
const OF_NOW: [&str; 5] = ["A02", "S30", "S31", "S32", "S36"];

/// The rules of this file.
pub(super) const RULES: [super::Rule; 2] = [foreign_edit, clears_value];

/// A cell that was approved with a reason although it was flagged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Rule ids of its STOP and REVIEW flags then, with the severity each had.
    pub ids: Vec<(String, Severity)>,
    /// The data element the number was of.
    pub data_element: String,
    /// The value approved.
    pub value: Number,
    /// Who approved it.
    pub who: String,
    /// Why.
    pub reason: String,
    /// The quarter of that review where it is not the last one.
    pub quarter: Option<Quarter>,
}

/// What this program wrote, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Written {
    /// RFC 3339.
    at: String,
    /// `None` where it is not known whether it arrived.
    value: Option<String>,
}

/// What is told of one cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    accepted: Option<Accepted>,
    written: Option<Written>,
}

/// What earlier reviews tell. Cells go by case id and property name: places in a review file mean nothing in another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Earlier {
    cases: BTreeMap<String, BTreeMap<String, Told>>,
    spreads: BTreeMap<String, f64>,
    from: Vec<(String, Quarter)>,
}

impl Earlier {
    /// What was accepted of a cell; `None` where nothing was.
    pub fn accepted(&self, case_id: &str, property: &str) -> Option<&Accepted> {
        self.told(case_id, property)?.accepted.as_ref()
    }

    /// The value this program wrote to a cell last and saw there; `None` where it wrote none, or where it is not known whether a
    /// later one arrived.
    pub fn written(&self, case_id: &str, property: &str) -> Option<&str> {
        self.told(case_id, property)?.written.as_ref()?.value.as_deref()
    }

    /// The spread of the facilities of a property together, see [`super::Whole::spread`]; `None` where no earlier review worked
    /// one out.
    pub fn spread(&self, property: &str) -> Option<f64> {
        self.spreads.get(property).copied()
    }

    /// Reviews with accepted flags, oldest first: file name and quarter.
    pub fn from(&self) -> &[(String, Quarter)] {
        &self.from
    }

    /// On how many cells flags were accepted.
    pub fn accepted_cells(&self) -> usize {
        self.cases.values().flat_map(BTreeMap::values).filter(|told| told.accepted.is_some()).count()
    }

    fn told(&self, case_id: &str, property: &str) -> Option<&Told> {
        self.cases.get(case_id)?.get(property)
    }

    /// Takes in the spreads of a review, which is newer than those taken in before.
    pub fn take_spreads(&mut self, head: &Head) {
        let spreads = head.whole.iter().filter_map(|(property, whole)| Some((property.clone(), whole.spread()?)));
        self.spreads.extend(spreads.filter(|(_, spread)| spread.is_finite()));
    }

    /// Takes in what was accepted in a review, which is newer than those taken in before: what was decided otherwise in it counts
    /// no longer. `file` is its name, `entries` the log `ledger` is made of, `now` the quarter that is read.
    pub fn take_accepted(&mut self, file: &str, plan: &Plan, ledger: &Ledger, entries: &[Entry], now: Quarter) {
        self.forget_decided(plan, ledger);
        let (quarter, who) = (plan.head.quarter, deciders(entries));
        let mut any = false;
        for (cell, flags) in plan.all_flags() {
            let told = flags.iter().filter(|flag| flag.severity > Severity::Info);
            let ids: Vec<(String, Severity)> = told.map(|flag| (flag.id.clone(), flag.severity)).collect();
            let writes = ledger.verdict(plan, cell).is_some_and(Verdict::writes);
            let (Some(reason), Some(who), Some(value)) =
                (ledger.reason(cell), who.get(&cell), plan.offer(cell).and_then(Number::parse))
            else {
                continue;
            };
            if ids.is_empty() || !writes || !is_reason(Some(reason)) {
                continue;
            }
            let quarter = Some(quarter).filter(|quarter| *quarter != now.before());
            let (who, reason) = ((*who).to_owned(), reason.to_owned());
            let data_element = plan.property(cell.property).data_element.clone();
            self.cell(plan, cell).accepted = Some(Accepted { ids, data_element, value, who, reason, quarter });
            any = true;
        }
        if any {
            self.from.push((file.to_owned(), quarter));
        }
    }

    /// Takes in what became of a cell in a form made at this time: the value that was read back, or `None` where it is not known
    /// whether it arrived. The newest counts, whatever the order they are told in.
    pub fn take_written(&mut self, plan: &Plan, cell: Cell, at: &str, value: Option<&str>) {
        let told = self.cell(plan, cell);
        if told.written.as_ref().is_none_or(|known| *known.at <= *at) {
            told.written = Some(Written { at: at.to_owned(), value: value.map(str::to_owned) });
        }
    }

    /// Forgets what was accepted of cells this review decided.
    fn forget_decided(&mut self, plan: &Plan, ledger: &Ledger) {
        if self.cases.values().flat_map(BTreeMap::values).all(|told| told.accepted.is_none()) {
            return;
        }
        let facilities: BTreeMap<&str, u32> =
            plan.facilities().iter().enumerate().map(|(at, one)| (one.case_id.as_str(), ordinal(at))).collect();
        for (case_id, told) in &mut self.cases {
            let Some(facility) = facilities.get(case_id.as_str()) else { continue };
            for (property, told) in told.iter_mut().filter(|(_, told)| told.accepted.is_some()) {
                let Some(property) = plan.find_property(property) else { continue };
                if ledger.verdict(plan, Cell { facility: *facility, property }).is_some() {
                    told.accepted = None;
                }
            }
        }
    }

    fn cell(&mut self, plan: &Plan, cell: Cell) -> &mut Told {
        let (facility, property) = (plan.facility(cell.facility), plan.property(cell.property));
        self.cases.entry(facility.case_id.clone()).or_default().entry(property.name.clone()).or_default()
    }
}

/// The flag as INFO where it was accepted with a reason on this cell and the value is at most `within`, in parts, from the accepted
/// one; else as it is. An accepted 0 accepts only 0 (data-quality-flags.md section 5, point 5).
#[must_use]
pub fn soften(flag: Flag, accepted: &Accepted, value: &Number, within: f64) -> Flag {
    if OF_NOW.contains(&flag.id.as_str())
        || !accepted.ids.iter().any(|(id, severity)| *id == flag.id && flag.severity <= *severity)
        || !is_near(&accepted.value, value, within)
    {
        return flag;
    }
    let when = accepted.quarter.map_or_else(|| "last quarter".to_owned(), |quarter| format!("in {quarter}"));
    let (who, reason) = (inert(&accepted.who), inert(&accepted.reason));
    let sentence = format!("{}; accepted {when} by {who}: {reason}", flag.sentence);
    Flag { severity: Severity::Info, sentence, ..flag }
}

/// Whether a value is at most `within`, in parts of `accepted`, from it. Exact: a value on the bound is near.
fn is_near(accepted: &Number, value: &Number, within: f64) -> bool {
    // The shortest text of 0.2 is the decimal that was meant.
    let Some(within) = Number::parse(&within.to_string()).filter(|within| !within.is_negative()) else { return false };
    let size = |number: Number| if number.is_negative() { Number::default().minus(&number) } else { number };
    size(value.minus(accepted)) <= size(accepted.times(&within))
}

/// A value in a sentence.
fn shown(value: Option<&str>) -> &str {
    value.filter(|value| !value.is_empty()).unwrap_or("nothing")
}

/// S30: the case held one value when the plan was made and holds another now; `new` is what is proposed for it.
pub fn case_moved(was: Option<&str>, is: Option<&str>, new: Option<&str>) -> Option<Flag> {
    (!same(was, is)).then(|| Flag::new("S30", Severity::Stop, case_sentence(was, is, new)))
}

/// The sentence of S30: what the case held when the plan was made, what it holds now, what is proposed.
pub fn case_sentence(was: Option<&str>, is: Option<&str>, new: Option<&str>) -> String {
    format!("case changed since plan: {} -> {} -> {}", shown(was), shown(is), shown(new))
}

/// S31: DHIS2 held one number when the plan was made and holds another now.
pub fn source_moved(was: Option<&str>, is: Option<&str>) -> Option<Flag> {
    (!same(was, is)).then(|| Flag::new("S31", Severity::Stop, source_sentence(was, is)))
}

/// The sentence of S31: what DHIS2 held when the plan was made, and what it holds now. Both are to be inert.
pub fn source_sentence(was: Option<&str>, is: Option<&str>) -> String {
    format!("DHIS2 changed since plan: {} -> {}", shown(was), shown(is))
}

/// S32: the case does not hold what this program wrote there last.
fn foreign_edit(facts: &Facts<'_>, _: &[Row<'_>]) -> Option<Flag> {
    let ours = facts.ours?;
    let (wrote, holds) = (shown(Some(ours)), shown(facts.old));
    let sentence = || format!("edited in CommCare since our last push: we wrote {wrote}, the case holds {holds}");
    (!same(facts.old, Some(ours))).then(|| Flag::new("S32", Severity::Review, sentence()))
}

/// S36: the proposal would blank what the case holds.
fn clears_value(facts: &Facts<'_>, _: &[Row<'_>]) -> Option<Flag> {
    let old = facts.old.filter(|old| !old.is_empty())?;
    facts.held.is_empty().then(|| Flag::new("S36", Severity::Stop, format!("would erase {old}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        flags::{Whole, facts::nothing, of_cell},
        ledger::{Act, Row, Stamp},
        plan::{Draft, Facility, State, sample},
    };

    const WITHIN: f64 = 0.20;

    const CELL: Cell = Cell { facility: 0, property: 0 };

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    fn accepted(value: &str) -> Accepted {
        Accepted {
            ids: vec![("T1".to_owned(), Severity::Stop), ("S07".to_owned(), Severity::Review)],
            data_element: "de000000000".to_owned(),
            value: number(value),
            who: "Grace".to_owned(),
            reason: "new maternity wing".to_owned(),
            quarter: None,
        }
    }

    fn flag(id: &str) -> Flag {
        Flag::new(id, Severity::Stop, "1,030 is 10x the usual 103")
    }

    #[test]
    fn an_accepted_flag_is_info_and_says_by_whom_and_why() {
        let soft = soften(flag("T1"), &accepted("1000"), &number("1030"), WITHIN);
        let sentence = "1,030 is 10x the usual 103; accepted last quarter by Grace: new maternity wing";
        assert_eq!(soft, Flag::new("T1", Severity::Info, sentence));
        let older = Accepted { quarter: Quarter::parse("2025Q4").ok(), ..accepted("1000") };
        let soft = soften(flag("T1"), &older, &number("1030"), WITHIN);
        assert!(soft.sentence.ends_with("103; accepted in 2025Q4 by Grace: new maternity wing"), "{soft:?}");
        let hostile = Accepted { reason: "a\u{1b}[2Jb".to_owned(), ..accepted("1000") };
        let soft = soften(flag("T1"), &hostile, &number("1030"), WITHIN);
        assert!(soft.sentence.ends_with("Grace: a<1B>[2Jb"), "{soft:?}");
    }

    #[test]
    fn the_bound_is_near_and_what_is_beyond_is_not() {
        for (before, now, within, near) in [
            ("1000", "1200", WITHIN, true),
            ("1000", "1200.0001", WITHIN, false),
            ("1000", "800", WITHIN, true),
            ("1000", "799.9999", WITHIN, false),
            ("-10", "-12", WITHIN, true),
            ("-10", "-12.1", WITHIN, false),
            ("10", "-10", WITHIN, false),
            // As binary numbers 0.2 times 3 is more than 0.6.
            ("3", "3.6", WITHIN, true),
            ("3", "3.6000000000000001", WITHIN, false),
            ("1000000000000000000000", "1200000000000000000001", WITHIN, false),
            ("0", "0", WITHIN, true),
            ("0", "0.0001", WITHIN, false),
            ("100", "100", 0.0, true),
            ("100", "101", 0.0, false),
            ("100", "100", -0.1, false),
            ("100", "100", f64::NAN, false),
        ] {
            let soft = soften(flag("T1"), &accepted(before), &number(now), within);
            assert_eq!(soft.severity == Severity::Info, near, "{before} {now} {within}");
            assert_eq!(soft == flag("T1"), !near);
        }
    }

    #[test]
    fn only_the_flag_that_was_accepted_is_softened_and_none_of_this_reading() {
        let same = number("1000");
        assert_eq!(soften(flag("T2"), &accepted("1000"), &same, WITHIN), flag("T2"), "another rule");
        assert_eq!(soften(flag("S07"), &accepted("1000"), &same, WITHIN), flag("S07"), "a REVIEW accepts no STOP");
        for id in OF_NOW {
            let accepted = Accepted { ids: vec![(id.to_owned(), Severity::Stop)], ..accepted("1000") };
            assert_eq!(soften(flag(id), &accepted, &same, WITHIN), flag(id));
        }
    }

    #[test]
    fn what_moved_is_said_with_its_values() {
        let sentence =
            |flag: Option<Flag>| flag.map(|flag| format!("{} {}: {}", flag.severity.word(), flag.id, flag.sentence));
        let case = |was, is| sentence(case_moved(was, is, Some("31")));
        assert_eq!(case(Some("12"), Some("19")).as_deref(), Some("STOP S30: case changed since plan: 12 -> 19 -> 31"));
        assert_eq!(case(None, Some("19")).as_deref(), Some("STOP S30: case changed since plan: nothing -> 19 -> 31"));
        assert_eq!(
            case(Some("12"), Some("")).as_deref(),
            Some("STOP S30: case changed since plan: 12 -> nothing -> 31")
        );
        assert_eq!((case(Some("12"), Some("12.0")), case(None, Some("")), case(None, None)), (None, None, None));
        let source = |was, is| sentence(source_moved(was, is));
        assert_eq!(source(Some("214"), Some("220")).as_deref(), Some("STOP S31: DHIS2 changed since plan: 214 -> 220"));
        assert_eq!(source(Some("214"), None).as_deref(), Some("STOP S31: DHIS2 changed since plan: 214 -> nothing"));
        assert_eq!((source(Some("214"), Some(" 214")), source(None, None)), (None, None));
    }

    #[test]
    fn what_is_not_ours_or_would_be_erased_is_flagged() {
        let facility = Facility::default();
        let said = |ours, old, held| {
            let flags = of_cell(&Facts { held, old, ours, ..nothing(&facility) });
            let words = flags.iter().map(|flag| format!("{} {}: {}", flag.severity.word(), flag.id, flag.sentence));
            words.collect::<Vec<_>>().join("; ")
        };
        let edited = "REVIEW S32: edited in CommCare since our last push: we wrote 31, the case holds";
        for (ours, old, held, expected) in [
            (Some("31"), Some("28"), "40", format!("{edited} 28")),
            (Some("31"), None, "40", format!("{edited} nothing")),
            (Some("31"), Some("31.0"), "40", String::new()),
            (None, Some("28"), "40", String::new()),
            (None, Some("31"), "", "STOP S36: would erase 31".to_owned()),
            (None, Some("0"), "", "STOP S36: would erase 0".to_owned()),
            (None, Some(""), "", String::new()),
            (None, None, "", String::new()),
            (None, Some("31"), "0", String::new()),
        ] {
            assert_eq!(said(ours, old, held), expected, "{ours:?} {old:?} {held:?}");
        }
    }

    /// A review of 2 facilities by 2 properties of this quarter, decided so, each alone and with a reason where there is one.
    fn review(
        quarter: &str,
        more: impl FnOnce(&mut Draft),
        decided: &[(Act, Cell, Option<&str>, &str)],
    ) -> (Plan, Ledger, Vec<Entry>) {
        let mut plan = sample(2, 2, more);
        plan.head.quarter = Quarter::parse(quarter).unwrap();
        let (mut ledger, mut entries) = (Ledger::new(&plan), Vec::new());
        for (act, cell, reason, who) in decided {
            let stamp = Stamp { at: String::new(), who: (*who).to_owned() };
            entries.push(ledger.decide(&plan, *act, [*cell], *reason, "one", &stamp).unwrap());
        }
        (plan, ledger, entries)
    }

    fn told(reviews: &[(Plan, Ledger, Vec<Entry>)]) -> Earlier {
        let mut earlier = Earlier::default();
        for (at, (plan, ledger, entries)) in reviews.iter().enumerate() {
            earlier.take_accepted(&format!("{at}.review"), plan, ledger, entries, Quarter::parse("2026Q2").unwrap());
        }
        earlier
    }

    fn flagged(draft: &mut Draft) {
        draft.flag(CELL, Flag::new("T1", Severity::Stop, "10x"));
        draft.flag(CELL, Flag::new("S07", Severity::Review, "2 streams"));
        draft.flag(CELL, Flag::new("S35", Severity::Info, "names"));
    }

    #[test]
    fn what_was_approved_with_a_reason_although_flagged_is_accepted() {
        let review = review("2026Q1", flagged, &[(Act::Approve, CELL, Some("new wing"), "Grace")]);
        let earlier = told(&[review]);
        let expected = Accepted {
            ids: vec![("T1".to_owned(), Severity::Stop), ("S07".to_owned(), Severity::Review)],
            data_element: "de000000000".to_owned(),
            value: number("1"),
            who: "Grace".to_owned(),
            reason: "new wing".to_owned(),
            quarter: None,
        };
        assert_eq!(earlier.accepted("case0", "dhis_p0"), Some(&expected));
        assert_eq!((earlier.accepted("case0", "dhis_p1"), earlier.accepted("case9", "dhis_p0")), (None, None));
        assert_eq!((earlier.accepted_cells(), earlier.from().len()), (1, 1));
    }

    #[test]
    fn what_was_imported_with_a_reason_of_its_own_is_accepted() {
        let (plan, mut ledger, mut entries) = review("2026Q1", flagged, &[]);
        let row = |cell, reason: &str| Row { cell, act: Act::Approve, reason: Some(reason.to_owned()) };
        let rows = vec![row(CELL, "new wing"), row(Cell { facility: 1, property: 1 }, "not flagged")];
        let stamp = Stamp { at: String::new(), who: "Ada".to_owned() };
        entries.push(ledger.import(&plan, rows, "2 verdicts from a.csv", &stamp).unwrap());
        let earlier = told(&[(plan, ledger, entries)]);
        let accepted = earlier.accepted("case0", "dhis_p0").unwrap();
        assert_eq!((accepted.who.as_str(), accepted.reason.as_str()), ("Ada", "new wing"));
        assert_eq!(earlier.accepted_cells(), 1);
    }

    #[test]
    fn what_was_not_decided_so_is_not_accepted() {
        let info = |draft: &mut Draft| draft.flag(CELL, Flag::new("S35", Severity::Info, "names"));
        let look = |draft: &mut Draft| draft.flag(CELL, Flag::new("S07", Severity::Review, "2 streams"));
        let reason = Some("new wing");
        for (what, review) in [
            ("rejected", review("2026Q1", flagged, &[(Act::Reject, CELL, reason, "Grace")])),
            ("undecided", review("2026Q1", flagged, &[])),
            ("without a reason", review("2026Q1", look, &[(Act::Approve, CELL, None, "Grace")])),
            ("INFO only", review("2026Q1", info, &[(Act::Approve, CELL, reason, "Grace")])),
            ("no flag", review("2026Q1", |_| {}, &[(Act::Approve, CELL, reason, "Grace")])),
        ] {
            let earlier = told(&[review]);
            assert_eq!((earlier.accepted_cells(), earlier.from()), (0, &[][..]), "{what}");
        }
    }

    #[test]
    fn the_newest_review_that_decided_a_cell_counts() {
        let approved = |who| review("2026Q1", flagged, &[(Act::Approve, CELL, Some("new wing"), who)]);
        let who = |reviews: &[_]| told(reviews).accepted("case0", "dhis_p0").map(|accepted| accepted.who.clone());
        assert_eq!(who(&[approved("Grace"), approved("Ada")]).as_deref(), Some("Ada"));
        let open = review("2026Q1", flagged, &[]);
        assert_eq!(who(&[approved("Grace"), open]).as_deref(), Some("Grace"), "it said nothing of the cell");
        let rejected = review("2026Q1", flagged, &[(Act::Reject, CELL, None, "Ada")]);
        assert_eq!(who(&[approved("Grace"), rejected]), None);
        let changed = [(Act::Reject, CELL, None, "Ada"), (Act::Approve, CELL, Some("it is right"), "Grace")];
        assert_eq!(who(&[review("2026Q1", flagged, &changed)]).as_deref(), Some("Grace"));
        let older = review("2025Q4", flagged, &[(Act::Approve, CELL, Some("new wing"), "Grace")]);
        let earlier = told(&[older]);
        assert_eq!(earlier.accepted("case0", "dhis_p0").unwrap().quarter, Quarter::parse("2025Q4").ok());
    }

    #[test]
    fn who_decided_is_the_one_whose_decision_stands() {
        let stamp = |who: &str| Stamp { at: String::new(), who: who.to_owned() };
        let (plan, mut ledger, mut entries) =
            review("2026Q1", flagged, &[(Act::Approve, CELL, Some("new wing"), "Grace")]);
        entries.push(ledger.decide(&plan, Act::Reject, [CELL], None, "one", &stamp("Ada")).unwrap());
        entries.push(ledger.undo(&plan, &stamp("Ada")).unwrap());
        let of = |entries: &[Entry]| deciders(entries).get(&CELL).map(|who| (*who).to_owned());
        assert_eq!(of(&entries).as_deref(), Some("Grace"));
        assert_eq!(told(&[(plan, ledger.clone(), entries.clone())]).accepted("case0", "dhis_p0").unwrap().who, "Grace");
        let plan = sample(2, 2, flagged);
        entries.push(ledger.redo(&plan, &stamp("Ada")).unwrap());
        assert_eq!(of(&entries).as_deref(), Some("Ada"));
        let now = sample(2, 2, |draft| draft.set(CELL, Some("7"), Some("9"), State::Reported));
        entries.push(ledger.reset(&entries, &plan, &now, &stamp("onse")).unwrap());
        assert_eq!(of(&entries), None);
    }

    #[test]
    fn the_newest_form_says_what_was_written() {
        let plan = sample(1, 1, |_| {});
        let mut earlier = Earlier::default();
        let mut told = |at: &str, value: Option<&str>| {
            earlier.take_written(&plan, CELL, at, value);
            earlier.written("case0", "dhis_p0").map(str::to_owned)
        };
        assert_eq!(told("2026-04-05T09:00:00Z", Some("28")).as_deref(), Some("28"));
        assert_eq!(told("2026-01-05T09:00:00Z", Some("20")).as_deref(), Some("28"), "an older form");
        assert_eq!(told("2026-04-05T09:00:00Z", Some("31")).as_deref(), Some("31"), "a later one of the same second");
        assert_eq!(told("2026-04-06T09:00:00Z", None), None, "whether it arrived is not known");
        assert_eq!(told("2026-04-07T09:00:00Z", Some("33")).as_deref(), Some("33"));
    }

    #[test]
    fn spreads_are_those_of_the_newest_review_that_has_some() {
        let whole = |spread: &str| Whole {
            kind: super::super::Kind::Flow,
            spread: spread.to_owned(),
            shift: None,
            with: 1,
            of: 1,
        };
        let mut earlier = Earlier::default();
        for spreads in [&[("a", "0.2000"), ("b", "0.3000")][..], &[("a", "0.2500"), ("b", "")], &[("b", "NaN")], &[]] {
            let mut head = Head::of(Quarter::parse("2026Q1").unwrap());
            head.whole = spreads.iter().map(|(name, spread)| ((*name).to_owned(), whole(spread))).collect();
            earlier.take_spreads(&head);
        }
        let said = ["a", "b", "c"].map(|name| earlier.spread(name).map(|spread| format!("{spread}")));
        assert_eq!(said, [Some("0.25".to_owned()), Some("0.3".to_owned()), None]);
    }
}
