//! Flags that come from the report the number was sent on: whether it was marked complete, when, and what was changed after that.
//! Where it is not known whether it is complete they are silent.

use jiff::civil::{Date, DateTime};

use super::{Facts, Flag, Limit, Limits, Report, Row, Severity};
use crate::domain::{local::Local, quarter::Quarter, value::Number};

/// The rules of this file.
pub(super) const RULES: [super::Rule; 3] = [not_complete, late, edited_after_complete];

/// S02: the report is not registered complete. A number of an earlier quarter says of itself that nothing was reported (A02).
fn not_complete(facts: &Facts<'_>, _: &[Row<'_>]) -> Option<Flag> {
    if facts.report.complete != Some(false) || facts.older.is_some() {
        return None;
    }
    let severity = if differs(facts) { Severity::Review } else { Severity::Info };
    Some(Flag::new("S02", severity, "report not marked complete"))
}

/// Whether both are numbers, and the new one differs from the old one by more than a part of it. Every number differs from 0 by
/// more.
fn differs(facts: &Facts<'_>) -> bool {
    let (Some(old), Some(new)) = (facts.old.and_then(Number::parse), Number::parse(facts.held)) else { return false };
    new.minus(&old).approx().abs() > facts.limit(Limit::S02Change) * old.approx().abs()
}

/// When a report was registered complete, where it is and that can be read.
fn completed(report: &Report<'_>) -> Option<Local> {
    Local::parse(report.date.filter(|_| report.complete == Some(true))?)
}

/// How many days after the end of its quarter a report was registered complete, the first day after it being 1.
fn days_after(report: &Report<'_>, quarter: Quarter) -> Option<i32> {
    (completed(report)?.date() - quarter.after().first_day()).get_days().checked_add(1)
}

fn is_late(report: &Report<'_>, days: i32, limits: &Limits) -> bool {
    days > 0 && f64::from(days) > report.timely_days.unwrap_or(limits.get(Limit::S03Days))
}

/// Whether a report is complete and was in time; `None` where it is not known whether it is complete, or when it was.
pub fn on_time(report: &Report<'_>, quarter: Quarter, limits: &Limits) -> Option<bool> {
    if !report.complete? {
        return Some(false);
    }
    days_after(report, quarter).map(|days| !is_late(report, days, limits))
}

/// S03: the report was registered complete later than its data set allows. The day it must be in is in time.
fn late(facts: &Facts<'_>, _: &[Row<'_>]) -> Option<Flag> {
    let days = days_after(&facts.report, facts.quarter)?;
    let unit = if days == 1 { "day" } else { "days" };
    is_late(&facts.report, days, facts.limits)
        .then(|| Flag::new("S03", Severity::Info, format!("marked complete {days} {unit} after quarter end")))
}

/// S12: a row was changed after the report was registered complete. DHIS2 mostly keeps only the day of that; then a change on
/// the same day may have come before it, and is passed over.
fn edited_after_complete(facts: &Facts<'_>, rows: &[Row<'_>]) -> Option<Flag> {
    let complete = completed(&facts.report)?;
    let updates = rows.iter().filter_map(|(part, _)| Local::parse(part.last_updated.as_deref()?));
    let (edited, completed) = (updates.map(|update| update.on_the_clock_of(complete)).max()?, complete.at());
    let after = if complete.is_day() { edited.date() > completed.date() } else { edited > completed };
    after.then(|| {
        let (edited, completed) = if edited.date() == completed.date() {
            (minute(edited, facts.quarter), minute(completed, facts.quarter))
        } else {
            (day(edited.date(), facts.quarter), day(completed.date(), facts.quarter))
        };
        Flag::new("S12", Severity::Review, format!("edited {edited}, after completion {completed}"))
    })
}

/// A day as it is said of a quarter: `6 Jan`, with its year where that is not plain.
fn day(date: Date, quarter: Quarter) -> String {
    let plain = date.year() == quarter.year() || date.year() == quarter.year() + 1;
    date.strftime(if plain { "%-d %b" } else { "%-d %b %Y" }).to_string()
}

/// A time of a day, where the day alone does not tell two apart.
fn minute(at: DateTime, quarter: Quarter) -> String {
    format!("{} {}", day(at.date(), quarter), at.strftime("%H:%M:%S"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        flags::{Report, facts::nothing, of_cell},
        plan::Facility,
        total::Part,
    };

    const YES: Option<bool> = Some(true);

    fn said(facts: &Facts<'_>) -> String {
        let flags = of_cell(facts).into_iter();
        flags
            .map(|flag| format!("{} {}: {}", flag.severity.word(), flag.id, flag.sentence))
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[test]
    fn s02_is_looked_at_where_the_number_moves_much() {
        let facility = Facility::default();
        let info = "INFO S02: report not marked complete";
        let review = "REVIEW S02: report not marked complete";
        for (old, new, expected) in [
            (Some("100"), "119", info),
            (Some("100"), "120", info),
            (Some("100"), "120.5", review),
            (Some("100"), "121", review),
            (Some("100"), "81", info),
            (Some("100"), "80", info),
            (Some("100"), "79", review),
            (Some("-10"), "-12", info),
            (Some("-10"), "-13", review),
            (Some("15"), "18", info),
            (Some("35"), "42", info),
            (Some("0"), "1", review),
            (Some("0.0"), "-1", review),
            (Some("7"), "0", review),
            (Some(""), "7", info),
            (Some("many"), "7", info),
            (None, "7", info),
        ] {
            let report = Report { complete: Some(false), ..Report::default() };
            let facts = Facts { report, old, held: new, ..nothing(&facility) };
            assert_eq!(said(&facts), expected, "{old:?} to {new}");
            for complete in [None, YES] {
                let facts = Facts { report: Report { complete, ..report }, old, held: new, ..nothing(&facility) };
                assert_eq!(said(&facts), "", "{complete:?}");
            }
            let older = Some(Quarter::parse("2026Q1").unwrap());
            let facts = Facts { report, old, held: new, older, ..nothing(&facility) };
            assert!(!said(&facts).contains("S02"), "nothing was reported, which A02 says");
        }
    }

    /// What is said of a report of 2026Q2 registered complete at `date`.
    fn registered(
        complete: Option<bool>,
        date: Option<&str>,
        timely_days: Option<f64>,
        edited: &[Option<&str>],
    ) -> String {
        let facility = Facility::default();
        let part = |(at, edited): (usize, Option<&str>)| Part {
            category_option_combo: at.to_string(),
            value: Some("7".to_owned()),
            last_updated: edited.map(str::to_owned),
            ..Part::default()
        };
        let parts: Vec<Part> = edited.iter().copied().enumerate().map(part).collect();
        let report = Report { complete, date, timely_days };
        said(&Facts { report, parts: &parts, held: "7", ..nothing(&facility) })
    }

    #[test]
    fn s03_counts_days_from_the_last_of_the_quarter() {
        for (date, timely, expected) in [
            ("2026-08-10", None, "INFO S03: marked complete 41 days after quarter end"),
            ("2026-07-15", None, ""),
            ("2026-07-15T23:59:59.999+0000", None, ""),
            ("2026-07-16", None, "INFO S03: marked complete 16 days after quarter end"),
            ("2026-07-16T00:00:00.000", None, "INFO S03: marked complete 16 days after quarter end"),
            ("2026-07-16", Some(16.0), ""),
            ("2026-07-16", Some(15.5), "INFO S03: marked complete 16 days after quarter end"),
            ("2026-07-16", Some(14.0), "INFO S03: marked complete 16 days after quarter end"),
            ("2026-07-01", Some(0.0), "INFO S03: marked complete 1 day after quarter end"),
            ("2026-06-30", Some(0.0), ""),
            ("2026-06-30", Some(-9.0), ""),
            ("2026-05-01", None, ""),
            ("2027-07-16", None, "INFO S03: marked complete 381 days after quarter end"),
            ("soon", None, ""),
            ("", None, ""),
        ] {
            assert_eq!(registered(YES, Some(date), timely, &[]), expected, "{date} {timely:?}");
            assert_eq!(registered(None, Some(date), timely, &[]), "", "{date}");
        }
        assert_eq!(registered(YES, None, None, &[]), "");
        assert!(!registered(Some(false), Some("2026-08-10"), None, &[]).contains("S03"));
    }

    #[test]
    fn s12_compares_days_with_days_and_times_with_times() {
        let days = "REVIEW S12: edited 8 Jul, after completion 6 Jul";
        let cases: [(&str, &[Option<&str>], &str); 17] = [
            ("2026-07-06", &[Some("2026-07-08T09:00:00.000+0000")], days),
            ("2026-07-06T00:00:00.000", &[Some("2026-07-08T09:00:00.000+0000")], days),
            ("2026-07-06T10:00:00.000", &[Some("2026-07-08T09:00:00.000")], days),
            ("2026-07-06", &[Some("2026-07-08")], days),
            ("2026-07-06", &[None, Some("2026-07-08"), Some("2026-07-01"), Some("soon")], days),
            ("2026-07-06", &[Some("2026-07-06T23:59:59.000+0000")], ""),
            ("2026-07-06T00:00:00.000", &[Some("2026-07-06T23:59:59.000")], ""),
            ("2026-07-06", &[Some("2026-07-07T00:00:00.000")], "REVIEW S12: edited 7 Jul, after completion 6 Jul"),
            ("2026-07-06T10:00:00.000", &[Some("2026-07-06T10:00:00.000")], ""),
            ("2026-07-06T10:00:00.000", &[Some("2026-07-06T09:59:59.000")], ""),
            (
                "2026-07-06T10:00:00.000",
                &[Some("2026-07-06T10:00:01.000")],
                "REVIEW S12: edited 6 Jul 10:00:01, after completion 6 Jul 10:00:00",
            ),
            // The same instant on two clocks, and a second more.
            ("2026-07-06T10:00:00.000+0200", &[Some("2026-07-06T08:00:00.000+0000")], ""),
            (
                "2026-07-06T10:00:00.000+0200",
                &[Some("2026-07-06T08:00:01.000+0000")],
                "REVIEW S12: edited 6 Jul 10:00:01, after completion 6 Jul 10:00:00",
            ),
            (
                "2026-07-06",
                &[Some("2027-01-02"), Some("2026-07-09")],
                "REVIEW S12: edited 2 Jan, after completion 6 Jul",
            ),
            ("2026-07-06", &[Some("2028-01-02")], "REVIEW S12: edited 2 Jan 2028, after completion 6 Jul"),
            ("2025-12-31", &[Some("2026-01-02")], "REVIEW S12: edited 2 Jan, after completion 31 Dec 2025"),
            ("soon", &[Some("2026-07-08")], ""),
        ];
        for (date, edited, expected) in cases {
            assert_eq!(registered(YES, Some(date), None, edited), expected, "{date} {edited:?}");
            assert!(!registered(Some(false), Some(date), None, edited).contains("S12"), "{date}");
            assert_eq!(registered(None, Some(date), None, edited), "", "{date}");
        }
        assert_eq!(registered(YES, Some("2026-07-06"), None, &[]), "");
        assert_eq!(registered(YES, None, None, &[Some("2026-07-08")]), "");
    }

    #[test]
    fn a_report_is_in_time_up_to_its_last_day() {
        let limits = Limits::default();
        let (yes, no) = (Some(true), Some(false));
        for (complete, date, timely_days, expected) in [
            (yes, Some("2026-07-15"), None, yes),
            (yes, Some("2026-07-16"), None, no),
            (yes, Some("2026-07-16"), Some(16.0), yes),
            (yes, Some("2026-05-01"), Some(0.0), yes),
            (yes, None, None, None),
            (yes, Some("soon"), None, None),
            (no, None, None, no),
            (no, Some("2026-07-01"), None, no),
            (None, Some("2026-07-01"), None, None),
        ] {
            let report = Report { complete, date, timely_days };
            let found = on_time(&report, Quarter::parse("2026Q2").unwrap(), &limits);
            assert_eq!(found, expected, "{report:?}");
        }
    }
}
