//! What a filter finds, and the order it is listed in. Nothing here looks at more than what was found.

use std::cmp::Reverse;

use super::{Filter, scan::Scan};
use crate::domain::{
    flags::Severity,
    ledger::Ledger,
    plan::{Cell, Kind, Plan, height, index},
};

/// By what lists are sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// What deserves a look first (data-quality-flags.md section 5).
    #[default]
    Weight,
    /// Most STOP, then most REVIEW left to decide.
    Flags,
    /// The largest change against the old value.
    Change,
    /// Name of the facility.
    Name,
    /// Most left to decide.
    Left,
}

/// What a filter finds.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// How many changes.
    pub changes: usize,
    /// Facilities with at least one cell found, by ordinal.
    facilities: Vec<u32>,
    /// Facilities with cells without a change only, where those were asked for.
    others: Vec<u32>,
}

impl Filter {
    /// Looks at every cell once. By [`Plan::at`], `shown` says afterwards of which a change is listed. With `unchanged`, facilities
    /// that are listed for cells without a change are found too.
    pub fn find(&self, plan: &Plan, ledger: &Ledger, unchanged: bool, shown: &mut Vec<bool>) -> Found {
        let (scan, width) = (Scan::new(self, plan, ledger), plan.properties().len());
        shown.clear();
        shown.resize(plan.facilities().len() * width, false);
        let mut found = Found::default();
        for facility in (0..plan.height()).filter(|facility| scan.facility(*facility)) {
            let mut any = false;
            for (cell, _) in plan.open(facility).filter(|(cell, _)| scan.change(*cell)) {
                shown[plan.at(cell)] = true;
                found.changes += usize::from(plan.kind(cell) == Kind::Change);
                any = true;
            }
            if any {
                found.facilities.push(facility);
            } else if unchanged && (!self.names_standing() || plan.row(facility).any(|cell| scan.unchanged(cell))) {
                found.others.push(facility);
            }
        }
        found
    }

    /// The changes of a property, most attention first by this order, and behind them with `unchanged` its cells without a change.
    /// `shown` is what [`Filter::find`] said.
    pub fn column(
        &self,
        plan: &Plan,
        ledger: &Ledger,
        (property, sort): (u16, Sort),
        shown: &[bool],
        unchanged: bool,
    ) -> Vec<Cell> {
        let mut cells: Vec<Cell> = plan.column(property).filter(|cell| shown[plan.at(*cell)]).collect();
        let others = || {
            let scan = Scan::new(self, plan, ledger);
            let other = |cell: &Cell| !shown[plan.at(*cell)] && scan.unchanged(*cell) && scan.facility(cell.facility);
            plan.column(property).filter(other).collect::<Vec<Cell>>()
        };
        let others = if unchanged { others() } else { Vec::new() };
        if sort == Sort::Name {
            cells.extend(others);
            sort.column(plan, ledger, &mut cells);
        } else {
            sort.column(plan, ledger, &mut cells);
            cells.extend(others);
        }
        cells
    }
}

impl Sort {
    /// Its name: `sorted by weight`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Flags => "flags",
            Self::Change => "change",
            Self::Name => "name",
            Self::Left => "left to decide",
        }
    }

    /// The order with this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Weight, Self::Flags, Self::Change, Self::Name, Self::Left].into_iter().find(|sort| sort.name() == name)
    }

    /// Facilities in this order, those found for cells without a change last unless names order them all. What is equal stands by
    /// weight, and by that those with something flagged and left come first.
    pub fn facilities(self, plan: &Plan, ledger: &Ledger, found: &Found, shown: &[bool]) -> Vec<u32> {
        let listed = |rows: &[u32]| {
            let mut listed = vec![false; plan.facilities().len()];
            for facility in rows {
                listed[index(*facility)] = true;
            }
            listed
        };
        let (changing, others) = (listed(&found.facilities), listed(&found.others));
        let ranks = if self == Self::Name { plan.by_name() } else { plan.by_weight() };
        let ranked = |listed: &[bool]| ranks.all.iter().copied().filter(|facility| listed[index(*facility)]).collect();
        if self == Self::Name {
            let either: Vec<bool> = changing.iter().zip(&others).map(|(one, other)| *one || *other).collect();
            return ranked(&either);
        }
        let mut rows: Vec<u32> = ranked(&changing);
        let left = |facility: u32| ledger.facility(facility);
        // They stand by weight already, and what is equal stays as it stands.
        match self {
            Self::Weight | Self::Name => {
                let flagged = |facility: &u32| left(*facility).stop + left(*facility).review > 0;
                let (open, settled): (Vec<u32>, Vec<u32>) = rows.into_iter().partition(flagged);
                rows = [open, settled].concat();
            }
            Self::Flags => rows.sort_by_cached_key(|facility| Reverse((left(*facility).stop, left(*facility).review))),
            Self::Left => rows.sort_by_cached_key(|facility| Reverse(left(*facility).left())),
            Self::Change => {
                let largest = |facility: u32| -> u32 {
                    let changes = plan.open(facility).filter(|(cell, _)| shown[plan.at(*cell)]);
                    changes.map(|(_, size)| size).max().unwrap_or(0)
                };
                // One number holds the size and the place, which gives the facility back: that sorts fastest.
                let place = |facility: u32| u64::from(ranks.place(facility));
                let mut keys: Vec<u64> =
                    rows.iter().map(|facility| most(largest(*facility).into()) << 32 | place(*facility)).collect();
                keys.sort_unstable();
                let at = |key: u64| ranks.all[usize::try_from(key & u64::from(u32::MAX)).unwrap_or(0)];
                rows = keys.into_iter().map(at).collect();
            }
        }
        rows.extend::<Vec<u32>>(ranked(&others));
        rows
    }

    /// Puts the cells of a property in this order. What is equal stands by weight: STOP, REVIEW, those by their distance from the
    /// usual number where it is known, then the largest change against the old value.
    fn column(self, plan: &Plan, ledger: &Ledger, cells: &mut [Cell]) {
        if self == Self::Name {
            return cells.sort_unstable_by_key(|cell| plan.by_name().place(cell.facility));
        }
        let key = |cell: Cell| -> u128 {
            let severity = severity(plan, cell);
            let far = || plan.from_usual(cell).map_or(0, |far| u64::from(height(far.abs())) + 1);
            let distance = u128::from(most(if severity > 0 { far() } else { 0 }));
            let size = u128::from(most(height(plan.relative_change(cell)).into()));
            let left = || ledger.verdict(plan, cell).is_none();
            let first = match self {
                Self::Flags if left() => 2 - severity,
                Self::Flags => 2,
                Self::Left => u64::from(!left()),
                Self::Weight | Self::Change | Self::Name => 0,
            };
            let class = u128::from(first << 2 | (2 - severity));
            // The facility stands last, so that one number says all and gives it back: that sorts fastest.
            let key = if self == Self::Change {
                size << 36 | class << 32 | distance
            } else {
                class << 64 | distance << 32 | size
            };
            key << 32 | u128::from(cell.facility)
        };
        let mut keys: Vec<u128> = cells.iter().map(|cell| key(*cell)).collect();
        keys.sort_unstable();
        for (cell, key) in cells.iter_mut().zip(keys) {
            cell.facility = u32::try_from(key & u128::from(u32::MAX)).unwrap_or(cell.facility);
        }
    }
}

/// 2 for a STOP, 1 for a REVIEW, 0 for neither.
fn severity(plan: &Plan, cell: Cell) -> u64 {
    match plan.severity(cell) {
        Some(Severity::Stop) => 2,
        Some(Severity::Review) => 1,
        _ => 0,
    }
}

/// A number of at most 32 bits so that the most comes first.
fn most(number: u64) -> u64 {
    u64::from(u32::MAX) - number.min(u64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        flags::Flag,
        ledger::{Act, Stamp},
        plan::{State, sample},
    };

    fn cell(facility: u32, property: u16) -> Cell {
        Cell { facility, property }
    }

    fn decided(plan: &Plan, cells: &[Cell]) -> Ledger {
        let mut ledger = Ledger::new(plan);
        let stamp = Stamp { at: String::new(), who: String::new() };
        ledger.decide(plan, Act::Reject, cells.iter().copied(), None, "", &stamp).unwrap();
        ledger
    }

    fn listed(plan: &Plan, ledger: &Ledger, words: &str, sort: Sort) -> (Vec<u32>, Vec<u32>) {
        let (filter, mut shown) = (Filter::parse(words).unwrap(), Vec::new());
        let unchanged = filter.names_unchanged();
        let found = filter.find(plan, ledger, unchanged, &mut shown);
        assert_eq!(shown.iter().filter(|shown| **shown).count(), filter.changes(plan, ledger).count());
        let column = filter.column(plan, ledger, (1, sort), &shown, unchanged);
        (sort.facilities(plan, ledger, &found, &shown), column.iter().map(|cell| cell.facility).collect())
    }

    /// Flags: 2 a STOP, 3 two REVIEW, 1 a REVIEW. The largest change: 4, then 0. Nothing of 5 changes.
    fn plan() -> Plan {
        sample(6, 2, |draft| {
            draft.flag(cell(2, 1), Flag::new("S09", Severity::Stop, "-4"));
            for at in [cell(3, 0), cell(3, 1), cell(1, 1)] {
                draft.flag(at, Flag::new("S10", Severity::Review, ""));
            }
            draft.set(cell(4, 1), Some("1"), Some("900"), State::Reported);
            for property in 0..2 {
                draft.set(cell(5, property), Some("5"), None, State::NotReported);
            }
        })
    }

    #[test]
    fn each_order_puts_its_own_first() {
        let plan = plan();
        let ledger = Ledger::new(&plan);
        let order = |sort| listed(&plan, &ledger, "", sort);
        assert_eq!(order(Sort::Weight), (vec![2, 3, 1, 0, 4], vec![2, 1, 3, 4, 0]));
        assert_eq!(order(Sort::Flags), (vec![2, 3, 1, 0, 4], vec![2, 1, 3, 4, 0]));
        assert_eq!(order(Sort::Change), (vec![4, 0, 1, 2, 3], vec![4, 0, 1, 2, 3]));
        assert_eq!(order(Sort::Name), (vec![0, 1, 2, 3, 4], vec![0, 1, 2, 3, 4]));
        assert_eq!(order(Sort::Left), (vec![2, 3, 1, 0, 4], vec![2, 1, 3, 4, 0]));
    }

    #[test]
    fn what_is_decided_is_not_left() {
        let plan = plan();
        let ledger = decided(&plan, &[cell(2, 1), cell(3, 0), cell(3, 1), cell(0, 0)]);
        let order = |sort| listed(&plan, &ledger, "", sort);
        assert_eq!(order(Sort::Flags), (vec![1, 2, 3, 0, 4], vec![1, 2, 3, 4, 0]));
        assert_eq!(order(Sort::Left), (vec![1, 4, 2, 0, 3], vec![1, 4, 0, 2, 3]));
        assert_eq!(order(Sort::Name).0, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn only_what_is_shown_makes_a_change_large() {
        let plan = plan();
        let ledger = Ledger::new(&plan);
        assert_eq!(listed(&plan, &ledger, "prop:p0", Sort::Change).0, [0, 1, 2, 3, 4]);
        assert_eq!(listed(&plan, &ledger, "is:stop", Sort::Change), (vec![2], vec![2]));
    }

    #[test]
    fn those_without_a_change_come_last_and_among_the_names_in_their_place() {
        let plan = sample(3, 2, |draft| {
            for at in [cell(0, 0), cell(0, 1)] {
                draft.set(at, Some("5"), None, State::NotReported);
                draft.flag(at, Flag::new("T5", Severity::Review, ""));
            }
            draft.flag(cell(2, 1), Flag::new("T5", Severity::Info, ""));
        });
        let ledger = Ledger::new(&plan);
        assert_eq!(listed(&plan, &ledger, "flag:T5", Sort::Weight), (vec![2, 0], vec![2, 0]));
        assert_eq!(listed(&plan, &ledger, "flag:T5", Sort::Name), (vec![0, 2], vec![0, 2]));
        assert_eq!(listed(&plan, &ledger, "flag:T5 prop:p0", Sort::Name), (vec![0], vec![]));
    }

    #[test]
    fn what_moves_most_comes_first_until_it_is_decided() {
        let review = || Flag::new("T2", Severity::Review, "");
        let plan = sample(5, 2, |draft| {
            for at in draft.plan().cells().collect::<Vec<_>>() {
                draft.set_usual(at, Some("100"));
            }
            for (facility, new) in [(0, "130"), (2, "900"), (3, "40"), (4, "700")] {
                draft.set(cell(facility, 1), Some("1"), Some(new), State::Reported);
                draft.flag(cell(facility, 1), review());
            }
            draft.flag(cell(3, 0), Flag::new("S09", Severity::Stop, ""));
        });
        // Facility 3 moves 160 of its first property's 500 and 60 of the other's: more than the 30 of facility 0.
        assert_eq!(listed(&plan, &Ledger::new(&plan), "", Sort::Weight).0, [2, 4, 3, 0, 1]);
        let (rows, column) = listed(&plan, &decided(&plan, &[cell(2, 1)]), "", Sort::Weight);
        assert_eq!(rows, [4, 3, 0, 2, 1], "what is decided comes after, before what was never flagged");
        assert_eq!(column, [2, 4, 3, 0, 1], "the farthest from its usual first, whatever was decided");
    }
}
