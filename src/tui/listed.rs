//! What is counted and listed once in `update` so that drawing it looks at no facility: how a property stands to the usual, what
//! became of a reading, and lists of changes.

use super::{
    model::{Model, Over, Stage, Submit},
    rows::Rows,
};
use crate::{
    domain::{
        ledger::{Ledger, Tally},
        plan::{Cell, Kind, Plan, State},
    },
    job::report::{FormLine, Phase, Sending},
};

/// A word that can be put into the filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// As it stands in a filter: `flag:T4`.
    pub word: String,
    /// What it means.
    pub meaning: String,
    /// How many cells of the review it is about.
    pub count: usize,
    /// Whether it stands in the filter.
    pub on: bool,
}

/// Lists as they stood, and what covered them: opening a tab settles lists, and a digit may open one that only began a count.
#[derive(Debug)]
pub(super) struct PutAway {
    lists: Option<Lists>,
    over: Option<Over>,
}

/// The lists of a review.
#[derive(Debug)]
struct Lists {
    list: Rows<u32>,
    cells: Rows<Cell>,
    column: Rows<Cell>,
    hidden: Hidden,
    shown: Vec<bool>,
    changes: usize,
}

impl PutAway {
    /// As the lists stand now.
    pub(super) fn of(model: &Model) -> Self {
        let lists = model.review.as_ref().map(|review| Lists {
            list: review.list.clone(),
            cells: review.cells.clone(),
            column: review.column.clone(),
            hidden: review.hidden,
            shown: review.shown.clone(),
            changes: review.shown_changes,
        });
        Self { lists, over: model.over.clone() }
    }

    /// Puts them back.
    pub(super) fn put_back(self, model: &mut Model) {
        if let Some((review, lists)) = model.review.as_mut().zip(self.lists) {
            (review.list, review.cells, review.column) = (lists.list, lists.cells, lists.column);
            (review.hidden, review.shown, review.shown_changes) = (lists.hidden, lists.shown, lists.changes);
        }
        model.over = self.over;
    }
}

/// Cells of a facility that are not listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Without a change; `t` shows them.
    pub unchanged: usize,
    /// Those of them without a number, in the order of [`State::ALL`].
    pub without: [usize; State::ALL.len()],
    /// Changes the filter does not show.
    pub changes: usize,
}

/// A list of changes over the screen.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Its heading.
    pub title: String,
    /// The changes.
    pub rows: Rows<Cell>,
    /// What is said of each.
    pub what: Listed,
}

/// What a list of changes says of each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listed {
    /// Old and new value, the flag and the reason.
    #[default]
    Now,
    /// What a reading reset: the values then and now, and what was said.
    Reset,
}

/// Up to which multiple of the usual number a class of new values goes; the last class has no end.
pub const UP_TO: [f64; 3] = [0.5, 2.0, 3.0];

/// How the new values of a property that are left to decide stand to the usual ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Multiples {
    /// The property they were counted for and its counts then, by which it is known when to count again.
    of: Option<(u16, Tally)>,
    /// Changes left: up to each of [`UP_TO`], and more.
    pub left: [usize; UP_TO.len() + 1],
    /// Changes left for which no usual number is known, or where that is 0.
    pub without: usize,
}

impl Multiples {
    /// Counts what is left of a property, one pass over its facilities.
    pub fn of(plan: &Plan, ledger: &Ledger, property: u16) -> Self {
        let mut counted = Self { of: Some((property, ledger.property(property))), ..Self::default() };
        let left = |cell: &Cell| plan.kind(*cell) == Kind::Change && ledger.verdict(plan, *cell).is_none();
        for cell in plan.column(property).filter(left) {
            match plan.multiple(cell) {
                Some(multiple) => counted.left[UP_TO.iter().filter(|end| multiple > **end).count()] += 1,
                None => counted.without += 1,
            }
        }
        counted
    }

    /// Whether they are of this property with these counts. A decision changes the counts, so equal counts are the same cells.
    pub fn are_of(&self, property: u16, tally: Tally) -> bool {
        self.of == Some((property, tally))
    }

    /// How many are left.
    pub fn all(&self) -> usize {
        self.left.iter().sum::<usize>() + self.without
    }
}

/// What a reading made of the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Again {
    /// When the reading before ended, RFC 3339.
    pub before: String,
    /// Changes that were not there before.
    pub new: usize,
    /// Changes that are none any more because the case holds the value.
    pub gone: usize,
    /// Changes that are none any more because DHIS2 holds no value.
    pub withdrawn: usize,
}

impl Again {
    /// Compares two readings, one pass over the cells. Facilities and properties keep their places from reading to reading.
    pub fn of(before: &Plan, now: &Plan) -> Self {
        let mut again = Self { before: before.head.read_at.clone(), ..Self::default() };
        let known = |cell: Cell| cell.facility < before.height() && cell.property < before.width();
        for cell in now.cells() {
            let was = known(cell) && before.kind(cell) == Kind::Change;
            match (was, now.kind(cell)) {
                (false, Kind::Change) => again.new += 1,
                (true, Kind::Same) => again.gone += 1,
                (true, Kind::Without) => again.withdrawn += 1,
                _ => {}
            }
        }
        again
    }
}

/// What became of changes that were to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Read back with the new value.
    Applied,
    /// Approved and in no form that was sent.
    Unsent,
    /// `CommCare` said yes; the new value was not seen yet.
    Accepted,
    /// `CommCare` said no, or another value was read back.
    NotApplied,
    /// No answer settles it.
    Unknown,
    /// Not sent, since what it was approved on moved.
    Held,
}

impl Fate {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unsent => "approved, not sent",
            Self::Accepted => "accepted, not seen yet",
            Self::NotApplied => "not applied",
            Self::Unknown => "unknown",
            Self::Held => "held",
        }
    }

    /// How many changes there are of each once nothing more is sent, of which so many are unsent; none where there are none.
    pub fn counts(sent: &Sending, unsent: usize) -> Vec<(Self, usize)> {
        let all = [
            (Self::Applied, sent.applied),
            (Self::Unsent, unsent),
            (Self::Accepted, sent.accepted),
            (Self::NotApplied, sent.not_applied),
            (Self::Unknown, sent.unknown),
            (Self::Held, sent.held.len()),
        ];
        all.into_iter().filter(|(_, number)| *number > 0).collect()
    }
}

/// A line of Submit that the cursor can stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The checks are made again.
    Again,
    /// The changes of this fate.
    Count(Fate),
    /// A form, by its place.
    Form(usize),
}

/// Those lines, in order. While forms are sent they are the forms.
pub(super) fn lines(sent: &Sending, unsent: usize) -> impl Iterator<Item = Line> + use<> {
    let ended = sent.phase == Phase::Ended;
    let counts = if ended { Fate::counts(sent, unsent) } else { Vec::new() };
    let again = ended.then_some(Line::Again);
    again
        .into_iter()
        .chain(counts.into_iter().map(|(fate, _)| Line::Count(fate)))
        .chain((0..sent.forms.len()).map(Line::Form))
}

impl Submit {
    /// The line under the cursor, where so many approved changes are unsent.
    pub fn line(&self, unsent: usize) -> Option<Line> {
        let (Stage::Sending(sent) | Stage::Ended(sent)) = &self.stage else { return None };
        lines(sent, unsent).nth(self.at)
    }

    /// The form under the cursor.
    pub fn form(&self, unsent: usize) -> Option<&FormLine> {
        let (Stage::Sending(sent) | Stage::Ended(sent)) = &self.stage else { return None };
        match lines(sent, unsent).nth(self.at)? {
            Line::Form(at) => sent.forms.get(at),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        ledger::{Act, Stamp},
        plan::sample,
    };

    fn cell(facility: u32) -> Cell {
        Cell { facility, property: 0 }
    }

    #[test]
    fn multiples_are_of_what_is_left() {
        let plan = sample(7, 1, |draft| {
            for (facility, new, usual) in [
                (0, "50", Some("100")),
                (1, "51", Some("100")),
                (2, "200", Some("100")),
                (3, "300", Some("100")),
                (4, "301", Some("100")),
                (5, "7", None),
                (6, "7", Some("100")),
            ] {
                let old = if facility == 6 { "7" } else { "1" };
                draft.set(cell(facility), Some(old), Some(new), State::Reported);
                draft.set_usual(cell(facility), usual);
            }
        });
        let stamp = Stamp { at: String::new(), who: String::new() };
        let mut ledger = Ledger::new(&plan);
        let all = Multiples::of(&plan, &ledger, 0);
        assert_eq!((all.left, all.without, all.all()), ([1, 2, 1, 1], 1, 6), "the same value is nothing to decide");
        assert!(all.are_of(0, ledger.property(0)));
        ledger.decide(&plan, Act::Approve, [cell(1), cell(5)], None, "", &stamp).unwrap();
        assert!(!all.are_of(0, ledger.property(0)));
        let left = Multiples::of(&plan, &ledger, 0);
        assert_eq!((left.left, left.without, left.all()), ([1, 1, 1, 1], 0, 4));
    }

    #[test]
    fn two_readings_are_told_apart() {
        let plan = |values: [(&str, Option<&str>); 4], height: u32| {
            sample(height, 1, |draft| {
                for (facility, (old, new)) in (0..height).zip(values) {
                    let state = if new.is_some() { State::Reported } else { State::NotReported };
                    draft.set(cell(facility), Some(old), new, state);
                }
            })
        };
        let before = plan([("1", Some("2")), ("1", Some("2")), ("1", Some("1")), ("", None)], 3);
        let now = plan([("2", Some("2")), ("1", None), ("1", Some("4")), ("1", Some("3"))], 4);
        let again = Again::of(&before, &now);
        assert_eq!((again.new, again.gone, again.withdrawn), (2, 1, 1));
        let same = Again::of(&now, &now);
        assert_eq!((same.new, same.gone, same.withdrawn), (0, 0, 0));
    }
}
