//! CommCare HQ: cases page by page, cases again by id, and the sending of one form (commcare.md sections 4 and 8).
//!
//! It neither builds forms nor decides what to send again; it says what HQ answered.

mod receipt;
mod record;

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use serde_json::json;
use url::Url;

use self::record::RawCase;
pub use self::{
    receipt::{Receipt, receipt},
    record::CaseRecord,
};
use super::{
    http::{Client, Failure, Why},
    transport::Broken,
};

/// Most cases HQ gives in one answer (commcare.md section 1).
const PAGE: usize = 5000;

/// One project space of one HQ.
#[derive(Clone, Debug)]
pub struct CommCare {
    client: Client,
    project: String,
}

/// All cases of a type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Each case once, in the order of first appearance, with the content of its last appearance.
    pub cases: Vec<CaseRecord>,
    /// How many HQ said there are, on the first page; later pages count only the rest.
    pub matching: usize,
    /// How many times a case came again because it changed while it was being listed.
    pub repeats: usize,
}

impl Listing {
    /// Whether as many cases came as HQ announced. If not, cases changed meanwhile: list again, then warn
    /// (fault matrix row H03).
    pub fn is_whole(&self) -> bool {
        self.cases.len() == self.matching
    }
}

/// The answer for one id of [`CommCare::fetch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The case, as the search index has it.
    Case(CaseRecord),
    /// No case has this id, as far as the search index knows.
    Missing(String),
}

#[derive(Deserialize)]
struct Page {
    matching_records: usize,
    cases: Vec<RawCase>,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Bulk {
    cases: Vec<RawCase>,
}

impl CommCare {
    /// The project space `project` of the HQ that `client` speaks to. The client's base is the server, without `/a/`.
    pub fn new(client: Client, project: impl Into<String>) -> Self {
        Self { client, project: project.into() }
    }

    /// The project space.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Every case of `case_type`, open and closed, with the `wanted` properties. Reads the search index, which lags.
    ///
    /// `progress` is called after each page with the cases so far and the number announced. Page addresses are followed
    /// as given, on the same origin only.
    pub async fn cases(
        &self,
        case_type: &str,
        wanted: &[String],
        progress: &mut (dyn FnMut(usize, usize) + Send),
    ) -> Result<Listing, Failure> {
        let asked = format!("the {case_type} cases of project {}", self.project);
        let mut url = self.case_url(&[""]);
        url.query_pairs_mut().append_pair("case_type", case_type).append_pair("limit", &PAGE.to_string());
        let mut gathered = Gathered::default();
        let mut visited = HashSet::new();
        loop {
            if !visited.insert(url.to_string()) {
                return Err(self.client.odd(&asked, "the pages of the list lead back to an earlier page"));
            }
            let page: Page = self.client.get_json(&url, &asked).await?;
            let empty = page.cases.is_empty();
            gathered.listing.matching = gathered.matching(page.matching_records);
            for raw in page.cases {
                let case = raw.record(wanted).map_err(|why| self.client.odd(&asked, why))?;
                gathered.add(case);
            }
            progress(gathered.listing.cases.len(), gathered.listing.matching);
            let Some(next) = page.next else { return Ok(gathered.listing) };
            if empty {
                return Err(self.client.odd(&asked, "a page without cases promises further pages"));
            }
            url = url.join(&next).map_err(|_| self.client.odd(&asked, "the address of the next page is unreadable"))?;
        }
    }

    /// These cases from the search index, one answer for each id in the order asked. An id that HQ does not mention is
    /// a failure, never "missing".
    pub async fn fetch(&self, ids: &[String], wanted: &[String]) -> Result<Vec<Found>, Failure> {
        let asked = format!("{} cases of project {} by id", ids.len(), self.project);
        let mut seen = HashSet::new();
        let distinct: Vec<&String> = ids.iter().filter(|id| seen.insert(id.as_str())).collect();
        let mut answers: HashMap<String, Found> = HashMap::new();
        for part in distinct.chunks(PAGE) {
            let body = Bytes::from(json!({ "case_ids": part }).to_string());
            let url = self.case_url(&["bulk-fetch", ""]);
            let bulk: Bulk = self.client.ask_json(&url, body, &asked).await?;
            for raw in bulk.cases {
                let found = raw.found(wanted).map_err(|why| self.client.odd(&asked, why))?;
                let id = match &found {
                    Found::Case(case) => case.case_id.clone(),
                    Found::Missing(id) => id.clone(),
                };
                answers.insert(id, found);
            }
        }
        ids.iter()
            .map(|id| {
                let found = answers.get(id).cloned();
                found.ok_or_else(|| {
                    self.client.odd(&asked, format!("it says nothing of case {id}, which was asked for"))
                })
            })
            .collect()
    }

    /// The case with this external id, from the database: current as soon as a form was accepted
    /// (commcare.md section 8.3). `None` when HQ says there is none; several with one id are a refusal.
    /// The case may be of another type.
    pub async fn by_external_id(&self, external_id: &str, wanted: &[String]) -> Result<Option<CaseRecord>, Failure> {
        let asked = format!("the case with external id {external_id} of project {}", self.project);
        // An address cannot carry these as a path segment: `.` and `..` are resolved away, nothing is another route.
        if matches!(external_id.trim(), "" | "." | "..") {
            return Err(self.client.odd(&asked, "no case can be asked for by this external id"));
        }
        let url = self.case_url(&["ext", external_id, ""]);
        match self.client.get_json::<RawCase>(&url, &asked).await {
            Ok(raw) => raw.record(wanted).map(Some).map_err(|why| self.client.odd(&asked, why)),
            Err(Failure { why, .. }) if matches!(*why, Why::NotFound { message: Some(_) }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Sends the form `bytes`, whose instance id is `form_id`, once. What to do next is the caller's to decide.
    pub async fn submit(&self, bytes: Bytes, form_id: &str) -> Receipt {
        let url = self.client.url(&["a", &self.project, "receiver", "api", ""]);
        let headers = [
            (HeaderName::from_static("x-openrosa-version"), HeaderValue::from_static("3.0")),
            (header::CONTENT_TYPE, HeaderValue::from_static("text/xml")),
        ];
        match self.client.post_once(&url, headers, bytes).await {
            Ok(reply) => receipt(reply.status.as_u16(), &reply.headers, &reply.body, form_id),
            Err(Broken::NotSent(why)) => Receipt::NotSent { why: self.client.clean(&why) },
            Err(Broken::NoAnswer(why)) => Receipt::Unknown { why: self.client.clean(&why) },
        }
    }

    fn case_url(&self, rest: &[&str]) -> Url {
        let path = ["a", self.project.as_str(), "api", "case", "v2"];
        self.client.url(&[&path, rest].concat())
    }
}

/// A listing in the making.
#[derive(Default)]
struct Gathered {
    listing: Listing,
    announced: bool,
    places: HashMap<String, usize>,
}

impl Gathered {
    /// The number of the first page stands; later pages count only what is left.
    fn matching(&mut self, records: usize) -> usize {
        if std::mem::replace(&mut self.announced, true) { self.listing.matching } else { records }
    }

    fn add(&mut self, case: CaseRecord) {
        let cases = &mut self.listing.cases;
        if let Some(earlier) = self.places.get(&case.case_id).and_then(|place| cases.get_mut(*place)) {
            *earlier = case;
            self.listing.repeats += 1;
        } else {
            self.places.insert(case.case_id.clone(), cases.len());
            cases.push(case);
        }
    }
}
