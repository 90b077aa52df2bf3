//! `completeDataSetRegistrations`: which forms were marked as complete, and when (dhis2.md section 3.3).

use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::{Dhis2, Failure, LINE};

/// One form of one facility.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Registration {
    /// ISO period.
    pub period: String,
    /// Id of the data set.
    pub data_set: String,
    /// Id of the organisation unit.
    #[serde(rename = "organisationUnit")]
    pub org_unit: String,
    /// Date of completion, as DHIS2 wrote it.
    pub date: Option<String>,
    /// Who completed it.
    pub stored_by: Option<String>,
    /// False where it was opened again; left out by old versions.
    pub completed: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Answer {
    complete_data_set_registrations: Option<Vec<Registration>>,
    // The members of an error, should a gateway send one with a successful status.
    message: Option<Value>,
    error: Option<Value>,
    error_code: Option<Value>,
    http_status: Option<Value>,
}

impl Dhis2 {
    /// The completed forms of these units, data sets and periods, in one request; forms that were opened again are left out.
    /// Refused units and data sets fail it whole, as with data values.
    pub async fn registrations(
        &self,
        org_units: &[String],
        data_sets: &[String],
        periods: &[String],
    ) -> Result<Vec<Registration>, Failure> {
        let asked = format!("the completed forms of {} organisation units", org_units.len());
        let url = self.registrations_url(org_units, data_sets, periods);
        let answer: Answer = self.client.get_json(&url, &asked).await?;
        let said = answer.message.or(answer.error).or(answer.error_code).or(answer.http_status);
        if let (None, Some(said)) = (&answer.complete_data_set_registrations, said) {
            return Err(self.client.odd(&asked, format!("it has no registrations but says: {said}")));
        }
        let mut all = answer.complete_data_set_registrations.unwrap_or_default();
        all.retain(|one| one.completed != Some(false));
        Ok(all)
    }

    /// Bytes of the request line of [`Dhis2::registrations`] before any organisation unit.
    pub fn registrations_len(&self, data_sets: &[String], periods: &[String]) -> usize {
        self.registrations_url(&[], data_sets, periods).as_str().len() + LINE
    }

    fn registrations_url(&self, org_units: &[String], data_sets: &[String], periods: &[String]) -> Url {
        self.selection("completeDataSetRegistrations", data_sets, periods, [], org_units)
    }
}
