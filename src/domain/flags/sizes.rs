//! Flags about the size of a number, beside what the facility reported before (data-quality-flags.md sections 3.2 and 3.3, and
//! S13 to S15 of section 2). What is computed stands in `score`; here stands what fires and what is said.

use super::{
    Flag, Kind, Limit, Limits, Severity, Usual,
    words::{exact, multiple, plain, real},
};
use crate::domain::{quarter::Quarter, state::State, value::grouped};

/// What a rule about the size of a number may look at.
#[derive(Clone, Copy, Debug)]
pub struct Size<'a> {
    /// The number proposed; not looked at where the state proposes none.
    pub value: f64,
    /// The same as text, as it is shown.
    pub held: &'a str,
    /// What stands behind it.
    pub state: State,
    /// How the property behaves from quarter to quarter.
    pub kind: Kind,
    /// The quarter of the review.
    pub quarter: Quarter,
    /// Totals of the quarters before, newest first; `None` where nothing was reported.
    pub recent: &'a [Option<f64>],
    /// What the facility usually reports; `None` where it reported nothing before.
    pub usual: Option<&'a Usual>,
    /// Spread of the column.
    pub pooled: f64,
    /// The percentile of the column that S15 compares with; `None` where there is no column.
    pub top: Option<f64>,
    /// Whether earlier quarters were read at all.
    pub asked: bool,
    /// What to compare with.
    pub limits: &'a Limits,
}

/// The rules. A new rule is one function and one line here.
pub(super) const RULES: [Rule; 11] = [
    extreme,
    unusual,
    first_activity,
    dropped_to_zero,
    stopped_reporting,
    same_again,
    digit_slip,
    no_history_large,
    level_changed,
    level_jump,
    cumulative_fell,
];

/// Looks at the facts and says what it has to say.
type Rule = fn(&Size<'_>) -> Option<Flag>;

/// Every flag about the size of a number, in the order of the rules.
pub fn sizes<'a>(size: &'a Size<'a>) -> impl Iterator<Item = Flag> + 'a {
    RULES.iter().filter_map(|rule| rule(size))
}

impl Size<'_> {
    fn limit(&self, limit: Limit) -> f64 {
        self.limits.get(limit)
    }

    /// What is usual, where a number is proposed.
    fn history(&self) -> Option<&Usual> {
        self.usual.filter(|_| self.state.proposes())
    }

    /// The same for a flow, where at least so many quarters were reported.
    fn flow(&self, least: Limit) -> Option<&Usual> {
        self.history().filter(|usual| self.kind == Kind::Flow && real(usual.n) >= self.limit(least))
    }

    /// Whether a flow lies at least that many spreads away, and at least that many times above or below the usual.
    fn far(&self, away: Limit, ratio: Limit) -> Option<&Usual> {
        let usual = self.flow(Limit::History)?;
        let score = usual.score(self.value, self.pooled, self.limits);
        let far = score.away >= self.limit(away) && times(score.ratio, self.limit(ratio));
        far.then_some(usual)
    }

    /// The newest quarter before that was reported, and its total.
    fn last(&self) -> Option<(Quarter, f64)> {
        self.quarter.earlier().zip(self.recent).find_map(|(quarter, total)| Some((quarter, (*total)?)))
    }

    fn shown(&self) -> String {
        grouped(self.held)
    }
}

/// Whether a ratio is at least `limit` or at most one by `limit`.
fn times(ratio: f64, limit: f64) -> bool {
    ratio >= limit || ratio <= 1.0 / limit
}

/// T1: so far from the usual that it is decided one by one.
fn extreme(size: &Size<'_>) -> Option<Flag> {
    let usual = size.far(Limit::T1Away, Limit::T1Ratio)?;
    Some(Flag::new("T1", Severity::Stop, against(size, usual)))
}

/// T2: far from the usual, and not T1.
fn unusual(size: &Size<'_>) -> Option<Flag> {
    let usual = size.far(Limit::T2Away, Limit::T2Ratio)?;
    let extreme = size.far(Limit::T1Away, Limit::T1Ratio).is_some();
    (!extreme).then(|| Flag::new("T2", Severity::Review, against(size, usual)))
}

/// T3: something where nothing is usual.
fn first_activity(size: &Size<'_>) -> Option<Flag> {
    let usual = size.flow(Limit::History)?;
    let least = size.limit(Limit::T3Least).max(size.limit(Limit::T3Times) * usual.largest);
    (usual.median == 0.0 && size.value >= least).then(|| {
        let (held, most, quarters) = (size.shown(), exact(usual.largest), usual.n);
        Flag::new("T3", Severity::Review, format!("{held} where 0 is usual, at most {most} in {quarters} quarters"))
    })
}

/// T4: a reported zero where there usually is something.
fn dropped_to_zero(size: &Size<'_>) -> Option<Flag> {
    let usual = size.flow(Limit::T4History).filter(|_| size.state == State::ReportedZero)?;
    let stop = usual.median >= size.limit(Limit::T4Stop);
    (usual.median >= size.limit(Limit::T4Median)).then(|| {
        let severity = if stop { Severity::Stop } else { Severity::Review };
        Flag::new("T4", severity, where_usual(size, usual))
    })
}

/// A03: the worst of what would be said of a 0 where DHIS2 may not have stored one. It is ours: writing 0 there is looked at as a
/// reported one is.
pub fn as_zero(size: &Size<'_>) -> Option<Flag> {
    let zero = Size { value: 0.0, held: "0", state: State::ReportedZero, ..*size };
    let worst = sizes(&zero).max_by_key(|flag| flag.severity)?;
    Some(Flag::new("A03", worst.severity, format!("perhaps 0: {}", worst.sentence)))
}

/// T5: nothing came where something came in most of the last quarters.
fn stopped_reporting(size: &Size<'_>) -> Option<Flag> {
    let usual = size.usual.filter(|_| size.state == State::NotReported)?;
    let quarters = size.limit(Limit::T5Quarters);
    let looked_at = size.recent.iter().enumerate().filter(|(back, _)| real(*back) < quarters);
    let reported = looked_at.filter(|(_, total)| total.is_some()).count();
    (real(reported) >= size.limit(Limit::T5Reported)).then(|| {
        let were = if reported == 1 { "was" } else { "were" };
        let median = plain(usual.median);
        let sentence = format!("not reported; {reported} of the last {quarters} quarters {were}, usually {median}");
        Flag::new("T5", Severity::Review, sentence)
    })
}

/// S13, its second half: a flow with the same total as in the three quarters before. The first half looks at the breakdown.
fn same_again(size: &Size<'_>) -> Option<Flag> {
    let same = |total: &Option<f64>| total.is_some_and(|total| total.total_cmp(&size.value).is_eq());
    let again = size.recent.len() >= 3 && size.recent.iter().take(3).all(same);
    let counts = size.state.proposes() && size.kind == Kind::Flow && size.value >= size.limit(Limit::S13Least);
    (counts && again).then(|| {
        let mut before = size.quarter.earlier().map(|quarter| quarter.to_string());
        let mut next = || before.next().unwrap_or_default();
        let (held, one, two, three) = (size.shown(), next(), next(), next());
        Flag::new("S13", Severity::Review, format!("{held} is identical to {one}, {two} and {three}"))
    })
}

/// S14: about ten times the usual, or a tenth.
fn digit_slip(size: &Size<'_>) -> Option<Flag> {
    let usual = size.history().filter(|usual| usual.median >= size.limit(Limit::S14Median))?;
    let ten = size.limit(Limit::S14Low)..=size.limit(Limit::S14High);
    let slip = if ten.contains(&(size.value / usual.median)) {
        ("10x", "a digit too many?")
    } else if ten.contains(&(usual.median / size.value)) {
        ("a tenth of", "a digit lost?")
    } else {
        return None;
    };
    let sentence = format!("{} is about {} the usual {}: {}", size.shown(), slip.0, plain(usual.median), slip.1);
    Some(Flag::new("S14", Severity::Review, sentence))
}

/// S15: among the largest of the column, with nothing before to compare with.
fn no_history_large(size: &Size<'_>) -> Option<Flag> {
    let top = size.top.filter(|_| size.state.proposes() && size.usual.is_none())?;
    let share = plain(100.0 - size.limit(Limit::S15Percentile));
    let why = if size.asked { "and nothing was reported before" } else { "earlier quarters were not read" };
    let join = if size.asked { "," } else { ";" };
    let sentence = || format!("{} is among the largest {share} % of the column{join} {why}", size.shown());
    (size.value > top).then(|| Flag::new("S15", Severity::Review, sentence()))
}

/// Whether a level jumped from `last`. From nothing to something is a jump too, where the difference is large enough.
fn jumped(size: &Size<'_>, last: f64) -> bool {
    let far = (size.value - last).abs() >= size.limit(Limit::L2Least);
    far && times(size.value / last, size.limit(Limit::L2Ratio))
}

/// The last reported level, where a level is proposed.
fn last_level(size: &Size<'_>) -> Option<(Quarter, f64)> {
    size.last().filter(|_| size.state.proposes() && size.kind == Kind::Level)
}

/// L1: a level changed by more than a little, and did not jump.
fn level_changed(size: &Size<'_>) -> Option<Flag> {
    let (quarter, last) = last_level(size)?;
    let little = size.limit(Limit::L1Least).max(size.limit(Limit::L1Share) * last.abs());
    let changed = (size.value - last).abs() > little && !jumped(size, last);
    let sentence = || format!("{} after {} in {quarter}", size.shown(), exact(last));
    changed.then(|| Flag::new("L1", Severity::Review, sentence()))
}

/// L2: a level jumped.
fn level_jump(size: &Size<'_>) -> Option<Flag> {
    let (quarter, last) = last_level(size)?;
    jumped(size, last).then(|| {
        let multiple = times_usual(size.value, last).map_or_else(String::new, |multiple| format!(": {multiple}"));
        let sentence = format!("{} after {} in {quarter}{multiple}", size.shown(), exact(last));
        Flag::new("L2", Severity::Stop, sentence)
    })
}

/// L3: what only grows over a year fell. Says nothing in the quarter the year starts in, nor where the quarter before was not
/// reported.
fn cumulative_fell(size: &Size<'_>) -> Option<Flag> {
    let Kind::Cumulative { from } = size.kind else { return None };
    let starts = from.saturating_sub(1) / 3 + 1 == size.quarter.number();
    let before = size.recent.first().copied().flatten().filter(|_| size.state.proposes() && !starts)?;
    (size.value < before).then(|| {
        let (held, before, quarter) = (size.shown(), exact(before), size.quarter.before());
        Flag::new("L3", Severity::Stop, format!("{held} is below {before} in {quarter} of the same year"))
    })
}

/// `1,030 is 10x the usual 101 (8 quarters)`.
fn against(size: &Size<'_>, usual: &Usual) -> String {
    if usual.median == 0.0 {
        return where_usual(size, usual);
    }
    let beside = times_usual(size.value, usual.median).unwrap_or_else(|| "far below".to_owned());
    format!("{} is {beside} the usual {} ({} quarters)", size.shown(), plain(usual.median), usual.n)
}

/// `0 where 101 is usual (8 quarters)`.
fn where_usual(size: &Size<'_>, usual: &Usual) -> String {
    format!("{} where {} is usual ({} quarters)", size.shown(), plain(usual.median), usual.n)
}

/// How many times `usual` the number is, such as `10x`, `0.3x` or `0.08x`; `None` where that would read `0.00x` or means nothing.
fn times_usual(value: f64, usual: f64) -> Option<String> {
    let ratio = value / usual;
    (ratio.is_finite() && ratio >= 0.005).then(|| multiple(ratio))
}

/// The number below which `percent` percent of `numbers` lie, between two of them on a straight line (as `NumPy` does unless told
/// otherwise). Changes their order. `None` where there are none.
pub fn percentile(numbers: &mut [f64], percent: f64) -> Option<f64> {
    let last = numbers.len().checked_sub(1)?;
    let at = real(last) * percent.clamp(0.0, 100.0) / 100.0;
    let (_, &mut low, above) = numbers.select_nth_unstable_by(place(at).min(last), f64::total_cmp);
    let high = above.iter().copied().min_by(f64::total_cmp).unwrap_or(low);
    Some((high - low).mul_add(at.fract(), low))
}

/// The whole part of a place in a list.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place lies between 0 and the length of the list; there is no conversion without `as`"
)]
fn place(at: f64) -> usize {
    at as usize
}

#[cfg(test)]
mod tests;
