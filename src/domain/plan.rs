//! The plan: every facility by every property, old value, proposed value and why. Built once per reading, then never
//! changed. Decisions are not here (see `ledger`).
//!
//! It is a matrix, not objects: at 100,000 facilities by 21 properties a cell costs 15 bytes beside the distinct texts.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{
    flags::{Check, Flag, Severity, Whole},
    quarter::Quarter,
    text::inert,
    value::{Number, same},
};

mod order;
mod weight;

pub use order::{Ranks, height};

pub use super::{
    head::{FormOf, Head, UndoOf},
    state::State,
};

/// Facility by property, both as ordinals of the review file. Ordinals are never reused or renumbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// Facility ordinal.
    pub facility: u32,
    /// Property ordinal.
    pub property: u16,
}

/// An ordinal as an index.
pub fn index(ordinal: u32) -> usize {
    usize::try_from(ordinal).unwrap_or(usize::MAX)
}

/// A count or index as an ordinal. A review file cannot hold more facilities than an ordinal can name.
pub fn ordinal(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// What a cell asks of the reviewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A new value that differs: to be decided.
    Change,
    /// The case already holds the value.
    Same,
    /// No value to write; the case keeps what it has.
    Without,
}

/// A facility: an open or closed case with an external id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facility {
    /// `CommCare` case id.
    pub case_id: String,
    /// Case name, as stored.
    pub name: String,
    /// DHIS2 organisation unit id.
    pub external_id: String,
    /// Whether the case is closed.
    pub closed: bool,
    /// Name of the organisation unit; `None` where DHIS2 does not know the id.
    pub unit_name: Option<String>,
}

/// A property: one row of the mapping, with what DHIS2 says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Property {
    /// Case property name.
    pub name: String,
    /// Data element id.
    pub data_element: String,
    /// Data set id.
    pub data_set: String,
    /// `dhis2_name` of the mapping.
    pub title: String,
    /// Line in the mapping file.
    pub line: u64,
    /// Name of the data element on the server; empty where it is not known.
    pub element_name: String,
    /// Value type on the server; empty where it is not known.
    pub value_type: String,
    /// Name of the data set on the server; empty where it is not known.
    pub data_set_name: String,
}

/// A case that cannot take part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Case id.
    pub case_id: String,
    /// Case name.
    pub case_name: String,
    /// Why, in words.
    pub reason: String,
}

/// A text of the plan's store of distinct texts; 0 is absence.
type TextId = u32;

/// Distinct texts, each with its nearest binary number (`NaN` where it is not a number) for ordering.
#[derive(Debug, Default)]
struct Texts {
    all: Vec<(Box<str>, f64)>,
    ids: HashMap<Box<str>, TextId>,
}

impl Texts {
    fn id(&mut self, text: Option<&str>) -> TextId {
        let Some(text) = text else { return 0 };
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        self.all.push((text.into(), Number::parse(text).map_or(f64::NAN, |n| n.approx())));
        let id = ordinal(self.all.len());
        self.ids.insert(text.into(), id);
        id
    }

    fn get(&self, id: TextId) -> Option<&(Box<str>, f64)> {
        self.all.get(index(id).checked_sub(1)?)
    }
}

/// Every facility by every property. See the module head.
#[derive(Debug)]
pub struct Plan {
    /// Where it is from.
    pub head: Head,
    facilities: Vec<Facility>,
    properties: Vec<Property>,
    skipped: Vec<Skipped>,
    names: BTreeMap<String, String>,
    search: Vec<Box<str>>,
    texts: Texts,
    old: Vec<TextId>,
    new: Vec<TextId>,
    states: Vec<State>,
    kinds: Vec<Kind>,
    severities: Vec<Option<Severity>>,
    flags: BTreeMap<Cell, Vec<Flag>>,
    /// The quarter of the number where it is not the plan's.
    quarters: BTreeMap<Cell, Quarter>,
    /// The median of the quarters before.
    usual: Vec<TextId>,
    /// By facility, how much of the properties' usual sums its flagged cells move.
    weights: Vec<f64>,
    order: order::Order,
}

impl Plan {
    /// Starts a plan. Every cell is `NOT_REPORTED` without an old value until [`Draft::set`].
    pub fn draft(head: Head, facilities: Vec<Facility>, properties: Vec<Property>) -> Draft {
        let cells = facilities.len() * properties.len();
        Draft(Self {
            head,
            search: facilities.iter().map(search_text).collect(),
            facilities,
            properties,
            skipped: Vec::new(),
            names: BTreeMap::new(),
            texts: Texts::default(),
            old: vec![0; cells],
            new: vec![0; cells],
            states: vec![State::NotReported; cells],
            kinds: vec![Kind::Without; cells],
            severities: vec![None; cells],
            flags: BTreeMap::new(),
            quarters: BTreeMap::new(),
            usual: vec![0; cells],
            weights: Vec::new(),
            order: order::Order::default(),
        })
    }

    /// Place of a cell in arrays of facility by property.
    pub fn at(&self, cell: Cell) -> usize {
        index(cell.facility) * self.properties.len() + usize::from(cell.property)
    }

    /// All facilities, by ordinal.
    pub fn facilities(&self) -> &[Facility] {
        &self.facilities
    }

    /// All properties, by ordinal.
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// The facility with this ordinal.
    pub fn facility(&self, ordinal: u32) -> &Facility {
        &self.facilities[index(ordinal)]
    }

    /// The property with this ordinal.
    pub fn property(&self, ordinal: u16) -> &Property {
        &self.properties[usize::from(ordinal)]
    }

    /// Cases that cannot take part.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Name of a category or attribute option combo; `None` where the server gave none.
    pub fn option_name(&self, id: &str) -> Option<&str> {
        self.names.get(id).map(String::as_str)
    }

    /// All names of category and attribute option combos, by id.
    pub fn option_names(&self) -> &BTreeMap<String, String> {
        &self.names
    }

    /// A cell in words for a sentence: `dhis_opd of Kasenga HC`. Inert.
    pub fn title(&self, cell: Cell) -> String {
        inert(&format!("{} of {}", self.property(cell.property).name, self.facility(cell.facility).name)).into_owned()
    }

    /// Cells in words for a sentence: the first three, and how many more.
    pub fn titles(&self, cells: &[Cell]) -> String {
        let first: Vec<String> = cells.iter().take(3).map(|cell| self.title(*cell)).collect();
        match cells.len().saturating_sub(first.len()) {
            0 => first.join(", "),
            more => format!("{} and {more} more", first.join(", ")),
        }
    }

    /// Lower-case name, case id and external id of a facility, for finding it.
    pub fn search_text(&self, facility: u32) -> &str {
        &self.search[index(facility)]
    }

    /// Number of facilities, for ordinals.
    pub fn height(&self) -> u32 {
        ordinal(self.facilities.len())
    }

    /// Number of properties, for ordinals.
    pub fn width(&self) -> u16 {
        u16::try_from(self.properties.len()).unwrap_or(u16::MAX)
    }

    /// The cells of a facility.
    pub fn row(&self, facility: u32) -> impl DoubleEndedIterator<Item = Cell> + use<> {
        (0..self.width()).map(move |property| Cell { facility, property })
    }

    /// The cells of a property.
    pub fn column(&self, property: u16) -> impl DoubleEndedIterator<Item = Cell> + use<> {
        (0..self.height()).map(move |facility| Cell { facility, property })
    }

    /// Every cell, facility by facility.
    pub fn cells(&self) -> impl Iterator<Item = Cell> + use<> {
        let width = self.width();
        (0..self.height()).flat_map(move |facility| (0..width).map(move |property| Cell { facility, property }))
    }

    /// Value the case holds; `None` where the property was never set.
    pub fn old(&self, cell: Cell) -> Option<&str> {
        self.texts.get(self.old[self.at(cell)]).map(|(text, _)| text.as_ref())
    }

    /// What DHIS2 holds: the number proposed, or the text that is not a number (state `NON_NUMERIC`).
    pub fn held(&self, cell: Cell) -> Option<&str> {
        self.texts.get(self.new[self.at(cell)]).map(|(text, _)| text.as_ref())
    }

    /// The value proposed; `None` where nothing is.
    pub fn new_value(&self, cell: Cell) -> Option<&str> {
        if self.state(cell).proposes() { self.held(cell) } else { None }
    }

    /// The value that is written if a person says so: the proposal, or `0` where DHIS2 may not have stored one. `None` where
    /// nothing can be written.
    pub fn offer(&self, cell: Cell) -> Option<&str> {
        match self.state(cell) {
            State::ZeroNotStored => Some("0"),
            _ => self.new_value(cell),
        }
    }

    /// The quarter the number is of: the plan's, or an earlier one in state `OLDER_QUARTER`.
    pub fn quarter(&self, cell: Cell) -> Quarter {
        self.quarters.get(&cell).copied().unwrap_or(self.head.quarter)
    }

    /// The checks of a property.
    pub fn checks(&self, property: u16) -> impl Iterator<Item = &Check> {
        let name = Some(&self.property(property).name);
        self.head.checks.iter().filter(move |check| check.property.as_ref() == name)
    }

    /// What a property is as a whole; `None` where that was not worked out.
    pub fn whole(&self, property: u16) -> Option<&Whole> {
        self.head.whole.get(&self.property(property).name)
    }

    /// The change as a binary number, for making room only; `None` unless both sides are numbers.
    pub fn change(&self, cell: Cell) -> Option<f64> {
        let at = self.at(cell);
        let (_, old) = self.texts.get(self.old[at])?;
        let (_, new) = self.texts.get(self.new[at])?;
        let change = new - old;
        (!change.is_nan()).then_some(change)
    }

    /// Size of the change against what the case holds, for ordering only: 9 is ten times the old value. A case that holds no
    /// number counts as one that holds 0, and 1 is added below so that small numbers do not lead every list.
    pub fn relative_change(&self, cell: Cell) -> f64 {
        let number =
            |id: TextId| self.texts.get(id).map_or(0.0, |(_, number)| if number.is_nan() { 0.0 } else { *number });
        let at = self.at(cell);
        let (old, new) = (number(self.old[at]), number(self.new[at]));
        (new - old).abs() / (old.abs() + 1.0)
    }

    /// Its state.
    pub fn state(&self, cell: Cell) -> State {
        self.states[self.at(cell)]
    }

    /// What it asks of the reviewer.
    pub fn kind(&self, cell: Cell) -> Kind {
        self.kinds[self.at(cell)]
    }

    /// Its flags, worst first.
    pub fn flags(&self, cell: Cell) -> &[Flag] {
        self.flags.get(&cell).map_or(&[], Vec::as_slice)
    }

    /// Every flagged cell with its flags, in cell order.
    pub fn all_flags(&self) -> impl Iterator<Item = (Cell, &[Flag])> {
        self.flags.iter().map(|(cell, flags)| (*cell, flags.as_slice()))
    }

    /// Its worst STOP or REVIEW; `None` for unflagged cells and those with INFO only.
    pub fn severity(&self, cell: Cell) -> Option<Severity> {
        self.severities[self.at(cell)]
    }

    /// Whether some facility is missing or could not be read, so that this is not the whole picture.
    pub fn incomplete(&self) -> bool {
        self.head.incomplete.is_some() || self.states.contains(&State::FetchFailed)
    }

    /// How many cells are in each state, in the order of [`State::ALL`].
    pub fn state_counts(&self) -> [usize; State::ALL.len()] {
        let mut counts = [0; State::ALL.len()];
        for state in &self.states {
            if let Some(at) = State::ALL.iter().position(|s| s == state) {
                counts[at] += 1;
            }
        }
        counts
    }

    /// How many cells already hold the value.
    pub fn same_count(&self) -> usize {
        self.kinds.iter().filter(|kind| **kind == Kind::Same).count()
    }

    /// The property with this name.
    pub fn find_property(&self, name: &str) -> Option<u16> {
        self.properties.iter().position(|p| p.name == name).and_then(|at| u16::try_from(at).ok())
    }
}

/// A plan being built.
#[derive(Debug)]
pub struct Draft(Plan);

impl Draft {
    /// Sets a cell. `held` is the sum, or the text that is not a number.
    pub fn set(&mut self, cell: Cell, old: Option<&str>, held: Option<&str>, state: State) {
        let at = self.0.at(cell);
        self.0.old[at] = self.0.texts.id(old);
        self.0.new[at] = self.0.texts.id(held);
        self.0.states[at] = state;
        self.0.kinds[at] = match held {
            Some(_) if !state.proposes() => Kind::Without,
            Some(new) if same(old, Some(new)) => Kind::Same,
            Some(_) => Kind::Change,
            None => Kind::Without,
        };
    }

    /// Says that the number of a cell is an earlier quarter's.
    pub fn set_quarter(&mut self, cell: Cell, quarter: Quarter) {
        self.0.quarters.insert(cell, quarter);
    }

    /// Sets the usual number of a cell.
    pub fn set_usual(&mut self, cell: Cell, usual: Option<&str>) {
        let at = self.0.at(cell);
        self.0.usual[at] = self.0.texts.id(usual);
    }

    /// Adds a flag to a cell.
    pub fn flag(&mut self, cell: Cell, flag: Flag) {
        let at = self.0.at(cell);
        if flag.severity != Severity::Info {
            self.0.severities[at] = self.0.severities[at].max(Some(flag.severity));
        }
        let flags = self.0.flags.entry(cell).or_default();
        flags.push(flag);
        flags.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.id.cmp(&b.id)));
    }

    /// Adds a case that cannot take part.
    pub fn skip(&mut self, skipped: Skipped) {
        self.0.skipped.push(skipped);
    }

    /// Adds the name of a category or attribute option combo.
    pub fn name(&mut self, id: String, name: String) {
        self.0.names.insert(id, name);
    }

    /// Says what looks wrong with the run and with properties, and what each property is as a whole.
    pub fn say(&mut self, checks: Vec<Check>, whole: BTreeMap<String, Whole>) {
        (self.0.head.checks, self.0.head.whole) = (checks, whole);
    }

    /// What has been set so far.
    pub fn plan(&self) -> &Plan {
        &self.0
    }

    /// The plan, from here on unchanged.
    pub fn finish(mut self) -> Plan {
        self.0.texts.ids = HashMap::new();
        self.0.weights = self.0.weigh();
        self.0.order = order::Order::of(&self.0);
        self.0
    }
}

fn search_text(facility: &Facility) -> Box<str> {
    let unit = facility.unit_name.as_deref().unwrap_or("");
    format!("{}\n{}\n{}\n{unit}", facility.name, facility.case_id, facility.external_id).to_lowercase().into()
}

/// A plan of `height` facilities by `width` properties in which every cell changes from its number to one more,
/// for tests of other modules.
#[cfg(test)]
pub(crate) fn sample(height: u32, width: u16, more: impl FnOnce(&mut Draft)) -> Plan {
    let facility = |i| Facility {
        case_id: format!("case{i}"),
        name: format!("Facility {i}"),
        external_id: format!("ou{i:09}"),
        ..Facility::default()
    };
    let property =
        |i| Property { name: format!("dhis_p{i}"), data_element: format!("de{i:09}"), ..Property::default() };
    let head = Head {
        quarter: Quarter::parse("2026Q2").unwrap(),
        project: "onse-demo".to_owned(),
        label: String::new(),
        dhis2: String::new(),
        commcare: String::new(),
        mapping: "built-in".to_owned(),
        mapping_rows: 5,
        case_type: "facility_supervision".to_owned(),
        read_at: "2026-07-05T09:00:00Z".to_owned(),
        generation: 1,
        scope: "whole project".to_owned(),
        mapping_problems: Vec::new(),
        notes: Vec::new(),
        ..Head::of(Quarter::parse("2026Q2").unwrap())
    };
    let mut draft = Plan::draft(head, (0..height).map(facility).collect(), (0..width).map(property).collect());
    for cell in draft.plan().cells().collect::<Vec<_>>() {
        let old = u64::from(cell.facility) * 100 + u64::from(cell.property);
        draft.set(cell, Some(&old.to_string()), Some(&(old + 1).to_string()), State::Reported);
    }
    more(&mut draft);
    draft.finish()
}

#[cfg(test)]
mod tests;
