//! What `[keys]` of the settings may change, and why not more. A change that could let a key do what the person does not
//! expect is refused before the screen is shown; nothing is put right in silence.

use super::{Action, Bound, Keymap, Press, STACKS, Scope, TABLE};
use crate::domain::nearest::nearest;

/// One line of `[keys]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The name of the action, see [`Action::name`].
    pub name: String,
    /// The line it stands on.
    pub line: u64,
    /// Its keys from now on, each with its line.
    pub keys: Vec<(u64, String)>,
}

/// What is wrong with one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line at fault.
    pub line: u64,
    /// What is wrong and what to do.
    pub what: String,
}

/// Scopes of questions with the actions that ask them: the key that asks does not answer (review-ux.md, rules 1 and 3).
const ASKED: [(Scope, &[Action]); 3] = [
    (
        Scope::Question,
        &[
            Action::Approve,
            Action::Reject,
            Action::Clear,
            Action::ApproveAll,
            Action::RejectAll,
            Action::ClearAll,
            Action::Zero,
            Action::Back,
            Action::WriteMapping,
        ],
    ),
    (Scope::Choice, &[Action::ZeroAll]),
    (Scope::Months, &[Action::Open]),
];

/// Actions that need a key of their own beside those that keep one: without them there is no way on or out.
const NEEDED: [Action; 2] = [Action::Help, Action::Back];

/// A change that was understood.
struct Read<'a> {
    change: &'a Change,
    action: Action,
    presses: Vec<(u64, Press)>,
}

/// The table with these changes, or what is wrong with them.
pub(super) fn apply(changes: &[Change]) -> Result<Keymap, Vec<Fault>> {
    let mut faults = Vec::new();
    let read: Vec<Read<'_>> = changes.iter().filter_map(|change| read(change, &mut faults)).collect();
    let mut keys = Keymap::default();
    for read in &read {
        for bound in keys.rows.iter_mut().filter(|bound| changes_in(bound, read.action)) {
            bound.presses = read.presses.iter().map(|(_, press)| *press).collect();
            bound.show = bound.presses.first().map(|press| press.sign()).unwrap_or_default();
            if bound.presses == Bound::of(bound.row).presses {
                bound.row.show.clone_into(&mut bound.show);
            }
        }
    }
    for read in &read {
        clashes(&keys, read, &read_lines(changes), &mut faults);
    }
    if faults.is_empty() {
        pair(&mut keys);
        return Ok(keys);
    }
    faults.sort_by_key(|fault| fault.line);
    Err(faults)
}

/// Whether a change of this action changes this row. Where letters are typed the keys stay as they are.
fn changes_in(bound: &Bound, action: Action) -> bool {
    bound.row.action == action && !bound.row.scope.is_typed()
}

/// The footer shows the keys to the property before and the next one as one.
fn pair(keys: &mut Keymap) {
    let of = |action| keys.rows.iter().position(|bound| bound.row.action == action);
    let (Some(next), Some(before)) = (of(Action::NextProperty), of(Action::PreviousProperty)) else { return };
    if !keys.rows[next].is_changed() && !keys.rows[before].is_changed() {
        return;
    }
    let last = |at: usize| keys.rows[at].presses.last().map(|press| press.sign());
    keys.rows[next].show = [last(before), last(next)].into_iter().flatten().collect::<Vec<_>>().join(" ");
}

/// Understands a line by itself.
fn read<'a>(change: &'a Change, faults: &mut Vec<Fault>) -> Option<Read<'a>> {
    let line = change.line;
    let mut refuse = |line, what| faults.push(Fault { line, what });
    let Some(action) = TABLE.iter().map(|row| row.action).find(|action| action.name() == change.name) else {
        refuse(line, unknown(&change.name));
        return None;
    };
    let name = action.name();
    if let Some(why) = action.fixed() {
        refuse(line, format!("[keys] {name} cannot be changed: {why}. Take the line out."));
        return None;
    }
    let mut presses: Vec<(u64, Press)> = Vec::new();
    for (line, text) in &change.keys {
        match allowed(action, text) {
            Ok(press) if presses.iter().any(|(_, other)| *other == press) => {
                refuse(*line, format!("[keys] {name}: \"{press}\" stands there twice."));
            }
            Ok(press) => presses.push((*line, press)),
            Err(what) => refuse(*line, format!("[keys] {name}: {what}")),
        }
    }
    let has = |key: &str| Press::parse(key).is_some_and(|press| presses.iter().any(|(_, other)| *other == press));
    if let Some(key) = action.keeps().filter(|key| !has(key)) {
        let all = std::iter::once(key).chain(change.keys.iter().map(|(_, text)| text.as_str()));
        let all: Vec<String> = all.map(|key| format!("\"{}\"", key.escape_debug())).collect();
        let all = all.join(", ");
        let why = format!("[keys] {name} keeps \"{key}\", which the screen names. Write {name} = [{all}].");
        refuse(line, why);
    } else if change.keys.is_empty() && NEEDED.contains(&action) {
        refuse(line, format!("[keys] {name} needs a key: without it there is no way on or out. Give it one."));
    }
    Some(Read { change, action, presses })
}

/// The sentence for a name that no action has.
fn unknown(name: &str) -> String {
    let mut what = format!("[keys] There is no action \"{}\".", name.escape_debug());
    let mut names: Vec<&str> = Vec::new();
    for action in TABLE.iter().map(|row| row.action).filter(|action| action.fixed().is_none()) {
        if !names.contains(&action.name()) {
            names.push(action.name());
        }
    }
    if let Some(close) = nearest(name, names.iter().copied()) {
        what = format!("{what} Perhaps \"{close}\" is meant.");
    }
    format!("{what} Known: {}.", names.join(", "))
}

/// The key, where this action may have it.
fn allowed(action: Action, text: &str) -> Result<Press, String> {
    let Some(press) = Press::parse(text) else {
        return Err(format!(
            "\"{}\" is no key. A key is one character, such as a, A or ], or one of enter, esc, tab, space, backspace, \
             delete, insert, up, down, left, right, pgup, pgdn, home, end, f1 to f12; ctrl- or alt- may stand before it, \
             and shift- before a key with a name.",
            text.escape_debug()
        ));
    };
    let own = TABLE.iter().any(|row| row.action == action && row.has(press));
    if own {
        return Ok(press);
    }
    if let Some(other) = press.taken_for() {
        return Err(format!("a terminal sends {press} as {other}. Choose another key."));
    }
    if press.typed().is_some_and(|c| c.is_ascii_digit()) {
        return Err(format!("{press} is a digit, and digits open tabs and count. Choose another key."));
    }
    if action.writes() && press.looks_around() {
        return Err(format!(
            "{press} is a key to look around with, and such a key writes nothing. Choose another key."
        ));
    }
    let always = TABLE.iter().any(|row| row.action == action && row.scope == Scope::Always);
    if always && press.edits() {
        return Err(format!("{press} is typed in prompts, where this works too. Choose one with ctrl-, or f1 to f12."));
    }
    let answers = |(scope, asks): &(Scope, &[Action])| {
        let mut rows = TABLE.iter().filter(|row| row.scope == *scope && row.has(press));
        asks.contains(&action) && rows.next().is_some()
    };
    if let Some((scope, _)) = ASKED.iter().find(|asked| answers(asked)) {
        return Err(format!(
            "{press} answers {}, and the key that asks is not the one that answers. Choose another key.",
            scope.title()
        ));
    }
    Ok(press)
}

/// The lines of the changes by name.
fn read_lines(changes: &[Change]) -> impl Fn(Action) -> Option<u64> {
    move |action| changes.iter().find(|change| change.name == action.name()).map(|change| change.line)
}

/// Keys of a change that another row has where both can be meant. What the table itself puts over an outer scope is meant so.
fn clashes(keys: &Keymap, read: &Read<'_>, line_of: &impl Fn(Action) -> Option<u64>, faults: &mut Vec<Fault>) {
    for (line, press) in &read.presses {
        let Some(other) = clash(keys, read.action, *press) else { continue };
        let (name, taken) = (read.action.name(), other.action);
        let at = line_of(taken).map(|line| format!(" by line {line}")).unwrap_or_default();
        // Of two lines that take the same key the later one is told.
        if line_of(taken).is_some_and(|line| line > read.change.line) {
            continue;
        }
        let remedy = match taken.fixed() {
            Some(_) => "Choose another key.".to_owned(),
            None => format!("Choose another key, or give {} another one on a line of its own.", taken.name()),
        };
        let what = format!(
            "[keys] {name}: \"{press}\" is a key of {} already{at} ({}), where both can be meant. {remedy}",
            taken.name(),
            other.scope.title()
        );
        faults.push(Fault { line: *line, what });
    }
}

/// A row of another action that has this key, together with a row of this action.
fn clash(keys: &Keymap, action: Action, press: Press) -> Option<&'static super::Row> {
    for stack in STACKS {
        let has = |bound: &&Bound| stack.contains(&bound.row.scope) && bound.presses.contains(&press);
        for own in keys.rows.iter().filter(has).filter(|bound| bound.row.action == action) {
            let other = keys
                .rows
                .iter()
                .filter(has)
                .find(|bound| bound.row.action != action && !(own.row.has(press) && bound.row.has(press)));
            if let Some(other) = other {
                return Some(other.row);
            }
        }
    }
    None
}
