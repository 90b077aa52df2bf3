//! Moving about: lists with their numbers, the next facility or property with something left, finding one, the filter. Nothing
//! here decides.

use std::collections::BTreeSet;

use super::{
    decide,
    review::{Out, Rest, Review, View, line},
    say::{number, plural},
};
use crate::domain::{
    flags::Check,
    ledger::Act,
    nearest::nearest,
    plan::{Cell, Kind},
    query::{Called, Filter, Sort, pick},
    text::inert,
};

/// Rows printed at once: a list is heard from its beginning.
const PAGE: usize = 20;

impl Review {
    /// Facilities that the filter shows, in the order asked for; where states are asked for, also those with nothing but such cells.
    pub(super) fn listed(&self) -> Vec<u32> {
        let mut shown = Vec::new();
        let found = self.filter.find(&self.plan, &self.ledger, false, &mut shown);
        let mut list = self.sort.facilities(&self.plan, &self.ledger, &found, &shown);
        if self.filter.names_unchanged() {
            let known: BTreeSet<u32> = list.iter().copied().collect();
            let cells = self.filter.decidable(&self.plan, &self.ledger);
            let more: BTreeSet<u32> = cells.map(|cell| cell.facility).filter(|at| !known.contains(at)).collect();
            list.extend(more);
        }
        list
    }

    /// Whether nothing was said of a cell that can be decided.
    fn is_open(&self, cell: Cell) -> bool {
        Act::Reject.fits(&self.plan, cell)
            && self.ledger.verdict(&self.plan, cell).is_none()
            && !self.ledger.is_sent(cell)
    }

    /// What is here, with new numbers: what is left, or everything.
    pub(super) fn listing(&mut self, all: bool) -> Vec<Out> {
        let mut out = Vec::new();
        (self.rows, self.told) = (Vec::new(), 0);
        match self.view {
            View::Facility(None) => {
                out.push(line("no facility is shown: nothing changed, or the filter shows none (f alone shows all)."));
            }
            View::Facility(Some(facility)) => {
                out.push(line(self.facility_head(facility)));
                self.rows =
                    if all { self.plan.row(facility).collect() } else { self.open_in(View::Facility(Some(facility))) };
            }
            View::Property(property) => {
                out.push(line(self.property_head(property)));
                let open = self.ledger.open_stops(&self.plan, property).map(Check::statement);
                let open: Vec<Out> =
                    open.map(|text| line(format!("STOP of the property: {text}. settle takes a reason."))).collect();
                out.extend(open);
                self.rows = if all { self.column(property) } else { self.open_in(View::Property(property)) };
            }
        }
        if self.rows.is_empty() && self.view != View::Facility(None) {
            out.push(line("nothing is left here; l all lists everything, n goes on."));
        }
        out.extend(self.more_rows());
        out
    }

    /// What is left and shown in a facility or property.
    fn open_in(&self, view: View) -> Vec<Cell> {
        match view {
            View::Facility(None) => Vec::new(),
            View::Facility(Some(facility)) => {
                let found = self.filter.decidable(&self.plan, &self.ledger);
                let unlisted = !self.filter.facility(&self.plan, facility);
                // One that was gone to by its name is shown whatever the filter says.
                let row = self.plan.row(facility).filter(|_| unlisted);
                found.filter(|cell| cell.facility == facility).chain(row).filter(|cell| self.is_open(*cell)).collect()
            }
            View::Property(property) => self.column(property).into_iter().filter(|cell| self.is_open(*cell)).collect(),
        }
    }

    /// The facilities of a property that the filter shows, in the order asked for, then those that read `(0?)`.
    fn column(&self, property: u16) -> Vec<Cell> {
        let mut shown = Vec::new();
        self.filter.find(&self.plan, &self.ledger, false, &mut shown);
        let by = (property, self.sort);
        let mut cells = self.filter.column(&self.plan, &self.ledger, by, &shown, false);
        let known: BTreeSet<Cell> = cells.iter().copied().collect();
        let zeros = self.filter.decidable(&self.plan, &self.ledger);
        let here = |cell: &Cell| cell.property == property && self.plan.kind(*cell) != Kind::Change;
        cells.extend(zeros.filter(|cell| here(cell) && !known.contains(cell)));
        cells
    }

    /// The next rows of the list.
    pub(super) fn more_rows(&mut self) -> Vec<Out> {
        let (from, to) = (self.told, self.rows.len().min(self.told + PAGE));
        let mut out = Vec::new();
        for at in from..to {
            let cell = self.rows[at];
            out.push(self.row(at + 1, cell));
            if self.plan.severity(cell).is_some() {
                out.push(Out::Past(cell));
            }
        }
        self.told = to;
        match self.rows.len() - to {
            0 if from == to && !self.rows.is_empty() => out.push(line("no more rows.")),
            0 => {}
            left => out.push(line(format!("{} not listed yet; more lists them.", plural(left, "row")))),
        }
        out
    }

    fn facility_head(&self, facility: u32) -> String {
        let one = self.plan.facility(facility);
        let place = match self.list.iter().position(|at| *at == facility) {
            Some(at) => format!(" {} of {}", number(at + 1), number(self.list.len())),
            None => " outside of what is shown".to_owned(),
        };
        let closed = if one.closed { ", case closed" } else { "" };
        let left = self.left_of(Rest::Facility(facility));
        format!("facility{place}: {}, case {}{closed}. {left}.", one.name, one.case_id)
    }

    fn property_head(&self, property: u16) -> String {
        let (place, all) = (number(u32::from(property) + 1), number(self.plan.width()));
        format!("property {place} of {all}: {}. {}.", self.name(property), self.left_of(Rest::Property(property)))
    }

    /// Shows a facility.
    pub(super) fn show_facility(&mut self, facility: Option<u32>) -> Vec<Out> {
        self.facility = facility;
        self.view = View::Facility(facility);
        self.listing(false)
    }

    /// `n`, `b`: the next or the previous facility or property with something left that the filter shows.
    pub(super) fn step(&mut self, forward: bool) -> Vec<Out> {
        let found = self.filter.decidable(&self.plan, &self.ledger);
        let counts = |cell: &Cell| self.filter.names_unchanged() || self.plan.kind(*cell) == Kind::Change;
        let open = found.filter(|cell| counts(cell) && self.is_open(*cell));
        let side = if forward { "after this one" } else { "before this one" };
        match self.view {
            View::Property(property) => {
                let open: BTreeSet<u16> = open.map(|cell| cell.property).collect();
                let next = if forward { open.range(property + 1..).next() } else { open.range(..property).next_back() };
                match next.copied() {
                    Some(next) => {
                        self.view = View::Property(next);
                        self.listing(false)
                    }
                    None => vec![line(format!("no property {side} has something left{}.", self.shown()))],
                }
            }
            View::Facility(facility) => {
                let open: BTreeSet<u32> = open.map(|cell| cell.facility).collect();
                let here = facility.and_then(|facility| self.list.iter().position(|at| *at == facility));
                let is = |at: &&u32| open.contains(at);
                let next = match (here, forward) {
                    (Some(here), true) => self.list[here + 1..].iter().find(is),
                    (Some(here), false) => self.list[..here].iter().rev().find(is),
                    (None, _) => self.list.iter().find(is),
                };
                match next.copied() {
                    Some(next) => self.show_facility(Some(next)),
                    None => vec![line(format!("no facility {side} has something left{}.", self.shown()))],
                }
            }
        }
    }

    /// What the filter asks for, as the end of a sentence.
    fn shown(&self) -> String {
        match self.filter.text() {
            "" => String::new(),
            words => format!(" of what \"{words}\" shows"),
        }
    }

    /// `g`: by number of the list, else by name or id.
    pub(super) fn go(&mut self, words: &str) -> Vec<Out> {
        if let Ok(at) = words.parse::<usize>()
            && !self.plan.facilities().iter().any(|one| one.case_id == words || one.external_id == words)
        {
            return match at.checked_sub(1).and_then(|at| self.list.get(at)).copied() {
                Some(facility) => self.show_facility(Some(facility)),
                None => vec![line(format!("there is no facility {words}; {} are shown.", number(self.list.len())))],
            };
        }
        let all: Vec<Called<'_>> = self
            .plan
            .facilities()
            .iter()
            .map(|one| Called { case_id: &one.case_id, external_id: &one.external_id, name: &one.name })
            .collect();
        match pick(&all, words) {
            Ok(found) => match found.as_slice() {
                [one] => self.show_facility(u32::try_from(*one).ok()),
                several => {
                    let ids: Vec<&str> = several.iter().map(|at| all[*at].case_id).collect();
                    vec![line(format!("several cases have the id {words}: {}; go by case id.", ids.join(", ")))]
                }
            },
            Err(why) => vec![line(format!("{why}."))],
        }
    }

    /// `f`: applies a filter, or none, and goes to the first facility shown.
    pub(super) fn set_filter(&mut self, words: &str) -> Vec<Out> {
        match Filter::parse(words) {
            Ok(filter) => self.filter = filter,
            Err(why) => return vec![line(format!("{why}. The filter is as it was."))],
        }
        let property =
            self.filter.unknown_property(&self.plan).map(|word| format!("no property has \"{word}\" in its name."));
        self.list = self.listed();
        let changes = self.filter.changes(&self.plan, &self.ledger).count();
        let (changes, facilities) = (plural(changes, "change"), plural(self.list.len(), "facility"));
        let mut out: Vec<Out> = property.map(line).into_iter().collect();
        out.push(line(format!("shown: {changes} in {facilities}. {}.", self.left_of(Rest::All))));
        // Who stood on a facility that is still shown stays there.
        let here = self.facility.filter(|facility| self.list.contains(facility));
        self.facility = here.or_else(|| self.list.first().copied());
        if self.view == View::Facility(None) || matches!(self.view, View::Facility(_)) {
            self.view = View::Facility(self.facility);
        }
        out.extend(self.listing(false));
        out
    }

    /// `sort`: puts the lists in an order, also the same again after decisions. The facility shown stays.
    pub(super) fn order(&mut self, sort: Option<Sort>) -> Vec<Out> {
        let Some(sort) = sort else {
            return vec![line(format!("sorted by {}; ? names the others.", self.sort.name()))];
        };
        self.sort = sort;
        self.list = self.listed();
        let first = if let View::Facility(_) = self.view { "; g 1 goes to the first" } else { "" };
        let mut out = vec![line(format!("sorted by {}{first}.", sort.name()))];
        out.extend(self.listing(false));
        out
    }

    /// The property a person means: by its whole name, with or without the common start, else the only one that holds the words.
    pub(super) fn named(&self, words: &str) -> Result<u16, String> {
        // As they are numbered in the list of all; no property is called by a bare number.
        if let Ok(number) = words.parse::<u16>() {
            let at = number.checked_sub(1).filter(|at| *at < self.plan.width());
            return at.ok_or_else(|| format!("there is no property {number}; there are {}.", self.plan.width()));
        }
        let lower = words.to_lowercase();
        let names = || (0_u16..).zip(self.plan.properties().iter().map(|property| property.name.to_lowercase()));
        let short = self.start.to_lowercase();
        let whole = names().find(|(_, name)| *name == lower || name.strip_prefix(&short) == Some(lower.as_str()));
        if let Some((at, _)) = whole {
            return Ok(at);
        }
        let holding: Vec<u16> = names().filter(|(_, name)| name.contains(&lower)).map(|(at, _)| at).collect();
        match holding.as_slice() {
            [one] => Ok(*one),
            [] => {
                let near = nearest(words, self.names.iter().map(String::as_str));
                let near = near.map(|near| format!("; the nearest is {near}")).unwrap_or_default();
                Err(format!("no property has \"{}\" in its name{near}.", inert(words)))
            }
            several => {
                let names: Vec<&str> = several.iter().map(|at| self.name(*at)).collect();
                Err(format!("several properties have it in their names: {}.", names.join(", ")))
            }
        }
    }

    /// `prop`: the column of a property; without a name the one shown, or the list of all.
    pub(super) fn property(&mut self, words: &str) -> Vec<Out> {
        if words.is_empty() {
            let all = (0..self.plan.width()).map(|at| {
                let stop = self.ledger.blocks(&self.plan, at).map(|check| format!(", open STOP {}", check.id));
                let number = u32::from(at) + 1;
                line(format!(
                    "{number}  {}  {}{}.",
                    self.name(at),
                    self.left_of(Rest::Property(at)),
                    stop.unwrap_or_default()
                ))
            });
            return all.collect();
        }
        match self.named(words) {
            Ok(property) => {
                self.view = View::Property(property);
                self.listing(false)
            }
            Err(why) => vec![line(why)],
        }
    }

    /// The property a command without a name is about.
    pub(super) fn property_here(&self, words: &str) -> Result<Option<u16>, String> {
        match (words, self.view) {
            ("", View::Property(property)) => Ok(Some(property)),
            ("", View::Facility(_)) => Ok(None),
            _ => self.named(words).map(Some),
        }
    }

    /// `checks`: of a property, or of the whole run.
    pub(super) fn checks(&self, words: &str) -> Vec<Out> {
        let property = match self.property_here(words) {
            Ok(property) => property,
            Err(why) => return vec![line(why)],
        };
        let mut out = Vec::new();
        for check in &self.plan.head.checks {
            let of = check.property.as_deref().and_then(|name| self.plan.find_property(name));
            if property.is_some() && of != property {
                continue;
            }
            let name = of.map(|at| format!(" of {}", self.name(at))).unwrap_or_default();
            let settled = of.and_then(|at| self.ledger.settled(at, check));
            let settled = settled.map(|settled| format!("  settled: {}", settled.reason)).unwrap_or_default();
            out.push(line(format!("{} {}{name}: {}{settled}", check.severity.word(), check.id, check.sentence)));
        }
        if out.is_empty() {
            out.push(line("no check says anything."));
        }
        out
    }

    /// Does something with the row of this number.
    pub(super) fn with_row(&self, number: usize, act: impl FnOnce(&Self, Cell) -> Vec<Out>) -> Vec<Out> {
        match self.cells(&[(number, number)]).as_deref() {
            Ok([cell]) => act(self, *cell),
            Ok(_) => Vec::new(),
            Err(why) => vec![line(why)],
        }
    }

    /// The cells of rows that were printed.
    pub(super) fn cells(&self, rows: &[(usize, usize)]) -> Result<Vec<Cell>, String> {
        let mut cells = BTreeSet::new();
        for (first, last) in rows {
            if *last > self.told {
                let there = match self.told {
                    0 => "no row is listed; l lists".to_owned(),
                    told => format!("rows 1 to {} are listed", number(told)),
                };
                return Err(format!("there is no row {}: {there}. Nothing was done.", number(last)));
            }
            cells.extend(self.rows[first.saturating_sub(1)..*last].iter().copied());
        }
        Ok(cells.into_iter().collect())
    }

    /// Goes where a cell is, which a decision was about.
    pub(super) fn show_cell(&mut self, cell: Cell) {
        if let View::Facility(_) = self.view {
            (self.facility, self.view) = (Some(cell.facility), View::Facility(Some(cell.facility)));
        } else {
            self.view = View::Property(cell.property);
        }
    }

    /// What is left of what a decision was made in.
    pub(super) fn rest(&self, cell: Cell) -> Rest {
        decide::rest_of(self.view, cell)
    }
}
