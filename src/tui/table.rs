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
mod tests {
    use super::*;
    use crate::{domain::plan::sample, tui::theme::Theme};
    use proptest::prelude::*;
    use ratatui::buffer::Buffer;

    fn line(room: u16, shown: &Shown, widest: Widths) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, room, 1));
        let area = buf.area;
        let grid = Grid::fit(room.into(), widest, 12, 30);
        let mut canvas = Canvas::new(&mut buf, Theme::default());
        grid.row(
            &mut canvas.pen(area, 0),
            shown,
            |room| cut("total_budget_for_drugs", room).into_owned().into(),
            Role::Text,
        );
        buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    fn value(old: &str, new: &str) -> Shown {
        let change = change(Some(old), Some(new)).unwrap_or_default();
        Shown { old: short(old), new: short(new), change, proposes: true, old_is_text: false, multiple: String::new() }
    }

    #[test]
    fn usual_values_stand_in_columns_and_wide_ones_take_room_from_their_name() {
        let widest = value("12345678901234", "98765432109876").widths();
        assert_eq!(line(40, &value("120", "1310"), widest), "total_budget_f…    120 →  1,310   +1,190");
        assert_eq!(line(40, &value("4500000", "5210000.5"), widest), "total_budget_fo… 4,500,000 → 5,210,000.5");
        assert!(line(80, &value("4500000", "5210000.5"), widest).contains("  +710,000.5"));
    }

    #[test]
    fn the_sign_of_a_flag_always_has_its_columns() {
        let widest = value("12345678901234", "98765432109876").widths();
        for widest in [widest, Widths::LEAST] {
            for pane in 48..220_u16 {
                let gap = usize::from(sign_room(pane));
                for usual in [false, true] {
                    for (grid, lead) in [
                        (Grid::properties(pane, widest, usual), lead(pane)),
                        (Grid::facilities(pane, widest, 90, usual), 5),
                    ] {
                        assert!(usize::from(lead) + grid.total() + gap <= usize::from(pane), "{pane} {grid:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_multiple_gives_way_before_a_digit() {
        let row = |grid: Grid, shown: &Shown| -> String {
            let mut buf = Buffer::empty(Rect::new(0, 0, columns(grid.total()), 1));
            let area = buf.area;
            let mut canvas = Canvas::new(&mut buf, Theme::default());
            grid.row(&mut canvas.pen(area, 0), shown, |room| cut("a_long_name_of_a_property", room), Role::Text);
            buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()
        };
        let with = |old: &str, new: &str, times: f64| Shown { multiple: of_usual(times), ..value(old, new) };
        let usual = with("120", "1310", 11.02);
        let grid = Grid::with(true, 54, usual.widths(), 12, 30);
        assert_eq!((grid.of_usual, grid.widths), (11, Grid::fit(54, usual.widths(), 12, 30).widths));
        assert_eq!(row(grid, &usual), "a_long_name_of_a_pro…   120 → 1,310  +1,190        11x");
        // Wide values take the name's room first, then the multiple's, and only then lose their change.
        assert_eq!(
            row(grid, &with("120000", "1310000", 11.0)),
            "a_long_nam… 120,000 → 1,310,000  +1,190,000        11x"
        );
        assert_eq!(
            row(grid, &with("12345678", "123456789", 10.0)),
            "a_long_name_of… 12,345,678 → 123,456,789  +111,111,111"
        );
        assert!(row(grid, &with("1", "99999999", 9e7)).ends_with("+99,999,998   >99,999x"));
        let wide = value("12345678901234", "98765432109876").widths();
        assert_eq!(Grid::with(true, 80, wide, 12, 30).of_usual, 0, "a column of the values would be lost");
        assert_eq!(Grid::with(true, 90, wide, 12, 30).of_usual, 11);
        assert_eq!(Grid::with(false, 90, wide, 12, 30).of_usual, 0);
        assert_eq!(Grid::with(true, 45, usual.widths(), 14, 30).of_usual, 0, "a name would be too short");
    }

    #[test]
    fn what_is_not_proposed_reads_as_words() {
        let cell = |property| Cell { facility: 0, property };
        let plan = sample(1, 5, |draft| {
            draft.set(cell(0), Some("28"), None, State::NotReported);
            draft.set(cell(1), None, Some("12 (\u{1b}est)"), State::NonNumeric);
            draft.set(cell(2), Some("5"), Some("5.0"), State::Reported);
            draft.set(cell(3), Some(""), Some("4500000.25"), State::Reported);
        });
        let ledger = Ledger::new(&plan);
        let words = |at| {
            let shown = Shown::of(&plan, &ledger, cell(at));
            (shown.old, shown.new, shown.change)
        };
        let own = |a: &str, b: &str, c: &str| (a.to_owned(), b.to_owned(), c.to_owned());
        assert_eq!(words(0), own("28", "not reported", ""));
        assert_eq!(words(1), own("-", "\"12 (<1B>est)\"", ""));
        assert_eq!(words(2), own("5", "same 5.0", ""));
        assert_eq!(words(3), own("-", "4,500,000.25", ""));
        assert_eq!(words(4), own("4", "5", "+1"));
    }

    proptest! {
        #[test]
        fn every_digit_of_a_value_is_there_or_none(old in 0_u64..10_u64.pow(15), new in 0_u64..10_u64.pow(15), room in 36_u16..120) {
            let shown = value(&old.to_string(), &new.to_string());
            let line = line(room, &shown, Widths::LEAST);
            prop_assert!(line.contains(&shown.new), "{line}");
            let digits = |s: &str| s.chars().filter(char::is_ascii_digit).count();
            let all = digits(&shown.new);
            let found = digits(&line);
            let (old, change) = (digits(&shown.old), digits(&shown.change));
            prop_assert!([all, all + old, all + old + change].contains(&found), "{line}");
        }
    }
}
