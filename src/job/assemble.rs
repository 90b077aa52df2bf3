//! Answers of both servers to a plan: which row belongs to which cell, what it adds up to, and what looks wrong about it.
//! A function of its arguments; asking is `fetch`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    domain::{
        flags::{Facts, structural},
        mapping::{Row, is_uid},
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// The property as it stands in the plan.
    pub property: Property,
    /// Period type of the data set; `None` where the server does not say.
    pub period_type: Option<String>,
    /// Aggregation type of the data element; empty where it is not known.
    pub aggregation_type: String,
    /// Whether its category options are not meant to be added up.
    pub skip_total: bool,
}

impl Column {
    /// Whether a quarter can hold rows of the data set. An unknown period type is left to the rows to decide.
    pub fn quarterly(&self) -> bool {
        self.period_type.as_deref().is_none_or(|period_type| period_type == QUARTERLY)
    }
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
        let place = element.data_sets.iter().find(|place| place.id == row.data_set);
        let member = set.elements.contains(&row.data_element) || place.is_some();
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
        columns.push(Column {
            property,
            period_type: set.period_type.clone().or_else(|| place.and_then(|place| place.period_type.clone())),
            aggregation_type: element.aggregation_type.clone().unwrap_or_default(),
            skip_total: element.category_combo.as_ref().is_some_and(|combo| combo.skip_total),
        });
    }
    (columns, problems)
}

/// What could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Organisation units, with the state that gives their cells.
    pub units: BTreeMap<String, State>,
    /// Data sets the account may not read: their cells are `NO_ACCESS`.
    pub sets: BTreeSet<String>,
}

/// Everything read, ready to be put together.
#[derive(Debug)]
pub struct Answers {
    /// Where it is from.
    pub head: Head,
    /// Cases that take part or are skipped.
    pub cases: Vec<CaseRecord>,
    /// Organisation units of several open cases, of the whole listing: a twin counts whether or not it was asked for.
    pub shared: Shared,
    /// The columns.
    pub columns: Vec<Column>,
    /// Data sets with their elements, to tell a blank in a report from no report.
    pub sets: Vec<DataSet>,
    /// Organisation units the server knows; the whole list of those asked for.
    pub units: Vec<OrgUnit>,
    /// Rows of the quarter.
    pub values: Vec<DataValue>,
    /// What could not be read.
    pub unread: Unread,
    /// Names of category and attribute option combos.
    pub options: Vec<Named>,
}

/// The plan, and the rows behind its cells. Facilities stand by name, so that the order does not depend on the server.
pub fn assemble(answers: Answers) -> (Plan, Vec<FacilityParts>) {
    let Answers { head, mut cases, shared, columns, sets, units, values, unread, options } = answers;
    cases.sort_by_cached_key(|case| (case.name.to_lowercase(), case.case_id.clone()));
    let unit_names: HashMap<&str, &str> = units.iter().map(|unit| (unit.id.as_str(), unit.name.as_str())).collect();
    let known = |unit: &str| unit_names.contains_key(unit);
    let mut skipped = Vec::new();
    cases.retain(|case| match unfit(case).or_else(|| unmatched(case, known)) {
        Some(reason) => {
            let (case_id, case_name) = (case.case_id.clone(), case.name.clone());
            skipped.push(Skipped { case_id, case_name, reason });
            false
        }
        None => true,
    });
    let facilities: Vec<Facility> = cases.iter().map(|case| facility(case, &unit_names)).collect();
    let properties = columns.iter().map(|column| column.property.clone()).collect();
    let mut draft = Plan::draft(head, facilities.clone(), properties);
    for one in skipped {
        draft.skip(one);
    }
    let names: HashMap<&str, &str> = options.iter().map(|option| (option.id.as_str(), option.name.as_str())).collect();
    let members = members(&sets, &columns);
    let mapped = mapped(&columns);
    let rows = by_unit(values);
    let mut all_parts = Vec::new();
    for (at, (case, facility)) in cases.iter().zip(&facilities).enumerate() {
        let sheet = Sheet {
            at: ordinal(at),
            case,
            facility,
            twins: twins(&shared, facility),
            rows: rows.get(&facility.external_id).map_or(&[], Vec::as_slice),
            unread: &unread,
        };
        fill(&mut draft, &sheet, &columns, &members, &names);
        all_parts.extend(kept(&sheet, &mapped));
    }
    for option in options {
        draft.name(option.id, option.name);
    }
    (draft.finish(), all_parts)
}

/// Why a case cannot take part, if so. An id of another form would fail a whole batch on newer DHIS2 (dhis2.md section 1.3).
pub(super) fn unfit(case: &CaseRecord) -> Option<String> {
    match case.external_id.as_deref() {
        None => Some("no external id".to_owned()),
        Some(id) if !is_uid(id) => Some(format!("external id \"{id}\" is not an organisation unit id")),
        Some(_) => None,
    }
}

/// Why a case cannot take part whose organisation unit DHIS2 passed over without a word: it is not "no data" (fault matrix row
/// D05).
fn unmatched(case: &CaseRecord, known: impl Fn(&str) -> bool) -> Option<String> {
    let unit = case.external_id.as_deref().filter(|unit| !known(unit))?;
    Some(format!("organisation unit {unit} is not known to DHIS2, or not shown to this account"))
}

/// One facility with what was read of it.
struct Sheet<'a> {
    at: u32,
    case: &'a CaseRecord,
    facility: &'a Facility,
    twins: Vec<&'a str>,
    rows: &'a [Part],
    unread: &'a Unread,
}

impl Sheet<'_> {
    /// The state of a column's cell whose rows were not to be had.
    fn blocked(&self, column: &Column) -> Option<State> {
        let denied = self.unread.sets.contains(&column.property.data_set).then_some(State::NoAccess);
        let unit = self.unread.units.get(&self.facility.external_id).copied();
        unit.or(denied).or((!column.quarterly()).then_some(State::WrongPeriodType))
    }
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

/// Organisation units of several open cases, with case id and name of each.
pub type Shared = BTreeMap<String, Vec<(String, String)>>;

/// Finds them. Cases are in the order of their names, which does not depend on the server.
pub fn shared(cases: &[CaseRecord]) -> Shared {
    let mut open = Shared::new();
    for case in cases.iter().filter(|case| !case.closed) {
        if let Some(unit) = &case.external_id {
            open.entry(unit.clone()).or_default().push((case.case_id.clone(), case.name.clone()));
        }
    }
    open.retain(|_, cases| cases.len() > 1);
    for cases in open.values_mut() {
        cases.sort_by(|(a, a_name), (b, b_name)| (a_name, a).cmp(&(b_name, b)));
    }
    open
}

/// Names of the other open cases of an open facility's organisation unit.
fn twins<'a>(shared: &'a Shared, facility: &Facility) -> Vec<&'a str> {
    let same = shared.get(&facility.external_id).filter(|_| !facility.closed);
    let others = same.into_iter().flatten().filter(|(case_id, _)| *case_id != facility.case_id);
    others.map(|(_, name)| name.as_str()).collect()
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
        parts.sort_by(|a, b| key(a).cmp(&key(b)));
    }
    rows
}

/// The order of parts: by data element first, so that those of one stand together.
fn key(part: &Part) -> [&str; 3] {
    [&part.data_element, &part.category_option_combo, &part.attribute_option_combo]
}

/// The rows of one data element, of rows in the order of [`key`].
fn of_element<'a>(rows: &'a [Part], element: &str) -> &'a [Part] {
    let from = rows.partition_point(|part| part.data_element.as_str() < element);
    let to = rows.partition_point(|part| part.data_element.as_str() <= element);
    &rows[from..to]
}

fn fill(
    draft: &mut Draft,
    sheet: &Sheet<'_>,
    columns: &[Column],
    members: &HashMap<&str, BTreeSet<&str>>,
    names: &HashMap<&str, &str>,
) {
    let option_name = |id: &str| names.get(id).copied().filter(|name| !name.is_empty()).unwrap_or(id).to_owned();
    let present: BTreeSet<&str> =
        sheet.rows.iter().filter(|part| part.value.is_some()).map(|part| part.data_element.as_str()).collect();
    let reported: BTreeSet<&str> = members
        .iter()
        .filter(|(_, set)| set.iter().any(|element| present.contains(element)))
        .map(|(id, _)| *id)
        .collect();
    for (property, facts) in (0_u16..).zip(columns) {
        let (cell, column) = (Cell { facility: sheet.at, property }, &facts.property);
        let old = sheet.case.properties.get(&column.name).map(String::as_str);
        if let Some(state) = sheet.blocked(facts) {
            draft.set(cell, old, None, state);
            continue;
        }
        let parts = of_element(sheet.rows, &column.data_element);
        let (state, held) = Total::of(&column.value_type, parts).state(reported.contains(column.data_set.as_str()));
        draft.set(cell, old, held.as_deref(), state);
        if draft.plan().kind(cell) == Kind::Change {
            let facts = Facts {
                facility: sheet.facility,
                twins: &sheet.twins,
                parts,
                value_type: &column.value_type,
                aggregation_type: &facts.aggregation_type,
                skip_total: facts.skip_total,
                option_name: &option_name,
            };
            let flags: Vec<_> = structural(&facts).collect();
            for flag in flags {
                draft.flag(cell, flag);
            }
        }
    }
}

/// The mapped data elements of each data set.
fn mapped(columns: &[Column]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut sets: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for Column { property, .. } in columns {
        sets.entry(&property.data_set).or_default().insert(&property.data_element);
    }
    sets
}

/// The rows of mapped data elements, by data set.
fn kept(sheet: &Sheet<'_>, mapped: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<FacilityParts> {
    let rows = |elements: &BTreeSet<&str>| -> Vec<Part> {
        elements.iter().flat_map(|element| of_element(sheet.rows, element)).cloned().collect()
    };
    mapped
        .iter()
        .map(|(data_set, elements)| (data_set, rows(elements)))
        .filter(|(_, parts)| !parts.is_empty())
        .map(|(data_set, parts)| FacilityParts { facility: sheet.at, data_set: (*data_set).to_owned(), parts })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::quarter::Quarter, io::dhis2::DataSetRef};

    fn row(property: &str, data_element: &str, data_set: &str) -> Row {
        Row {
            line: 2,
            property: property.to_owned(),
            data_element: data_element.to_owned(),
            data_set: data_set.to_owned(),
            name: String::new(),
        }
    }

    fn set(id: &str, elements: &[&str], period_type: &str) -> DataSet {
        DataSet {
            id: id.to_owned(),
            name: format!("Set {id}"),
            period_type: Some(period_type.to_owned()),
            elements: elements.iter().map(|id| (*id).to_owned()).collect(),
            timely_days: None,
            expiry_days: None,
        }
    }

    fn element(id: &str, sets: &[&str]) -> DataElement {
        DataElement {
            id: id.to_owned(),
            name: format!("Element {id}"),
            value_type: Some("INTEGER".to_owned()),
            aggregation_type: None,
            domain_type: None,
            zero_is_significant: false,
            category_combo: None,
            data_sets: sets
                .iter()
                .map(|id| DataSetRef { id: (*id).to_owned(), name: format!("Set {id}"), period_type: None })
                .collect(),
        }
    }

    fn value(unit: &str, element: &str, value: Option<&str>) -> DataValue {
        DataValue {
            data_element: element.to_owned(),
            period: "2026Q2".to_owned(),
            org_unit: unit.to_owned(),
            category_option_combo: "c".to_owned(),
            value: value.map(str::to_owned),
            ..DataValue::default()
        }
    }

    fn case(case_id: &str, external_id: Option<&str>, beds: &str) -> CaseRecord {
        CaseRecord {
            case_id: case_id.to_owned(),
            name: format!("Case {case_id}"),
            external_id: external_id.map(str::to_owned),
            properties: [("beds".to_owned(), beds.to_owned())].into(),
            ..CaseRecord::default()
        }
    }

    fn head() -> Head {
        Head {
            quarter: Quarter::parse("2026Q2").unwrap(),
            project: String::new(),
            label: String::new(),
            dhis2: String::new(),
            commcare: String::new(),
            mapping: String::new(),
            mapping_rows: 3,
            case_type: String::new(),
            read_at: String::new(),
            generation: 1,
            scope: String::new(),
            mapping_problems: Vec::new(),
            notes: Vec::new(),
            incomplete: None,
            choices: BTreeMap::new(),
        }
    }

    #[test]
    fn a_row_the_server_does_not_bear_out_is_left_out_with_its_line() {
        let rows = [row("a", "e1", "s1"), row("b", "e9", "s1"), row("c", "e1", "s9"), row("d", "e2", "s1")];
        let elements = [element("e1", &["s1"]), element("e2", &["s2"])];
        let sets = [set("s1", &[], "Quarterly"), set("s2", &["e2"], "Quarterly")];
        let (columns, problems) = columns(&rows, &elements, &sets);
        assert_eq!(columns.iter().map(|c| c.property.name.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(problems.len(), 3);
        assert!(problems[0].contains("line 2, b") && problems[0].contains("data element e9"), "{}", problems[0]);
        assert!(problems[1].contains("data set s9"), "{}", problems[1]);
        assert!(problems[2].contains("not in data set s1; it is in s2 Set s2"), "{}", problems[2]);
    }

    #[test]
    fn an_unknown_period_type_is_left_to_the_rows() {
        let rows = [row("beds", "e1", "s1")];
        let mut set = set("s1", &["e1"], "Quarterly");
        set.period_type = None;
        let mut element = element("e1", &["s1"]);
        let (joined, _) = columns(&rows, &[element.clone()], &[set.clone()]);
        assert!(joined[0].quarterly() && joined[0].period_type.is_none());
        element.data_sets[0].period_type = Some("Monthly".to_owned());
        let (joined, _) = columns(&rows, &[element], &[set]);
        assert!(!joined[0].quarterly(), "the data element knows the period type of its data set");
    }

    #[test]
    fn absences_have_their_own_names() {
        let names = [("beds", "e1", "s1"), ("visits", "e2", "s1"), ("monthly", "e3", "s3"), ("secret", "e4", "s4")];
        let rows = names.map(|(property, element, set)| row(property, element, set));
        let elements = names.map(|(_, id, set)| element(id, &[set]));
        let quarterly = |id, elements| set(id, elements, "Quarterly");
        let sets = [quarterly("s1", &["e1", "e2"]), set("s3", &["e3"], "Monthly"), quarterly("s4", &["e4"])];
        let (columns, _) = columns(&rows, &elements, &sets);
        let units = ["Uaaaaaaaaa1", "Uaaaaaaaaa2", "Uaaaaaaaaa3", "Uaaaaaaaaa4"];
        let mut deleted = value(units[0], "e1", Some("900"));
        deleted.deleted = true;
        let values = vec![
            value(units[0], "e1", Some("3")),
            deleted,
            value(units[1], "e2", None),
            value(units[0], "e3", Some("7")),
        ];
        let cases = vec![
            case("k4", Some(units[3]), "1"),
            case("k1", Some(units[0]), "28"),
            case("k2", Some(units[1]), "5"),
            case("k3", Some(units[2]), "6"),
            case("k5", None, "1"),
            case("k7", Some("Uaaaaaaaaa7"), "1"),
            case("k6", Some("not an id"), "1"),
        ];
        let unread = Unread { units: [(units[2].to_owned(), State::NoAccess)].into(), sets: ["s4".to_owned()].into() };
        let answers = Answers {
            head: head(),
            shared: shared(&cases),
            cases,
            columns,
            sets: sets.to_vec(),
            units: units.map(|id| OrgUnit { id: id.to_owned(), ..OrgUnit::default() }).into(),
            values,
            unread,
            options: Vec::new(),
        };
        let (plan, parts) = assemble(answers);
        let state = |facility, property| plan.state(Cell { facility, property });
        assert_eq!(plan.facilities().iter().map(|f| f.case_id.as_str()).collect::<Vec<_>>(), ["k1", "k2", "k3", "k4"]);
        assert_eq!(plan.new_value(Cell { facility: 0, property: 0 }), Some("3"));
        assert_eq!((state(0, 1), state(0, 2)), (State::BlankInReport, State::WrongPeriodType));
        assert_eq!((state(1, 0), state(1, 1)), (State::NotReported, State::NotReported), "a comment alone is no row");
        assert_eq!((state(2, 0), state(3, 0)), (State::NoAccess, State::NotReported));
        assert_eq!((state(0, 3), state(3, 3)), (State::NoAccess, State::NoAccess), "a column the account may not read");
        let reasons: Vec<&str> = plan.skipped().iter().map(|s| s.reason.as_str()).collect();
        let unknown = "organisation unit Uaaaaaaaaa7 is not known to DHIS2, or not shown to this account";
        assert_eq!(reasons, ["no external id", "external id \"not an id\" is not an organisation unit id", unknown]);
        assert_eq!(
            parts.iter().map(|p| (p.facility, p.data_set.as_str())).collect::<Vec<_>>(),
            [(0, "s1"), (0, "s3"), (1, "s1")]
        );
    }
}
