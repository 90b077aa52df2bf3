//! What was found, as text: first the rows that need something, with what could stand there; then the others, a line each.

use std::{io::Write as _, path::Path};

use anyhow::Result;

use super::{
    super::{
        check::columns,
        here::{blocking, unlined},
        out::{Out, count},
    },
    Report,
    table::{aligned, sentence},
};
use crate::domain::{
    explored::{Candidate, Element, Entry, Explored, Found, Held, HeldAt, Need, suggested_property},
    mapping::{Problem, is_uid, property_fault},
    quarter::Quarter,
    text::inert,
    value::grouped,
};

/// Everything but what became of the choices.
pub(super) fn write(report: &Report<'_>, out: &mut Out) -> Result<()> {
    let columns = columns();
    let mut lines = sentence("", &head(report), 0, columns);
    match (&report.seen.explored, &report.seen.found) {
        (Some(explored), _) if report.changed.is_some() => {
            let chosen = explored.rows.iter().filter(|entry| report.chosen.contains(&entry.row.line));
            lines.extend(chosen.flat_map(|entry| open(entry, explored, report, columns)));
            lines.extend(differences(report));
            lines.extend(after(report, columns));
            lines.extend(notes(report, columns));
        }
        (Some(explored), _) => {
            lines.extend(rows(explored, report, columns));
            lines.extend(rest(report, explored, columns));
            lines.extend(notes(report, columns));
        }
        (None, Some(found)) => {
            lines.extend(search(found, report, columns));
            lines.extend(notes(report, columns));
        }
        (None, None) => {}
    }
    print(&lines, out)
}

/// Lines without what could act on a terminal, whoever wrote it; a tab stays one.
fn print(lines: &[String], out: &mut Out) -> Result<()> {
    for line in lines {
        let parts: Vec<_> = line.split('\t').map(inert).collect();
        writeln!(out, "{}", parts.join("\t"))?;
    }
    Ok(())
}

/// What became of the choices, and what to do next.
pub(super) fn ended(report: &Report<'_>, out: &mut Out) -> Result<()> {
    let mut lines = Vec::new();
    match (&report.changed, &report.saved) {
        (Some(changed), None) if changed.lines.is_empty() => {
            lines.push("nothing to change: what was chosen stands there already".to_owned());
        }
        (Some(_), None) => {
            lines.push("nothing was written; add --write to write it".to_owned());
            if report.used.file.is_none() {
                lines.push(format!("that makes a new file: {}", new_file(&report.used.target(Path::new("")))));
            }
        }
        (Some(changed), Some(saved)) => {
            let rows = count(changed.lines.len(), "row", "rows");
            let copy = match &saved.copy {
                Some(copy) => format!("what stood there before is in {}", copy.display()),
                None => format!("it is a new file: {}", new_file(&saved.file)),
            };
            lines.push(format!("wrote {rows} of {}; {copy}", saved.file.display()));
        }
        (None, _) => lines.extend(next(report).into_iter().flat_map(|line| [String::new(), line])),
    }
    print(&lines, out)
}

/// A new file in the place of the built-in mapping, and when it counts.
fn new_file(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    format!(
        "{}; it counts only where it is named, with mapping = \"...\" in the profile or --mapping, or where onse is run in its folder",
        path.display()
    )
}

/// What to type to fill in the first row that needs an id. A name that is none of a property is no word to be copied into a shell.
fn next(report: &Report<'_>) -> Option<String> {
    let named = |entry: &&Entry| needs_id(entry) && property_fault(&entry.row.property).is_none();
    let entry = report.seen.explored.as_ref()?.rows.iter().find(named)?;
    let ids = if entry.need() == Need::Element { "DATA_ELEMENT_ID:DATA_SET_ID" } else { "DATA_SET_ID" };
    let property = &entry.row.property;
    Some(format!("nothing was written; to choose, as in: onse data-sets --choose {property}={ids}"))
}

fn number(n: usize) -> String {
    grouped(&n.to_string())
}

/// Whether a person has to choose an id for the row.
pub(super) fn needs_id(entry: &Entry) -> bool {
    matches!(entry.need(), Need::Element | Need::DataSet | Need::OtherDataSet)
}

fn head(report: &Report<'_>) -> String {
    let mapping = &report.used.mapping;
    let (rows, usable) = (count(mapping.rows.len(), "row", "rows"), number(mapping.usable().count()));
    let needing =
        report.seen.explored.as_ref().map(|explored| explored.rows.iter().filter(|entry| needs_id(entry)).count());
    let needing = needing.map(|n| format!(", {} an id", count(n, "needs", "need"))).unwrap_or_default();
    let scope = match report.seen.facilities {
        Some(n) => format!("{} in scope", count(n, "facility", "facilities")),
        None => "facilities in scope are not known".to_owned(),
    };
    format!("{}: {rows}, {usable} usable{needing}; {}, {scope}", report.used.label, report.quarter)
}

/// All rows: those that need something in the order of how much, then the others.
fn rows(explored: &Explored, report: &Report<'_>, columns: Option<usize>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut entries: Vec<&Entry> = explored.rows.iter().filter(|entry| entry.need() != Need::Nothing).collect();
    entries.sort_by_key(|entry| (entry.need(), entry.row.line));
    for entry in entries {
        lines.extend(open(entry, explored, report, columns));
    }
    let others: Vec<&Entry> = explored.rows.iter().filter(|entry| entry.need() == Need::Nothing).collect();
    let pieces: Vec<Vec<String>> = others.iter().map(|entry| closed(entry, explored)).collect();
    lines.extend((!others.is_empty()).then(String::new));
    for (entry, told) in others.iter().zip(aligned(&pieces, 0, columns)) {
        lines.extend(told);
        lines.extend(problems(&entry.problems, columns));
        let held = entry.candidates.iter().filter(|one| one.set_id() == entry.row.data_set);
        lines.extend(held.flat_map(|one| value(one, report, columns)));
    }
    lines
}

/// A row that needs something, with its candidates.
fn open(entry: &Entry, explored: &Explored, report: &Report<'_>, columns: Option<usize>) -> Vec<String> {
    let property = if entry.row.property.is_empty() { "(no property)" } else { &entry.row.property };
    let mut lines = vec![String::new(), format!("line {}  {property}", entry.row.line)];
    lines.extend(sentence("", &element(entry), 2, columns));
    lines.extend(sentence("", &needed(entry), 2, columns));
    lines.extend(candidates(&entry.candidates, Some(&entry.row.data_set), explored.facilities, columns, |one| {
        let mut under = sentence("", &one.why(explored), 6, columns);
        under.extend(value(one, report, columns));
        under
    }));
    lines.extend(problems(&entry.problems, columns));
    lines
}

/// The data element in words.
fn element(entry: &Entry) -> String {
    let name = match &entry.element {
        Element::Shown(name) if !name.is_empty() => name,
        _ => &entry.row.name,
    };
    match (name.is_empty(), entry.row.data_element.is_empty()) {
        (_, true) => format!("{name} (no data element id)").trim_start().to_owned(),
        (true, false) => entry.row.data_element.clone(),
        (false, false) => format!("{name} ({})", entry.row.data_element),
    }
}

fn needed(entry: &Entry) -> String {
    let untold = entry.element == Element::Untold;
    let stands = match entry.candidates.iter().filter(|one| one.set.is_some()).count() {
        0 if untold => "The server does not tell which data sets hold it; any id that is chosen is taken as typed.",
        0 => "It stands in no data set, so nobody can report on it; another data element is needed.",
        1 => "It stands in one data set:",
        _ => "It stands in:",
    };
    match entry.need() {
        Need::Element => {
            let lost = if is_uid(&entry.row.data_element) {
                "DHIS2 does not show this data element to the account."
            } else {
                "The row has no id of a data element."
            };
            if entry.is_unsought() {
                format!(
                    "{lost} Those of a like name were not looked for; the notes say why. onse data-sets --search WORDS finds some."
                )
            } else if entry.candidates.is_empty() {
                format!("{lost} None of a like name was found; onse data-sets --search WORDS finds others.")
            } else {
                format!("{lost} Of a like name:")
            }
        }
        Need::DataSet => format!("The data set id is empty. {stands}"),
        Need::OtherDataSet => {
            format!("The data set {} does not hold it, or is not shown to the account. {stands}", entry.row.data_set)
        }
        Need::Look | Need::Nothing => "It stands in several data sets; look whether the right one is named:".to_owned(),
    }
}

/// A line for each candidate, with what `under` says below it. `named` is the data set that stands in the row.
fn candidates(
    candidates: &[Candidate],
    named: Option<&str>,
    facilities: Option<usize>,
    columns: Option<usize>,
    under: impl Fn(&Candidate) -> Vec<String>,
) -> Vec<String> {
    let pieces: Vec<Vec<String>> = candidates
        .iter()
        .map(|one| {
            let alike =
                one.alike.map(|alike| [format!("{} ({})", one.element_name, one.element), format!("{alike} % alike")]);
            let mut pieces: Vec<String> = alike.into_iter().flatten().collect();
            pieces.extend(facts(one, facilities));
            let here = named.is_some_and(|id| !id.is_empty() && one.alike.is_none() && one.set_id() == id);
            pieces.push(if here { "in the row now".to_owned() } else { String::new() });
            pieces
        })
        .collect();
    let told = aligned(&pieces, 4, columns).into_iter().zip(candidates);
    told.flat_map(|(lines, one)| lines.into_iter().chain(under(one))).collect()
}

/// The facts of a candidate's data set, one piece each.
fn facts(one: &Candidate, facilities: Option<usize>) -> Vec<String> {
    let Some(set) = &one.set else { return vec!["in no data set".to_owned()] };
    vec![
        set.name.clone(),
        set.id.clone(),
        set.period_type.as_deref().map_or_else(|| "period type not told".to_owned(), str::to_lowercase),
        reported(set.reported, facilities),
        format!("{} it", count(set.rows, "row uses", "rows use")),
        "*".repeat(one.stars(facilities)),
    ]
}

fn reported(reported: Option<usize>, facilities: Option<usize>) -> String {
    match (reported, facilities) {
        (Some(n), Some(all)) => format!("{} of {} reported", number(n), number(all)),
        (Some(n), None) => format!("{} reported", number(n)),
        (None, _) => "reports not counted".to_owned(),
    }
}

/// A row that needs nothing, one piece for each thing to know.
fn closed(entry: &Entry, explored: &Explored) -> Vec<String> {
    let row = &entry.row;
    let mut pieces =
        vec![format!("line {}", row.line), row.property.clone(), row.data_element.clone(), row.data_set.clone()];
    let named = entry.candidates.iter().find(|one| one.alike.is_none() && one.set_id() == row.data_set);
    match named.and_then(|one| one.set.as_ref()) {
        Some(set) => {
            pieces.push(set.period_type.as_deref().unwrap_or("period type not told").to_lowercase());
            pieces.push(reported(set.reported, explored.facilities));
            pieces.push(set.name.clone());
        }
        None => pieces.extend([String::new(), String::new(), "what DHIS2 has is not told".to_owned()]),
    }
    pieces.push(match &entry.element {
        Element::Shown(name) if !name.is_empty() => name.clone(),
        _ => row.name.clone(),
    });
    pieces
}

fn problems(problems: &[Problem], columns: Option<usize>) -> Vec<String> {
    let told =
        |problem: &Problem| sentence(if problem.blocks { "stop: " } else { "look: " }, &unlined(problem), 2, columns);
    problems.iter().flat_map(told).collect()
}

/// What the file says that belongs to no row.
fn rest(report: &Report<'_>, explored: &Explored, columns: Option<usize>) -> Vec<String> {
    let of_row = |problem: &&Problem| explored.rows.iter().any(|entry| entry.row.line == problem.line);
    let left = report.used.mapping.problems.iter().filter(|problem| !of_row(problem));
    let mut lines: Vec<String> = left
        .flat_map(|problem| {
            sentence(if problem.blocks { "stop: " } else { "look: " }, &problem.to_string(), 0, columns)
        })
        .collect();
    if !lines.is_empty() {
        lines.insert(0, String::new());
    }
    let rows =
        blocking(&report.used.mapping).map(|problem| problem.line).collect::<std::collections::BTreeSet<_>>().len();
    if rows > 0 {
        let cannot = count(rows, "row cannot", "rows cannot");
        lines.push(String::new());
        lines.extend(sentence(
            "",
            &format!("{cannot} be read as meant; onse plan refuses the file until that is mended"),
            0,
            columns,
        ));
    }
    lines
}

fn notes(report: &Report<'_>, columns: Option<usize>) -> Vec<String> {
    let notes = report.seen.notes();
    let gap = (!notes.is_empty()).then(String::new);
    gap.into_iter().chain(notes.iter().flat_map(|note| sentence("note: ", note, 0, columns))).collect()
}

/// The lines that change, before and after.
fn differences(report: &Report<'_>) -> Vec<String> {
    let changes = report.changed.iter().flat_map(|changed| &changed.lines);
    let mut lines = vec![String::new()];
    for change in changes {
        lines.push(format!("{}, line {}", report.used.label, change.line));
        for (mark, text) in [("-", &change.before), ("+", &change.after)] {
            lines.extend(text.split(['\r', '\n']).filter(|part| !part.is_empty()).map(|part| format!("{mark} {part}")));
        }
    }
    lines
}

/// What is wrong with the rows that change, as they would be.
fn after(report: &Report<'_>, columns: Option<usize>) -> Vec<String> {
    let mut lines = Vec::new();
    for change in report.changed.iter().flat_map(|changed| &changed.lines) {
        let told = problems(report.problems_of(change.line), columns);
        if !told.is_empty() {
            lines.extend([String::new(), format!("with that, line {}", change.line)]);
            lines.extend(told);
        }
    }
    lines
}

/// The data elements found, each data set with a row for the mapping.
fn search(found: &Found, report: &Report<'_>, columns: Option<usize>) -> Vec<String> {
    let mut lines = vec![String::new()];
    if found.candidates.is_empty() {
        lines.push(format!("no data element that the account is shown has \"{}\" in its name", found.words));
        return lines;
    }
    lines.extend(candidates(&found.candidates, None, report.seen.facilities, columns, |one| {
        let mut under = value(one, report, columns);
        under.extend(ready_row(report, one).map(|row| format!("      {row}")));
        under
    }));
    if found.more > 0 {
        lines.push(format!("and {} more; more words find fewer", number(found.more)));
    }
    lines.push(String::new());
    let how = "To use one, copy its row to the end of the mapping file. The name it begins with is proposed: write that of the case \
               property in CommCare. Nothing was written.";
    lines.extend(sentence("", how, 0, columns));
    lines
}

/// The row for the mapping file, in the file's own writing and with a proposed name of the property.
pub(super) fn ready_row(report: &Report<'_>, one: &Candidate) -> Option<String> {
    one.set.as_ref()?;
    let property = suggested_property(&one.element_name, &one.element);
    report.used.mapping.line_of([&property, &one.element, one.set_id(), &one.element_name])
}

/// What the facility would get from a candidate.
fn value(one: &Candidate, report: &Report<'_>, columns: Option<usize>) -> Vec<String> {
    let Some((held, set)) = report.seen.held.as_ref().zip(one.set.as_ref()) else { return Vec::new() };
    let name = if set.name.is_empty() { &set.id } else { &set.name };
    let told = match stored(held, one, report.quarter) {
        Some(values) if !values.is_empty() => {
            values.into_iter().map(|one| total(one, report.quarter)).collect::<Vec<_>>().join(", ")
        }
        Some(_) if held.notes.is_empty() => "nothing stored".to_owned(),
        Some(_) => "nothing came; see the notes".to_owned(),
        None => format!("not asked for, a {} data set", set.period_type.as_deref().unwrap_or_default().to_lowercase()),
    };
    sentence("", &format!("{} in {name} for {}: {told}", report.quarter, held.facility), 6, columns)
}

/// A value that is stored, with its period where that is not the quarter.
fn total(value: &Held, quarter: Quarter) -> String {
    let Held { period, total, parts, .. } = value;
    let parts = if *parts > 1 { format!(" ({parts} category options)") } else { String::new() };
    let period = if *period == quarter.to_string() { String::new() } else { format!("{period} ") };
    format!("{period}{}{parts}", grouped(total))
}

/// What is stored for a candidate: of a monthly data set its months, of a quarterly one the quarter, where that is not told whatever
/// there is. `None` for others: what a data element holds for the quarter is of another of its data sets.
pub(super) fn stored<'h>(held: &'h HeldAt, one: &Candidate, quarter: Quarter) -> Option<Vec<&'h Held>> {
    let (whole, months) = (quarter.to_string(), quarter.months());
    let fits = |value: &Held, period_type: Option<&str>| match period_type {
        Some("Monthly") => months.contains(&value.period),
        Some(_) => value.period == whole,
        None => true,
    };
    let period_type = one.set.as_ref()?.period_type.as_deref();
    if period_type.is_some_and(|known| !matches!(known, "Quarterly" | "Monthly")) {
        return None;
    }
    let own = held.held.iter().filter(|value| value.element == one.element);
    Some(own.filter(|value| fits(value, period_type)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mapping::Mapping;

    #[test]
    fn names_that_were_not_looked_for_are_not_called_not_found() {
        let text = b"case_property,data_element_id,data_set_id,dhis2_name\nbeds,asCqjKclllu,,Beds\n";
        let row = Mapping::read(text).rows[0].clone();
        let of = |looked| {
            let (candidates, problems) = (Vec::new(), Vec::new());
            needed(&Entry { row: row.clone(), element: Element::Missing, candidates, looked, problems })
        };
        assert!(of(true).contains("None of a like name was found"), "{}", of(true));
        assert!(of(false).contains("were not looked for; the notes say why"), "{}", of(false));
    }
}
