//! Answers of both servers to a plan: which row belongs to which cell, what it adds up to, and what looks wrong about it.
//! A function of its arguments; asking is `fetch`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::{
    columns::Column,
    judge::Bench,
    sheet::{Layout, Sheet, UnitRows, fill, kept, past},
};
use crate::{
    domain::{
        caseblock::id_fault,
        finer::{MONTHS, Unfit},
        flags::{Earlier, Limits, Relation, Report},
        history::Cached,
        local::Local,
        mapping::is_uid,
        plan::{Draft, Facility, Head, Plan, Skipped, State, ordinal},
        quarter::Quarter,
    },
    io::{
        commcare::CaseRecord,
        dhis2::{DataSet, Named, OrgUnit, Registration},
        known::Partial,
        store::{FacilityHistory, FacilityParts},
    },
};

/// What could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Organisation units, with the state that gives their cells: of one data set, or (`None`) of all.
    pub units: BTreeMap<String, BTreeMap<Option<String>, State>>,
    /// Data sets the account may not read: their cells are `NO_ACCESS`.
    pub sets: BTreeSet<String>,
}

impl Unread {
    /// The state of a cell whose rows were not to be had, worst first.
    pub(super) fn state(&self, unit: &str, set: &str) -> Option<State> {
        let denied = self.sets.contains(set).then_some(State::NoAccess);
        let of = |unit: &BTreeMap<Option<String>, State>| {
            let all = [unit.get(&None), unit.get(&Some(set.to_owned()))];
            all.into_iter().flatten().copied().max_by_key(|state| *state == State::FetchFailed)
        };
        self.units.get(unit).and_then(of).or(denied)
    }

    /// Takes in what another question could not read.
    pub(super) fn add(&mut self, other: Self) {
        self.sets.extend(other.sets);
        for (unit, states) in other.units {
            self.units.entry(unit).or_default().extend(states);
        }
    }
}

/// Which reports are registered complete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completed {
    units: HashSet<String>,
    /// Complete periods by unit and data set, with the date of each, as DHIS2 wrote it.
    forms: HashMap<String, HashMap<String, HashMap<String, Option<String>>>>,
    unknown: BTreeSet<String>,
}

impl Completed {
    /// Takes in the answer for these units.
    pub fn add(&mut self, units: &[String], registrations: Vec<Registration>) {
        self.units.extend(units.iter().cloned());
        for one in registrations {
            let unit = self.forms.entry(one.org_unit).or_default();
            let date = unit.entry(one.data_set).or_default().entry(one.period).or_default();
            // A data set is registered for each attribute option combo by itself: the report is done with the last of them.
            if newer(one.date.as_deref(), date.as_deref()) {
                *date = one.date;
            }
        }
    }

    /// Of these data sets nothing is known.
    pub(super) fn forget(&mut self, sets: &BTreeSet<String>) {
        self.unknown.extend(sets.iter().cloned());
    }

    /// Whether the report of this unit, data set and period is registered complete; `None` where the server was not asked, or did
    /// not say.
    pub(super) fn of(&self, unit: &str, set: &str, period: &str) -> Option<bool> {
        self.registered(unit, set, period).complete
    }

    /// The same, with when it was.
    pub(super) fn registered(&self, unit: &str, set: &str, period: &str) -> Report<'_> {
        if !self.units.contains(unit) || self.unknown.contains(set) {
            return Report::default();
        }
        let found = self.forms.get(unit).and_then(|sets| sets.get(set)?.get(period));
        let date = found.and_then(|date| date.as_deref());
        Report { complete: Some(found.is_some()), date, timely_days: None }
    }
}

/// Whether a date is later than another. One that cannot be read is earlier than all; whatever the order they come in, the same
/// one is left.
fn newer(date: Option<&str>, than: Option<&str>) -> bool {
    let key = |date: Option<&str>| date.map(|text| (Local::parse(text).map(Local::at), text.to_owned()));
    date.is_some() && (than.is_none() || key(date) > key(than))
}

/// Id of the option combo of no category in every database that is not old (dhis2.md section 3.5), for where names are not told.
const DEFAULT: &str = "HllvX50cXC0";

/// What is said of a reading of some facilities alone.
const ALONE: &str = "some facilities alone: no checks of properties and of the run, and spreads are those of the last review, else 0.25";

/// Which thresholds the settings changed.
fn changed(limits: &Limits) -> Option<String> {
    let said: Vec<String> =
        limits.changed().map(|(name, default, value)| format!("{name} {value} (else {default})")).collect();
    (!said.is_empty()).then(|| format!("thresholds of flags set in the settings: {}", said.join(", ")))
}

/// Everything read, ready to be put together.
#[derive(Debug)]
pub struct Answers {
    /// Where it is from.
    pub head: Head,
    /// Cases that take part or are skipped.
    pub cases: Vec<CaseRecord>,
    /// Organisation units of several open cases, of the whole listing: a twin counts whether or not it was asked for.
    pub shared: Shared,
    /// The columns.
    pub columns: Vec<Column>,
    /// Data sets with the organisation units they are assigned to; `None` where the server has no such list.
    pub sets: Option<Vec<DataSet>>,
    /// Organisation units the server knows; the whole list of those asked for, or `None` where it has no such list.
    pub units: Option<Vec<OrgUnit>>,
    /// Rows of the quarter, and of the quarters before it.
    pub values: Vec<Arc<Partial>>,
    /// Reports registered complete.
    pub completed: Completed,
    /// What could not be read.
    pub unread: Unread,
    /// Names of category and attribute option combos.
    pub options: Vec<Named>,
    /// Earlier quarters; `None` where none was asked for.
    pub earlier: Option<Arc<Cached>>,
    /// What numbers are held to; `None` where nothing is to be judged.
    pub standards: Option<Standards>,
}

/// What numbers are held to.
#[derive(Clone, Debug, Default)]
pub struct Standards {
    /// The thresholds of the rules.
    pub limits: Limits,
    /// How properties must stand to each other (rule S20).
    pub relations: Vec<Relation>,
    /// What earlier reviews tell: accepted flags, what was written, and spreads.
    pub reviews: Earlier,
    /// Facilities of the last run, and its quarter; `None` where there was none.
    pub last: Option<(usize, Quarter)>,
}

/// A plan with what is behind its cells.
#[derive(Debug)]
pub struct Assembled {
    /// The plan.
    pub plan: Plan,
    /// The rows of the quarter.
    pub parts: Vec<FacilityParts>,
    /// The rows of earlier quarters.
    pub history: Vec<FacilityHistory>,
}

/// Puts everything together. Facilities stand by name, so that the order does not depend on the server.
pub fn assemble(answers: Answers) -> Assembled {
    let Answers {
        mut head,
        mut cases,
        shared,
        columns,
        sets,
        units,
        values,
        completed,
        unread,
        options,
        earlier,
        standards,
    } = answers;
    cases.sort_by_cached_key(|case| (case.name.to_lowercase(), case.case_id.clone()));
    let known: Option<HashMap<&str, &OrgUnit>> =
        units.as_ref().map(|units| units.iter().map(|unit| (unit.id.as_str(), unit)).collect());
    let is_known = |unit: &str| known.as_ref().is_none_or(|known| known.contains_key(unit));
    let skipped = skip(&mut cases, is_known);
    let unit = |case: &CaseRecord| -> Option<&OrgUnit> { known.as_ref()?.get(case.external_id.as_deref()?).copied() };
    let facilities: Vec<Facility> = cases.iter().map(|case| facility(case, unit(case))).collect();
    let properties = columns.iter().map(|column| column.property.clone()).collect();
    let names: HashMap<&str, &str> = options.iter().map(|option| (option.id.as_str(), option.name.as_str())).collect();
    let rows = by_unit(&values, head.quarter);
    head.finer = finer(head.quarter, &columns, &rows);
    (head.notes, head.limits) = (told(&head, standards.as_ref()), set(standards.as_ref()));
    let mut draft = Plan::draft(head, facilities.clone(), properties);
    for one in skipped {
        draft.skip(one);
    }
    let assigned = assigned(sets.as_deref());
    let (layout, nothing, quarter) = (Layout::of(&columns), UnitRows::default(), draft.plan().head.quarter);
    let of = |facility: &Facility| rows.get(facility.external_id.as_str()).unwrap_or(&nothing);
    let sheet = |(at, (case, facility))| Sheet {
        at: ordinal(at),
        case,
        facility,
        closed: unit(case).and_then(|unit| closed_before(unit, quarter)),
        twins: twins(&shared, facility),
        rows: of(facility),
        parts: of(facility).of_columns(&columns),
        unread: &unread,
        completed: &completed,
        assigned: &assigned,
        earlier: earlier.as_deref(),
        known: earlier.as_deref().and_then(|earlier| earlier.unit(&facility.external_id)),
    };
    let sheets: Vec<Sheet<'_>> = cases.iter().zip(&facilities).enumerate().map(sheet).collect();
    fill(&mut draft, &sheets, &layout);
    if let Some(standards) = &standards {
        judge(&mut draft, &sheets, &layout, &names, standards);
    }
    name(&mut draft, options);
    Assembled {
        plan: draft.finish(),
        parts: sheets.iter().flat_map(|sheet| kept(sheet, &layout)).collect(),
        history: sheets.iter().flat_map(|sheet| past(sheet, &layout)).collect(),
    }
}

/// Gives the plan the names of option combos.
fn name(draft: &mut Draft, options: Vec<Named>) {
    for option in options {
        draft.name(option.id, option.name);
    }
}

/// Flags every cell, and says what is to be said of properties and of the run.
fn judge(
    draft: &mut Draft,
    sheets: &[Sheet<'_>],
    layout: &Layout<'_>,
    names: &HashMap<&str, &str>,
    standards: &Standards,
) {
    let of_no_category = names.iter().filter(|(_, name)| **name == "default").map(|(id, _)| *id);
    let bench = Bench {
        sheets,
        layout,
        names,
        defaults: &of_no_category.chain([DEFAULT]).collect(),
        standards,
        all: draft.plan().head.facilities.is_empty(),
        asked: sheets.iter().any(|sheet| sheet.earlier.is_some()) && !draft.plan().head.without_history,
    };
    let judged = bench.judge(draft);
    let checks = bench.run(draft.plan());
    draft.say(checks.into_iter().chain(judged.checks).collect(), judged.whole);
}

/// The thresholds the settings changed, for the head of the plan.
fn set(standards: Option<&Standards>) -> BTreeMap<String, String> {
    let changed = standards.into_iter().flat_map(|standards| standards.limits.changed());
    changed.map(|(name, _, value)| (name.to_owned(), value.to_string())).collect()
}

/// Takes out the cases that cannot take part.
fn skip(cases: &mut Vec<CaseRecord>, is_known: impl Fn(&str) -> bool) -> Vec<Skipped> {
    let mut skipped = Vec::new();
    cases.retain(|case| match unfit(case).or_else(|| unmatched(case, &is_known)) {
        Some(reason) => {
            let (case_id, case_name) = (case.case_id.clone(), case.name.clone());
            skipped.push(Skipped { case_id, case_name, reason });
            false
        }
        None => true,
    });
    skipped
}

/// The notes with what is to be said of data sets that are not quarterly, of thresholds, and of a reading of some facilities.
fn told(head: &Head, standards: Option<&Standards>) -> Vec<String> {
    let unfit = |unfit: &Unfit| unfit.sentence(head.quarter, head.choices.get(&unfit.data_set));
    let changed = standards.and_then(|standards| changed(&standards.limits));
    let alone = (!head.facilities.is_empty()).then(|| ALONE.to_owned());
    head.notes.iter().cloned().chain(head.finer.iter().map(unfit)).chain(changed).chain(alone).collect()
}

/// Why a case cannot take part, if so. An id of another form would fail a whole batch on newer DHIS2 (dhis2.md section 1.3).
pub(super) fn unfit(case: &CaseRecord) -> Option<String> {
    if let Some(fault) = id_fault(&case.case_id) {
        return Some(format!("no form can name this case: {fault}"));
    }
    match case.external_id.as_deref() {
        None => Some("no external id".to_owned()),
        Some(id) if !is_uid(id) => Some(format!("external id \"{id}\" is not an organisation unit id")),
        Some(_) => None,
    }
}

/// Why a case cannot take part whose organisation unit DHIS2 passed over without a word: it is not "no data" (fault matrix row
/// D05).
fn unmatched(case: &CaseRecord, known: impl Fn(&str) -> bool) -> Option<String> {
    let unit = case.external_id.as_deref().filter(|unit| !known(unit))?;
    Some(format!("organisation unit {unit} is not known to DHIS2, or not shown to this account (S34)"))
}

fn facility(case: &CaseRecord, unit: Option<&OrgUnit>) -> Facility {
    Facility {
        case_id: case.case_id.clone(),
        name: case.name.clone(),
        unit_name: unit.map(|unit| unit.name.clone()),
        external_id: case.external_id.clone().unwrap_or_default(),
        closed: case.closed,
    }
}

/// The day a unit was closed, if that was before the quarter began.
pub(super) fn closed_before(unit: &OrgUnit, quarter: Quarter) -> Option<String> {
    let day = unit.closed_date.as_deref()?.get(..10)?;
    (day.parse::<jiff::civil::Date>().ok()? < quarter.first_day()).then(|| day.to_owned())
}

/// Organisation units of several open cases, with case id and name of each.
pub type Shared = BTreeMap<String, Vec<(String, String)>>;

/// Finds them. Cases are in the order of their names, which does not depend on the server.
pub fn shared(cases: &[CaseRecord]) -> Shared {
    let mut open = Shared::new();
    for case in cases.iter().filter(|case| !case.closed) {
        if let Some(unit) = &case.external_id {
            open.entry(unit.clone()).or_default().push((case.case_id.clone(), case.name.clone()));
        }
    }
    open.retain(|_, cases| cases.len() > 1);
    for cases in open.values_mut() {
        cases.sort_by(|(a, a_name), (b, b_name)| (a_name, a).cmp(&(b_name, b)));
    }
    open
}

/// Names of the other open cases of an open facility's organisation unit.
fn twins<'a>(shared: &'a Shared, facility: &Facility) -> Vec<&'a str> {
    let same = shared.get(&facility.external_id).filter(|_| !facility.closed);
    let others = same.into_iter().flatten().filter(|(case_id, _)| *case_id != facility.case_id);
    others.map(|(_, name)| name.as_str()).collect()
}

/// The organisation units of each data set, where the server says them.
fn assigned(sets: Option<&[DataSet]>) -> HashMap<&str, HashSet<&str>> {
    let sets = sets.into_iter().flatten();
    let units = sets.filter_map(|set| Some((set.id.as_str(), set.assigned.as_ref()?)));
    units.map(|(set, units)| (set, units.iter().map(String::as_str).collect())).collect()
}

/// Rows by organisation unit, each unit's in an order that does not depend on the server.
fn by_unit(answers: &[Arc<Partial>], quarter: Quarter) -> HashMap<String, UnitRows> {
    let (now, months) = (quarter.to_string(), quarter.months());
    let mut units: HashMap<String, UnitRows> = HashMap::new();
    for answer in answers {
        let ours = |period: &str| period == now || months.iter().any(|month| month == period);
        for row in answer.values.rows().filter(|row| ours(row.period)) {
            if !units.contains_key(row.org_unit) {
                units.insert(row.org_unit.to_owned(), UnitRows::default());
            }
            let Some(unit) = units.get_mut(row.org_unit) else { continue };
            unit.add((row.period != now).then_some(row.period), &row, answer.set.as_deref());
        }
        // Of rows that were asked for data set by data set only what was asked is known.
        for (unit, period, set) in answer.values.reports().filter(|_| answer.set.is_none()) {
            let rows = units.entry(unit.to_owned()).or_default();
            if period == now {
                rows.reports.insert(set);
            } else if months.iter().any(|month| month == period) {
                rows.months.insert(set);
            }
        }
    }
    for unit in units.values_mut() {
        unit.sort();
    }
    units
}

/// Mapped data sets that are not quarterly, with what the server holds of them (data-quality-flags.md section 2.1).
fn finer(quarter: Quarter, columns: &[Column], rows: &HashMap<String, UnitRows>) -> Vec<Unfit> {
    let mut sets: BTreeMap<&str, Vec<&Column>> = BTreeMap::new();
    for column in columns.iter().filter(|column| !column.quarterly()) {
        sets.entry(&column.property.data_set).or_default().push(column);
    }
    let unfit = |(set, columns): (&str, Vec<&Column>)| {
        let name = columns.first().map_or("", |column| column.property.data_set_name.as_str());
        let period_type = columns.first().and_then(|column| column.period_type.as_deref()).unwrap_or_default();
        let elements: Vec<_> =
            columns.iter().map(|c| (c.property.data_element.as_str(), c.aggregation_type.as_str())).collect();
        Unfit::of((set, name), period_type, &elements, months(&columns, rows, quarter))
    };
    sets.into_iter().map(unfit).collect()
}

/// Which months of the quarter have rows of these columns.
fn months(columns: &[&Column], rows: &HashMap<String, UnitRows>, quarter: Quarter) -> [bool; MONTHS] {
    let parts =
        || rows.values().flat_map(|unit| columns.iter().flat_map(|c| unit.of_element(&c.property.data_element)));
    quarter.months().map(|month| parts().any(|part| part.period.as_ref() == Some(&month)))
}

#[cfg(test)]
mod tests;
