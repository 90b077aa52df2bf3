//! All state of the screen. Only `update` changes it; drawing reads it. What needs a scan of the plan is kept here ready.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tui_input::Input;

pub use super::{
    asks::{Ask, Bulk, Choosing, Rest, Sure, Wanted, Zeros},
    listed::{Again, Changes, Fate, Hidden, Line as Place, Listed, Multiples, Pick, UP_TO},
    rows::Rows,
};
use super::{
    explorer::Explorer,
    keymap::{Keymap, Press},
    layout::{Layout, MULTIPLES, ROOMY, Widths},
    listed::PutAway,
    msg::{Job, Now},
    screen::{Focus, Screen, checks_height},
    theme::Choice,
};
use crate::{
    domain::{
        ledger::{Ledger, Reset},
        plan::{Cell, Plan, State},
        query::{Filter, Sort},
    },
    job::report::{Check, Detail, Level, Reading, Sending},
};

/// How things are drawn, given in at the start: never read from the environment while drawing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Marks and lines of ASCII only, for a locale that is not UTF-8.
    pub ascii: bool,
    /// Which styles.
    pub theme: Choice,
    /// Whether clicks and the wheel come here; else the terminal keeps them.
    pub mouse: bool,
}

/// What is reviewed, known before anything was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// `CommCare` project.
    pub project: String,
    /// The profile's label: PRODUCTION, SANDBOX, or empty.
    pub label: String,
    /// DHIS2 host.
    pub dhis2: String,
    /// The quarter, e.g. `2026Q2`.
    pub quarter: String,
    /// The review file, as shown; empty until there is one.
    pub file: String,
    /// Who is signed in to `CommCare`.
    pub account: String,
    /// Who decides; stands in the log of decisions.
    pub who: String,
    /// Why the review can only be looked at, e.g. who holds its file; `None` where it can be decided.
    pub read_only: Option<String>,
    /// Why both sides cannot be read again; `None` where they can.
    pub not_again: Option<String>,
}

/// A line of the message log; the newest is the status line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Clock time, RFC 3339.
    pub at: String,
    /// How bad. [`Level::Stop`] is an error.
    pub level: Level,
    /// The sentence.
    pub text: String,
}

/// How long the newest message is the status line. It stays in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Newest {
    /// Until another comes.
    #[default]
    Stays,
    /// Until something is done: it said why a key did nothing, or where a key went.
    Passes,
    /// No longer.
    Over,
}

/// A line of Overview that enter opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Cases that cannot take part, and organisation units without a case.
    NotMatched,
    /// A data set that is not quarterly, by its place in the head of the plan.
    Finer(usize),
    /// Decisions that a reading reset.
    Reset,
    /// A problem of the mapping, by its place in the head of the plan.
    Mapping(usize),
    /// Undecided changes with a STOP.
    Stop,
    /// Undecided changes with a REVIEW.
    Review,
    /// Undecided changes without a flag.
    Plain,
    /// Cells without a number that need eyes.
    State(State),
    /// A check of a property, by its place in the head of the plan.
    Check(usize),
    /// A property's column.
    Property(u16),
}

/// Names of properties without their common start, made inert; and shortened so that they stay distinct.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// The common start, for the heading.
    pub start: String,
    /// By property, at full length.
    pub full: Vec<String>,
    /// By property, for rows of the properties on Facilities.
    pub short: Vec<String>,
    /// Columns `short` was made for.
    pub columns: usize,
}

impl Names {
    /// The short name of a property.
    pub fn short(&self, property: u16) -> &str {
        self.short.get(usize::from(property)).map_or("", String::as_str)
    }

    /// The name of a property without the common start.
    pub fn full(&self, property: u16) -> &str {
        self.full.get(usize::from(property)).map_or("", String::as_str)
    }
}

/// What is behind the cell under the cursor.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Behind {
    /// No cell is under the cursor.
    #[default]
    Nothing,
    /// Asked for, not here yet.
    Waiting(Cell),
    /// Here.
    Here(Detail),
    /// Cannot be had.
    Failed(Cell, String),
}

/// Counts of a plan that never change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Cells in each state, in the order of [`State::ALL`].
    pub states: [usize; State::ALL.len()],
    /// Cells that already hold the value.
    pub same: usize,
    /// Whether some facility could not be read.
    pub incomplete: bool,
    /// By property, cells with a value to propose.
    pub with_value: Vec<usize>,
    /// Facilities with at least one change.
    pub changing: usize,
    /// Columns of the longest name of a facility.
    pub longest_name: usize,
    /// Whether a usual number of some cell is known.
    pub usual: bool,
}

/// An open review.
#[derive(Debug)]
pub struct Review {
    /// Old and new values.
    pub plan: Arc<Plan>,
    /// Decisions.
    pub ledger: Ledger,
    /// What is shown; a view that changes no decision.
    pub filter: Filter,
    /// By what the lists are sorted.
    pub sort: Sort,
    /// Where a range begins; it ends at the cursor of the pane that has the keys.
    pub range: Option<usize>,
    /// Whether unchanged cells and facilities are shown too.
    pub unchanged: bool,
    /// Whether the person asked for that; a filter may ask for it too.
    pub(super) with_unchanged: bool,
    /// By [`Plan::at`], the changes that matched when the filter was last applied. Deciding does not change it.
    pub(super) shown: Vec<bool>,
    /// How many changes match.
    pub shown_changes: usize,
    /// Facilities shown.
    pub list: Rows<u32>,
    /// Cells of the facility under the cursor.
    pub cells: Rows<Cell>,
    /// Cells of that facility that are not among the rows.
    pub hidden: Hidden,
    /// The property of Properties.
    pub property: u16,
    /// Facilities of that property, as cells.
    pub column: Rows<Cell>,
    /// By property, the facility its column was left at.
    pub(super) left_at: BTreeMap<u16, u32>,
    /// Lines of Overview that open something.
    pub doors: Rows<Door>,
    /// What is behind the cell under the cursor.
    pub behind: Behind,
    /// Room the numbers of the whole plan need.
    pub widths: Widths,
    /// Room the numbers of the column need.
    pub column_widths: Widths,
    /// Names of the properties.
    pub names: Names,
    /// Counts that never change.
    pub counts: Counts,
    /// Number of the decision being written.
    pub(super) saving: Option<u64>,
    /// The last reason given for a STOP.
    pub(super) last_reason: Option<String>,
    /// Decisions that the last reading to reset any took away, in the order of their cells.
    pub reset: Vec<Reset>,
    /// What the newest reading changed; `None` where it was not seen, as after opening the file.
    pub again: Option<Again>,
    /// How what is left of the property of Properties stands to the usual.
    pub multiples: Multiples,
}

impl Review {
    /// Whether a change matched when the filter was last applied.
    pub fn is_shown(&self, cell: Cell) -> bool {
        self.shown.get(self.plan.at(cell)).copied().unwrap_or(false)
    }

    /// Whether a decision is not on disk yet.
    pub fn is_saving(&self) -> bool {
        self.saving.is_some()
    }

    /// Decisions that a reading took away and that were not made again.
    pub fn reset_left(&self) -> impl Iterator<Item = &Reset> {
        self.reset.iter().filter(|reset| self.ledger.verdict(&self.plan, reset.cell).is_none())
    }

    /// The property a line of Overview opens; `None` where it opens something else.
    pub fn property_of(&self, door: Door) -> Option<u16> {
        match door {
            Door::Property(property) => Some(property),
            Door::Check(at) => self.plan.find_property(self.plan.head.checks.get(at)?.property.as_deref()?),
            _ => None,
        }
    }

    /// Place of the current property in the order of `h` and `l`, 1 for the first.
    pub fn property_number(&self) -> usize {
        usize::from(self.property) + 1
    }
}

/// Something that covers the screen until esc.
#[derive(Clone, Debug)]
pub enum Over {
    /// Keys of this screen, searchable.
    Help {
        /// What was typed.
        input: Input,
        /// Rows of the key table that match, as places in [`super::keymap::TABLE`].
        rows: Rows<usize>,
    },
    /// The message log, newest first.
    Log {
        /// First line seen.
        top: usize,
    },
    /// Words for the filter.
    Picks {
        /// The words, what they mean and how many changes they show.
        picks: Vec<Pick>,
        /// Places in `picks`.
        rows: Rows<usize>,
    },
    /// A list of changes that open where they stand.
    Changes(Changes),
    /// A list of lines, e.g. what was not matched.
    Lines {
        /// Its heading.
        title: String,
        /// Its lines, inert.
        lines: Vec<String>,
        /// First line seen.
        top: usize,
    },
}

/// Where the submit screen is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was asked for.
    #[default]
    Idle,
    /// The checks run.
    Checking,
    /// The checks are here; the count is awaited.
    Ready(Check),
    /// The checks or the start failed, with the reason.
    Failed(String),
    /// Forms are sent.
    Sending(Sending),
    /// Nothing more is done; the result is shown.
    Ended(Sending),
}

/// The submit screen.
#[derive(Clone, Debug, Default)]
pub struct Submit {
    /// Number of the newest job; answers to older ones are dropped.
    pub job: Job,
    /// Where it is.
    pub stage: Stage,
    /// The digits typed.
    pub typed: String,
    /// The largest changes that would be written, at most [`BIGGEST`].
    pub biggest: Vec<Cell>,
    /// The line under the cursor: the counts that are doors, then the forms.
    pub at: usize,
    /// First form seen.
    pub top: usize,
    /// Whether the next form waits until `p`.
    pub paused: bool,
    /// Whether sending stops after the form under way.
    pub stopping: bool,
    /// Whether to leave as soon as the form under way has its answer.
    pub leave_when_stopped: bool,
    /// ctrl-c so far while sending: 1 stops after the form, 2 abandons the request, 3 leaves.
    pub interrupts: u8,
}

/// How many of the largest changes are kept for the submit screen.
pub const BIGGEST: usize = 12;

impl Submit {
    /// Whether forms are being sent.
    pub fn is_sending(&self) -> bool {
        matches!(self.stage, Stage::Sending(_))
    }
}

/// How the next reading of an open review goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Course {
    /// To its end.
    #[default]
    On,
    /// Nowhere: the person stopped it.
    Stopped,
}

/// All state of the screen.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and none rules out another")]
pub struct Model {
    /// Columns and lines of the terminal.
    pub size: (u16, u16),
    /// How things are drawn.
    pub look: Look,
    /// The keys, as the settings have them.
    pub keys: Keymap,
    /// What is reviewed.
    pub run: Run,
    /// The time of the last message.
    pub now: Now,
    /// The tab.
    pub screen: Screen,
    /// The pane of Facilities, or of Data sets, that has the keys.
    pub focus: Focus,
    /// Whether the pane that has the keys is widened.
    pub wide: bool,
    /// What covers the screen.
    pub over: Option<Over>,
    /// The question or prompt in the footer.
    pub ask: Option<Ask>,
    /// Messages, oldest first. The last one is the status line.
    pub log: Vec<Line>,
    /// Whether an error was not seen in the log yet; marked beside the help.
    pub unread: bool,
    /// How many messages were said so far.
    pub(super) said: u64,
    /// How long the newest message is the status line.
    pub(super) newest: Newest,
    /// Progress of reading; `None` while nothing is read. With a review it is the next reading.
    pub reading: Option<Reading>,
    /// Whether that goes on or the person stopped it.
    pub(super) course: Course,
    /// Why there is no review; `None` while there is one or reading goes on.
    pub failed: Option<String>,
    /// The review.
    pub review: Option<Review>,
    /// The submit screen.
    pub submit: Submit,
    /// The Data sets screen.
    pub explorer: Explorer,
    /// Digits of a count before a motion.
    pub count: String,
    /// Where a count that begins with the digit of a tab was begun, and when its last digit came.
    pub(super) count_from: Option<(Screen, Focus, Duration)>,
    /// What a digit that opened a tab put away, until it is known that it began no count.
    pub(super) put_away: Option<Box<PutAway>>,
    /// The key that answered a question whose answers decide elsewhere, or chose a candidate, until another comes.
    pub(super) answered: Option<Press>,
    /// The tab esc on Submit goes back to.
    pub(super) came_from: Screen,
    /// Whether the program is leaving.
    pub leaving: bool,
    /// Whether it leaves because of ctrl-c or a signal, which scripts are told by the exit code.
    pub interrupted: bool,
}

impl Model {
    /// A screen that is about to read.
    pub fn new(run: Run, look: Look, size: (u16, u16)) -> Self {
        Self { run, look, size, reading: Some(Reading::default()), ..Self::default() }
    }

    /// The newest message, until what it was said about is over.
    pub fn status(&self) -> Option<&Line> {
        self.log.last().filter(|_| self.newest != Newest::Over)
    }

    /// Whether both sides are read again while a review is shown.
    pub fn is_read_again(&self) -> bool {
        self.reading.is_some() && self.review.is_some()
    }

    /// Approved changes that were not sent.
    pub fn unsent(&self) -> usize {
        self.review.as_ref().map_or(0, |review| review.ledger.unsent())
    }

    /// The layout of the screen shown.
    pub fn layout(&self) -> Layout {
        self.layout_of(self.screen)
    }

    /// The layout of a screen. On Properties the checks of the property stand over its list.
    pub fn layout_of(&self, screen: Screen) -> Layout {
        let mut layout = Layout::of(screen, self.size);
        if self.wide {
            layout.widen(screen, self.focus);
        }
        if let Some(review) = self.review.as_ref().filter(|_| screen == Screen::Properties && layout.list_head > 0) {
            layout.list_head += checks_height(review, self.size);
            if review.counts.usual && self.size.1 >= ROOMY && !self.wide {
                layout.lend(MULTIPLES);
            }
        }
        layout
    }

    /// Whether something runs that moves by itself, so that a tick is of use.
    pub fn is_working(&self) -> bool {
        self.reading.is_some() || matches!(self.submit.stage, Stage::Checking | Stage::Sending(_))
    }

    /// The first and the last row of the range in the pane that has the keys, whose list has so many rows and its cursor at this one;
    /// `None` where no range stands in it. On a tab that the digits of what may be a count opened it stands in the one before.
    pub fn range_rows(&self, at: usize, len: usize) -> Option<(usize, usize)> {
        let here = (self.screen, self.focus);
        let from = self.review.as_ref()?.range?;
        let last =
            len.checked_sub(1).filter(|_| self.count_from.is_none_or(|(screen, focus, _)| (screen, focus) == here))?;
        Some((from.min(at).min(last), from.max(at).min(last)))
    }

    /// The cell under the cursor; `None` where a whole facility or nothing is under it.
    pub fn cell(&self) -> Option<Cell> {
        let review = self.review.as_ref()?;
        match (self.screen, self.focus) {
            (Screen::Properties, _) => review.column.current(),
            (Screen::Facilities, Focus::Cells) => review.cells.current(),
            _ => None,
        }
    }

    /// The cell the detail shows: the one under the cursor, or in the list the one the properties would open at.
    pub fn detail_cell(&self) -> Option<Cell> {
        match self.screen {
            Screen::Facilities => self.review.as_ref()?.cells.current(),
            _ => self.cell(),
        }
    }
}
