//! One frame: the tabs, where we are, the body of the screen, the status line, the keys. Reads the model and changes
//! nothing; what a frame costs does not depend on the number of facilities.

use std::borrow::Cow;

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
};
use tui_input::Input;

use super::{
    Screen, datasets, facilities, help, log, overview, picks, properties, reading, sending, small, submit, whole,
};
use crate::{
    domain::text::{inert, width},
    job::{reach::Finer, report::Level},
    tui::{
        hit,
        keymap::{self, Action, Bound, Scope, TABLE},
        layout::{Layout, Shape},
        model::{Ask, Choosing, Model, Over, Review, Stage, Zeros},
        parts::{Canvas, Piece, columns, count, keep_end, piece, wrap},
        theme::{Role, Theme},
    },
};

/// Draws a frame. Answers where the terminal's own cursor belongs: in an open prompt, else nowhere.
pub fn draw(model: &Model, buf: &mut Buffer) -> Option<Position> {
    let theme = Theme::new(model.look.theme, model.look.ascii);
    let layout = model.layout();
    let mut canvas = Canvas::new(buf, theme);
    let caret = if layout.shape == Shape::TooSmall {
        small::draw(&mut canvas, layout.body);
        None
    } else {
        frame(model, &layout, &mut canvas)
    };
    theme.finish(buf);
    caret
}

fn frame(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) -> Option<Position> {
    header(model, layout, canvas);
    canvas.rule(layout.body.y.saturating_sub(1));
    canvas.rule(layout.body.bottom());
    let caret = body(model, layout, canvas);
    if let Some(ask) = &model.ask {
        return question(model, ask, layout, canvas);
    }
    status(model, layout, canvas);
    footer(model, layout, canvas);
    caret
}

fn body(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) -> Option<Position> {
    match &model.over {
        Some(Over::Help { input, rows }) => return help::draw(model, input, rows, layout, canvas),
        Some(Over::Log { top }) => log::messages(&model.log, *top, layout.body, canvas),
        Some(Over::Picks { picks: words, rows }) => picks::draw(words, rows, layout.body, canvas),
        Some(Over::Changes(changes)) => picks::changes(model, changes, layout.body, canvas),
        Some(Over::Lines { lines, top, .. }) => log::lines(lines, *top, layout.body, canvas),
        None => match (model.screen, &model.review) {
            (Screen::Submit, _) => return submit::draw(model, layout, canvas),
            (Screen::DataSets, _) => datasets::draw(model, layout, canvas),
            (Screen::Overview, _) if model.reading.is_some() => reading::draw(model, layout.body, canvas),
            (Screen::Overview, Some(review)) => overview::draw(model, review, layout, canvas),
            (Screen::Properties, Some(review)) => properties::draw(model, review, layout, canvas),
            (Screen::Facilities, Some(review)) => facilities::draw(model, review, layout, canvas),
            (_, None) => reading::none(model, layout.body, canvas),
        },
    }
    None
}

/// The tabs, or where panes are stacked the open one with its counts; below them where we are.
fn header(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let line = layout.header;
    let mut pen = canvas.pen(line, 0);
    for tab in hit::tabs(model, layout) {
        let role = if tab.screen == model.screen { Role::Tab } else { Role::Text };
        pen.to(tab.x - line.x).put(&tab.text, role).gap(2);
    }
    if layout.shape == Shape::Stacked {
        for (text, role) in short_place(model) {
            pen.put(&text, role);
        }
    }
    pen.close(&hit::corner(model).map(|(text, role)| piece(text, role)));
    if line.height > 1 {
        second(model, line, canvas);
    }
}

/// Counts beside the tab where there is no second line.
fn short_place(model: &Model) -> Vec<Piece<'static>> {
    match (model.screen, &model.review) {
        (Screen::Facilities, Some(review)) => facilities::short_place(review),
        (Screen::Properties, Some(review)) => properties::short_place(review),
        (Screen::DataSets, _) => datasets::short_place(model),
        _ => Vec::new(),
    }
}

/// The second line.
fn second(model: &Model, line: Rect, canvas: &mut Canvas<'_>) {
    let mut pen = canvas.pen(line, 1);
    pen.gap(1);
    match (&model.over, model.screen, &model.review) {
        (Some(Over::Help { .. }), ..) => {
            pen.put("Help for ", Role::Text).put(model.screen.title(), Role::Strong);
        }
        (Some(Over::Log { .. }), ..) => _ = pen.put("Messages, newest first", Role::Strong),
        (Some(Over::Picks { .. }), ..) => {
            _ = pen.put("Flags, states and marks to show; counts of the whole review", Role::Strong);
        }
        (Some(Over::Changes(changes)), ..) => _ = pen.put(&changes.title, Role::Strong),
        (Some(Over::Lines { title, .. }), ..) => _ = pen.put(title, Role::Strong),
        (None, Screen::Submit, _) => match &model.submit.stage {
            Stage::Sending(sent) | Stage::Ended(sent) => sending::place(model, sent, &mut pen),
            _ => submit::place(model, &mut pen),
        },
        (None, Screen::Properties, Some(review)) => properties::place(review, &mut pen),
        (None, Screen::Facilities, Some(review)) => facilities::place(review, &mut pen),
        (None, Screen::DataSets, _) => datasets::place(model, &mut pen),
        _ => overview::place(model, &mut pen),
    }
}

/// What was done and what was left, and the key that takes it back.
fn status(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    if layout.status.height == 0 {
        return;
    }
    let key = model.keys.key(Action::Undo);
    let undo = if can_undo(model) { 7 + width(key) } else { 0 };
    let (text, role) = newest(model);
    let room = usize::from(layout.status.width).saturating_sub(2 + undo);
    let mut pen = canvas.pen(layout.status, 0);
    pen.gap(1).put(&keep_end(&text, room), role);
    if undo > 0 {
        pen.close(&[piece(key, Role::Key), piece(" undo", Role::Text)]);
    }
}

/// Whether the status line ends with the key that takes back.
pub(in crate::tui) fn can_undo(model: &Model) -> bool {
    matches!(model.screen, Screen::Overview | Screen::Properties | Screen::Facilities)
        && model.over.is_none()
        && keymap::why_not(model, Action::Undo).is_none()
}

/// The newest message; while a decision is not on disk yet, that.
pub(in crate::tui) fn newest(model: &Model) -> (Cow<'_, str>, Role) {
    if model.review.as_ref().is_some_and(Review::is_saving) {
        return (Cow::Borrowed("saving"), Role::Review);
    }
    match (model.status(), &model.review) {
        // Why a key did nothing is said in the help too.
        (Some(line), _) if line.level != Level::Ok => {
            (inert(line.text.lines().next().unwrap_or("")), level_role(line.level))
        }
        _ if matches!(model.over, Some(Over::Help { .. })) => {
            (Cow::Borrowed("keys can be changed in config.toml under [keys]"), Role::Text)
        }
        (Some(line), _) => (inert(line.text.lines().next().unwrap_or("")), level_role(line.level)),
        (None, Some(review)) if model.screen == Screen::Properties && model.over.is_none() => {
            (Cow::Owned(whole::sum_in_status(review, model.size.1).unwrap_or_default()), Role::Text)
        }
        _ => (Cow::Borrowed(""), Role::Text),
    }
}

/// How a level looks.
pub(super) fn level_role(level: Level) -> Role {
    match level {
        Level::Ok => Role::Text,
        Level::Look => Role::Review,
        Level::Stop => Role::Stop,
    }
}

/// The keys that can be pressed now. Where the window has no row for it, the status stands before them.
fn footer(model: &Model, layout: &Layout, canvas: &mut Canvas<'_>) {
    let line = layout.footer;
    let mut pen = canvas.pen(line, 0);
    pen.gap(1);
    if let Some((text, role)) = hit::lead(model, layout) {
        pen.put(&text, role);
    }
    for key in hit::keys(model, layout) {
        pen.to(key.x - line.x).put(key.hint.keys, Role::Key).gap(1).put(key.hint.label, Role::Text);
    }
}

/// A question or prompt in the lines at the bottom: the words end above the last line, where the answer stands. Words
/// that need more lines than there are take the rule's.
fn question(model: &Model, ask: &Ask, layout: &Layout, canvas: &mut Canvas<'_>) -> Option<Position> {
    let line = layout.footer;
    let narrow = line.width < 80;
    match ask {
        Ask::Bulk(bulk) => {
            let gap = if bulk.stays.is_empty() { "" } else { "   " };
            asked(canvas, line, "", &format!("{}{gap}{}", bulk.question, bulk.stays), Role::Question);
            answer(canvas, line, &bulk.yes, "any other key: no", &undoes(model));
            None
        }
        Ask::Zeros(zeros) => {
            let gap = if zeros.stays.is_empty() { "" } else { "   " };
            asked(canvas, line, "", &format!("{}{gap}{}", zeros.question, zeros.stays), Role::Question);
            choice(model, canvas, line, zeros);
            None
        }
        Ask::Finer(asked) => {
            asked_of(canvas, line, asked);
            None
        }
        Ask::Sort => {
            sorts(model, canvas, line);
            None
        }
        Ask::Note { label, input, .. } => {
            asked(canvas, line, "", &format!("Note on {label}:"), Role::Question);
            prompt(canvas, line, "", input, if narrow { "esc no" } else { "enter keep  esc no" })
        }
        Ask::Leave => {
            let text = "Forms are being sent. Leave all the same? It stops after the form under way, and leaves then.";
            sure(canvas, line, text, ("leave", "any other key: stay"))
        }
        Ask::Sure { question, yes, .. } => sure(canvas, line, question, (yes, "any other key: no")),
        Ask::Words { question, input, .. } => {
            asked(canvas, line, "", question, Role::Question);
            prompt(canvas, line, "", input, if narrow { "esc no" } else { "enter take it  esc no" })
        }
        Ask::Reason { sentence, input, .. } => {
            let text = format!("  {sentence}.   Reason to approve it all the same:");
            asked(canvas, line, "STOP", &text, Role::Question);
            prompt(canvas, line, "", input, if narrow { "esc no" } else { "enter approve  esc no" })
        }
        Ask::Settle { name, statements, input, .. } => {
            let text = format!(" {statements}.   Reason that settles it for {name}:");
            asked(canvas, line, "STOP", &text, Role::Question);
            prompt(canvas, line, "", input, if narrow { "esc no" } else { "enter settle  esc no" })
        }
        Ask::Filter { input, wrong } => {
            match wrong {
                Some(wrong) => asked(canvas, line, "", wrong, Role::Stop),
                None => asked(canvas, line, "", filter_words(model), Role::Text),
            }
            prompt(canvas, line, "/ ", input, if narrow { "esc no" } else { "enter filter  esc no" })
        }
    }
}

/// A question of which `y` is the only yes; it needs no cursor.
fn sure(canvas: &mut Canvas<'_>, line: Rect, question: &str, (yes, no): (&str, &str)) -> Option<Position> {
    asked(canvas, line, "", question, Role::Question);
    answer(canvas, line, yes, no, "");
    None
}

/// Most lines the words of a question take.
const MOST_LINES: u16 = 4;

/// The words of a question above the last line of the window, after a sign where there is one.
fn asked(canvas: &mut Canvas<'_>, footer: Rect, sign: &str, text: &str, role: Role) {
    let said = format!("{sign}{}", inert(text));
    let lines = wrap(&said, footer.width.saturating_sub(2).into());
    let height = u16::try_from(lines.len()).unwrap_or(MOST_LINES).clamp(1, MOST_LINES).min(footer.y);
    let area = Rect { y: footer.y - height, height, ..footer };
    canvas.blank(area);
    canvas.rule(area.y.saturating_sub(1));
    for (row, line) in (0..height).zip(&lines) {
        canvas.pen(area, row).gap(1).put(line, role);
    }
    canvas.pen(area, 0).gap(1).put(sign, Role::Stop);
}

fn filter_words(model: &Model) -> &'static str {
    match model.layout().shape {
        Shape::Stacked => "Words of names and ids; is:left flag:T4 change>50%",
        Shape::Three => {
            "Words of names and ids; prop:beds is:left is:stop flag:T4 state:not_reported change>50% change<1,000 usual>3 old:0 new:0 \
             note:; -word is not"
        }
        _ => "Words of names, ids; prop:beds is:left flag:T4 change>50% usual>3 old:0; -word",
    }
}

fn answer(canvas: &mut Canvas<'_>, line: Rect, yes: &str, no: &str, end: &str) {
    let mut pen = canvas.pen(line, 0);
    pen.gap(1).put("y", Role::Key).gap(1).put(yes, Role::Strong).gap(4).put(no, Role::Text);
    pen.close(&[piece(end, Role::Dim)]);
}

/// `0 write 0 for 28    r keep 31    any other key: neither`
fn choice(model: &Model, canvas: &mut Canvas<'_>, line: Rect, zeros: &Zeros) {
    let mut pen = canvas.pen(line, 0);
    let (write, keep) = (count(zeros.plain.len()), count(zeros.all.len()));
    pen.gap(1);
    if !zeros.plain.is_empty() {
        pen.put("0", Role::Key).gap(1).put(&format!("write 0 for {write}"), Role::Strong).gap(4);
    }
    pen.put("r", Role::Key).gap(1).put(&format!("keep {keep}"), Role::Strong).gap(4);
    pen.put("any other key: neither", Role::Text);
    pen.close(&[piece(undoes(model), Role::Dim)]);
}

/// `u undoes it`.
fn undoes(model: &Model) -> String {
    format!("{} undoes it", model.keys.key(Action::Undo))
}

/// `w weight    f flags    c change    n name    l left to decide`
fn sorts(model: &Model, canvas: &mut Canvas<'_>, line: Rect) {
    asked(canvas, line, "", "By what are the lists sorted?", Role::Question);
    let mut pen = canvas.pen(line, 0);
    pen.gap(1);
    for Bound { row, show, .. } in model.keys.of(Scope::Order) {
        pen.put(show, Role::Key).gap(1).put(row.label, Role::Text).gap(3);
    }
}

/// `s sum of the months    l last month    x leave out    esc nothing`, shorter where that is too long.
fn asked_of(canvas: &mut Canvas<'_>, line: Rect, choosing: &Choosing) {
    asked(canvas, line, "", &choosing.question, Role::Question);
    let rows = TABLE.iter().filter(|row| row.scope == Scope::Months);
    let offers = |row: &&keymap::Row| match row.action {
        Action::Make(finer) => choosing.offered.contains(&finer) && choosing.chosen != Some(finer),
        _ => choosing.chosen.is_some(),
    };
    let mut hints: Vec<(&str, String)> = Vec::new();
    for row in rows.filter(offers) {
        let long = match row.action {
            Action::Make(Finer::Sum | Finer::Average) => " of the months",
            Action::Make(Finer::Last) => " month",
            _ => "",
        };
        hints.push((row.show, format!("{}{long}", row.label)));
    }
    hints.push(("esc", "nothing".to_owned()));
    let wide = |hints: &[(&str, String)], gap: usize| {
        hints.iter().map(|(key, label)| width(key) + 1 + width(label) + gap).sum::<usize>() <= usize::from(line.width)
    };
    let mut gap = 4;
    if !wide(&hints, gap) {
        gap = 2;
        for (_, label) in &mut hints {
            *label = label.replace(" of the months", "").replace(" month", "").replace("each by its", "by");
        }
    }
    let mut pen = canvas.pen(line, 0);
    pen.gap(1);
    for (key, label) in hints {
        pen.put(key, Role::Key).gap(1).put(&label, Role::Text).gap(columns(gap));
    }
}

/// `[ what was typed   ]  enter take  esc no`; the end that is typed at is always seen.
fn prompt(canvas: &mut Canvas<'_>, line: Rect, before: &str, input: &Input, keys: &str) -> Option<Position> {
    let mut pen = canvas.pen(line, 0);
    pen.gap(1).put(before, Role::Key).put("[ ", Role::Dim);
    let room = pen.room().saturating_sub(width(keys) + 5);
    let caret = typed(&mut pen, input, room);
    pen.put(" ]", Role::Dim).gap(2).put(keys, Role::Text);
    caret
}

/// What was typed, in exactly `room` columns, with the place of the caret.
pub(super) fn typed(pen: &mut crate::tui::parts::Pen<'_>, input: &Input, room: usize) -> Option<Position> {
    let start = pen.at();
    let before: String = input.value().chars().take(input.cursor()).collect();
    let before = inert(&before);
    let mut from = before.as_ref();
    while width(from) + 1 > room && !from.is_empty() {
        let mut chars = from.chars();
        chars.next();
        from = chars.as_str();
    }
    let after: String = input.value().chars().skip(input.cursor()).collect();
    pen.put(from, Role::Text);
    let caret = pen.position();
    pen.left(room.saturating_sub(width(from)), &after, Role::Text);
    pen.to(start.saturating_add(columns(room)));
    caret
}
