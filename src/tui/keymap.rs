//! The one table of keys, as the settings changed it. Keys, footer, help and the reason why a key does nothing now all come
//! from it. What an action does is in `update`.

use super::{
    explorer::Looked,
    model::{Model, Review, Stage},
    screen::{Focus, Screen},
};
use crate::domain::text::width;

mod action;
mod change;
mod press;
mod scope;
mod why;

pub use super::keys::{Row, TABLE};
pub use action::Action;
pub use change::{Change, Fault};
pub use press::Press;
use scope::screen_scopes;
pub use scope::{STACKS, Scope, Stack, scopes};
pub use why::why_not;

/// A row of the table with the keys it has here.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The row.
    pub row: &'static Row,
    /// Its keys; none where the settings took them all.
    pub presses: Vec<Press>,
    /// The keys as shown in the footer; empty without any.
    pub show: String,
}

impl Bound {
    /// A row with its own keys.
    fn of(row: &'static Row) -> Self {
        let presses = row.keys.iter().filter_map(|key| Press::parse(key)).collect();
        Self { row, presses, show: row.show.to_owned() }
    }

    /// Whether the settings changed its keys.
    fn is_changed(&self) -> bool {
        self.show != self.row.show
            || self.presses.len() != self.row.keys.len()
            || self.presses.iter().any(|press| !self.row.has(*press))
    }

    /// Every key of it, for the help; a range as it is shown.
    pub fn every_key(&self) -> String {
        if self.presses.len() > 4 {
            return self.show.clone();
        }
        self.presses.iter().map(|press| press.sign()).collect::<Vec<_>>().join(" ")
    }

    /// Whether all these words, in lower case but for a key, stand in it.
    fn holds(&self, words: &[&str]) -> bool {
        let text = format!("{} {} {} {}", self.show, self.row.label, self.row.help, self.row.action.name());
        let text = text.to_lowercase();
        let is_key = |word: &str| Press::parse(word).is_some_and(|press| self.presses.contains(&press));
        words.iter().all(|word| text.contains(&word.to_lowercase()) || is_key(word))
    }
}

/// The keys of this run: the rows of [`TABLE`], in its order, with the keys the settings gave them.
#[derive(Clone, Debug)]
pub struct Keymap {
    rows: Vec<Bound>,
}

impl Default for Keymap {
    /// The table as it is.
    fn default() -> Self {
        Self { rows: TABLE.iter().map(Bound::of).collect() }
    }
}

impl Keymap {
    /// The table with these changes; or all that is wrong with them, in the order of their lines.
    ///
    /// # Errors
    /// A name that is not known, a key that cannot be read, one key for two actions where both can be meant, an action that
    /// is left without the key it needs, and whatever would let a key that is used to look around write something.
    pub fn changed(changes: &[Change]) -> Result<Self, Vec<Fault>> {
        change::apply(changes)
    }

    /// Every row, in the order of the table.
    pub fn rows(&self) -> &[Bound] {
        &self.rows
    }

    /// The rows of a scope that have a key.
    pub fn of(&self, scope: Scope) -> impl Iterator<Item = &Bound> {
        self.rows.iter().filter(move |bound| bound.row.scope == scope && !bound.presses.is_empty())
    }

    /// The row of a key in these scopes.
    pub fn find(&self, scopes: &[Scope], press: Press) -> Option<&'static Row> {
        self.find_bound(scopes, press).map(|bound| bound.row)
    }

    fn find_bound(&self, scopes: &[Scope], press: Press) -> Option<&Bound> {
        scopes.iter().find_map(|scope| {
            self.rows.iter().find(|bound| bound.row.scope == *scope && bound.presses.contains(&press))
        })
    }

    /// Whether one of its keys gets to a row in these scopes, and not to a row of a scope further in.
    fn is_reached(&self, scopes: &[Scope], bound: &Bound) -> bool {
        let found = |press: &Press| self.find(scopes, *press).is_some_and(|row| std::ptr::eq(row, bound.row));
        scopes.contains(&bound.row.scope) && bound.presses.iter().any(found)
    }

    /// The key of an action in a sentence, as the first row of it shows it; `no key` where the settings took it.
    pub fn key(&self, action: Action) -> &str {
        let first = self.rows.iter().find(|bound| bound.row.action == action && !bound.show.is_empty());
        first.map_or("no key", |bound| bound.show.as_str())
    }

    /// The key that closes the help, beside its name: the one that opened it where that is not typed there.
    pub fn closes_help(&self) -> &str {
        let opens = self.rows.iter().find(|bound| bound.row.action == Action::Help);
        let closes = |bound: &&Bound| {
            let row = bound.presses.first().and_then(|press| self.find(&[Scope::Help], *press));
            row.is_some_and(|row| row.action == Action::Escape)
        };
        opens.filter(closes).map_or("esc", |bound| bound.show.as_str())
    }
}

/// A key of the footer with what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint<'a> {
    /// The key as shown.
    pub keys: &'a str,
    /// What it does.
    pub label: &'static str,
    /// The action, for the mouse.
    pub action: Action,
}

/// What a row does now, in the words of the footer: what the key acts on where that depends on the pane.
fn label(model: &Model, row: &Row) -> &'static str {
    match (row.action, model.screen) {
        (Action::Approve, Screen::Facilities) if model.focus == Focus::List => "approve facility",
        (Action::Approve, Screen::Facilities) => "approve cell",
        (Action::ApproveAll, Screen::Properties) if is_blocked(model) => "settle STOP",
        (Action::Open, Screen::Overview) if model.size.0 < 120 => "open",
        (Action::Open, Screen::DataSets) if matches!(model.explorer.looked, Looked::Failed(_)) => "ask again",
        (Action::Pause, _) if model.submit.paused => "go on",
        (Action::Check, _) if matches!(model.submit.stage, Stage::Ended(_)) && model.submit.at > 0 => "open",
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

/// Keys that can be pressed now, the most needed first, as many as fit between a space at each end, two spaces apart. While
/// rows are decided they stand in the order of the table, so that a wider window only puts more between them.
pub fn footer(model: &Model, columns: u16) -> Vec<Hint<'_>> {
    let (keys, scopes) = (&model.keys, scopes(model));
    let mut rows: Vec<&Bound> = keys
        .rows
        .iter()
        .filter(|bound| bound.row.rank > 0 && bound.row.action != Action::Tab(model.screen))
        .filter(|bound| keys.is_reached(scopes, bound))
        .filter(|bound| why_not(model, bound.row.action).is_none() && is_of_use(model, bound.row))
        .collect();
    rows.sort_by_key(|bound| bound.row.rank);
    let mut left = usize::from(columns).saturating_sub(2);
    let mut hints = Vec::new();
    for bound in rows {
        let gap = if hints.is_empty() { 0 } else { 2 };
        let label = label(model, bound.row);
        let need = gap + width(&bound.show) + 1 + width(label);
        if need <= left {
            left -= need;
            hints.push((place(bound.row), Hint { keys: &bound.show, label, action: bound.row.action }));
        }
    }
    if scopes.contains(&Scope::Review) {
        hints.sort_by_key(|(place, _)| *place);
    }
    hints.into_iter().map(|(_, hint)| hint).collect()
}

/// Where a row stands in the table.
fn place(row: &Row) -> Option<usize> {
    TABLE.iter().position(|other| std::ptr::eq(other, row))
}

/// The groups of the help, in the order they are listed.
pub const GROUPS: [&str; 8] = ["Submit", "Decide", "Find", "Move", "Read", "Other", "Tabs", "Help"];

/// Places in [`TABLE`] of the rows that work on this screen and hold all these words. Without words by group, so that each
/// has one heading; with words innermost scope first.
pub fn help(model: &Model, words: &str) -> Vec<usize> {
    let words: Vec<&str> = words.split_whitespace().collect();
    let (keys, scopes) = (&model.keys, screen_scopes(model));
    let mut rows = Vec::new();
    for scope in scopes {
        let here = |bound: &Bound| bound.row.scope == *scope && bound.holds(&words) && keys.is_reached(scopes, bound);
        rows.extend(keys.rows.iter().enumerate().filter(|(_, bound)| here(bound)).map(|(at, _)| at));
    }
    if words.is_empty() {
        let group = |at: &usize| TABLE.get(*at).and_then(|row| GROUPS.iter().position(|group| *group == row.group));
        rows.sort_by_key(group);
    }
    rows
}
