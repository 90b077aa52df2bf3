//! What is wrong with the values of a mapping: within a row, and between rows (fault matrix rows M10 to M16 and M22).

use std::collections::{BTreeMap, BTreeSet};

use super::{DATA_SET, ELEMENT, NAME, PROPERTY, Problem, Row, habit::Habit, is_uid, listed, property_fault, shown};

/// Letters of an id.
const LENGTH: usize = 11;
/// What an id looks like.
const LOOKS: &str = "A DHIS2 id is a letter followed by ten letters or digits, such as asCqjKclllu.";

/// Everything that is wrong with the values of these rows.
pub(super) fn all(rows: &[Row]) -> Vec<Problem> {
    let mut found: Vec<Problem> = rows.iter().flat_map(within).collect();
    found.extend(repeats(rows));
    found.extend(letter_case(rows));
    found
}

/// What is wrong within one row.
fn within(row: &Row) -> Vec<Problem> {
    let problem = |column, value: &str, what, blocks| {
        let value = value.to_owned();
        Problem { line: row.line, column: Some(column), value, what, blocks }
    };
    let mut found = Vec::new();
    if let Some(fault) = property_fault(&row.property) {
        found.push(problem(PROPERTY, &row.property, name_fault(&row.property, fault), true));
    }
    for (column, id) in [(ELEMENT, &row.data_element), (DATA_SET, &row.data_set)] {
        if id.is_empty() && column == DATA_SET {
            let what = "The data set is not known yet, so the row waits. Tab 5, or `onse data-sets`, lists those it can be; the \
                        file stays as it is until you choose."
                .to_owned();
            found.push(problem(column, id, what, false));
        } else if !is_uid(id) {
            found.push(problem(column, id, id_fault(column, id), true));
        }
    }
    if row.name.starts_with('=') {
        let what =
            "This begins like a formula. It is read as text and never worked out: write the name DHIS2 gives the data \
                    element."
                .to_owned();
        found.push(problem(NAME, &row.name, what, false));
    }
    found
}

/// Why a name cannot be used, and which one may be meant (row M14).
fn name_fault(name: &str, fault: &str) -> String {
    const PLAIN: &str = "Write the name of the case property as it is in CommCare.";
    match Habit::of(name) {
        Some(habit) => format!("The name {fault}: {}. {}", habit.reason(), habit.remedy("the name of the property")),
        None => match likely_name(name) {
            Some(likely) => format!("The name {fault}. Perhaps \"{}\" is meant. {PLAIN}", shown(&likely)),
            None => format!("The name {fault}. {PLAIN}"),
        },
    }
}

/// The name with letters in the place of letters CommCare does not take, and `_` in the place of everything else it does not.
fn likely_name(name: &str) -> Option<String> {
    let mut likely = String::new();
    for c in name.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' => likely.push(c),
            _ if plain(c).is_some() => likely.extend(plain(c)),
            _ if likely.ends_with('_') => {}
            _ => likely.push('_'),
        }
    }
    let likely = likely.trim_matches('_');
    (likely != name && property_fault(likely).is_none()).then(|| likely.to_owned())
}

/// The letter without its accent.
fn plain(c: char) -> Option<char> {
    let low = c.to_lowercase().next()?;
    let plain = match low {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'č' => 'c',
        'è'..='ë' | 'ē' | 'ę' | 'ě' => 'e',
        'ì'..='ï' | 'ī' => 'i',
        'ñ' | 'ń' | 'ň' => 'n',
        'ò'..='ö' | 'ø' | 'ō' => 'o',
        'ù'..='ü' | 'ū' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' => 'y',
        _ => return None,
    };
    Some(if low == c { plain } else { plain.to_ascii_uppercase() })
}

/// Why a value is no id, and what to do (rows M10, M11 and M22).
fn id_fault(column: &str, id: &str) -> String {
    let search = if column == ELEMENT {
        "Tab 5, or `onse data-sets`, looks for data elements of the same name."
    } else {
        "Tab 5, or `onse data-sets`, lists the data sets of the data element."
    };
    if id.is_empty() {
        return format!("There is no id. {LOOKS} {search}");
    }
    match Habit::of(id) {
        Some(habit) => format!("This is no id: {}. {} {LOOKS} {search}", habit.reason(), habit.remedy("the id")),
        None => format!("This is no id: {}. {LOOKS} {search}", misspelt(id)),
    }
}

/// What is wrong with the letters of an id.
fn misspelt(id: &str) -> String {
    let mut reasons = Vec::new();
    let letters = id.chars().count();
    if letters < LENGTH {
        reasons.push(format!("it has {letters} characters, {} too few", LENGTH - letters));
    } else if letters > LENGTH {
        reasons.push(format!("it has {letters} characters, {} too many", letters - LENGTH));
    }
    let mut odd = (1..).zip(id.chars()).filter(|(_, c)| !c.is_ascii_alphanumeric());
    match (odd.next(), odd.next()) {
        (Some((place, ' ')), None) => reasons.push(format!("character {place} is a space")),
        (Some((place, c)), None) if c.is_alphanumeric() => {
            let code = u32::from(c);
            reasons.push(format!(
                "character {place}, \"{c}\" (U+{code:04X}), is none of a to z, though it may look like one"
            ));
        }
        (Some((place, c)), None) => {
            reasons.push(format!("character {place}, \"{}\", is neither a letter nor a digit", shown(&c.to_string())));
        }
        (Some(_), Some(_)) => {
            reasons.push("several of its characters are neither letters a to z nor digits".to_owned());
        }
        (None, _) if id.starts_with(|c: char| c.is_ascii_digit()) => {
            reasons.push("character 1 is a digit, not a letter".to_owned());
        }
        (None, _) => {}
    }
    reasons.join(", and ")
}

/// A property in two rows blocks all of them, never the last one wins (row M12); a data element in two is told (M13).
fn repeats(rows: &[Row]) -> Vec<Problem> {
    let mut found = Vec::new();
    for lines in lines_by(rows, |row| Some(row.property.as_str()).filter(|name| !name.is_empty())).values() {
        let what = format!(
            "The property stands on lines {}, so which one counts is not clear. Keep one of these rows.",
            told_lines(lines)
        );
        found.extend(on_each(lines, PROPERTY, |row| &row.property, &what, true));
    }
    for lines in lines_by(rows, |row| Some(row.data_element.as_str()).filter(|id| is_uid(id))).values() {
        let what = format!("The data element stands on lines {}. Allowed; check that it is meant.", told_lines(lines));
        found.extend(on_each(lines, ELEMENT, |row| &row.data_element, &what, false));
    }
    found
}

/// Properties that differ only in the case of letters are two for CommCare and most often one for a person (row M14).
fn letter_case(rows: &[Row]) -> Vec<Problem> {
    let mut found = Vec::new();
    for lines in lines_by(rows, |row| Some(row.property.to_lowercase()).filter(|name| !name.is_empty())).values() {
        let spellings: BTreeSet<&str> = lines.iter().map(|row| row.property.as_str()).collect();
        if spellings.len() > 1 {
            let what = format!(
                "The properties on lines {} differ only in capital and small letters. CommCare keeps them apart; check that both \
                 are meant.",
                told_lines(lines)
            );
            found.extend(on_each(lines, PROPERTY, |row| &row.property, &what, false));
        }
    }
    found
}

/// The rows that have a value in common, of those that have one.
fn lines_by<'r, V: Ord>(rows: &'r [Row], value: impl Fn(&'r Row) -> Option<V>) -> BTreeMap<V, Vec<&'r Row>> {
    let mut lines: BTreeMap<V, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        if let Some(value) = value(row) {
            lines.entry(value).or_default().push(row);
        }
    }
    lines.retain(|_, rows| rows.len() > 1);
    lines
}

fn told_lines(rows: &[&Row]) -> String {
    listed(&rows.iter().map(|row| row.line).collect::<Vec<_>>())
}

fn on_each(
    rows: &[&Row],
    column: &'static str,
    value: impl Fn(&Row) -> &String,
    what: &str,
    blocks: bool,
) -> Vec<Problem> {
    let problem = |row: &&Row| Problem {
        line: row.line,
        column: Some(column),
        value: value(row).clone(),
        what: what.to_owned(),
        blocks,
    };
    rows.iter().map(problem).collect()
}
