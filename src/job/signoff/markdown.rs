//! The report as Markdown with tables. Every text is escaped, so that it is what it says and nothing else (fault matrix row V12).

use std::{
    fmt,
    io::{self, Write},
};

use super::{
    facts::{Count, Signoff},
    section::{Element, Field, Named, Section, Table, number},
};
use crate::domain::text::inert;

/// Writes the report.
pub(super) fn write(signoff: &Signoff<'_>, to: &mut dyn Write) -> io::Result<()> {
    let Signoff { title, label, result, complete: _, sentences, counts, sections, foot } = signoff;
    writeln!(to, "# Sign-off: {}\n", Text(title))?;
    if !label.is_empty() {
        writeln!(to, "Label: {}\n", Text(label))?;
    }
    writeln!(to, "## {}\n", Text(result))?;
    for sentence in sentences {
        writeln!(to, "{}\n", Text(sentence))?;
    }
    writeln!(to, "| How many | What |\n|---:|---|")?;
    for Count { number: n, words, .. } in counts {
        writeln!(to, "| {} | {words} |", number(*n))?;
    }
    for one in sections {
        section(one, to)?;
    }
    writeln!(to, "\n{}", Text(foot))
}

fn section(section: &Section<'_>, to: &mut dyn Write) -> io::Result<()> {
    writeln!(to, "\n## {}\n", section.title)?;
    for text in &section.lead {
        writeln!(to, "{}\n", Text(text))?;
    }
    if section.table.is_empty() { Ok(()) } else { table(&section.table, to) }
}

fn table(table: &Table<'_>, to: &mut dyn Write) -> io::Result<()> {
    let grouped = table.groups.iter().any(|group| group.facility.is_some());
    if grouped {
        write!(to, "| Facility ")?;
    }
    if table.columns.is_empty() {
        write!(to, "| What | Which |\n|---|---|")?;
    } else {
        for column in &table.columns {
            write!(to, "| {} ", column.name)?;
        }
        write!(to, "|\n{}", if grouped { "|---" } else { "" })?;
        for column in &table.columns {
            write!(to, "{}", if column.number { "|---:" } else { "|---" })?;
        }
        write!(to, "|")?;
    }
    for group in &table.groups {
        for row in &group.rows {
            writeln!(to)?;
            if let Some(Named { name, unit, case }) = &group.facility {
                write!(to, "| {} ({}, case {}) ", Text(name), Text(unit), Text(case))?;
            }
            for field in row {
                write!(to, "| ")?;
                cell(field, to)?;
                write!(to, " ")?;
            }
            write!(to, "|")?;
        }
    }
    writeln!(to)
}

fn cell(field: &Field<'_>, to: &mut dyn Write) -> io::Result<()> {
    match field {
        Field::Lines(lines) => {
            for (at, line) in lines.iter().filter(|line| !line.is_empty()).enumerate() {
                write!(to, "{}{}", if at > 0 { "; " } else { "" }, Text(line))?;
            }
            Ok(())
        }
        Field::Element(Element { name, property, parts, more }) => {
            write!(to, "{}", Text(name))?;
            if !property.is_empty() && property != name {
                write!(to, " ({})", Text(property))?;
            }
            for (at, (option, value)) in parts.iter().enumerate() {
                write!(to, "{} {} {}", if at > 0 { ";" } else { ":" }, Text(option), Text(value))?;
            }
            if *more > 0 {
                write!(to, "; {more} more")?;
            }
            Ok(())
        }
        Field::Trend(trend) => trend.as_ref().map_or(Ok(()), |trend| write!(to, "{}", Text(&trend.words))),
    }
}

/// Text of anyone, made inert; every character that Markdown could take for a mark stands behind a backslash.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = inert(self.0.trim());
        let mut before: Option<char> = None;
        let mut chars = text.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let after = chars.peek().map(|(_, c)| *c);
            if acts(&text, at, c, before, after) {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
            before = Some(c);
        }
        Ok(())
    }
}

/// Whether Markdown may take this character for a mark.
fn acts(text: &str, at: usize, c: char, before: Option<char>, after: Option<char>) -> bool {
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let (start, rest) = (&text[..at], &text[at..]);
    match c {
        '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '!' | '$' | '@' | '{' | '}' => true,
        // Within a word it is no mark, and names of properties are full of them.
        '_' => !(word(before) && word(after)),
        // At the start of a line; a sign before a number is none.
        '#' | '=' => start.is_empty() || start.chars().all(|c| c == '#'),
        '-' | '+' => start.is_empty() && !after.is_some_and(|c| c.is_ascii_digit()),
        '.' | ')' if !start.is_empty() && start.bytes().all(|byte| byte.is_ascii_digit()) => !word(after),
        // A link by itself.
        ':' => rest.starts_with("://") || start.to_ascii_lowercase().ends_with("mailto") || start.ends_with("xmpp"),
        '.' => start.to_ascii_lowercase().ends_with("www"),
        _ => false,
    }
}
