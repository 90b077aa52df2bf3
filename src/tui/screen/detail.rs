//! What is behind the cell under the cursor: full names, the sentence of every flag, both values in full, the category
//! options with their share. The most needed comes first, since a low window shows the beginning only.

use ratatui::layout::Rect;

use super::{
    facilities::flag_role,
    months::{Made, is_month, part_name, part_value},
    word_diff::{in_lines, word_diff},
};
use crate::{
    domain::{
        flags::told,
        history::Series,
        ledger::Verdict,
        plan::{Cell, Kind, State},
        text::{inert, width},
        value::{Number, change, grouped},
    },
    job::report::{Detail, PartLine},
    tui::{
        layout::{Layout, Shape},
        model::{Behind, Model, Review},
        parts::{Canvas, Piece, columns, cut, percent_of, piece, words, wrap},
        table::{Shown, USUAL},
        theme::Role,
    },
};

/// Columns of a bar that shows a share, and of one in the third pane.
const BARS: (usize, usize) = (16, 10);
/// Columns of a share in percent with the free one before it, and of a usual one.
const SHARE: usize = 6;
const USUAL_SHARE: usize = 9;
/// How far the part a row is of the value lies from the usual one where that is said beside it.
const UNLIKE: f64 = 0.1;
/// Fewest options a table is worth its heading for.
const FEWEST: usize = 3;

/// A line of the detail.
type Line = Vec<Piece<'static>>;

/// Draws the detail of a cell; answers how many lines of the area it took.
pub(super) fn draw(model: &Model, review: &Review, cell: Cell, area: Rect, canvas: &mut Canvas<'_>) -> u16 {
    let layout = model.layout();
    let indent = if area.width >= 70 && layout.body.width >= 120 { 2 } else { 1 };
    // The last column stays free for the sign that there is more.
    let room = usize::from(area.width.saturating_sub(indent + 1));
    let folded = layout.detail.height <= 2;
    let sheet = Sheet { review, cell, room };
    let lines = if folded {
        sheet.folded(area.height.into())
    } else if area.width >= 50 && layout.body.width >= 120 {
        sheet.table(area.height.into(), &layout)
    } else {
        sheet.flow()
    };
    let inner = Rect { x: area.x + indent, width: area.width.saturating_sub(indent), ..area };
    let total = lines.len();
    for (row, line) in (0..inner.height).zip(lines) {
        let last = row + 1 == inner.height && total > usize::from(inner.height);
        canvas.line(inner, row, &line);
        if last {
            canvas.pen(inner, row).to(inner.width.saturating_sub(1)).put("…", Role::Dim);
        }
    }
    columns(total).min(inner.height)
}

/// What the lines are made from.
struct Sheet<'a> {
    review: &'a Review,
    cell: Cell,
    /// Columns of a line.
    room: usize,
}

impl Sheet<'_> {
    /// The detail in one or two lines: the sentence, then the category options.
    fn folded(&self, height: usize) -> Vec<Line> {
        let flags = self.review.plan.flags(self.cell);
        let mut line = match flags.first() {
            Some(flag) => {
                let word = format!("{}: ", flag.severity.word());
                let said = inert(&flag.sentence);
                let said = words(&said, self.room.saturating_sub(width(&word))).into_owned();
                vec![piece(word, flag_role(flag.severity)), piece(said, Role::Text)]
            }
            None => vec![piece(self.full_name(), Role::Strong)],
        };
        // The last quarters where the line has room for all of them: a number is never cut.
        if let Some(last) = self.history().into_iter().next()
            && wide(&line) + 2 + width(&last.0) <= self.room
        {
            line.extend([piece("  ", Role::Text), last]);
        }
        let mut lines = vec![line];
        if height > 1 {
            lines.extend(self.options_flow(Vec::new()).into_iter().take(1));
        }
        lines
    }

    /// The detail of a narrow pane: names, sentences, then the options one after the other.
    fn flow(&self) -> Vec<Line> {
        let mut lines = vec![vec![piece(self.full_name(), Role::Strong)]];
        self.flags(&mut lines, true);
        self.noted(&mut lines);
        self.values(&mut lines);
        self.history_flow(&mut lines);
        // The options go on behind the quarters.
        let last = if self.history().is_empty() { None } else { lines.pop() };
        lines.extend(self.options_flow(last.unwrap_or_default()));
        self.decision(&mut lines);
        self.notes(&mut lines);
        self.title(&mut lines);
        self.source(&mut lines);
        lines
    }

    /// The detail of a wide pane: the options as a table with a bar.
    fn table(&self, height: usize, layout: &Layout) -> Vec<Line> {
        let quarter = self.review.plan.quarter(self.cell);
        let mut lines = vec![vec![piece(self.full_name(), Role::Strong), piece(format!(", {quarter}"), Role::Dim)]];
        self.title(&mut lines);
        self.flags(&mut lines, false);
        self.noted(&mut lines);
        self.history_flow(&mut lines);
        self.decision(&mut lines);
        self.values(&mut lines);
        let mut after = Vec::new();
        self.notes(&mut after);
        match self.behind() {
            Ok(detail) => {
                let space = usize::from(lines.len() + detail.parts.len() + 4 + after.len() <= height);
                let room = height.saturating_sub(lines.len() + space + 2);
                if detail.parts.len().min(FEWEST) > room {
                    lines.extend(self.options_flow(Vec::new()));
                } else if !detail.parts.is_empty() {
                    lines.extend((0..space).map(|_| Vec::new()));
                    self.options_table(detail, room, &mut lines);
                }
            }
            Err(line) => lines.push(line),
        }
        lines.append(&mut after);
        self.source(&mut lines);
        if layout.shape == Shape::Three {
            lines.push(Vec::new());
            self.ids(&mut lines);
        }
        lines
    }

    /// The property's whole name, as the mapping has it.
    fn full_name(&self) -> String {
        let name = &self.review.plan.property(self.cell.property).name;
        cut(&inert(name), self.room).into_owned()
    }

    /// What DHIS2 calls it.
    fn title(&self, lines: &mut Vec<Line>) {
        let property = self.review.plan.property(self.cell.property);
        let title = if property.title.is_empty() { &property.element_name } else { &property.title };
        if !title.is_empty() {
            lines.push(vec![piece(cut(&inert(title), self.room).into_owned(), Role::Dim)]);
        }
    }

    /// Every flag with its sentence; where room is short, the whole sentence of the worst only.
    fn flags(&self, lines: &mut Vec<Line>, short: bool) {
        for (number, flag) in self.review.plan.flags(self.cell).iter().enumerate() {
            let word = flag.severity.word();
            let indent = width(word) + 2;
            let said = inert(&flag.sentence);
            let room = self.room.saturating_sub(indent);
            let said = if short && number > 0 { vec![words(&said, room).into_owned()] } else { wrap(&said, room) };
            for (at, text) in said.into_iter().enumerate() {
                let lead = if at == 0 { format!("{word}  ") } else { " ".repeat(indent) };
                lines.push(vec![piece(lead, flag_role(flag.severity)), piece(text, Role::Text)]);
            }
        }
    }

    /// What a person noted on the cell.
    fn note(&self) -> Option<String> {
        self.review.ledger.note(self.cell).map(|note| format!("note: {}", inert(note)))
    }

    /// The same, in lines.
    fn noted(&self, lines: &mut Vec<Line>) {
        let noted = self.note().map_or_else(Vec::new, |note| wrap(&note, self.room));
        lines.extend(noted.into_iter().map(|text| vec![piece(text, Role::Text)]));
    }

    /// What the cell asks for, or the reason that was given.
    fn decision(&self, lines: &mut Vec<Line>) {
        let plan = &self.review.plan;
        let verdict = self.review.ledger.verdict(plan, self.cell);
        if let Some(reason) = self.review.ledger.reason(self.cell) {
            let verdict = match verdict {
                Some(Verdict::Approve) => "approved",
                Some(Verdict::Zero) => "0 approved",
                Some(Verdict::Reject) => "rejected",
                None => "decided",
            };
            let text = format!("{verdict}: {}", inert(reason));
            lines.extend(wrap(&text, self.room).into_iter().map(|text| vec![piece(text, Role::Text)]));
        } else if verdict.is_none() && plan.may_be_zero(self.cell) {
            let text = "(0?): the report is complete without this number, and DHIS2 keeps no 0 of it. 0 writes 0, r keeps the old \
                        value";
            lines.extend(wrap(text, self.room).into_iter().map(|text| vec![piece(text, Role::Dim)]));
        } else if verdict.is_none()
            && self.review.ledger.asks_reason(plan, self.cell)
            && plan.kind(self.cell) == Kind::Change
        {
            lines.push(vec![piece("a needs a reason here; r does not", Role::Dim)]);
        }
    }

    /// Both values in full where a row may not show them: wide numbers, texts, and what is not proposed.
    fn values(&self, lines: &mut Vec<Line>) {
        let plan = &self.review.plan;
        let (old, held) = (plan.old(self.cell), plan.held(self.cell));
        let number = |text: Option<&str>| text.is_none_or(|text| text.is_empty() || Number::parse(text).is_some());
        if !number(old) || !number(held) {
            lines.extend(self.text_change(old.unwrap_or(""), held));
            return;
        }
        let shown = Shown::of(plan, &self.review.ledger, self.cell).widths();
        if shown.or(USUAL) != USUAL {
            let old = old.map_or_else(|| "not set".to_owned(), grouped);
            let words = || plan.state(self.cell).words().to_owned();
            let new = plan.new_value(self.cell).map_or_else(words, |new| plan.dated(self.cell, new));
            let by = change(plan.old(self.cell), plan.new_value(self.cell)).unwrap_or_default();
            let text = format!("{old} → {new}   {by}");
            lines.extend(wrap(text.trim_end(), self.room).into_iter().map(|text| vec![piece(text, Role::Text)]));
        }
    }

    /// Words that changed; a text in a number field as it stands.
    fn text_change(&self, old: &str, held: Option<&str>) -> Vec<Line> {
        let plan = &self.review.plan;
        match held {
            Some(text) if plan.state(self.cell) == State::NonNumeric => {
                let text = format!("not a number, so nothing is proposed: \"{}\"", inert(text));
                wrap(&text, self.room).into_iter().map(|text| vec![piece(text, Role::Text)]).collect()
            }
            Some(new) => in_lines(word_diff(&inert(old), &inert(new)), self.room),
            None => wrap(&format!("the case holds \"{}\"", inert(old)), self.room)
                .into_iter()
                .map(|text| vec![piece(text, Role::Text)])
                .collect(),
        }
    }

    /// What earlier quarters tell, most wanted first; nothing while that is not known and where it was not asked for.
    fn history(&self) -> Vec<Piece<'static>> {
        let series = self.behind().ok().and_then(|detail| detail.history.as_ref());
        let role = |series: &Series| if series.reported_count() == 0 { Role::Dim } else { Role::Text };
        let told = |series: &Series| told(&self.review.plan, self.cell, series);
        let pieces = |series: &Series| told(series).into_iter().map(|text| piece(text, role(series))).collect();
        series.map_or_else(Vec::new, pieces)
    }

    /// `last 4: 121 115 119 108    a year ago 124    usual 118    spread 13 %    18.9 spreads away, ratio 10.1`, in as few lines as
    /// there can be, and there as far apart as there is room.
    fn history_flow(&self, lines: &mut Vec<Line>) {
        let pieces = self.history();
        let ways = [4, 3, 2].map(|gap| self.spaced(&pieces, gap));
        lines.extend(ways.into_iter().min_by_key(Vec::len).unwrap_or_default());
    }

    /// Pieces with so many columns between them, broken between them where that goes.
    fn spaced(&self, pieces: &[Piece<'static>], gap: usize) -> Vec<Line> {
        let (mut lines, mut line) = (Vec::new(), Line::new());
        for (text, role) in pieces {
            let room = self.room.saturating_sub(wide(&line) + gap);
            if !line.is_empty() && width(text) > room {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(piece(" ".repeat(gap), Role::Text));
            }
            let mut parts = wrap(text, self.room).into_iter();
            line.extend(parts.next().map(|part| piece(part, *role)));
            for part in parts {
                lines.push(std::mem::replace(&mut line, vec![piece(part, *role)]));
            }
        }
        lines.extend((!line.is_empty()).then_some(line));
        lines
    }

    /// What is behind the cell, or a line that says why it is not here.
    fn behind(&self) -> Result<&Detail, Line> {
        match &self.review.behind {
            Behind::Here(detail) if detail.cell == self.cell => Ok(detail),
            Behind::Failed(cell, why) if *cell == self.cell => {
                let why = format!("category options: {}", inert(why));
                Err(vec![piece(cut(&why, self.room).into_owned(), Role::Stop)])
            }
            _ => Err(vec![piece("reading the category options …", Role::Dim)]),
        }
    }

    /// `Female, under 5 640 (usually 50 %)   Male, under 5 402` behind what is on the line already, broken between options.
    fn options_flow(&self, mut line: Line) -> Vec<Line> {
        let detail = match self.behind() {
            Ok(detail) => detail,
            Err(line) => return vec![line],
        };
        let mut lines = Vec::new();
        let mut used = wide(&line);
        if let Some(made) = self.made(detail) {
            let gap = if used > 0 { "   " } else { "" };
            let text = format!("{gap}{}", made.words);
            used += width(&text);
            line.push(piece(text, Role::Strong));
        }
        for part in &detail.parts {
            // A month alone is a number beside a number.
            let colon = if is_month(part) { ":" } else { "" };
            let name = part_name(part) + colon;
            let value = part_value(part);
            let mark = if part.follow_up { " follow-up" } else { "" };
            let usual = self.unlike(detail, part).unwrap_or_default();
            // It stands back where the name would not be whole.
            let fits = width(&name) + width(&value) + width(mark) + width(&usual) < self.room;
            let usual = if fits { usual } else { String::new() };
            let tail = width(&value) + width(mark) + width(&usual) + 1;
            let name = cut(&name, self.room.saturating_sub(tail)).into_owned();
            let columns = width(&name) + tail;
            if used > 0 && used + 3 + columns > self.room {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(piece("   ", Role::Text));
                used += 3;
            }
            used += columns;
            line.extend([piece(name, Role::Dim), piece(format!(" {value}"), Role::Text), piece(usual, Role::Dim)]);
            line.push(piece(mark, Role::Review));
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }

    /// How the value was made of months, where it was.
    fn made(&self, detail: &Detail) -> Option<Made> {
        Made::of(&self.review.plan, self.cell, &detail.parts)
    }

    /// What part of the whole value a row is; `None` where that says nothing.
    fn share(&self, made: Option<&Made>, part: &PartLine) -> Option<f64> {
        let total = Number::parse(self.review.plan.held(self.cell)?)?.approx();
        let counts = made.is_none_or(|made| made.is_part(part));
        let share = part.value.as_deref().filter(|_| counts).and_then(Number::parse)?.approx() / total;
        Some(share).filter(|share| (0.0..=1.0).contains(share))
    }

    /// ` (usually 50 %)` behind a row that is another part of the value than usual.
    fn unlike(&self, detail: &Detail, part: &PartLine) -> Option<String> {
        let (usual, share) = (part.usual?, self.share(self.made(detail).as_ref(), part)?);
        ((share - usual).abs() > UNLIKE).then(|| format!(" (usually {} %)", percent_of(usual)))
    }

    /// Option, value, share and usual share, one to a line, at most `room` of them; then the sum.
    fn options_table(&self, detail: &Detail, room: usize, lines: &mut Vec<Line>) {
        let values: Vec<String> = detail.parts.iter().map(part_value).collect();
        let sum = self.review.plan.held(self.cell).map(grouped).unwrap_or_default();
        let wide = values.iter().map(|value| width(value)).chain([width(&sum), 8]).max().unwrap_or(8);
        let (usual, narrow) = (detail.parts.iter().any(|part| part.usual.is_some()), self.room < 60);
        // Names are more than bars.
        let (bar_width, mark) = match (narrow, usual) {
            (true, true) => (0, "  !"),
            (true, false) => (BARS.1, "  !"),
            _ => (BARS.0, "  follow-up"),
        };
        let share_width = bar_width + SHARE;
        let usual_width = if usual { USUAL_SHARE } else { 0 };
        let name = self.room.saturating_sub(wide + 3 + share_width + usual_width + width(mark)).clamp(8, 36);
        let shares =
            if usual { format!("{:<share_width$}{:>usual_width$}", "share", "usual") } else { "share".to_owned() };
        let heading = format!("{}{:>wide$}   {shares}", pad("category option", name), "value");
        lines.push(vec![piece(heading, Role::Heading)]);
        let made = self.made(detail);
        let shown = if detail.parts.len() > room { room.saturating_sub(1) } else { detail.parts.len() };
        for (part, value) in detail.parts.iter().zip(&values).take(shown) {
            let text = format!("{}{value:>wide$}   ", pad(&part_name(part), name));
            let mut line = vec![piece(text, Role::Text)];
            match self.share(made.as_ref(), part) {
                Some(share) => line.extend(bar(share, bar_width)),
                None if usual => line.push(piece(" ".repeat(share_width), Role::Text)),
                None => {}
            }
            if usual {
                let share = part.usual.map(|share| format!("{} %", percent_of(share))).unwrap_or_default();
                line.push(piece(format!("{share:>usual_width$}"), Role::Dim));
            }
            if part.follow_up {
                line.push(piece(mark, Role::Review));
            }
            lines.push(line);
        }
        if detail.parts.len() > shown {
            let more = format!("… {} more", detail.parts.len() - shown);
            lines.push(vec![piece(more, Role::Dim)]);
        }
        if !sum.is_empty() && Number::parse(self.review.plan.held(self.cell).unwrap_or("")).is_some() {
            let what = made.as_ref().map_or("sum", |made| made.words.as_str());
            lines.push(vec![piece(format!("{}{sum:>wide$}", pad(what, name)), Role::Strong)]);
        }
    }

    /// What clerks wrote beside the values.
    fn notes(&self, lines: &mut Vec<Line>) {
        let Ok(detail) = self.behind() else { return };
        for part in &detail.parts {
            if let Some(comment) = part.comment.as_deref().filter(|c| !c.trim().is_empty()) {
                let text = format!("{}: \"{}\"", part_name(part), inert(comment));
                lines.extend(wrap(&text, self.room).into_iter().map(|text| vec![piece(text, Role::Text)]));
            }
        }
    }

    /// Which data set it is from.
    fn source(&self, lines: &mut Vec<Line>) {
        let property = self.review.plan.property(self.cell.property);
        let name = if property.data_set_name.is_empty() { &property.data_set } else { &property.data_set_name };
        let text = format!("data set {}", inert(name));
        lines.push(vec![piece(cut(&text, self.room).into_owned(), Role::Dim)]);
    }

    /// Ids, and who entered the values.
    fn ids(&self, lines: &mut Vec<Line>) {
        let plan = &self.review.plan;
        let (property, facility) = (plan.property(self.cell.property), plan.facility(self.cell.facility));
        let mut say = |name: &str, text: &str| {
            if !text.is_empty() {
                let text = cut(&inert(text), self.room.saturating_sub(14)).into_owned();
                lines.push(vec![piece(format!("{name:<14}"), Role::Dim), piece(text, Role::Text)]);
            }
        };
        say("data element", &property.data_element);
        say("", &property.element_name);
        say("data set", &property.data_set);
        say("org unit", &facility.external_id);
        say("", facility.unit_name.as_deref().unwrap_or(""));
        say("case", &facility.case_id);
        say("mapping line", &property.line.to_string());
        let Ok(detail) = self.behind() else { return };
        if let Some(part) = detail.parts.iter().max_by(|a, b| a.last_updated.cmp(&b.last_updated)) {
            let when = part.last_updated.as_deref().and_then(|at| at.get(..10)).unwrap_or("");
            let who = part.stored_by.as_deref().map(|who| format!(" by {who}")).unwrap_or_default();
            say("entered", format!("{when}{who}").trim());
        }
    }
}

/// Columns of these pieces.
fn wide(line: &[Piece<'_>]) -> usize {
    line.iter().map(|(text, _)| width(text)).sum()
}

/// A bar with its percent.
fn bar(share: f64, columns: usize) -> Line {
    let filled = crate::tui::parts::filled(columns, share);
    vec![
        piece("█".repeat(filled), Role::Bar),
        piece("░".repeat(columns - filled), Role::Dim),
        piece(format!(" {:>3} %", percent_of(share)), Role::Text),
    ]
}

/// A name in exactly `columns` columns.
fn pad(name: &str, columns: usize) -> String {
    let short = cut(name, columns.saturating_sub(1));
    format!("{short}{}", " ".repeat(columns.saturating_sub(width(&short))))
}

#[cfg(test)]
mod tests;
