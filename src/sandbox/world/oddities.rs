//! What reviewers meet: slips, gaps, text in numbers, cases that do not fit their place. A fixed small number of each,
//! on facilities the seed picks, each facility with one oddity only, and all of them listed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, ToSpan as _};

use super::{
    Country, Edit, NEWEST, Stored,
    draw::{Draw, Stream},
};
use crate::sandbox::{Oddity, Planted};

mod reports;

/// Facilities whose cases are special.
#[derive(Debug, Default)]
pub(crate) struct Roles {
    /// Its case is closed.
    pub(crate) closed: BTreeSet<usize>,
    /// It has no case.
    pub(crate) without_case: BTreeSet<usize>,
    /// It has two open cases.
    pub(crate) shared: BTreeSet<usize>,
    /// How many cases have no external id, beside those of the facilities.
    pub(crate) anonymous: usize,
    /// Places, indices, that got another name in DHIS2 after their case was made.
    pub(crate) renamed: Vec<(usize, String)>,
}

/// How many of each at most, in the order in which a small country gets them.
const WANTED: [(Oddity, usize); 15] = [
    (Oddity::TenTimes, 3),
    (Oddity::FalseZero, 3),
    (Oddity::TextInNumber, 2),
    (Oddity::StoppedReporting, 3),
    (Oddity::SharedExternalId, 2),
    (Oddity::TenthPart, 3),
    (Oddity::NoExternalId, 3),
    (Oddity::HostileName, 1),
    (Oddity::Comment, 4),
    (Oddity::FollowUp, 3),
    (Oddity::Negative, 1),
    (Oddity::Fraction, 2),
    (Oddity::Closed, 2),
    (Oddity::AccentedName, 4),
    (Oddity::LongName, 2),
];

/// What was added to the country later, planted after the rest so that the rest stays where it is. None of it changes a
/// number of the newest quarter.
const LATER: [(Oddity, usize); 6] = [
    (Oddity::NotAssigned, 4),
    (Oddity::Deleted, 4),
    (Oddity::UnitClosed, 3),
    (Oddity::ZeroNotStored, 4),
    (Oddity::CompleteEmpty, 3),
    (Oddity::NamesDiffer, 4),
];

/// What was added last, planted after both. It is in reports of the newest quarter.
const REPORTS: [(Oddity, usize); 7] = [
    (Oddity::TotalAndBreakdown, 3),
    (Oddity::CategoryGone, 3),
    (Oddity::UnknownCategory, 3),
    (Oddity::EditedAfterComplete, 3),
    (Oddity::CompletedLate, 3),
    (Oddity::Copied, 3),
    (Oddity::SeveralAttributes, 3),
];

const NEWEST_QUARTER: Stored = Stored::Quarter(NEWEST);

const COMMENTS: [&str; 4] = [
    "Register was at the district office; counted from the tally sheets.",
    "Includes two outreach sites opened this quarter",
    "Chiŵerengero chatsimikiziridwa ndi DHO",
    "Typed from a photograph, first digit hard to read; please check",
];

struct Planter<'a> {
    country: &'a mut Country,
    draw: Draw,
    waiting: Vec<usize>,
    roles: Roles,
}

/// Plants everything and says which cases are special. At most seven of eight facilities are touched.
pub(crate) fn plant(country: &mut Country) -> Roles {
    let mut draw = Draw::new(country.seed, Stream::Oddities);
    let mut waiting: Vec<usize> = (0..country.facilities.len()).collect();
    draw.shuffle(&mut waiting);
    let room = waiting.len() / 2;
    // One more of some kinds, so that counts are not the same for every seed.
    let wanted = WANTED.map(|(what, most)| (what, if most > 2 { most + draw.below(2) } else { most }));
    let mut planter = Planter { country, draw, waiting, roles: Roles::default() };
    planter.rounds(&wanted, room);
    // As many places without a case as there are cases too many: the numbers of both stay equal.
    for _ in 0..planter.roles.shared.len() + planter.roles.anonymous {
        planter.without_case();
    }
    planter.rounds(&LATER, room / 2);
    planter.rounds(&REPORTS, room / 4);
    planter.roles
}

impl Planter<'_> {
    /// One of each kind, then a second of each, until there are as many as wanted or `room` facilities are touched.
    fn rounds(&mut self, wanted: &[(Oddity, usize)], room: usize) {
        let rounds = wanted.iter().map(|(_, most)| *most).max().unwrap_or(0);
        let mut touched = 0;
        for round in 0..rounds {
            for &(what, most) in wanted {
                if round < most && touched < room && self.one(what).is_some() {
                    touched += 1;
                }
            }
        }
    }

    fn one(&mut self, what: Oddity) -> Option<()> {
        match what {
            Oddity::TenTimes => self.slip(what, 10, |number| number * 10),
            Oddity::TenthPart => self.slip(what, 100, |number| number / 10),
            Oddity::FalseZero => self.slip(what, 5, |_| 0),
            Oddity::TextInNumber => self.edit(what, |text, edit| edit.value = Some(format!("{text} (est)"))),
            Oddity::Negative => self.edit(what, |text, edit| edit.value = Some(format!("-{text}"))),
            Oddity::Fraction => self.edit(what, |text, edit| edit.value = Some(format!("{text}.5"))),
            Oddity::FollowUp => self.edit(what, |_, edit| edit.followup = true),
            Oddity::Comment => {
                let comment = self.draw.one_of(&COMMENTS);
                self.edit(what, |_, edit| edit.comment = Some(comment.to_owned()))
            }
            Oddity::StoppedReporting => self.stop(),
            Oddity::NoExternalId => {
                // Listed where the case is made, which is where its id is known.
                self.roles.anonymous += 1;
                Some(())
            }
            Oddity::WithoutCase => self.without_case(),
            Oddity::SharedExternalId | Oddity::Closed => {
                let facility = self.take(|_, _| true)?;
                if what == Oddity::Closed {
                    self.roles.closed.insert(facility);
                } else {
                    self.roles.shared.insert(facility);
                }
                self.list(facility, None, what);
                Some(())
            }
            Oddity::AccentedName | Oddity::LongName | Oddity::HostileName => self.rename(what),
            Oddity::NotAssigned | Oddity::Deleted | Oddity::CompleteEmpty => self.missing(what),
            Oddity::ZeroNotStored => self.zero(),
            Oddity::UnitClosed => self.close(),
            Oddity::NamesDiffer => self.call_it_otherwise(),
            Oddity::TotalAndBreakdown
            | Oddity::CategoryGone
            | Oddity::UnknownCategory
            | Oddity::EditedAfterComplete
            | Oddity::CompletedLate
            | Oddity::Copied
            | Oddity::SeveralAttributes => self.report(what),
        }
    }

    /// The next facility that fits, in the seed's order; it is given out once.
    fn take(&mut self, fits: impl Fn(&Country, usize) -> bool) -> Option<usize> {
        let at = self.waiting.iter().position(|&facility| fits(self.country, facility))?;
        Some(self.waiting.remove(at))
    }

    fn list(&mut self, facility: usize, element: Option<usize>, what: Oddity) {
        let country = &mut *self.country;
        let property = element.and_then(|element| country.model.elements[element].property.clone());
        let external_id = Some(country.facility_uid(facility).to_owned());
        let case_id = Some(country.facilities[facility].case_id.to_string());
        country.planted.push(Planted { external_id, case_id, property, what });
    }

    /// Changes one number of the newest quarter of an element that has one part and stood at `least` or more.
    fn slip(&mut self, what: Oddity, least: i64, change: impl Fn(i64) -> i64) -> Option<()> {
        let mut suited: Vec<usize> = (0..self.country.model.elements.len())
            .filter(|&element| {
                let element = &self.country.model.elements[element];
                let zero_stays = what != Oddity::FalseZero || element.keeps_zero();
                element.property.is_some() && element.columns.len() == 1 && zero_stays
            })
            .collect();
        self.draw.shuffle(&mut suited);
        let steady = |country: &Country, facility: usize, element: usize| {
            (NEWEST - 4..=NEWEST).all(|quarter| country.total(facility, element, quarter) >= Some(least))
        };
        for element in suited {
            let Some(facility) = self.take(|country, facility| steady(country, facility, element)) else { continue };
            let column = self.country.model.elements[element].columns.start;
            let number = self.country.number(facility, column, NEWEST_QUARTER)?;
            self.country.set_number(facility, column, NEWEST_QUARTER, Some(change(number)));
            self.list(facility, Some(element), what);
            return Some(());
        }
        None
    }

    /// Puts an edit over one value of the newest quarter of an integer element.
    fn edit(&mut self, what: Oddity, change: impl Fn(&str, &mut Edit)) -> Option<()> {
        let suited: Vec<usize> = (0..self.country.model.elements.len())
            .filter(|&element| {
                let element = &self.country.model.elements[element];
                element.property.is_some() && !element.profile.is_money()
            })
            .collect();
        let element = self.draw.one_of(&suited);
        let column = self.country.model.elements[element].columns.end - 1;
        let there = |country: &Country, facility| country.number(facility, column, NEWEST_QUARTER) >= Some(1);
        let facility = self.take(there)?;
        let text = self.country.text(column, self.country.number(facility, column, NEWEST_QUARTER)?);
        let period = self.country.iso(NEWEST_QUARTER);
        let mut edit = Edit { period, column, value: Some(text.clone()), ..Edit::default() };
        change(&text, &mut edit);
        self.country.changes.put(facility, edit);
        self.list(facility, Some(element), what);
        Some(())
    }

    /// A facility that always reported sends nothing for the newest quarter.
    fn stop(&mut self) -> Option<()> {
        let facility = self.take(|country, facility| {
            let sets = country.model.sets.len();
            let sent = |when| (0..sets).filter(|&set| country.reported(facility, set, when)).count();
            (0..NEWEST).all(|quarter| sent(Stored::Quarter(quarter)) >= 3)
        })?;
        self.country.stopped.insert(facility);
        for when in Stored::all().filter(|when| when.quarter() == NEWEST) {
            for column in 0..self.country.model.columns.len() {
                self.country.set_number(facility, column, when, None);
            }
        }
        self.list(facility, None, Oddity::StoppedReporting);
        Some(())
    }

    fn without_case(&mut self) -> Option<()> {
        let facility = self.take(|_, _| true)?;
        self.roles.without_case.insert(facility);
        let external_id = Some(self.country.facility_uid(facility).to_owned());
        let what = Oddity::WithoutCase;
        self.country.planted.push(Planted { external_id, case_id: None, property: None, what });
        Some(())
    }

    fn rename(&mut self, what: Oddity) -> Option<()> {
        let facility = self.take(|_, _| true)?;
        let saint = self.draw.one_of(&["Ste-Thérèse", "São João", "Ŵoyera", "Mt. Zoë", "Ngũgĩ"]);
        let unit = self.country.facilities[facility].unit;
        let name = &mut self.country.units[unit].name;
        *name = match what {
            Oddity::AccentedName => format!("{saint} {name}"),
            Oddity::LongName => format!(
                "{name} with Maternity Waiting Home and Youth Friendly Corner (formerly the estate clinic), \
                 Group Village Headman's Area, lakeshore side of the main road"
            ),
            // A colour change, the bell and a right-to-left override: all of it must stay inert on a screen.
            _ => format!("\u{1b}[31m{name}\u{7} \u{202e}CH\u{1b}[0m"),
        };
        self.list(facility, None, what);
        Some(())
    }
}

/// What was added later: oddities of reports and places around the numbers.
impl Planter<'_> {
    /// Something about a report of the mapping that did not come: the set was taken away from the facility, its rows were
    /// deleted, or it was marked complete without a row.
    fn missing(&mut self, what: Oddity) -> Option<()> {
        let elements = self.mapped();
        let gone = |country: &Country, facility: usize| {
            elements.iter().copied().find(|&element| {
                let set = country.model.elements[element].sets.first();
                set.is_some_and(|&set| !country.reported(facility, set, NEWEST_QUARTER))
            })
        };
        let facility =
            self.take(|country, facility| !country.stopped.contains(&facility) && gone(country, facility).is_some())?;
        let element = gone(self.country, facility)?;
        let set = *self.country.model.elements[element].sets.first()?;
        let period = self.country.iso(NEWEST_QUARTER);
        match what {
            Oddity::NotAssigned => self.country.changes.assign(facility, set, false),
            Oddity::Deleted => self.delete(facility, element, &period),
            _ => {
                let day = self.country.quarters[NEWEST].month(3).checked_add(9.days()).ok();
                self.country.changes.set_complete(facility, set, &period, day);
            }
        }
        self.list(facility, Some(element), what);
        Some(())
    }

    /// Rows that were typed in with the quarter before and deleted an hour later.
    fn delete(&mut self, facility: usize, element: usize, period: &str) {
        let country = &mut *self.country;
        let at = country.typed_in(facility, NEWEST_QUARTER).checked_add(SignedDuration::from_hours(1)).ok();
        for column in country.model.elements[element].columns.clone() {
            let before = country.number(facility, column, Stored::Quarter(NEWEST - 1)).unwrap_or(7);
            let value = Some(country.text(column, before.max(1)));
            country
                .changes
                .put(facility, Edit { period: period.to_owned(), column, value, deleted: true, at, ..Edit::default() });
        }
    }

    /// A complete report without a row of an element that does not keep zeros: nothing is changed, it is only listed.
    fn zero(&mut self) -> Option<()> {
        let elements = self.mapped();
        let absent = |country: &Country, facility: usize| {
            elements.iter().copied().find(|&at| {
                let element = &country.model.elements[at];
                let done = element.sets.first().and_then(|&set| country.registered(facility, set, NEWEST_QUARTER));
                !element.keeps_zero()
                    && done.is_some_and(|(_, complete)| complete)
                    && country.total(facility, at, NEWEST).is_none()
            })
        };
        let facility = self.take(|country, facility| absent(country, facility).is_some())?;
        let element = absent(self.country, facility)?;
        self.list(facility, Some(element), Oddity::ZeroNotStored);
        Some(())
    }

    /// Elements the mapping names, in a new order.
    fn mapped(&mut self) -> Vec<usize> {
        let elements = self.country.model.elements.iter().enumerate();
        let mut mapped: Vec<usize> =
            elements.filter(|(_, element)| element.property.is_some()).map(|(at, _)| at).collect();
        self.draw.shuffle(&mut mapped);
        mapped
    }

    /// The place was closed a month before the quarter began; values were sent all the same.
    fn close(&mut self) -> Option<()> {
        let facility = self.take(|country, facility| !country.stopped.contains(&facility))?;
        let day = self.country.quarters[NEWEST].start().checked_sub(1.month()).ok()?;
        self.country.changes.close(self.country.facilities[facility].unit, day);
        self.list(facility, None, Oddity::UnitClosed);
        Some(())
    }

    /// DHIS2 writes the kind of facility out, the case does not.
    fn call_it_otherwise(&mut self) -> Option<()> {
        let short =
            |country: &Country, facility: usize| country.units[country.facilities[facility].unit].name.ends_with(" HC");
        let facility = self.take(short)?;
        let unit = self.country.facilities[facility].unit;
        let name = &self.country.units[unit].name;
        let long = format!("{} Health Centre", name.trim_end_matches(" HC"));
        self.roles.renamed.push((unit, long));
        self.list(facility, None, Oddity::NamesDiffer);
        Some(())
    }
}
