//! Checks of a property as a whole: they find wrong mappings and changed definitions, which no rule of a single cell can
//! (data-quality-flags.md section 4). Which flags hit so many cells that they are said once is `fold`.

use super::{Check, Kind, Limit, Limits, Severity, count, multiple, percent, plain, real};
use crate::domain::history::QUARTERS;

/// Quarters the sum of a property is compared with.
const BEFORE: usize = 4;

/// A facility's cell as its property looks at it.
#[expect(clippy::struct_excessive_bools, reason = "four facts that have nothing to do with each other")]
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// The number proposed, where there is one.
    pub value: Option<f64>,
    /// Whether there is none although the report is complete, and DHIS2 keeps no zeros: it may be 0.
    pub maybe_zero: bool,
    /// Whether the case holds that number already.
    pub same: bool,
    /// Totals of the quarters before, newest first.
    pub recent: [Option<f64>; QUARTERS],
    /// The number as a multiple of the usual one, `q` of section 3.2; `None` with too few quarters.
    pub ratio: Option<f64>,
    /// Whether the data set is not assigned here.
    pub elsewhere: bool,
    /// Whether the report came in time; `None` where it is not known whether it is complete.
    pub on_time: Option<bool>,
    /// Whether the proposal would blank what the case holds (S36).
    pub erases: bool,
}

/// A property with all its facilities.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    /// Name of the property.
    pub name: &'a str,
    /// What kind of number it is.
    pub kind: Kind,
    /// One for each facility.
    pub lines: &'a [Line],
    /// The thresholds.
    pub limits: &'a Limits,
}

type Rule = fn(&Column<'_>) -> Option<Check>;

/// The checks. A new one is a function and a line here. C4 is in `fold`, C8 in `run`.
const RULES: [Rule; 7] = [unit_change, flat, would_erase, shift, incomplete, late, nothing_changed];

impl<'a> Column<'a> {
    /// Every check of the property.
    pub fn checks(&self) -> Vec<Check> {
        RULES.iter().filter_map(|rule| rule(self)).collect()
    }

    /// Facilities with a value, and those that are to have one.
    pub fn coverage(&self) -> (usize, usize) {
        let of = self.lines.iter().filter(|line| !line.elsewhere || line.value.is_some());
        (self.values().count(), of.count())
    }

    fn values(&self) -> impl Iterator<Item = f64> + use<'a> {
        self.lines.iter().filter_map(|line| line.value)
    }

    fn limit(&self, limit: Limit) -> f64 {
        self.limits.get(limit)
    }

    fn check(&self, id: &str, severity: Severity, sentence: String) -> Check {
        Check::of_property(id, severity, self.name, sentence)
    }

    /// The sum now, the sum of what the same facilities had in the mean of the quarters before, and how many they are.
    fn sums(&self) -> (f64, f64, usize) {
        let pair = |line: &Line| {
            let before: Vec<f64> = line.recent.iter().take(BEFORE).flatten().copied().collect();
            let mean = before.iter().sum::<f64>() / real(before.len());
            line.value.filter(|_| !before.is_empty()).map(|now| (now, mean))
        };
        self.lines
            .iter()
            .filter_map(pair)
            .fold((0.0, 0.0, 0), |(now, before, count), (one, mean)| (now + one, before + mean, count + 1))
    }

    /// The sum now as a multiple of the quarters before; `None` where nothing can be compared.
    pub fn shift(&self) -> Option<f64> {
        let (now, before, _) = self.sums();
        (before > 0.0).then(|| now / before)
    }
}

/// C1: the sum of the property left the band (WHO consistency over time).
fn shift(column: &Column<'_>) -> Option<Check> {
    let (now, before, facilities) = column.sums();
    let outside = || {
        let shift = now / before;
        shift < column.limit(Limit::C1Low) || shift > column.limit(Limit::C1High)
    };
    // From nothing to something is outside any band, and from nothing to nothing inside.
    if if before > 0.0 { !outside() } else { now <= 0.0 } {
        return None;
    }
    let times = if before > 0.0 { format!("{} ", times(now / before)) } else { String::new() };
    let sentence = format!(
        "sum now {}, {times}after {} in the mean of the 4 quarters before ({} facilities)",
        plain(now),
        plain(before),
        count(facilities)
    );
    Some(column.check("C1", Severity::Review, sentence))
}

/// C2: fewer facilities than usual have a value.
fn incomplete(column: &Column<'_>) -> Option<Check> {
    let (with, of) = column.coverage();
    if of == 0 || real(with) / real(of) >= column.limit(Limit::C2Share) {
        return None;
    }
    let maybe = match column.lines.iter().filter(|line| line.maybe_zero).count() {
        0 => String::new(),
        zeros => format!("; {} more may be 0", count(zeros)),
    };
    let sentence = format!("{} of {} facilities have a value ({}){maybe}", count(with), count(of), percent(with, of));
    Some(column.check("C2", Severity::Review, sentence))
}

/// C3: few reports came in time. Silent where it is not known which are complete.
fn late(column: &Column<'_>) -> Option<Check> {
    let known: Vec<bool> = column.lines.iter().filter(|line| !line.elsewhere).filter_map(|line| line.on_time).collect();
    let (on_time, of) = (known.iter().filter(|on_time| **on_time).count(), known.len());
    if of == 0 || real(on_time) / real(of) >= column.limit(Limit::C3Share) {
        return None;
    }
    let sentence =
        format!("{} of {} reports were complete in time ({})", count(on_time), count(of), percent(on_time, of));
    Some(column.check("C3", Severity::Info, sentence))
}

/// C5: most cells moved by the same factor, as where a unit changed.
fn unit_change(column: &Column<'_>) -> Option<Check> {
    let mut ratios: Vec<f64> = column.lines.iter().filter_map(|line| line.ratio).collect();
    if real(ratios.len()) < column.limit(Limit::ColumnLeast) {
        return None;
    }
    ratios.sort_by(f64::total_cmp);
    let (low, high) = (ratios.get((ratios.len() - 1) / 2)?, ratios.get(ratios.len() / 2)?);
    let median = f64::midpoint(*low, *high);
    let within = column.limit(Limit::C5Within);
    let near = ratios.iter().filter(|ratio| (**ratio - median).abs() <= within * median).count();
    let outside = median < column.limit(Limit::C5Low) || median > column.limit(Limit::C5High);
    if !outside || real(near) < column.limit(Limit::C5Share) * real(ratios.len()) {
        return None;
    }
    let sentence = format!(
        "whole column is {} the usual: {} of {} facilities are within {} of that",
        times(median),
        count(near),
        count(ratios.len()),
        percent_of(within)
    );
    Some(column.check("C5", Severity::Stop, sentence))
}

/// C6: every proposal is the same number.
#[expect(clippy::float_cmp, reason = "the same number, not a near one")]
fn flat(column: &Column<'_>) -> Option<Check> {
    let values: Vec<f64> = column.values().collect();
    let first = *values.first()?;
    let flat = real(values.len()) >= column.limit(Limit::C6Facilities) && values.iter().all(|value| *value == first);
    flat.then(|| {
        let sentence = format!("all {} proposals are {}", count(values.len()), plain(first));
        column.check("C6", Severity::Stop, sentence)
    })
}

/// C7: every number of a flow is what the case holds already, as where the quarter is the wrong one.
fn nothing_changed(column: &Column<'_>) -> Option<Check> {
    let (with, _) = column.coverage();
    let same = column.lines.iter().filter(|line| line.value.is_some()).all(|line| line.same);
    (column.kind == Kind::Flow && with > 0 && same).then(|| {
        let sentence =
            format!("all {} numbers are what the cases hold already: perhaps the wrong quarter", count(with));
        column.check("C7", Severity::Review, sentence)
    })
}

/// C9: values would be blanked.
fn would_erase(column: &Column<'_>) -> Option<Check> {
    let erased = column.lines.iter().filter(|line| line.erases).count();
    let values = if erased == 1 { "value" } else { "values" };
    (erased > 0).then(|| column.check("C9", Severity::Stop, format!("would erase {} {values}", count(erased))))
}

/// A factor in words: one that would read `0.00x` says that it is less.
fn times(factor: f64) -> String {
    if factor > 0.0 && factor < 0.005 { "under 0.01x".to_owned() } else { multiple(factor) }
}

fn percent_of(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(value: f64, before: f64) -> Line {
        let recent = [Some(before); QUARTERS];
        Line { value: Some(value), recent, ratio: Some((value + 1.0) / (before + 1.0)), ..Line::default() }
    }

    fn said(kind: Kind, lines: &[Line]) -> Vec<String> {
        let limits = Limits::default();
        let column = Column { name: "dhis_beds", kind, lines, limits: &limits };
        let checks = column.checks();
        assert!(checks.iter().all(|check| check.property.as_deref() == Some("dhis_beds")));
        checks.iter().map(|check| format!("{} {}", check.severity.word(), check.statement())).collect()
    }

    /// Facilities that differ, so that the column is not flat.
    fn several(count: u16, of: impl Fn(f64) -> Line) -> Vec<Line> {
        (0..count).map(|at| of(f64::from(at))).collect()
    }

    #[test]
    fn an_ordinary_column_says_nothing() {
        assert_eq!(said(Kind::Flow, &several(40, |at| line(100.0 + at, 100.0 + at))), [""; 0]);
        assert_eq!(said(Kind::Flow, &[]), [""; 0]);
    }

    #[test]
    fn a_sum_that_left_its_band_is_told() {
        let of = |now: f64| said(Kind::Level, &[line(now, 100.0), line(now, 100.0)]);
        for inside in [67.0, 100.0, 133.0] {
            assert_eq!(of(inside), [""; 0], "{inside}");
        }
        let high = "REVIEW C1: sum now 266.2, 1.3x after 200 in the mean of the 4 quarters before (2 facilities)";
        assert_eq!(of(133.1), [high]);
        let low = "REVIEW C1: sum now 133.8, 0.7x after 200 in the mean of the 4 quarters before (2 facilities)";
        assert_eq!(of(66.9), [low]);
        let from_nothing = said(Kind::Level, &[line(3.0, 0.0)]);
        assert_eq!(from_nothing, ["REVIEW C1: sum now 3, after 0 in the mean of the 4 quarters before (1 facilities)"]);
        assert_eq!(said(Kind::Level, &[line(0.0, 0.0)]), [""; 0]);
        assert!(said(Kind::Level, &[line(-3.0, 0.0)]).is_empty(), "below zero is S09's");
    }

    #[test]
    fn only_facilities_with_both_are_summed_over_the_last_four() {
        let mut gaps = line(100.0, 100.0);
        gaps.recent = [Some(80.0), None, Some(120.0), None, Some(9999.0), None, None, None];
        let mut new = line(5000.0, 0.0);
        new.recent = [None, None, None, None, Some(1.0), None, None, None];
        let gone = Line { value: None, ..line(0.0, 7000.0) };
        let lines = [gaps, new, gone];
        let limits = Limits::default();
        let column = Column { name: "", kind: Kind::Flow, lines: &lines, limits: &limits };
        assert_eq!(column.sums(), (100.0, 100.0, 1));
        assert_eq!(column.shift(), Some(1.0));
        assert_eq!(Column { lines: &lines[1..2], ..column }.shift(), None);
        assert_eq!(column.coverage(), (2, 3));
    }

    #[test]
    fn a_column_with_gaps_is_told() {
        let mut lines = several(10, |at| line(100.0 + at, 100.0 + at));
        lines[0].value = None;
        assert_eq!(said(Kind::Flow, &lines), [""; 0], "90 % is enough");
        lines[1].value = None;
        assert_eq!(said(Kind::Flow, &lines), ["REVIEW C2: 8 of 10 facilities have a value (80 %)"]);
        lines[0].maybe_zero = true;
        assert_eq!(said(Kind::Flow, &lines), ["REVIEW C2: 8 of 10 facilities have a value (80 %); 1 more may be 0"]);
        lines[1].elsewhere = true;
        lines[0].elsewhere = true;
        assert_eq!(said(Kind::Flow, &lines), [""; 0], "not collected there");
        let limits = Limits::default();
        let column = Column { name: "", kind: Kind::Flow, lines: &lines, limits: &limits };
        assert_eq!(column.coverage(), (8, 8));
        lines[2].elsewhere = true;
        let column = Column { name: "", kind: Kind::Flow, lines: &lines, limits: &limits };
        assert_eq!(column.coverage(), (8, 8), "a number is a number wherever it is collected");
    }

    #[test]
    fn few_reports_in_time_are_told_as_information() {
        let mut lines = several(8, |at| Line { on_time: Some(at >= 2.0), ..line(100.0 + at, 100.0 + at) });
        assert_eq!(said(Kind::Flow, &lines), [""; 0], "75 % is enough");
        lines[2].on_time = Some(false);
        assert_eq!(said(Kind::Flow, &lines), ["INFO C3: 5 of 8 reports were complete in time (62 %)"]);
        for line in &mut lines[..3] {
            line.elsewhere = true;
        }
        assert_eq!(said(Kind::Flow, &lines), [""; 0]);
        for line in &mut lines {
            line.on_time = None;
        }
        assert_eq!(said(Kind::Flow, &lines), [""; 0], "not known is not late");
    }

    #[test]
    fn one_factor_for_most_cells_is_a_changed_unit() {
        let ratios = |all: &[f64]| -> Vec<Line> {
            let ratio = |ratio: &f64| Line { value: None, elsewhere: true, ratio: Some(*ratio), ..Line::default() };
            all.iter().map(ratio).collect()
        };
        let mut all = vec![4.0; 15];
        all.extend([1.0, 1.0, 9.0, 9.0, 9.0]);
        let stop = ["STOP C5: whole column is 4.0x the usual: 15 of 20 facilities are within 15 % of that"];
        assert_eq!(said(Kind::Flow, &ratios(&all)), stop);
        assert_eq!(said(Kind::Flow, &ratios(&all[..19])), [""; 0], "too few to be a column");
        all[0] = 4.61;
        assert_eq!(said(Kind::Flow, &ratios(&all)), [""; 0], "less than three quarters");
        all[0] = 4.6;
        assert_eq!(said(Kind::Flow, &ratios(&all)), stop, "at 15 %");
        for (median, fires) in [(0.79, true), (0.8, false), (1.25, false), (1.26, true)] {
            assert_eq!(!said(Kind::Flow, &ratios(&[median; 20])).is_empty(), fires, "{median}");
        }
        let mut two = vec![2.0; 10];
        two.extend([2.2; 10]);
        assert_eq!(
            said(Kind::Flow, &ratios(&two)),
            ["STOP C5: whole column is 2.1x the usual: 20 of 20 facilities are within 15 % of that"]
        );
    }

    #[test]
    fn a_factor_near_nothing_is_said_to_be_less() {
        let all = [0.004, 0.005, 0.0, 4.0].map(times);
        assert_eq!(all, ["under 0.01x", "0.01x", "0.0x", "4.0x"]);
    }

    #[test]
    fn a_flat_column_is_told_from_twenty_on() {
        let flat = |count: usize| vec![Line { value: Some(12.0), ..Line::default() }; count];
        assert_eq!(said(Kind::Level, &flat(20)), ["STOP C6: all 20 proposals are 12"]);
        assert_eq!(said(Kind::Level, &flat(19)), [""; 0]);
        let mut lines = flat(21);
        lines[20].value = None;
        lines[20].elsewhere = true;
        assert_eq!(said(Kind::Level, &lines).len(), 1, "a facility without a value changes nothing");
        lines[20].value = Some(12.5);
        assert_eq!(said(Kind::Level, &lines), [""; 0]);
    }

    #[test]
    fn a_flow_in_which_nothing_changed_may_be_the_wrong_quarter() {
        let mut lines = several(3, |at| Line { same: true, ..line(100.0 + at, 100.0 + at) });
        let said_it = "REVIEW C7: all 3 numbers are what the cases hold already: perhaps the wrong quarter";
        assert_eq!(said(Kind::Flow, &lines), [said_it]);
        assert_eq!(said(Kind::Level, &lines), [""; 0]);
        lines[1].same = false;
        assert_eq!(said(Kind::Flow, &lines), [""; 0]);
        let none = [Line { elsewhere: true, ..Line::default() }];
        assert_eq!(said(Kind::Flow, &none), [""; 0]);
    }

    #[test]
    fn values_that_would_be_erased_are_counted() {
        let mut lines = several(3, |at| line(100.0 + at, 100.0 + at));
        lines[1].erases = true;
        assert_eq!(said(Kind::Flow, &lines), ["STOP C9: would erase 1 value"]);
        lines[2].erases = true;
        assert_eq!(said(Kind::Flow, &lines), ["STOP C9: would erase 2 values"]);
    }
}
