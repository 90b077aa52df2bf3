//! The one table of keys. Keys, footer, help and the reason why a key does nothing now all come from it.
//! What an action does is in `update`.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{
    layout::Shape,
    model::{Ask, Model, Over, Review, Stage},
    screen::{Focus, Screen},
};
use crate::{domain::text::width, job::reach::Finer};

mod why;

pub use super::keys::{Row, TABLE};
pub use why::why_not;

/// A key as the application knows it: shift is folded into letters and signs, releases never get here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// Which key.
    pub code: KeyCode,
    /// Held with control.
    pub ctrl: bool,
    /// Held with alt.
    pub alt: bool,
    /// Held with shift; never set for characters, which say it themselves.
    pub shift: bool,
}

impl Press {
    /// The press a terminal event stands for; `None` for a release and for a modifier by itself. Terminals disagree on
    /// whether shift comes as a modifier, as a capital, or as both.
    pub fn from_event(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release || matches!(event.code, KeyCode::Modifier(_) | KeyCode::Null) {
            return None;
        }
        let has = |modifier| event.modifiers.contains(modifier);
        let (ctrl, alt, shift) = (has(KeyModifiers::CONTROL), has(KeyModifiers::ALT), has(KeyModifiers::SHIFT));
        Some(match event.code {
            KeyCode::Char(c) if ctrl => Self { code: KeyCode::Char(c.to_ascii_lowercase()), ctrl, alt, shift: false },
            KeyCode::Char(c) if shift => {
                Self { code: KeyCode::Char(c.to_uppercase().next().unwrap_or(c)), ctrl, alt, shift: false }
            }
            KeyCode::Char(_) => Self { code: event.code, ctrl, alt, shift: false },
            KeyCode::BackTab => Self { code: KeyCode::Tab, ctrl, alt, shift: true },
            code => Self { code, ctrl, alt, shift },
        })
    }

    /// Reads `a`, `A`, `ctrl-d`, `shift-tab`, `pgdn`, `f1`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut press = Self { code: KeyCode::Null, ctrl: false, alt: false, shift: false };
        let mut rest = text;
        loop {
            let (flag, after) = if let Some(after) = rest.strip_prefix("ctrl-") {
                (&mut press.ctrl, after)
            } else if let Some(after) = rest.strip_prefix("alt-") {
                (&mut press.alt, after)
            } else if let Some(after) = rest.strip_prefix("shift-") {
                (&mut press.shift, after)
            } else {
                break;
            };
            *flag = true;
            rest = after;
        }
        press.code = NAMES.iter().find(|(name, _)| *name == rest).map(|(_, code)| *code).or_else(|| single(rest))?;
        (!(press.shift && matches!(press.code, KeyCode::Char(_)))).then_some(press)
    }

    /// The character it types into a prompt; `None` for a command.
    pub fn typed(self) -> Option<char> {
        match self.code {
            KeyCode::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }
}

/// Names of keys that are not characters.
const NAMES: [(&str, KeyCode); 18] = [
    ("enter", KeyCode::Enter),
    ("esc", KeyCode::Esc),
    ("tab", KeyCode::Tab),
    ("space", KeyCode::Char(' ')),
    ("backspace", KeyCode::Backspace),
    ("delete", KeyCode::Delete),
    ("up", KeyCode::Up),
    ("down", KeyCode::Down),
    ("left", KeyCode::Left),
    ("right", KeyCode::Right),
    ("pgup", KeyCode::PageUp),
    ("pgdn", KeyCode::PageDown),
    ("home", KeyCode::Home),
    ("end", KeyCode::End),
    ("insert", KeyCode::Insert),
    ("f1", KeyCode::F(1)),
    ("f2", KeyCode::F(2)),
    ("f5", KeyCode::F(5)),
];

fn single(text: &str) -> Option<KeyCode> {
    let mut chars = text.chars();
    let c = chars.next().filter(|c| *c != ' ')?;
    chars.next().is_none().then_some(KeyCode::Char(c))
}

impl fmt::Display for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        match (NAMES.iter().find(|(_, code)| *code == self.code), self.code) {
            (Some((name, _)), _) => f.write_str(name),
            (None, KeyCode::Char(c)) => write!(f, "{c}"),
            (None, _) => f.write_str("that key"),
        }
    }
}

/// Where a key is looked up. The innermost scope wins; [`scopes`] lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Even in a prompt.
    Always,
    /// Wherever no prompt or question has the keys.
    Everywhere,
    /// Wherever rows can be moved through.
    Lists,
    /// Properties and Facilities.
    Review,
    /// Overview with a review.
    Overview,
    /// Overview while reading.
    Reading,
    /// Overview when reading stopped or failed.
    Unread,
    /// Properties.
    Properties,
    /// Facilities.
    Facilities,
    /// Submit, when the count is awaited.
    Ready,
    /// Submit, while forms are sent.
    Sending,
    /// Submit, when nothing runs and nothing is awaited.
    Settled,
    /// A question in the footer.
    Question,
    /// A question in the footer that asks for zeros or the old values.
    Choice,
    /// A question in the footer what is made of a data set that is not quarterly.
    Months,
    /// A prompt in the footer.
    Prompt,
    /// The help.
    Help,
    /// The message log or another list over the screen.
    Over,
    /// The window is too small.
    Small,
}

/// What a person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a tab.
    Tab(Screen),
    /// Next pane.
    NextPane,
    /// Previous pane.
    PreviousPane,
    /// Help for this screen.
    Help,
    /// Back; on a tab: leave.
    Back,
    /// Close what is open, clear the filter. Never decides, never leaves.
    Escape,
    /// Leave; while sending: stop, abandon, leave.
    Interrupt,
    /// Give the terminal to the shell.
    Suspend,
    /// Draw again.
    Redraw,
    /// The message log.
    Log,
    /// One row down.
    Down,
    /// One row up.
    Up,
    /// Half a page down.
    HalfDown,
    /// Half a page up.
    HalfUp,
    /// The first row.
    First,
    /// The last row.
    Last,
    /// Into the properties.
    Into,
    /// Back to the list.
    Out,
    /// Next property.
    NextProperty,
    /// Previous property.
    PreviousProperty,
    /// Open what the cursor is on.
    Open,
    /// Next undecided.
    Next,
    /// Previous undecided.
    Previous,
    /// Next flagged and undecided.
    NextFlag,
    /// Previous flagged and undecided.
    PreviousFlag,
    /// Approve what the cursor is on.
    Approve,
    /// Reject what the cursor is on.
    Reject,
    /// Back to undecided.
    Clear,
    /// Approve 0 for a cell that reads `(0?)`.
    Zero,
    /// 0 or the old value for all cells of the facility or property that read `(0?)`; asks.
    ZeroAll,
    /// Approved or undecided, the cursor stays.
    Toggle,
    /// Approve all shown; asks.
    ApproveAll,
    /// Reject all shown; asks.
    RejectAll,
    /// Clear all shown; asks.
    ClearAll,
    /// Take back the last decision.
    Undo,
    /// Do it again.
    Redo,
    /// Type a filter.
    Filter,
    /// Show or hide what is unchanged.
    Unchanged,
    /// Read both sides again; a reading that was stopped goes on.
    Read,
    /// Stop reading; what came is kept.
    StopReading,
    /// A digit of the count.
    Digit,
    /// Take back a digit.
    Erase,
    /// Send, if the count matches.
    Send,
    /// Write the forms to a folder instead.
    WriteForms,
    /// Make the checks again.
    Check,
    /// Settle what was sent and whose fate is open: the same bytes again, or reading back.
    Settle,
    /// Pause between forms, or go on.
    Pause,
    /// Stop after this form.
    StopAfterForm,
    /// Do what was asked.
    Yes,
    /// Write 0 for what was asked.
    Zeros,
    /// Keep the old values of what was asked.
    KeepOld,
    /// Make this of the data set that was asked for.
    Make(Finer),
    /// Take back what was chosen for it.
    TakeBack,
    /// Take what was typed.
    Accept,
    /// Take the last reason again.
    Again,
    /// Run what is selected in the help.
    Run,
}

/// The scopes that have the keys now, innermost first.
pub fn scopes(model: &Model) -> &'static [Scope] {
    use Scope::{Always, Choice, Everywhere, Help, Lists, Months, Over as Covered, Prompt, Question, Small};
    if model.layout().shape == Shape::TooSmall {
        return &[Small, Always];
    }
    match &model.ask {
        Some(Ask::Bulk(_) | Ask::Leave) => return &[Question, Always],
        Some(Ask::Zeros(_)) => return &[Choice, Always],
        Some(Ask::Finer(_)) => return &[Months, Always],
        Some(Ask::Reason { .. } | Ask::Settle { .. } | Ask::Filter { .. }) => return &[Prompt, Always],
        None => {}
    }
    match &model.over {
        Some(Over::Help { .. }) => return &[Help, Always],
        Some(_) => return &[Covered, Lists, Everywhere, Always],
        None => {}
    }
    screen_scopes(model)
}

/// The scopes of the screen itself, whatever covers it.
fn screen_scopes(model: &Model) -> &'static [Scope] {
    use Scope::{
        Always, Everywhere, Facilities, Lists, Overview, Properties, Reading, Ready, Review, Sending, Settled, Unread,
    };
    match (model.screen, &model.submit.stage) {
        (Screen::Overview, _) if model.reading.is_some() => &[Reading, Everywhere, Always],
        (Screen::Overview, _) if model.review.is_none() => &[Unread, Everywhere, Always],
        (Screen::Overview, _) => &[Overview, Lists, Everywhere, Always],
        (Screen::Properties, _) => &[Properties, Review, Lists, Everywhere, Always],
        (Screen::Facilities, _) => &[Facilities, Review, Lists, Everywhere, Always],
        // Without a count to type its digits are keys like any other.
        (Screen::Submit, Stage::Ready(check)) if check.changes == 0 => &[Settled, Lists, Everywhere, Always],
        (Screen::Submit, Stage::Ready(_)) => &[Ready, Everywhere, Always],
        (Screen::Submit, Stage::Sending(_)) => &[Sending, Lists, Everywhere, Always],
        (Screen::Submit, Stage::Checking) => &[Everywhere, Always],
        (Screen::Submit, _) => &[Settled, Lists, Everywhere, Always],
    }
}

/// The row of a key in these scopes.
pub fn find(scopes: &[Scope], press: Press) -> Option<&'static Row> {
    scopes.iter().find_map(|scope| TABLE.iter().find(|row| row.scope == *scope && row.has(press)))
}

/// Whether one of its keys gets to a row in these scopes, and not to a row of a scope further in.
fn is_reached(scopes: &[Scope], row: &Row) -> bool {
    let mut presses = row.keys.iter().filter_map(|key| Press::parse(key));
    scopes.contains(&row.scope)
        && presses.any(|press| find(scopes, press).is_some_and(|found| std::ptr::eq(found, row)))
}

/// A key of the footer with what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The key as shown.
    pub keys: &'static str,
    /// What it does.
    pub label: &'static str,
}

/// What a row does now, in the words of the footer: what the key acts on where that depends on the pane.
fn label(model: &Model, row: &Row) -> &'static str {
    match (row.action, model.screen) {
        (Action::Approve, Screen::Facilities) if model.focus == Focus::List => "approve facility",
        (Action::Approve, Screen::Facilities) => "approve cell",
        (Action::ApproveAll, Screen::Properties) if is_blocked(model) => "settle STOP",
        (Action::Open, Screen::Overview) if model.size.0 < 120 => "open",
        (Action::Pause, _) if model.submit.paused => "go on",
        (Action::Check, _) if matches!(model.submit.stage, Stage::Ended(_)) && model.unsent() > 0 => "submit the rest",
        _ => row.label,
    }
}

/// Whether the property of Properties takes no bulk approval.
fn is_blocked(model: &Model) -> bool {
    model.review.as_ref().is_some_and(|review| review.ledger.blocks(&review.plan, review.property).is_some())
}

/// Whether a key that can be pressed is of use now: the footer has no room for the others.
fn is_of_use(model: &Model, row: &Row) -> bool {
    let flagged = |review: &Review| review.ledger.all().stop + review.ledger.all().review > 0;
    match row.action {
        Action::NextFlag => model.review.as_ref().is_some_and(flagged),
        // Approving is 0's part there.
        Action::Approve => why_not(model, Action::Zero).is_some(),
        _ => true,
    }
}

/// Keys that can be pressed now, the most needed first, as many as fit between a space at each end, two spaces apart.
pub fn footer(model: &Model, columns: u16) -> Vec<Hint> {
    let scopes = scopes(model);
    let mut rows: Vec<&Row> = TABLE
        .iter()
        .filter(|row| row.rank > 0 && is_reached(scopes, row) && row.action != Action::Tab(model.screen))
        .filter(|row| why_not(model, row.action).is_none() && is_of_use(model, row))
        .collect();
    rows.sort_by_key(|row| row.rank);
    let mut left = usize::from(columns).saturating_sub(2);
    let mut hints = Vec::new();
    for row in rows {
        let gap = if hints.is_empty() { 0 } else { 2 };
        let label = label(model, row);
        let need = gap + width(row.show) + 1 + width(label);
        if need <= left {
            left -= need;
            hints.push(Hint { keys: row.show, label });
        }
    }
    hints
}

/// Places in [`TABLE`] of the rows that work on this screen and hold all these words, innermost scope first.
pub fn help(model: &Model, words: &str) -> Vec<usize> {
    let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    let mut rows = Vec::new();
    let scopes = screen_scopes(model);
    for scope in scopes {
        let here = |row: &Row| row.scope == *scope && row.holds(&words) && is_reached(scopes, row);
        rows.extend(TABLE.iter().enumerate().filter(|(_, row)| here(row)).map(|(at, _)| at));
    }
    rows
}
