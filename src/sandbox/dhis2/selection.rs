//! What a request for values or registrations selects, and the rules it may break (dhis2.md sections 1.2 to 1.4).

use std::collections::BTreeSet;

use axum::response::Response;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp, civil::Date};

use super::{
    View,
    account::Account,
    periods::Period,
    problem,
    rules::{Broken, Rule},
};
use crate::sandbox::{
    query::Query,
    world::{Stored, model::Place},
};

/// Ids of one kind that were given, without repetition.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// The ids that count: up to 2.42 those that are known, from 2.43 on all that are well formed.
    pub(crate) ids: Vec<String>,
    /// The known ones, indices.
    pub(crate) known: Vec<usize>,
}

impl Named {
    fn new(view: &View<'_>, ids: Vec<String>, find: impl Fn(&str) -> Option<usize>) -> Result<Self, Box<Response>> {
        let mut named = Self::default();
        for id in ids {
            let known = find(&id);
            if view.version.is_rewritten() && !view.lenient && !is_uid(&id) {
                let text = "UID must be an alphanumeric string of 11 characters starting with a letter, but was";
                return Err(Box::new(bad(&format!("{text}: {id}"))));
            }
            if named.ids.contains(&id) || (known.is_none() && (!view.version.is_rewritten() || view.lenient)) {
                continue;
            }
            named.known.extend(known);
            named.ids.push(id);
        }
        Ok(named)
    }

    /// The id, where exactly one was given.
    pub(crate) fn only(&self) -> Option<&str> {
        if let [id] = &self.ids[..] { Some(id) } else { None }
    }
}

/// What a request asks for.
pub(crate) struct Selection {
    pub(crate) sets: Named,
    elements: Named,
    pub(crate) units: Named,
    pub(crate) combos: Named,
    /// Each period once, with what is stored under it.
    pub(crate) periods: Vec<(Period, Option<Stored>)>,
    range: Option<(Date, Date)>,
    /// Whether a period was named, or, in 2.43, a range beside one.
    named_periods: bool,
    pub(crate) since: Option<Timestamp>,
    bad_duration: Option<String>,
    pub(crate) children: bool,
    pub(crate) deleted: bool,
    pub(crate) limit: Option<i64>,
}

impl Selection {
    /// Reads the parameters; unknown ones are left alone. The error is the answer to ids and numbers that are none.
    pub(crate) fn new(view: &View<'_>, query: &Query) -> Result<Self, Box<Response>> {
        let model = &view.country.model;
        let of_kind = |pick: fn(Place) -> Option<usize>| move |id: &str| model.place(id).and_then(pick);
        let set = of_kind(|place| if let Place::Set(set) = place { Some(set) } else { None });
        let element = of_kind(|place| if let Place::Element(element) = place { Some(element) } else { None });
        let coc = of_kind(|place| if let Place::Coc(coc) = place { Some(coc) } else { None });
        let elements = if view.version.takes_elements() { query.list("dataElement") } else { Vec::new() };
        let limit = query.one("limit").map(str::parse).transpose();
        let limit = limit.map_err(|_| Box::new(bad("Value of limit is not a number")))?;
        let mut selection = Self {
            sets: Named::new(view, query.list("dataSet"), set)?,
            elements: Named::new(view, elements, element)?,
            units: Named::new(view, query.list("orgUnit"), |id| view.country.unit(id))?,
            combos: Named::new(view, query.list("attributeOptionCombo"), coc)?,
            periods: Vec::new(),
            range: None,
            named_periods: false,
            since: None,
            bad_duration: None,
            children: query.one("children") == Some("true"),
            deleted: query.one("includeDeleted") == Some("true"),
            limit,
        };
        selection.read_times(view, query)?;
        selection.read_periods(view, query)?;
        Ok(selection)
    }

    fn read_times(&mut self, view: &View<'_>, query: &Query) -> Result<(), Box<Response>> {
        if let Some(text) = query.one("lastUpdated") {
            self.since = Some(instant(text).ok_or_else(|| Box::new(bad(&format!("Invalid date: {text}"))))?);
        }
        if let Some(text) = query.one("lastUpdatedDuration") {
            match duration(text).and_then(|back| (view.clock)().checked_sub(back).ok()) {
                Some(since) => self.since = Some(since),
                None => self.bad_duration = Some(text.to_owned()),
            }
        }
        let date = |name| query.one(name).and_then(|text| text.parse::<Date>().ok());
        self.range = date("startDate").zip(date("endDate"));
        Ok(())
    }

    /// Exact period ids. Without them all periods that lie within the dates, or where there are no dates either, all of
    /// them.
    fn read_periods(&mut self, view: &View<'_>, query: &Query) -> Result<(), Box<Response>> {
        for id in query.list("period") {
            match Period::new(&id, view.version) {
                Some(period) if self.periods.iter().all(|(other, _)| other.id != id) => {
                    self.periods.push((period, view.country.stored(&id)));
                }
                None if view.version.is_rewritten() && !view.lenient => {
                    let message = format!("Invalid Period `{id}`, it does not match any known period type");
                    return Err(Box::new(bad(&message)));
                }
                _ => {}
            }
        }
        self.named_periods = !self.periods.is_empty();
        if self.named_periods {
            return Ok(());
        }
        let (start, end) = match (self.range, self.since) {
            (Some(range), _) => range,
            (None, Some(_)) => (Date::MIN, Date::MAX),
            (None, None) => return Ok(()),
        };
        let mut ids: BTreeSet<String> = Stored::all().map(|when| view.country.iso(when)).collect();
        ids.extend(view.changes.periods().into_iter().map(str::to_owned));
        for period in ids.iter().filter_map(|id| Period::new(id, view.version)) {
            if period.start >= start && period.end <= end {
                let when = view.country.stored(&period.id);
                self.periods.push((period, when));
            }
        }
        Ok(())
    }

    /// The period, where exactly one was named.
    pub(crate) fn only_period(&self) -> Option<&(Period, Option<Stored>)> {
        if let ([period], true) = (&self.periods[..], self.named_periods) { Some(period) } else { None }
    }

    /// The broken rules in the order in which the server looks at them. Up to 2.42 it reports the last one, from 2.43 on
    /// the first (dhis2.md section 1.3).
    pub(crate) fn broken_rule(&self, view: &View<'_>) -> Option<Broken> {
        let rewritten = view.version.is_rewritten();
        let no_units = self.units.ids.is_empty();
        let backwards = self.range.is_some_and(|(start, end)| start > end) && (rewritten || !self.named_periods);
        let mut rules = vec![
            (self.sets.ids.is_empty() && self.elements.ids.is_empty(), Rule::NoData),
            (
                !self.named_periods && self.range.is_none() && self.since.is_none() && self.bad_duration.is_none(),
                Rule::NoPeriod,
            ),
            (rewritten && self.named_periods && self.range.is_some(), Rule::PeriodAndDates),
            (backwards, Rule::Backwards),
            (self.bad_duration.is_some(), Rule::Duration(self.bad_duration.clone().unwrap_or_default())),
            (no_units, Rule::NoUnit),
            (no_units && self.children && !rewritten, Rule::ChildrenOfNone),
            (self.limit.is_some_and(|limit| limit < 0), Rule::Limit(self.limit.unwrap_or_default())),
        ];
        if rewritten {
            // The missing unit goes before what may be wrong with the dates.
            rules[2..6].rotate_right(1);
        }
        let mut broken = rules.into_iter().filter(|(broken, _)| *broken).map(|(_, rule)| rule);
        let reported = if rewritten { broken.next() } else { broken.next_back() };
        reported.map(|rule| Broken::new(view.version, &rule))
    }

    /// What the account may not read, if anything (dhis2.md section 1.3).
    pub(crate) fn forbidden(&self, view: &View<'_>, units: &[usize]) -> Option<Broken> {
        let (country, account, rewritten) = (view.country, view.account, view.version.is_rewritten());
        if rewritten && account.superuser && !view.lenient {
            return None;
        }
        let model = &country.model;
        let uids = |all: &[usize], allowed: &dyn Fn(usize) -> bool, uid: &dyn Fn(usize) -> String| {
            let denied = all.iter().copied().filter(|&it| !allowed(it)).map(uid);
            denied.take(if rewritten { usize::MAX } else { 1 }).collect::<Vec<_>>()
        };
        let sets = uids(&self.sets.known, &|set| account.reads_set(country, set), &|set| model.sets[set].uid.clone());
        let combos =
            uids(&self.combos.known, &|coc| account.reads_combo(country, coc), &|coc| model.cocs[coc].uid.clone());
        let outside = uids(&self.units.known, &|unit| Account::reaches(country, units, unit), &|unit| {
            country.units[unit].uid.clone()
        });
        let rules = [Rule::Sets(sets), Rule::Combos(combos), Rule::Units(outside)];
        let first = rules.into_iter().find(|rule| !rule.ids().is_empty());
        first.map(|rule| Broken::new(view.version, &rule))
    }

    /// The columns asked for whose rows the account may read; each once.
    pub(crate) fn columns(&self, view: &View<'_>) -> Vec<usize> {
        let model = &view.country.model;
        let of_sets = self.sets.known.iter().flat_map(|&set| model.sets[set].elements.iter().copied());
        let elements: BTreeSet<usize> = of_sets.chain(self.elements.known.iter().copied()).collect();
        let columns = elements.into_iter().flat_map(|element| model.elements[element].all_columns());
        columns
            .filter(|&column| {
                let aoc = model.columns[column].aoc;
                let asked = self.combos.ids.is_empty() || self.combos.known.contains(&aoc);
                asked && view.account.reads_combo(view.country, aoc)
            })
            .collect()
    }

    /// The facilities asked for, in no order a client could rely on.
    pub(crate) fn facilities(&self, view: &View<'_>) -> Vec<usize> {
        let country = view.country;
        let mut found = BTreeSet::new();
        for &unit in &self.units.known {
            let above = &country.units[unit];
            found.extend(above.facility);
            if self.children {
                let below = format!("{}/", above.path);
                let inside = country.units.iter().filter(|it| it.path.starts_with(&below));
                found.extend(inside.filter_map(|it| it.facility));
            }
        }
        let mut found: Vec<usize> = found.into_iter().collect();
        found.sort_by_key(|&facility| crate::sandbox::world::draw::mix(country.seed, [facility, 0, 1]));
        found
    }
}

fn bad(message: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, message, None)
}

/// 11 letters and digits, the first one a letter.
pub(crate) fn is_uid(text: &str) -> bool {
    text.len() == 11
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// A date, or a date with a time; without a zone it is the server's, which is UTC.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse() {
        return Some(instant);
    }
    if let Ok(zoned) = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text) {
        return zoned.to_timestamp().ok();
    }
    let local: jiff::civil::DateTime = text.parse().ok()?;
    local.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// `10d`, `5h`, `30m`, `20s`.
fn duration(text: &str) -> Option<SignedDuration> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u32 = number.parse().ok()?;
    let seconds = match unit {
        "d" => 86_400,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return None,
    };
    Some(SignedDuration::from_secs(i64::from(number) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_and_durations_are_read_as_dhis2_writes_them() {
        let noon = "2026-07-05T12:00:00Z".parse().ok();
        for text in
            ["2026-07-05T12:00:00Z", "2026-07-05T12:00:00.000+0000", "2026-07-05T14:00:00+02:00", "2026-07-05T12:00"]
        {
            assert_eq!(instant(text), noon, "{text}");
        }
        assert_eq!(instant("2026-07-05"), "2026-07-05T00:00:00Z".parse().ok());
        assert_eq!(instant("yesterday"), None);
        assert_eq!(duration("2h"), Some(SignedDuration::from_hours(2)));
        for bad in ["", "h", "2", "2w", "é"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn ids_have_eleven_letters_and_digits() {
        assert!(is_uid("q1Es3k3sZem") && !is_uid("1qEs3k3sZem") && !is_uid("short") && !is_uid("q1Es3k3sZe-"));
    }
}
