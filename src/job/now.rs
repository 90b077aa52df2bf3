//! Approved cells against the cases as they are now (fault matrix section 6). The search index is asked first; where it says
//! something else than is expected, or nothing, the database is, as far as the allowance for that goes. Sends nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Result;
use jiff::Timestamp;

use super::{forms::form_cell, report::Held, session::Sources};
use crate::{
    domain::{
        flags::{Severity, case_sentence},
        offer::or_blank,
        plan::{Cell, Plan},
        value::same,
    },
    io::{
        commcare::{CaseRecord, Found},
        http::Why,
        store::FormCell,
    },
};

/// Cases asked of the database in a minute: one request each, of which a small project has 10 to 20 (commcare.md section 7).
const A_MINUTE: usize = 10;

/// How long before a form a change by somebody else is worth telling (fault matrix row H10).
const RECENT: Duration = Duration::from_mins(1);

/// What may still be asked of the database.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    used: usize,
    since: Option<Timestamp>,
    /// The server said that there is no more.
    ended: bool,
}

impl Allowance {
    fn is_used_up(&self) -> bool {
        !self.ended && self.used > A_MINUTE
    }

    fn take(&mut self, now: Timestamp) -> bool {
        // The server may have more to give by now.
        let fresh = self.since.is_none_or(|since| now.duration_since(since).unsigned_abs() >= Duration::from_mins(1));
        if fresh {
            (self.since, self.used, self.ended) = (Some(now), 0, false);
        }
        self.used += 1;
        !self.ended && self.used <= A_MINUTE
    }
}

fn held(allowance: &Mutex<Allowance>) -> MutexGuard<'_, Allowance> {
    allowance.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who is asked.
pub(super) struct Eyes<'a> {
    pub(super) sources: &'a Sources,
    pub(super) plan: &'a Plan,
    /// One for a session: what is asked of the database a minute is counted over all that is done in it.
    pub(super) allowance: &'a Mutex<Allowance>,
    pub(super) now: Timestamp,
    /// Whether cells with a STOP are asked about for that alone: before their form, not before the question, since there is little
    /// to ask with.
    pub(super) stops: bool,
}

/// Cases as they are now, by facility.
#[derive(Debug, Default)]
pub(super) struct Cases {
    /// Those that were found.
    pub(super) found: BTreeMap<u32, CaseRecord>,
    /// Those that are from the database, found there or not: what it says is current (commcare.md section 8.3).
    pub(super) sure: BTreeSet<u32>,
}

impl Eyes<'_> {
    /// The cases of these facilities, each once and in order. `doubt` says of which the database is asked too, given what the
    /// index says of it.
    pub(super) async fn cases(
        &self,
        facilities: &[u32],
        doubt: impl Fn(u32, Option<&CaseRecord>) -> bool,
    ) -> Result<Cases> {
        let mut cases = Cases { found: self.index(facilities).await?, sure: BTreeSet::new() };
        for facility in facilities {
            if doubt(*facility, cases.found.get(facility)) {
                self.ask_database(*facility, &mut cases).await;
            }
        }
        Ok(cases)
    }

    /// Whether a cell with a STOP waits for its turn: its case can be read from the database, and there was no room for it this
    /// minute. Where the server itself refuses to be asked, the index's word has to do.
    fn owes(&self, cell: Cell, cases: &Cases) -> bool {
        self.stops
            && self.plan.severity(cell) == Some(Severity::Stop)
            && self.sources.commcare.has_database()
            && !cases.sure.contains(&cell.facility)
            && held(self.allowance).is_used_up()
    }

    /// Whether the plan puts values back.
    fn undoes(&self) -> bool {
        self.plan.head.undo.is_some()
    }

    async fn index(&self, facilities: &[u32]) -> Result<BTreeMap<u32, CaseRecord>> {
        let ids: Vec<String> = facilities.iter().map(|f| self.plan.facility(*f).case_id.clone()).collect();
        let found = self.sources.commcare.fetch(&ids, &self.plan.head.case_type, &self.wanted()).await?;
        let cases = facilities.iter().zip(found).filter_map(|(facility, found)| match found {
            Found::Case(case) => Some((*facility, case)),
            Found::Missing(_) => None,
        });
        Ok(cases.collect())
    }

    fn wanted(&self) -> Vec<String> {
        self.plan.properties().iter().map(|property| property.name.clone()).collect()
    }

    /// Puts what the database says of a case in place of what the index says. Where it cannot be asked, or tells of another case
    /// of the same organisation unit, the index's word stands: then nothing more is claimed than that says.
    pub(super) async fn ask_database(&self, facility: u32, cases: &mut Cases) {
        let ours = self.plan.facility(facility);
        if !self.sources.commcare.has_database() || !held(self.allowance).take(self.now) {
            return;
        }
        match self.sources.commcare.hurried().from_database(&ours.external_id, &self.wanted()).await {
            Ok(Some(case)) if case.case_id == ours.case_id => {
                cases.found.insert(facility, case);
                cases.sure.insert(facility);
            }
            Ok(None) => match cases.found.get(&facility) {
                // Gone on both sides.
                None => _ = cases.sure.insert(facility),
                // Of another organisation unit now, and the index knows.
                Some(case) if case.external_id.as_deref() != Some(ours.external_id.as_str()) => {}
                // Gone or of another unit, and the index does not know yet: it is not what was planned, and no more is known.
                Some(_) => _ = cases.found.remove(&facility),
            },
            Ok(Some(_)) => {}
            Err(failure) => {
                tracing::info!(%failure, "the database was not asked further");
                // Whoever does not answer now would be waited for once more with each case.
                held(self.allowance).ended |= !matches!(*failure.why, Why::Refused { .. } | Why::Shape { .. });
            }
        }
    }
}

/// Approved cells sorted by what the cases hold now.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// As they were: to be sent.
    pub(super) send: Vec<FormCell>,
    /// The case holds the new value already.
    pub(super) elsewhere: Vec<Held>,
    /// Anything else: not sent.
    pub(super) held: Vec<Held>,
    /// Facilities whose case somebody changed within the last minute.
    pub(super) recent: BTreeSet<u32>,
}

/// What the check says of one cell.
enum Word {
    Send(FormCell),
    Elsewhere(Held),
    Held(Held),
}

/// The facilities of these cells, which stand facility by facility.
pub(super) fn facilities(cells: impl IntoIterator<Item = Cell>) -> Vec<u32> {
    let mut facilities: Vec<u32> = cells.into_iter().map(|cell| cell.facility).collect();
    facilities.dedup();
    facilities
}

/// Reads the cases of approved cells and sorts these. The database is asked about a case that is not as the plan has it, that
/// carries a STOP, or that an earlier form of ours touched.
pub(super) async fn three_way(eyes: &Eyes<'_>, cells: &[Cell], touched: &BTreeSet<u32>) -> Result<Sorted> {
    let plan = eyes.plan;
    let mut by_facility: BTreeMap<u32, Vec<Cell>> = BTreeMap::new();
    for cell in cells {
        by_facility.entry(cell.facility).or_default().push(*cell);
    }
    let doubt = |facility: u32, case: Option<&CaseRecord>| {
        let cells = by_facility.get(&facility).map_or(&[][..], Vec::as_slice);
        let odd = |cell: &Cell| {
            (eyes.stops && plan.severity(*cell) == Some(Severity::Stop))
                || !matches!(word(plan, *cell, case), Some(Word::Send(_)))
        };
        touched.contains(&facility) || cells.iter().any(odd)
    };
    let cases = eyes.cases(&facilities(cells.iter().copied()), doubt).await?;
    let mut sorted = Sorted::default();
    for cell in cells {
        let case = cases.found.get(&cell.facility);
        match word(plan, *cell, case) {
            Some(Word::Send(ready)) if eyes.owes(*cell, &cases) => sorted.held.push(Held {
                cell: *cell,
                now: ready.old,
                already_set: false,
                moved: false,
                why:
                    "a STOP is sent only after the database was asked about its case, ten a minute; submit again for it"
                        .to_owned(),
            }),
            Some(Word::Send(mut ready)) => {
                let changed = case.and_then(CaseRecord::changed);
                let now = eyes.now;
                if changed.is_some_and(|at| now.duration_since(at).unsigned_abs() < RECENT)
                    && !touched.contains(&cell.facility)
                {
                    sorted.recent.insert(cell.facility);
                }
                let first = sorted.send.last().is_none_or(|one| one.facility != cell.facility);
                ready.since = changed.filter(|_| first);
                sorted.send.push(ready);
            }
            // An index that lags shows what was there before our own form, and an undo sets just that.
            Some(Word::Elsewhere(set))
                if !cases.sure.contains(&cell.facility) && (eyes.undoes() || touched.contains(&cell.facility)) =>
            {
                let why = format!("{}, as far as the search index knows; submit again for it in a minute", set.why);
                sorted.held.push(Held { already_set: false, why, ..set });
            }
            Some(Word::Elsewhere(set)) => sorted.elsewhere.push(set),
            Some(Word::Held(held)) => sorted.held.push(held),
            None => {}
        }
    }
    Ok(sorted)
}

fn word(plan: &Plan, cell: Cell, case: Option<&CaseRecord>) -> Option<Word> {
    let mut ready = form_cell(plan, cell)?;
    let keep = |now: Option<&str>, already_set: bool, why| {
        let (now, moved) = (now.map(str::to_owned), !already_set);
        Held { cell, now, already_set, moved, why }
    };
    let case = match as_planned(plan, cell, case) {
        Ok(case) => case,
        Err(why) => return Some(Word::Held(keep(None, false, why))),
    };
    let current = value_of(plan, cell, case);
    Some(if same(current, Some(&ready.new)) {
        Word::Elsewhere(keep(current, true, format!("the case holds {} already", or_blank(&ready.new))))
    } else if same(current, plan.old(cell)) {
        ready.old = current.map(str::to_owned);
        Word::Send(ready)
    } else {
        Word::Held(keep(current, false, case_sentence(plan.old(cell), current, Some(&ready.new))))
    })
}

/// Cells of a form that may have left, against the cases as they are now: those that hold neither the old nor the new value.
/// While there is one the form is not sent again, since its bytes would put a number of ours over somebody's newer one.
pub(super) fn moved(plan: &Plan, cells: &[FormCell], now: &BTreeMap<u32, CaseRecord>) -> Vec<Held> {
    let mut moved = Vec::new();
    for ready in cells {
        let cell = ready.cell();
        let (current, why) = match as_planned(plan, cell, now.get(&cell.facility)) {
            Ok(case) => {
                let current = value_of(plan, cell, case);
                if same(current, Some(&ready.new)) || same(current, ready.old.as_deref()) {
                    continue;
                }
                let (was, is) = (ready.old.as_deref().unwrap_or("nothing"), current.unwrap_or("nothing"));
                (current, format!("it was to go from {was} to {}, and holds {is} now", or_blank(&ready.new)))
            }
            Err(why) => (None, why),
        };
        moved.push(Held { cell, now: current.map(str::to_owned), already_set: false, moved: false, why });
    }
    moved
}

/// The case of a cell, if it is still the one the plan was made of.
pub(super) fn as_planned<'a>(plan: &Plan, cell: Cell, case: Option<&'a CaseRecord>) -> Result<&'a CaseRecord, String> {
    let facility = plan.facility(cell.facility);
    let Some(case) = case else {
        return Err("the case is gone from CommCare; a form would create it anew".to_owned());
    };
    let unit = case.external_id.as_deref().unwrap_or("none");
    if unit != facility.external_id {
        return Err(format!(
            "the case belongs to organisation unit {unit} now, and the value is that of {}",
            facility.external_id
        ));
    }
    if let Some(case_type) = case.case_type.as_deref().filter(|case_type| *case_type != plan.head.case_type) {
        return Err(format!("the case is of type {case_type} now, and was read as {}", plan.head.case_type));
    }
    if case.closed != facility.closed {
        let how = if case.closed { "closed" } else { "opened again" };
        return Err(format!("the case was {how} since the plan was read"));
    }
    Ok(case)
}

/// The value a case holds for a cell; `None` where the property is not set.
pub(super) fn value_of<'a>(plan: &Plan, cell: Cell, case: &'a CaseRecord) -> Option<&'a str> {
    case.properties.get(&plan.property(cell.property).name).map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_asked_a_few_times_a_minute() {
        let start: Timestamp = "2026-07-05T09:41:00Z".parse().unwrap();
        let mut allowance = Allowance::default();
        let later = |seconds| start + Duration::from_secs(seconds);
        let count = |allowance: &mut Allowance, seconds| (0..50).filter(|_| allowance.take(later(seconds))).count();
        assert_eq!((count(&mut allowance, 0), count(&mut allowance, 59)), (A_MINUTE, 0));
        assert_eq!(count(&mut allowance, 60), A_MINUTE);
        allowance.ended = true;
        assert_eq!((count(&mut allowance, 119), count(&mut allowance, 120)), (0, A_MINUTE), "for that minute");
    }
}
