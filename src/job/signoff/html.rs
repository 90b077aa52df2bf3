//! The report as one HTML file that is well-formed XML too: no script, nothing from elsewhere, every text escaped (fault matrix row
//! V11). Markup is short, since a country has thousands of rows.

use std::{
    fmt,
    io::{self, Write},
};

use super::{
    facts::{Count, Signoff},
    section::{Column, Element, Field, Group, Section, Table, number},
    trend::Trend,
};
use crate::domain::text::inert;

/// How it looks, on a screen and on A4.
const STYLE: &str = include_str!("style.css");
/// What the browser may load: nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// Writes the report.
pub(super) fn write(signoff: &Signoff<'_>, to: &mut dyn Write) -> io::Result<()> {
    let Signoff { title, label, result, complete, sentences, counts, sections, foot } = signoff;
    let title = Text(title);
    write!(
        to,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>Sign-off: {title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    )?;
    write!(to, "<header><p>Sign-off")?;
    if !label.is_empty() {
        write!(to, " <b class=\"l\"><bdi>{}</bdi></b>", Text(label))?;
    }
    let tone = if *complete { "ok" } else { "no" };
    writeln!(to, "</p><h1><bdi>{title}</bdi></h1></header>\n<main>\n<section id=\"result\" class=\"{tone}\">")?;
    writeln!(to, "<h2>{}</h2>", Text(result))?;
    for sentence in sentences {
        writeln!(to, "<p>{}</p>", Text(sentence))?;
    }
    write!(to, "<ul>")?;
    for Count { number: n, words, section: id } in counts {
        write!(to, "<li><a href=\"#{id}\"><b>{}</b> {words}</a></li>", number(*n))?;
    }
    writeln!(to, "</ul>\n</section>")?;
    for one in sections {
        section(one, to)?;
    }
    writeln!(to, "</main>\n<footer>{}</footer>\n</body>\n</html>", Text(foot))
}

fn section(section: &Section<'_>, to: &mut dyn Write) -> io::Result<()> {
    let Section { id, title, lead, table: rows, annex } = section;
    let class = if *annex { " class=\"a\"" } else { "" };
    writeln!(to, "<section id=\"{id}\"{class}>\n<h2>{title}</h2>")?;
    for text in lead {
        writeln!(to, "<p>{}</p>", Text(text))?;
    }
    if !rows.is_empty() {
        table(rows, to)?;
    }
    writeln!(to, "</section>")
}

fn table(table: &Table<'_>, to: &mut dyn Write) -> io::Result<()> {
    let columns = &table.columns;
    if columns.is_empty() {
        writeln!(to, "<table class=\"k\">")?;
    } else {
        write!(to, "<table>\n<thead><tr>")?;
        for Column { name, number } in columns {
            write!(to, "<th{} scope=\"col\">{name}</th>", if *number { " class=\"n\"" } else { "" })?;
        }
        writeln!(to, "</tr></thead>")?;
    }
    for group in &table.groups {
        body(group, columns, to)?;
    }
    writeln!(to, "</table>")
}

fn body(group: &Group<'_>, columns: &[Column], to: &mut dyn Write) -> io::Result<()> {
    write!(to, "<tbody>")?;
    if let Some(facility) = &group.facility {
        let (name, unit, case) = (Text(facility.name), Text(facility.unit), Text(facility.case));
        write!(
            to,
            "<tr><th colspan=\"{}\" scope=\"rowgroup\"><bdi>{name}</bdi> <small><bdi>{unit}</bdi>, case <bdi>{case}</bdi></small></th></tr>",
            columns.len()
        )?;
    }
    for row in &group.rows {
        write!(to, "<tr>")?;
        for (at, field) in row.iter().enumerate() {
            let number = columns.get(at).is_some_and(|column| column.number);
            let (open, close) = match (columns.is_empty() && at == 0, number) {
                (true, _) => ("<th scope=\"row\">", "</th>"),
                (false, true) => ("<td class=\"n\">", "</td>"),
                (false, false) => ("<td>", "</td>"),
            };
            write!(to, "{open}")?;
            cell(field, to)?;
            write!(to, "{close}")?;
        }
        writeln!(to, "</tr>")?;
    }
    writeln!(to, "</tbody>")
}

fn cell(field: &Field<'_>, to: &mut dyn Write) -> io::Result<()> {
    match field {
        Field::Lines(lines) => {
            for (at, line) in lines.iter().enumerate() {
                let (gap, line) = (if at > 0 { "<br/>" } else { "" }, Text(line));
                write!(to, "{gap}{line}")?;
            }
            Ok(())
        }
        Field::Element(element) => of_element(element, to),
        Field::Trend(trend) => trend.as_ref().map_or(Ok(()), |trend| picture(trend, to)),
    }
}

fn of_element(element: &Element<'_>, to: &mut dyn Write) -> io::Result<()> {
    let Element { name, property, parts, more } = element;
    if parts.is_empty() {
        write!(to, "{}", Text(name))?;
    } else {
        write!(to, "<details><summary>{}</summary>", Text(name))?;
        for (at, (option, value)) in parts.iter().enumerate() {
            let gap = if at > 0 { "; " } else { "" };
            write!(to, "{gap}<bdi>{}</bdi> {}", Text(option), Text(value))?;
        }
        if *more > 0 {
            write!(to, "; {more} more")?;
        }
        write!(to, "</details>")?;
    }
    if property.is_empty() || property == name {
        return Ok(());
    }
    write!(to, " <small><bdi>{}</bdi></small>", Text(property))
}

/// The quarters before as a line, what is usual as a broken one, and the number that came as a dot at the end.
fn picture(trend: &Trend, to: &mut dyn Write) -> io::Result<()> {
    let (words, path, usual) = (Text(&trend.words), trend.path(), trend.usual);
    write!(to, "<svg viewBox=\"-3 -3 88 26\" role=\"img\"><title>{words}</title>")?;
    write!(to, "<path class=\"u\" d=\"M0 {usual:.1}h80\"/><path d=\"{path}\"/>")?;
    if let Some((x, y)) = trend.dot() {
        write!(to, "<circle cx=\"{x}\" cy=\"{y:.1}\" r=\"2.5\"/>")?;
    }
    write!(to, "</svg>")
}

/// Text of anyone, made inert and escaped for an element or an attribute in double quotes.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = inert(self.0);
        let mut rest: &str = &text;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'', '\u{fffe}', '\u{ffff}']) {
            f.write_str(&rest[..at])?;
            let c = rest[at..].chars().next().unwrap_or_default();
            f.write_str(match c {
                '&' => "&amp;",
                '<' => "&lt;",
                '>' => "&gt;",
                '"' => "&quot;",
                '\'' => "&#39;",
                // No character of XML.
                _ => "\u{fffd}",
            })?;
            rest = &rest[at + c.len_utf8()..];
        }
        f.write_str(rest)
    }
}
