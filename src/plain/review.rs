//! Where the review in lines is, and what becomes of a line that was typed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    commands::{self, Command, help},
    say::number,
};
use crate::{
    domain::{
        ledger::{Act, Entry, Ledger, Reset, Stamp},
        plan::{Cell, Plan},
        query::{Filter, Sort},
        text::{common_start, inert},
    },
    job::export,
};

/// What a line that was typed leads to, in this order. A [`Out::Record`] that fails ends the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    /// A line to print, inert.
    Line(String),
    /// The last quarters of a cell, in a line.
    Past(Cell),
    /// All that is known of the quarters before, in a line.
    Usual(Cell),
    /// The category options of a cell, a line each.
    Parts(Cell),
    /// Write a decision to the review file before anything more is printed.
    Record(Box<Entry>),
    /// Make the checks before sending; [`Review::checked`] takes the answer.
    Check,
    /// Send the approved changes, which are this many: the number was typed.
    Submit(usize),
    /// Settle what was sent before and is open; no new form is made.
    Settle,
    /// Read back what was sent; nothing is sent.
    Verify,
    /// Read both sides again.
    Read,
    /// Leave.
    Quit,
}

/// Where the reviewer is, as the review file keeps it. The full screen writes the same fields; what else it may write is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    screen: String,
    facility: Option<String>,
    property: Option<String>,
    filter: String,
    #[serde(flatten)]
    more: serde_json::Map<String, serde_json::Value>,
}

/// The name of a view in a [`Place`]; that of the full screen's tab.
const FACILITIES: &str = "facilities";
const PROPERTIES: &str = "properties";

/// What the rows are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// The properties of a facility; `None` where none is shown.
    Facility(Option<u32>),
    /// The facilities of a property.
    Property(u16),
}

/// Whose changes are counted when it is said what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    All,
    Facility(u32),
    Property(u16),
}

/// A question that was put. The next line is its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// The reason to approve a STOP, or a value of a property with an open one.
    Reason { act: Act, cell: Cell },
    /// The reason that settles the STOPs of a property.
    Settle { property: u16 },
    /// `y` decides.
    Bulk { act: Act, cells: Vec<Cell>, label: String, rest: Rest, blocked: usize },
    /// The number of changes to submit.
    Count(usize),
}

/// The review in lines: a line in, [`Out`] out.
#[derive(Debug)]
pub struct Review {
    pub(super) plan: Arc<Plan>,
    pub(super) ledger: Ledger,
    pub(super) reset: Vec<Reset>,
    /// Names of properties without their common start.
    pub(super) names: Vec<String>,
    /// That start.
    pub(super) start: String,
    pub(super) filter: Filter,
    pub(super) sort: Sort,
    /// Facilities shown. Deciding does not change it; applying the filter does.
    pub(super) list: Vec<u32>,
    pub(super) view: View,
    /// The facility looked at last, to go back to.
    pub(super) facility: Option<u32>,
    /// Rows by their numbers. They stay until they are listed again.
    pub(super) rows: Vec<Cell>,
    /// How many of them were printed.
    pub(super) told: usize,
    pub(super) ask: Option<Ask>,
    /// Why nothing can be decided or sent.
    refuses: Option<String>,
    /// Whether that was said to a decision.
    pub(super) refused: bool,
    more: serde_json::Map<String, serde_json::Value>,
}

impl Review {
    /// A review as opened. `place` is where it was left; one that is not understood is passed over. `refuses` is why nothing can
    /// be decided or sent, where it cannot.
    pub fn new(
        plan: Arc<Plan>,
        ledger: Ledger,
        reset: Vec<Reset>,
        place: Option<&str>,
        refuses: Option<String>,
    ) -> Self {
        let all: Vec<&str> = plan.properties().iter().map(|property| property.name.as_str()).collect();
        let start = common_start(&all).to_owned();
        let names = all.iter().map(|name| inert(&name[start.len()..]).into_owned()).collect();
        let place: Place = place.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let mut review = Self {
            plan,
            ledger,
            reset,
            names,
            start,
            filter: Filter::parse(&place.filter).unwrap_or_default(),
            sort: Sort::default(),
            list: Vec::new(),
            view: View::Facility(None),
            facility: None,
            rows: Vec::new(),
            told: 0,
            ask: None,
            refuses,
            refused: false,
            more: place.more,
        };
        review.list = review.listed();
        if review.list.is_empty() {
            review.filter = Filter::default();
            review.list = review.listed();
        }
        let was = |case: &String| review.plan.facilities().iter().position(|facility| facility.case_id == *case);
        let facility = place.facility.as_ref().and_then(was).map(crate::domain::plan::ordinal);
        review.facility = facility.or_else(|| review.list.first().copied());
        let property = place.property.as_deref().and_then(|name| review.plan.find_property(name));
        review.view = match property.filter(|_| place.screen == PROPERTIES) {
            Some(property) => View::Property(property),
            None => View::Facility(review.facility),
        };
        review
    }

    /// Takes over a newer reading: facilities and properties keep their numbers from reading to reading.
    pub fn read_again(&mut self, plan: Arc<Plan>, ledger: Ledger, reset: Vec<Reset>) -> Vec<Out> {
        let place = self.place();
        let (sort, refused) = (self.sort, self.refused);
        *self = Self { sort, refused, ..Self::new(plan, ledger, reset, Some(&place), self.refuses.clone()) };
        self.list = self.listed();
        let (all, reset) = (self.ledger.all(), self.reset_left().count());
        let kept = all.decided() + all.zeros + all.kept;
        let tail = if reset > 0 { "; reset lists them" } else { "" };
        let text = format!("read again: {} decisions kept, {} reset{tail}.", number(kept), number(reset));
        let mut out = vec![line(text)];
        out.extend(self.listing(false));
        out
    }

    /// Takes over the decisions as the review file has them after a submission.
    pub fn set_ledger(&mut self, ledger: Ledger) {
        self.ledger = ledger;
    }

    /// The plan the numbers are of.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Where the reviewer is, for the review file.
    pub fn place(&self) -> String {
        let facility = self.facility.map(|at| self.plan.facility(at).case_id.clone());
        let (screen, property) = match self.view {
            View::Property(property) => (PROPERTIES, Some(self.plan.property(property).name.clone())),
            View::Facility(_) => (FACILITIES, None),
        };
        let (screen, filter, more) = (screen.to_owned(), self.filter.text().to_owned(), self.more.clone());
        // Texts and a map of texts always make JSON.
        serde_json::to_string(&Place { screen, facility, property, filter, more }).unwrap_or_default()
    }

    /// Whether the place may be kept: not by one who may only look.
    pub fn keeps_place(&self) -> bool {
        self.refuses.is_none()
    }

    /// Whether a decision or a submission was refused because of who asks.
    pub fn was_refused(&self) -> bool {
        self.refused
    }

    /// What is printed before a line is awaited. Ends with a blank.
    pub fn prompt(&self) -> String {
        match &self.ask {
            None => "> ".to_owned(),
            Some(Ask::Reason { cell, .. }) => {
                let what = if self.plan.severity(*cell) == Some(crate::domain::flags::Severity::Stop) {
                    "approve the STOP"
                } else {
                    "approve under the open STOP of the property"
                };
                format!("reason to {what} (empty: no): ")
            }
            Some(Ask::Settle { .. }) => "reason to settle the STOP of the property (empty: no): ".to_owned(),
            Some(Ask::Bulk { act, cells, .. }) => {
                format!("y: {} {}; anything else: no: ", act.name(), number(cells.len()))
            }
            Some(Ask::Count(_)) => "number of changes (empty: no): ".to_owned(),
        }
    }

    /// Whether a question waits for its answer, which must have been typed after it was read.
    pub fn asks(&self) -> bool {
        self.ask.is_some()
    }

    /// What is printed first: where the review stands, and the first facility.
    pub fn begin(&mut self) -> Vec<Out> {
        let head = &self.plan.head;
        let label = if head.label.is_empty() { String::new() } else { format!(" {}", head.label) };
        let mut out = vec![line(format!("review of {} for {}{label}.", head.quarter, head.project)), self.standing()];
        if !self.start.is_empty() {
            out.push(line(format!("properties are named without {}.", self.start)));
        }
        out.extend(self.refuses.iter().map(|why| line(format!("only looking: {why}."))));
        out.extend(self.listing(false));
        out.push(line("a approve, r reject, with numbers (a 3); p parts of (p 1); n next; u undo; q leave; ? help"));
        out
    }

    /// Takes a line that was typed. `stamp` is who and when, for a decision.
    pub fn answer(&mut self, text: &str, stamp: &Stamp) -> Vec<Out> {
        if let Some(ask) = self.ask.take() {
            return self.answered(ask, text, stamp);
        }
        let command = match commands::parse(text) {
            Ok(command) => command,
            Err(why) => return vec![line(why)],
        };
        if let Some(why) = self.refuses.as_ref().filter(|_| changes(&command)) {
            self.refused = true;
            return vec![line(format!("refused, nothing was done: {why}."))];
        }
        self.obey(command, stamp)
    }

    fn obey(&mut self, command: Command, stamp: &Stamp) -> Vec<Out> {
        match command {
            Command::Nothing => Vec::new(),
            Command::Help => help().map(line).collect(),
            Command::List { all } => self.listing(all),
            Command::More => self.more_rows(),
            Command::Approve(which) => self.approve(which, stamp),
            Command::Zero(which) => self.zero(which, stamp),
            Command::Reject(which) => self.reject(which, stamp),
            Command::Clear(which) => self.clear(which, stamp),
            Command::Note(rows, text) => self.put_note(&rows, &text, stamp),
            Command::Parts(row) => self.with_row(row, |_, cell| vec![Out::Parts(cell)]),
            Command::Why(row) => self.with_row(row, Self::why),
            Command::Next => self.step(true),
            Command::Back => self.step(false),
            Command::Go(words) => self.go(&words),
            Command::Filter(words) => self.set_filter(&words),
            Command::Sort(sort) => self.order(sort),
            Command::Property(words) => self.property(&words),
            Command::Facilities => self.show_facility(self.facility),
            Command::Undo => self.undo(true, stamp),
            Command::Redo => self.undo(false, stamp),
            Command::Left => self.left(),
            Command::Overview => self.overview(),
            Command::Checks(words) => self.checks(&words),
            Command::Settle(words) => self.ask_settle(&words),
            Command::SettleForms => vec![line("settling forms made before; no new form is made."), Out::Settle],
            Command::Verify => vec![line("reading back what was sent; nothing is sent."), Out::Verify],
            Command::Reset => self.resets(),
            Command::Read => vec![line("reading both sides again; ctrl-c stops it."), Out::Read],
            Command::Submit => vec![line("making the checks; nothing is sent yet."), Out::Check],
            Command::Quit => vec![Out::Quit],
        }
    }

    /// The decision or note could not be written, so it is taken back.
    pub fn not_recorded(&mut self, seq: u64, why: &str) -> Out {
        self.ledger.take_back_last(&self.plan, seq);
        line(format!("not saved, so it was taken back: {why}."))
    }

    fn overview(&self) -> Vec<Out> {
        let head = &self.plan.head;
        // The first line of the summary has a sign where words belong.
        let first = format!("{} from {}, quarter {}, read {}", head.project, head.dhis2, head.quarter, head.read_at);
        let lines = export::summary(&self.plan, &self.ledger).into_iter().skip(1);
        std::iter::once(first).chain(lines).map(line).collect()
    }

    /// Decisions that a reading took away and that were not made again.
    pub(super) fn reset_left(&self) -> impl Iterator<Item = &Reset> {
        self.reset.iter().filter(|reset| self.ledger.verdict(&self.plan, reset.cell).is_none())
    }
}

/// Whether a command decides, sends or reads again, which one who may only look cannot.
fn changes(command: &Command) -> bool {
    matches!(
        command,
        Command::Approve(_)
            | Command::Zero(_)
            | Command::Reject(_)
            | Command::Clear(_)
            | Command::Note(..)
            | Command::Undo
            | Command::Redo
            | Command::Settle(_)
            | Command::SettleForms
            | Command::Verify
            | Command::Submit
            | Command::Read
    )
}

/// A line to print. Names and answers of servers are in it, so it is made inert.
pub(super) fn line(text: impl AsRef<str>) -> Out {
    Out::Line(inert(text.as_ref()).into_owned())
}
