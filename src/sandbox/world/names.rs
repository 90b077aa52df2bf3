//! Names of places. The districts are Malawi's; the facilities are put together from syllables and stand for no real one.

use std::collections::BTreeSet;

use super::draw::Draw;

/// The 28 districts.
pub(crate) const DISTRICTS: [&str; 28] = [
    "Balaka",
    "Blantyre",
    "Chikwawa",
    "Chiradzulu",
    "Chitipa",
    "Dedza",
    "Dowa",
    "Karonga",
    "Kasungu",
    "Likoma",
    "Lilongwe",
    "Machinga",
    "Mangochi",
    "Mchinji",
    "Mulanje",
    "Mwanza",
    "Mzimba",
    "Neno",
    "Nkhata Bay",
    "Nkhotakota",
    "Nsanje",
    "Ntcheu",
    "Ntchisi",
    "Phalombe",
    "Rumphi",
    "Salima",
    "Thyolo",
    "Zomba",
];

const FIRST: [&str; 24] = [
    "Chi", "Ka", "Mu", "Na", "Lu", "Nka", "Ma", "Li", "Bwa", "Dzi", "Khu", "Mpa", "Nsa", "Tsa", "Phi", "Zi", "Mbi",
    "Nte", "Kwi", "Go", "Mdi", "Lo", "The", "Msu",
];
const MIDDLE: [&str; 24] = [
    "ka", "la", "ndi", "mbe", "si", "ko", "lu", "nga", "pa", "ti", "wa", "zi", "mu", "nda", "li", "po", "sa", "the",
    "vu", "ni", "ngo", "ku", "bu", "chi",
];
const LAST: [&str; 24] = [
    "la", "nje", "mba", "nda", "ka", "zo", "ra", "si", "ngwe", "wa", "mo", "ni", "la", "pa", "ti", "yu", "le", "za",
    "ndo", "we", "nga", "du", "ke", "ri",
];

/// What kind of facility it is, which sets its size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Rank {
    /// One in each district.
    District,
    /// A rural hospital.
    Rural,
    /// The usual kind.
    #[default]
    Centre,
    /// The smallest.
    Dispensary,
}

impl Rank {
    /// What stands behind the name.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::District => "DH",
            Self::Rural => "RH",
            Self::Centre => "HC",
            Self::Dispensary => "Dispensary",
        }
    }

    /// Size against a health centre.
    pub(crate) fn size(self) -> f64 {
        match self {
            Self::District => 9.0,
            Self::Rural => 3.5,
            Self::Centre => 1.0,
            Self::Dispensary => 0.3,
        }
    }
}

/// A name nobody has yet. Names grow by a syllable when the short ones are used up.
pub(crate) fn place(draw: &mut Draw, taken: &mut BTreeSet<String>) -> String {
    let mut attempts: usize = 0;
    loop {
        let middles = usize::from(draw.chance(0.35)) + attempts / 20;
        let mut name = draw.one_of(&FIRST).to_owned();
        for _ in 0..middles {
            name.push_str(draw.one_of(&MIDDLE));
        }
        name.push_str(draw.one_of(&LAST));
        if taken.insert(name.clone()) {
            return name;
        }
        attempts += 1;
    }
}
