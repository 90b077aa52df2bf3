//! DHIS2: data values, and the names and facts that say what they are (dhis2.md sections 1 to 3).
//!
//! It adds nothing up and decides nothing about zero or missing; it hands on what is stored.

mod complete;
mod metadata;
mod probe;
mod quick;
mod rows;
mod search;
mod stream;
mod values;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use url::{Url, form_urlencoded::byte_serialize};

pub use self::{
    complete::Registration,
    metadata::{
        AttributeCombo, Attributes, CategoryCombo, DataElement, DataSet, DataSetRef, Me, Named, OrgUnit, SystemInfo,
        UnitRef,
    },
    probe::{Spelling, Told, elsewhere, is_no_token},
    rows::{DataValue, Elements, Report, Values},
    search::{Hits, SetWithElements, Words},
    values::Wanted,
};
use super::http::{Client, Failure, Why};

/// Longest request line in bytes that servers and gateways take by default, with room to spare (dhis2.md section 1.6).
pub const URL_LIMIT: usize = 7_500;

/// Every server takes a request line of so many bytes: one that is refused as too long is refused for something else.
const SHORTEST: usize = 2_000;

/// What a request line has beside the address: method, version, line end.
const LINE: usize = "POST  HTTP/1.1\r\n".len();

/// One DHIS2 server.
#[derive(Clone, Debug)]
pub struct Dhis2 {
    client: Client,
    /// Longest request line in bytes, as far as is known.
    limit: Arc<AtomicUsize>,
}

impl Dhis2 {
    /// The server `client` speaks to; its base is the API root, see [`root`].
    pub fn new(client: Client) -> Self {
        Self { client, limit: Arc::new(AtomicUsize::new(URL_LIMIT)) }
    }

    /// The same server, of which is known from before that it takes request lines of up to `limit` bytes.
    #[must_use]
    pub fn limited(self, limit: usize) -> Self {
        self.limit.store(limit.clamp(SHORTEST, URL_LIMIT), Ordering::Relaxed);
        self
    }

    /// The address of the API root.
    pub fn base(&self) -> &Url {
        self.client.base()
    }

    /// The longest request line in bytes that is sent.
    pub fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    /// A request line of `line` bytes was refused as too long: from now on at most half of it (fault matrix row D06). Shared by
    /// all clones. False where that cannot be the reason.
    pub fn shorten(&self, line: usize) -> bool {
        self.limit.fetch_min((line / 2).max(SHORTEST), Ordering::Relaxed);
        line > SHORTEST
    }
}

impl Dhis2 {
    /// The address of what is stored for these data sets, periods and organisation units; the units stand last, for [`batches`].
    fn selection<'a>(
        &self,
        resource: &str,
        data_sets: &[String],
        periods: &[String],
        more: impl IntoIterator<Item = (&'a str, &'a str)>,
        org_units: &[String],
    ) -> Url {
        let mut url = self.client.url(&[resource]);
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(data_sets.iter().map(|id| ("dataSet", id)));
            query.extend_pairs(periods.iter().map(|period| ("period", period)));
            query.extend_pairs(more);
            query.extend_pairs(org_units.iter().map(|id| ("orgUnit", id)));
        }
        url
    }
}

/// The API root of the `url` in a profile (dhis2.md section 7).
///
/// `api_root` says that it already is; else `api/` is appended, unless the path ends in `api` or `api/NN`.
pub fn root(url: &Url, api_root: bool) -> Url {
    let mut root = url.clone();
    let path: Vec<&str> = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect();
    let is_version = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    let has_api = match path.as_slice() {
        [.., "api"] => true,
        [.., "api", version] => is_version(version),
        _ => false,
    };
    if let Ok(mut parts) = root.path_segments_mut() {
        parts.pop_if_empty();
        if !api_root && !has_api {
            parts.push("api");
        }
        parts.push("");
    }
    root
}

/// `org_units` in runs whose `&orgUnit=` parameters fit a request line of `url_limit` bytes beside `fixed_len`.
/// A run has at least one unit, even when that is too long already.
pub fn batches(org_units: &[String], fixed_len: usize, url_limit: usize) -> Vec<&[String]> {
    split(org_units, fixed_len, url_limit, "&orgUnit=".len())
}

/// Runs of `ids` of which each costs `extra` bytes beside its own encoded length.
fn split(ids: &[String], fixed: usize, limit: usize, extra: usize) -> Vec<&[String]> {
    let cost = |id: &str| extra + byte_serialize(id.as_bytes()).map(str::len).sum::<usize>();
    let (mut runs, mut start, mut used) = (Vec::new(), 0, fixed);
    for (place, id) in ids.iter().enumerate() {
        let cost = cost(id);
        if used + cost > limit && place > start {
            runs.extend(ids.get(start..place));
            (start, used) = (place, fixed);
        }
        used += cost;
    }
    runs.extend(ids.get(start..).filter(|rest| !rest.is_empty()));
    runs
}

/// What an account may not read, as named by DHIS2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// E2012: these organisation units; ask again without them (fault matrix row D03). Empty when none was named.
    OrgUnits(Vec<String>),
    /// E2010: these data sets (row D02). Empty when none was named.
    DataSets(Vec<String>),
    /// E2006: it knows none of the organisation units, and up to 2.42 refuses to say so with an empty answer.
    Unknown,
}

/// Whether `failure` is a refusal of single units or data sets, which fails a whole batch (dhis2.md section 1.4).
/// Versions before 2.35 send no code, so their wording is known too.
pub fn denied(failure: &Failure) -> Option<Denied> {
    let Why::Refused { status: 409, code, message } = &*failure.why else { return None };
    let is = |number: &str, wording: &str| code.as_deref().map_or_else(|| message.contains(wording), |c| c == number);
    if is("E2012", "not allowed to view org unit") {
        Some(Denied::OrgUnits(named(message)))
    } else if is("E2010", "not allowed to read data for data set") {
        Some(Denied::DataSets(named(message)))
    } else if is("E2006", "organisation unit or organisation unit group must be specified") {
        Some(Denied::Unknown)
    } else {
        None
    }
}

/// The ids after the colon of a message: 11 letters or digits, a letter first.
fn named(message: &str) -> Vec<String> {
    let list = message.split_once(':').map_or("", |(_, list)| list);
    let words = list.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter(|word| word.len() == 11 && word.starts_with(|c: char| c.is_ascii_alphabetic()))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::http::Side, *};

    #[test]
    fn the_api_root_is_found() {
        for (url, is_root, root_url) in [
            ("https://h", false, "https://h/api/"),
            ("https://h/", false, "https://h/api/"),
            ("https://h/dhis", false, "https://h/dhis/api/"),
            ("https://h/2.42/", false, "https://h/2.42/api/"),
            ("https://h/api", false, "https://h/api/"),
            ("https://h/dhis/api/40/", false, "https://h/dhis/api/40/"),
            ("https://h/api/v0", false, "https://h/api/v0/api/"),
            ("https://h/service/dhis2core/api/v0/", true, "https://h/service/dhis2core/api/v0/"),
            ("https://h/api/v0", true, "https://h/api/v0/"),
            ("https://h", true, "https://h/"),
        ] {
            assert_eq!(root(&Url::parse(url).unwrap(), is_root).as_str(), root_url, "{url} {is_root}");
        }
    }

    #[test]
    fn batches_fit_and_cover_everything_once() {
        let units: Vec<String> = (0..1000).map(|n| format!("A{n:010}")).collect();
        let runs = batches(&units, 300, URL_LIMIT);
        assert_eq!(runs.concat(), units);
        assert_eq!(runs.first().map(|run| run.len()), Some((URL_LIMIT - 300) / 20));
        assert!(runs.iter().all(|run| 300 + run.len() * 20 <= URL_LIMIT));
        let odd = ["a b/ü".to_owned(), "x".repeat(9000), "c".to_owned()];
        assert_eq!(batches(&odd, 300, URL_LIMIT), [&odd[0..1], &odd[1..2], &odd[2..3]]);
        assert!(batches(&[], 300, URL_LIMIT).is_empty());
        assert_eq!(batches(&odd, 9000, URL_LIMIT).len(), 3);
    }

    #[test]
    fn refused_units_are_named() {
        let of = |status, code: Option<&str>, message: &str| {
            let why = Why::Refused { status, code: code.map(str::to_owned), message: message.into() };
            denied(&Failure { side: Side::Dhis2, host: "h".into(), asked: "x".into(), tries: 1, why: Box::new(why) })
        };
        let units = |ids: &[&str]| Some(Denied::OrgUnits(ids.iter().map(|&id| id.to_owned()).collect()));
        let view = "User is not allowed to view org unit";
        assert_eq!(of(409, Some("E2012"), &format!("{view}: `DiszpKrYNg8`")), units(&["DiszpKrYNg8"]));
        assert_eq!(
            of(409, Some("E2012"), &format!("{view}(s): [DiszpKrYNg8, YuQRtpLP10I]")),
            units(&["DiszpKrYNg8", "YuQRtpLP10I"])
        );
        assert_eq!(of(409, None, &format!("{view}: DiszpKrYNg8")), units(&["DiszpKrYNg8"]));
        assert_eq!(of(409, Some("E2012"), "no"), units(&[]));
        let sets = of(409, Some("E2010"), "User is not allowed to read data for data set: `BfMAe6Itzgt`");
        assert_eq!(sets, Some(Denied::DataSets(vec!["BfMAe6Itzgt".into()])));
        assert_eq!(of(409, Some("E2006"), view), Some(Denied::Unknown));
        let older = "At least one valid organisation unit or organisation unit group must be specified";
        assert_eq!(of(409, None, older), Some(Denied::Unknown));
        assert_eq!(of(409, Some("E2009"), view), None);
        assert_eq!(of(400, Some("E2012"), view), None);
    }
}
