//! How a number stands to the usual one, and how much of a property a facility's odd numbers move: for showing and for ordering,
//! never for writing.

use super::{Cell, Plan, TextId, index};

impl Plan {
    /// The number proposed, as the nearest binary number for statistics; `None` where none is.
    pub fn number(&self, cell: Cell) -> Option<f64> {
        let at = self.at(cell);
        let (_, number) = self.texts.get(self.new[at]).filter(|_| self.states[at].proposes())?;
        number.is_finite().then_some(*number)
    }

    /// The usual number: the median of the reported quarters before (data-quality-flags.md section 3.2); `None` where none was.
    pub fn usual(&self, cell: Cell) -> Option<&str> {
        self.texts.get(self.usual[self.at(cell)]).map(|(text, _)| text.as_ref())
    }

    /// The number proposed as a multiple of the usual one, for showing and ordering; `None` without either, and where 0 is usual.
    pub fn multiple(&self, cell: Cell) -> Option<f64> {
        let at = self.at(cell);
        let ((_, new), (_, usual)) = (self.texts.get(self.new[at])?, self.texts.get(self.usual[at])?);
        (self.state(cell).proposes() && *usual > 0.0).then(|| new / usual).filter(|multiple| multiple.is_finite())
    }

    /// How far the number proposed is from the usual one, for ordering; `None` without either.
    pub fn from_usual(&self, cell: Cell) -> Option<f64> {
        let (_, usual) = self.texts.get(self.usual[self.at(cell)])?;
        Some(self.number(cell)? - usual).filter(|distance| distance.is_finite())
    }

    /// How much of the usual sums of the properties the flagged cells of a facility move (data-quality-flags.md section 5, point 2):
    /// for ordering. 0 where nothing with a usual number is flagged.
    pub fn weight(&self, facility: u32) -> f64 {
        self.weights.get(index(facility)).copied().unwrap_or(0.0)
    }

    /// The weight of each facility: for a flagged cell the distance from the usual number, for one without a number the usual one
    /// itself, divided by the sum of the usual numbers of its property so that properties compare.
    pub(super) fn weigh(&self) -> Vec<f64> {
        let number = |id: TextId| self.texts.get(id).map_or(f64::NAN, |(_, number)| *number);
        let usual = |cell: Cell| Some(number(self.usual[self.at(cell)])).filter(|usual| usual.is_finite());
        let sums: Vec<f64> = (0..self.width()).map(|property| self.column(property).filter_map(usual).sum()).collect();
        let mut weights = vec![0.0; self.facilities.len()];
        for cell in self.flags.keys().copied().filter(|cell| self.severity(*cell).is_some()) {
            let Some(usual) = usual(cell) else { continue };
            let new = if self.state(cell).proposes() { number(self.new[self.at(cell)]) } else { 0.0 };
            let sum = sums[usize::from(cell.property)];
            if sum > 0.0 && new.is_finite() {
                weights[index(cell.facility)] += (new - usual).abs() / sum;
            }
        }
        weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        flags::{Flag, Severity},
        plan::{State, sample},
    };

    fn cell(facility: u32, property: u16) -> Cell {
        Cell { facility, property }
    }

    #[test]
    fn a_number_stands_as_a_multiple_of_the_usual_one() {
        let plan = sample(1, 5, |draft| {
            for (property, held, usual, state) in [
                (0, Some("1310"), Some("118"), State::Reported),
                (1, Some("7"), Some("0"), State::Reported),
                (2, Some("7"), None, State::Reported),
                (3, None, Some("118"), State::NotReported),
                (4, Some("12 (est)"), Some("118"), State::NonNumeric),
            ] {
                draft.set(cell(0, property), None, held, state);
                draft.set_usual(cell(0, property), usual);
            }
        });
        let all: Vec<Option<f64>> = plan.row(0).map(|cell| plan.multiple(cell)).collect();
        assert_eq!(all, [Some(1310.0 / 118.0), None, None, None, None]);
        let numbers: Vec<Option<f64>> = plan.row(0).map(|cell| plan.number(cell)).collect();
        assert_eq!(numbers, [Some(1310.0), Some(7.0), Some(7.0), None, None]);
        let far: Vec<Option<f64>> = plan.row(0).map(|cell| plan.from_usual(cell)).collect();
        assert_eq!(far, [Some(1192.0), Some(7.0), None, None, None]);
        assert_eq!((plan.usual(cell(0, 3)), plan.usual(cell(0, 2))), (Some("118"), None));
    }

    #[test]
    fn a_facility_weighs_what_its_flagged_cells_move() {
        let review = || Flag::new("T2", Severity::Review, "");
        let plan = sample(4, 2, |draft| {
            for facility in 0..4 {
                draft.set_usual(cell(facility, 0), Some("100"));
            }
            draft.set_usual(cell(0, 1), Some("5"));
            draft.set(cell(0, 0), None, Some("160"), State::Reported);
            draft.flag(cell(0, 0), review());
            draft.set(cell(0, 1), None, Some("4"), State::Reported);
            draft.flag(cell(0, 1), review());
            draft.set(cell(1, 0), None, None, State::NotReported);
            draft.flag(cell(1, 0), review());
            draft.set(cell(2, 0), None, Some("900"), State::Reported);
            draft.flag(cell(2, 0), Flag::new("S03", Severity::Info, ""));
            draft.flag(cell(3, 1), review());
        });
        let weights: Vec<f64> = (0..4).map(|facility| plan.weight(facility)).collect();
        assert_eq!(weights, [60.0 / 400.0 + 1.0 / 5.0, 100.0 / 400.0, 0.0, 0.0]);
    }
}
