//! `dataValueSets`: one request, its rows, whatever version wrote them (dhis2.md section 1).

use std::{collections::HashSet, sync::Arc};

use url::Url;

use super::{
    Dhis2, Failure, LINE,
    rows::{Elements, Values},
    stream::Decoder,
};

/// What is asked of every organisation unit.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Ids of data sets: they select their data elements, nothing else (dhis2.md section 0, fact 1).
    pub data_sets: Vec<String>,
    /// ISO periods; rows stored under exactly these are found.
    pub periods: Vec<String>,
    /// Only what changed at or after this time, as DHIS2 writes times.
    pub since: Option<String>,
    /// The data elements whose rows are kept.
    pub elements: Arc<Elements>,
}

impl Wanted {
    /// Every row of these data sets and periods.
    pub fn all(data_sets: &[String], periods: &[String]) -> Self {
        let (data_sets, periods) = (data_sets.to_vec(), periods.to_vec());
        Self { data_sets, periods, since: None, elements: Arc::new(Elements::every()) }
    }
}

impl Dhis2 {
    /// What is stored for these units, deleted rows included, in one request.
    ///
    /// The caller keeps the request line short with [`batches`](super::batches). Units that DHIS2 does not know are
    /// passed over by it without a word; one that the account may not see fails the whole request, see
    /// [`denied`](super::denied). Rows are not told apart by data set: that is a fact of the mapping and the elements.
    pub async fn data_values(&self, org_units: &[String], wanted: &Wanted) -> Result<Values, Failure> {
        let (first, more) = match wanted.periods.as_slice() {
            [] => ("", String::new()),
            [one] => (one.as_str(), String::new()),
            [one, rest @ ..] => (one.as_str(), format!(" and {} periods before", rest.len())),
        };
        let asked = format!(
            "the data values of {first}{more} for {} organisation units (data sets {})",
            org_units.len(),
            wanted.data_sets.join(", ")
        );
        let units: HashSet<&str> = org_units.iter().map(String::as_str).collect();
        let periods: HashSet<&str> = wanted.periods.iter().map(String::as_str).collect();
        let is_asked = |unit: &str, period: &str| units.contains(unit) && periods.contains(period);
        let url = self.values_url(org_units, wanted);
        self.client.get_streamed(&url, &asked, || Decoder::new(&wanted.elements, &is_asked)).await
    }

    /// Bytes of the request line of [`Dhis2::data_values`] before any organisation unit, for [`batches`](super::batches).
    pub fn fixed_len(&self, wanted: &Wanted) -> usize {
        self.values_url(&[], wanted).as_str().len() + LINE
    }

    fn values_url(&self, org_units: &[String], wanted: &Wanted) -> Url {
        let more = wanted.since.iter().map(|since| ("lastUpdated", since.as_str()));
        let more = std::iter::once(("includeDeleted", "true")).chain(more);
        self.selection("dataValueSets", &wanted.data_sets, &wanted.periods, more, org_units)
    }
}
