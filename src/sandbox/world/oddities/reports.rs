//! Oddities of how a report of the newest quarter was filled in: rows too many, a row too few, a report copied, edited
//! after it was registered, or registered late.
//!
//! The numbers of the quarters before stay as they are, and with them the cases, which were made from those.

use jiff::ToSpan as _;

use super::{NEWEST_QUARTER, Planter};
use crate::sandbox::{
    Oddity,
    world::{Country, Edit, NEWEST, Stored, kinds::Habit, model::Element},
};

/// Days from the quarter's end to a late registration, give or take three; data sets ask for 15.
const LATE: i64 = 41;

/// The numbers of an element at a facility, part by part.
fn parts(country: &Country, facility: usize, element: usize, quarter: usize) -> Vec<Option<i64>> {
    let columns = country.model.elements[element].columns.clone();
    columns.map(|column| country.number(facility, column, Stored::Quarter(quarter))).collect()
}

/// Whether at least two parts of the newest quarter have a row.
fn is_split(country: &Country, facility: usize, element: usize) -> bool {
    parts(country, facility, element, NEWEST).iter().flatten().count() > 1
}

/// How many days after the quarter ended the report of an element was registered complete.
fn completed(country: &Country, facility: usize, element: usize) -> Option<i64> {
    let &set = country.model.elements[element].sets.first()?;
    let (day, complete) = country.registered(facility, set, NEWEST_QUARTER)?;
    complete.then_some(day)
}

/// A part that stood for a fifth or more of 40 and more in each of the last quarters, the newest included.
fn weighty(country: &Country, facility: usize, element: usize) -> Option<usize> {
    let columns = country.model.elements[element].columns.clone();
    columns.into_iter().find(|&column| {
        (NEWEST - 4..=NEWEST).all(|quarter| {
            let part = country.number(facility, column, Stored::Quarter(quarter)).unwrap_or(0);
            country.total(facility, element, quarter).is_some_and(|total| total >= 40 && 5 * part >= total)
        })
    })
}

impl Planter<'_> {
    /// One of these on a facility of its own; `None` when none is left that fits.
    pub(super) fn report(&mut self, what: Oddity) -> Option<()> {
        let split = |element: &Element| element.columns.len() > 1;
        let counted = |element: &Element| split(element) && matches!(element.profile.habit, Habit::Events { .. });
        let (facility, element) = match what {
            Oddity::TotalAndBreakdown => self.place(split, |country, facility, element| {
                is_split(country, facility, element) && country.total(facility, element, NEWEST) >= Some(5)
            }),
            Oddity::CategoryGone => {
                self.place(split, |country, facility, element| weighty(country, facility, element).is_some())
            }
            Oddity::UnknownCategory => self.place(split, is_split),
            Oddity::SeveralAttributes => self.place(counted, is_split),
            Oddity::Copied => self.place(counted, |country, facility, element| {
                let before = parts(country, facility, element, NEWEST - 1);
                let total = before.iter().flatten().sum::<i64>();
                let now = country.total(facility, element, NEWEST);
                before.iter().flatten().count() > 1 && total >= 10 && now.is_some() && now != Some(total)
            }),
            _ => self.place(
                |_| true,
                |country, facility, element| {
                    completed(country, facility, element).is_some()
                        && country.total(facility, element, NEWEST).is_some()
                },
            ),
        }?;
        match what {
            Oddity::TotalAndBreakdown => {
                let total = self.country.total(facility, element, NEWEST)?;
                self.add(facility, element, 0, 0, total);
            }
            Oddity::CategoryGone => {
                let column = weighty(self.country, facility, element)?;
                self.country.set_number(facility, column, NEWEST_QUARTER, None);
            }
            Oddity::UnknownCategory => {
                let coc = self.foreign(element)?;
                let number = self.draw.between(1, 5);
                self.add(facility, element, coc, 0, number);
            }
            Oddity::SeveralAttributes => {
                let (coc, aoc) = self.funded(element)?;
                let number = self.draw.between(1, 5);
                self.add(facility, element, coc, aoc, number);
            }
            Oddity::Copied => self.copy(facility, element),
            Oddity::EditedAfterComplete => self.edit_later(facility, element)?,
            _ => self.complete_late(facility, element)?,
        }
        self.list(facility, Some(element), what);
        Some(())
    }

    /// The next facility with an element of the mapping that fits; elements are tried in a new order each time.
    fn place(
        &mut self,
        suits: impl Fn(&Element) -> bool,
        fits: impl Fn(&Country, usize, usize) -> bool,
    ) -> Option<(usize, usize)> {
        let mut elements = self.mapped();
        elements.retain(|&element| suits(&self.country.model.elements[element]));
        elements.into_iter().find_map(|element| {
            let facility = self.take(|country, facility| fits(country, facility, element))?;
            Some((facility, element))
        })
    }

    /// One more row in the newest report.
    fn add(&mut self, facility: usize, element: usize, coc: usize, aoc: usize, number: i64) {
        let column = self.country.model.stray(element, coc, aoc);
        let value = Some(self.country.text(column, number));
        let period = self.country.iso(NEWEST_QUARTER);
        self.country.changes.put(facility, Edit { period, column, value, ..Edit::default() });
    }

    /// A category option combination that splits other elements of the mapping, not this one.
    fn foreign(&mut self, element: usize) -> Option<usize> {
        let model = &self.country.model;
        let own = model.elements[element].combo;
        let used = model.elements.iter().filter(|it| it.property.is_some() && it.combo != 0 && it.combo != own);
        let mut cocs: Vec<usize> = used.flat_map(|it| model.combos[it.combo].cocs.clone()).collect();
        cocs.sort_unstable();
        cocs.dedup();
        (!cocs.is_empty()).then(|| self.draw.one_of(&cocs))
    }

    /// The first part of an element, and somebody who pays and whom the usual account may know.
    fn funded(&self, element: usize) -> Option<(usize, usize)> {
        let model = &self.country.model;
        let open = |coc: &usize| model.cocs[*coc].options.iter().all(|&option| !model.options[option].restricted);
        let aoc = model.combos.iter().find(|combo| combo.attribute)?.cocs.clone().find(open)?;
        Some((model.combos[model.elements[element].combo].cocs.start, aoc))
    }

    /// The quarter before once more.
    fn copy(&mut self, facility: usize, element: usize) {
        for column in self.country.model.elements[element].columns.clone() {
            let before = self.country.number(facility, column, Stored::Quarter(NEWEST - 1));
            self.country.set_number(facility, column, NEWEST_QUARTER, before);
        }
    }

    /// One row was typed in again three to six days after the report was registered.
    fn edit_later(&mut self, facility: usize, element: usize) -> Option<()> {
        let days = completed(self.country, facility, element)? + self.draw.between(3, 6);
        let at = Some(self.country.ended(NEWEST_QUARTER, days, self.draw.between(8 * 3600, 16 * 3600)));
        let columns = self.country.model.elements[element].columns.clone();
        let (column, number) = columns.into_iter().find_map(|column| {
            let number = self.country.number(facility, column, NEWEST_QUARTER)?;
            Some((column, number))
        })?;
        let value = Some(self.country.text(column, number));
        let period = self.country.iso(NEWEST_QUARTER);
        self.country.changes.put(facility, Edit { period, column, value, at, ..Edit::default() });
        Some(())
    }

    /// The report was registered long after it was typed in.
    fn complete_late(&mut self, facility: usize, element: usize) -> Option<()> {
        let &set = self.country.model.elements[element].sets.first()?;
        let days = LATE + self.draw.between(-3, 3);
        let last = self.country.quarters[NEWEST].month(3).yesterday().ok()?;
        let period = self.country.iso(NEWEST_QUARTER);
        self.country.changes.set_complete(facility, set, &period, last.checked_add(days.days()).ok());
        Some(())
    }
}
