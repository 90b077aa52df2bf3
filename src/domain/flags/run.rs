//! Checks of the run as a whole (data-quality-flags.md section 4).

use jiff::civil::Date;

use super::{Check, Limit, Limits, Severity, count, real};
use crate::domain::quarter::Quarter;

/// What the run is.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// The quarter read.
    pub quarter: Quarter,
    /// The day of the reading.
    pub today: Date,
    /// Days after the end of a quarter by which the mapped reports are in time, the longest of them; `None` where no server says.
    pub timely_days: Option<f64>,
    /// Facilities in scope.
    pub facilities: usize,
    /// How many there were in the last run, and of which quarter that was.
    pub last: Option<(usize, Quarter)>,
    /// Cases that cannot take part.
    pub cases: usize,
    /// Organisation units without a case.
    pub units: usize,
    /// Cells that read `(0?)`, by property; those without any may be left out.
    pub zeros: &'a [usize],
    /// The thresholds.
    pub limits: &'a Limits,
}

/// The checks. A new one is a function and a line here.
const RULES: [fn(&Run<'_>) -> Option<Check>; 4] = [facility_count, unmatched, quarter_age, zeros_not_stored];

impl Run<'_> {
    /// Every check of the run.
    pub fn checks(&self) -> Vec<Check> {
        RULES.iter().filter_map(|rule| rule(self)).collect()
    }
}

/// Whether there are so many more or fewer facilities than last time that R1 says so.
pub fn too_many(now: usize, before: usize, limits: &Limits) -> bool {
    real(now.abs_diff(before)) > limits.get(Limit::R1Change) * real(before)
}

/// R1: not as many facilities as last time.
fn facility_count(run: &Run<'_>) -> Option<Check> {
    let (before, quarter) = run.last?;
    if !too_many(run.facilities, before, run.limits) {
        return None;
    }
    let sentence = format!(
        "{} facilities in scope, last time {} ({quarter}): check that the account sees all locations, and the project",
        count(run.facilities),
        count(before)
    );
    Some(Check::of_run("R1", Severity::Review, sentence))
}

/// R2: cases without an organisation unit, and organisation units without a case.
fn unmatched(run: &Run<'_>) -> Option<Check> {
    let one = |n: usize, one: &str, many: &str| format!("{} {}", count(n), if n == 1 { one } else { many });
    let cases = (run.cases > 0).then(|| one(run.cases, "case that cannot take part", "cases that cannot take part"));
    let units = (run.units > 0)
        .then(|| one(run.units, "organisation unit without a case", "organisation units without a case"));
    let said: Vec<String> = cases.into_iter().chain(units).collect();
    (!said.is_empty()).then(|| Check::of_run("R2", Severity::Review, said.join(", ")))
}

/// R3: the reports of the quarter may not all be in yet, or it is long past.
fn quarter_age(run: &Run<'_>) -> Option<Check> {
    // As S03 counts: the first day after the quarter is 1.
    let days = (run.today - run.quarter.after().first_day()).get_days().saturating_add(1);
    let timely = run.timely_days.unwrap_or(run.limits.get(Limit::S03Days));
    let sentence = if days < 1 {
        format!("quarter {} is not over yet", run.quarter)
    } else if f64::from(days) < timely {
        format!("quarter {} ended {days} days ago; reports are in time up to {timely} days", run.quarter)
    } else if f64::from(days) > run.limits.get(Limit::R3Days) {
        format!("quarter {} ended {days} days ago", run.quarter)
    } else {
        return None;
    };
    Some(Check::of_run("R3", Severity::Review, sentence))
}

/// C8: DHIS2 keeps no zeros of some data elements, so that a 0 may be missing. Said once.
fn zeros_not_stored(run: &Run<'_>) -> Option<Check> {
    let (properties, cells) = (run.zeros.iter().filter(|cells| **cells > 0).count(), run.zeros.iter().sum());
    let said = if properties == 1 { "property" } else { "properties" };
    let sentence = || {
        format!(
            "{} {said}; {} cells read (0?): nothing stored although the report is complete",
            count(properties),
            count(cells)
        )
    };
    (cells > 0).then(|| Check::of_run("C8", Severity::Review, sentence()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(change: impl FnOnce(&mut Run<'_>)) -> Vec<String> {
        let limits = Limits::default();
        let mut run = Run {
            quarter: Quarter::parse("2026Q2").unwrap(),
            today: "2026-07-20".parse().unwrap(),
            timely_days: None,
            facilities: 100,
            last: None,
            cases: 0,
            units: 0,
            zeros: &[],
            limits: &limits,
        };
        change(&mut run);
        let checks = run.checks();
        assert!(checks.iter().all(|check| check.property.is_none() && check.severity == Severity::Review));
        checks.iter().map(Check::statement).collect()
    }

    #[test]
    fn an_ordinary_run_says_nothing() {
        assert_eq!(said(|_| {}), [""; 0]);
    }

    #[test]
    fn facilities_are_counted_against_the_last_run() {
        let before = |before: usize| {
            said(|run| run.last = Some((before, Quarter::parse("2026Q1").unwrap())))
                .first()
                .cloned()
                .unwrap_or_default()
        };
        assert_eq!((before(91), before(111)), (String::new(), String::new()));
        let said = "R1: 100 facilities in scope, last time 90 (2026Q1): check that the account sees all locations, and the project";
        assert_eq!(before(90), said);
        assert!(before(112).starts_with("R1: 100 facilities in scope, last time 112"));
        assert!(before(0).starts_with("R1"), "from none to some");
    }

    #[test]
    fn what_does_not_match_is_counted() {
        let both = said(|run| (run.cases, run.units) = (14, 1));
        assert_eq!(both, ["R2: 14 cases that cannot take part, 1 organisation unit without a case"]);
        assert_eq!(said(|run| run.cases = 1), ["R2: 1 case that cannot take part"]);
        assert_eq!(said(|run| run.units = 32), ["R2: 32 organisation units without a case"]);
    }

    #[test]
    fn a_quarter_is_read_neither_too_early_nor_too_late() {
        let on = |day: &str, timely: Option<f64>| {
            let today = day.parse().unwrap();
            said(|run| (run.today, run.timely_days) = (today, timely)).first().cloned().unwrap_or_default()
        };
        assert_eq!(on("2026-06-30", None), "R3: quarter 2026Q2 is not over yet");
        assert_eq!(on("2026-07-01", None), "R3: quarter 2026Q2 ended 1 days ago; reports are in time up to 15 days");
        assert!(on("2026-07-14", None).starts_with("R3: quarter 2026Q2 ended 14 days ago"));
        assert_eq!(on("2026-07-15", None), "");
        assert!(on("2026-07-29", Some(30.0)).contains("ended 29 days ago; reports are in time up to 30 days"));
        assert_eq!(on("2026-07-30", Some(30.0)), "");
        assert_eq!(on("2026-10-28", None), "");
        assert_eq!(on("2026-10-29", None), "R3: quarter 2026Q2 ended 121 days ago");
    }

    #[test]
    fn zeros_that_may_be_missing_are_told_once() {
        let all = said(|run| run.zeros = &[400, 0, 31]);
        assert_eq!(all, ["C8: 2 properties; 431 cells read (0?): nothing stored although the report is complete"]);
        assert!(said(|run| run.zeros = &[0, 7])[0].starts_with("C8: 1 property; 7 cells"));
        assert_eq!(said(|run| run.zeros = &[0, 0]), [""; 0]);
    }
}
