//! Data elements and data sets by words of their names (dhis2.md section 2). Which of them is meant is not decided here.

use serde::Deserialize;
use serde_json::Value;

use super::{
    DataElement, Dhis2, Failure, Named,
    metadata::{SetElement, or_default, unpacked},
};

/// What must be in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Words<'a> {
    /// Each of these words begins a word of the name, the code or the id.
    Every(&'a [String]),
    /// At least one of these stands in the name.
    Any(&'a [String]),
}

/// The first of what was found, and how many there are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hits<T> {
    /// At most as many as were wanted.
    pub first: Vec<T>,
    /// How many the server found.
    pub total: usize,
    /// The page is full and the server does not say how many there are: perhaps there are more.
    pub open: bool,
}

/// A data set with its data elements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SetWithElements {
    /// Id.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Such as `Quarterly`.
    pub period_type: Option<String>,
    #[serde(rename = "dataSetElements", deserialize_with = "or_default")]
    members: Vec<SetElement>,
}

impl SetWithElements {
    /// Its data elements, by id and name.
    pub fn elements(&self) -> impl Iterator<Item = &Named> {
        self.members.iter().filter_map(SetElement::element)
    }
}

impl Words<'_> {
    /// As conditions, and how they are joined. Words are letters and digits alone, so none can end a condition; a sign between them
    /// parts two words.
    fn conditions(self) -> (Vec<String>, bool) {
        match self {
            Self::Every(words) => (words.iter().map(|word| format!("identifiable:token:{word}")).collect(), false),
            Self::Any(words) => (words.iter().map(|word| format!("name:ilike:{word}")).collect(), true),
        }
    }
}

impl Dhis2 {
    /// Aggregate data elements whose names hold these words, at most `most`; nothing is asked for without a word. Of what splits
    /// their values nothing is told.
    ///
    /// Where any word will do the server cannot be asked for aggregates alone (`rootJunction=OR` joins all conditions), so what is
    /// collected otherwise is counted in the total and left out of the list.
    pub async fn elements_called(&self, words: Words<'_>, most: usize) -> Result<Hits<DataElement>, Failure> {
        let fields = "id,name,valueType,domainType,dataSetElements[dataSet[id,name,periodType]]";
        let aggregate = matches!(words, Words::Every(_)).then_some("domainType:eq:AGGREGATE");
        let asked = "data elements by words of their names";
        let mut hits: Hits<DataElement> =
            self.called(("dataElements", asked), fields, words, aggregate.into_iter(), most).await?;
        hits.first.retain(|element| element.domain_type.as_deref().is_none_or(|domain| domain == "AGGREGATE"));
        Ok(hits)
    }

    /// Data sets whose names hold these words, at most `most`, with the names of their data elements.
    pub async fn sets_called(&self, words: Words<'_>, most: usize) -> Result<Hits<SetWithElements>, Failure> {
        let fields = "id,name,periodType,dataSetElements[dataElement[id,name]]";
        let asked = "data sets by words of their names";
        self.called(("dataSets", asked), fields, words, std::iter::empty(), most).await
    }

    async fn called<'a, T: serde::de::DeserializeOwned>(
        &self,
        (resource, asked): (&str, &str),
        fields: &str,
        words: Words<'_>,
        more: impl Iterator<Item = &'a str>,
        most: usize,
    ) -> Result<Hits<T>, Failure> {
        let (conditions, any) = words.conditions();
        if conditions.is_empty() || most == 0 {
            return Ok(Hits { first: Vec::new(), total: 0, open: false });
        }
        let mut url = self.client.url(&[resource]);
        {
            let mut query = url.query_pairs_mut();
            // By name, so that the same question has the same first page.
            query.append_pair("fields", fields).append_pair("order", "name:asc");
            query.append_pair("page", "1").append_pair("pageSize", &most.to_string());
            query.extend_pairs(more.map(|condition| ("filter", condition)));
            query.extend_pairs(conditions.iter().map(|condition| ("filter", condition)));
            if any {
                query.append_pair("rootJunction", "OR");
            }
        }
        let answer: std::collections::BTreeMap<String, Value> = self.client.get_json(&url, asked).await?;
        let (mut first, pager) = unpacked::<T>(answer, resource).map_err(|why| self.client.odd(asked, why))?;
        // A server that pages otherwise is not let to fill the memory.
        let total = pager.total.max(first.len());
        let open = pager.total == 0 && first.len() >= most;
        first.truncate(most);
        Ok(Hits { first, total, open })
    }
}
