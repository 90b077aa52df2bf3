//! A filter worked out for a plan, so that a look at every cell compares no names and searches no flags. It lives as long as one
//! look does: decisions that come later are not in it.

use memchr::memmem::Finder;

use super::{
    Filter,
    word::{Term, notes, says},
};
use crate::domain::{
    ledger::Ledger,
    plan::{Cell, Kind, Plan},
};

/// A filter, ready to look at cells.
pub(super) struct Scan<'a> {
    plan: &'a Plan,
    ledger: &'a Ledger,
    /// Words of names of facilities.
    words: Vec<(bool, Finder<'a>)>,
    /// By property, whether the words about properties hold; empty where there are none.
    columns: Vec<bool>,
    /// Words about cells. Those that ask for a flag or a note come with the places that have it.
    cells: Vec<(bool, &'a Term, Vec<bool>)>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(filter: &'a Filter, plan: &'a Plan, ledger: &'a Ledger) -> Self {
        let (mut words, mut cells) = (Vec::new(), Vec::new());
        for (wanted, term) in &filter.terms {
            match term {
                Term::Word(word) => words.push((*wanted, Finder::new(word))),
                Term::Property(_) => {}
                Term::Flag(id) => {
                    let places = plan.flagged(id).iter().copied();
                    cells.push((*wanted, term, marked(plan, places)));
                }
                Term::Note(words) => {
                    let noted = notes(ledger).filter(|(_, note)| says(note, words));
                    cells.push((*wanted, term, marked(plan, noted.map(|(cell, _)| plan.at(cell)))));
                }
                _ => cells.push((*wanted, term, Vec::new())),
            }
        }
        let named = filter.terms.iter().any(|(_, term)| matches!(term, Term::Property(_)));
        let columns = if named { filter.columns(plan) } else { Vec::new() };
        Self { plan, ledger, words, columns, cells }
    }

    /// Whether a facility's own words hold; says nothing of its cells.
    pub(super) fn facility(&self, facility: u32) -> bool {
        self.words
            .iter()
            .all(|(wanted, word)| word.find(self.plan.search_text(facility).as_bytes()).is_some() == *wanted)
    }

    /// Whether this is listed as a change and the words about it hold; says nothing of its facility. What was said of a cell
    /// that reads `(0?)` is listed too, since a zero that will be written has to be seen.
    pub(super) fn change(&self, cell: Cell) -> bool {
        let said = || self.plan.may_be_zero(cell) && self.ledger.verdict(self.plan, cell).is_some();
        (self.plan.kind(cell) == Kind::Change || said()) && self.cell(cell)
    }

    /// Whether the words about a cell hold; says nothing of its facility.
    pub(super) fn cell(&self, cell: Cell) -> bool {
        self.property(cell) && self.cells.iter().all(|term| self.holds(term, cell))
    }

    /// Whether this is listed where cells without a change are, if the words that ask for what such a cell has hold.
    pub(super) fn unchanged(&self, cell: Cell) -> bool {
        self.plan.kind(cell) != Kind::Change
            && self.property(cell)
            && self.cells.iter().all(|term| !term.1.stands() || self.holds(term, cell))
    }

    fn property(&self, cell: Cell) -> bool {
        self.columns.get(usize::from(cell.property)).copied().unwrap_or(true)
    }

    fn holds(&self, (wanted, term, marked): &(bool, &Term, Vec<bool>), cell: Cell) -> bool {
        let holds = match term {
            Term::Flag(_) | Term::Note(_) => marked[self.plan.at(cell)],
            _ => term.holds(self.plan, self.ledger, cell),
        };
        holds == *wanted
    }
}

/// By place, whether it is among these.
fn marked(plan: &Plan, places: impl Iterator<Item = usize>) -> Vec<bool> {
    let mut marked = vec![false; plan.facilities().len() * plan.properties().len()];
    for place in places {
        marked[place] = true;
    }
    marked
}
