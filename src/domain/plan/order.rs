//! What finding and sorting need of a plan and no decision changes, worked out once when it is built: facilities by name and by
//! weight, which cells can be listed as a change and how large it is, which carry a flag. Which are listed, and what is left of
//! them, is not here.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{Cell, Kind, Plan, index, ordinal};
use crate::domain::{flags::Severity, state::State};

/// Facilities in an order, and the place of each in it.
#[derive(Debug, Default)]
pub struct Ranks {
    /// Facilities, the first first.
    pub all: Vec<u32>,
    places: Vec<u32>,
}

impl Ranks {
    fn of(all: Vec<u32>) -> Self {
        let mut places = vec![0; all.len()];
        for (place, facility) in all.iter().enumerate() {
            places[index(*facility)] = ordinal(place);
        }
        Self { all, places }
    }

    /// The place of a facility, 0 for the first.
    pub fn place(&self, facility: u32) -> u32 {
        self.places[index(facility)]
    }
}

/// The orders of a plan.
#[derive(Debug, Default)]
pub(super) struct Order {
    names: Ranks,
    weights: Ranks,
    /// By property, its name in lower case.
    properties: Vec<String>,
    /// By facility, where in `open` its properties begin; one more for the end.
    starts: Vec<usize>,
    /// Properties of the cells that can be listed as a change, facility by facility.
    open: Vec<u16>,
    /// How large these changes are; see [`height`].
    sizes: Vec<u32>,
    /// By id of a flag, the places of the cells that carry it.
    flagged: BTreeMap<String, Vec<usize>>,
}

impl Order {
    /// The orders of a plan whose weights are known.
    pub(super) fn of(plan: &Plan) -> Self {
        let mut by_name: Vec<u32> = (0..plan.height()).collect();
        by_name.sort_unstable_by_key(|facility| (plan.search_text(*facility), *facility));
        let names = Ranks::of(by_name);
        let mut flagged = vec![(0_u32, 0_u32); plan.facilities.len()];
        for cell in plan.flags.keys().filter(|cell| plan.kind(**cell) == Kind::Change) {
            let (stops, reviews) = &mut flagged[index(cell.facility)];
            match plan.severity(*cell) {
                Some(Severity::Stop) => *stops += 1,
                Some(Severity::Review) => *reviews += 1,
                _ => {}
            }
        }
        let mut by_weight = names.all.clone();
        // No weight is below zero, and the bits of such numbers have the order of the numbers. Equal ones stay by name.
        by_weight.sort_by_key(|facility| Reverse((plan.weight(*facility).to_bits(), flagged[index(*facility)])));
        let properties = plan.properties.iter().map(|property| property.name.to_lowercase()).collect();
        let mut order = Self { names, weights: Ranks::of(by_weight), properties, ..Self::default() };
        order.open(plan);
        for (cell, flags) in &plan.flags {
            for flag in flags {
                match order.flagged.get_mut(&flag.id) {
                    Some(places) => places.push(plan.at(*cell)),
                    None => _ = order.flagged.insert(flag.id.clone(), vec![plan.at(*cell)]),
                }
            }
        }
        order
    }

    fn open(&mut self, plan: &Plan) {
        self.starts = Vec::with_capacity(plan.facilities.len() + 1);
        for facility in 0..plan.height() {
            self.starts.push(self.open.len());
            for cell in plan.row(facility) {
                let change = plan.kind(cell) == Kind::Change;
                if change || plan.state(cell) == State::ZeroNotStored {
                    self.open.push(cell.property);
                    self.sizes.push(if change { height(plan.relative_change(cell)) } else { 0 });
                }
            }
        }
        self.starts.push(self.open.len());
    }
}

/// How large a number from 0 up is, in 32 bits: such numbers have the order of their bits, and the upper half tells any two apart
/// that differ by a millionth.
pub fn height(number: f64) -> u32 {
    u32::try_from(number.to_bits() >> 32).unwrap_or(u32::MAX)
}

impl Plan {
    /// Facilities by name, whatever the letter case.
    pub fn by_name(&self) -> &Ranks {
        &self.order.names
    }

    /// Facilities by how much of their properties their flagged cells move (data-quality-flags.md section 5, point 2), then by STOP,
    /// by REVIEW and by name.
    pub fn by_weight(&self) -> &Ranks {
        &self.order.weights
    }

    /// The names of all properties in lower case, by ordinal, for finding them.
    pub fn property_search(&self) -> &[String] {
        &self.order.properties
    }

    /// The properties of a facility that can be listed as a change: its changes, and the cells that read `(0?)`; each with how large
    /// the change is against the old value, for ordering ([`height`]), 0 where it is none.
    pub fn open(&self, facility: u32) -> impl Iterator<Item = (Cell, u32)> + '_ {
        let order = &self.order;
        let at = index(facility);
        let range = order.starts.get(at).zip(order.starts.get(at + 1)).map_or(0..0, |(start, end)| *start..*end);
        let properties = order.open[range.clone()].iter().zip(&order.sizes[range]);
        properties.map(move |(property, size)| (Cell { facility, property: *property }, *size))
    }

    /// The places ([`Plan::at`]) of the cells that carry this flag, whatever its severity.
    pub fn flagged(&self, id: &str) -> &[usize] {
        self.order.flagged.get(id).map_or(&[], Vec::as_slice)
    }

    /// The number the case holds, as the nearest binary number; `None` where it holds none.
    pub fn old_number(&self, cell: Cell) -> Option<f64> {
        let (_, number) = self.texts.get(self.old[self.at(cell)])?;
        number.is_finite().then_some(*number)
    }

    /// How large a change is, and the size of the number it changes; `zero` where it is 0 that will be written. A case that holds
    /// nothing counts as one that holds 0. `None` where nothing is proposed, and where a side is a text, which has no size.
    pub fn moves(&self, cell: Cell, zero: bool) -> Option<(f64, f64)> {
        let at = self.at(cell);
        let old = match self.texts.get(self.old[at]) {
            None => 0.0,
            Some((_, number)) if !number.is_nan() => *number,
            Some((text, _)) if text.trim().is_empty() => 0.0,
            Some(_) => return None,
        };
        let new = match self.texts.get(self.new[at]) {
            _ if zero => 0.0,
            Some((_, number)) if self.states[at].proposes() && !number.is_nan() => *number,
            _ => return None,
        };
        Some(((new - old).abs(), old.abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        flags::Flag,
        plan::{State, sample},
    };

    #[test]
    fn the_size_of_a_change_is_that_of_numbers() {
        let cell = |property| Cell { facility: 0, property };
        let cases = [
            (Some("120"), Some("20"), State::Reported, Some((100.0, 120.0))),
            (None, Some("7"), State::Reported, Some((7.0, 0.0))),
            (Some(" "), Some("7"), State::Reported, Some((7.0, 0.0))),
            (Some("-5"), Some("-7.5"), State::Reported, Some((2.5, 5.0))),
            (Some("about 12"), Some("14"), State::Reported, None),
            (Some("12"), Some(""), State::Restored, None),
            (Some("12"), Some("12 (est)"), State::NonNumeric, None),
            (Some("12"), None, State::NotReported, None),
            (Some("12"), None, State::ZeroNotStored, None),
        ];
        for (old, held, state, moves) in cases {
            let plan = sample(1, 1, |draft| draft.set(cell(0), old, held, state));
            assert_eq!(plan.moves(cell(0), false), moves, "{old:?} {held:?}");
        }
        let zero = sample(1, 1, |draft| draft.set(cell(0), Some("12"), None, State::ZeroNotStored));
        assert_eq!(zero.moves(cell(0), true), Some((12.0, 12.0)));
    }

    #[test]
    fn facilities_stand_by_name_and_by_weight() {
        let plan = sample(12, 1, |draft| {
            for facility in 0..12 {
                draft.set_usual(Cell { facility, property: 0 }, Some("100"));
            }
            for (facility, severity) in [(2, Severity::Review), (5, Severity::Review), (7, Severity::Stop)] {
                let cell = Cell { facility, property: 0 };
                draft.set(cell, Some("1"), Some("900"), State::Reported);
                draft.flag(cell, Flag::new("T2", severity, ""));
            }
        });
        assert_eq!(plan.by_name().all, [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(plan.by_weight().all, [7, 2, 5, 0, 1, 10, 11, 3, 4, 6, 8, 9]);
        assert_eq!((plan.by_weight().place(7), plan.by_weight().place(10), plan.by_name().place(10)), (0, 5, 2));
    }
}
