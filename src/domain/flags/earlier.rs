//! What earlier reviews tell of a cell: the flags a person accepted with a reason, what this program wrote there last, and the
//! rules that compare with either. Which files these are is not here (see `job::earlier`).

use std::collections::BTreeMap;

use super::{Facts, Flag, Row, Severity};
use crate::domain::{
    head::Head,
    ledger::{Entry, Ledger, Verdict, deciders},
    plan::{Cell, Plan, ordinal},
    quarter::Quarter,
    text::inert,
    value::{Number, same},
};

/// How far a value may be from the accepted one, in parts of it (data-quality-flags.md section 5, point 5).
pub const WITHIN: f64 = 0.20;

/// Rules that speak of this reading: an earlier acceptance says nothing of them.
const OF_NOW: [&str; 4] = ["S30", "S31", "S32", "S36"];

/// The rules of this file.
pub(super) const RULES: [super::Rule; 2] = [foreign_edit, clears_value];

/// A cell that was approved with a reason although it was flagged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Rule ids of its STOP and REVIEW flags then.
    pub ids: Vec<String>,
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
            let ids: Vec<String> =
                flags.iter().filter(|flag| flag.severity > Severity::Info).map(|flag| flag.id.clone()).collect();
            let writes = ledger.verdict(plan, cell).is_some_and(Verdict::writes);
            let (Some(reason), Some(who), Some(value)) =
                (ledger.reason(cell), who.get(&cell), plan.offer(cell).and_then(Number::parse))
            else {
                continue;
            };
            if ids.is_empty() || !writes {
                continue;
            }
            let quarter = Some(quarter).filter(|quarter| *quarter != now.before());
            let (who, reason) = ((*who).to_owned(), reason.to_owned());
            self.cell(plan, cell).accepted = Some(Accepted { ids, value, who, reason, quarter });
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
        || !accepted.ids.contains(&flag.id)
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
    let sentence = || format!("DHIS2 changed since plan: {} -> {}", shown(was), shown(is));
    (!same(was, is)).then(|| Flag::new("S31", Severity::Stop, sentence()))
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
