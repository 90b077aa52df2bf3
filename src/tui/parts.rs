//! The small things screens are made of: a pen that never leaves its row, a rule, a bar, words cut or wrapped.
//! What is said with them is the screens' business.

use std::borrow::Cow;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::Style,
};

use super::theme::{Role, Theme};
use crate::domain::text::{fit, fit_middle, inert, width};

/// A text and what it is.
pub type Piece<'a> = (Cow<'a, str>, Role);

/// A piece of a line.
pub fn piece<'a>(text: impl Into<Cow<'a, str>>, role: Role) -> Piece<'a> {
    (text.into(), role)
}

/// A width as screen columns.
pub fn columns(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}

/// Where drawing goes: the buffer and the theme.
pub struct Canvas<'b> {
    /// The cells of the window.
    pub buf: &'b mut Buffer,
    /// How roles look.
    pub theme: Theme,
}

impl<'b> Canvas<'b> {
    /// Draws on this buffer.
    pub fn new(buf: &'b mut Buffer, theme: Theme) -> Self {
        Self { buf, theme }
    }

    /// A pen at the left end of row `row` (0 the first) of `area`. Outside the area or the window it writes nothing.
    pub fn pen(&mut self, area: Rect, row: u16) -> Pen<'_> {
        let line = Rect::new(area.x, area.y.saturating_add(row), area.width, u16::from(row < area.height));
        let line = line.intersection(self.buf.area);
        let end = if line.height == 0 { line.x } else { line.right() };
        Pen { buf: self.buf, theme: self.theme, start: line.x, x: line.x, end, y: line.y }
    }

    /// A rule over the whole width.
    pub fn rule(&mut self, y: u16) {
        let area = Rect::new(self.buf.area.x, y, self.buf.area.width, 1).intersection(self.buf.area);
        self.fill(area, "─");
    }

    /// A bar between panes.
    pub fn bar(&mut self, x: u16, area: Rect) {
        self.fill(Rect::new(x, area.y, 1, area.height).intersection(self.buf.area), "│");
    }

    fn fill(&mut self, area: Rect, symbol: &str) {
        let style = self.theme.style(Role::Rule);
        for position in area.positions() {
            if let Some(cell) = self.buf.cell_mut(position) {
                cell.reset();
                cell.set_symbol(symbol).set_style(style);
            }
        }
    }

    /// Takes away what stands there.
    pub fn blank(&mut self, area: Rect) {
        for position in area.intersection(self.buf.area).positions() {
            if let Some(cell) = self.buf.cell_mut(position) {
                cell.reset();
            }
        }
    }

    /// Marks a row as the one under the cursor of the focused pane.
    pub fn select(&mut self, area: Rect, row: u16) {
        let line = Rect::new(area.x, area.y.saturating_add(row), area.width, u16::from(row < area.height));
        self.buf.set_style(line.intersection(self.buf.area), self.theme.style(Role::Selected));
    }

    /// One line of pieces; what does not fit is cut at the end.
    pub fn line(&mut self, area: Rect, row: u16, pieces: &[Piece<'_>]) {
        let mut pen = self.pen(area, row);
        for (text, role) in pieces {
            pen.put(text, *role);
        }
    }
}

/// Writes on one row from left to right, never outside it. All text is made inert on the way.
pub struct Pen<'b> {
    buf: &'b mut Buffer,
    theme: Theme,
    start: u16,
    x: u16,
    end: u16,
    y: u16,
}

impl Pen<'_> {
    /// Columns left.
    pub fn room(&self) -> usize {
        usize::from(self.end.saturating_sub(self.x))
    }

    /// Where the next text goes; `None` at the end of the row.
    pub fn position(&self) -> Option<Position> {
        (self.x < self.end).then_some(Position::new(self.x, self.y))
    }

    /// Columns written since the start of the row.
    pub fn at(&self) -> u16 {
        self.x - self.start
    }

    /// Goes to this column of the row, forwards or back.
    pub fn to(&mut self, column: u16) -> &mut Self {
        self.x = self.start.saturating_add(column).min(self.end);
        self
    }

    /// Leaves `count` columns free.
    pub fn gap(&mut self, count: u16) -> &mut Self {
        self.x = self.x.saturating_add(count).min(self.end);
        self
    }

    /// Writes a text, cut with an ellipsis at the end of the row.
    pub fn put(&mut self, text: &str, role: Role) -> &mut Self {
        let safe = inert(text);
        let shown = cut(&safe, self.room());
        if !shown.is_empty() && self.x < self.end {
            // What stood there before leaves nothing of its look behind.
            let style = Style::reset().patch(self.theme.style(role));
            let (x, _) = self.buf.set_stringn(self.x, self.y, &shown, self.room(), style);
            self.x = x.min(self.end);
        }
        self
    }

    /// Writes a name in exactly `width` columns, cut with an ellipsis.
    pub fn left(&mut self, width: usize, text: &str, role: Role) -> &mut Self {
        let to = self.at().saturating_add(columns(width));
        let safe = inert(text);
        self.put(&cut(&safe, width), role);
        self.to(to)
    }

    /// Writes the name of a facility in exactly `width` columns, cut in the middle: what tells two apart may stand last.
    pub fn name(&mut self, width: usize, text: &str, role: Role) -> &mut Self {
        let to = self.at().saturating_add(columns(width));
        let safe = inert(text);
        self.put(&fit_middle(&safe, width.min(self.room())), role);
        self.to(to)
    }

    /// Writes a number to the right of `width` columns. No digit is cut: one that is too wide is shown as `###`, and
    /// the detail has it in full.
    pub fn right(&mut self, width: usize, text: &str, role: Role) -> &mut Self {
        let start = self.at();
        let safe = inert(text);
        let shown: &str = if crate::domain::text::width(&safe) <= width { &safe } else { &"###"[..width.min(3)] };
        self.gap(columns(width - crate::domain::text::width(shown)));
        if self.room() >= crate::domain::text::width(shown) {
            self.put(shown, role);
        }
        self.to(start.saturating_add(columns(width)))
    }

    /// Writes pieces so that they end with the row, one column free; nothing where they do not fit in what is left.
    pub fn close(&mut self, pieces: &[Piece<'_>]) {
        let wide: usize = pieces.iter().map(|(text, _)| width(&inert(text))).sum();
        if wide + 2 > self.room() {
            return;
        }
        self.x = self.end - columns(wide + 1);
        for (text, role) in pieces {
            self.put(text, *role);
        }
    }

    /// A bar of `width` columns, `share` of it filled. What is not nothing shows, what is not all leaves a gap.
    pub fn bar(&mut self, width: usize, share: f64) -> &mut Self {
        let filled = filled(width, share);
        for at in 0..width.min(self.room()) {
            let (symbol, role) = if at < filled { ("█", Role::Bar) } else { ("░", Role::Dim) };
            self.put(symbol, role);
        }
        self
    }
}

/// How many of `width` columns a share fills.
pub fn filled(width: usize, share: f64) -> usize {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    let wide = u32::try_from(width).unwrap_or(u32::MAX);
    // The largest count that is not more than the share, found without turning a float into an integer.
    (1..=wide).take_while(|count| f64::from(*count) <= share * f64::from(wide) + 1e-9).count()
}

/// `done` of `total` as a share; 0 of 0 is nothing.
pub fn share(done: usize, total: usize) -> f64 {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    if total == 0 { 0.0 } else { number(done) / number(total) }
}

/// `done` of `total` in whole percent, rounded down, so that 100 % is all.
pub fn percent(done: usize, total: usize) -> usize {
    done.saturating_mul(100).checked_div(total).unwrap_or(0)
}

/// A share in percent, rounded; `<1` for a little.
pub fn percent_of(share: f64) -> String {
    if share > 0.0 && share < 0.005 { "<1".to_owned() } else { format!("{:.0}", share * 100.0) }
}

/// A count with its thousands separated.
pub fn count(number: impl std::fmt::Display) -> String {
    crate::domain::value::grouped(&number.to_string())
}

/// A count, or `-` for none.
pub fn count_or_dash(number: impl Into<u64>) -> String {
    match number.into() {
        0 => "-".to_owned(),
        number => count(number),
    }
}

/// `1 change`, `2 changes`.
pub fn plural(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A text in at most `columns` columns, cut at the end with an ellipsis; a number the cut would shorten goes whole.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    let shown = fit(text, columns);
    let Cow::Owned(short) = &shown else { return shown };
    let kept = short.trim_end_matches('…');
    let number = |c: char| c.is_ascii_digit() || c == ',' || c == '.';
    if text[kept.len()..].starts_with(number) && kept.ends_with(|c: char| c.is_ascii_digit()) {
        return Cow::Owned(format!("{}…", kept.trim_end_matches(number)));
    }
    shown
}

/// A sentence in at most `columns` columns, cut between words so that no number loses a digit.
pub fn words(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    for word in text.split_inclusive(' ') {
        if width(&out) + width(word) + 1 > columns {
            break;
        }
        out.push_str(word);
    }
    if columns > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

/// A sentence in at most `columns` columns. Where its last part says what is left, that stays and the rest is shortened from its
/// middle, so that its beginning and the end of its name are seen; else the beginning stays.
pub fn keep_end(text: &str, columns: usize) -> Cow<'_, str> {
    match text.rsplit_once("; ") {
        Some((start, end)) if end.contains("left") && width(text) > columns && width(end) + 12 <= columns => {
            Cow::Owned(format!("{}; {end}", named(start, columns - width(end) - 2)))
        }
        _ => words(text, columns),
    }
}

/// What was done to a name, with the name shortened from its middle. A number before it is never cut.
fn named(text: &str, columns: usize) -> Cow<'_, str> {
    let mut behind = 0;
    let mut at = 0;
    for word in text.split_inclusive(' ') {
        at += word.len();
        let number = word.trim_end().chars().all(|c| c.is_ascii_digit() || c == ',');
        if behind == 0 || number {
            behind = at;
        }
    }
    let (done, name) = text.split_at(behind);
    match columns.checked_sub(width(done)) {
        Some(room @ SHORTEST_NAME..) => Cow::Owned(format!("{done}{}", fit_middle(name, room))),
        _ => words(text, columns),
    }
}

/// Fewest columns in which a name says anything.
const SHORTEST_NAME: usize = 8;

/// A text in lines of at most `columns` columns, broken between words; a longer word is broken where it must be.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if columns == 0 {
        return lines;
    }
    let mut line = String::new();
    for word in text.split(' ') {
        let gap = usize::from(!line.is_empty());
        if width(&line) + gap + width(word) > columns && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        for c in word.chars() {
            line.push(c);
            if width(&line) > columns {
                line.pop();
                lines.push(std::mem::replace(&mut line, c.to_string()));
            }
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn drawn(columns: u16, draw: impl FnOnce(&mut Pen<'_>)) -> String {
        let mut buf = Buffer::empty(Rect::new(0, 0, columns, 1));
        let area = buf.area;
        draw(&mut Canvas::new(&mut buf, Theme::default()).pen(area, 0));
        buf.content.iter().map(ratatui::buffer::Cell::symbol).collect()
    }

    #[test]
    fn no_digit_is_cut() {
        assert_eq!(drawn(12, |pen| _ = pen.right(9, "1,310.5", Role::Text)), "  1,310.5   ");
        assert_eq!(drawn(12, |pen| _ = pen.right(6, "1,310.5", Role::Text)), "   ###      ");
        assert_eq!(drawn(5, |pen| _ = pen.right(9, "1,310.5", Role::Text)), "     ");
        assert_eq!(cut("Area 25 HC", 7), "Area …");
        assert_eq!(cut("Area 25 HC", 8), "Area 25…");
        assert_eq!(words("sum of 12,345 and 67,890", 20), "sum of 12,345 and …");
        assert_eq!(words("sum of 12,345 and 67,890", 12), "sum of …");
        assert_eq!(
            keep_end("undone: approved 8,744 in all facilities; 9 left in all", 40),
            "undone: approved 8,744 …; 9 left in all"
        );
        let said = "approved all 1,010 without a flag in admissions_in_quarter; left: 23 REVIEW, 10 STOP";
        assert_eq!(keep_end(said, 68), "approved all 1,010 without a f…_in_quarter; left: 23 REVIEW, 10 STOP");
        let said = keep_end("approved opd_under5 of Matope South HC; nothing left", 40).into_owned();
        assert!(
            said.starts_with("approved opd_") && said.ends_with(" HC; nothing left") && width(&said) == 40,
            "{said}"
        );
    }

    #[test]
    fn a_pen_stays_on_its_row() {
        assert_eq!(drawn(6, |pen| _ = pen.put("abcdefgh", Role::Text).put("x", Role::Text)), "abcde…");
        assert_eq!(drawn(3, |pen| _ = pen.put("診療所", Role::Text)), "診 …");
        assert_eq!(drawn(8, |pen| _ = pen.put("a\u{1b}b", Role::Text)), "a<1B>b  ");
        assert_eq!(drawn(9, |pen| pen.close(&[piece("u", Role::Key), piece(" undo", Role::Text)])), "  u undo ");
        assert_eq!(drawn(6, |pen| pen.close(&[piece("u undo", Role::Text)])), "      ");
    }

    #[test]
    fn a_bar_shows_a_little_only_when_there_is_some() {
        assert_eq!(drawn(4, |pen| _ = pen.bar(4, 0.5)), "██░░");
        assert_eq!(drawn(4, |pen| _ = pen.bar(4, 1.0)), "████");
        assert_eq!(drawn(4, |pen| _ = pen.bar(4, 0.99)), "███░");
        assert_eq!(drawn(4, |pen| _ = pen.bar(4, f64::NAN)), "░░░░");
        assert_eq!((percent(5911, 5912), percent(3, 0)), (99, 0));
    }

    proptest! {
        #[test]
        fn wrapped_lines_fit_and_keep_every_letter(text in "[a-z0-9, 診é]{0,60}", columns in 2_usize..30) {
            let lines = wrap(&text, columns);
            prop_assert!(lines.iter().all(|line| width(line) <= columns), "{lines:?}");
            let letters = |s: &str| s.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }

        #[test]
        fn cut_sentences_fit(text in "\\PC{0,40}", columns in 0_usize..40) {
            prop_assert!(width(&words(&text, columns)) <= columns);
            prop_assert!(width(&keep_end(&text, columns)) <= columns);
        }
    }
}
