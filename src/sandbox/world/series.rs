//! Nine quarters of numbers for one facility, and their months where a data set is monthly.

use super::{
    Country, Facility, MONTHS, NONE, QUARTERS, Stored,
    draw::{Draw, Stream, real, whole},
    kinds::Habit,
    model::Element,
    names::Rank,
};

/// Rains and malaria come in the first quarter, the dry months in the third.
const SEASON: [f64; 4] = [1.0, 0.3, -0.9, -0.4];

/// The numbers of facility `index`, column by column, each with its periods from the oldest on. Money is in hundredths.
pub(crate) fn numbers(country: &Country, index: usize) -> Vec<i64> {
    let mut draw = Draw::new(country.seed, Stream::Facility(index));
    let model = &country.model;
    let mut values = vec![NONE; model.width];
    let facility = &country.facilities[index];
    for element in &model.elements {
        let own = (0.3 * draw.normal()).exp();
        for column in element.columns.clone() {
            let column = model.columns[column];
            let Some(start) = column.start else { continue };
            let share = model.cocs[column.coc].share * model.cocs[column.aoc].share;
            let periods: Vec<Stored> = if column.monthly {
                (0..MONTHS).map(Stored::Month).collect()
            } else {
                (0..QUARTERS).map(Stored::Quarter).collect()
            };
            let series = line(&mut draw, element, facility, own * share, country, &periods);
            for (at, (value, when)) in series.into_iter().zip(periods).enumerate() {
                let reported = element.sets.first().is_some_and(|&set| country.reported(index, set, when));
                if reported && (value != 0 || element.keeps_zero()) {
                    values[start + at] = value;
                }
            }
        }
    }
    values
}

/// The periods of one column.
fn line(
    draw: &mut Draw,
    element: &Element,
    facility: &Facility,
    scale: f64,
    country: &Country,
    periods: &[Stored],
) -> Vec<i64> {
    let size = facility.size * scale;
    let mut standing = match element.profile.habit {
        Habit::Level { mean, .. } => draw.poisson(mean * facility.size.powf(0.7) * scale),
        Habit::Estimate { mean } => whole(mean * size),
        Habit::Grant { mean } => money(draw, mean * size, 0.3),
        Habit::DistrictLevel { mean } if facility.rank == Rank::District => draw.poisson(mean),
        Habit::DistrictLevel { .. } | Habit::Events { .. } | Habit::Spending { .. } => 0,
    };
    let mut trend = 1.0;
    let mut line = Vec::with_capacity(periods.len());
    for &when in periods {
        let number = country.quarters[when.quarter()].number;
        let season = SEASON[usize::from(number.clamp(1, 4)) - 1] * facility.wave;
        let first = matches!(when, Stored::Quarter(_)) || matches!(when, Stored::Month(month) if month % 3 == 0);
        let new_year = number == 1 && first && !line.is_empty();
        let value = match element.profile.habit {
            Habit::Events { mean, wave } => draw.poisson(mean * size * trend * (1.0 + wave * season)),
            Habit::Spending { mean } => {
                let factor = (0.12 * draw.normal()).exp();
                money(draw, mean * size * factor, 0.5)
            }
            Habit::Level { change, .. } => {
                standing = step(draw, standing, change);
                standing
            }
            Habit::DistrictLevel { .. } => {
                standing = if standing == 0 { 0 } else { step(draw, standing, 0.04) };
                standing
            }
            Habit::Estimate { .. } if new_year => {
                standing = whole(real(standing) * 1.028);
                standing
            }
            Habit::Grant { .. } if new_year => {
                let factor = 0.05f64.mul_add(draw.normal(), 1.08);
                standing = money(draw, real(standing) / 100.0 * factor, 0.3);
                standing
            }
            Habit::Estimate { .. } | Habit::Grant { .. } => standing,
        };
        line.push(value.max(0));
        trend *= 1.0 + if matches!(when, Stored::Month(_)) { facility.growth / 3.0 } else { facility.growth };
    }
    line
}

/// One quarter later: mostly the same, sometimes a little more or less.
fn step(draw: &mut Draw, standing: i64, change: f64) -> i64 {
    if !draw.chance(change) {
        return standing;
    }
    let size = draw.between(1, (standing / 25).max(1));
    if draw.chance(0.65) { standing + size } else { (standing - size).max(0) }
}

/// An amount in hundredths; `odd` is the chance that it is not a whole one.
fn money(draw: &mut Draw, amount: f64, odd: f64) -> i64 {
    let hundredths = if draw.chance(odd) { draw.one_of(&[5, 10, 25, 40, 50, 75, 99]) } else { 0 };
    whole(amount) * 100 + hundredths
}
