//! Questions and prompts in the footer, as data. What an answer does is in `update`.

use std::sync::Arc;

use tui_input::Input;

use crate::{
    domain::{ledger::Act, mapping::Mapping, plan::Cell},
    job::reach::Finer,
};

/// Whose changes are counted when it is said what a decision left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// The whole review.
    All,
    /// A facility.
    Facility(u32),
    /// A property.
    Property(u16),
    /// The range that stands.
    Range,
}

/// A bulk decision that was asked for and waits for its `y`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// What is to be done.
    pub act: Act,
    /// To which cells; the count in the question is theirs.
    pub cells: Vec<Cell>,
    /// `Approve 224 changes of opd_total without a flag?`
    pub question: String,
    /// `55 REVIEW and 4 STOP stay.`; empty where nothing stays.
    pub stays: String,
    /// What `y` does: `approve 224`.
    pub yes: String,
    /// What the log calls it: `224 of opd_total`.
    pub(super) label: String,
    /// What it is done in, to say what is left of the same.
    pub(super) rest: Rest,
    /// How many cells it leaves because their property has an open STOP.
    pub(super) blocked: usize,
}

/// Cells that read `(0?)` for which zeros or the old values were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zeros {
    /// Those without a flag, which `0` takes.
    pub plain: Vec<Cell>,
    /// All of them, which `r` takes.
    pub all: Vec<Cell>,
    /// `31 cells in opd_total read (0?): …`
    pub question: String,
    /// What `0` does not take: `2 REVIEW and 1 STOP stay.`; empty where it takes all.
    pub stays: String,
    /// What it is done in: `in opd_total`.
    pub(super) within: String,
    /// The same, to say what is left of it.
    pub(super) rest: Rest,
}

/// A data set that is not quarterly, for which it is asked what is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choosing {
    /// Its id.
    pub data_set: String,
    /// `HMIS 15 is Monthly; 202604, 202605 and 202606 have data. …`
    pub question: String,
    /// What may be chosen.
    pub offered: Vec<Finer>,
    /// What is chosen now.
    pub chosen: Option<Finer>,
    /// What the status line calls it.
    pub(super) called: String,
}

/// What words are asked for on Data sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Data elements and data sets.
    Search,
    /// A facility.
    Facility,
}

/// What `y` does.
#[derive(Clone, Debug)]
pub enum Sure {
    /// Puts these bytes in the place of the mapping; what they change is shown over the screen.
    Write {
        /// The mapping as it was read.
        before: Arc<Mapping>,
        /// The bytes.
        after: Vec<u8>,
    },
    /// Leaves although choices are not written.
    Leave,
}

/// A question or prompt in the footer. It has all keys until it is answered.
#[derive(Clone, Debug)]
pub enum Ask {
    /// A bulk decision; `y` does it, any other key does not.
    Bulk(Bulk),
    /// Zeros or the old values; `0` writes zeros, `r` keeps, any other key does neither.
    Zeros(Zeros),
    /// What is made of a data set that is not quarterly; a key for each choice, any other key chooses nothing.
    Finer(Choosing),
    /// The reason to approve a STOP.
    Reason {
        /// Which cell.
        cell: Cell,
        /// The sentence of its STOP.
        sentence: String,
        /// What was typed.
        input: Input,
        /// Whether the cursor goes on to the next undecided afterwards.
        advance: bool,
    },
    /// The reason that settles the STOPs of a property.
    Settle {
        /// Which property.
        property: u16,
        /// Its whole name.
        name: String,
        /// What they say: `C5: whole column is 4.1x the quarters before`.
        statements: String,
        /// What was typed.
        input: Input,
    },
    /// Words of the filter.
    Filter {
        /// What was typed.
        input: Input,
        /// Why it cannot be read; `None` while it can.
        wrong: Option<String>,
    },
    /// By what the lists are sorted.
    Sort,
    /// A note on cells.
    Note {
        /// Which cells.
        cells: Vec<Cell>,
        /// What it is on, in words.
        label: String,
        /// What was typed.
        input: Input,
    },
    /// Leaving while forms are sent; `y` leaves.
    Leave,
    /// Words, on Data sets.
    Words {
        /// For what.
        wanted: Wanted,
        /// `Facility, by name or id:`
        question: String,
        /// What was typed.
        input: Input,
    },
    /// A question of which `y` is the only yes.
    Sure {
        /// What it does.
        sure: Sure,
        /// `Write 2 changed rows to case_property_map.csv?`
        question: String,
        /// What `y` does, in words: `write 2`.
        yes: String,
    },
}
