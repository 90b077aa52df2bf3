//! What a run came to: the text that is mailed and kept, and the same as JSON. A contract with scripts, as the other documents.

use std::{io, path::Path};

use jiff::Timestamp;
use serde::Serialize;

use super::standing::{ByOutcome, Standing};
use crate::{
    domain::{
        plan::Plan,
        text::{fit, inert, shell_word},
        value::grouped,
    },
    job::{export, report::Sending},
};

/// Things of one kind that the text names; the rest are counted. All are in the JSON.
const NAMED: usize = 5;
/// Columns of a line that quotes a server or a person. A path and a command are never cut.
const COLUMNS: usize = 160;

/// An approved cell that was not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldBack {
    /// Its case.
    pub case_id: String,
    /// The name of its case.
    pub case_name: String,
    /// Its property.
    pub property: String,
    /// Why.
    pub reason: String,
}

/// The cells a submission held back.
pub fn held_back(plan: &Plan, sending: &Sending) -> Vec<HeldBack> {
    let of = |held: &crate::job::report::Held| HeldBack {
        case_id: plan.facility(held.cell.facility).case_id.clone(),
        case_name: plan.facility(held.cell.facility).name.clone(),
        property: plan.property(held.cell.property).name.clone(),
        reason: held.why.clone(),
    };
    sending.held.iter().map(of).collect()
}

/// A run that ended, however it ended.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The command, such as `plan`.
    pub command: &'a str,
    /// The program that ran it.
    pub version: &'a str,
    /// Its exit code.
    pub exit: u8,
    /// What that means, in words.
    pub outcome: &'a str,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// Who ran it.
    pub who: &'a str,
    /// The profile.
    pub profile: &'a str,
    /// Whether commands that name no profile mean that one.
    pub usual: bool,
    /// The project space of the profile.
    pub project: &'a str,
    /// The label of the profile; may be empty.
    pub label: &'a str,
    /// The review file it left, or was about; `None` where there is none.
    pub file: Option<&'a Path>,
    /// How the review stands now; `None` where there is none, or it cannot be read.
    pub review: Option<&'a Standing>,
    /// Approved cells that were not sent.
    pub held: &'a [HeldBack],
    /// What else is to be said of it, a sentence each.
    pub notes: &'a [String],
    /// What went wrong, from the outermost to the cause; empty where nothing did.
    pub errors: &'a [String],
}

/// The document.
#[derive(Serialize)]
struct Json<'a> {
    schema: u32,
    command: &'a str,
    version: &'a str,
    exit: u8,
    outcome: &'a str,
    started_at: String,
    ended_at: String,
    who: &'a str,
    profile: &'a str,
    project: &'a str,
    label: &'a str,
    file: Option<String>,
    review: Option<&'a Standing>,
    held: &'a [HeldBack],
    notes: &'a [String],
    errors: &'a [String],
    next: Option<String>,
}

impl Run<'_> {
    /// Writes the one JSON object, without a line end.
    pub fn json(&self, to: &mut dyn io::Write) -> io::Result<()> {
        let document = Json {
            schema: 1,
            command: self.command,
            version: self.version,
            exit: self.exit,
            outcome: self.outcome,
            started_at: second(self.started),
            ended_at: second(self.ended),
            who: self.who,
            profile: self.profile,
            project: self.project,
            label: self.label,
            file: self.file.map(|file| file.display().to_string()),
            review: self.review,
            held: self.held,
            notes: self.notes,
            errors: self.errors,
            next: self.next(),
        };
        export::write(&document, to)
    }

    /// The text, line by line, with everything a terminal could act on made inert. The first line stands alone as a subject.
    pub fn text(&self) -> String {
        let mut rows = self.head();
        if let Some(review) = self.review {
            rows.extend(standing(review));
        }
        rows.extend(named("held", self.held, |held| {
            let HeldBack { case_name, property, reason, .. } = held;
            format!("{case_name}, {property}: {reason}")
        }));
        rows.extend(named("note", self.notes, Clone::clone));
        let errors = self.errors.iter().flat_map(|error| error.lines()).enumerate();
        rows.extend(errors.map(|(at, line)| (if at == 0 { "error" } else { "" }, fit(line, COLUMNS).into_owned())));
        rows.push(("next", self.next().unwrap_or_else(|| "nothing to do".to_owned())));
        rows.into_iter().map(|(name, text)| inert(&format!("{name:<9}{text}")).into_owned() + "\n").collect()
    }

    fn head(&self) -> Vec<(&'static str, String)> {
        let period = self.review.map(|review| format!(" {}", review.period)).unwrap_or_default();
        let label = if self.label.is_empty() { String::new() } else { format!(" ({})", self.label) };
        let Self { command, exit, outcome, project, .. } = self;
        let subject = format!("{command}{period} of {project}{label}: {outcome}");
        let seconds = self.ended.duration_since(self.started).as_secs().max(0);
        let took = format!("{}:{:02}", seconds / 60, seconds % 60);
        let mut rows = vec![
            ("onse", subject),
            ("exit", exit.to_string()),
            ("profile", format!("{}   by {}", self.profile, self.who)),
            ("began", format!("{}   took {took}   {}", second(self.started), self.version)),
        ];
        if let Some(file) = self.file {
            rows.push(("file", file.display().to_string()));
        }
        rows
    }

    /// The command that goes on. Where something is wrong and no review says what, what is wrong is looked for.
    fn next(&self) -> Option<String> {
        let review = self.review.map(|review| review.next.clone());
        let check = || {
            let profile = if self.usual { String::new() } else { format!(" --profile {}", shell_word(self.profile)) };
            format!("onse check{profile}")
        };
        review.unwrap_or_else(|| matches!(self.exit, 1 | 2).then(check))
    }
}

fn second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// How the review stands, in a few lines.
fn standing(review: &Standing) -> Vec<(&'static str, String)> {
    let n = |count: &dyn ToString| grouped(&count.to_string());
    let Standing { counts, left, .. } = review;
    let mut rows = Vec::new();
    if let Some(of) = &review.undo_of {
        rows.push(("undo of", of.clone()));
    }
    rows.push(("state", format!("{}: {}", review.state.word(), review.state.words())));
    if review.incomplete {
        rows.push(("reading", "incomplete: some facilities could not be read; their cases keep what they have".into()));
    }
    rows.push((
        "changes",
        format!(
            "{} in {} facilities   approved {}   rejected {}   left {} (STOP {}, REVIEW {}, no flag {})",
            n(&counts.changes),
            n(&counts.facilities),
            n(&counts.approved),
            n(&counts.rejected),
            n(&counts.undecided),
            n(&left.stop),
            n(&left.review),
            n(&left.none)
        ),
    ));
    if counts.may_be_zero > 0 {
        rows.push(("(0?)", format!("{}   open {}", n(&counts.may_be_zero), n(&review.zeros_left))));
    }
    rows.push(("sent", format!("{}   to send {}", outcomes(&review.changes, "change"), n(&review.to_send))));
    rows.push(("forms", outcomes(&review.forms, "form")));
    rows.extend(named("check", &review.checks, |check| {
        let property = check.property.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
        format!("{} {}{property}: {}", check.severity.word(), check.id, check.sentence)
    }));
    rows
}

/// `12 changes: APPLIED 10, ACCEPTED 2`; the outcomes that occur.
fn outcomes(by: &ByOutcome, what: &str) -> String {
    let of = by.named().into_iter().filter(|(_, count)| *count > 0);
    let each: Vec<String> = of.map(|(name, count)| format!("{name} {}", grouped(&count.to_string()))).collect();
    let colon = if each.is_empty() { "" } else { ": " };
    let more = if by.all() == 1 { "" } else { "s" };
    format!("{} {what}{more}{colon}{}", grouped(&by.all().to_string()), each.join(", "))
}

/// The first of many, a line each, and how many more there are.
fn named<T>(name: &'static str, all: &[T], words: impl Fn(&T) -> String) -> Vec<(&'static str, String)> {
    let mut rows: Vec<_> = all.iter().take(NAMED).map(|one| (name, fit(&words(one), COLUMNS).into_owned())).collect();
    if all.len() > NAMED {
        rows.push((name, format!("and {} more", grouped(&(all.len() - NAMED).to_string()))));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            flags::{Check, Severity},
            ledger::{Act, Ledger, Stamp},
            plan::{Cell, sample},
        },
        job::session::Opened,
    };

    fn cell(facility: u32) -> Cell {
        Cell { facility, property: 0 }
    }

    /// Three changes, one of them approved, with more open checks than a text names.
    fn opened() -> Opened {
        let mut plan = sample(3, 1, |_| {});
        let check = |n: usize| {
            let severity = if n == 6 { Severity::Stop } else { Severity::Review };
            Check::of_property(&format!("C{n}"), severity, "dhis_p0", "far \u{1b}[2J away")
        };
        plan.head.checks = (0..7).map(check).collect();
        plan.head.project = "onse-iss".to_owned();
        let mut ledger = Ledger::new(&plan);
        let stamp = Stamp { at: String::new(), who: String::new() };
        ledger.decide(&plan, Act::Approve, [cell(0)], None, "", &stamp).unwrap();
        let forms = Vec::new();
        Opened {
            plan: plan.into(),
            ledger,
            place: None,
            forms,
            elsewhere: Vec::new(),
            submitted: None,
            reset: Vec::new(),
        }
    }

    fn run<'a>(review: Option<&'a Standing>, held: &'a [HeldBack], errors: &'a [String]) -> Run<'a> {
        let at = |second: i64| Timestamp::from_second(1_780_000_000 + second).unwrap();
        Run {
            command: "submit",
            version: "0.1.0",
            exit: 5,
            outcome: "some approved changes were held",
            started: at(0),
            ended: at(75),
            who: "ann",
            profile: "main",
            usual: true,
            project: "onse-iss",
            label: "PRODUCTION",
            file: review.map(|_| Path::new("/data/q.review")),
            review,
            held,
            notes: &[],
            errors,
        }
    }

    fn json(run: &Run<'_>) -> serde_json::Value {
        let mut out = Vec::new();
        run.json(&mut out).unwrap();
        assert!(!out.contains(&0x1b));
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn a_run_is_told_in_a_few_inert_lines_and_whole_as_json() {
        let review = Standing::of(&opened(), Path::new("/data/q.review"));
        let held: Vec<HeldBack> = (0..9)
            .map(|n| HeldBack {
                case_id: format!("case{n}"),
                case_name: "Gasi\u{1b}]0;x\u{7}\nonse     fake".to_owned(),
                property: "dhis_p0".to_owned(),
                reason: "case changed since plan".to_owned(),
            })
            .collect();
        let run = run(Some(&review), &held, &[]);
        let text = run.text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "onse     submit 2026Q2 of onse-iss (PRODUCTION): some approved changes were held");
        assert_eq!(lines[1], "exit     5");
        assert!(lines[3].contains("took 1:15"), "{text}");
        assert_eq!(lines.last(), Some(&"next     onse review /data/q.review"));
        assert!((10..=25).contains(&lines.len()), "{text}");
        assert!(
            !text.contains('\u{1b}') && lines.iter().filter(|line| line.starts_with("onse ")).count() == 1,
            "{text}"
        );
        assert!(text.contains("check    STOP C6 dhis_p0: far <1B>[2J away\n"), "what stops stands first: {text}");
        assert!(text.contains("check    and 2 more\n") && text.contains("held     and 4 more\n"), "{text}");
        let json = json(&run);
        assert_eq!((json["held"].as_array().unwrap().len(), json["exit"].as_u64()), (9, Some(5)));
        assert_eq!((&json["review"]["to_send"], &json["review"]["left"]["none"]), (&1.into(), &2.into()));
        assert_eq!(json["held"][0]["case_name"], held[0].case_name, "as it is stored");
    }

    #[test]
    fn a_run_without_a_review_says_what_went_wrong_and_where_to_look() {
        let errors = ["the cases could not be read".to_owned(), "line one\nline two".to_owned()];
        let failed = Run { exit: 1, ..run(None, &[], &errors) };
        let text = failed.text();
        let told = "error    the cases could not be read\n         line one\n         line two\nnext     onse check\n";
        assert!(text.ends_with(told), "{text}");
        assert_eq!(
            (&json(&failed)["review"], &json(&failed)["next"]),
            (&serde_json::Value::Null, &"onse check".into())
        );
        let other = Run { usual: false, profile: "second one", ..failed };
        assert!(other.text().ends_with("next     onse check --profile 'second one'\n"));
        let done = Run { exit: 0, ..run(None, &[], &[]) };
        let at = |ended| Run { ended, ..done.clone() }.text();
        assert!(at(done.started).contains("took 0:00 "));
        assert!(at(Timestamp::UNIX_EPOCH).contains("took 0:00 "), "a clock that was set back");
        assert!(done.text().ends_with("next     nothing to do\n"));
    }

    #[test]
    fn every_line_of_the_text_says_what_is_so() {
        let mut review = Standing::of(&opened(), Path::new("/data/q.review"));
        let text = |review: &Standing, notes: &[String]| Run { notes, label: "", ..run(Some(review), &[], &[]) }.text();
        review.checks.truncate(5);
        let check =
            |n: usize| format!("check    {} C{n} dhis_p0: far <1B>[2J away\n", if n == 6 { "STOP" } else { "REVIEW" });
        let checks = [6, 0, 1, 2, 3].map(check).concat();
        let head = "onse     submit 2026Q2 of onse-iss: some approved changes were held\nexit     5\nprofile  main   by ann\n\
                    began    2026-05-28T20:26:40Z   took 1:15   0.1.0\nfile     /data/q.review\n";
        let plain = format!(
            "{head}state    undecided: changes wait for a decision\n\
             changes  3 in 3 facilities   approved 1   rejected 0   left 2 (STOP 0, REVIEW 0, no flag 2)\n\
             sent     0 changes   to send 1\nforms    0 forms\n{checks}next     onse review /data/q.review\n"
        );
        assert_eq!(text(&review, &[]), plain);
        review.undo_of = Some("p.review".to_owned());
        review.incomplete = true;
        (review.counts.may_be_zero, review.zeros_left) = (1, 1);
        review.changes = ByOutcome { accepted: 1, applied: 1_200, not_applied: 3, unknown: 4 };
        review.forms = ByOutcome { unknown: 1, ..ByOutcome::default() };
        let whole = format!(
            "{head}undo of  p.review\nstate    undecided: changes wait for a decision\n\
             reading  incomplete: some facilities could not be read; their cases keep what they have\n\
             changes  3 in 3 facilities   approved 1   rejected 0   left 2 (STOP 0, REVIEW 0, no flag 2)\n\
             (0?)     1   open 1\n\
             sent     1,208 changes: APPLIED 1,200, ACCEPTED 1, NOT_APPLIED 3, UNKNOWN 4   to send 1\n\
             forms    1 form: UNKNOWN 1\n{checks}note     one\nnext     onse review /data/q.review\n"
        );
        assert_eq!(text(&review, &["one".to_owned()]), whole);
        assert_eq!(json(&run(Some(&review), &[], &[]))["schema"], 1);
    }

    #[test]
    fn a_check_that_was_settled_or_says_nothing_bad_is_not_open() {
        let mut opened = opened();
        let mut plan = sample(1, 1, |_| {});
        plan.head.checks = vec![
            Check::of_property("C1", Severity::Stop, "dhis_p0", "far away"),
            Check::of_property("C2", Severity::Info, "dhis_p0", "as usual"),
            Check::of_run("R1", Severity::Review, "one case less"),
        ];
        (opened.ledger, opened.plan) = (Ledger::new(&plan), plan.into());
        let open = |opened: &Opened| {
            let review = Standing::of(opened, Path::new("q.review"));
            review.checks.into_iter().map(|check| check.id).collect::<Vec<_>>()
        };
        assert_eq!(open(&opened), ["C1", "R1"]);
        let stamp = Stamp { at: String::new(), who: String::new() };
        opened.ledger.settle(&opened.plan, 0, "new clinics opened", &stamp).unwrap();
        assert_eq!(open(&opened), ["R1"]);
    }

    #[test]
    fn what_was_held_is_named_by_its_case_and_property() {
        let opened = opened();
        let held = |n| crate::job::report::Held {
            cell: cell(n),
            now: None,
            already_set: false,
            moved: true,
            why: format!("why {n}"),
        };
        let sending = Sending { held: vec![held(2), held(0)], ..Sending::default() };
        let of = |n: u32| HeldBack {
            case_id: opened.plan.facility(n).case_id.clone(),
            case_name: format!("Facility {n}"),
            property: "dhis_p0".to_owned(),
            reason: format!("why {n}"),
        };
        assert_eq!(held_back(&opened.plan, &sending), [of(2), of(0)]);
    }
}
