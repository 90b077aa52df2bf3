//! Answers of both servers to a plan: which row belongs to which cell, what it adds up to, and what looks wrong about it.
//! A function of its arguments; asking is `fetch`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    domain::{
        flags::{Facts, structural},
        mapping::Row,
        plan::{Cell, Draft, Facility, Head, Kind, Plan, Property, Skipped, State, ordinal},
        total::{Part, Total},
    },
    io::{
        commcare::CaseRecord,
        dhis2::{DataElement, DataSet, DataValue, Named, OrgUnit},
        store::FacilityParts,
    },
};

/// The period type a mapped data set must have.
const QUARTERLY: &str = "Quarterly";

/// A mapping row joined with what DHIS2 says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The property as it stands in the plan.
    pub property: Property,
    /// Whether the data set is a quarterly one.
    pub quarterly: bool,
}

/// Joins usable mapping rows with the server's names. A row whose data element or data set the server does not know, or whose
/// data element is not in its data set, is left out with a sentence: its numbers would be another form's, or none.
pub fn columns<'a>(
    rows: impl IntoIterator<Item = &'a Row>,
    elements: &[DataElement],
    sets: &[DataSet],
) -> (Vec<Column>, Vec<String>) {
    let elements: HashMap<&str, &DataElement> = elements.iter().map(|e| (e.id.as_str(), e)).collect();
    let sets: HashMap<&str, &DataSet> = sets.iter().map(|s| (s.id.as_str(), s)).collect();
    let (mut columns, mut problems) = (Vec::new(), Vec::new());
    for row in rows {
        let mut leave_out =
            |why: String| problems.push(format!("line {}, {}: {why}; left out", row.line, row.property));
        let Some(element) = elements.get(row.data_element.as_str()) else {
            leave_out(format!("DHIS2 does not show a data element {} to this account", row.data_element));
            continue;
        };
        let Some(set) = sets.get(row.data_set.as_str()) else {
            leave_out(format!("DHIS2 does not show a data set {} to this account", row.data_set));
            continue;
        };
        let member = set.elements.contains(&row.data_element) || element.data_sets.iter().any(|s| s.id == row.data_set);
        if !member {
            let others: Vec<String> = element.data_sets.iter().map(|s| format!("{} {}", s.id, s.name)).collect();
            let others =
                if others.is_empty() { "it is in none".to_owned() } else { format!("it is in {}", others.join(", ")) };
            leave_out(format!("data element {} is not in data set {}; {others}", row.data_element, row.data_set));
            continue;
        }
        let property = Property {
            name: row.property.clone(),
            data_element: row.data_element.clone(),
            data_set: row.data_set.clone(),
            title: row.name.clone(),
            line: row.line,
            element_name: element.name.clone(),
            value_type: element.value_type.clone().unwrap_or_default(),
            data_set_name: set.name.clone(),
        };
        columns.push(Column { property, quarterly: set.period_type.as_deref() == Some(QUARTERLY) });
    }
    (columns, problems)
}

/// Everything read, ready to be put together.
#[derive(Debug)]
pub struct Answers {
    /// Where it is from.
    pub head: Head,
    /// Cases that take part or are skipped.
    pub cases: Vec<CaseRecord>,
    /// The columns.
    pub columns: Vec<Column>,
    /// Data sets with their elements, to tell a blank in a report from no report.
    pub sets: Vec<DataSet>,
    /// Organisation units the server knows.
    pub units: Vec<OrgUnit>,
    /// Rows of the quarter.
    pub values: Vec<DataValue>,
    /// Units whose rows could not be read, with the state that gives their cells.
    pub unread: BTreeMap<String, State>,
    /// Names of category and attribute option combos.
    pub options: Vec<Named>,
}

/// The plan, and the rows behind its cells. Facilities stand by name, so that the order does not depend on the server.
pub fn assemble(answers: Answers) -> (Plan, Vec<FacilityParts>) {
    let Answers { head, mut cases, columns, sets, units, values, unread, options } = answers;
    cases.sort_by_cached_key(|case| (case.name.to_lowercase(), case.case_id.clone()));
    let (cases, without): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.external_id.is_some());
    let unit_names: HashMap<&str, &str> = units.iter().map(|unit| (unit.id.as_str(), unit.name.as_str())).collect();
    let facilities: Vec<Facility> = cases.iter().map(|case| facility(case, &unit_names)).collect();
    let open = open_by_unit(&facilities);
    let properties = columns.iter().map(|column| column.property.clone()).collect();
    let mut draft = Plan::draft(head, facilities.clone(), properties);
    for case in without {
        draft.skip(Skipped { case_id: case.case_id, case_name: case.name, reason: "no external id".to_owned() });
    }
    let names: HashMap<&str, &str> = options.iter().map(|option| (option.id.as_str(), option.name.as_str())).collect();
    let members = members(&sets, &columns);
    let rows = by_unit(values);
    let mut all_parts = Vec::new();
    for (at, (case, facility)) in cases.iter().zip(&facilities).enumerate() {
        let sheet = Sheet {
            at: ordinal(at),
            case,
            facility,
            twins: twins(&open, facility),
            rows: rows.get(&facility.external_id).map_or(&[], Vec::as_slice),
            unread: unread.get(&facility.external_id).copied(),
        };
        fill(&mut draft, &sheet, &columns, &members, &names);
        all_parts.extend(kept(&sheet, &columns));
    }
    for option in options {
        draft.name(option.id, option.name);
    }
    (draft.finish(), all_parts)
}

/// One facility with what was read of it.
struct Sheet<'a> {
    at: u32,
    case: &'a CaseRecord,
    facility: &'a Facility,
    twins: Vec<&'a str>,
    rows: &'a [Part],
    unread: Option<State>,
}

fn facility(case: &CaseRecord, unit_names: &HashMap<&str, &str>) -> Facility {
    let external_id = case.external_id.clone().unwrap_or_default();
    Facility {
        case_id: case.case_id.clone(),
        name: case.name.clone(),
        unit_name: unit_names.get(external_id.as_str()).map(|name| (*name).to_owned()),
        external_id,
        closed: case.closed,
    }
}

fn open_by_unit(facilities: &[Facility]) -> HashMap<&str, Vec<&Facility>> {
    let mut open: HashMap<&str, Vec<&Facility>> = HashMap::new();
    for facility in facilities.iter().filter(|facility| !facility.closed) {
        open.entry(&facility.external_id).or_default().push(facility);
    }
    open
}

/// Names of the other open cases of an open facility's organisation unit.
fn twins<'a>(open: &HashMap<&str, Vec<&'a Facility>>, facility: &Facility) -> Vec<&'a str> {
    let same = open.get(facility.external_id.as_str()).map_or(&[][..], Vec::as_slice);
    let others = same.iter().filter(|twin| !facility.closed && twin.case_id != facility.case_id);
    others.map(|twin| twin.name.as_str()).collect()
}

/// Data elements of each mapped data set.
fn members<'a>(sets: &'a [DataSet], columns: &'a [Column]) -> HashMap<&'a str, BTreeSet<&'a str>> {
    let mut members: HashMap<&str, BTreeSet<&str>> = HashMap::new();
    for set in sets {
        members.entry(&set.id).or_default().extend(set.elements.iter().map(String::as_str));
    }
    for Column { property, .. } in columns {
        members.entry(&property.data_set).or_default().insert(&property.data_element);
    }
    members
}

/// Rows by organisation unit, in an order that does not depend on the server. Deleted ones are left out.
fn by_unit(values: Vec<DataValue>) -> HashMap<String, Vec<Part>> {
    let mut rows: HashMap<String, Vec<Part>> = HashMap::new();
    for value in values.into_iter().filter(|value| !value.deleted) {
        rows.entry(value.org_unit).or_default().push(Part {
            data_element: value.data_element,
            category_option_combo: value.category_option_combo,
            attribute_option_combo: value.attribute_option_combo,
            value: value.value,
            comment: value.comment,
            stored_by: value.stored_by,
            last_updated: value.last_updated,
            follow_up: value.follow_up,
        });
    }
    for parts in rows.values_mut() {
        parts.sort_by(|a, b| {
            let key =
                |p: &Part| (p.data_element.clone(), p.category_option_combo.clone(), p.attribute_option_combo.clone());
            key(a).cmp(&key(b))
        });
    }
    rows
}

fn fill(
    draft: &mut Draft,
    sheet: &Sheet<'_>,
    columns: &[Column],
    members: &HashMap<&str, BTreeSet<&str>>,
    names: &HashMap<&str, &str>,
) {
    let option_name = |id: &str| names.get(id).copied().filter(|name| !name.is_empty()).unwrap_or(id).to_owned();
    for (property, Column { property: column, quarterly }) in (0_u16..).zip(columns) {
        let cell = Cell { facility: sheet.at, property };
        let old = sheet.case.properties.get(&column.name).map(String::as_str);
        let blocked = sheet.unread.or((!quarterly).then_some(State::WrongPeriodType));
        if let Some(state) = blocked {
            draft.set(cell, old, None, state);
            continue;
        }
        let parts: Vec<Part> = sheet.rows.iter().filter(|p| p.data_element == column.data_element).cloned().collect();
        let set = members.get(column.data_set.as_str());
        let siblings = sheet
            .rows
            .iter()
            .any(|part| part.value.is_some() && set.is_some_and(|set| set.contains(part.data_element.as_str())));
        let (state, held) = Total::of(&parts).state(siblings);
        draft.set(cell, old, held.as_deref(), state);
        if draft.plan().kind(cell) == Kind::Change {
            let facts = Facts {
                facility: sheet.facility,
                twins: &sheet.twins,
                parts: &parts,
                value_type: &column.value_type,
                option_name: &option_name,
            };
            let flags: Vec<_> = structural(&facts).collect();
            for flag in flags {
                draft.flag(cell, flag);
            }
        }
    }
}

/// The rows of mapped data elements, by data set.
fn kept(sheet: &Sheet<'_>, columns: &[Column]) -> Vec<FacilityParts> {
    let mut sets: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for Column { property, .. } in columns {
        sets.entry(&property.data_set).or_default().insert(&property.data_element);
    }
    sets.into_iter()
        .filter_map(|(data_set, elements)| {
            let rows = sheet.rows.iter().filter(|part| elements.contains(part.data_element.as_str()));
            let parts: Vec<Part> = rows.cloned().collect();
            (!parts.is_empty()).then(|| FacilityParts { facility: sheet.at, data_set: data_set.to_owned(), parts })
        })
        .collect()
}
