//! The mapping against what DHIS2 says of its data elements and data sets: what is wrong with each row, and the nearest right value.
//! It asks nobody and changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::columns::{Known, options};
use crate::{
    domain::{
        explored::same_name,
        finer,
        mapping::{DATA_SET, ELEMENT, Mapping, NAME, Problem, Row},
        text::{fit, inert},
        total::is_number,
    },
    io::dhis2::{DataElement, DataSet, DataSetRef},
};

/// Most letters of a name in a sentence.
const NAME_LENGTH: usize = 120;

/// Most data sets that are named in a sentence.
const PLACES: usize = 5;

/// What the server says against rows of the mapping, in the order of the lines. What the file itself says is in
/// [`Mapping::problems`]; a row that cannot be read at all is not looked at here.
pub fn lint(mapping: &Mapping, known: Known<'_>) -> Vec<Problem> {
    findings(&rows(mapping), known).into_iter().map(|finding| finding.problem).collect()
}

/// The rows the server is asked about: those the file has nothing against, with a data set id or without.
pub(super) fn rows(mapping: &Mapping) -> Vec<&Row> {
    let blocked: BTreeSet<u64> = mapping.problems.iter().filter(|found| found.blocks).map(|found| found.line).collect();
    mapping.rows.iter().filter(|row| !blocked.contains(&row.line)).collect()
}

/// What a finding is about, for those who say some of it elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    /// The row itself.
    Row,
    /// The period type of its data set.
    Period,
}

/// Something the server says against a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) about: About,
    pub(super) problem: Problem,
}

/// What is found of these rows.
pub(super) fn findings(rows: &[&Row], known: Known<'_>) -> Vec<Finding> {
    let index = Index::of(known);
    let mut types: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in rows {
        let aggregated = index.facts(row).element.and_then(|element| element.aggregation_type.as_deref());
        types.entry(row.data_set.as_str()).or_default().push(aggregated.unwrap_or_default());
    }
    let mut found: Vec<Finding> = Vec::new();
    for row in rows {
        let facts = index.facts(row);
        let types = types.get(row.data_set.as_str()).map(Vec::as_slice).unwrap_or_default();
        let of_row = |problem| Finding { about: About::Row, problem };
        if let Some(problem) = unborne(row, &facts) {
            found.push(of_row(problem));
        } else {
            found.extend(unsure(row, &facts).into_iter().map(of_row));
            found.extend(period(row, &facts, types).map(|problem| Finding { about: About::Period, problem }));
        }
        found.extend(facts.element.and_then(|element| renamed(row, element)).map(of_row));
    }
    found.sort_by_key(|finding| finding.problem.line);
    found
}

/// What DHIS2 shows, by id.
pub(super) struct Index<'a> {
    elements: Option<HashMap<&'a str, &'a DataElement>>,
    sets: Option<HashMap<&'a str, &'a DataSet>>,
}

/// What it shows of one row.
pub(super) struct Facts<'a> {
    pub(super) element: Option<&'a DataElement>,
    pub(super) set: Option<&'a DataSet>,
    /// The data set as the data element refers to it.
    pub(super) place: Option<&'a DataSetRef>,
    /// Whether there are lists of data elements and of data sets at all.
    told: (bool, bool),
}

impl<'a> Index<'a> {
    pub(super) fn of(known: Known<'a>) -> Self {
        Self {
            elements: known.elements.map(|all| all.iter().map(|one| (one.id.as_str(), one)).collect()),
            sets: known.sets.map(|all| all.iter().map(|one| (one.id.as_str(), one)).collect()),
        }
    }

    pub(super) fn facts(&self, row: &Row) -> Facts<'a> {
        let element = self.elements.as_ref().and_then(|all| all.get(row.data_element.as_str()).copied());
        let set = self.sets.as_ref().and_then(|all| all.get(row.data_set.as_str()).copied());
        let place = element.and_then(|element| element.data_sets.iter().find(|place| place.id == row.data_set));
        Facts { element, set, place, told: (self.elements.is_some(), self.sets.is_some()) }
    }
}

impl Facts<'_> {
    /// Whether the data set says that it holds the data element.
    fn listed(&self, row: &Row) -> bool {
        self.set.is_some_and(|set| set.elements.contains(&row.data_element))
    }
}

fn problem(row: &Row, column: &'static str, what: String, blocks: bool) -> Problem {
    let value = match column {
        ELEMENT => &row.data_element,
        DATA_SET => &row.data_set,
        _ => &row.name,
    };
    Problem { line: row.line, column: Some(column), value: value.clone(), what, blocks }
}

/// Why the numbers of a row would be another form's, or none: its data element or its data set is not shown (fault matrix rows D04 and
/// M16), or the one does not stand in the other. `None` where the server bears the row out, or does not say.
pub(super) fn unborne(row: &Row, facts: &Facts<'_>) -> Option<Problem> {
    let (elements, sets) = facts.told;
    let (element, set) = (&row.data_element, &row.data_set);
    if elements && facts.element.is_none() {
        let what = format!(
            "DHIS2 does not show a data element {element} to this account, so the row is left out. Mend the id, or ask that the account \
             may see it; tab 5 suggests data elements of like names."
        );
        return Some(problem(row, ELEMENT, what, true));
    }
    if set.is_empty() {
        let places = facts.element.map(places)?;
        let what = format!("Data element {element} {places}.");
        return Some(problem(row, DATA_SET, what, false));
    }
    let stands = || facts.element.map(|one| format!(" The data element {}.", places(one))).unwrap_or_default();
    if sets && facts.set.is_none() {
        let what = format!(
            "DHIS2 does not show a data set {set} to this account, so the row is left out. Mend the id, or ask that the account may see \
             it.{}",
            stands()
        );
        return Some(problem(row, DATA_SET, what, true));
    }
    let outside = match facts.element {
        Some(_) => facts.place.is_none() && !facts.listed(row),
        None => facts.set.is_some() && !facts.listed(row),
    };
    outside.then(|| {
        let places = facts.element.map(|one| format!("; it {}", places(one))).unwrap_or_default();
        let what = format!(
            "Data element {element} is not in data set {set}{places}. The row is left out until its data set is one that holds it."
        );
        problem(row, DATA_SET, what, true)
    })
}

/// Where a data element stands, in words (fault matrix rows D20 and D21).
fn places(element: &DataElement) -> String {
    let mut named: Vec<String> =
        element.data_sets.iter().map(|set| called(&set.id, &set.name, set.period_type.as_deref())).collect();
    named.sort();
    let more = named.len().saturating_sub(PLACES);
    named.truncate(PLACES);
    match (named.as_slice(), more) {
        ([], _) => "stands in no data set, so nobody can report on it".to_owned(),
        (_, 0) => format!("stands in {}", named.join(", ")),
        (_, more) => format!("stands in {} and {more} more", named.join(", ")),
    }
}

/// `q1Es3k3sZem HMIS-15 (quarterly)`.
fn called(id: &str, name: &str, period_type: Option<&str>) -> String {
    let period = period_type.map(|one| format!(" ({})", inert(one).to_lowercase())).unwrap_or_default();
    format!("{}{period}", format!("{} {}", inert(id), short(name)).trim_end())
}

fn short(name: &str) -> String {
    fit(&inert(name), NAME_LENGTH).into_owned()
}

/// What makes a sum of its values doubtful, or none at all (dhis2.md sections 0, 2 and 5).
fn unsure(row: &Row, facts: &Facts<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    let Some(element) = facts.element else {
        found.extend(facts.set.and_then(|set| split(row, set)));
        return found;
    };
    if element.domain_type.as_deref() == Some("TRACKER") {
        let what = "DHIS2 collects this data element from single persons (TRACKER), so a data set never holds a total of it. Map an \
                    aggregate data element."
            .to_owned();
        return vec![problem(row, ELEMENT, what, true)];
    }
    let value_type = element.value_type.as_deref().unwrap_or_default();
    if !is_number(value_type) {
        found.push(problem(row, ELEMENT, unnumbered(value_type), !matches!(value_type, "BOOLEAN" | "TRUE_ONLY")));
        return found;
    }
    // With one part nothing is added up; how many there are may not be told.
    let parts = options(Some(element), facts.place).map_or(0, |options| options.len());
    if parts > 1 {
        found.extend(summed(element, parts).map(|what| problem(row, ELEMENT, what, false)));
    }
    found.extend(facts.set.and_then(|set| split(row, set)));
    found
}

/// What is said of a value type that holds no number.
fn unnumbered(value_type: &str) -> String {
    if matches!(value_type, "BOOLEAN" | "TRUE_ONLY") {
        return format!(
            "DHIS2 keeps yes or no in this data element ({value_type}), which is never added up, so the row gets no number. Map a data \
             element that counts."
        );
    }
    format!(
        "DHIS2 keeps no number in this data element but {}, so the row gets none. Map a data element that holds numbers.",
        inert(value_type)
    )
}

/// Why adding up several parts may be wrong.
fn summed(element: &DataElement, parts: usize) -> Option<String> {
    let added =
        format!("and its {parts} category option combos are added up here. Look whether their sum means anything.");
    let value_type = element.value_type.as_deref().unwrap_or_default();
    if matches!(value_type, "PERCENTAGE" | "UNIT_INTERVAL") {
        return Some(format!("DHIS2 keeps a share in this data element ({value_type}), {added}"));
    }
    let aggregated = element.aggregation_type.as_deref().unwrap_or_default();
    if matches!(aggregated, "AVERAGE" | "MIN" | "MAX" | "STDDEV" | "VARIANCE" | "COUNT" | "NONE" | "CUSTOM") {
        return Some(format!("DHIS2 aggregates this data element by {aggregated}, {added}"));
    }
    let combo = element.category_combo.as_ref().filter(|combo| combo.skip_total)?;
    Some(format!("DHIS2 says that categories of {} are not for totals (skipTotal), {added}", short(&combo.name)))
}

/// Reports of a data set that are split as wholes: all of them are added (dhis2.md section 0, fact 10).
fn split(row: &Row, set: &DataSet) -> Option<Problem> {
    let attributes = set.attributes.as_ref().filter(|attributes| attributes.combos.len() > 1)?;
    let what = format!(
        "Reports on this data set are split by {} into {}; those of all are added up. Nothing needs to be done where that is meant.",
        short(&attributes.name),
        attributes.combos.len()
    );
    Some(problem(row, DATA_SET, what, false))
}

/// A data set whose period type is not the quarter; `types` are the aggregation types of all rows on it.
fn period(row: &Row, facts: &Facts<'_>, types: &[&str]) -> Option<Problem> {
    let told = facts.set.and_then(|set| set.period_type.as_deref());
    let period_type = told.or_else(|| facts.place?.period_type.as_deref()).filter(|one| *one != "Quarterly")?;
    let name = facts.set.map(|set| &set.name).or(facts.place.map(|place| &place.name));
    let name = called(&row.data_set, name.map_or("", String::as_str), None);
    let (what, blocks) = match finer::choices(&name, period_type, types.iter().copied()) {
        Ok(_) => {
            let what = format!(
                "Data set {name} is {}: a quarter of it is made of its months once that was chosen, such as --finer {}=by-type.",
                inert(period_type),
                row.data_set
            );
            (what, false)
        }
        Err(why) => (format!("Data set {why}. Its rows get no number; map them to a quarterly data set."), true),
    };
    Some(problem(row, DATA_SET, what, blocks))
}

/// A name in the file that is not the server's; spaces and letter case do not count.
fn renamed(row: &Row, element: &DataElement) -> Option<Problem> {
    let differs = !row.name.is_empty() && !element.name.is_empty() && !same_name(&row.name, &element.name);
    let what = || {
        format!(
            "DHIS2 calls the data element {} \"{}\". Check that it is the one meant; if so, this name can be mended.",
            row.data_element,
            short(&element.name)
        )
    };
    differs.then(|| problem(row, NAME, what(), false))
}
