//! What can be typed, from one table: reading a line into a [`Command`], the help, and the nearest word to one that is not known.
//! What a command does is not here.

use crate::domain::{nearest::nearest, query::Sort, text::inert};

/// Rows a decision is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// What is listed here: the facility.
    Here,
    /// The REVIEW ones of what is listed here.
    Review,
    /// All that the filter shows.
    All,
    /// Rows by their numbers, each first and last.
    Rows(Vec<(usize, usize)>),
}

/// A line, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Nothing,
    Help,
    List {
        all: bool,
    },
    More,
    Approve(Which),
    Zero(Which),
    Reject(Which),
    Clear(Which),
    /// Rows, and what is to be noted of them; empty takes it away.
    Note(Vec<(usize, usize)>, String),
    Parts(usize),
    Why(usize),
    Next,
    Back,
    Go(String),
    Filter(String),
    /// `None` asks for the order there is.
    Sort(Option<Sort>),
    Property(String),
    Facilities,
    Undo,
    Redo,
    Left,
    Overview,
    Checks(String),
    Settle(String),
    SettleForms,
    Verify,
    Reset,
    Read,
    Submit,
    Quit,
}

/// A row of the table.
struct Row {
    /// Everything it may be called by, in lower case; the first is shown.
    words: &'static [&'static str],
    /// What may follow it.
    takes: Takes,
    /// How it is typed.
    usage: &'static str,
    /// What it does.
    does: &'static str,
}

/// What may follow a word.
#[derive(Clone, Copy)]
enum Takes {
    Nothing(fn() -> Command),
    Which(fn(Which) -> Command),
    Number(fn(usize) -> Command),
    Words(fn(&str) -> Command),
    /// Words that must be there.
    Name(fn(&str) -> Command),
    /// One word of rows, such as `1` or `1,3-5`, and any text. Numbers behind it are of the text.
    Note,
    Order,
}

/// The orders of lists.
const ORDERS: [(&str, Sort); 5] = [
    ("weight", Sort::Weight),
    ("flags", Sort::Flags),
    ("change", Sort::Change),
    ("name", Sort::Name),
    ("left", Sort::Left),
];

fn list(words: &str) -> Command {
    Command::List { all: words.eq_ignore_ascii_case("all") }
}

fn settle(words: &str) -> Command {
    if words.eq_ignore_ascii_case("forms") { Command::SettleForms } else { Command::Settle(words.to_owned()) }
}

const fn row(words: &'static [&'static str], takes: Takes, usage: &'static str, does: &'static str) -> Row {
    Row { words, takes, usage, does }
}

/// Every command, in the order of the help.
const TABLE: [Row; 28] = [
    row(
        &["a", "approve"],
        Takes::Which(Command::Approve),
        "a, a 1 3-5, a review, A",
        "approve what has no flag here; these rows; the REVIEW ones here; all shown",
    ),
    row(
        &["r", "reject"],
        Takes::Which(Command::Reject),
        "r, r 2, R",
        "reject, the case keeps its value: what is left here; these rows; all shown",
    ),
    row(
        &["c", "clear"],
        Takes::Which(Command::Clear),
        "c, c 2, C",
        "back to undecided: what is decided here; these rows; all shown",
    ),
    row(&["0", "zero"], Takes::Which(Command::Zero), "0, 0 2", "write 0 where it reads (0?): all here; these rows"),
    row(&["u", "undo"], Takes::Nothing(|| Command::Undo), "u", "take back the last decision, whatever its size"),
    row(&["redo"], Takes::Nothing(|| Command::Redo), "redo", "do again what was taken back"),
    row(
        &["m", "note"],
        Takes::Note,
        "m 1 WORDS, m 1,3-5 WORDS",
        "a note on these rows, at most 200 characters; m 1 alone takes the note away",
    ),
    row(&["p", "parts"], Takes::Number(Command::Parts), "p 1", "category options of a row, who entered it, comments"),
    row(
        &["why"],
        Takes::Number(Command::Why),
        "why 1",
        "every flag of a row, its note, and the reason it was decided with",
    ),
    row(&["l", "list"], Takes::Words(list), "l, l all", "list again what is left here; everything here"),
    row(&["more"], Takes::Nothing(|| Command::More), "more", "the next rows of a long list"),
    row(&["n", "next"], Takes::Nothing(|| Command::Next), "n", "next facility or property with something left"),
    row(&["b", "back"], Takes::Nothing(|| Command::Back), "b", "the one before"),
    row(
        &["g", "go"],
        Takes::Name(|words| Command::Go(words.to_owned())),
        "g WORDS, g 7",
        "go to a facility by name, id or number",
    ),
    row(
        &["f", "filter"],
        Takes::Words(|words| Command::Filter(words.to_owned())),
        "f WORDS",
        "show some only: words of names, prop:NAME, is:stop, flag:T4, state:not_reported, change>50%, usual>3, old:0, new:0, \
         note:WORD; each narrows it, -WORD turns one round; f alone shows all",
    ),
    row(
        &["sort"],
        Takes::Order,
        "sort weight, sort flags, sort change, sort name, sort left",
        "what deserves a look first; most STOP, then REVIEW left; the largest change; by name; most left to decide",
    ),
    row(
        &["prop", "property"],
        Takes::Words(|words| Command::Property(words.to_owned())),
        "prop NAME",
        "one property across all facilities",
    ),
    row(&["facilities"], Takes::Nothing(|| Command::Facilities), "facilities", "back to the facilities"),
    row(&["left"], Takes::Nothing(|| Command::Left), "left", "what is left, by kind"),
    row(&["overview"], Takes::Nothing(|| Command::Overview), "overview", "counts and checks of the run"),
    row(
        &["checks"],
        Takes::Words(|words| Command::Checks(words.to_owned())),
        "checks, checks NAME",
        "checks of the run, or of a property",
    ),
    row(
        &["settle"],
        Takes::Words(settle),
        "settle NAME",
        "settle the STOP of a property with a reason; settle forms: what was sent",
    ),
    row(&["reset"], Takes::Nothing(|| Command::Reset), "reset", "decisions that reading again took away"),
    row(&["read"], Takes::Nothing(|| Command::Read), "read", "read both sides again"),
    row(
        &["submit"],
        Takes::Nothing(|| Command::Submit),
        "submit",
        "checks, then asks for the number of changes, then sends",
    ),
    row(
        &["verify"],
        Takes::Nothing(|| Command::Verify),
        "verify",
        "read back what was sent and is open; sends nothing",
    ),
    row(&["?", "h", "help"], Takes::Nothing(|| Command::Help), "?", "this list"),
    row(&["q", "quit", "exit"], Takes::Nothing(|| Command::Quit), "q", "leave; every decision is saved already"),
];

/// Lines of the help: a command, and what it does.
pub(super) fn help() -> impl Iterator<Item = String> {
    TABLE.iter().map(|row| format!("{}: {}.", row.usage, row.does))
}

/// Whether a text is nothing but a command: hardly what a person means as a reason.
pub(super) fn is_command(text: &str) -> bool {
    TABLE.iter().flat_map(|row| row.words).any(|word| text.trim().eq_ignore_ascii_case(word))
}

/// Reads a line. The error is a sentence with the nearest command; nothing is done then.
pub(super) fn parse(line: &str) -> Result<Command, String> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()));
    if word.is_empty() {
        return Ok(Command::Nothing);
    }
    // As on the screen a capital alone is about all that is shown.
    match line {
        "A" => return Ok(Command::Approve(Which::All)),
        "R" => return Ok(Command::Reject(Which::All)),
        "C" => return Ok(Command::Clear(Which::All)),
        _ if line.eq_ignore_ascii_case("all") => return Ok(Command::Approve(Which::All)),
        _ => {}
    }
    let lower = word.to_lowercase();
    let Some(row) = TABLE.iter().find(|row| row.words.contains(&lower.as_str())) else {
        return Err(unknown(word));
    };
    let no = |why: String| format!("{why}; it is typed: {}. Nothing was done.", row.usage);
    match row.takes {
        Takes::Nothing(make) if rest.is_empty() => Ok(make()),
        Takes::Nothing(_) => Err(no(format!("nothing follows {word}"))),
        Takes::Name(_) if rest.is_empty() => Err(no(format!("{word} needs words"))),
        Takes::Words(make) | Takes::Name(make) => Ok(make(rest)),
        Takes::Number(make) => match numbers(rest)?.as_slice() {
            [(first, last)] if first == last => Ok(make(*first)),
            _ => Err(no(format!("{word} takes one number"))),
        },
        Takes::Which(make) => which(rest).map(make),
        Takes::Note => note(rest).map_err(|why| if rest.is_empty() { no(why) } else { why }),
        Takes::Order => order(rest).map_err(no),
    }
}

fn which(rest: &str) -> Result<Which, String> {
    Ok(match rest.to_lowercase().as_str() {
        "" => Which::Here,
        "review" => Which::Review,
        "all" => Which::All,
        _ => Which::Rows(numbers(rest)?),
    })
}

/// Reads `1,3-5 WORDS`.
fn note(rest: &str) -> Result<Command, String> {
    let (rows, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if rows.is_empty() {
        return Err("a note is on rows".to_owned());
    }
    Ok(Command::Note(numbers(rows)?, text.trim().to_owned()))
}

fn order(rest: &str) -> Result<Command, String> {
    if rest.is_empty() {
        return Ok(Command::Sort(None));
    }
    let found = ORDERS.iter().find(|(word, _)| rest.eq_ignore_ascii_case(word));
    found.map(|(_, sort)| Command::Sort(Some(*sort))).ok_or_else(|| format!("\"{}\" is no order", inert(rest)))
}

/// Reads `1 3-5`, also with commas.
fn numbers(text: &str) -> Result<Vec<(usize, usize)>, String> {
    let number = |text: &str| text.parse::<usize>().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
    let one = |word: &str| {
        let range = match word.split_once('-') {
            Some((first, last)) => number(first).zip(number(last)),
            None => number(word).map(|n| (n, n)),
        };
        range
            .filter(|(first, last)| *first > 0 && first <= last)
            .ok_or_else(|| format!("\"{}\" is no number of a row, such as 2 or 3-5. Nothing was done.", inert(word)))
    };
    let found = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
    let found = found.map(one).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() && !text.is_empty() { one(text).map(|range| vec![range]) } else { Ok(found) }
}

fn unknown(word: &str) -> String {
    let words = TABLE.iter().flat_map(|row| row.words.iter().copied()).chain(["all"]);
    // A single letter is near to every other one.
    let near = nearest(word, words.filter(|word| word.len() > 1));
    let near = near.map(|near| format!("the nearest is {near}; ")).unwrap_or_default();
    format!("\"{}\" is not known; {near}? lists what can be done. Nothing was done.", inert(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_in_any_letter_case() {
        let rows = |rows: &[(usize, usize)]| Which::Rows(rows.to_vec());
        for (line, command) in [
            ("", Command::Nothing),
            ("  ", Command::Nothing),
            ("a", Command::Approve(Which::Here)),
            ("A", Command::Approve(Which::All)),
            ("ALL", Command::Approve(Which::All)),
            ("A 1 3-5", Command::Approve(rows(&[(1, 1), (3, 5)]))),
            ("Approve 2,4", Command::Approve(rows(&[(2, 2), (4, 4)]))),
            ("a REVIEW", Command::Approve(Which::Review)),
            ("r all", Command::Reject(Which::All)),
            ("R", Command::Reject(Which::All)),
            ("0 2", Command::Zero(rows(&[(2, 2)]))),
            ("m 1 Asked  the clerk ", Command::Note(vec![(1, 1)], "Asked  the clerk".to_owned())),
            ("Note 1,3-5 300 seen", Command::Note(vec![(1, 1), (3, 5)], "300 seen".to_owned())),
            ("m 2", Command::Note(vec![(2, 2)], String::new())),
            ("sort", Command::Sort(None)),
            ("Sort LEFT", Command::Sort(Some(Sort::Left))),
            ("sort weight", Command::Sort(Some(Sort::Weight))),
            ("l All", Command::List { all: true }),
            ("G Kasenga HC", Command::Go("Kasenga HC".to_owned())),
            ("f", Command::Filter(String::new())),
            ("settle Forms", Command::SettleForms),
            ("QUIT", Command::Quit),
            ("?", Command::Help),
        ] {
            assert_eq!(parse(line), Ok(command), "{line}");
        }
    }

    #[test]
    fn what_is_not_understood_names_the_nearest_and_does_nothing() {
        for (line, part) in [
            ("aprove 1", "the nearest is approve; "),
            ("submitt", "the nearest is submit; "),
            ("x", "\"x\" is not known; ? lists"),
            ("\u{1b}[2J", "<1B>"),
            ("a 0", "\"0\" is no number of a row"),
            ("a 5-3", "\"5-3\" is no number of a row"),
            ("a 1 x", "\"x\" is no number of a row"),
            ("r 99999999999999999999999", "is no number of a row"),
            ("p", "p takes one number; it is typed: p 1"),
            ("p 1-2", "p takes one number"),
            ("submit 12", "nothing follows submit"),
            ("g", "g needs words"),
            ("m", "a note is on rows; it is typed: m 1 WORDS"),
            ("m asked the clerk", "\"asked\" is no number of a row"),
            ("m , text", "\",\" is no number of a row"),
            ("sort size", "\"size\" is no order; it is typed: sort weight, "),
            ("sort left weight", "\"left weight\" is no order"),
        ] {
            let why = parse(line).unwrap_err();
            assert!(why.contains(part) && why.ends_with("Nothing was done."), "{line}: {why}");
        }
    }

    /// The help has no number of its own that could be another one day, and names what a filter understands.
    #[test]
    fn the_help_is_true() {
        let of = |word: &str| help().find(|line| line.starts_with(word)).unwrap();
        assert!(of("m 1").contains(&format!("at most {} characters", crate::domain::ledger::LONGEST_NOTE)));
        let filter = of("f WORDS");
        for word in ["is:stop", "flag:T4", "state:not_reported", "change>50%", "usual>3", "old:0", "new:0"] {
            assert!(filter.contains(word) && crate::domain::query::Filter::parse(word).is_ok(), "{word}");
        }
        assert!(["prop:", "note:", "-WORD"].iter().all(|word| filter.contains(word)), "{filter}");
        assert!(ORDERS.iter().all(|(word, sort)| of("sort").contains(word) && sort.name().starts_with(word)));
    }

    #[test]
    fn no_word_means_two_things_and_each_has_help() {
        let mut words: Vec<&str> = TABLE.iter().flat_map(|row| row.words.iter().copied()).collect();
        words.sort_unstable();
        let all = words.len();
        words.dedup();
        assert_eq!(words.len(), all);
        assert!(help().all(|line| line.is_ascii()) && help().count() == TABLE.len());
        assert!(TABLE.iter().all(|row| row.usage.starts_with(row.words[0])));
        assert!(is_command(" Undo ") && !is_command("undo of the clerk"));
    }
}
