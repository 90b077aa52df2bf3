//! Cases through the older API, for a server or gateway without Case API v2 (commcare.md section 9).
//!
//! It reads the same search index, but knows no bulk fetch and no database route: cases by id are looked up in the list of
//! their type, and asked for one by one only where they are not in it.

use std::collections::HashMap;

use serde::Deserialize;
use url::Url;

use super::{
    super::http::Failure, Api, CaseRecord, CommCare, Found, Listing, PAGE, Page, Walk, not_there, record::OlderCase,
};

/// What is said of a listing read this way.
const NOTE: &str =
    "this CommCare HQ has no Case API v2 at this address; the cases were read through the older v0.5 list";

#[derive(Deserialize)]
struct Meta {
    total_count: usize,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct OlderPage {
    meta: Meta,
    objects: Vec<OlderCase>,
}

impl From<OlderPage> for Page {
    fn from(page: OlderPage) -> Self {
        let cases = page.objects.into_iter().map(OlderCase::newer).collect();
        Self { total: page.meta.total_count, cases, next: page.meta.next }
    }
}

impl CommCare {
    pub(super) async fn older_cases(
        &self,
        case_type: &str,
        wanted: &[String],
        progress: &mut (dyn FnMut(usize, usize) + Send),
    ) -> Result<Listing, Failure> {
        let asked = format!("the {case_type} cases of project {} (v0.5)", self.project);
        self.older_list(("type", case_type), wanted, asked, progress).await
    }

    async fn older_list(
        &self,
        (name, value): (&str, &str),
        wanted: &[String],
        asked: String,
        progress: &mut (dyn FnMut(usize, usize) + Send),
    ) -> Result<Listing, Failure> {
        let mut url = self.older_url(&[""]);
        // A case that changes meanwhile moves to the end of this order, and so comes again.
        let order = [("limit", PAGE.to_string()), ("order_by", "indexed_on".to_owned())];
        url.query_pairs_mut().append_pair(name, value).extend_pairs(order);
        let mut walk = Walk::new(Api::V05, asked, wanted);
        walk.listing.notes.push(NOTE.to_owned());
        self.walk::<OlderPage>(&mut walk, url, progress).await?;
        Ok(walk.ended())
    }

    pub(super) async fn older_answers(
        &self,
        ids: &[&String],
        case_type: &str,
        wanted: &[String],
        asked: &str,
    ) -> Result<HashMap<String, Found>, Failure> {
        let listing = self.older_cases(case_type, wanted, &mut |_, _| {}).await?;
        let mut listed: HashMap<String, CaseRecord> =
            listing.cases.into_iter().map(|case| (case.case_id.clone(), case)).collect();
        let mut answers = HashMap::new();
        for id in ids {
            let case = match listed.remove(*id) {
                Some(case) => Some(case),
                None => self.older_one(id, wanted, asked).await?,
            };
            answers.insert((*id).clone(), case.map_or_else(|| Found::Missing((*id).clone()), Found::Case));
        }
        Ok(answers)
    }

    /// One case. The address has just answered with a list, so nothing there means that there is no such case.
    async fn older_one(&self, id: &str, wanted: &[String], asked: &str) -> Result<Option<CaseRecord>, Failure> {
        self.askable(id, asked)?;
        match self.client.get_json::<OlderCase>(&self.older_url(&[id, ""]), asked).await {
            Err(failure) if not_there(&failure) => Ok(None),
            Err(failure) => Err(failure),
            Ok(raw) => {
                let case = raw.newer().record(wanted).map_err(|why| self.client.odd(asked, why))?;
                if case.case_id != id {
                    let other = format!("case {} came, and {id} was asked for", case.case_id);
                    return Err(self.client.odd(asked, other));
                }
                Ok(Some(case))
            }
        }
    }

    fn older_url(&self, rest: &[&str]) -> Url {
        let path = ["a", self.project.as_str(), "api", "v0.5", "case"];
        self.client.url(&[&path, rest].concat())
    }
}
