//! Whose report a stored value is. DHIS2 stores values by data element and not by data set, so the values of one that stands in
//! several data sets are no report of each of them (fault matrix row D20).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{domain::quarter::Quarter, io::dhis2::Elements, job::gather::listed};

/// A data set whose reports are counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    /// Id.
    pub(super) id: String,
    /// It is filled in month by month; else a quarter at a time.
    pub(super) monthly: bool,
    /// Its data elements.
    pub(super) members: Vec<String>,
    /// Units that are to report in it; `None` where that is not told.
    pub(super) assigned: Option<Vec<String>>,
}

/// What is known of one data set so far; units by their places.
#[derive(Clone, Debug, Default)]
struct Tally {
    /// Units that are to report in it; `None` for all.
    assigned: Option<BTreeSet<usize>>,
    /// At least one of its data elements stands in no other data set of its period type.
    own: bool,
    /// They reported.
    sure: BTreeSet<usize>,
    /// They hold values that may as well be of another data set.
    unsure: BTreeSet<usize>,
}

/// Who reported in which data set.
#[derive(Debug)]
pub(super) struct Credit<'a> {
    sets: &'a [Counted],
    quarter: String,
    months: [String; 3],
    units: HashMap<&'a str, usize>,
    tallies: Vec<Tally>,
    /// The data sets that share a data element, each such company once.
    companies: Vec<Vec<usize>>,
    /// By data element, its company.
    of_element: BTreeMap<&'a str, u16>,
    /// Where what stands in a data set is learned from its rows: by data element and data set the units.
    learned: BTreeMap<String, BTreeMap<usize, BTreeSet<usize>>>,
}

impl<'a> Credit<'a> {
    pub(super) fn new(sets: &'a [Counted], units: &'a [String], quarter: Quarter) -> Self {
        let units: HashMap<&str, usize> = units.iter().enumerate().map(|(at, unit)| (unit.as_str(), at)).collect();
        let tally = |set: &Counted| {
            let places = |all: &Vec<String>| all.iter().filter_map(|unit| units.get(unit.as_str()).copied()).collect();
            Tally { assigned: set.assigned.as_ref().map(places), ..Tally::default() }
        };
        let mut holders: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, set) in sets.iter().enumerate() {
            for element in &set.members {
                let held = holders.entry(element).or_default();
                if held.last() != Some(&at) {
                    held.push(at);
                }
            }
        }
        let mut tallies: Vec<Tally> = sets.iter().map(tally).collect();
        let mut known: BTreeMap<Vec<usize>, u16> = BTreeMap::new();
        let mut of_element = BTreeMap::new();
        for (element, held) in holders {
            own(sets, &mut tallies, &held);
            // There are fewer companies than data sets have data elements; beyond any such number nothing is credited.
            let Ok(next) = u16::try_from(known.len()) else { continue };
            of_element.insert(element, *known.entry(held).or_insert(next));
        }
        let mut companies = vec![Vec::new(); known.len()];
        for (held, at) in known {
            if let Some(place) = companies.get_mut(usize::from(at)) {
                *place = held;
            }
        }
        let (quarter, months, learned) = (quarter.to_string(), quarter.months(), BTreeMap::new());
        Self { sets, quarter, months, units, tallies, companies, of_element, learned }
    }

    /// What stands on which data sets: of their rows only that there are any is kept.
    pub(super) fn elements(&self) -> Elements {
        let mut elements = Elements::default();
        self.of_element.iter().for_each(|(element, company)| elements.stands_on(element, *company));
        elements
    }

    /// A value of a data element of this company is stored.
    pub(super) fn value(&mut self, unit: &str, period: &str, company: u16) {
        let Some(unit) = self.units.get(unit).copied() else { return };
        let company = self.companies.get(usize::from(company)).map_or(&[][..], Vec::as_slice);
        let held: Vec<usize> = company.iter().copied().filter(|at| self.takes(*at, unit, period)).collect();
        self.share(&held, unit);
    }

    /// A value came when this data set alone was asked for.
    pub(super) fn alone(&mut self, unit: &str, period: &str, element: &str, at: usize) {
        let Some(unit) = self.units.get(unit).copied().filter(|unit| self.takes(at, *unit, period)) else { return };
        if !self.learned.contains_key(element) {
            self.learned.insert(element.to_owned(), BTreeMap::new());
        }
        if let Some(sets) = self.learned.get_mut(element) {
            sets.entry(at).or_default().insert(unit);
        }
    }

    /// A report was called complete: that is of one data set and no other.
    pub(super) fn complete(&mut self, unit: &str, period: &str, set: &str) {
        let (Some(unit), Some(at)) = (self.units.get(unit).copied(), self.place(set)) else { return };
        if self.takes(at, unit, period) {
            self.share(&[at], unit);
        }
    }

    pub(super) fn place(&self, set: &str) -> Option<usize> {
        self.sets.iter().position(|one| one.id == set)
    }

    /// Whether a unit can report in a data set under this period. Of a monthly data set any month of the quarter will do.
    fn takes(&self, at: usize, unit: usize, period: &str) -> bool {
        let fits = match self.sets.get(at) {
            Some(set) if set.monthly => self.months.iter().any(|month| month == period),
            Some(_) => period == self.quarter,
            None => false,
        };
        let assigned = |tally: &Tally| tally.assigned.as_ref().is_none_or(|units| units.contains(&unit));
        fits && self.tallies.get(at).is_some_and(assigned)
    }

    /// What could be a report of each of these data sets is surely one where there is one alone.
    fn share(&mut self, held: &[usize], unit: usize) {
        for at in held {
            let Some(tally) = self.tallies.get_mut(*at) else { continue };
            if held.len() == 1 {
                tally.sure.insert(unit);
            } else {
                tally.unsure.insert(unit);
            }
        }
    }

    /// Credits what was learned from rows: two data sets that gave rows of one data element share it.
    pub(super) fn settle(&mut self) {
        for (_, by_set) in std::mem::take(&mut self.learned) {
            own(self.sets, &mut self.tallies, &by_set.keys().copied().collect::<Vec<_>>());
            for monthly in [false, true] {
                let alike = |at: &usize| self.sets.get(*at).is_some_and(|set| set.monthly == monthly);
                let (mut held, mut units) = (Vec::new(), BTreeSet::new());
                for (at, of) in by_set.iter().filter(|(at, _)| alike(at)) {
                    held.push(*at);
                    units.extend(of);
                }
                for unit in units {
                    self.share(&held, unit);
                }
            }
        }
    }

    /// How many reported in a data set, and of how many more that cannot be told.
    pub(super) fn of(&self, at: usize) -> (usize, usize) {
        self.tallies.get(at).map_or((0, 0), |tally| (tally.sure.len(), tally.unsure.difference(&tally.sure).count()))
    }

    /// Whether the number of those that surely reported says how many did: a data set with data elements of its own is counted by
    /// these. One without is counted where assignments and complete reports leave at most a tenth of the facilities open.
    pub(super) fn tells_apart(&self, at: usize, facilities: usize) -> bool {
        let own = self.tallies.get(at).is_some_and(|tally| tally.own);
        own || self.of(at).1 * 10 <= facilities
    }
}

/// A data element is a data set's own where no other of its period type holds it.
fn own(sets: &[Counted], tallies: &mut [Tally], held: &[usize]) {
    for monthly in [false, true] {
        let mut alike = held.iter().filter(|at| sets.get(**at).is_some_and(|set| set.monthly == monthly));
        if let (Some(at), None) = (alike.next(), alike.next())
            && let Some(tally) = tallies.get_mut(*at)
        {
            tally.own = true;
        }
    }
}

/// What is to be said of data sets whose values are also those of others.
pub(super) fn shared(partly: &[&str], not: &[&str]) -> Vec<String> {
    let partly = (!partly.is_empty()).then(|| {
        format!(
            "Counted by the data elements of their own and by complete reports alone, since others of their data elements stand in other data sets too; more may have reported: {}.",
            listed(partly)
        )
    });
    let not = (!not.is_empty()).then(|| {
        format!(
            "Reports are not counted where all data elements stand in other data sets of the same period type too, so that a value may be of any of them: {}.",
            listed(not)
        )
    });
    partly.into_iter().chain(not).collect()
}
