//! What tests ask of DHIS2 and do to it while a client reads.

use std::sync::Arc;

use bigdecimal::{BigDecimal, RoundingMode, Zero as _};
use jiff::civil::Date;

use super::{
    Sandbox,
    dhis2::account::Account,
    held,
    world::{
        Changes, Edit, NEWEST, Stored,
        model::{Element, Place},
    },
};

impl Sandbox {
    /// An organisation unit [`super::DHIS2_USER`] may not read (E2012).
    pub fn unreadable_org_unit(&self) -> Option<&str> {
        let (country, account) = (self.country(), self.accounts().first()?);
        let found = (0..country.units.len()).rev().find(|&unit| !Account::reaches(country, &account.capture, unit));
        found.map(|unit| country.units[unit].uid.as_str())
    }

    /// A data set [`super::DHIS2_USER`] may not read (E2010).
    pub fn unreadable_data_set(&self) -> Option<&str> {
        self.country().model.sets.iter().find(|set| set.restricted).map(|set| set.uid.as_str())
    }

    /// Someone else changes a data value; `None` takes the row away. False when the organisation unit is no facility or
    /// the data element has no such category option combination.
    pub fn set_value(
        &self,
        org_unit: &str,
        data_element: &str,
        category_option_combo: &str,
        period: &str,
        value: Option<&str>,
    ) -> bool {
        let value = value.map(str::to_owned);
        self.edit(org_unit, data_element, category_option_combo, |facility, column, changes| {
            let at = Some(self.now());
            changes.put(facility, Edit { period: period.to_owned(), column, value, at, ..Edit::default() });
            true
        })
    }

    /// Every value of the newest quarter of this property's data element becomes so many times what it was, in the whole
    /// country: a definition or a unit was changed. Values are as if typed in so; fractions are rounded where the element
    /// has none, what is no number stays, and a zero that is not kept is no row (dhis2.md section 5, "Zero rule"). False
    /// when there is no such property or the denominator is 0.
    pub fn scale_column(&self, property: &str, numerator: i64, denominator: i64) -> bool {
        let Some(element) = self.element(property).filter(|_| denominator != 0) else { return false };
        let places = if element.profile.is_money() { 2 } else { 0 };
        self.retype(element, |_, old| {
            let old = old?;
            let Ok(number) = old.parse::<BigDecimal>() else { return Some(old.to_owned()) };
            let new = (number * numerator / denominator).with_scale_round(places, RoundingMode::HalfUp).normalized();
            (element.keeps_zero() || !new.is_zero()).then(|| new.to_plain_string())
        });
        true
    }

    /// Every facility has this value for the newest quarter of this property's data element, in one row. False when there
    /// is no such property.
    pub fn flatten_column(&self, property: &str, value: &str) -> bool {
        let Some(element) = self.element(property) else { return false };
        let first = element.columns.start;
        self.retype(element, |column, _| (column == first).then(|| value.to_owned()));
        true
    }

    /// Someone else deletes a data value as DHIS2 does it: the row stays for those who ask with `includeDeleted` (dhis2.md
    /// section 1.2). False when there is no such row.
    pub fn delete_value(&self, org_unit: &str, data_element: &str, category_option_combo: &str, period: &str) -> bool {
        let country = self.country();
        self.edit(org_unit, data_element, category_option_combo, |facility, column, changes| {
            let edit = changes.edits(facility).iter().find(|edit| edit.period == period && edit.column == column);
            let stored = || country.stored(period).and_then(|when| country.number(facility, column, when));
            let table = || stored().map(|number| country.text(column, number));
            let Some(value) = edit.map_or_else(table, |edit| edit.value.clone()) else { return false };
            let edit = edit.cloned().unwrap_or_default();
            let (period, value, at) = (period.to_owned(), Some(value), Some(self.now()));
            changes.put(facility, Edit { period, column, value, at, deleted: true, ..edit });
            true
        })
    }

    /// Someone else marks a report complete on a day, or takes the mark away. False when the organisation unit is no
    /// facility or there is no such data set.
    pub fn set_complete(&self, org_unit: &str, data_set: &str, period: &str, day: Option<Date>) -> bool {
        self.report(org_unit, data_set, |facility, set, changes| changes.set_complete(facility, set, period, day))
    }

    /// Someone else assigns a data set to a facility, or takes it away from it; values and registrations stay. False when
    /// the organisation unit is no facility or there is no such data set.
    pub fn set_assigned(&self, org_unit: &str, data_set: &str, assigned: bool) -> bool {
        self.report(org_unit, data_set, |facility, set, changes| changes.assign(facility, set, assigned))
    }

    /// Someone else closes an organisation unit. False when there is none of this id.
    pub fn close_unit(&self, org_unit: &str, day: Date) -> bool {
        let Some(unit) = self.country().unit(org_unit) else { return false };
        Arc::make_mut(&mut held(&self.0.changes)).close(unit, day);
        true
    }

    fn element(&self, property: &str) -> Option<&Element> {
        self.country().model.elements.iter().find(|element| element.property.as_deref() == Some(property))
    }

    /// Asks for a new value of every column of an element at every facility in the newest quarter, given the old one.
    /// Comment, mark and time of a row stay. A deleted row is none.
    fn retype(&self, element: &Element, new: impl Fn(usize, Option<&str>) -> Option<String>) {
        let (country, when) = (self.country(), Stored::Quarter(NEWEST));
        let period = country.iso(when);
        let mut changes = held(&self.0.changes);
        let changes = Arc::make_mut(&mut changes);
        for facility in 0..country.facilities.len() {
            for column in element.all_columns() {
                let found = changes.edits(facility).iter().find(|edit| edit.period == period && edit.column == column);
                let edit = found.cloned().unwrap_or_else(|| {
                    let value = country.number(facility, column, when).map(|number| country.text(column, number));
                    Edit { period: period.clone(), column, value, ..Edit::default() }
                });
                let old = edit.value.as_deref().filter(|_| !edit.deleted);
                let value = new(column, old);
                if value.as_deref() != old {
                    changes.put(facility, Edit { value, deleted: false, ..edit });
                }
            }
        }
    }

    fn edit(
        &self,
        org_unit: &str,
        data_element: &str,
        category_option_combo: &str,
        change: impl FnOnce(usize, usize, &mut Changes) -> bool,
    ) -> bool {
        let column = self.country().model.column(data_element, category_option_combo);
        let (Some(facility), Some(column)) = (self.facility(org_unit), column) else { return false };
        change(facility, column, Arc::make_mut(&mut held(&self.0.changes)))
    }

    fn report(&self, org_unit: &str, data_set: &str, change: impl FnOnce(usize, usize, &mut Changes)) -> bool {
        let place = self.country().model.place(data_set);
        let (Some(facility), Some(Place::Set(set))) = (self.facility(org_unit), place) else { return false };
        change(facility, set, Arc::make_mut(&mut held(&self.0.changes)));
        true
    }

    fn facility(&self, org_unit: &str) -> Option<usize> {
        let country = self.country();
        country.unit(org_unit).and_then(|unit| country.units[unit].facility)
    }
}
