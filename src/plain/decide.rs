//! Decisions. Bulk takes what has no flag, a question with the count takes REVIEW, a STOP goes alone with a reason, and a property
//! with an open STOP takes no bulk approval (review-ux.md rule 3). Each is written before what it did is printed.

use super::{
    commands::{Which, is_command},
    review::{Ask, Out, Rest, Review, View, line},
    say::{kinds, number, plural},
    submit::counted,
};
use crate::domain::{
    flags::{Check, Severity},
    ledger::{Act, SHORTEST_REASON, Stamp, Undecided, Verdict, is_reason},
    plan::{Cell, Kind},
};

/// A decision to be made.
struct Decision {
    act: Act,
    cells: Vec<Cell>,
    reason: Option<String>,
    /// What it is done to, in words.
    label: String,
    /// What it is done in; what is left of that is said.
    rest: Rest,
    /// What it leaves alone, as the end of a sentence.
    stays: String,
}

/// What a decision leaves because of open STOPs of properties, as the end of a sentence; empty for none.
pub(super) fn blocked(cells: usize) -> String {
    match cells {
        0 => String::new(),
        1 => "; 1 of a property with an open STOP stays".to_owned(),
        n => format!("; {} of properties with an open STOP stay", number(n)),
    }
}

/// What a decision leaves, as the end of a sentence; empty for nothing.
fn stays(open: &Undecided) -> String {
    let flagged = match kinds(0, open.review.len(), open.stop.len()) {
        kinds if kinds.is_empty() => kinds,
        kinds => format!("; {kinds} stay"),
    };
    flagged + &blocked(open.blocked.len())
}

/// Whose rest is told after a decision on a cell.
pub(super) fn rest_of(view: View, cell: Cell) -> Rest {
    match view {
        View::Property(_) => Rest::Property(cell.property),
        View::Facility(_) => Rest::Facility(cell.facility),
    }
}

impl Review {
    /// Makes a decision: the record first, then what it did and what is left.
    fn decide(&mut self, decision: Decision, stamp: &Stamp) -> Vec<Out> {
        let Decision { act, cells, reason, label, rest, stays } = decision;
        match self.ledger.decide(&self.plan, act, cells, reason.as_deref(), &label, stamp) {
            Ok(entry) => {
                let text = format!("{} {label}. {}{stays}.", act.past(), self.left_of(rest));
                vec![Out::Record(Box::new(entry)), line(text)]
            }
            Err(why) => vec![line(format!("{why}. Nothing was decided."))],
        }
    }

    /// One cell; a STOP asks for its reason.
    fn one(&mut self, act: Act, cell: Cell, stamp: &Stamp) -> Vec<Out> {
        let verdict = self.ledger.verdict(&self.plan, cell);
        let asks = act.writes() && act.fits(&self.plan, cell) && self.ledger.asks_reason(&self.plan, cell);
        if asks && verdict != act.verdict() && !self.ledger.is_sent(cell) {
            let sentence = self.plan.flags(cell).first().map(|flag| flag.sentence.clone()).unwrap_or_default();
            let text = format!("{}: {}. {sentence}", self.called(cell), self.change(cell));
            self.ask = Some(Ask::Reason { act, cell });
            return vec![line(text)];
        }
        self.decide_one(act, cell, None, stamp)
    }

    fn decide_one(&mut self, act: Act, cell: Cell, reason: Option<String>, stamp: &Stamp) -> Vec<Out> {
        let (label, rest) = (self.called(cell), self.rest(cell));
        self.decide(Decision { act, cells: vec![cell], reason, label, rest, stays: String::new() }, stamp)
    }

    /// What is here: `in Kasenga HC` and whose rest it is.
    pub(super) fn here(&self) -> Option<(String, Rest)> {
        match self.view {
            View::Facility(None) => None,
            View::Facility(Some(facility)) => {
                Some((format!("in {}", self.plan.facility(facility).name), Rest::Facility(facility)))
            }
            View::Property(property) => Some((format!("in {}", self.name(property)), Rest::Property(property))),
        }
    }

    /// The cells here that the filter shows, and those decided already: of the facility all, where it was gone to by name.
    fn cells_here(&self) -> Vec<Cell> {
        match self.view {
            View::Facility(None) => Vec::new(),
            View::Facility(Some(facility)) => {
                let shown = self.filter.facility(&self.plan, facility);
                let found = self.filter.decidable(&self.plan, &self.ledger).filter(|cell| cell.facility == facility);
                if shown { found.collect() } else { self.plan.row(facility).collect() }
            }
            View::Property(property) => {
                self.filter.decidable(&self.plan, &self.ledger).filter(|cell| cell.property == property).collect()
            }
        }
    }

    /// All that the filter shows: here in a property, in all facilities else.
    fn all_shown(&self) -> (Vec<Cell>, String, Rest) {
        if let (View::Property(_), Some((within, rest))) = (self.view, self.here()) {
            return (self.cells_here(), within, rest);
        }
        let cells = self.filter.decidable(&self.plan, &self.ledger).collect();
        let within = match self.filter.text() {
            "" => "in all facilities".to_owned(),
            words => format!("shown by \"{words}\""),
        };
        (cells, within, Rest::All)
    }

    /// `a`, with what follows it.
    pub(super) fn approve(&mut self, which: Which, stamp: &Stamp) -> Vec<Out> {
        let (cells, within, rest, asked) = match (which, self.here()) {
            (_, None) => return vec![line("no facility is shown.")],
            (Which::Here, Some(_)) if matches!(self.view, View::Property(_)) => {
                return vec![line("say which: a 1, a 1 3-5; A is all shown without a flag. Nothing was done.")];
            }
            (Which::Here, Some((within, rest))) => (self.cells_here(), within, rest, false),
            (Which::Review, Some((within, rest))) => {
                let cells = self.cells_here();
                let open = self.ledger.undecided(&self.plan, cells);
                return self.flagged(&open, &within, rest);
            }
            (Which::All, Some(_)) => {
                let (cells, within, rest) = self.all_shown();
                (cells, within, rest, true)
            }
            (Which::Rows(rows), Some((within, rest))) => match self.cells(&rows) {
                Ok(cells) => match cells.as_slice() {
                    [cell] => return self.one(Act::Approve, *cell, stamp),
                    _ => (cells, format!("{within} by number"), rest, false),
                },
                Err(why) => return vec![line(why)],
            },
        };
        let open = self.ledger.undecided(&self.plan, cells);
        if asked && !open.blocked.is_empty() {
            return vec![self.in_the_way(&open.blocked)];
        }
        if open.plain.is_empty() {
            return self.flagged(&open, &within, rest);
        }
        let (count, stays) = (open.plain.len(), stays(&open));
        let label = format!("{} {within}", number(count));
        if asked {
            // The log says what kind of approval it was, since a person looked at none of these one by one.
            let label = format!("all {} without a flag {within}", number(count));
            let text = format!("approve {} {within} without a flag{stays}.", plural(count, "change"));
            self.ask = Some(Ask::Bulk { act: Act::Approve, cells: open.plain, label, rest, blocked: 0 });
            return vec![line(text)];
        }
        self.decide(Decision { act: Act::Approve, cells: open.plain, reason: None, label, rest, stays }, stamp)
    }

    /// Asks for the REVIEW ones, or says that STOP ones go one by one.
    fn flagged(&mut self, open: &Undecided, within: &str, rest: Rest) -> Vec<Out> {
        if !open.review.is_empty() {
            let count = number(open.review.len());
            let others = Undecided { review: Vec::new(), ..open.clone() };
            let text = format!("approve {count} REVIEW {within}{}.", stays(&others));
            let label = format!("{count} REVIEW {within}");
            let (cells, blocked) = (open.review.clone(), open.blocked.len());
            self.ask = Some(Ask::Bulk { act: Act::Approve, cells, label, rest, blocked });
            return vec![line(text)];
        }
        if !open.blocked.is_empty() {
            return vec![self.in_the_way(&open.blocked)];
        }
        vec![line(match open.stop.len() {
            0 => format!("nothing is left to approve {within}."),
            n => format!("{} STOP {within}: approved one at a time by number, with a reason.", number(n)),
        })]
    }

    /// Which open STOPs of properties are in the way of a bulk approval.
    fn in_the_way(&self, cells: &[Cell]) -> Out {
        let properties: std::collections::BTreeSet<u16> = cells.iter().map(|cell| cell.property).collect();
        let names = properties.iter().map(|property| {
            let id = self.ledger.blocks(&self.plan, *property).map_or("", |check| check.id.as_str());
            format!("{} ({id})", self.name(*property))
        });
        let names: Vec<String> = names.collect();
        line(format!(
            "open STOP of {}: settle NAME takes a reason; until then its values are approved one at a time. Nothing was decided.",
            names.join(", ")
        ))
    }

    /// `0`, with what follows it.
    pub(super) fn zero(&mut self, which: Which, stamp: &Stamp) -> Vec<Out> {
        let Some((within, rest)) = self.here() else { return vec![line("no facility is shown.")] };
        let cells = match which {
            Which::Rows(rows) => match self.cells(&rows) {
                Ok(cells) => match cells.as_slice() {
                    [cell] => return self.one(Act::Zero, *cell, stamp),
                    _ => cells,
                },
                Err(why) => return vec![line(why)],
            },
            Which::Here => self.cells_here(),
            Which::Review | Which::All => return vec![line("0 is for rows or for what is here. Nothing was done.")],
        };
        let open = self.ledger.undecided_zeros(&self.plan, cells);
        if open.plain.is_empty() {
            let flagged = stays(&open);
            return vec![line(format!("no (0?) without a flag is open {within}{flagged}. Nothing was decided."))];
        }
        let count = number(open.plain.len());
        let text =
            format!("write 0 for {count} {within} that read (0?), which DHIS2 may not have stored{}.", stays(&open));
        let (label, blocked) = (format!("{count} (0?) {within}"), open.blocked.len());
        self.ask = Some(Ask::Bulk { act: Act::Zero, cells: open.plain, label, rest, blocked });
        vec![line(text)]
    }

    /// `r`, with what follows it.
    pub(super) fn reject(&mut self, which: Which, stamp: &Stamp) -> Vec<Out> {
        let Some((within, rest)) = self.here() else { return vec![line("no facility is shown.")] };
        let (cells, within, rest, asked) = match which {
            Which::Rows(rows) => match self.cells(&rows) {
                Ok(cells) if cells.len() == 1 => return self.one(Act::Reject, cells[0], stamp),
                // What is named by its number is meant, also where it reads (0?).
                Ok(cells) => return self.reject_these(cells, &within, rest, stamp),
                Err(why) => return vec![line(why)],
            },
            Which::Here if matches!(self.view, View::Property(_)) => {
                return vec![line("say which: r 1, r 1 3-5; R is all shown. Nothing was done.")];
            }
            Which::Here => (self.cells_here(), within, rest, false),
            Which::All => {
                let (cells, within, rest) = self.all_shown();
                (cells, within, rest, true)
            }
            Which::Review => return vec![line("r takes numbers, or nothing for what is left here. Nothing was done.")],
        };
        let open = self.ledger.undecided(&self.plan, cells);
        let stop = open.stop.len();
        let cells = open.all();
        if cells.is_empty() {
            return vec![line(format!("nothing is left to reject {within}."))];
        }
        let label = format!("{} {within}", number(cells.len()));
        if !asked {
            return self.reject_these(cells, &within, rest, stamp);
        }
        let review = cells.iter().filter(|cell| self.plan.severity(**cell) == Some(Severity::Review)).count();
        let among = kinds(0, review, stop);
        let among = if among.is_empty() { among } else { format!("; {among} among them") };
        let text = format!("reject {} {within}{among}.", plural(cells.len(), "change"));
        self.ask = Some(Ask::Bulk { act: Act::Reject, cells, label, rest, blocked: 0 });
        vec![line(text)]
    }

    fn reject_these(&mut self, cells: Vec<Cell>, within: &str, rest: Rest, stamp: &Stamp) -> Vec<Out> {
        // The log says how many are rejected by this, not how many were named; none at all is said by the ledger.
        let open = |cell: &Cell| {
            Act::Reject.fits(&self.plan, *cell) && self.ledger.verdict(&self.plan, *cell) != Act::Reject.verdict()
        };
        let meant: Vec<Cell> = cells.iter().copied().filter(open).collect();
        let cells = if meant.is_empty() { cells } else { meant };
        let label = format!("{} {within}", number(cells.len()));
        self.decide(Decision { act: Act::Reject, cells, reason: None, label, rest, stays: String::new() }, stamp)
    }

    /// `c`, with what follows it.
    pub(super) fn clear(&mut self, which: Which, stamp: &Stamp) -> Vec<Out> {
        let Some((within, rest)) = self.here() else { return vec![line("no facility is shown.")] };
        let (cells, within, rest, asked) = match which {
            Which::Rows(rows) => match self.cells(&rows) {
                Ok(cells) => (cells, within, rest, false),
                Err(why) => return vec![line(why)],
            },
            Which::Here if matches!(self.view, View::Property(_)) => {
                return vec![line("say which: c 1, c 1 3-5; C is all shown. Nothing was done.")];
            }
            // What was decided is meant, which a filter such as is:left does not show any more; and what a filter hides is never
            // cleared unseen.
            Which::Here if self.filter.names_cells() => {
                return vec![line("a filter hides part of it: c with numbers, or f alone first. Nothing was done.")];
            }
            Which::Here => {
                let cells = self.facility.map(|facility| self.plan.row(facility).collect());
                (cells.unwrap_or_default(), within, rest, false)
            }
            Which::All => {
                let (cells, within, rest) = self.all_shown();
                (cells, within, rest, true)
            }
            Which::Review => return vec![line("c takes numbers, or nothing for what is here. Nothing was done.")],
        };
        let said = |cell: &Cell| self.ledger.verdict(&self.plan, *cell).is_some() && !self.ledger.is_sent(*cell);
        let cells: Vec<Cell> = cells.into_iter().filter(said).collect();
        let label = match cells.as_slice() {
            [] => return vec![line(format!("nothing that can be cleared is decided {within}."))],
            [cell] => self.called(*cell),
            _ => format!("{} {within}", number(cells.len())),
        };
        if asked {
            let text = format!("clear {} {within}.", plural(cells.len(), "decision"));
            self.ask = Some(Ask::Bulk { act: Act::Clear, cells, label, rest, blocked: 0 });
            return vec![line(text)];
        }
        self.decide(Decision { act: Act::Clear, cells, reason: None, label, rest, stays: String::new() }, stamp)
    }

    /// `settle`: asks for the reason that settles the STOPs of a property.
    pub(super) fn ask_settle(&mut self, words: &str) -> Vec<Out> {
        let property = match self.property_here(words) {
            Ok(Some(property)) => property,
            Ok(None) => return vec![line("settle which property? settle NAME; settle forms is about what was sent.")],
            Err(why) => return vec![line(why)],
        };
        let open: Vec<String> = self.ledger.open_stops(&self.plan, property).map(Check::statement).collect();
        if open.is_empty() {
            return vec![line(format!("{} has no open STOP of its own; nothing to settle.", self.name(property)))];
        }
        self.ask = Some(Ask::Settle { property });
        vec![line(format!("{}: {}.", self.name(property), open.join("; ")))]
    }

    /// The answer to a question.
    pub(super) fn answered(&mut self, ask: Ask, text: &str, stamp: &Stamp) -> Vec<Out> {
        let text = text.trim();
        match ask {
            Ask::Bulk { act, cells, label, rest, blocked: left } => {
                if !["y", "yes"].contains(&text.to_lowercase().as_str()) {
                    return vec![line("no; nothing was decided.")];
                }
                self.decide(Decision { act, cells, reason: None, label, rest, stays: blocked(left) }, stamp)
            }
            Ask::Count(count) => counted(count, text),
            ask if text.is_empty() => {
                let what = if matches!(ask, Ask::Settle { .. }) { "settled" } else { "decided" };
                vec![line(format!("no; nothing was {what}."))]
            }
            ask if is_command(text) => {
                self.ask = Some(ask);
                vec![line(format!("\"{text}\" is a command and no reason; type a reason, or nothing for no."))]
            }
            ask if !is_reason(Some(text)) => {
                self.ask = Some(ask);
                vec![line(format!("a reason has at least {SHORTEST_REASON} characters; nothing for no."))]
            }
            Ask::Reason { act, cell } => self.decide_one(act, cell, Some(text.to_owned()), stamp),
            Ask::Settle { property } => match self.ledger.settle(&self.plan, property, text, stamp) {
                Ok(entry) => {
                    let name = self.name(property);
                    let done = format!("settled the STOP of {name}; prop {name} and A approve what has no flag.");
                    vec![Out::Record(Box::new(entry)), line(done)]
                }
                Err(why) => vec![line(format!("{why}. Nothing was settled."))],
            },
        }
    }

    /// `u`, `redo`.
    pub(super) fn undo(&mut self, back: bool, stamp: &Stamp) -> Vec<Out> {
        let (undone, again) = self.ledger.first_cells();
        let first = if back { undone } else { again };
        let (what, verb, result) = if back {
            (self.ledger.last_done(), "undone", self.ledger.undo(&self.plan, stamp))
        } else {
            (self.ledger.last_undone(), "done again", self.ledger.redo(&self.plan, stamp))
        };
        match result {
            Ok(entry) => {
                let text = format!("{verb}: {}. {}.", what.unwrap_or_default(), self.left_of(Rest::All));
                let mut out = vec![Out::Record(Box::new(entry)), line(text)];
                // Rows of another place would have numbers that mean something else.
                if let Some(cell) = first.filter(|cell| !self.rows.contains(cell)) {
                    self.show_cell(cell);
                    out.extend(self.listing(false));
                }
                out
            }
            Err(why) => vec![line(format!("{why}."))],
        }
    }

    /// The approved changes to look at again: STOP, REVIEW, then the largest change against what the case holds.
    pub(super) fn biggest(&self, most: usize) -> Vec<Cell> {
        let plan = &self.plan;
        let mut cells: Vec<Cell> = self.ledger.to_send(plan).collect();
        let size = |cell: &Cell| plan.relative_change(*cell);
        cells
            .sort_by(|a, b| plan.severity(*b).cmp(&plan.severity(*a)).then(size(b).total_cmp(&size(a))).then(a.cmp(b)));
        cells.truncate(most);
        cells
    }

    /// Zeros that will be written and changes that make a property blank, for the question before sending.
    pub(super) fn unusual(&self) -> (usize, usize) {
        let sent: Vec<Cell> = self.ledger.to_send(&self.plan).collect();
        let zero = |cell: &&Cell| self.ledger.verdict(&self.plan, **cell) == Some(Verdict::Zero);
        let blank = |cell: &&Cell| self.plan.kind(**cell) == Kind::Change && self.plan.becomes_blank(**cell);
        (sent.iter().filter(zero).count(), sent.iter().filter(blank).count())
    }
}
