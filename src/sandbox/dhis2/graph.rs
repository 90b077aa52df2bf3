//! The metadata as a graph of objects with members, so that any `fields` and any filter path can walk it.

use serde_json::{Value, json};

use super::View;
use crate::sandbox::world::model::Place;

/// One object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// A data element.
    Element(usize),
    /// A data set.
    Set(usize),
    /// The membership of an element (second) in a set (first).
    SetElement(usize, usize),
    /// A category combination.
    Combo(usize),
    /// A category option combination.
    Coc(usize),
    /// A category option.
    CategoryOption(usize),
    /// An organisation unit.
    Unit(usize),
}

/// What a member of an object holds.
pub(crate) enum Member {
    /// Plain JSON.
    Plain(Value),
    /// Another object.
    One(Node),
    /// A list of objects.
    Many(Vec<Node>),
}

/// When all metadata was made; local time without a zone (dhis2.md section 3.5).
const MADE: &str = "2019-03-04T10:15:00.000";

const NAMED: &str = "id name displayName shortName created lastUpdated";
/// Who may do what with an object.
const ACCESS: &str = "access";
const OF_ELEMENT: &str = "valueType aggregationType domainType zeroIsSignificant categoryCombo dataSetElements";
const OF_SET: &str = "periodType formType openFuturePeriods expiryDays timelyDays access categoryCombo dataSetElements \
                      organisationUnits";
const OF_COMBO: &str = "isDefault skipTotal dataDimensionType categoryOptionCombos";
const OF_UNIT: &str = "code level path leaf openingDate closedDate parent children dataSets";

impl Node {
    /// Its class, as error sentences name it.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Element(_) => "DataElement",
            Self::Set(_) => "DataSet",
            Self::SetElement(..) => "DataSetElement",
            Self::Combo(_) => "CategoryCombo",
            Self::Coc(_) => "CategoryOptionCombo",
            Self::CategoryOption(_) => "CategoryOption",
            Self::Unit(_) => "OrganisationUnit",
        }
    }

    /// The objects of a list resource, and one of its kind for names; `None` for an unknown resource.
    pub(crate) fn of_resource(view: &View<'_>, resource: &str) -> Option<(Self, Vec<Self>)> {
        let model = &view.country.model;
        Some(match resource {
            "dataElements" => (Self::Element(0), (0..model.elements.len()).map(Self::Element).collect()),
            "dataSets" => (Self::Set(0), (0..model.sets.len()).map(Self::Set).collect()),
            "categoryCombos" => (Self::Combo(0), (0..model.combos.len()).map(Self::Combo).collect()),
            "categoryOptionCombos" => (Self::Coc(0), (0..model.cocs.len()).map(Self::Coc).collect()),
            "organisationUnits" => (Self::Unit(0), (0..view.country.units.len()).map(Self::Unit).collect()),
            _ => return None,
        })
    }

    /// The object of this id.
    pub(crate) fn of_id(view: &View<'_>, id: &str) -> Option<Self> {
        Some(match view.country.model.place(id) {
            Some(Place::Element(index)) => Self::Element(index),
            Some(Place::Set(index)) => Self::Set(index),
            Some(Place::Combo(index)) => Self::Combo(index),
            Some(Place::Coc(index)) => Self::Coc(index),
            None => Self::Unit(view.country.unit(id)?),
        })
    }

    /// The names of its members.
    pub(crate) fn members(self) -> impl Iterator<Item = &'static str> {
        let (common, own): (&str, &str) = match self {
            Self::Element(_) => (NAMED, OF_ELEMENT),
            Self::Set(_) => (NAMED, OF_SET),
            Self::SetElement(..) => ("", "dataSet dataElement categoryCombo"),
            Self::Combo(_) => (NAMED, OF_COMBO),
            Self::Coc(_) => (NAMED, "categoryCombo categoryOptions"),
            Self::CategoryOption(_) => (NAMED, ACCESS),
            Self::Unit(_) => (NAMED, OF_UNIT),
        };
        common.split_whitespace().chain(own.split_whitespace())
    }

    /// A member; `None` when the object has no such member or it is not set.
    pub(crate) fn member(self, view: &View<'_>, name: &str) -> Option<Member> {
        let model = &view.country.model;
        let (id, own_name) = match self {
            Self::Element(at) => (&*model.elements[at].uid, &*model.elements[at].name),
            Self::Set(at) => (&*model.sets[at].uid, &*model.sets[at].name),
            Self::Combo(at) => (&*model.combos[at].uid, &*model.combos[at].name),
            Self::Coc(at) => (&*model.cocs[at].uid, &*model.cocs[at].name),
            Self::CategoryOption(at) => (&*model.options[at].uid, &*model.options[at].name),
            Self::Unit(at) => (&*view.country.units[at].uid, &*view.country.units[at].name),
            Self::SetElement(set, element) => {
                return match name {
                    "dataSet" => Some(Member::One(Self::Set(set))),
                    "dataElement" => Some(Member::One(Self::Element(element))),
                    "categoryCombo" => model.sets[set].overrides.get(&element).map(|&it| Member::One(Self::Combo(it))),
                    _ => None,
                };
            }
        };
        if !self.members().any(|member| member == name) {
            return None;
        }
        match name {
            "id" => plain(id),
            "name" | "displayName" => plain(own_name),
            "shortName" => plain(own_name.chars().take(50).collect::<String>()),
            "created" | "lastUpdated" => plain(MADE),
            _ => match self {
                Self::Element(at) => of_element(view, at, name),
                Self::Set(at) => of_set(view, at, name),
                Self::Combo(at) => of_combo(view, at, name),
                Self::Coc(at) if name == "categoryCombo" => Some(Member::One(Self::Combo(model.cocs[at].combo))),
                Self::Coc(at) => {
                    let options = model.cocs[at].options.iter();
                    Some(Member::Many(options.map(|&option| Self::CategoryOption(option)).collect()))
                }
                Self::Unit(at) => of_unit(view, at, name),
                Self::CategoryOption(at) => access(view.account.reads_option(view.country, at)),
                Self::SetElement(..) => None,
            },
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every caller answers with an option")]
fn plain(value: impl Into<Value>) -> Option<Member> {
    Some(Member::Plain(value.into()))
}

fn of_element(view: &View<'_>, at: usize, name: &str) -> Option<Member> {
    let element = &view.country.model.elements[at];
    match name {
        "valueType" => plain(element.profile.value_type),
        "aggregationType" => plain(element.profile.aggregation),
        "domainType" => plain("AGGREGATE"),
        "zeroIsSignificant" => plain(element.profile.zero_is_significant),
        "categoryCombo" => Some(Member::One(Node::Combo(element.combo))),
        "dataSetElements" => Some(Member::Many(element.sets.iter().map(|&set| Node::SetElement(set, at)).collect())),
        _ => None,
    }
}

fn of_set(view: &View<'_>, at: usize, name: &str) -> Option<Member> {
    let set = &view.country.model.sets[at];
    match name {
        "periodType" => plain(set.period_type),
        "formType" => plain("DEFAULT"),
        "openFuturePeriods" => plain(0),
        "expiryDays" => plain(0.0),
        "timelyDays" => plain(15.0),
        "access" => access(view.account.reads_set(view.country, at)),
        "categoryCombo" => Some(Member::One(Node::Combo(set.combo))),
        "dataSetElements" => {
            Some(Member::Many(set.elements.iter().map(|&element| Node::SetElement(at, element)).collect()))
        }
        "organisationUnits" => {
            let facilities = view.country.facilities.iter().enumerate();
            let assigned = facilities.filter(|&(facility, _)| view.changes.assigned(facility, at));
            Some(Member::Many(assigned.map(|(_, facility)| Node::Unit(facility.unit)).collect()))
        }
        _ => None,
    }
}

/// Whether the account may read the data behind an object (dhis2.md section 1.3).
fn access(read: bool) -> Option<Member> {
    plain(json!({ "read": true, "write": false, "data": { "read": read, "write": false } }))
}

fn of_combo(view: &View<'_>, at: usize, name: &str) -> Option<Member> {
    let combo = &view.country.model.combos[at];
    match name {
        "isDefault" => plain(at == 0),
        "skipTotal" => plain(false),
        "dataDimensionType" => plain(if combo.attribute { "ATTRIBUTE" } else { "DISAGGREGATION" }),
        "categoryOptionCombos" => Some(Member::Many(combo.cocs.clone().map(Node::Coc).collect())),
        _ => None,
    }
}

fn of_unit(view: &View<'_>, at: usize, name: &str) -> Option<Member> {
    let unit = &view.country.units[at];
    // Facilities have none; walking all places for each of them would be slow.
    let places = if unit.facility.is_some() { &[] } else { view.country.units.as_slice() };
    let children = || places.iter().enumerate().filter(|(_, it)| it.parent == Some(at)).map(|(it, _)| it);
    match name {
        "code" => plain(unit.code.as_str()),
        "level" => plain(unit.level),
        "path" => plain(unit.path.as_str()),
        "leaf" => plain(children().next().is_none()),
        "openingDate" => plain("2010-01-01T00:00:00.000"),
        "closedDate" => plain(view.changes.closed(at)?.strftime("%Y-%m-%dT00:00:00.000").to_string()),
        "parent" => unit.parent.map(|parent| Member::One(Node::Unit(parent))),
        "children" => Some(Member::Many(children().map(Node::Unit).collect())),
        "dataSets" => {
            let sets = view.country.model.sets.iter().enumerate();
            let assigned = |set: usize| unit.facility.is_some_and(|facility| view.changes.assigned(facility, set));
            Some(Member::Many(sets.map(|(set, _)| set).filter(|&set| assigned(set)).map(Node::Set).collect()))
        }
        _ => None,
    }
}

/// An object as far as a reference shows it.
pub(crate) fn reference(view: &View<'_>, node: Node) -> Value {
    let id = |node: Node| match node.member(view, "id") {
        Some(Member::Plain(id)) => json!({ "id": id }),
        _ => Value::Null,
    };
    match node {
        Node::SetElement(set, element) => {
            let mut whole = json!({ "dataSet": id(Node::Set(set)), "dataElement": id(Node::Element(element)) });
            if let Some(&combo) = view.country.model.sets[set].overrides.get(&element) {
                whole["categoryCombo"] = id(Node::Combo(combo));
            }
            whole
        }
        node => id(node),
    }
}
