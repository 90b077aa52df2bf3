//! Data elements, data sets and category options of the country: the mapping's own, a few that no mapping names, one data
//! set the usual account may not read, a monthly one, and one whose reports are split by who paid.

use std::{collections::BTreeMap, ops::Range};

use super::{
    MONTHS, QUARTERS, Stored,
    draw::{Draw, Stream},
    kinds::{Disaggregation, EXTRAS, HOSTILE, LIKE, MONTHLY, PARTNER, Profile, UNPLACED, profile_of, set_name},
};
use crate::{
    domain::mapping::Mapping,
    sandbox::{
        FISCAL_ELEMENT, FISCAL_SET, HOSTILE_ELEMENT, LIKE_ELEMENT, LIKE_SET, LOST_ELEMENT, MONTHLY_SET,
        PARTNER_ELEMENT, PARTNER_SET, SHARED_ELEMENT, SHARED_MONTHLY_SET, SHARED_SET,
    },
};

/// A data element, with what the numbers of it look like.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    /// Id.
    pub(crate) uid: String,
    /// Name in DHIS2.
    pub(crate) name: String,
    /// The case property the mapping writes it to.
    pub(crate) property: Option<String>,
    /// Type, aggregation and shape of the numbers.
    pub(crate) profile: Profile,
    /// Category combination, an index.
    pub(crate) combo: usize,
    /// Its columns, one for each category option combination.
    pub(crate) columns: Range<usize>,
    /// Columns of rows that should not be there: of another combination, or of another one's reports.
    pub(crate) strays: Vec<usize>,
    /// Data sets it belongs to, indices; the first is the one it is reported on.
    pub(crate) sets: Vec<usize>,
}

impl Element {
    /// All columns there may be rows of.
    pub(crate) fn all_columns(&self) -> impl Iterator<Item = usize> {
        self.columns.clone().chain(self.strays.iter().copied())
    }

    /// Whether a zero is kept as a row (dhis2.md section 5, "Zero rule").
    pub(crate) fn keeps_zero(&self) -> bool {
        self.profile.zero_is_significant || matches!(self.profile.aggregation, "AVERAGE" | "AVERAGE_SUM_ORG_UNIT")
    }
}

/// A data set.
#[derive(Clone, Debug)]
pub(crate) struct DataSet {
    /// Id.
    pub(crate) uid: String,
    /// Name.
    pub(crate) name: String,
    /// Period type, for example `Quarterly`.
    pub(crate) period_type: &'static str,
    /// Its elements, indices.
    pub(crate) elements: Vec<usize>,
    /// Only a superuser may read its data (dhis2.md section 1.3, E2010).
    pub(crate) restricted: bool,
    /// The category combination of its reports as wholes, an index: whose report it is.
    pub(crate) combo: usize,
    /// Elements whose values it splits otherwise than their own combination would, with the combination that is used
    /// (dhis2.md section 2, `dataSetElements`).
    pub(crate) overrides: BTreeMap<usize, usize>,
}

impl DataSet {
    /// Whether its reports are stored under periods like this one.
    pub(crate) fn is_stored(&self, when: Stored) -> bool {
        self.period_type
            == match when {
                Stored::Quarter(_) => "Quarterly",
                Stored::Month(_) => "Monthly",
            }
    }
}

/// A category combination.
#[derive(Clone, Debug)]
pub(crate) struct Combo {
    /// Id.
    pub(crate) uid: String,
    /// Name.
    pub(crate) name: String,
    /// Its category option combinations, indices.
    pub(crate) cocs: Range<usize>,
    /// It splits reports, not values: `ATTRIBUTE`, not `DISAGGREGATION`.
    pub(crate) attribute: bool,
}

/// A category option combination.
#[derive(Clone, Debug)]
pub(crate) struct Coc {
    /// Id.
    pub(crate) uid: String,
    /// Name.
    pub(crate) name: String,
    /// Its combination, an index.
    pub(crate) combo: usize,
    /// Its category options, indices.
    pub(crate) options: Vec<usize>,
    /// Its part of the whole; the parts of a combination add up to 1.
    pub(crate) share: f64,
}

/// A category option.
#[derive(Clone, Debug)]
pub(crate) struct CategoryOption {
    /// Id.
    pub(crate) uid: String,
    /// Name.
    pub(crate) name: String,
    /// Only a superuser may read its data.
    pub(crate) restricted: bool,
}

/// One kind of row of a facility: a data element in one category option combination and one attribute option combination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Data element, an index.
    pub(crate) element: usize,
    /// Category option combination, an index.
    pub(crate) coc: usize,
    /// Attribute option combination, an index.
    pub(crate) aoc: usize,
    /// Whether it is stored by month; else by quarter.
    pub(crate) monthly: bool,
    /// Where its numbers begin among those of a facility; `None`: it has rows only where one was added.
    pub(crate) start: Option<usize>,
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Data elements: those of the mapping first, in its order.
    pub(crate) elements: Vec<Element>,
    /// Data sets: those of the mapping first.
    pub(crate) sets: Vec<DataSet>,
    /// Category combinations; the default one first.
    pub(crate) combos: Vec<Combo>,
    /// Category option combinations; the default one first.
    pub(crate) cocs: Vec<Coc>,
    /// Category options; the default one first.
    pub(crate) options: Vec<CategoryOption>,
    /// What a facility can report.
    pub(crate) columns: Vec<Column>,
    /// How many numbers a facility has in all periods.
    pub(crate) width: usize,
    places: BTreeMap<String, Place>,
}

/// What an id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A data element.
    Element(usize),
    /// A data set.
    Set(usize),
    /// A category combination.
    Combo(usize),
    /// A category option combination.
    Coc(usize),
}

const OPTIONS: [&str; 5] = ["default", "Male", "Female", "Under 5", "5 and over"];

/// Name of a combination, and its parts as category options with their share.
type Shape = (&'static str, &'static [(&'static [usize], f64)]);

const SHAPES: [Shape; 4] = [
    ("default", &[(&[0], 1.0)]),
    ("Sex", &[(&[1], 0.47), (&[2], 0.53)]),
    ("Age (under 5, 5 and over)", &[(&[3], 0.38), (&[4], 0.62)]),
    ("Age (under 5, 5 and over) and sex", &[(&[3, 1], 0.19), (&[3, 2], 0.18), (&[4, 1], 0.27), (&[4, 2], 0.36)]),
];

/// Who pays for services, and whether that is a matter for few.
const FUNDERS: [(&str, bool); 2] = [("Government", false), ("Restricted donor", true)];
const FUNDING: Shape = ("Funding source", &[(&[5], 0.7), (&[6], 0.3)]);
/// A cleared screen, another title, a line turned round, pictures of double width. A very long name is the third.
const HOSTILE_NAMES: [&str; 2] =
    ["\u{1b}[2J\u{1b}]0;owned\u{7}Mobile clinic", "\u{202e}cinilc \u{1f690}\u{1f3fd} e\u{301}"];
const WARD: &str = "Ward ";
const HOSTILE_SHAPE: Shape = ("Place of service", &[(&[7], 0.5), (&[8], 0.3), (&[9], 0.2)]);

impl Model {
    /// The metadata of the mapping's data elements and data sets, and of the extras.
    pub(crate) fn new(seed: u64, mapping: &Mapping) -> Self {
        let mut draw = Draw::new(seed, Stream::Metadata);
        let mut model = Self::default();
        model.add_categories(&mut draw);
        for row in &mapping.rows {
            if row.data_set.is_empty() || row.data_element.is_empty() {
                continue;
            }
            let set = model.set(&row.data_set);
            let profile = profile_of(&row.property);
            model.add_element(&row.data_element, &row.name, Some(&row.property), profile, set);
        }
        model.add_extras(&mut draw, mapping);
        model.index();
        model
    }

    fn add_categories(&mut self, draw: &mut Draw) {
        for name in OPTIONS {
            let uid = known(name, "xYerKDKCefk", draw);
            self.options.push(CategoryOption { uid, name: name.to_owned(), restricted: false });
        }
        for shape in SHAPES {
            self.add_combo(draw, shape, false);
        }
    }

    fn add_combo(&mut self, draw: &mut Draw, (name, parts): Shape, attribute: bool) -> usize {
        let combo = self.combos.len();
        let first = self.cocs.len();
        for (options, share) in parts {
            let names: Vec<&str> = options.iter().map(|&option| &*self.options[option].name).collect();
            let name = names.join(", ");
            let uid = known(&name, "HllvX50cXC0", draw);
            self.cocs.push(Coc { uid, name, combo, options: options.to_vec(), share: *share });
        }
        let uid = known(name, "bjDvmb4bfuf", draw);
        self.combos.push(Combo { uid, name: name.to_owned(), cocs: first..self.cocs.len(), attribute });
        combo
    }

    /// The data set of this id, added if it is new.
    fn set(&mut self, uid: &str) -> usize {
        self.sets.iter().position(|set| set.uid == uid).unwrap_or_else(|| {
            let name = set_name(uid);
            self.add_set(uid, &name, "Quarterly")
        })
    }

    fn add_set(&mut self, uid: &str, name: &str, period_type: &'static str) -> usize {
        let (uid, name) = (uid.to_owned(), name.to_owned());
        let (elements, overrides) = (Vec::new(), BTreeMap::new());
        self.sets.push(DataSet { uid, name, period_type, elements, restricted: false, combo: 0, overrides });
        self.sets.len() - 1
    }

    fn add_element(&mut self, uid: &str, name: &str, property: Option<&str>, profile: Profile, set: usize) {
        let found = self.elements.iter().position(|element| element.uid == uid);
        let element = found.unwrap_or_else(|| {
            let combo = match profile.disaggregation {
                Disaggregation::None => 0,
                Disaggregation::Sex => 1,
                Disaggregation::Age => 2,
                Disaggregation::AgeAndSex => 3,
                Disaggregation::Hostile => 5,
            };
            let element = self.elements.len();
            let first = self.columns.len();
            let monthly = self.sets[set].period_type == "Monthly";
            for aoc in self.combos[self.sets[set].combo].cocs.clone() {
                for coc in self.combos[combo].cocs.clone() {
                    self.columns.push(Column { element, coc, aoc, monthly, start: Some(self.width) });
                    self.width += if monthly { MONTHS } else { QUARTERS };
                }
            }
            self.elements.push(Element {
                uid: uid.to_owned(),
                name: name.to_owned(),
                property: property.map(str::to_owned),
                profile,
                combo,
                columns: first..self.columns.len(),
                strays: Vec::new(),
                sets: Vec::new(),
            });
            element
        });
        if !self.elements[element].sets.contains(&set) {
            self.elements[element].sets.push(set);
            self.sets[set].elements.push(element);
        }
    }

    /// Elements no mapping names, a yearly set that shares its elements with a quarterly one, and a closed set.
    fn add_extras(&mut self, draw: &mut Draw, mapping: &Mapping) {
        for (name, beside, profile) in EXTRAS {
            let beside = mapping.rows.iter().find(|row| row.property == *beside);
            let set = beside.map_or(0, |row| self.set(&row.data_set));
            self.add_element(&draw.uid(), name, None, *profile, set);
        }
        self.split_otherwise();
        let census = self.add_set(&draw.uid(), "HMIS Annual Infrastructure Census", "Yearly");
        let levels = (0..self.elements.len()).filter(|&element| self.elements[element].profile.is_level());
        for element in levels.take(2).collect::<Vec<_>>() {
            self.elements[element].sets.push(census);
            self.sets[census].elements.push(element);
        }
        let closed = self.add_set(&draw.uid(), "Staff Returns (restricted)", "Quarterly");
        self.sets[closed].restricted = true;
        let uid = draw.uid();
        self.add_element(&uid, "HR Vacant Established Posts", None, profile_of(""), closed);
        self.add_more(draw);
    }

    /// The last of the extras is split by its data set alone; its own combination is the default one.
    fn split_otherwise(&mut self) {
        let Some(element) = self.elements.len().checked_sub(1) else { return };
        let combo = std::mem::take(&mut self.elements[element].combo);
        for &set in &self.elements[element].sets {
            self.sets[set].overrides.insert(element, combo);
        }
    }

    /// A monthly set, a set split by who paid for the services, and an element in no set at all.
    fn add_more(&mut self, draw: &mut Draw) {
        let monthly = self.add_set(MONTHLY_SET, "HMIS 15 Monthly Health Centre Report", "Monthly");
        for (uid, name, profile) in MONTHLY {
            self.add_element(uid, name, None, *profile, monthly);
        }
        for (name, restricted) in FUNDERS {
            self.options.push(CategoryOption { uid: draw.uid(), name: name.to_owned(), restricted });
        }
        let funding = self.add_combo(draw, FUNDING, true);
        let partner = self.add_set(PARTNER_SET, "Partner Supported Outreach", "Quarterly");
        self.sets[partner].combo = funding;
        self.add_element(PARTNER_ELEMENT, "Outreach Clinics Held", None, PARTNER, partner);
        for name in HOSTILE_NAMES.map(str::to_owned).into_iter().chain([WARD.repeat(10_000 / WARD.len())]) {
            self.options.push(CategoryOption { uid: draw.uid(), name, restricted: false });
        }
        self.add_combo(draw, HOSTILE_SHAPE, false);
        self.add_element(HOSTILE_ELEMENT, "Outreach Clients Seen", None, HOSTILE, partner);
        let fiscal = self.add_set(FISCAL_SET, "Partner Finance Return", "QuarterlyNov");
        self.add_element(FISCAL_ELEMENT, "Funds Received", None, profile_of(""), fiscal);
        self.elements.push(Element {
            uid: LOST_ELEMENT.to_owned(),
            name: "HMIS Household Visits (retired)".to_owned(),
            property: None,
            profile: UNPLACED,
            combo: 0,
            columns: self.columns.len()..self.columns.len(),
            strays: Vec::new(),
            sets: Vec::new(),
        });
        self.add_likes();
    }

    /// Data elements called much like those of the ONSE project that nobody found. They draw nothing from the metadata's numbers and
    /// stand last, so that the numbers of all others are what they were without them.
    fn add_likes(&mut self) {
        let [women, points] = LIKE;
        let set = self.add_set(LIKE_SET, "EPI Quarterly Report", "Quarterly");
        self.add_element(LIKE_ELEMENT, women.0, None, women.1, set);
        let set = self.add_set(SHARED_SET, "TB Community Quarterly Report", "Quarterly");
        self.add_element(SHARED_ELEMENT, points.0, None, points.1, set);
        let monthly = self.add_set(SHARED_MONTHLY_SET, "TB Community Monthly Return", "Monthly");
        self.add_element(SHARED_ELEMENT, points.0, None, points.1, monthly);
    }

    fn index(&mut self) {
        let elements = self.elements.iter().enumerate().map(|(at, it)| (it.uid.clone(), Place::Element(at)));
        let sets = self.sets.iter().enumerate().map(|(at, it)| (it.uid.clone(), Place::Set(at)));
        let combos = self.combos.iter().enumerate().map(|(at, it)| (it.uid.clone(), Place::Combo(at)));
        let cocs = self.cocs.iter().enumerate().map(|(at, it)| (it.uid.clone(), Place::Coc(at)));
        self.places = elements.chain(sets).chain(combos).chain(cocs).collect();
    }

    /// What the id stands for.
    pub(crate) fn place(&self, uid: &str) -> Option<Place> {
        self.places.get(uid).copied()
    }

    /// The column of a data element in a category option combination.
    pub(crate) fn column(&self, data_element: &str, category_option_combo: &str) -> Option<usize> {
        let Some(Place::Element(element)) = self.place(data_element) else { return None };
        let Some(Place::Coc(coc)) = self.place(category_option_combo) else { return None };
        self.elements[element].all_columns().find(|&column| self.columns[column].coc == coc)
    }

    /// The column of rows of an element that should not be there, made if there is none yet.
    pub(crate) fn stray(&mut self, element: usize, coc: usize, aoc: usize) -> usize {
        let same = |column: &usize| (self.columns[*column].coc, self.columns[*column].aoc) == (coc, aoc);
        if let Some(column) = self.elements[element].all_columns().find(same) {
            return column;
        }
        self.columns.push(Column { element, coc, aoc, monthly: false, start: None });
        self.elements[element].strays.push(self.columns.len() - 1);
        self.columns.len() - 1
    }
}

/// The well-known id of everything called `default` (dhis2.md section 3.5), a drawn one for the rest.
fn known(name: &str, default: &str, draw: &mut Draw) -> String {
    if name == "default" { default.to_owned() } else { draw.uid() }
}
