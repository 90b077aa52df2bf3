//! Decisions: one cell, one facility, a range, all that is shown; undo and redo. Bulk takes what has no flag, a second question
//! takes REVIEW, a STOP goes alone with a reason (review-ux.md rule 3). Every decision goes to disk by [`Cmd::Record`].

use super::{
    Action, Ask, Cmd, Level, Model, Screen, find, place,
    range::{self, Range},
    say, settle, stamp, view,
};
use crate::{
    domain::{
        flags::Severity,
        ledger::{Act, Entry, Tally, Undecided, Verdict},
        plan::{Cell, State, ordinal},
        value::grouped,
    },
    tui::model::{Bulk, Rest, Review},
};

/// A decision to be made.
pub(super) struct Decision<'a> {
    pub(super) act: Act,
    pub(super) cells: Vec<Cell>,
    pub(super) reason: Option<&'a str>,
    /// What it is done to, in words.
    pub(super) label: String,
    /// Whether the cursor goes on to the next undecided.
    pub(super) advance: bool,
    /// What it is done in; what is left of that is said.
    pub(super) rest: Rest,
    /// How many cells it leaves because their property has an open STOP.
    pub(super) blocked: usize,
}

/// Makes a decision and sends it to disk. The error is for the status line.
pub(super) fn decide(model: &mut Model, decision: Decision<'_>, out: &mut Vec<Cmd>) {
    let stamp = stamp(model);
    let Some(review) = &mut model.review else { return };
    let Decision { act, cells, reason, label, advance, rest, blocked } = decision;
    let zeros = cells.iter().any(|cell| review.plan.may_be_zero(*cell));
    let count = number(cells.len());
    match review.ledger.decide(&review.plan, act, cells, reason, &label, &stamp) {
        Ok(entry) => {
            if let Some(reason) = reason {
                review.last_reason = Some(reason.trim().to_owned());
            }
            let range = if rest == Rest::Range { Range::of(model) } else { None };
            let (to, left) = match (range, &model.review) {
                (Some(range), Some(review)) => (format!("{count} {}", range.place()), range.left(review)),
                _ => (label, left(model, rest, zeros)),
            };
            let done = format!("{} {to}", act.past());
            let parts = [done, settle::stay(blocked), left];
            let said: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            say(model, Level::Ok, said.join("; "));
            if advance {
                find::advance(model);
            }
            record(model, entry, out);
        }
        Err(why) => say(model, Level::Look, why),
    }
}

/// Sends an entry to disk, with the cursor as it stands now. No other is made until it is there.
pub(super) fn record(model: &mut Model, entry: Entry, out: &mut Vec<Cmd>) {
    if let Some(review) = &mut model.review {
        review.saving = Some(entry.seq);
    }
    out.push(Cmd::Record(Box::new(entry)));
    out.extend(place(model).map(Cmd::SavePlace));
}

/// A decision is on disk, or it is taken back.
pub(super) fn recorded(model: &mut Model, seq: u64, result: Result<(), String>) {
    let Some(review) = &mut model.review else { return };
    if review.saving.take_if(|saving| *saving == seq).is_some()
        && let Err(why) = result
    {
        review.ledger.take_back_last(&review.plan, seq);
        overview(model);
        say(model, Level::Stop, format!("not saved, so the last decision was taken back: {why}"));
    }
}

/// What is left of what the decision was made in: `left: 1 no flag, 1 REVIEW, 1 STOP`; after a decision on cells that read
/// `(0?)` also how many of those.
fn left(model: &Model, rest: Rest, zeros: bool) -> String {
    let Some(review) = &model.review else { return String::new() };
    let (tally, of) = match rest {
        // A range that is gone says what is left of all.
        Rest::All | Rest::Range => (review.ledger.all(), " in the whole review"),
        Rest::Facility(facility) => (review.ledger.facility(facility), ""),
        Rest::Property(property) => (review.ledger.property(property), ""),
    };
    let open = match tally.maybe_left() {
        0 => "no".to_owned(),
        open => number(open),
    };
    match kinds(tally.plain(), tally.review, tally.stop) {
        kinds if kinds.is_empty() && zeros => format!("{open} (0?) left{of}"),
        kinds if kinds.is_empty() => format!("nothing left{of}"),
        kinds if zeros => format!("left{of}: {kinds}; {open} (0?) left"),
        kinds => format!("left{of}: {kinds}"),
    }
}

/// Where a cell is looked at: in its property or in its facility.
pub(super) fn around(model: &Model, cell: Cell) -> Rest {
    match model.screen {
        Screen::Properties => Rest::Property(cell.property),
        _ => Rest::Facility(cell.facility),
    }
}

pub(super) fn kinds(plain: u32, review: u32, stop: u32) -> String {
    let parts = [(plain, "no flag"), (review, "REVIEW"), (stop, "STOP")];
    let parts: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", number(n))).collect();
    parts.join(", ")
}

pub(super) fn number(n: impl std::fmt::Display) -> String {
    grouped(&n.to_string())
}

/// `1 change`, `224 changes`.
pub(super) fn plural(n: usize, one: &str) -> String {
    format!("{} {one}{}", number(n), if n == 1 { "" } else { "s" })
}

/// `a`, `r`, `c`, space on what the cursor is on.
pub(super) fn here(model: &mut Model, action: Action, out: &mut Vec<Cmd>) {
    if let Some(range) = Range::of(model) {
        range::decide(model, &range, action, out);
    } else if view::on_facility(model) {
        facility(model, action, out);
    } else if let Some(cell) = model.cell() {
        one(model, cell, action, out);
    } else {
        say(model, Level::Look, "nothing is under the cursor");
    }
}

/// One cell.
fn one(model: &mut Model, cell: Cell, action: Action, out: &mut Vec<Cmd>) {
    let Some(review) = &model.review else { return };
    let (plan, verdict) = (&review.plan, review.ledger.verdict(&review.plan, cell));
    let property = review.names.full(cell.property);
    if !Act::Reject.fits(plan, cell) {
        let why = match plan.state(cell) {
            state if state.proposes() => "same value",
            State::ZeroNotStored => "(0?), and the case holds 0 already",
            state => state.words(),
        };
        return say(model, Level::Look, format!("{property}: {why}; nothing to decide"));
    }
    let label = format!("{property} of {}", plan.facility(cell.facility).name);
    let (act, advance) = match action {
        Action::Reject => (Act::Reject, true),
        Action::Clear => (Act::Clear, false),
        Action::Toggle if verdict.is_some_and(Verdict::writes) => (Act::Clear, false),
        Action::Zero => (Act::Zero, true),
        _ => (Act::Approve, action == Action::Approve),
    };
    let stop = act.writes() && act.fits(plan, cell) && review.ledger.asks_reason(plan, cell);
    if stop && verdict != act.verdict() && !review.ledger.is_sent(cell) {
        let sentence = plan.flags(cell).first().map(|flag| flag.sentence.clone()).unwrap_or_default();
        model.ask = Some(Ask::Reason { cell, sentence, input: tui_input::Input::default(), advance });
        return;
    }
    let decision =
        Decision { act, cells: vec![cell], reason: None, label, advance, rest: around(model, cell), blocked: 0 };
    decide(model, decision, out);
}

/// A facility: those of its changes that are shown.
fn facility(model: &mut Model, action: Action, out: &mut Vec<Cmd>) {
    let Some(review) = &model.review else { return };
    let Some(facility) = review.list.current() else {
        return say(model, Level::Look, "no facility is under the cursor");
    };
    let name = review.plan.facility(facility).name.clone();
    let listed = review.cells.all.iter().copied();
    let cells: Vec<Cell> = listed.filter(|cell| is_meant(review, *cell)).collect();
    let open = review.ledger.undecided(&review.plan, cells.iter().copied());
    let approved = unsent(review, &cells, |verdict| verdict == Verdict::Approve);
    let blocked = open.blocked.len();
    let (act, cells) = match action {
        Action::Toggle if open.plain.is_empty() && !approved.is_empty() => (Act::Clear, approved),
        Action::Approve | Action::Toggle if open.plain.is_empty() => {
            let rest = Rest::Facility(facility);
            return flagged(model, &open, &format!("of {name}"), &format!("in {name}"), rest);
        }
        Action::Approve | Action::Toggle => (Act::Approve, open.plain),
        Action::Reject => (Act::Reject, open.all()),
        _ => (Act::Clear, unsent(review, &cells, |_| true)),
    };
    if cells.is_empty() {
        let what = if act == Act::Clear { "undecided" } else { "decided" };
        return say(model, Level::Look, format!("everything shown in {name} is {what}"));
    }
    let label = format!("{} in {name}", number(cells.len()));
    let advance = matches!(action, Action::Approve | Action::Reject);
    let blocked = if act == Act::Approve { blocked } else { 0 };
    let rest = Rest::Facility(facility);
    decide(model, Decision { act, cells, reason: None, label, advance, rest, blocked }, out);
}

/// Whether a decision on a facility is about this one of its rows: it is shown or was decided.
fn is_meant(review: &Review, cell: Cell) -> bool {
    review.is_shown(cell) || review.ledger.verdict(&review.plan, cell).is_some()
}

/// The same for a facility that is not under the cursor, whose rows are not listed now.
pub(super) fn takes_part(review: &Review, cell: Cell) -> bool {
    view::is_row(review, cell) && is_meant(review, cell)
}

/// Decided cells that were not sent and whose verdict is asked for.
pub(super) fn unsent(review: &Review, cells: &[Cell], is: fn(Verdict) -> bool) -> Vec<Cell> {
    let wanted =
        |cell: &Cell| review.ledger.verdict(&review.plan, *cell).is_some_and(is) && !review.ledger.is_sent(*cell);
    cells.iter().copied().filter(wanted).collect()
}

/// Nothing without a flag is left: asks for the REVIEW ones, or says that STOP ones go one by one.
pub(super) fn flagged(model: &mut Model, open: &Undecided, of: &str, within: &str, rest: Rest) {
    let (stop, blocked) = (open.stop.len(), open.blocked.len());
    if open.review.is_empty() {
        let text = match stop {
            _ if blocked > 0 => {
                let Some(review) = &model.review else { return };
                let stops = if stop > 0 { format!(" and {} STOP", number(stop)) } else { String::new() };
                let left = format!("; {}{stops} left {within}", number(blocked));
                settle::open(review, model.size.0, &open.blocked, &left)
            }
            0 => format!("nothing is left to approve {within}"),
            n => format!("{} STOP {within}: approved one at a time, with a reason", number(n)),
        };
        return say(model, Level::Look, text);
    }
    let count = number(open.review.len());
    model.ask = Some(Ask::Bulk(Bulk {
        act: Act::Approve,
        cells: open.review.clone(),
        question: format!("Approve {count} REVIEW {of}?"),
        stays: stays(0, stop, blocked),
        yes: format!("approve {count}"),
        label: format!("{count} REVIEW {within}"),
        rest,
        blocked,
    }));
}

/// `55 REVIEW and 4 STOP stay.`, and how many of properties with an open STOP do.
pub(super) fn stays(review: usize, stop: usize, blocked: usize) -> String {
    let flagged = match (review, stop) {
        (0, 0) => String::new(),
        (0, 1) => "1 STOP stays.".to_owned(),
        (1, 0) => "1 REVIEW stays.".to_owned(),
        (0, n) => format!("{} STOP stay.", number(n)),
        (n, 0) => format!("{} REVIEW stay.", number(n)),
        (r, s) => format!("{} REVIEW and {} STOP stay.", number(r), number(s)),
    };
    match settle::stay(blocked) {
        stay if stay.is_empty() => flagged,
        stay => format!("{flagged} {stay}.").trim_start().to_owned(),
    }
}

/// `A`, `R`, `C`: asks with the count of what is shown.
pub(super) fn ask_all(model: &mut Model, action: Action) {
    if action == Action::ApproveAll && model.screen == Screen::Properties && settle::ask(model) {
        return;
    }
    let Some(review) = &model.review else { return };
    let (cells, of, within) = all(model.screen, review);
    let rest = if model.screen == Screen::Properties { Rest::Property(review.property) } else { Rest::All };
    let open = review.ledger.undecided(&review.plan, cells.iter().copied());
    let (act, cells, question, stays) = match action {
        Action::ApproveAll if !open.blocked.is_empty() => {
            let text = settle::open(review, model.size.0, &open.blocked, ", -prop:NAME leaves it out");
            return say(model, Level::Look, text);
        }
        Action::ApproveAll if open.plain.is_empty() => return flagged(model, &open, &of, &within, rest),
        Action::ApproveAll => {
            let question = format!("Approve {} {of} without a flag?", plural(open.plain.len(), "change"));
            (Act::Approve, open.plain, question, stays(open.review.len(), open.stop.len(), 0))
        }
        Action::RejectAll => {
            let (stop, cells) = (open.stop.len(), open.all());
            let review = cells.iter().filter(|cell| review.plan.severity(**cell) == Some(Severity::Review)).count();
            let among = kinds(0, ordinal(review), ordinal(stop));
            let among = if among.is_empty() { String::new() } else { format!("{among} among them.") };
            (Act::Reject, cells.clone(), format!("Reject {} {of}?", plural(cells.len(), "change")), among)
        }
        _ => {
            let cells = unsent(review, &cells, |_| true);
            (Act::Clear, cells.clone(), format!("Clear {} {of}?", plural(cells.len(), "decision")), String::new())
        }
    };
    let count = number(cells.len());
    if cells.is_empty() {
        let what = if act == Act::Clear { "decided" } else { "left" };
        return say(model, Level::Look, format!("nothing is {what} {within}"));
    }
    let verb = act.name();
    // The log says what kind of approval it was, since a person looked at none of these one by one.
    let label =
        if act == Act::Approve { format!("all {count} without a flag {within}") } else { format!("{count} {within}") };
    let yes = format!("{verb} {count}");
    model.ask = Some(Ask::Bulk(Bulk { act, cells, question, stays, yes, label, rest, blocked: 0 }));
}

/// All that is shown: its changes, `of opd_total`, `in opd_total`.
fn all(screen: Screen, review: &Review) -> (Vec<Cell>, String, String) {
    if screen == Screen::Properties {
        let name = review.names.full(review.property);
        let cells = review.column.all.iter().copied().filter(|cell| review.is_shown(*cell)).collect();
        return (cells, format!("of {name}"), format!("in {name}"));
    }
    let cells = review.plan.cells().filter(|cell| review.is_shown(*cell)).collect();
    let shown = match review.filter.text() {
        "" => "in all facilities".to_owned(),
        words => format!("shown by \"{words}\""),
    };
    (cells, shown.clone(), shown)
}

/// Does what was asked. The cells were found when the question was put; what has been decided since is left alone by the
/// ledger.
pub(super) fn bulk(model: &mut Model, bulk: Bulk, out: &mut Vec<Cmd>) {
    let Bulk { act, cells, label, rest, blocked, .. } = bulk;
    decide(model, Decision { act, cells, reason: None, label, advance: false, rest, blocked }, out);
}

/// `u`, `U`.
pub(super) fn undo(model: &mut Model, action: Action, out: &mut Vec<Cmd>) {
    let stamp = stamp(model);
    let Some(review) = &mut model.review else { return };
    let (undone, again) = review.ledger.first_cells();
    let first = if action == Action::Undo { undone } else { again };
    let (what, verb, result) = if action == Action::Undo {
        (review.ledger.last_done(), "undone", review.ledger.undo(&review.plan, &stamp))
    } else {
        (review.ledger.last_undone(), "done again", review.ledger.redo(&review.plan, &stamp))
    };
    match result {
        Ok(entry) => {
            let all: Tally = review.ledger.all();
            let left = number(all.left());
            say(model, Level::Ok, format!("{verb}: {}; {left} left in all", what.unwrap_or_default()));
            if let Some(cell) = first {
                view::go_to(model, cell);
            }
            overview(model);
            record(model, entry, out);
        }
        Err(why) => say(model, Level::Look, why),
    }
}

/// Lists what Overview opens anew where it is looked at: elsewhere that is done on the way there.
fn overview(model: &mut Model) {
    if model.screen == Screen::Overview {
        view::fill_doors(model);
    }
}
