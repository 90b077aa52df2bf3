//! What Overview says of the run as a whole: how old it is and of what, what was not matched, what is to be chosen, what was reset.
//! The lines under the cursor are doors; which there are is decided in `update`.

use jiff::Timestamp;

use super::{overview::ago, whole};
use crate::{
    domain::{
        finer::{Choice, Unfit, Way},
        flags::Severity,
        plan::{Head, Plan},
        text::{fit_middle, inert, width},
    },
    tui::{
        model::{Door, Model, Review},
        parts::{count, plural, words, wrap},
        table::Sheet,
        theme::Role,
    },
};

/// Columns before what a check says.
const INDENT: usize = 20;
/// Fewest columns of the name of a data set beside what is said of it.
const NAME: usize = 12;

/// Columns before the name of a check.
const NAMES: u16 = 7;

/// How a check reads.
type Sign = (&'static str, Role);
const OK: Sign = ("ok", Role::Approved);
const LOOK: Sign = ("!", Role::Review);
const STOP: Sign = ("!!", Role::Stop);

/// Draws them.
pub(super) fn draw<'a>(sheet: &mut Sheet<'a>, model: &Model, review: &'a Review, width: usize) {
    let (head, at) = (&review.plan.head, review.doors.current());
    let room = width.saturating_sub(INDENT);
    sheet.heading("Checks of the whole run");
    let facilities = count(review.plan.height());
    let changing = count(review.counts.changing);
    let scope = if head.scope.is_empty() { String::new() } else { format!(" ({})", head.scope) };
    let scope = format!("{facilities} in scope{scope}, {changing} with a change");
    check(sheet, false, OK, "facilities", &[words(&inert(&scope), room).into_owned()]);
    check(sheet, false, OK, "read", &phrases(&read(head, &model.now.at), room));
    if let Some(text) = not_matched(&review.plan) {
        check(sheet, at == Some(Door::NotMatched), LOOK, "not matched", &wrap(&text, room));
    }
    // R2 is the line above.
    for said in head.checks.iter().filter(|check| check.property.is_none() && check.id != "R2") {
        let sign = if said.severity == Severity::Stop { STOP } else { LOOK };
        check(sheet, false, sign, subject(&said.id), &wrap(&inert(&said.sentence), room));
    }
    for (place, unfit) in head.finer.iter().enumerate() {
        let chosen = head.choices.get(&unfit.data_set).filter(|_| unfit.why.is_none());
        let sign = if chosen.is_some() { OK } else { LOOK };
        check(sheet, at == Some(Door::Finer(place)), sign, "data set", &data_set(unfit, chosen, room));
    }
    if review.doors.all.contains(&Door::Reset) {
        let text = format!(
            "{} to decide again: values moved, or a STOP came",
            plural(review.reset_left().count(), "decision", "decisions")
        );
        check(sheet, at == Some(Door::Reset), LOOK, "reset", &[words(&text, room).into_owned()]);
    }
    let one = |text: &str| [words(&inert(text), room).into_owned()];
    if review.counts.incomplete {
        check(sheet, false, STOP, "incomplete", &one(&missing(&review.plan)));
    }
    match head.mapping_problems.as_slice() {
        [] => check(sheet, false, OK, "mapping", &one(&head.mapping)),
        problems => {
            let used = format!(", {} used", count(review.plan.width()));
            let label = fit_middle(&inert(&head.mapping), room.saturating_sub(used.len())).into_owned();
            check(sheet, false, LOOK, "mapping", &[label + &used]);
            mapping(sheet, review, problems);
        }
    }
    if head.look_back > 0 {
        let quarters = plural(head.look_back.into(), "quarter", "quarters");
        let text = format!("absent numbers are proposed from up to {quarters} before");
        check(sheet, false, LOOK, "look-back", &one(&text));
    }
    for note in head.other_notes() {
        check(sheet, false, LOOK, "note", &one(note));
    }
    whole::overview(sheet, review, at, model.size);
}

/// The problems of the mapping, a door each: enter shows the row and what could stand in it.
fn mapping<'a>(sheet: &mut Sheet<'a>, review: &'a Review, problems: &'a [String]) {
    let mut told = 0;
    for door in &review.doors.all {
        let Door::Mapping(at) = *door else { continue };
        let Some(problem) = problems.get(at) else { continue };
        told += 1;
        sheet.row(review.doors.current() == Some(*door), move |pen| {
            let room = pen.gap(NAMES).room().saturating_sub(1);
            pen.put(&words(&inert(problem), room), Role::Text);
        });
    }
    if problems.len() > told {
        let more = format!("… {} more on tab 5", count(problems.len() - told));
        sheet.line(move |pen| _ = pen.gap(NAMES).put(&more, Role::Dim));
    }
}

/// What a check of the run is about, by the id of its rule.
fn subject(id: &str) -> &'static str {
    match id {
        "R1" => "facilities",
        "R3" => "quarter",
        "C8" => "zeros",
        _ => "run",
    }
}

/// One check; what it says in as many lines as it takes.
fn check(sheet: &mut Sheet<'_>, here: bool, (sign, role): Sign, name: &'static str, said: &[String]) {
    let (first, more) = said.split_first().map_or((String::new(), &[][..]), |(first, more)| (first.clone(), more));
    let door = matches!(name, "not matched" | "data set" | "reset");
    let line = move |pen: &mut crate::tui::parts::Pen<'_>| {
        pen.gap(3).left(4, sign, role).left(INDENT - 7, name, Role::Text).put(&first, Role::Text);
    };
    if door {
        sheet.row(here, line);
    } else {
        sheet.line(line);
    }
    for text in more {
        let text = text.clone();
        sheet.line(move |pen| _ = pen.to(columns(INDENT)).put(&text, Role::Text));
    }
}

fn columns(width: usize) -> u16 {
    crate::tui::parts::columns(width)
}

/// `2 h ago, reading 2; DHIS2 2.42.1; index of CommCare as of 2026-07-05 09:38 UTC` (fault matrix row H28).
fn read(head: &Head, now: &str) -> Vec<String> {
    let mut said = vec![ago(&head.read_at, now)];
    if head.generation > 1 {
        said.push(format!("reading {}", head.generation));
    }
    if !head.dhis2_version.is_empty() {
        said.push(format!("DHIS2 {}", head.dhis2_version));
    }
    said.extend(head.index_as_of.as_deref().map(|at| format!("index of CommCare as of {}", minute(at))));
    said
}

/// Phrases in lines of at most so many columns, broken between them where that goes.
fn phrases(said: &[String], room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for phrase in said {
        match lines.last_mut() {
            Some(line) if width(line) + 2 + width(phrase) <= room => *line = format!("{line}; {phrase}"),
            _ => lines.push(inert(phrase).into_owned()),
        }
    }
    lines.iter().flat_map(|line| wrap(line, room)).collect()
}

/// `2026-07-05 09:38 UTC`; the text itself where it is not a time.
fn minute(at: &str) -> String {
    at.parse::<Timestamp>().map_or_else(|_| at.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// `14 cases that cannot take part, 32 org units without case`; nothing where all are matched.
fn not_matched(plan: &Plan) -> Option<String> {
    let (cases, units) = (plan.skipped().len(), plan.head.without_case.len());
    let cases = (cases > 0).then(|| format!("{} that cannot take part", plural(cases, "case", "cases")));
    let units = (units > 0).then(|| format!("{} without case", plural(units, "org unit", "org units")));
    let said: Vec<String> = cases.into_iter().chain(units).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

/// `HMIS 15 is monthly; enter: sum, last or leave out`, in two lines where one has no room for the name.
fn data_set(unfit: &Unfit, chosen: Option<&Choice>, room: usize) -> Vec<String> {
    let said = match (&unfit.why, chosen) {
        (Some(_), _) => format!("is {}; nothing is proposed; enter: why", inert(&unfit.period_type)),
        (None, Some(chosen)) => format!("is monthly; chosen: {}", unfit.words(chosen)),
        (None, None) => format!("is monthly; enter: {}", offered(unfit)),
    };
    let name = inert(unfit.called());
    if width(&said) + NAME < room {
        return vec![format!("{} {said}", fit_middle(&name, room - width(&said) - 1))];
    }
    let said = said.strip_prefix("is ").unwrap_or(&said);
    [vec![fit_middle(&name, room).into_owned()], wrap(said, room)].concat()
}

/// `sum, last or leave out`
fn offered(unfit: &Unfit) -> String {
    let ways: std::collections::BTreeSet<Way> = unfit.ways.values().copied().collect();
    let word = |way: &Way| match way {
        Way::Sum => "sum",
        Way::Last => "last",
        Way::Average => "average",
    };
    format!("{} or leave out", ways.iter().map(word).collect::<Vec<_>>().join(", "))
}

/// What is missing from the plan: what the reading said of the case list, else that units could not be read.
fn missing(plan: &Plan) -> String {
    plan.head
        .incomplete
        .clone()
        .unwrap_or_else(|| "some facilities could not be fetched; this is not the whole picture".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::sample;

    #[test]
    fn what_is_missing_is_said_as_the_reading_said_it() {
        let mut plan = sample(1, 1, |_| {});
        assert!(missing(&plan).contains("could not be fetched"));
        plan.head.incomplete = Some("CommCare listed 3 of 4 cases".to_owned());
        assert_eq!(missing(&plan), "CommCare listed 3 of 4 cases");
    }

    #[test]
    fn what_was_read_is_said_as_far_as_it_is_known() {
        let mut head = sample(1, 1, |_| {}).head;
        "2026-07-05T09:00:00Z".clone_into(&mut head.read_at);
        let now = "2026-07-05T11:30:00Z";
        let read = |head: &Head| read(head, now).join("; ");
        assert_eq!(read(&head), "2 h ago");
        "2.42.1".clone_into(&mut head.dhis2_version);
        (head.generation, head.index_as_of) = (3, Some("2026-07-05T08:38:12.123456Z".to_owned()));
        let all = "2 h ago; reading 3; DHIS2 2.42.1; index of CommCare as of 2026-07-05 08:38 UTC";
        assert_eq!(read(&head), all);
        head.index_as_of = Some("yesterday".to_owned());
        assert!(read(&head).ends_with("as of yesterday"));
        let said = ["2 h ago", "DHIS2 2.42.1", "index of CommCare as of yesterday"].map(str::to_owned);
        assert_eq!(phrases(&said, 40), ["2 h ago; DHIS2 2.42.1", "index of CommCare as of yesterday"]);
        assert_eq!(phrases(&said, 80).len(), 1);
    }

    #[test]
    fn both_sides_without_a_match_are_counted() {
        let mut plan = sample(1, 1, |_| {});
        assert_eq!(not_matched(&plan), None);
        plan.head.without_case = vec![("Uaaaaaaaaa1".to_owned(), "Wazi HC".to_owned())];
        assert_eq!(not_matched(&plan).unwrap(), "1 org unit without case");
    }
}
