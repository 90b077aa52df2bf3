//! Rows of the mapping joined with what DHIS2 says of their data elements and data sets. Facts that a server keeps to itself stay
//! unknown; nothing is guessed.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use super::lint::{Facts, Index, unborne};
use crate::{
    domain::{
        flags::Kind,
        mapping::{Problem, Row},
        plan::Property,
    },
    io::dhis2::{DataElement, DataSet, DataSetRef, Elements},
};

/// The period type a mapped data set must have.
const QUARTERLY: &str = "Quarterly";

/// A mapping row joined with what DHIS2 says of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Column {
    /// The property as it stands in the plan.
    pub property: Property,
    /// Period type of the data set; `None` where the server does not say.
    pub period_type: Option<String>,
    /// Aggregation type of the data element; empty where it is not known.
    pub aggregation_type: String,
    /// Whether its category options are not meant to be added up.
    pub skip_total: bool,
    /// Whether DHIS2 keeps a 0 of it; `None` where the server does not say.
    pub zero_is_significant: Option<bool>,
    /// What kind of number it is: as the mapping says, else by the aggregation type.
    pub kind: Kind,
    /// The category option combos its rows can have: those of the data element, and of its data set where that has others;
    /// `None` where the server does not say all of them.
    pub options: Option<BTreeSet<String>>,
    /// Days after the end of a period by which a report on the data set is in time; `None` where the server does not say.
    pub timely_days: Option<f64>,
}

impl Column {
    /// Whether a quarter can hold rows of the data set. An unknown period type is left to the rows to decide.
    pub fn quarterly(&self) -> bool {
        self.period_type.as_deref().is_none_or(|period_type| period_type == QUARTERLY)
    }

    /// Whether the data set is filled in month by month.
    pub fn monthly(&self) -> bool {
        self.period_type.as_deref() == Some("Monthly")
    }
}

/// What DHIS2 says of the mapping; `None` where it has no such list, as behind a gateway.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The mapped data elements it shows to this account.
    pub elements: Option<&'a [DataElement]>,
    /// The mapped data sets it shows to this account.
    pub sets: Option<&'a [DataSet]>,
}

impl Known<'_> {
    /// Whether rows can be told apart by the data sets their data elements stand on. Otherwise each data set is asked for by itself.
    pub fn membership(&self) -> bool {
        self.elements.is_some() || self.sets.is_some()
    }
}

/// Joins usable mapping rows with the server's names. A row whose data element or data set the server does not know, or whose
/// data element is not in its data set, is left out with the sentence [`lint`](super::lint::lint) has for it: its numbers would be
/// another form's, or none.
pub fn columns<'a>(rows: impl IntoIterator<Item = &'a Row>, known: Known<'_>) -> (Vec<Column>, Vec<Problem>) {
    let index = Index::of(known);
    let (mut columns, mut problems) = (Vec::new(), Vec::new());
    for row in rows {
        let facts = index.facts(row);
        match unborne(row, &facts) {
            None => columns.push(joined(row, &facts)),
            Some(problem) => problems.push(problem),
        }
    }
    (columns, problems)
}

/// The columns of usable rows. Fails where the server bears none of them out.
pub(super) fn fitting<'a>(rows: impl IntoIterator<Item = &'a Row>, known: Known<'_>) -> Result<Vec<Column>> {
    let (columns, unusable) = columns(rows, known);
    if columns.is_empty() {
        let why = unusable.first().map(ToString::to_string).unwrap_or_default();
        bail!("no row of the mapping fits this DHIS2 server: {why}");
    }
    Ok(columns)
}

/// One row with what is known of it.
fn joined(row: &Row, &Facts { element, set, place, .. }: &Facts<'_>) -> Column {
    let property = Property {
        name: row.property.clone(),
        data_element: row.data_element.clone(),
        data_set: row.data_set.clone(),
        title: row.name.clone(),
        line: row.line,
        element_name: element.map(|element| element.name.clone()).unwrap_or_default(),
        value_type: element.and_then(|element| element.value_type.clone()).unwrap_or_default(),
        data_set_name: set.map(|set| &set.name).or(place.map(|place| &place.name)).cloned().unwrap_or_default(),
    };
    let period_type = set.and_then(|set| set.period_type.clone()).or_else(|| place?.period_type.clone());
    let aggregation_type = element.and_then(|element| element.aggregation_type.clone()).unwrap_or_default();
    Column {
        property,
        period_type,
        kind: row.kind.unwrap_or_else(|| Kind::of_aggregation(&aggregation_type)),
        aggregation_type,
        skip_total: element.and_then(|element| element.category_combo.as_ref()).is_some_and(|combo| combo.skip_total),
        zero_is_significant: element.and_then(|element| element.zero_is_significant),
        options: options(element, place),
        timely_days: set.and_then(|set| set.timely_days),
    }
}

/// The category option combos of a data element on its data set. A data set may have others than the data element has by itself, and
/// rows of both are met: those of one alone would not be all.
pub(super) fn options(element: Option<&DataElement>, place: Option<&DataSetRef>) -> Option<BTreeSet<String>> {
    let own = element?.category_combo.as_ref();
    let others = place.and_then(|place| place.category_combo.as_ref());
    let mut options = BTreeSet::new();
    for combo in [own].into_iter().chain(others.map(Some)) {
        options.extend(combo?.options.clone().filter(|options| !options.is_empty())?);
    }
    Some(options)
}

/// The mapped data sets, each once, in a fixed order. Their places are the numbers in [`Elements`].
pub(super) fn data_sets(columns: &[Column]) -> Vec<String> {
    columns.iter().map(|column| column.property.data_set.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Which data elements matter: the rows of the mapped ones, and of the others on the same data sets that there are any.
pub(super) fn elements(columns: &[Column], sets: Option<&[DataSet]>) -> Elements {
    let ids = data_sets(columns);
    let place = |id: &str| ids.iter().position(|set| set == id).and_then(|at| u16::try_from(at).ok());
    let mut elements = Elements::default();
    for Column { property, .. } in columns {
        elements.want(&property.data_element);
        if let Some(set) = place(&property.data_set) {
            elements.stands_on(&property.data_element, set);
        }
    }
    for set in sets.into_iter().flatten() {
        if let Some(at) = place(&set.id) {
            set.elements.iter().for_each(|element| elements.stands_on(element, at));
        }
    }
    elements
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::io::dhis2::CategoryCombo;

    pub(crate) fn row(property: &str, data_element: &str, data_set: &str) -> Row {
        Row {
            line: 2,
            property: property.to_owned(),
            data_element: data_element.to_owned(),
            data_set: data_set.to_owned(),
            name: String::new(),
            kind: None,
            relation: None,
        }
    }

    pub(crate) fn set(id: &str, elements: &[&str], period_type: &str) -> DataSet {
        DataSet {
            id: id.to_owned(),
            name: format!("Set {id}"),
            period_type: Some(period_type.to_owned()),
            elements: elements.iter().map(|id| (*id).to_owned()).collect(),
            ..DataSet::default()
        }
    }

    pub(crate) fn element(id: &str, sets: &[&str]) -> DataElement {
        DataElement {
            id: id.to_owned(),
            name: format!("Element {id}"),
            value_type: Some("INTEGER".to_owned()),
            data_sets: sets
                .iter()
                .map(|id| DataSetRef { id: (*id).to_owned(), name: format!("Set {id}"), ..DataSetRef::default() })
                .collect(),
            ..DataElement::default()
        }
    }

    pub(crate) fn known<'a>(elements: &'a [DataElement], sets: &'a [DataSet]) -> Known<'a> {
        Known { elements: Some(elements), sets: Some(sets) }
    }

    #[test]
    fn a_row_the_server_does_not_bear_out_is_left_out_with_its_line() {
        let rows = [row("a", "e1", "s1"), row("b", "e9", "s1"), row("c", "e1", "s9"), row("d", "e2", "s1")];
        let elements = [element("e1", &["s1"]), element("e2", &["s2"])];
        let sets = [set("s1", &[], "Quarterly"), set("s2", &["e2"], "Quarterly")];
        let (columns, problems) = columns(&rows, known(&elements, &sets));
        assert_eq!(columns.iter().map(|c| c.property.name.as_str()).collect::<Vec<_>>(), ["a"]);
        assert_eq!(problems.len(), 3);
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(problems[0].starts_with("line 2, data_element_id \"e9\": ") && problems[0].contains("data element e9"));
        assert!(problems[1].contains("data set s9"), "{}", problems[1]);
        assert!(problems[2].contains("not in data set s1; it stands in s2 Set s2"), "{}", problems[2]);
    }

    #[test]
    fn an_unknown_period_type_is_left_to_the_rows() {
        let rows = [row("beds", "e1", "s1")];
        let mut set = set("s1", &["e1"], "Quarterly");
        set.period_type = None;
        let mut element = element("e1", &["s1"]);
        let (joined, _) = columns(&rows, known(&[element.clone()], &[set.clone()]));
        assert!(joined[0].quarterly() && joined[0].period_type.is_none());
        element.data_sets[0].period_type = Some("Monthly".to_owned());
        let (joined, _) = columns(&rows, known(&[element], &[set]));
        assert!(!joined[0].quarterly(), "the data element knows the period type of its data set");
    }

    #[test]
    fn what_a_gateway_keeps_to_itself_stays_unknown() {
        let rows = [row("beds", "e1", "s1"), row("visits", "e2", "s1")];
        let (joined, problems) = columns(&rows, Known::default());
        assert_eq!((joined.len(), problems.len()), (2, 0));
        assert!(
            joined[0].quarterly()
                && joined[0].zero_is_significant.is_none()
                && joined[0].property.value_type.is_empty()
        );
        let sets = [set("s1", &["e1"], "Quarterly")];
        let (joined, problems) = columns(&rows, Known { elements: None, sets: Some(&sets) });
        assert_eq!((joined.len(), problems.len()), (1, 1), "{problems:?}");
        let elements = [element("e1", &["s1"])];
        let (joined, problems) = columns(&rows, Known { elements: Some(&elements), sets: None });
        assert_eq!((joined[0].property.data_set_name.as_str(), problems.len()), ("Set s1", 1), "{problems:?}");
    }

    #[test]
    fn options_are_known_where_all_of_them_are() {
        let combo = |ids: &[&str]| {
            let options = ids.iter().map(|id| (*id).to_owned()).collect();
            Some(CategoryCombo { options: Some(options), ..CategoryCombo::default() })
        };
        let unsaid = Some(CategoryCombo::default());
        let all = |ids: &str| Some(ids.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>());
        for (own, on_set, expected) in [
            (combo(&["m", "f"]), None, all("f m")),
            (combo(&["m", "f"]), combo(&["f", "x"]), all("f m x")),
            (combo(&[]), None, None),
            (unsaid.clone(), None, None),
            (None, None, None),
            (None, combo(&["x"]), None),
            (unsaid.clone(), combo(&["x"]), None),
            (combo(&["m"]), unsaid, None),
            (combo(&["m"]), combo(&[]), None),
        ] {
            let mut element = element("e1", &["s1", "s2"]);
            element.category_combo = own;
            element.data_sets[0].category_combo = on_set;
            element.data_sets[1].category_combo = combo(&["other"]);
            let set = DataSet { timely_days: Some(30.5), ..set("s1", &["e1"], "Quarterly") };
            let (joined, _) = columns(&[row("beds", "e1", "s1")], known(&[element], &[set]));
            assert_eq!((&joined[0].options, joined[0].timely_days), (&expected, Some(30.5)));
        }
        let (joined, _) = columns(&[row("beds", "e1", "s1")], Known::default());
        assert_eq!((joined[0].options.clone(), joined[0].timely_days), (None, None));
    }
}
