//! What the ids mean: data elements, data sets, category option combos, organisation units, the server, the account
//! (dhis2.md sections 2 and 3). What the server leaves out is empty here, not an error.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use super::{Dhis2, Failure, LINE, Why, split};

/// An id with its name. The name may be empty (dhis2.md section 3.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Named {
    /// Id.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
}

/// A category combination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct CategoryCombo {
    /// Id.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its options are not meant to be added up.
    #[serde(deserialize_with = "or_default")]
    pub skip_total: bool,
    /// Ids of its category option combos; `None` where the server does not say.
    #[serde(rename = "categoryOptionCombos", deserialize_with = "ids")]
    pub options: Option<Vec<String>>,
}

/// A data set in which a data element stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DataSetRef {
    /// Id.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Such as `Quarterly`.
    pub period_type: Option<String>,
    /// How values of the data element are split on this data set, where not as by itself (dhis2.md section 2).
    #[serde(skip)]
    pub category_combo: Option<CategoryCombo>,
}

/// A data element.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DataElement {
    /// Id.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Such as `INTEGER` (dhis2.md section 5).
    pub value_type: Option<String>,
    /// Such as `SUM`.
    pub aggregation_type: Option<String>,
    /// `AGGREGATE` or `TRACKER`.
    pub domain_type: Option<String>,
    /// Whether a stored 0 is kept. If not, a missing value may mean 0. `None` where the server does not say.
    pub zero_is_significant: Option<bool>,
    /// How its values are split.
    pub category_combo: Option<CategoryCombo>,
    /// The data sets it stands in, in the server's order, which means nothing.
    #[serde(rename = "dataSetElements", deserialize_with = "sets")]
    pub data_sets: Vec<DataSetRef>,
}

/// A data set.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DataSet {
    /// Id.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Such as `Quarterly`.
    pub period_type: Option<String>,
    /// Ids of its data elements.
    #[serde(rename = "dataSetElements", deserialize_with = "elements")]
    pub elements: Vec<String>,
    /// Days after the period's end by which a form is in time.
    pub timely_days: Option<f64>,
    /// Days after the period's end at which it closes; 0 is never.
    pub expiry_days: Option<f64>,
    /// Ids of the organisation units that are to report on it; `None` where the server does not say.
    #[serde(rename = "organisationUnits", deserialize_with = "ids")]
    pub assigned: Option<Vec<String>>,
    /// How its forms are split, such as by funding stream; mostly not at all.
    #[serde(rename = "categoryCombo")]
    pub attributes: Option<Attributes>,
}

/// The category combination of a data set, with what the account may read of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Attributes {
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Its attribute option combos.
    #[serde(rename = "categoryOptionCombos", deserialize_with = "or_default")]
    pub combos: Vec<AttributeCombo>,
}

impl Attributes {
    /// Names of the attribute option combos of which DHIS2 says that the account may not read their data. It leaves their rows out
    /// without a word (dhis2.md section 1.3).
    pub fn hidden(&self) -> impl Iterator<Item = &str> {
        let hidden =
            |combo: &&AttributeCombo| combo.options.iter().any(|option| option.access.data.read == Some(false));
        self.combos.iter().filter(hidden).map(|combo| combo.name.as_str())
    }
}

/// One of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AttributeCombo {
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(rename = "categoryOptions", deserialize_with = "or_default")]
    options: Vec<AttributeOption>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct AttributeOption {
    #[serde(deserialize_with = "or_default")]
    access: Access,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Access {
    #[serde(deserialize_with = "or_default")]
    data: DataAccess,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct DataAccess {
    read: Option<bool>,
}

/// An organisation unit: a facility, or what stands above it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OrgUnit {
    /// Id.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// Name.
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    /// Ids from the top down to itself: `/ROOT/…/SELF`.
    #[serde(deserialize_with = "or_default")]
    pub path: String,
    /// Local date and time, as DHIS2 wrote it.
    pub opening_date: Option<String>,
    /// Local date and time; `None` while it is open.
    pub closed_date: Option<String>,
}

/// About the server. Everything may be missing behind a gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SystemInfo {
    /// Such as `2.40.2.2` or `2.43-SNAPSHOT`.
    pub version: Option<String>,
    /// `iso8601` or another calendar, in which period ids then are (fault matrix row Q05).
    pub calendar: Option<String>,
    /// The server's local time, as DHIS2 wrote it.
    pub server_date: Option<String>,
    /// Name of the zone that time is in, such as `Africa/Blantyre`.
    pub server_time_zone_id: Option<String>,
    /// Name of the installation.
    pub system_name: Option<String>,
    /// Address the server has for itself.
    pub context_path: Option<String>,
}

impl SystemInfo {
    /// The release line: 42 of `2.42.1`.
    pub fn release(&self) -> Option<u32> {
        let (_, rest) = self.version.as_deref()?.split_once('.')?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| rest.get(..end).unwrap_or_default());
        digits.parse().ok()
    }
}

/// An organisation unit by id and path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct UnitRef {
    /// Id.
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// `/ROOT/…/SELF`; empty when the server left it out.
    #[serde(deserialize_with = "or_default")]
    pub path: String,
}

/// The account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Me {
    /// User name; empty when the server left it out.
    pub username: String,
    /// What it may do; `ALL` is a superuser.
    pub authorities: Vec<String>,
    /// Where it may enter data.
    pub organisation_units: Vec<UnitRef>,
    /// Whether the server left out where it may enter data.
    pub hides_units: bool,
    /// Where it may see data; empty means the same as `organisation_units` (dhis2.md section 3.2).
    pub data_view_organisation_units: Vec<UnitRef>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawMe {
    username: Option<String>,
    #[serde(deserialize_with = "or_default")]
    authorities: Vec<String>,
    organisation_units: Option<Vec<UnitRef>>,
    #[serde(deserialize_with = "or_default")]
    data_view_organisation_units: Vec<UnitRef>,
    /// Where the user name stood up to about 2.37.
    user_credentials: Option<Credentials>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Credentials {
    username: Option<String>,
}

/// The membership of a data element in a data set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SetElement {
    data_set: Option<DataSetRef>,
    data_element: Option<Named>,
    category_combo: Option<CategoryCombo>,
}

impl SetElement {
    /// The data element.
    pub(super) fn element(&self) -> Option<&Named> {
        self.data_element.as_ref()
    }
}

/// Null counts as left out.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

fn sets<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<DataSetRef>, D::Error> {
    let all: Vec<SetElement> = or_default(from)?;
    let set = |e: SetElement| Some(DataSetRef { category_combo: e.category_combo, ..e.data_set? });
    Ok(all.into_iter().filter_map(set).collect())
}

fn elements<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    let all: Vec<SetElement> = or_default(from)?;
    Ok(all.into_iter().filter_map(|e| e.data_element).map(|element| element.id).collect())
}

fn ids<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    let all: Option<Vec<Named>> = Option::deserialize(from)?;
    Ok(all.map(|all| all.into_iter().map(|one| one.id).collect()))
}

/// What a list answer has beside the list.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Pager {
    #[serde(deserialize_with = "or_default")]
    page_count: u64,
    /// How many there are on all pages.
    #[serde(deserialize_with = "or_default")]
    pub(super) total: usize,
}

trait Id {
    fn id(&self) -> &str;
}

macro_rules! has_id {
    ($($kind:ty),+) => { $(impl Id for $kind { fn id(&self) -> &str { &self.id } })+ };
}
has_id!(Named, DataElement, DataSet, OrgUnit);

impl Dhis2 {
    /// These data elements, in the order asked; those the server does not show are left out.
    pub async fn data_elements(&self, ids: &[String]) -> Result<Vec<DataElement>, Failure> {
        // Of option combos the ids alone: an element of a hundred of them takes two kilobytes.
        let fields = concat!(
            "id,name,valueType,aggregationType,domainType,zeroIsSignificant,",
            "categoryCombo[id,name,skipTotal,categoryOptionCombos[id]],",
            "dataSetElements[dataSet[id,name,periodType],categoryCombo[id,categoryOptionCombos[id]]]"
        );
        self.listed("dataElements", "data elements", fields, ids).await
    }

    /// These data sets, in the order asked; those the server does not show are left out.
    pub async fn data_sets(&self, ids: &[String]) -> Result<Vec<DataSet>, Failure> {
        let fields = concat!(
            "id,name,periodType,timelyDays,expiryDays,dataSetElements[dataElement[id]],organisationUnits[id],",
            "categoryCombo[name,categoryOptionCombos[name,categoryOptions[access[data[read]]]]]"
        );
        self.listed("dataSets", "data sets", fields, ids).await
    }

    /// Names of these category option combos, in the order asked; those the server does not show are left out.
    pub async fn category_option_combos(&self, ids: &[String]) -> Result<Vec<Named>, Failure> {
        self.listed("categoryOptionCombos", "category option combos", "id,name", ids).await
    }

    /// These organisation units, in the order asked; those the server does not show are left out.
    pub async fn org_units(&self, ids: &[String]) -> Result<Vec<OrgUnit>, Failure> {
        let fields = "id,name,path,openingDate,closedDate";
        self.listed("organisationUnits", "organisation units", fields, ids).await
    }

    /// Version and calendar of the server.
    pub async fn system_info(&self) -> Result<SystemInfo, Failure> {
        self.client.get_json(&self.client.url(&["system", "info"]), "the system information").await
    }

    /// The account that is signed in.
    pub async fn me(&self) -> Result<Me, Failure> {
        let mut url = self.client.url(&["me"]);
        let fields = "id,username,authorities,organisationUnits[id,path],dataViewOrganisationUnits[id,path],userCredentials[username]";
        url.query_pairs_mut().append_pair("fields", fields);
        let raw: RawMe = self.client.get_json(&url, "the account").await?;
        let older = raw.user_credentials.and_then(|credentials| credentials.username);
        Ok(Me {
            username: raw.username.or(older).unwrap_or_default(),
            authorities: raw.authorities,
            hides_units: raw.organisation_units.is_none(),
            organisation_units: raw.organisation_units.unwrap_or_default(),
            data_view_organisation_units: raw.data_view_organisation_units,
        })
    }

    /// Objects of one kind by id, in as many requests as the address line asks for.
    async fn listed<T: DeserializeOwned + Id>(
        &self,
        resource: &str,
        words: &str,
        fields: &str,
        ids: &[String],
    ) -> Result<Vec<T>, Failure> {
        let asked = format!("{} {words}", ids.len());
        let mut base = self.client.url(&[resource]);
        base.query_pairs_mut().append_pair("paging", "false").append_pair("fields", fields);
        let fixed = base.as_str().len() + LINE + "&filter=id%3Ain%3A%5B%5D".len();
        // Anything else cannot be an id, and could end the list inside the filter.
        let is_id = |id: &&String| !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric());
        let mut seen = HashSet::new();
        let wanted: Vec<String> = ids.iter().filter(is_id).filter(|id| seen.insert(id.as_str())).cloned().collect();
        let mut found: HashMap<String, T> = HashMap::new();
        let mut rest = wanted.as_slice();
        while !rest.is_empty() {
            let part = split(rest, fixed, self.limit(), "%2C".len()).first().copied().unwrap_or(rest);
            let mut url = base.clone();
            url.query_pairs_mut().append_pair("filter", &format!("id:in:[{}]", part.join(",")));
            let answer: BTreeMap<String, Value> = match self.client.get_json(&url, &asked).await {
                Err(failure)
                    if matches!(*failure.why, Why::TooLong { .. }) && self.shorten(url.as_str().len() + LINE) =>
                {
                    continue;
                }
                other => other?,
            };
            let (list, Pager { page_count: pages, .. }) =
                unpacked::<T>(answer, resource).map_err(|why| self.client.odd(&asked, why))?;
            found.extend(list.into_iter().map(|item| (item.id().to_owned(), item)));
            if pages > 1 && part.iter().any(|id| !found.contains_key(id)) {
                let why = format!("it holds page 1 of {pages}, though all was asked for with paging=false");
                return Err(self.client.odd(&asked, why));
            }
            rest = rest.get(part.len()..).unwrap_or_default();
        }
        Ok(wanted.iter().filter_map(|id| found.remove(id)).collect())
    }
}

/// The list of an answer, and what it says of its pages.
pub(super) fn unpacked<T: DeserializeOwned>(
    mut answer: BTreeMap<String, Value>,
    resource: &str,
) -> Result<(Vec<T>, Pager), String> {
    let pager: Pager = answer.remove("pager").and_then(|pager| serde_json::from_value(pager).ok()).unwrap_or_default();
    let list = answer.remove(resource).ok_or_else(|| format!("it has no member {resource}"))?;
    let list = serde_json::from_value(list).map_err(|error| format!("{resource}: {error}"))?;
    Ok((list, pager))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_the_second_number() {
        for (version, release) in [
            ("2.40.2.2", Some(40)),
            ("2.43-SNAPSHOT", Some(43)),
            ("2.27", Some(27)),
            ("42.0", Some(0)),
            ("2", None),
            ("2.x", None),
            ("", None),
        ] {
            let info = SystemInfo { version: Some(version.into()), ..SystemInfo::default() };
            assert_eq!(info.release(), release, "{version}");
        }
        assert_eq!(SystemInfo::default().release(), None);
    }

    #[test]
    fn a_list_that_is_not_there_is_an_error() {
        let answer = |json: &str| unpacked::<Named>(serde_json::from_str(json).unwrap(), "dataSets");
        assert_eq!(answer(r#"{"dataSets":[]}"#), Ok((Vec::new(), Pager::default())));
        for json in ["{}", r#"{"dataSets":null}"#, r#"{"dataSets":{}}"#, r#"{"message":"x"}"#] {
            answer(json).unwrap_err();
        }
    }
}
