//! Ranges: rows from where a range was begun to the cursor of the pane that has the keys. What is decided or noted is done to all
//! of them in one entry; bulk rule 3 of review-ux.md holds. A range is a view of one list: another tab, pane, property, facility or
//! filter gives it up, and so does whatever was written to the review file.

use super::{Action, Cmd, Focus, Level, Model, Screen, decide, motion, say};
use crate::{
    domain::{
        flags::Severity,
        ledger::{Act, Undecided, Verdict},
        plan::{Cell, ordinal},
    },
    tui::{
        model::{Ask, Newest, Rest, Review},
        parts,
    },
};

/// Which list the range is in, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    place: (Screen, Focus),
    property: u16,
    /// Where the rows are the properties of one facility, which.
    facility: Option<u32>,
    /// The row it was begun at.
    from: usize,
    /// What stands in that row.
    first: Option<Cell>,
}

/// `v`, shift with an arrow.
pub(super) fn act(model: &mut Model, action: Action) {
    if action == Action::Range && give_up(model) {
        return;
    }
    let rows = rows(model);
    let Some(review) = &mut model.review else { return };
    if rows.is_none_or(|(_, len)| len == 0) {
        return say(model, Level::Look, "no row is under the cursor");
    }
    if review.range.is_none() {
        review.range = rows.map(|(at, _)| at);
        let keys = [Action::Approve, Action::Reject, Action::Clear, Action::Note].map(|action| model.keys.key(action));
        let text = format!("range: move, then {} {} {} or {}; esc gives it up", keys[0], keys[1], keys[2], keys[3]);
        say(model, Level::Ok, text);
        model.newest = Newest::Passes;
    }
    match action {
        Action::RangeDown => motion::go(model, Action::Down, 1),
        Action::RangeUp => motion::go(model, Action::Up, 1),
        _ => {}
    }
}

/// Gives up the range, if one stands, and says so.
pub(super) fn give_up(model: &mut Model) -> bool {
    let stood = model.review.as_mut().is_some_and(|review| review.range.take().is_some());
    if stood {
        say(model, Level::Ok, "no range; nothing was decided");
        model.newest = Newest::Passes;
    }
    stood
}

/// Which list the range is in; `None` where none stands. While digits may be a count, the list where the first was pressed.
pub(super) fn held(model: &Model) -> Option<Held> {
    let review = model.review.as_ref()?;
    let (screen, focus) = model.count_from.map_or((model.screen, model.focus), |(screen, focus, _)| (screen, focus));
    Some(Held::of(review, (screen, focus), review.range?))
}

impl Held {
    fn of(review: &Review, place: (Screen, Focus), from: usize) -> Self {
        let in_facility = place == (Screen::Facilities, Focus::Cells);
        let facility = review.list.current().filter(|_| in_facility);
        let first = match place {
            (Screen::Properties, _) => review.column.all.get(from).copied(),
            (_, Focus::Cells) => review.cells.all.get(from).copied(),
            (_, Focus::List) => review.list.all.get(from).map(|facility| Cell { facility: *facility, property: 0 }),
        };
        Self { place, property: review.property, facility, from, first }
    }
}

/// Gives up a range that is not in the list any more that it was in before a message, or on which something was written. The tabs
/// that the digits of what may be a count (`12j`) open do not give it up while its row is what it was.
pub(super) fn after(model: &mut Model, before: Option<Held>, out: &[Cmd]) {
    let Some(before) = before else { return };
    let written = out.iter().any(|cmd| matches!(cmd, Cmd::Record(_)));
    let counting = model.count_from.is_some();
    let place = model.count_from.map_or((model.screen, model.focus), |(screen, focus, _)| (screen, focus));
    let Some(review) = &mut model.review else { return };
    let stands = review.range.is_some() || counting;
    let same = stands && !written && place == before.place && Held::of(review, place, before.from) == before;
    review.range = same.then_some(before.from);
}

/// The row under the cursor of the pane that has the keys, and how many rows there are.
fn rows(model: &Model) -> Option<(usize, usize)> {
    let review = model.review.as_ref()?;
    match (model.screen, model.focus) {
        (Screen::Properties, _) => Some((review.column.at, review.column.all.len())),
        (Screen::Facilities, Focus::Cells) => Some((review.cells.at, review.cells.all.len())),
        (Screen::Facilities, Focus::List) => Some((review.list.at, review.list.all.len())),
        _ => None,
    }
}

/// A range as it stands: its cells, how many rows it has, and how the log calls it.
pub(super) struct Range {
    cells: Vec<Cell>,
    rows: usize,
    /// `in 3 facilities, Kasenga HC to Zukula HC`
    called: String,
}

impl Range {
    /// The range that stands; `None` where none does.
    pub(super) fn of(model: &Model) -> Option<Self> {
        let review = model.review.as_ref()?;
        let (at, len) = rows(model)?;
        let (first, last) = model.range_rows(at, len)?;
        let name = |facility: u32| review.plan.facility(facility).name.as_str();
        let many = |facilities: &[u32]| match facilities {
            [one] => name(*one).to_owned(),
            [first, .., last] => format!(
                "{}, {} to {}",
                parts::plural(facilities.len(), "facility", "facilities"),
                name(*first),
                name(*last)
            ),
            [] => String::new(),
        };
        let (cells, called) = match (model.screen, model.focus) {
            (Screen::Properties, _) => {
                let cells = review.column.all.get(first..=last)?.to_vec();
                let facilities: Vec<u32> = cells.iter().map(|cell| cell.facility).collect();
                let called = format!("of {} in {}", review.names.full(review.property), many(&facilities));
                (cells, called)
            }
            (_, Focus::Cells) => {
                let cells = review.cells.all.get(first..=last)?.to_vec();
                let ends = cells.first().zip(cells.last());
                let called = ends.map_or_else(String::new, |(first, last)| {
                    let (from, to) = (review.names.full(first.property), review.names.full(last.property));
                    let facility = name(first.facility);
                    if first == last {
                        format!("of {from} in {facility}")
                    } else {
                        format!("in {facility}, {from} to {to}")
                    }
                });
                (cells, called)
            }
            (_, Focus::List) => {
                let facilities = review.list.all.get(first..=last)?;
                let listed = facilities.iter().flat_map(|facility| review.plan.row(*facility));
                let cells = listed.filter(|cell| decide::takes_part(review, *cell)).collect();
                (cells, format!("in {}", many(facilities)))
            }
        };
        Some(Self { cells, rows: last + 1 - first, called })
    }

    /// What is left of it to decide: `left: 1 REVIEW, 1 STOP`.
    pub(super) fn left(&self, review: &Review) -> String {
        let left = self.undecided(review).all();
        let worst = |severity| left.iter().filter(|cell| review.plan.severity(**cell) == severity).count();
        let (stop, flagged) = (worst(Some(Severity::Stop)), worst(Some(Severity::Review)));
        match decide::kinds(ordinal(left.len() - stop - flagged), ordinal(flagged), ordinal(stop)) {
            kinds if kinds.is_empty() => "nothing left".to_owned(),
            kinds => format!("left: {kinds}"),
        }
    }

    fn undecided(&self, review: &Review) -> Undecided {
        review.ledger.undecided(&review.plan, self.cells.iter().copied())
    }

    /// `in 7 rows`
    pub(super) fn place(&self) -> String {
        format!("in {}", parts::plural(self.rows, "row", "rows"))
    }

    /// How the log calls so many cells of it: `5 in 3 facilities, Kasenga HC to Zukula HC`.
    pub(super) fn label(&self, cells: usize) -> String {
        format!("{} {}", decide::number(cells), self.called)
    }

    /// Its cells.
    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }
}

/// `a`, `r`, `c`, space, `0` on a range.
pub(super) fn decide(model: &mut Model, range: &Range, action: Action, out: &mut Vec<Cmd>) {
    let Some(review) = &model.review else { return };
    let open = range.undecided(review);
    let place = range.place();
    let approved = || decide::unsent(review, range.cells(), |verdict| verdict == Verdict::Approve);
    let blocked = open.blocked.len();
    let (act, cells) = match action {
        Action::Zero => {
            let (zero, all) = (model.keys.key(Action::Zero), model.keys.key(Action::ZeroAll));
            let text = format!("{zero} is for one cell: esc gives up the range; {all} asks for all (0?) at once");
            return say(model, Level::Look, text);
        }
        Action::Toggle if open.plain.is_empty() && !approved().is_empty() => (Act::Clear, approved()),
        Action::Approve | Action::Toggle if open.plain.is_empty() => {
            decide::flagged(model, &open, &place, &place, Rest::Range);
            if let Some(Ask::Bulk(bulk)) = &mut model.ask {
                bulk.label = format!("{} REVIEW {}", decide::number(bulk.cells.len()), range.called);
            }
            return;
        }
        Action::Approve | Action::Toggle => (Act::Approve, open.plain),
        Action::Reject => (Act::Reject, open.all()),
        _ => (Act::Clear, decide::unsent(review, range.cells(), |_| true)),
    };
    if cells.is_empty() {
        let what = if act == Act::Clear { "decided" } else { "left" };
        return say(model, Level::Look, format!("nothing is {what} {place}"));
    }
    let label = range.label(cells.len());
    let blocked = if act == Act::Approve { blocked } else { 0 };
    let decision = decide::Decision { act, cells, reason: None, label, advance: false, rest: Rest::Range, blocked };
    decide::decide(model, decision, out);
}
