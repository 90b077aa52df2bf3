//! The hierarchy: one country, 28 districts, the facilities, and a second root outside the account's reach.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Facility, Unit,
    draw::{Draw, Stream},
    names::{DISTRICTS, Rank, place},
};

/// The places so far, and the ids given out.
struct Places {
    draw: Draw,
    taken: BTreeSet<String>,
    units: Vec<Unit>,
}

impl Places {
    /// Adds a place below `parent` and gives its index.
    fn add(&mut self, name: String, code: String, parent: Option<usize>) -> usize {
        let uid = loop {
            let uid = self.draw.uid();
            if self.taken.insert(uid.clone()) {
                break uid;
            }
        };
        let above = parent.map(|parent| &self.units[parent]);
        let path = format!("{}/{uid}", above.map_or("", |above| &above.path));
        let level = above.map_or(0, |above| above.level) + 1;
        self.units.push(Unit { uid, name, code, level, parent, path, facility: None });
        self.units.len() - 1
    }
}

/// All places and the facilities among them. Facilities stand district by district.
pub(crate) fn places(seed: u64, count: usize) -> (Vec<Unit>, Vec<Facility>) {
    let draw = Draw::new(seed, Stream::Country);
    let mut places = Places { draw, taken: BTreeSet::new(), units: Vec::with_capacity(count + 31) };
    let root = places.add("Malawi (sandbox)".to_owned(), "MW".to_owned(), None);
    let districts: Vec<usize> = DISTRICTS
        .iter()
        .enumerate()
        .map(|(at, name)| places.add((*name).to_owned(), format!("MW-{:02}", at + 1), Some(root)))
        .collect();
    let mut names = BTreeSet::new();
    let mut facilities = Vec::with_capacity(count);
    for (district, rank) in spread(&mut places.draw, count) {
        let name = format!("{} {}", place(&mut places.draw, &mut names), rank.suffix());
        let index = facilities.len();
        let unit = places.add(name, format!("F{:05}", index + 1), Some(districts[district]));
        places.units[unit].facility = Some(index);
        facilities.push(facility(&mut places.draw, unit, district, rank));
    }
    let outside = places.add("Training Land".to_owned(), "TR".to_owned(), None);
    places.add("Training HC".to_owned(), "TR-01".to_owned(), Some(outside));
    (places.units, facilities)
}

/// District and kind of every facility: one hospital in each district, then by the weight of the district.
fn spread(draw: &mut Draw, count: usize) -> Vec<(usize, Rank)> {
    let weights: Vec<f64> = DISTRICTS.iter().map(|_| 0.4 + draw.unit() * 1.6).collect();
    let sum: f64 = weights.iter().sum();
    let mut spread: Vec<(usize, Rank)> = (0..count.min(DISTRICTS.len())).map(|it| (it, Rank::District)).collect();
    while spread.len() < count {
        let mut left = draw.unit() * sum;
        let heavy = weights.iter().position(|weight| {
            left -= weight;
            left <= 0.0
        });
        let luck = draw.unit();
        let rank = match luck {
            luck if luck < 0.06 => Rank::Rural,
            luck if luck < 0.82 => Rank::Centre,
            _ => Rank::Dispensary,
        };
        spread.push((heavy.unwrap_or(0), rank));
    }
    spread.sort_by_key(|&(district, rank)| (district, rank != Rank::District));
    spread
}

/// Size and habits of a facility: most are steady, a quarter grow, a third follow the season strongly.
fn facility(draw: &mut Draw, unit: usize, district: usize, rank: Rank) -> Facility {
    let growth = if draw.chance(0.25) { 0.015 + 0.025 * draw.unit() } else { 0.0 };
    let wave = if draw.chance(0.35) { 1.0 } else { 0.25 };
    let size = rank.size() * (0.35 * draw.normal()).exp();
    let hyphens = draw.chance(0.5);
    let case_id = Arc::from(draw.case_id(hyphens));
    Facility { unit, district, rank, size, growth, wave, case_id }
}
