//! What a person is told of a number beside the quarters before: what the rules of `sizes` compare, in words. Nothing fires here.

use super::{Kind, Limit, Limits, Usual, Whole, words::real};
use crate::domain::{
    history::{QUARTERS, Series},
    plan::{Cell, Plan, State},
    value::{Number, grouped},
};

/// The quarters before a cell's in words, then `spread 13 %` and `18.9 spreads away, ratio 10.1` where those are looked at: in a flow
/// with enough quarters (data-quality-flags.md section 3.2). No such words where the property as a whole was not worked out.
pub fn told(plan: &Plan, cell: Cell, series: &Series) -> Vec<String> {
    let mut said = series.phrases();
    if let Some(whole) = plan.whole(cell.property) {
        // An earlier quarter's number says nothing of this one.
        let number = plan.number(cell).filter(|_| plan.state(cell) != State::OlderQuarter);
        said.extend(spread(whole, number, series, &plan.head.limits()));
    }
    said
}

/// The spread, and how far the number is away; nothing where that is not looked at.
fn spread(whole: &Whole, number: Option<f64>, series: &Series, limits: &Limits) -> Vec<String> {
    let history: Vec<f64> = series.totals(QUARTERS).iter().flatten().map(Number::approx).collect();
    let enough = whole.kind == Kind::Flow && real(history.len()) >= limits.get(Limit::History);
    let Some(usual) = Usual::of(&history).filter(|_| enough) else { return Vec::new() };
    let pooled = whole.spread().unwrap_or(limits.get(Limit::SpreadDefault));
    let score = usual.score(number.unwrap_or(usual.median), pooled, limits);
    // A spread is a factor; less one it is what a number is mostly within.
    let mut said = vec![format!("spread {:.0} %", (score.spread.exp() - 1.0) * 100.0)];
    if number.is_some() {
        let decimals = if score.ratio >= 0.1 { 1 } else { 2 };
        let ratio = grouped(&format!("{:.decimals$}", score.ratio));
        said.push(format!("{:.1} spreads away, ratio {ratio}", score.away));
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        history::{Past, PastPart},
        plan::sample,
        quarter::Quarter,
    };

    const STEADY: [&str; 8] = ["100", "110", "95", "105", "98", "102", "107", "99"];

    fn series(values: &[&str]) -> Series {
        let quarters = Quarter::parse("2026Q2").unwrap().earlier();
        let past = quarters.zip(values).map(|(quarter, value)| {
            let part = PastPart { value: (*value).to_owned(), ..PastPart::default() };
            Past { quarter, parts: if value.is_empty() { Vec::new() } else { vec![part] } }
        });
        Series::before(Quarter::parse("2026Q2").unwrap(), &past.collect::<Vec<_>>())
    }

    /// What is told behind the quarters, of a property with a spread of 0.20.
    fn said(kind: Kind, held: Option<&str>, state: State, before: &[&str]) -> String {
        let cell = Cell { facility: 0, property: 0 };
        let mut plan = sample(1, 1, |draft| draft.set(cell, Some("1"), held, state));
        let whole = Whole { kind, spread: "0.2000".to_owned(), shift: None, with: 1, of: 1 };
        let none = told(&plan, cell, &series(before));
        plan.head.whole.insert("dhis_p0".to_owned(), whole);
        let all = told(&plan, cell, &series(before));
        assert_eq!(none, series(before).phrases(), "nothing is known of the property");
        assert_eq!(all[..none.len()], none);
        all[none.len()..].join("   ")
    }

    #[test]
    fn the_golden_vectors_read_as_in_the_pictures() {
        let flow = |held: &str, before: &[&str]| said(Kind::Flow, Some(held), State::Reported, before);
        assert_eq!(flow("1030", &STEADY), "spread 13 %   18.9 spreads away, ratio 10.1");
        assert_eq!(flow("103", &STEADY), "spread 13 %   0.2 spreads away, ratio 1.0");
        assert_eq!(flow("10", &STEADY), "spread 13 %   18.2 spreads away, ratio 0.1");
        let zero = said(Kind::Flow, Some("0"), State::ReportedZero, &STEADY);
        assert_eq!(zero, "spread 13 %   37.7 spreads away, ratio 0.01");
        assert_eq!(flow("500000", &["50"; 8]), "spread 15 %   65.6 spreads away, ratio 9,803.9");
    }

    #[test]
    fn only_a_flow_with_four_quarters_has_a_spread() {
        assert_eq!(said(Kind::Level, Some("1030"), State::Reported, &STEADY), "");
        assert_eq!(said(Kind::Cumulative { from: 7 }, Some("1030"), State::Reported, &STEADY), "");
        assert_eq!(said(Kind::Flow, Some("2000"), State::Reported, &["200", "210", "190"]), "");
        let gaps = ["200", "", "210", "190", "", "205"];
        assert!(said(Kind::Flow, Some("2000"), State::Reported, &gaps).ends_with("15.9 spreads away, ratio 9.8"));
        assert_eq!(said(Kind::Flow, Some("5"), State::Reported, &[]), "");
    }

    #[test]
    fn without_a_number_of_the_quarter_nothing_is_away() {
        assert_eq!(said(Kind::Flow, None, State::NotReported, &STEADY), "spread 13 %");
        assert_eq!(said(Kind::Flow, Some("1030"), State::OlderQuarter, &STEADY), "spread 13 %");
    }
}
