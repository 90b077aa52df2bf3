//! A review in words: rows, values, counts. Numbers are grouped, nothing is cut, and there are no signs to be spelled out.

use super::review::{Out, Rest, Review, View, line};
use crate::{
    domain::{
        flags::told,
        ledger::{Tally, Verdict},
        plan::{Cell, Kind, Plan, State},
        value::{Number, grouped},
    },
    job::report::{Detail, PartLine, Reading},
};

/// A count as a person reads it.
pub(super) fn number(n: impl std::fmt::Display) -> String {
    grouped(&n.to_string())
}

/// `1 change`, `224 changes`.
pub(super) fn plural(n: usize, one: &str) -> String {
    match one.strip_suffix('y').filter(|_| n != 1) {
        Some(stem) => format!("{} {stem}ies", number(n)),
        None => format!("{} {one}{}", number(n), if n == 1 { "" } else { "s" }),
    }
}

/// A value of a case: a number grouped, a text in quotes.
pub(super) fn value(value: Option<&str>) -> String {
    match value {
        None => "not set".to_owned(),
        Some("") => "blank".to_owned(),
        Some(text) if Number::parse(text).is_some() => grouped(text),
        Some(text) => format!("\"{text}\""),
    }
}

/// A value proposed: an earlier quarter's with its quarter.
fn proposed(plan: &Plan, cell: Cell, new: &str) -> String {
    if Number::parse(new).is_some() { plan.dated(cell, new) } else { value(Some(new)) }
}

/// `1 no flag, 1 REVIEW, 1 STOP`; empty for nothing.
pub(super) fn kinds(plain: usize, review: usize, stop: usize) -> String {
    let parts = [(plain, "no flag"), (review, "REVIEW"), (stop, "STOP")];
    let parts = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", number(n)));
    parts.collect::<Vec<_>>().join(", ")
}

/// `3 left of 8: 1 no flag, 1 REVIEW, 1 STOP`, and the cells that read `(0?)` apart.
pub(super) fn left_of(tally: &Tally, within: &str) -> String {
    let size = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    let kinds = kinds(size(tally.plain()), size(tally.review), size(tally.stop));
    let kinds = if kinds.is_empty() { kinds } else { format!(": {kinds}") };
    let zeros = match tally.maybe_left() {
        0 => String::new(),
        n => format!("; {} (0?) to choose", number(n)),
    };
    format!("{} left of {}{within}{kinds}{zeros}", number(tally.left()), number(tally.changes))
}

impl Review {
    /// What is left of a part of the review, or of all of it.
    pub(super) fn left_of(&self, rest: Rest) -> String {
        match rest {
            Rest::All => left_of(&self.ledger.all(), " in the whole review"),
            Rest::Facility(facility) => left_of(&self.ledger.facility(facility), ""),
            Rest::Property(property) => left_of(&self.ledger.property(property), ""),
        }
    }

    /// The name of a property without the common start.
    pub(super) fn name(&self, property: u16) -> &str {
        self.names.get(usize::from(property)).map_or("", String::as_str)
    }

    /// A cell in words: `malaria_pos of Kasenga HC`.
    pub(super) fn called(&self, cell: Cell) -> String {
        format!("{} of {}", self.name(cell.property), self.plan.facility(cell.facility).name)
    }

    /// The line of a row: `1  malaria_pos  120 to 1,310.  STOP: 1,310 is 11x the usual 118.`
    pub(super) fn row(&self, number: usize, cell: Cell) -> Out {
        let called = match self.view {
            View::Facility(_) => self.name(cell.property).to_owned(),
            View::Property(_) => self.plan.facility(cell.facility).name.clone(),
        };
        let decided = self.decided(cell).map(|word| format!("  {word}.")).unwrap_or_default();
        let flag = self.plan.flags(cell).first().filter(|_| self.plan.severity(cell).is_some());
        let flag = flag.map(|flag| format!("  {}: {}.", flag.severity.word(), flag.sentence.trim_end_matches('.')));
        let (flag, note) = (flag.unwrap_or_default(), self.noted(cell));
        line(format!("{number}  {called}  {}.{decided}{flag}{note}", self.change(cell)))
    }

    /// `120 to 1,310`, or why there is nothing to write.
    pub(super) fn change(&self, cell: Cell) -> String {
        let plan = &self.plan;
        let old = value(plan.old(cell));
        match (plan.kind(cell), plan.new_value(cell)) {
            (Kind::Change, Some(new)) => format!("{old} to {}", proposed(plan, cell, new)),
            (Kind::Same, _) => format!("{old}, same value"),
            _ if plan.may_be_zero(cell) => {
                format!("{old}, reads (0?): 0 writes 0, r keeps what is there")
            }
            _ if plan.state(cell) == State::NonNumeric => {
                format!("{old}, DHIS2 holds {}", value(plan.held(cell)))
            }
            _ => format!("{old}, {}", plan.state(cell).words()),
        }
    }

    /// What was said of a cell; `None` where nothing was.
    pub(super) fn decided(&self, cell: Cell) -> Option<String> {
        let word = match self.ledger.verdict(&self.plan, cell) {
            Some(Verdict::Approve) => "approved",
            Some(Verdict::Zero) => "0 approved",
            Some(Verdict::Reject) => "rejected",
            None => return None,
        };
        let sent = if self.ledger.is_sent(cell) { ", sent" } else { "" };
        Some(format!("{word}{sent}"))
    }

    /// Every flag of a cell, its note, and the reason it was decided with.
    pub(super) fn why(&self, cell: Cell) -> Vec<Out> {
        let plan = &self.plan;
        let mut out = vec![line(format!("{}: {}.", self.called(cell), self.change(cell)))];
        let property = plan.property(cell.property);
        let title = if property.title.is_empty() { &property.element_name } else { &property.title };
        if !title.is_empty() {
            out.push(line(format!("DHIS2 calls it {title}.")));
        }
        for flag in plan.flags(cell) {
            out.push(line(format!("{} {}: {}", flag.severity.word(), flag.id, flag.sentence)));
        }
        if plan.flags(cell).is_empty() {
            out.push(line("no flag."));
        }
        let decided = self.decided(cell).unwrap_or_else(|| "undecided".to_owned());
        out.push(line(match self.ledger.reason(cell) {
            Some(reason) => format!("{decided}: {reason}"),
            None => format!("{decided}."),
        }));
        out.extend(self.ledger.note(cell).map(|note| line(format!("note: {note}"))));
        out.push(Out::Usual(cell));
        out
    }

    /// How far the whole review is.
    pub(super) fn standing(&self) -> Out {
        let all = self.ledger.all();
        let (approved, rejected) = (number(all.approved), number(all.rejected));
        line(format!("{}; approved {approved}, rejected {rejected}.", self.left_of(Rest::All)))
    }

    /// What is left, by kind: what the filter shows, and the whole review.
    pub(super) fn left(&self) -> Vec<Out> {
        let mut out = Vec::new();
        if !self.filter.is_empty() {
            let open = self.ledger.undecided(&self.plan, self.filter.changes(&self.plan, &self.ledger));
            let stays = super::decide::blocked(open.blocked.len());
            let kinds = kinds(open.plain.len(), open.review.len(), open.stop.len());
            let kinds = if kinds.is_empty() { "nothing".to_owned() } else { kinds };
            out.push(line(format!("shown by \"{}\" and left: {kinds}{stays}.", self.filter.text())));
        }
        if let View::Facility(Some(facility)) = self.view {
            let name = &self.plan.facility(facility).name;
            out.push(line(format!("{name}: {}.", self.left_of(Rest::Facility(facility)))));
        } else if let View::Property(property) = self.view {
            out.push(line(format!("{}: {}.", self.name(property), self.left_of(Rest::Property(property)))));
        }
        out.push(self.standing());
        let unsent = self.ledger.unsent();
        if unsent > 0 {
            out.push(line(format!("{} approved and not sent; submit sends.", plural(unsent, "change"))));
        }
        out
    }

    /// Decisions that a reading took away: what they were made on, and what stands there now.
    pub(super) fn resets(&self) -> Vec<Out> {
        let mut out = Vec::new();
        for reset in self.reset_left() {
            let said = match reset.said {
                Some(Verdict::Approve) => "approved",
                Some(Verdict::Zero) => "0 approved",
                Some(Verdict::Reject) => "rejected",
                None => "undecided",
            };
            let (old, new) = (value(reset.old.as_deref()), value(reset.new.as_deref()));
            let (called, now) = (self.called(reset.cell), self.change(reset.cell));
            out.push(line(format!("{called}: was {said} for {old} to {new}; now {now}.")));
        }
        if out.is_empty() {
            out.push(line("no decision was reset, or all were made again."));
        }
        out
    }
}

/// How much of the quarters before stands under a row: the last four, and a year ago.
const SHORT: usize = 2;

/// The last quarters of a cell, in a line; `None` where none were asked for.
pub(super) fn past(plan: &Plan, detail: &Detail) -> Option<String> {
    phrases(plan, detail, SHORT)
}

/// All that is known of the quarters before of a cell, in a line.
pub(super) fn usual(plan: &Plan, detail: &Detail) -> Option<String> {
    phrases(plan, detail, usize::MAX)
}

fn phrases(plan: &Plan, detail: &Detail, most: usize) -> Option<String> {
    let said = told(plan, detail.cell, detail.history.as_ref()?).into_iter().take(most).map(|phrase| {
        let words: Vec<&str> = phrase.split(' ').map(|word| if word == "-" { "none" } else { word }).collect();
        words.join(" ")
    });
    Some(format!("   {}.", said.collect::<Vec<_>>().join(".  ")))
}

/// The category options of a cell, a line each: its value, who entered it, and what was written beside it.
pub(super) fn parts(plan: &Plan, detail: &Detail) -> Vec<String> {
    let mut lines: Vec<String> = detail.parts.iter().map(part).collect();
    if lines.is_empty() {
        lines.push("   no category option has a value.".to_owned());
    }
    let property = plan.property(detail.cell.property);
    let set = if property.data_set_name.is_empty() { &property.data_set } else { &property.data_set_name };
    lines.push(format!("   data set {set}."));
    lines.extend(usual(plan, detail));
    lines
}

fn part(part: &PartLine) -> String {
    let month = part.period.as_deref().map(|month| format!("{month} ")).unwrap_or_default();
    let attribute = part.attribute.as_deref().map(|name| format!(", {name}")).unwrap_or_default();
    let held = part.value.as_deref().map_or_else(|| "no value".to_owned(), |text| value(Some(text)));
    let usual = part.usual.map(|share| format!(", usually {:.0} percent of it", share * 100.0)).unwrap_or_default();
    let follow = if part.follow_up { ", marked for follow-up" } else { "" };
    let date = part.last_updated.as_deref().and_then(|at| at.get(..10));
    let who = match (&part.stored_by, date) {
        (Some(who), Some(date)) => format!(", by {who} on {date}"),
        (Some(who), None) => format!(", by {who}"),
        (None, Some(date)) => format!(", on {date}"),
        (None, None) => String::new(),
    };
    let comment = part.comment.as_deref().filter(|text| !text.trim().is_empty());
    let comment = comment.map(|text| format!("  comment: {text}")).unwrap_or_default();
    format!("   {month}{}{attribute}: {held}{usual}{follow}{who}.{comment}", part.name)
}

/// Reading in a line.
pub(super) fn reading(reading: &Reading) -> String {
    let of = |done: usize, total: Option<usize>| match total {
        Some(total) => format!("{} of {}", number(done), number(total)),
        None => format!("{} so far", number(done)),
    };
    let (cases, reports) = (&reading.cases, &reading.reports);
    let waits = match reading.waited.number() {
        0 => String::new(),
        _ => format!("; waited: {}", reading.waited.causes()),
    };
    format!(
        "reading: CommCare cases {}; DHIS2 reports {}{waits}",
        of(cases.done, cases.total),
        of(reports.done, reports.total)
    )
}
