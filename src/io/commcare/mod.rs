//! CommCare HQ: cases page by page, cases again by id, and the sending of one form (commcare.md sections 4, 8 and 9).
//!
//! Cases are read through Case API v2; where the server has none, through the older one in `v05`. It neither builds forms
//! nor decides what to send again; it says what HQ answered.

mod receipt;
mod record;
mod v05;

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use url::Url;

use self::record::{RawCase, newest};
pub use self::{
    receipt::{Receipt, is_per_case, receipt},
    record::CaseRecord,
};
use super::{
    http::{Client, Failure, Limits, Why},
    transport::Broken,
};

/// Most cases HQ gives in one answer (commcare.md section 1).
const PAGE: usize = 5000;

/// One project space of one HQ.
#[derive(Clone, Debug)]
pub struct CommCare {
    client: Client,
    project: String,
    /// Case API v2 was asked for once and is not there. Shared by clones, so that none asks again.
    without_v2: Arc<AtomicBool>,
}

/// Which of HQ's two ways to read cases answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Api {
    /// Case API v2 (commcare.md section 8).
    #[default]
    V2,
    /// The older list (commcare.md section 9).
    V05,
}

/// All cases of a type that the account is shown. An account limited to some locations is shown fewer, without a word of
/// it (fault matrix row H27): only a comparison with an earlier listing or with DHIS2 can tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Each case once, in the order of first appearance, with the content of its last appearance.
    pub cases: Vec<CaseRecord>,
    /// How many HQ said there are: on the first page of v2, whose later pages count only the rest; the most that any page
    /// of the older list said.
    pub matching: usize,
    /// How many times a case came again because it changed while it was being listed.
    pub repeats: usize,
    /// The newest `indexed_on` of the cases, as HQ wrote it: how far the search index had come at least (fault matrix row
    /// H28). `None` where no case has a readable one.
    pub newest_indexed_on: Option<String>,
    /// What answered.
    pub api: Api,
    /// What is to be said of the listing as such, as sentences.
    pub notes: Vec<String>,
}

impl Listing {
    /// Whether as many cases came as HQ announced. If not, cases changed meanwhile: list again, then warn
    /// (fault matrix row H03). A page of the older list begins at a number, so that a case that moves to the end lets
    /// another slip by; the count shows it.
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

/// A page of the list, of either API.
struct Page {
    /// How many cases there are, of v2 from this page on.
    total: usize,
    cases: Vec<RawCase>,
    next: Option<String>,
}

#[derive(Deserialize)]
struct V2Page {
    matching_records: usize,
    cases: Vec<RawCase>,
    #[serde(default)]
    next: Option<String>,
}

impl From<V2Page> for Page {
    fn from(page: V2Page) -> Self {
        Self { total: page.matching_records, cases: page.cases, next: page.next }
    }
}

#[derive(Deserialize)]
struct Bulk {
    cases: Vec<RawCase>,
}

impl CommCare {
    /// The project space `project` of the HQ that `client` speaks to. The client's base is the server, without `/a/`.
    pub fn new(client: Client, project: impl Into<String>) -> Self {
        Self { client, project: project.into(), without_v2: Arc::default() }
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
        let mut away = None;
        if self.has_v2() {
            let mut url = self.case_url(&[""]);
            url.query_pairs_mut().append_pair("case_type", case_type).append_pair("limit", &PAGE.to_string());
            let mut walk = Walk::new(Api::V2, format!("the {case_type} cases of project {}", self.project), wanted);
            // Boxed, here and below, so that the futures of whole jobs stay small.
            match Box::pin(self.walk::<V2Page>(&mut walk, url, progress)).await {
                Err(failure) if not_there(&failure) && walk.listing.cases.is_empty() => away = Some(failure),
                answered => return answered.map(|()| walk.ended()),
            }
        }
        let older = Box::pin(self.older_cases(case_type, wanted, progress)).await;
        self.settled(away, older)
    }

    /// These cases from the search index, one answer for each id in the order asked. An id that HQ does not mention is
    /// a failure, never "missing". `case_type` is that of most of them; a case of another type is found too.
    pub async fn fetch(&self, ids: &[String], case_type: &str, wanted: &[String]) -> Result<Vec<Found>, Failure> {
        let asked = format!("{} cases of project {} by id", ids.len(), self.project);
        let mut seen = HashSet::new();
        let distinct: Vec<&String> = ids.iter().filter(|id| seen.insert(id.as_str())).collect();
        let answers = self.answers(&distinct, case_type, wanted, &asked).await?;
        ids.iter()
            .map(|id| {
                let found = answers.get(id).cloned();
                found.ok_or_else(|| {
                    self.client.odd(&asked, format!("it says nothing of case {id}, which was asked for"))
                })
            })
            .collect()
    }

    async fn answers(
        &self,
        ids: &[&String],
        case_type: &str,
        wanted: &[String],
        asked: &str,
    ) -> Result<HashMap<String, Found>, Failure> {
        let mut away = None;
        if self.has_v2() || ids.is_empty() {
            match self.bulk(ids, wanted, asked).await {
                Err(failure) if not_there(&failure) => away = Some(failure),
                answered => return answered,
            }
        }
        let older = Box::pin(self.older_answers(ids, case_type, wanted, asked)).await;
        self.settled(away, older)
    }

    async fn bulk(&self, ids: &[&String], wanted: &[String], asked: &str) -> Result<HashMap<String, Found>, Failure> {
        let mut answers = HashMap::new();
        for part in ids.chunks(PAGE) {
            let body = Bytes::from(json!({ "case_ids": part }).to_string());
            let bulk: Bulk = self.client.ask_json(&self.case_url(&["bulk-fetch", ""]), body, asked).await?;
            for raw in bulk.cases {
                let found = raw.found(wanted).map_err(|why| self.client.odd(asked, why))?;
                let id = match &found {
                    Found::Case(case) => case.case_id.clone(),
                    Found::Missing(id) => id.clone(),
                };
                answers.insert(id, found);
            }
        }
        Ok(answers)
    }

    /// The case with this external id, from the database: current as soon as a form was accepted (commcare.md section 8.3). `None` when
    /// HQ says there is none; several with one id are a refusal. The case may be of another type. Where Case API v2 is not there, or
    /// something on the way says so, it fails: the older API reads the search index.
    pub async fn from_database(&self, external_id: &str, wanted: &[String]) -> Result<Option<CaseRecord>, Failure> {
        let asked = format!("the case with external id {external_id} of project {}", self.project);
        self.askable(external_id, &asked)?;
        let url = self.case_url(&["ext", external_id, ""]);
        match self.client.get_json::<RawCase>(&url, &asked).await {
            Ok(raw) => raw.record(wanted).map(Some).map_err(|why| self.client.odd(&asked, why)),
            Err(Failure { why, .. }) if matches!(*why, Why::NotFound { message: Some(_) }) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Refuses what an address cannot carry as a path segment: `.` and `..` are resolved away, nothing is another route.
    fn askable(&self, id: &str, asked: &str) -> Result<(), Failure> {
        match id.trim() {
            "" | "." | ".." => Err(self.client.odd(asked, "no case can be asked for by this id")),
            _ => Ok(()),
        }
    }

    /// Follows the pages of a list from `url` on.
    async fn walk<P: DeserializeOwned + Into<Page>>(
        &self,
        walk: &mut Walk<'_>,
        mut url: Url,
        progress: &mut (dyn FnMut(usize, usize) + Send),
    ) -> Result<(), Failure> {
        let mut visited = HashSet::new();
        loop {
            if !visited.insert(url.to_string()) {
                return Err(self.client.odd(&walk.asked, "the pages of the list lead back to an earlier page"));
            }
            let page: Page = self.client.get_json::<P>(&url, &walk.asked).await?.into();
            walk.announced(page.total, visited.len() == 1);
            let empty = page.cases.is_empty();
            for raw in page.cases {
                let case = raw.record(walk.wanted).map_err(|why| self.client.odd(&walk.asked, why))?;
                walk.add(case);
            }
            progress(walk.listing.cases.len(), walk.listing.matching);
            let Some(next) = page.next else { return Ok(()) };
            if empty {
                return Err(self.client.odd(&walk.asked, "a page without cases promises further pages"));
            }
            url = url
                .join(&next)
                .map_err(|_| self.client.odd(&walk.asked, "the address of the next page is unreadable"))?;
        }
    }

    /// Whether single cases can be read from the database (commcare.md section 8.3).
    pub fn has_database(&self) -> bool {
        self.has_v2()
    }

    /// The same that tries everything once and waits for nothing: for questions that may be left unanswered.
    #[must_use]
    pub fn hurried(&self) -> Self {
        let limits = Limits { unsent: 1, broken: 1, crashed: 1, patience: Duration::ZERO, ..Limits::default() };
        Self { client: self.client.clone().limited(limits), ..self.clone() }
    }

    fn has_v2(&self) -> bool {
        !self.without_v2.load(Ordering::Relaxed)
    }

    /// What the older API answered after v2 was found to be away. Where the older one is not there either, the address is
    /// wrong, and the first failure says so.
    fn settled<T>(&self, away: Option<Failure>, older: Result<T, Failure>) -> Result<T, Failure> {
        match (older, away) {
            (Err(failure), Some(first)) if not_there(&failure) => Err(first),
            (older, _) => {
                self.without_v2.fetch_or(older.is_ok(), Ordering::Relaxed);
                older
            }
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
            Err(Broken::NoAnswer(why)) => Receipt::Unknown { why: self.client.clean(&why), gateway: false },
        }
    }

    fn case_url(&self, rest: &[&str]) -> Url {
        let path = ["a", self.project.as_str(), "api", "case", "v2"];
        self.client.url(&[&path, rest].concat())
    }
}

/// Whether there is nothing at the address.
fn not_there(failure: &Failure) -> bool {
    matches!(*failure.why, Why::NotFound { .. })
}

/// A listing in the making.
struct Walk<'a> {
    asked: String,
    wanted: &'a [String],
    listing: Listing,
    places: HashMap<String, usize>,
}

impl<'a> Walk<'a> {
    fn new(api: Api, asked: String, wanted: &'a [String]) -> Self {
        Self { asked, wanted, listing: Listing { api, ..Listing::default() }, places: HashMap::new() }
    }

    /// Takes in the number a page announced, see [`Listing::matching`].
    fn announced(&mut self, total: usize, first: bool) {
        if first || self.listing.api == Api::V05 {
            self.listing.matching = self.listing.matching.max(total);
        }
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

    fn ended(self) -> Listing {
        let newest_indexed_on = newest(self.listing.cases.iter().filter_map(|case| case.indexed_on.as_deref()));
        Listing { newest_indexed_on, ..self.listing }
    }
}
