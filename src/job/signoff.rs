//! The report a manager signs: one self-contained file, as HTML or Markdown. Pure: a review in, bytes out; reads no file, asks nobody
//! and no clock.
//!
//! The facts are put together once, in `facts` and its parts; both renderers write the same ones. What is applied, which is what was
//! read back from `CommCare`, never stands in one list with what is only approved.

mod applied;
mod cells;
mod course;
mod facts;
mod forms;
mod held;
mod html;
mod markdown;
mod people;
mod section;
mod sorted;
mod stops;
mod trend;

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use self::facts::Signoff;
use crate::{
    domain::{
        flags::Flag,
        history::Sheet,
        ledger::{Entry, Ledger, Stamp},
        plan::{Cell, Plan},
        total::Part,
    },
    io::store::{Form, Trail},
};

/// A review with all that a report tells of it.
#[derive(Clone, Copy)]
pub struct Report<'a> {
    /// Name of the review file, without its folder.
    pub file: &'a str,
    /// Id that the review file shares with its copies; `None` in a file of a version before there was one.
    pub id: Option<&'a str>,
    /// Old and new values, and where they are from.
    pub plan: &'a Plan,
    /// The verdicts.
    pub ledger: &'a Ledger,
    /// Every form, in order.
    pub forms: &'a [Form],
    /// Cells whose case held the value already when it was to be sent.
    pub elsewhere: &'a [Cell],
    /// When and by whom a form was last made, answered or read back; `None` where there is none.
    pub submitted: Option<&'a Stamp>,
    /// The decision log, in order.
    pub entries: &'a [Entry],
    /// What was noted of every write.
    pub trail: &'a Trail,
    /// The rows behind the cells of the newest reading, by facility and data set.
    pub parts: &'a BTreeMap<(u32, String), Vec<Part>>,
    /// The quarters before, by facility and data set; a cell without any was not asked for them.
    pub history: &'a BTreeMap<(u32, String), Sheet>,
    /// The flags that cells had in earlier readings, by the number of the reading.
    pub earlier: &'a BTreeMap<(u32, Cell), Vec<Flag>>,
    /// When the report is made, RFC 3339.
    pub made_at: &'a str,
    /// The program that makes it and its version.
    pub program: &'a str,
}

/// Most bytes a report has with its details: it has to fit into a mail.
const MOST: usize = 4_900_000;

/// What is told of each applied change beside its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Detail {
    /// Category option combos, and pictures of the quarters before.
    All,
    /// Pictures alone.
    Pictures,
    /// Neither.
    Least,
}

impl<'a> Report<'a> {
    /// Writes it as one HTML file without script or remote content (fault matrix row V11). Fails where `to` does.
    pub fn html(&self, to: &mut dyn Write) -> io::Result<()> {
        self.write(html::write, to)
    }

    /// Writes the same as Markdown with tables (fault matrix row V12). Fails where `to` does.
    pub fn markdown(&self, to: &mut dyn Write) -> io::Result<()> {
        self.write(markdown::write, to)
    }

    /// Writes it with as much detail as fits.
    fn write(&self, write: fn(&Signoff<'_>, &mut dyn Write) -> io::Result<()>, to: &mut dyn Write) -> io::Result<()> {
        for detail in [Detail::All, Detail::Pictures] {
            let mut bytes = Vec::with_capacity(MOST);
            write(&Signoff::of(self, detail), &mut bytes)?;
            if bytes.len() <= MOST {
                return to.write_all(&bytes);
            }
        }
        write(&Signoff::of(self, Detail::Least), to)
    }

    /// The flags of a cell in a reading.
    fn flags(&self, generation: u32, cell: Cell) -> &'a [Flag] {
        if generation == self.plan.head.generation {
            return self.plan.flags(cell);
        }
        self.earlier.get(&(generation, cell)).map_or(&[], Vec::as_slice)
    }
}
