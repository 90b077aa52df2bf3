//! Rows of a window onto any number of rows, and the one shape old and new values have in every list: a name, old, an
//! arrow, new, the change. Only the rows on screen are looked at. What else stands in a row is the screens' business.

use std::borrow::Cow;

use ratatui::layout::Rect;

use super::{
    layout::Widths,
    parts::{Canvas, Pen, columns, cut},
    theme::Role,
};
use crate::domain::{
    flags::multiple,
    ledger::{Act, Ledger, Tally, Verdict},
    offer::or_blank,
    plan::{Cell, Kind, Plan, State},
    text::{inert, width},
    value::{Number, change, grouped},
};

/// Widest text value a row shows; the detail has it in full.
const TEXT: usize = 14;
/// Widest values the columns keep room for where names would suffer: `99,999`. A wider one takes room from its own name.
pub const USUAL: Widths = Widths { old: 6, new: 6, change: 7 };
/// Fewest columns of a name beside a wide value.
const SHORTEST_NAME: usize = 8;
/// Columns of the new value as a multiple of the usual one, under their heading, and of the free ones before them.
const OF_USUAL: (usize, usize) = (8, 3);
/// Between old and new.
const ARROW: &str = " → ";
/// Columns of [`ARROW`].
const ARROW_WIDTH: usize = 3;
/// Columns between new and change.
const GAP: usize = 2;

/// The rows of `area` with the row numbers of the list they show, from `offset` on.
pub fn window(area: Rect, offset: usize, total: usize) -> impl Iterator<Item = (u16, usize)> {
    (0..area.height).zip(offset..total)
}

/// What draws one line of a [`Sheet`].
type Draw<'a> = Box<dyn Fn(&mut Pen<'_>) + 'a>;

/// What puts a count into words.
type Say<'a> = Box<dyn Fn(usize) -> String + 'a>;

/// A page of lines of different kinds, some of which the cursor can stand on. It shows the part around the cursor; lines
/// that are not seen are not drawn. For pages whose length does not depend on the number of facilities.
#[derive(Default)]
pub struct Sheet<'a> {
    lines: Vec<Draw<'a>>,
    cursor: Option<usize>,
    /// Lines the cursor can stand on.
    rows: Vec<usize>,
    /// What to say of so many of those that are below the last line seen.
    below: Option<Say<'a>>,
}

impl<'a> Sheet<'a> {
    /// Adds a line.
    pub fn line(&mut self, draw: impl Fn(&mut Pen<'_>) + 'a) {
        self.lines.push(Box::new(draw));
    }

    /// Adds a line the cursor can stand on; `here` if it does.
    pub fn row(&mut self, here: bool, draw: impl Fn(&mut Pen<'_>) + 'a) {
        if here {
            self.cursor = Some(self.lines.len());
        }
        self.rows.push(self.lines.len());
        self.line(draw);
    }

    /// Says in the last line seen how many of the lines the cursor can stand on are below it.
    pub fn say_below(&mut self, words: impl Fn(usize) -> String + 'a) {
        self.below = Some(Box::new(words));
    }

    /// Adds a free line, unless it would be the first.
    pub fn space(&mut self) {
        if !self.lines.is_empty() {
            self.line(|_| {});
        }
    }

    /// Adds a heading with a free line above it.
    pub fn heading(&mut self, text: impl Into<Cow<'a, str>>) {
        self.space();
        let text = text.into();
        self.line(move |pen| _ = pen.gap(1).put(&text, Role::Strong));
    }

    /// Lines so far.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The first line seen in a window of this height.
    fn top(&self, height: usize) -> usize {
        let at = self.cursor.unwrap_or(0);
        at.saturating_sub(height * 2 / 3).min(self.lines.len().saturating_sub(height))
    }

    /// Which of the lines the cursor can stand on is seen in this line of the window, counted from 0.
    pub fn row_at(&self, area: Rect, line: u16) -> Option<usize> {
        let height = usize::from(area.height);
        let top = self.top(height);
        let number = top + usize::from(line.checked_sub(area.y).filter(|row| *row < area.height)?);
        // The last line may say what is below in place of a row.
        let said = self.below.is_some() && top + height < self.lines.len() && number + 1 == top + height;
        self.rows.iter().position(|row| *row == number).filter(|_| !said || self.cursor == Some(number))
    }

    /// Draws the part that shows the cursor, two thirds down where there is more above.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let height = usize::from(area.height);
        let at = self.cursor.unwrap_or(0);
        let top = self.top(height);
        for (row, number) in window(area, top, self.lines.len()) {
            self.lines[number](&mut canvas.pen(area, row));
            cursor(canvas, area, row, self.cursor == Some(number), true);
        }
        let last = top + height;
        // What no cursor can reach says that it goes on.
        if self.rows.is_empty() && height > 0 && last < self.lines.len() {
            let edge = Rect { x: area.right().saturating_sub(1), y: area.bottom() - 1, width: 1, height: 1 };
            canvas.pen(edge.intersection(area), 0).put("…", Role::Dim);
        }
        let below = self.rows.iter().filter(|row| **row + 1 >= last).count();
        if let Some(words) = self.below.as_ref().filter(|_| last < self.lines.len() && below > 0 && at + 1 < last) {
            let row = area.height.saturating_sub(1);
            canvas.blank(Rect { y: area.y + row, height: 1, ..area });
            canvas.pen(area, row).gap(7).put(&words(below), Role::Dim);
        }
    }
}

/// The mark of a facility or column with these counts; blank where there is nothing to decide. Where nothing changes it is that
/// of the cells that read `(0?)`.
pub fn summary_mark(tally: Tally) -> (&'static str, Role) {
    match tally {
        Tally { changes: 0, maybe: 1.., zeros, kept, .. } => match tally {
            _ if zeros == tally.maybe => ("[0]", Role::Approved),
            _ if kept == tally.maybe => ("[✗]", Role::Rejected),
            _ if zeros + kept > 0 => ("[~]", Role::Text),
            _ => ("[ ]", Role::Text),
        },
        Tally { changes: 0, .. } => ("   ", Role::Dim),
        Tally { changes, approved, .. } if changes == approved => ("[✓]", Role::Approved),
        Tally { changes, rejected, .. } if changes == rejected => ("[✗]", Role::Rejected),
        tally if tally.decided() > 0 => ("[~]", Role::Text),
        _ => ("[ ]", Role::Text),
    }
}

/// The mark of a cell; blank where there is nothing to decide. What was sent is decided for good and stands back.
pub fn mark(plan: &Plan, ledger: &Ledger, cell: Cell) -> (&'static str, Role) {
    if ledger.is_sent(cell) {
        return ("[s]", Role::Dim);
    }
    match ledger.verdict(plan, cell) {
        Some(Verdict::Approve) => ("[✓]", Role::Approved),
        Some(Verdict::Zero) => ("[0]", Role::Approved),
        Some(Verdict::Reject) => ("[✗]", Role::Rejected),
        None if Act::Reject.fits(plan, cell) => ("[ ]", Role::Text),
        None => ("   ", Role::Dim),
    }
}

/// Writes the cursor of a row, `▌` or blank: dim where its pane has not the keys, else with the row marked.
pub fn cursor(canvas: &mut Canvas<'_>, area: Rect, row: u16, here: bool, focused: bool) {
    if here {
        canvas.pen(area, row).put("▌", if focused { Role::Cursor } else { Role::Dim });
        if focused {
            canvas.select(area, row);
        }
    }
}

/// What a row says of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Value the case holds, `-` where it holds none.
    pub old: String,
    /// The proposed value, or the words for why there is none.
    pub new: String,
    /// How far new is from old; empty where they are not both numbers.
    pub change: String,
    /// Whether the new value would be written.
    pub proposes: bool,
    /// Whether the old value is not a number, so that it may be cut.
    pub old_is_text: bool,
    /// The new value as a multiple of the usual one; empty where that is not known.
    pub multiple: String,
}

impl Shown {
    /// What a row says of this cell.
    pub fn of(plan: &Plan, ledger: &Ledger, cell: Cell) -> Self {
        let zero = ledger.verdict(plan, cell) == Some(Verdict::Zero);
        let proposes = zero || plan.kind(cell) == Kind::Change;
        Self {
            old: plan.old(cell).map_or_else(|| "-".to_owned(), short),
            new: if zero { "0".to_owned() } else { new_words(plan, cell) },
            change: if proposes { change(plan.old(cell), plan.offer(cell)).unwrap_or_default() } else { String::new() },
            proposes,
            old_is_text: plan.old(cell).is_some_and(|old| Number::parse(old).is_none()),
            multiple: plan.multiple(cell).map_or_else(String::new, of_usual),
        }
    }

    /// Columns its values take.
    pub fn widths(&self) -> Widths {
        let new = if self.proposes { columns(width(&self.new)) } else { 0 };
        let old = columns(width(&self.old));
        // A text gives way to numbers; the detail has it in full.
        let old = if self.old_is_text { old.min(USUAL.old) } else { old };
        Widths { old, new, change: columns(width(&self.change)) }
    }
}

/// A multiple as it stands in a row; past all sense only that it is.
fn of_usual(times: f64) -> String {
    let said = multiple(times);
    if said.len() > OF_USUAL.0 { ">99,999x".to_owned() } else { said }
}

/// A value as it stands in a row: a number whole and grouped, a text inert and cut, an empty text as `-`.
fn short(value: &str) -> String {
    if Number::parse(value).is_some() {
        return inert(&grouped(value)).into_owned();
    }
    let safe = inert(value);
    if safe.is_empty() { "-".to_owned() } else { cut(&safe, TEXT).into_owned() }
}

/// The new value, or the words in its place. A text in a number field stands in quotes.
fn new_words(plan: &Plan, cell: Cell) -> String {
    let state = plan.state(cell);
    match plan.held(cell) {
        Some(held) if state.proposes() && plan.kind(cell) == Kind::Same && plan.old(cell) == Some(held) => {
            "same".to_owned()
        }
        Some(held) if state.proposes() && plan.kind(cell) == Kind::Same => {
            format!("same {}", plan.dated(cell, &short(or_blank(held))))
        }
        Some(held) if state.proposes() => plan.dated(cell, &short(or_blank(held))),
        Some(held) if state == State::NonNumeric => format!("\"{}\"", cut(&inert(held), 2 * TEXT)),
        _ => state.words().to_owned(),
    }
}

impl Widths {
    /// Room for the headings and nothing else.
    pub const LEAST: Self = Self { old: 5, new: 5, change: 6 };

    /// Room for both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { old: self.old.max(other.old), new: self.new.max(other.new), change: self.change.max(other.change) }
    }

    /// No more room than usual values take.
    fn capped(self) -> Self {
        Self { old: self.old.min(USUAL.old), new: self.new.min(USUAL.new), change: self.change.min(USUAL.change) }
    }

    /// Columns of the three with what stands between.
    fn total(self) -> usize {
        usize::from(self.old) + ARROW_WIDTH + usize::from(self.new) + GAP + usize::from(self.change)
    }

    /// Whether values of these widths fit.
    fn holds(self, other: Self) -> bool {
        other.old <= self.old && other.new <= self.new && other.change <= self.change
    }
}

/// Where names and values stand in the rows of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Columns of the name.
    pub name: usize,
    widths: Widths,
    /// Columns for the multiple of the usual, with the free ones before it; 0 where it has no room.
    of_usual: usize,
}

/// From this width on a pane has room for a free column beside the cursor and for the beginning of a flag's sentence.
pub const WIDE_PANE: u16 = 70;

/// Columns of the cursor and the mark in a row of properties.
pub fn lead(pane: u16) -> u16 {
    if pane < WIDE_PANE { 5 } else { 6 }
}

/// Columns a row keeps for the sign of a flag, with the gap before it. Names and sentences give way to it, never it to them.
fn sign_room(pane: u16) -> u16 {
    if pane < WIDE_PANE { 3 } else { 4 }
}

/// Columns kept for the beginning of a flag's sentence where there is room for it and for names.
const SENTENCE: u16 = 24;

impl Grid {
    /// The grid of the properties of a facility in a pane; `usual` says whether multiples of usual numbers are known.
    pub fn properties(pane: u16, widest: Widths, usual: bool) -> Self {
        let room = usize::from(pane.saturating_sub(lead(pane) + sign_room(pane)));
        let (least, most) = match pane {
            ..WIDE_PANE => (14, 60),
            WIDE_PANE..90 => (30, 34),
            // Leaves room for the beginning of a sentence, and of a note.
            90..120 => (36, 38),
            // Only a pane that was widened, or a very wide window: names are whole.
            _ => (36, 60),
        };
        Self::with(usual && pane >= WIDE_PANE, room, widest, least, most)
    }

    /// The grid of the facilities of a property in a pane, the longest name of which takes so many columns.
    pub fn facilities(pane: u16, widest: Widths, longest: usize, usual: bool) -> Self {
        let sentence = if pane < 100 { 0 } else { SENTENCE };
        let room = pane.saturating_sub(5 + sign_room(pane) + sentence);
        Self::with(usual && pane >= WIDE_PANE, room.into(), widest, 18, longest.clamp(18, 80))
    }

    /// The grid with room for multiples of the usual where that is wanted and takes none from names and values.
    fn with(usual: bool, room: usize, widest: Widths, least: usize, most: usize) -> Self {
        let without = Self::fit(room, widest, least, most);
        let of_usual = OF_USUAL.0 + OF_USUAL.1;
        let with = Self { of_usual, ..Self::fit(room.saturating_sub(of_usual), widest, least, most) };
        if usual && with.widths == without.widths && with.name >= least { with } else { without }
    }

    /// The grid for rows of `room` columns whose widest values are `widest`. Names get between `least` and `most` columns.
    /// Where the widest values leave a name fewer, the columns are made for usual values and a wide one takes room from
    /// its own name, then from its change.
    pub fn fit(room: usize, widest: Widths, least: usize, most: usize) -> Self {
        let widest = widest.or(Widths::LEAST);
        let widths = if room >= least + 1 + widest.total() { widest } else { widest.capped() };
        let name = room.saturating_sub(1 + widths.total()).min(most);
        Self { name, widths, of_usual: 0 }
    }

    /// Columns of the name, the values and the multiple together.
    pub fn total(&self) -> usize {
        self.values() + self.of_usual
    }

    /// Columns of the name and the values together.
    fn values(&self) -> usize {
        self.name + 1 + self.widths.total()
    }

    /// Writes the headings.
    pub fn heading(&self, pen: &mut Pen<'_>, name: &str) {
        let role = Role::Heading;
        pen.left(self.name, name, role).gap(1);
        pen.right(self.widths.old.into(), "old", role).gap(columns(ARROW_WIDTH));
        pen.right(self.widths.new.into(), "new", role).gap(columns(GAP));
        pen.right(self.widths.change.into(), "change", role);
        if self.of_usual > 0 {
            pen.right(self.of_usual, "of usual", role);
        }
    }

    /// Writes a row; the pen ends behind the last column. `name` gives the name in so many columns.
    pub fn row<'n>(&self, pen: &mut Pen<'_>, shown: &Shown, name: impl Fn(usize) -> Cow<'n, str>, role: Role) {
        let start = pen.at();
        let end = start.saturating_add(columns(self.total()));
        let rest = self.values() - self.name - 1 - usize::from(self.widths.old) - ARROW_WIDTH;
        // Words longer than their columns take room from the name, as far as it goes.
        let words = !shown.proposes
            && width(&shown.new) > rest
            && width(&shown.old) + ARROW_WIDTH + width(&shown.new) + SHORTEST_NAME < self.values();
        let mut multiple = shown.multiple.as_str();
        if self.widths.holds(shown.widths()) && !words {
            pen.left(self.name, &name(self.name), role).gap(1);
            pen.right(self.widths.old.into(), &cut(&shown.old, self.widths.old.into()), role);
            if shown.proposes {
                pen.put(ARROW, Role::Dim).right(self.widths.new.into(), &shown.new, role).gap(columns(GAP));
                pen.right(self.widths.change.into(), &shown.change, role);
            } else {
                pen.gap(columns(ARROW_WIDTH)).left(rest, &shown.new, Role::Dim);
            }
        } else {
            let (mut values, mut room) = (Self::wide(shown, self.values()), self.values());
            let more = Self::wide(shown, self.total());
            // The multiple gives way before a digit does.
            if more != values {
                (values, room, multiple) = (more, self.total(), "");
            }
            let left = room - width(&values) - 1;
            pen.left(left, &name(left), role).gap(1).put(&values, role);
        }
        if self.of_usual > 0 && shown.proposes && !multiple.is_empty() {
            pen.to(start.saturating_add(columns(self.values())));
            pen.right(self.of_usual, multiple, role);
        }
        pen.to(end);
    }

    /// The values of a row that are wider than their columns, in a row of `room` columns: with their change where a name still
    /// fits, else without, else the new one alone. Nothing is cut.
    fn wide(shown: &Shown, room: usize) -> String {
        let most = room.saturating_sub(SHORTEST_NAME + 1);
        let both = if shown.proposes {
            format!("{}{ARROW}{}", shown.old, shown.new)
        } else {
            format!("{}   {}", shown.old, shown.new)
        };
        let gap = if shown.change.is_empty() { "" } else { "  " };
        [format!("{both}{gap}{}", shown.change), both, format!("→ {}", shown.new)]
            .into_iter()
            .find(|values| width(values) <= most)
            .unwrap_or_else(|| "see below".to_owned())
    }
}

#[cfg(test)]
mod tests;
