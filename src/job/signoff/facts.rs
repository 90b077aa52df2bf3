//! A review as the facts a manager signs: where it is from, what it comes to, and every section of the report in order.

use std::borrow::Cow;

use super::{
    Detail, Report, forms, people,
    section::{Field, Section, Table, count, number, when},
    sorted::Sorted,
    stops,
};
use crate::domain::{
    flags::Severity,
    plan::{Kind, State},
    text::shell_word,
};

/// The whole report.
#[derive(Debug)]
pub(super) struct Signoff<'a> {
    /// `onse-iss, quarter 2026Q2`.
    pub(super) title: String,
    /// The label of the profile; may be empty.
    pub(super) label: &'a str,
    /// What it comes to, in a few words.
    pub(super) result: &'static str,
    /// Whether nothing is left open.
    pub(super) complete: bool,
    /// The same in sentences.
    pub(super) sentences: Vec<String>,
    /// The counts that matter most.
    pub(super) counts: Vec<Count>,
    /// Everything else, in order.
    pub(super) sections: Vec<Section<'a>>,
    /// When it was made and by what.
    pub(super) foot: String,
}

/// A number of the first page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) number: usize,
    pub(super) words: &'static str,
    /// Section that tells more.
    pub(super) section: &'static str,
}

impl<'a> Signoff<'a> {
    /// Puts the facts of a review together.
    pub(super) fn of(report: &Report<'a>, detail: Detail) -> Self {
        let sorted = Sorted::of(report);
        let open = Open::of(report);
        let (result, complete) = open.result(&sorted);
        let all = [
            vec![sorted.by_element(report), about(report), checks(report)],
            vec![sorted.applied_section(report, detail)],
            sorted.earlier_section(report).into_iter().collect(),
            sorted.sections(report),
            vec![left_out(report), forms::section(report), stops::section(report, &sorted)],
            vec![people::section(report, &sorted), signatures(report, &sorted)],
            people::annexes(report),
            vec![proof(report)],
        ];
        // What is signed comes first; that in front of the signatures stays short enough to be read.
        let (annexes, mut sections): (Vec<_>, Vec<_>) = all.into_iter().flatten().partition(|section| section.annex);
        sections.extend(annexes);
        let head = &report.plan.head;
        let at = |words, number, section| Count { number, words, section };
        let counts = vec![
            at("applied and read back", sorted.applied.len(), "applied"),
            at("approved, not verified", sorted.not_verified(), "open"),
            at("held", sorted.held.len(), "held"),
            at("rejected or kept", sorted.against(), "reasons"),
            at("not decided", open.undecided + open.zeros, "elements"),
        ];
        Self {
            title: format!("{}, quarter {}", head.project, head.quarter),
            label: &head.label,
            result,
            complete,
            sentences: open.sentences(report, &sorted),
            counts,
            sections,
            foot: format!("Made {} by {}", when(report.made_at), report.program),
        }
    }
}

/// What is not settled.
struct Open {
    undecided: usize,
    zeros: usize,
    unread: usize,
}

impl Open {
    fn of(report: &Report<'_>) -> Self {
        let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        let (plan, tally) = (report.plan, report.ledger.all());
        let unread = plan.cells().filter(|cell| plan.state(*cell) == State::FetchFailed).count();
        Self { undecided: size(tally.left()), zeros: size(tally.maybe_left()), unread }
    }

    fn result(&self, sorted: &Sorted<'_>) -> (&'static str, bool) {
        sorted.result(self.undecided + self.zeros + self.unread + sorted.held.len() > 0)
    }

    fn sentences(&self, report: &Report<'_>, sorted: &Sorted<'_>) -> Vec<String> {
        let tally = report.ledger.all();
        let mut said = vec![sorted.sentence()];
        if !sorted.already.is_empty() && sorted.asked() > sorted.already.len() {
            said.push(format!(
                "{} needed no sending: the case held the approved value already.",
                count(sorted.already.len(), "approved value", "approved values")
            ));
        }
        if let Some(stamp) = report.submitted {
            said.push(format!("CommCare was last written to or read back {}.", when(&stamp.at)));
        }
        if self.undecided > 0 {
            said.push(format!(
                "{} not decided (STOP {}, REVIEW {}, without a flag {}): these cases keep what they had.",
                count(self.undecided, "change was", "changes were"),
                tally.stop,
                tally.review,
                tally.plain()
            ));
        }
        if self.zeros > 0 {
            said.push(format!(
                "{} may be 0 in DHIS2 and {} not decided.",
                count(self.zeros, "value", "values"),
                if self.zeros == 1 { "was" } else { "were" }
            ));
        }
        if !sorted.held.is_empty() {
            said.push(format!(
                "{} held back, and the approval was taken back with it; under Held back stands why.",
                count(sorted.held.len(), "approved value was", "approved values were")
            ));
        }
        if report.plan.incomplete() {
            let why = report.plan.head.incomplete.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            let cells = count(self.unread, "value", "values");
            said.push(format!("The reading was not complete{why}. {cells} could not be read; see Left out."));
        }
        said
    }
}

/// What was read, from where, and when.
fn about<'a>(report: &Report<'a>) -> Section<'a> {
    let head = &report.plan.head;
    let mut rows: Vec<(&'static str, Cow<'a, str>)> = Vec::new();
    let mut tell = |what: &'static str, text: Cow<'a, str>| {
        if !text.is_empty() {
            rows.push((what, text));
        }
    };
    tell("CommCare project", head.project.as_str().into());
    tell("Label", head.label.as_str().into());
    tell("CommCare", head.commcare.as_str().into());
    tell("Case type", head.case_type.as_str().into());
    tell("DHIS2", head.dhis2.as_str().into());
    tell("DHIS2 version", head.dhis2_version.as_str().into());
    tell("Quarter", head.quarter.to_string().into());
    tell("Read", when(&head.read_at).into());
    if head.generation > 1 {
        tell("Reading", format!("number {} of this review file", head.generation).into());
    }
    tell("Cases as of", head.index_as_of.as_deref().map(when).unwrap_or_default().into());
    tell("Facilities asked for", head.scope.as_str().into());
    tell("Mapping", head.mapping.as_str().into());
    if head.look_back > 0 {
        let quarters = count(head.look_back.into(), "quarter", "quarters");
        tell("Where nothing was reported", format!("a number was looked for in the {quarters} before").into());
    }
    if head.without_history {
        tell("Quarters before", "were not asked for".into());
    }
    let limits: Vec<String> = head.limits.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    tell("Thresholds set otherwise", limits.join(", ").into());
    if let Some(undo) = &head.undo {
        let forms = count(undo.forms.len(), "form", "forms");
        tell("Undo of", format!("{}: {forms} made from {} on", undo.file, when(&undo.first)).into());
    }
    tell("Came to", cells_of(report).into());
    let rows = rows.into_iter().map(|(what, text)| vec![Field::text(what), Field::text(text)]).collect();
    Section { id: "read", title: "What was read", table: Table::plain(&[], rows), ..Section::default() }
}

/// `23,226 values = 5,912 changes + 14,871 the same + 2,443 without a value, of 1,106 facilities and 21 data elements`.
fn cells_of(report: &Report<'_>) -> String {
    let plan = report.plan;
    let cells = plan.facilities().len() * plan.properties().len();
    let changes = plan.cells().filter(|cell| plan.kind(*cell) == Kind::Change).count();
    let same = plan.same_count();
    format!(
        "{} = {} + {} the same + {} without a value; {}, {}",
        count(cells, "value", "values"),
        count(changes, "change", "changes"),
        number(same),
        number(cells.saturating_sub(changes + same)),
        count(plan.facilities().len(), "facility", "facilities"),
        count(plan.properties().len(), "data element", "data elements"),
    )
}

/// The checks of the run and of data elements, each with what settled it and who.
fn checks<'a>(report: &Report<'a>) -> Section<'a> {
    let row = |check: &'a crate::domain::flags::Check| {
        let at = check.property.as_deref().and_then(|name| report.plan.find_property(name));
        let settled = at.and_then(|at| report.ledger.settled(at, check));
        let said = match settled {
            Some(settled) => vec![
                format!("settled by {}, {}", settled.who, when(&settled.at)).into(),
                format!("reason: {}", settled.reason).into(),
            ],
            None if check.severity == Severity::Stop && at.is_some() => {
                vec!["OPEN: its values were approved one at a time, or not at all".into()]
            }
            None => vec!["asks for no decision".into()],
        };
        vec![
            Field::text(format!("{} {}", check.severity.word(), check.id)),
            Field::text(check.property.as_deref().unwrap_or("whole run")),
            Field::text(check.sentence.as_str()),
            Field::Lines(said),
        ]
    };
    let rows: Vec<Vec<Field<'a>>> = report.plan.head.checks.iter().map(row).collect();
    let lead = if rows.is_empty() { "No check of the run or of a data element as a whole found anything." } else { "" };
    Section {
        id: "checks",
        title: "Checks of the run and of data elements",
        lead: paragraphs([lead]),
        table: Table::plain(&["Check", "Of", "What it says", "Settled"], rows),
        annex: false,
    }
}

/// What the reading could not take in, and what should be known of it.
fn left_out<'a>(report: &Report<'a>) -> Section<'a> {
    let (plan, head) = (report.plan, &report.plan.head);
    let mut rows: Vec<Vec<Field<'a>>> = Vec::new();
    let mut tell = |what: &'static str, which: Cow<'a, str>, why: Cow<'a, str>| {
        rows.push(vec![Field::text(what), Field::text(which), Field::text(why)]);
    };
    if let Some(why) = &head.incomplete {
        tell("not complete", "the reading".into(), why.as_str().into());
    }
    for (at, facility) in (0..).zip(plan.facilities()) {
        let failed = plan.row(at).filter(|cell| plan.state(*cell) == State::FetchFailed).count();
        if failed > 0 {
            tell("not read", facility.name.as_str().into(), count(failed, "value", "values").into());
        }
    }
    for case in plan.skipped() {
        tell("case left out", format!("{} ({})", case.case_name, case.case_id).into(), case.reason.as_str().into());
    }
    for problem in &head.mapping_problems {
        tell("mapping", "".into(), problem.as_str().into());
    }
    for note in &head.notes {
        tell("note", "".into(), note.as_str().into());
    }
    let lead = if rows.is_empty() { "Nothing was left out." } else { "" };
    Section {
        id: "left-out",
        title: "Left out of the reading, and notes on it",
        lead: paragraphs([lead]),
        table: Table::plain(&["What", "Which", "Why"], rows),
        annex: false,
    }
}

/// Lines for names, signatures and dates; who decided is known.
fn signatures<'a>(report: &Report<'a>, sorted: &Sorted<'a>) -> Section<'a> {
    let blank = || Field::text("");
    let row = |role: &'static str, name: &'a str| vec![Field::text(role), Field::text(name), blank(), blank()];
    let mut rows: Vec<Vec<Field<'a>>> =
        people::deciders(report, sorted).into_iter().map(|who| row("Decided by", who)).collect();
    rows.extend([row("Checked by", ""), row("Approved by", "")]);
    Section {
        id: "sign",
        title: "Signatures",
        lead: vec!["What is signed stands above. The lists that follow are for looking things up.".to_owned()],
        table: Table::plain(&["", "Name", "Signature", "Date"], rows),
        annex: false,
    }
}

/// How anyone can check what the report says.
fn proof<'a>(report: &Report<'a>) -> Section<'a> {
    let (file, again) = (report.file, shell_word(report.file));
    let id = report.id.map(|id| format!(", id {id}")).unwrap_or_default();
    let entries = report.trail.entries.len();
    let trail = match (&report.trail.damage, entries) {
        (Some(damage), _) => format!("damaged: {damage}"),
        (None, 0) => "none: the file is of a version before there was one".to_owned(),
        (None, _) => format!("{}, SHA-256 of the last one {}", count(entries, "entry", "entries"), report.trail.mark()),
    };
    let rows = [
        ("Review file", format!("{file}{id}")),
        ("Its trail", trail),
        ("Trail in full", format!("onse show {again} --trail")),
        ("Values in CommCare now", format!("onse verify {again} reads every case again and compares")),
        ("Forms", "in CommCare HQ a form is found by the id that stands in Forms".to_owned()),
        ("Everything as data", format!("onse export {again} --to review.json")),
        ("This report", format!("made {} by {}", when(report.made_at), report.program)),
    ];
    let rows = rows.into_iter().map(|(what, text)| vec![Field::text(what), Field::text(text)]).collect();
    Section {
        id: "proof",
        title: "How to check this report",
        lead: vec![
            "The review file holds every value, decision and form this report tells of, each write with a mark over itself and \
             the one before. The same file gives the same report and the same mark."
                .to_owned(),
        ],
        table: Table::plain(&[], rows),
        annex: true,
    }
}

/// These texts, but for empty ones.
pub(super) fn paragraphs<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.into_iter().filter(|text| !text.is_empty()).map(str::to_owned).collect()
}
