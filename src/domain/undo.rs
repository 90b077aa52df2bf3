//! What a review wrote against what the cases hold now: the plan that puts the values before it back, only where what was written
//! still stands (fault matrix section 5). Reads no case and sends nothing; the plan is reviewed and submitted like any other.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    flags::{becomes_blank, not_put_back},
    head::{Head, UndoOf},
    offer::or_blank,
    outcome::Outcome,
    plan::{Cell, Draft, Facility, Plan, Property, State},
    text::shell_word,
    value::{grouped, same},
};

/// Form ids a note names.
const NAMED: usize = 20;

/// One cell of one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Which cell.
    pub cell: Cell,
    /// What the case held when the form was made.
    pub old: Option<String>,
    /// What the form sets.
    pub new: String,
    /// What became of it.
    pub outcome: Outcome,
    /// When the form was made; `None` where that is not known.
    pub at: Option<Timestamp>,
}

/// What a review did to a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What the case held before; `None` where the property was not set.
    pub before: Option<String>,
    /// What it may hold of ours, the newest last: the last value that was seen there, and those after it that may not have arrived.
    pub ours: Vec<String>,
    /// When the newest form that was accepted was made; `None` where its fate is not known.
    pub accepted: Option<Timestamp>,
}

/// What a review did, cell by cell. `writes` stand in the order of their forms.
///
/// What is known not to be applied does not count, and anything else does: reading decides. Where a form found what an earlier one
/// of the same review had written, the value before is the earlier one's.
pub fn written(writes: impl IntoIterator<Item = Write>) -> BTreeMap<Cell, Written> {
    let mut all: BTreeMap<Cell, Written> = BTreeMap::new();
    for Write { cell, old, new, outcome, at } in writes {
        if outcome == Outcome::NotApplied {
            continue;
        }
        let accepted = at.filter(|_| matches!(outcome, Outcome::Accepted | Outcome::Applied));
        let mut before = old;
        let mut ours = Vec::new();
        if let Some(earlier) =
            all.remove(&cell).filter(|one| one.ours.iter().any(|ours| same(before.as_deref(), Some(ours))))
        {
            before = earlier.before;
            if outcome != Outcome::Applied {
                ours = earlier.ours;
            }
        }
        ours.push(new);
        all.insert(cell, Written { before, ours, accepted });
    }
    all
}

/// The case of a facility as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseNow {
    /// Its properties by name; those that are not set are absent.
    pub values: BTreeMap<String, String>,
    /// Why it is not the case it was any more; `None` where it is.
    pub other: Option<String>,
    /// When `CommCare` last changed it, as far as was read.
    pub changed: Option<Timestamp>,
}

/// A cell whose value before is not put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Which cell of the new plan.
    pub cell: Cell,
    /// What the review wrote.
    pub ours: String,
    /// What the case holds now; `None` where the property is not set, or the case is gone.
    pub now: Option<String>,
    /// What it held before.
    pub before: Option<String>,
    /// Why, one sentence without a full stop.
    pub why: String,
}

/// How many cells of the review there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The value before is proposed.
    pub put_back: usize,
    /// Those of them that become blank.
    pub blanks: usize,
    /// The case holds the value before already.
    pub as_before: usize,
    /// Something else stands there.
    pub conflicts: usize,
}

/// A plan that undoes a review.
#[derive(Debug)]
pub struct Undo {
    /// The plan.
    pub plan: Plan,
    /// Cells that are left as they are, in the order of the plan.
    pub conflicts: Vec<Conflict>,
    /// How many of each.
    pub counts: Counts,
}

/// The plan that undoes what was `written` from `of`, with the facilities and properties of these cells alone. `now` has the cases by
/// facility of `of`; one that is not there is gone. `undone` says which review it is, and `read_at` when the cases were read, RFC 3339.
pub fn undo(
    of: &Plan,
    undone: UndoOf,
    read_at: &str,
    written: &BTreeMap<Cell, Written>,
    now: &BTreeMap<u32, CaseNow>,
) -> Undo {
    let (facilities, properties): (BTreeSet<u32>, BTreeSet<u16>) =
        written.keys().map(|cell| (cell.facility, cell.property)).unzip();
    let known: Vec<Facility> = facilities.iter().map(|at| of.facility(*at).clone()).collect();
    let columns: Vec<Property> = properties.iter().map(|at| of.property(*at).clone()).collect();
    let mut draft = Plan::draft(head(of, undone, read_at), known, columns);
    let (mut conflicts, mut counts) = (Vec::new(), Counts::default());
    for (facility, from) in (0..).zip(&facilities) {
        for (property, column) in (0..).zip(&properties) {
            let cell = Cell { facility, property };
            let one = written.get(&Cell { facility: *from, property: *column });
            conflicts.extend(set(&mut draft, cell, one, now.get(from), &mut counts));
        }
    }
    counts.conflicts = conflicts.len();
    let mut plan = draft.finish();
    let said = notes(&plan, counts);
    plan.head.notes = said;
    Undo { plan, conflicts, counts }
}

fn head(of: &Plan, undone: UndoOf, read_at: &str) -> Head {
    let from = &of.head;
    Head {
        project: from.project.clone(),
        label: from.label.clone(),
        dhis2: from.dhis2.clone(),
        commcare: from.commcare.clone(),
        mapping: from.mapping.clone(),
        mapping_rows: from.mapping_rows,
        case_type: from.case_type.clone(),
        read_at: read_at.to_owned(),
        scope: format!("undo of {}", undone.file),
        without_history: true,
        undo: Some(undone),
        ..Head::of(from.quarter)
    }
}

/// Sets a cell, and says what stands against putting its value back.
fn set(
    draft: &mut Draft,
    cell: Cell,
    written: Option<&Written>,
    case: Option<&CaseNow>,
    counts: &mut Counts,
) -> Option<Conflict> {
    let name = &draft.plan().property(cell.property).name;
    let holds = case.and_then(|case| case.values.get(name)).map(String::as_str);
    let Some(written) = written else {
        draft.set(cell, holds, None, State::NotWritten);
        return None;
    };
    let before = written.before.as_deref();
    if let Some(why) = against(written, case, holds) {
        draft.set(cell, holds, None, State::Conflict);
        draft.flag(cell, not_put_back(&why));
        let ours = written.ours.last().cloned().unwrap_or_default();
        return Some(Conflict { cell, ours, now: holds.map(str::to_owned), before: written.before.clone(), why });
    }
    // CommCare has no way to take a property away, so what was not there becomes blank (commcare.md section 5.5).
    draft.set(cell, holds, Some(before.unwrap_or("")), State::Restored);
    if same(holds, before) {
        counts.as_before += 1;
        return None;
    }
    counts.put_back += 1;
    if before.unwrap_or("").is_empty() {
        counts.blanks += 1;
        draft.flag(cell, becomes_blank(before.is_some()));
    }
    None
}

/// Why the value before cannot be put back; `None` where it can, or stands there already.
fn against(written: &Written, case: Option<&CaseNow>, holds: Option<&str>) -> Option<String> {
    let Some(case) = case else { return Some("the case is gone from CommCare".to_owned()) };
    if let Some(other) = &case.other {
        return Some(other.clone());
    }
    if written.ours.iter().any(|ours| same(holds, Some(ours))) {
        return None;
    }
    if same(holds, written.before.as_deref()) {
        // An index that lags shows the value before although ours stands (commcare.md section 8.3).
        let lags = written.accepted.zip(case.changed).is_some_and(|(accepted, changed)| changed < accepted);
        let why = "CommCare does not show yet what was accepted, so what the case holds is not known; make the undo again later";
        return lags.then(|| why.to_owned());
    }
    let shown = |value: Option<&str>| value.map_or_else(|| "nothing".to_owned(), |value| grouped(or_blank(value)));
    let (now, before) = (shown(holds), shown(written.before.as_deref()));
    let ours = shown(written.ours.last().map(String::as_str));
    Some(format!("the case holds {now} now, the review wrote {ours}, and before it stood {before}"))
}

/// What the reviewer should know, one sentence each.
fn notes(plan: &Plan, counts: Counts) -> Vec<String> {
    let Some(undone) = &plan.head.undo else { return Vec::new() };
    let UndoOf { file, first, last, forms } = undone;
    let when = if first == last { first.clone() } else { format!("{first} to {last}") };
    let mut notes = vec![format!("this review undoes what was submitted from {file} ({when}), where it still stands")];
    let number = |count: usize| grouped(&count.to_string());
    if counts.conflicts > 0 {
        let n = number(counts.conflicts);
        notes.push(format!(
            "conflicts: {n}; these cells changed since and are left as they are, and A05 on each says how"
        ));
    }
    if counts.blanks > 0 {
        let n = number(counts.blanks);
        notes.push(format!(
            "{n} of the values become blank: they were not set before, and CommCare cannot remove a property (A04)"
        ));
    }
    for form in forms.iter().filter(|form| !form.outcome.settled()) {
        notes.push(unsettled(form.number, form.outcome, file));
    }
    let acted: Vec<&str> = forms.iter().filter(|form| form.acted).map(|form| form.form_id.as_str()).collect();
    let more = match acted.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more, which onse undo printed"),
    };
    let named = acted.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let archive = || format!("archiving a form in CommCare reverts its changes too: {named}{more}");
    notes.extend((!acted.is_empty()).then(archive));
    notes
}

/// That a form is not settled, and what to do first.
pub fn unsettled(number: u32, outcome: Outcome, file: &str) -> String {
    format!(
        "form {number} of {file} is not settled ({}), so it may still take effect: onse verify {} first, then the undo again",
        outcome.words(),
        shell_word(file)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        flags::Severity,
        head::FormOf,
        plan::{Kind, sample},
    };

    const CELL: Cell = Cell { facility: 1, property: 1 };

    fn at(hour: u32) -> Timestamp {
        format!("2026-07-05T{hour:02}:00:00Z").parse().unwrap()
    }

    fn write(hour: u32, old: Option<&str>, new: &str, outcome: Outcome) -> Write {
        Write { cell: CELL, old: old.map(str::to_owned), new: new.to_owned(), outcome, at: Some(at(hour)) }
    }

    #[test]
    fn the_value_before_is_that_of_an_unbroken_chain() {
        use Outcome::{Accepted, Applied, Frozen, NotApplied, Unknown};
        let of = |writes: &[(Option<&str>, &str, Outcome)]| {
            let writes = (1..).zip(writes).map(|(hour, (old, new, outcome))| write(hour, *old, new, *outcome));
            written(writes).remove(&CELL).map(|one| (one.before, one.ours.join(" "), one.accepted))
        };
        let is = |before: Option<&str>, ours: &str, hour: Option<u32>| {
            Some((before.map(str::to_owned), ours.to_owned(), hour.map(at)))
        };
        let (one, two) = (Some("10"), Some("20"));
        assert_eq!(of(&[(one, "20", Applied)]), is(one, "20", Some(1)));
        assert_eq!(of(&[(None, "20", Accepted)]), is(None, "20", Some(1)));
        assert_eq!(of(&[(one, "20", Unknown)]), is(one, "20", None));
        assert_eq!(of(&[(one, "20", NotApplied)]), None);
        assert_eq!(of(&[(one, "20", Applied), (Some("20.0"), "30", Applied)]), is(one, "30", Some(2)), "unbroken");
        assert_eq!(of(&[(one, "20", Applied), (Some("25"), "30", Applied)]), is(Some("25"), "30", Some(2)), "broken");
        assert_eq!(of(&[(one, "20", Applied), (two, "30", NotApplied)]), is(one, "20", Some(1)));
        assert_eq!(of(&[(one, "20", NotApplied), (one, "30", Applied)]), is(one, "30", Some(2)));
        assert_eq!(of(&[(one, "20", Applied), (two, "30", Frozen)]), is(one, "20 30", None), "either may stand there");
        let back = [(one, "20", Applied), (two, "30", Applied), (Some("30"), "10", Applied)];
        assert_eq!(of(&back), is(one, "10", Some(3)), "it wrote the first value again");
    }

    /// The cell after one form from `before` to 31 at 9 o'clock, when the case holds `now` and was changed at `changed`.
    fn made(before: Option<&str>, now: Option<CaseNow>) -> Undo {
        let of = sample(3, 3, |_| {});
        let forms = vec![
            FormOf { number: 1, form_id: "f1".into(), outcome: Outcome::Applied, acted: true },
            FormOf { number: 2, form_id: "f2".into(), outcome: Outcome::Unknown, acted: true },
            FormOf { number: 3, form_id: "f3".into(), outcome: Outcome::NotApplied, acted: false },
        ];
        let (first, last) = ("2026-07-05T09:00:00Z".to_owned(), "2026-07-05T09:10:00Z".to_owned());
        let undone = UndoOf { file: "q.review".into(), first, last, forms };
        let written = written([write(9, before, "31", Outcome::Applied)]);
        undo(&of, undone, "2026-07-06T08:00:00Z", &written, &now.map(|now| (CELL.facility, now)).into_iter().collect())
    }

    fn holding(value: Option<&str>, hour: u32) -> CaseNow {
        let values = value.map(|value| ("dhis_p1".to_owned(), value.to_owned())).into_iter().collect();
        CaseNow { values, other: None, changed: Some(at(hour)) }
    }

    #[test]
    fn only_what_is_ours_goes_back() {
        let cell = Cell { facility: 0, property: 0 };
        // Before, now, when the case was changed; state, kind, proposal, flags.
        let of = |before: Option<&str>, now: Option<&str>, hour| {
            let plan = made(before, Some(holding(now, hour))).plan;
            assert_eq!(plan.old(cell), now);
            let flags: Vec<String> = plan.flags(cell).iter().map(|flag| flag.id.clone()).collect();
            (plan.state(cell), plan.kind(cell), plan.new_value(cell).map(str::to_owned), flags.join(" "))
        };
        let back = |new: &str, kind, flags: &str| (State::Restored, kind, Some(new.to_owned()), flags.to_owned());
        let conflict = || (State::Conflict, Kind::Without, None, "A05".to_owned());
        assert_eq!(of(Some("28"), Some("31"), 10), back("28", Kind::Change, ""));
        assert_eq!(of(Some("28.0"), Some("31.0"), 10), back("28.0", Kind::Change, ""), "as it was written");
        assert_eq!(of(Some("about 28"), Some("31"), 10), back("about 28", Kind::Change, ""));
        assert_eq!(of(None, Some("31"), 10), back("", Kind::Change, "A04"));
        assert_eq!(of(Some(""), Some("31"), 10), back("", Kind::Change, "A04"));
        assert_eq!(of(Some("28"), Some("28"), 10), back("28", Kind::Same, ""));
        assert_eq!(of(None, Some(""), 10), back("", Kind::Same, ""));
        assert_eq!(of(Some("28"), Some("44"), 10), conflict());
        assert_eq!(of(Some("28"), None, 10), conflict());
        assert_eq!(of(None, Some("44"), 10), conflict());
        assert_eq!(of(Some("28"), Some("28"), 8), conflict(), "the index lags behind the form");
        assert_eq!(
            of(Some("28"), Some("31"), 8),
            back("28", Kind::Change, ""),
            "ours was seen whatever the clocks say"
        );
    }

    #[test]
    fn a_conflict_says_what_stands_there_and_a_blank_has_a_word() {
        let why = |before: Option<&str>, now: Option<CaseNow>| made(before, now).conflicts[0].why.clone();
        let other = |value, hour| Some(holding(value, hour));
        assert_eq!(
            why(Some("1280"), other(Some("4400"), 10)),
            "the case holds 4,400 now, the review wrote 31, and before it stood 1,280"
        );
        assert!(why(Some("28"), other(Some(""), 10)).starts_with("the case holds blank now"));
        assert!(why(None, other(Some("44"), 10)).ends_with("before it stood nothing"));
        assert_eq!(why(Some("28"), None), "the case is gone from CommCare");
        let closed = CaseNow { other: Some("the case was closed".into()), ..holding(Some("31"), 10) };
        assert_eq!(why(Some("28"), Some(closed)), "the case was closed", "also where ours stands");
    }

    #[test]
    fn the_plan_has_what_was_written_alone_and_says_whose_undo_it_is() {
        let Undo { plan, conflicts, counts } = made(None, Some(holding(Some("31"), 10)));
        assert_eq!((plan.facilities().len(), plan.properties().len(), conflicts.len()), (1, 1, 0));
        assert_eq!((plan.facility(0).case_id.as_str(), plan.property(0).name.as_str()), ("case1", "dhis_p1"));
        assert_eq!(counts, Counts { put_back: 1, blanks: 1, ..Counts::default() });
        let cell = Cell { facility: 0, property: 0 };
        assert!(plan.becomes_blank(cell) && plan.dated(cell, "") == "blank");
        assert_eq!(plan.severity(cell), Some(Severity::Review));
        let head = &plan.head;
        assert_eq!((head.generation, head.scope.as_str(), head.project.as_str()), (1, "undo of q.review", "onse-demo"));
        let notes = head.notes.join("\n");
        for said in [
            "submitted from q.review (2026-07-05T09:00:00Z to 2026-07-05T09:10:00Z)",
            "1 of the values become blank",
            "form 2 of q.review is not settled (UNKNOWN)",
            "reverts its changes too: f1, f2",
        ] {
            assert!(notes.contains(said), "{said}: {notes}");
        }
        assert!(!notes.contains("f3") && !notes.contains("conflicts"), "{notes}");
        let conflict = made(None, None).plan.head.notes.join("\n");
        assert!(conflict.contains("conflicts: 1; these cells changed since"), "{conflict}");
        let json = serde_json::to_string(&sample(1, 1, |_| {}).head).unwrap();
        assert!(!json.contains("undo"), "the mark of an older file still fits");
    }
}
