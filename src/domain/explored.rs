//! What DHIS2 holds for the rows of a mapping, as a person looks at it who has to fill in ids: which data sets a data element stands
//! in, how many facilities reported in each, and what is wrong with a row. Facts, ranked; nothing is chosen here.

use super::{
    mapping::{Choice, Problem, Row},
    quarter::Quarter,
    value::grouped,
};

mod names;

pub use names::{alike, same_name, suggested_property, telling, words};

/// What was found for a whole mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explored {
    /// The quarter whose reports were counted.
    pub quarter: Quarter,
    /// Facilities in scope; `None` where they are not known, and no report is counted.
    pub facilities: Option<usize>,
    /// Every row of the mapping, in the order of the file.
    pub rows: Vec<Entry>,
    /// Things to know about the answers as a whole, one sentence each.
    pub notes: Vec<String>,
}

/// One row of the mapping with what DHIS2 says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The row as the file has it.
    pub row: Row,
    /// Its data element.
    pub element: Element,
    /// What could stand in the row, best first: the data sets of its data element, or data elements of a like name with theirs.
    pub candidates: Vec<Candidate>,
    /// Whether data elements of a like name were looked for, where DHIS2 does not show the row's own; true where that needs none.
    pub looked: bool,
    /// What is wrong with the row, of the file and of the server; each says what to do.
    pub problems: Vec<Problem>,
}

/// What DHIS2 says of a row's data element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    /// It shows it, under this name; the name may be empty.
    Shown(String),
    /// It shows none with this id to the account (fault matrix rows D04 and M16), or what stands there is no id.
    Missing,
    /// It has no list of data elements, as behind a gateway.
    Untold,
}

/// What a row needs from a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Another data element: DHIS2 does not show this one.
    Element,
    /// A data set: the cell is empty (fault matrix row M15).
    DataSet,
    /// Another data set: the one that stands there does not hold the data element, or is not shown.
    OtherDataSet,
    /// A look: the data element stands in several data sets (row D20).
    Look,
    /// Nothing.
    Nothing,
}

/// A data element with a data set it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Id of the data element.
    pub element: String,
    /// Its name.
    pub element_name: String,
    /// How like its name is to the row's or to the words searched for, in percent; `None` for the row's own data element.
    pub alike: Option<u8>,
    /// The data set; `None` where the data element stands in none (row D21).
    pub set: Option<SetFacts>,
}

/// What is known of a data set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetFacts {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Such as `Quarterly`; `None` where the server does not say.
    pub period_type: Option<String>,
    /// Facilities in scope that reported in it for the quarter; `None` where that was not counted.
    pub reported: Option<usize>,
    /// Facilities in scope it is assigned to; `None` where the server does not say.
    pub assigned: Option<usize>,
    /// Rows of the mapping that use it already.
    pub rows: usize,
}

/// What a facility holds of the data elements looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldAt {
    /// Its name.
    pub facility: String,
    /// By data element and period, what is stored; where nothing is there is no entry.
    pub held: Vec<Held>,
    /// What could not be read, one sentence each: of that an entry that is not there says nothing.
    pub notes: Vec<String>,
}

/// What is stored of a data element in a period.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Id of the data element.
    pub element: String,
    /// ISO period, such as `2026Q2` or `202604`.
    pub period: String,
    /// Its parts added up; the words stored where they are no numbers.
    pub total: String,
    /// How many parts.
    pub parts: usize,
}

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The words.
    pub words: String,
    /// What was found, best first.
    pub candidates: Vec<Candidate>,
    /// How many more there are that are not told.
    pub more: usize,
    /// Things to know about the answer, one sentence each.
    pub notes: Vec<String>,
}

impl Entry {
    /// Whether it has no candidate because none was looked for: that says nothing of what DHIS2 has.
    pub fn is_unsought(&self) -> bool {
        !self.looked && self.candidates.is_empty()
    }

    /// What the row needs.
    pub fn need(&self) -> Need {
        let own = |candidate: &&Candidate| candidate.alike.is_none() && candidate.set.is_some();
        let held = self.candidates.iter().filter(own).count();
        let named = || self.candidates.iter().filter(own).any(|one| one.set_id() == self.row.data_set);
        match self.element {
            Element::Missing => Need::Element,
            _ if self.row.data_set.is_empty() => Need::DataSet,
            Element::Shown(_) if !named() => Need::OtherDataSet,
            Element::Shown(_) if held > 1 => Need::Look,
            Element::Shown(_) | Element::Untold => Need::Nothing,
        }
    }
}

impl Candidate {
    /// Id of its data set; empty where it stands in none.
    pub fn set_id(&self) -> &str {
        self.set.as_ref().map_or("", |set| set.id.as_str())
    }

    /// What choosing it puts into a row; `None` where it stands in no data set.
    pub fn choice(&self, line: u64) -> Option<Choice> {
        let data_set = self.set.as_ref()?.id.clone();
        let data_element = self.alike.map(|_| self.element.clone());
        Some(Choice { line, data_element, data_set })
    }

    /// Which of the three facts speak for it: the period type asked for, reports of at least half of the facilities, rows that use
    /// the data set already (review-ux.md, Data sets).
    pub fn stars(&self, facilities: Option<usize>) -> usize {
        let Some(set) = &self.set else { return 0 };
        [set.is_quarterly(), set.is_reported(facilities), set.rows > 0].into_iter().filter(|fact| *fact).count()
    }

    /// The facts for and against it, one sentence.
    pub fn why(&self, explored: &Explored) -> String {
        let Some(set) = &self.set else {
            return "It stands in no data set, so nobody can report on it.".to_owned();
        };
        let period = match set.period_type.as_deref() {
            Some("Quarterly") => "its period type is the one asked for (quarterly)".to_owned(),
            Some(other) => format!("its period type is {}, not quarterly", other.to_lowercase()),
            None => "its period type is not told".to_owned(),
        };
        let reported = match (set.reported, explored.facilities) {
            (Some(reported), Some(all)) => {
                let share = (reported * 100).checked_div(all).unwrap_or(0);
                format!(", {share} % of the facilities reported in it for {}", explored.quarter)
            }
            _ => String::new(),
        };
        let rows = match set.rows {
            0 => "no mapped row uses it yet".to_owned(),
            1 => "1 mapped row already uses it".to_owned(),
            rows => format!("{} of the {} mapped rows already use it", rows, grouped(&explored.rows.len().to_string())),
        };
        format!("Why: {period}{reported}, and {rows}.")
    }
}

impl HeldAt {
    /// What is stored for a candidate: of a monthly data set its months of the quarter, of a quarterly one the quarter, where the
    /// period type is not told whatever there is. `None` for other period types and without a data set: what the data element holds
    /// for the quarter is of another of its data sets.
    pub fn stored(&self, candidate: &Candidate, quarter: Quarter) -> Option<Vec<&Held>> {
        let (whole, months) = (quarter.to_string(), quarter.months());
        let period_type = candidate.set.as_ref()?.period_type.as_deref();
        let fits = |held: &Held| match period_type {
            Some("Monthly") => months.contains(&held.period),
            Some(_) => held.period == whole,
            None => true,
        };
        if period_type.is_some_and(|known| !matches!(known, "Quarterly" | "Monthly")) {
            return None;
        }
        let own = self.held.iter().filter(|held| held.element == candidate.element);
        Some(own.filter(|held| fits(held)).collect())
    }
}

impl SetFacts {
    /// Whether a quarter can hold its values.
    pub fn is_quarterly(&self) -> bool {
        self.period_type.as_deref() == Some("Quarterly")
    }

    /// Whether at least half of these facilities reported in it.
    fn is_reported(&self, facilities: Option<usize>) -> bool {
        self.reported.zip(facilities).is_some_and(|(reported, all)| reported > 0 && reported * 2 >= all)
    }
}

/// The line of the mapping a problem is about, as [`Problem`] writes it: `line 8, data_set_id: …`; `None` where it begins otherwise.
pub fn line_of(sentence: &str) -> Option<u64> {
    let rest = sentence.strip_prefix("line ")?;
    let (number, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
    let ends = rest.starts_with([',', ':', ' ']) || rest.is_empty();
    number.parse().ok().filter(|_| ends)
}

/// Puts candidates in the order they are shown: the likest name first, then most facts for it, then most reports, then by name.
pub fn rank(candidates: &mut [Candidate], facilities: Option<usize>) {
    candidates.sort_by(|a, b| {
        let facts = |one: &Candidate| (one.alike, one.stars(facilities), one.set.as_ref().and_then(|set| set.reported));
        let name = |one: &Candidate| {
            (one.set.as_ref().map(|set| set.name.clone()), one.set_id().to_owned(), one.element.clone())
        };
        facts(b).cmp(&facts(a)).then_with(|| name(a).cmp(&name(b)))
    });
}

#[cfg(test)]
mod lines {
    use super::*;

    #[test]
    fn the_line_of_a_problem_is_found_again() {
        for line in [1, 8, 2_019] {
            for column in [None, Some("data_set_id")] {
                for value in ["", "line 5, not this one"] {
                    let what = "Line 7: the data set is not known yet.".to_owned();
                    let problem = Problem { line, column, value: value.to_owned(), what, blocks: false };
                    assert_eq!(line_of(&problem.to_string()), Some(line), "{problem}");
                }
            }
        }
        for other in
            ["", "line", "line ", "line x: y", "line 8th: y", "the file, line 3: y", "line 99999999999999999999: y"]
        {
            assert_eq!(line_of(other), None, "{other}");
        }
    }
}
