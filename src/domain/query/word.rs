//! One word of a filter: how it is read, what it asks of a cell, and how it is wrong. Words of names are matched in `scan`, since
//! they are about facilities and properties.

use crate::domain::{
    flags::{KNOWN, Severity, flag_id},
    ledger::{Ledger, Verdict},
    nearest::nearest,
    plan::{Cell, Plan, State},
    text::inert,
    value::{Number, grouped, same},
};

/// What an `is:` word asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    Left,
    Approved,
    Rejected,
    Stop,
    Review,
    Plain,
}

/// The `is:` words.
const IS: [(&str, Is); 6] = [
    ("left", Is::Left),
    ("approved", Is::Approved),
    ("rejected", Is::Rejected),
    ("stop", Is::Stop),
    ("review", Is::Review),
    ("plain", Is::Plain),
];

/// The words before a colon.
const KEYS: [&str; 7] = ["prop", "is", "state", "flag", "old", "new", "note"];

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// The size of a change.
    Change,
    /// The same in hundredths of the old value.
    Percent,
    /// The new value as a multiple of the usual one.
    Usual,
}

/// On which side of the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Above,
    From,
    Below,
    UpTo,
}

impl Side {
    fn holds(self, number: f64, limit: f64) -> bool {
        match self {
            Self::Above => number > limit,
            Self::From => number >= limit,
            Self::Below => number < limit,
            Self::UpTo => number <= limit,
        }
    }
}

/// A value to be equal to: a number, or none at all.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    None,
    /// As it was written, without separators, and the nearest binary number.
    Number(String, f64),
}

impl Value {
    /// `near` is the nearest binary number of the value, which says of most values at once that they are others.
    fn is(&self, value: Option<&str>, near: Option<f64>) -> bool {
        match self {
            Self::None => value.is_none_or(|value| value.trim().is_empty()),
            Self::Number(number, wanted) => near == Some(*wanted) && same(value, Some(number)),
        }
    }

    fn read(text: &str) -> Option<Self> {
        if text == "-" {
            return Some(Self::None);
        }
        let plain = ungrouped(text)?;
        let near = Number::parse(&plain)?.approx();
        Some(Self::Number(plain, near))
    }
}

/// What a word asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    /// Part of a facility's name, case id or organisation unit id, in lower case.
    Word(String),
    /// Part of a property's name, in lower case; the whole name where it is one.
    Property(String),
    Is(Is),
    /// Cells in this state.
    State(State),
    /// Cells that carry this flag, an INFO one too.
    Flag(&'static str),
    /// Cells whose change, or whose new value, lies on this side of a limit.
    Size(Measure, Side, f64),
    /// Cells whose case holds this.
    Old(Value),
    /// Cells for which this would be written.
    New(Value),
    /// Cells with a note that holds this, in lower case.
    Note(String),
}

/// The note of a cell.
fn note(ledger: &Ledger, cell: Cell) -> Option<&str> {
    ledger.note(cell)
}

/// Every cell with a note, with the note.
pub(super) fn notes(ledger: &Ledger) -> impl Iterator<Item = (Cell, &str)> {
    ledger.notes()
}

/// How many cells have a note.
pub fn noted(_plan: &Plan, ledger: &Ledger) -> usize {
    notes(ledger).count()
}

/// Whether a note holds these words, which are in lower case.
pub(super) fn says(note: &str, words: &str) -> bool {
    note.to_lowercase().contains(words)
}

impl Term {
    /// Whether a cell is what is asked for; words of names ask nothing of a cell.
    pub(super) fn holds(&self, plan: &Plan, ledger: &Ledger, cell: Cell) -> bool {
        let zero = || ledger.verdict(plan, cell) == Some(Verdict::Zero);
        match self {
            Self::Word(_) | Self::Property(_) => true,
            Self::Is(is) => is.holds(plan, ledger, cell),
            Self::State(state) => plan.state(cell) == *state,
            Self::Flag(id) => plan.flags(cell).iter().any(|flag| flag.id == *id),
            Self::Size(Measure::Usual, side, limit) => {
                plan.multiple(cell).is_some_and(|times| side.holds(times, *limit))
            }
            Self::Size(measure, side, limit) => plan.moves(cell, zero()).is_some_and(|(size, old)| match measure {
                Measure::Percent if size == 0.0 => side.holds(0.0, *limit),
                // From nothing it is no number of hundredths, and more than any.
                Measure::Percent => side.holds(size / old * 100.0, *limit),
                _ => side.holds(size, *limit),
            }),
            Self::Old(value) => value.is(plan.old(cell), plan.old_number(cell)),
            Self::New(value) if zero() => value.is(Some("0"), Some(0.0)),
            Self::New(value) => value.is(plan.new_value(cell), plan.number(cell)),
            Self::Note(words) => note(ledger, cell).is_some_and(|note| says(note, words)),
        }
    }

    /// Whether it asks for what a cell without a change has as well.
    pub(super) fn stands(&self) -> bool {
        match self {
            Self::State(_) | Self::Flag(_) | Self::Note(_) | Self::Old(_) | Self::New(_) => true,
            Self::Size(measure, ..) => *measure == Measure::Usual,
            Self::Word(_) | Self::Property(_) | Self::Is(_) => false,
        }
    }

    /// Whether no cell can be both.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        let severity = |is: &Is| matches!(is, Is::Stop | Is::Review | Is::Plain);
        match (self, other) {
            (Self::Is(one), Self::Is(two)) => one != two && severity(one) == severity(two),
            (Self::State(one), Self::State(two)) => one != two,
            _ => false,
        }
    }
}

impl Is {
    fn holds(self, plan: &Plan, ledger: &Ledger, cell: Cell) -> bool {
        let verdict = || ledger.verdict(plan, cell);
        match self {
            Self::Left => verdict().is_none(),
            Self::Approved => verdict().is_some_and(Verdict::writes),
            Self::Rejected => verdict() == Some(Verdict::Reject),
            Self::Stop => plan.severity(cell) == Some(Severity::Stop),
            Self::Review => plan.severity(cell) == Some(Severity::Review),
            Self::Plain => plan.severity(cell).is_none(),
        }
    }
}

/// Reads a word, and whether it is wanted or, after a `-`, not. The error says what is wrong with it and what there is.
pub(super) fn parse(word: &str) -> Result<(bool, Term), String> {
    let (wanted, word) = match word.strip_prefix('-') {
        Some(rest) if !rest.is_empty() => (false, rest),
        _ => (true, word),
    };
    if let Some(size) = size(word) {
        return Ok((wanted, size?));
    }
    let term = match word.split_once(':') {
        // A name may hold a colon; what is written like a key is one, so that a slip of the pen is told.
        Some((key, rest)) if is_key(key) => keyed(&key.to_ascii_lowercase(), rest)?,
        _ => Term::Word(word.to_lowercase()),
    };
    Ok((wanted, term))
}

fn is_key(word: &str) -> bool {
    let known = KEYS.into_iter().chain(["change", "usual"]).any(|key| key.eq_ignore_ascii_case(word));
    known || (!word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase()))
}

fn keyed(key: &str, rest: &str) -> Result<Term, String> {
    let lower = rest.to_lowercase();
    match key {
        "prop" if rest.is_empty() => Err("\"prop:\" needs a property, or a part of its name".to_owned()),
        "prop" => Ok(Term::Property(lower)),
        "is" => {
            let known = IS.iter().find(|(name, _)| *name == lower);
            known.map(|(_, is)| Term::Is(*is)).ok_or_else(|| unknown("is", rest, &IS.map(|(name, _)| name.to_owned())))
        }
        "state" => State::named(&lower.to_uppercase())
            .map(Term::State)
            .ok_or_else(|| unknown("state", rest, &State::ALL.map(|state| state.name().to_lowercase()))),
        "flag" => flag(rest),
        "old" | "new" => {
            let value = Value::read(rest).ok_or_else(|| {
                format!("\"{key}:{}\" is no number; write {key}:0, {key}:1,310, or {key}:- for none", inert(rest))
            })?;
            Ok(if key == "old" { Term::Old(value) } else { Term::New(value) })
        }
        "note" => Ok(Term::Note(lower)),
        "change" | "usual" => Err(how(&format!("{key}:{rest}"))),
        _ => {
            let near = nearest(key, KEYS).map(|near| format!("perhaps {near}: is meant; ")).unwrap_or_default();
            let all = KEYS.join(":, ");
            Err(format!(
                "\"{key}:\" is not known; {near}there is {all}:, change> and usual>, and plain words for names and ids"
            ))
        }
    }
}

/// What is said of a word that is none of these.
fn unknown(key: &str, what: &str, names: &[String]) -> String {
    let near = nearest(what, names.iter().map(String::as_str));
    let near = near.map(|near| format!("perhaps {key}:{near} is meant; ")).unwrap_or_default();
    format!("\"{key}:{}\" is not known; {near}there is {key}:{}", inert(what), names.join(&format!(", {key}:")))
}

/// The flag with this id.
fn flag(typed: &str) -> Result<Term, String> {
    if let Some(id) = flag_id(typed) {
        return Ok(Term::Flag(id));
    }
    let shown = inert(typed);
    if typed.is_empty() {
        let ids = KNOWN.map(|(id, _)| id).join(", ");
        return Err(format!("\"flag:\" needs the id of a flag, such as flag:T4; there is {ids}"));
    }
    let upper = typed.to_ascii_uppercase();
    if upper.starts_with(['C', 'R']) && upper.len() > 1 && upper[1..].bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!(
            "\"flag:{shown}\" is no flag of a cell; checks of properties and of the run stand on Overview"
        ));
    }
    // Those of the same letter are what a wrong number is near to; else all letters there are.
    let same: Vec<&str> = KNOWN.iter().map(|(id, _)| *id).filter(|id| upper.starts_with(&id[..1])).collect();
    let ids = if same.is_empty() { KNOWN.map(|(id, _)| id).to_vec() } else { same };
    Err(format!("\"flag:{shown}\" is not known; there is flag:{}", ids.join(", ")))
}

/// `change>50%`, `change<=1,000`, `usual>3`; `None` for a word that is no such.
fn size(word: &str) -> Option<Result<Term, String>> {
    let at = word.find(['<', '>', '='])?;
    let (name, rest) = word.split_at(at);
    let name = name.to_ascii_lowercase();
    if !["change", "usual", ""].contains(&name.as_str()) {
        return None;
    }
    let side = [(">=", Side::From), ("<=", Side::UpTo), (">", Side::Above), ("<", Side::Below)];
    let read = || {
        let (side, number) = side.iter().find_map(|(sign, side)| Some((*side, rest.strip_prefix(sign)?)))?;
        let (measure, number) = match (name.as_str(), number.strip_suffix('%')) {
            ("change", Some(percent)) => (Measure::Percent, percent),
            ("change", None) => (Measure::Change, number),
            ("usual", None) => (Measure::Usual, number.strip_suffix('x').unwrap_or(number)),
            _ => return None,
        };
        let limit = Number::parse(&ungrouped(number)?)?.approx();
        (limit.is_finite() && !number.starts_with('-')).then_some(Term::Size(measure, side, limit))
    };
    Some(read().ok_or_else(|| how(word)))
}

/// How sizes are written.
fn how(word: &str) -> String {
    let how = "write change>50%, change>=1,000, usual>3 or usual<0.5, without spaces";
    format!("\"{}\" cannot be read; {how}", inert(word))
}

/// A plain number without its thousands separators; `None` where it is none, and where a comma stands elsewhere, since `1,5` may
/// mean one and a half.
fn ungrouped(text: &str) -> Option<String> {
    let plain = text.replace(',', "");
    let digits = plain.strip_prefix('-').unwrap_or(&plain);
    let written = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && Number::parse(&plain).is_some();
    (written && (text == plain || text == grouped(&plain))).then_some(plain)
}

#[cfg(test)]
mod tests;
