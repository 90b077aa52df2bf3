//! One case as HQ writes it in JSON (commcare.md sections 8.2 and 9), read with patience for odd forms.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::Deserialize;
use serde_json::Value;

use super::{super::http::text_of, Found};

/// A case with the properties that were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseRecord {
    /// Never empty.
    pub case_id: String,
    /// Empty when the case has no name.
    pub name: String,
    /// Its type; `None` when HQ did not say.
    pub case_type: Option<String>,
    /// As stored, spaces included; `None` when blank.
    pub external_id: Option<String>,
    /// Whether the case is closed.
    pub closed: bool,
    /// When HQ last changed the case, as HQ wrote it.
    pub server_last_modified: Option<String>,
    /// When the search index took the case in, as HQ wrote it.
    pub indexed_on: Option<String>,
    /// The wanted properties that are there. Blank ones are there as `""`; null is absent.
    pub properties: BTreeMap<String, String>,
}

impl CaseRecord {
    /// When HQ last changed the case, by HQ's clock; `None` where it does not say so readably.
    pub fn changed(&self) -> Option<Timestamp> {
        moment(self.server_last_modified.as_deref()?)
    }
}

/// A case, or in a bulk answer the error that stands in its place.
#[derive(Deserialize)]
pub(super) struct RawCase {
    #[serde(default)]
    case_id: Value,
    #[serde(default)]
    case_name: Value,
    #[serde(default)]
    case_type: Value,
    #[serde(default)]
    external_id: Value,
    #[serde(default)]
    closed: Value,
    #[serde(default)]
    server_last_modified: Value,
    #[serde(default)]
    indexed_on: Value,
    #[serde(default)]
    properties: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    error: Value,
}

impl RawCase {
    /// The case, or what is wrong with it.
    pub(super) fn record(self, wanted: &[String]) -> Result<CaseRecord, String> {
        let case_id = text_of(self.case_id).filter(|id| !id.is_empty()).ok_or("a case without a case id")?;
        if let Some(error) = text_of(self.error) {
            return Err(format!("case {case_id} came as an error: {error}"));
        }
        let Some(mut all) = self.properties else { return Err(format!("case {case_id} has no properties member")) };
        let closed = match self.closed {
            Value::Bool(closed) => closed,
            Value::Null => false,
            other => text_of(other).is_some_and(|text| text.eq_ignore_ascii_case("true")),
        };
        Ok(CaseRecord {
            name: text_of(self.case_name).unwrap_or_default(),
            case_type: text_of(self.case_type).filter(|text| !text.is_empty()),
            external_id: text_of(self.external_id).filter(|text| !text.trim().is_empty()),
            closed,
            server_last_modified: text_of(self.server_last_modified),
            indexed_on: text_of(self.indexed_on),
            properties: wanted
                .iter()
                .filter_map(|name| Some((name.clone(), all.remove(name).and_then(text_of)?)))
                .collect(),
            case_id,
        })
    }

    /// One entry of a bulk answer.
    pub(super) fn found(mut self, wanted: &[String]) -> Result<Found, String> {
        if !matches!(&self.error, Value::String(error) if error == "not found") {
            return self.record(wanted).map(Found::Case);
        }
        let id = text_of(self.case_id.take()).filter(|id| !id.is_empty());
        id.map(Found::Missing).ok_or_else(|| "an error without a case id".to_owned())
    }
}

/// What the older API puts among the properties, with the properties' own.
const BUILT_IN: [&str; 5] = ["case_name", "case_type", "external_id", "owner_id", "date_opened"];

/// A case as the older API writes it.
#[derive(Deserialize)]
pub(super) struct OlderCase {
    #[serde(default)]
    case_id: Value,
    #[serde(default)]
    id: Value,
    #[serde(default)]
    closed: Value,
    #[serde(default)]
    server_date_modified: Value,
    #[serde(default)]
    indexed_on: Value,
    #[serde(default)]
    properties: Option<BTreeMap<String, Value>>,
}

impl OlderCase {
    /// The same case in the newer form.
    pub(super) fn newer(self) -> RawCase {
        let mut properties = self.properties;
        let [case_name, case_type, external_id, ..] =
            BUILT_IN.map(|name| properties.as_mut().and_then(|all| all.remove(name)).unwrap_or_default());
        RawCase {
            case_id: if self.case_id.is_null() { self.id } else { self.case_id },
            case_name,
            case_type,
            external_id,
            closed: self.closed,
            server_last_modified: self.server_date_modified,
            indexed_on: self.indexed_on,
            properties,
            error: Value::Null,
        }
    }
}

/// The newest of these times, as it was written. Unreadable ones are passed over.
pub(super) fn newest<'a>(times: impl Iterator<Item = &'a str>) -> Option<String> {
    times.filter_map(|text| Some((moment(text)?, text))).max_by_key(|(time, _)| *time).map(|(_, text)| text.to_owned())
}

/// A time of HQ: in UTC, also where it does not say so.
fn moment(text: &str) -> Option<Timestamp> {
    let plain = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| plain().map(|zoned| zoned.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: &str) -> Result<CaseRecord, String> {
        let wanted = ["dhis_beds", "dhis_staff", "gone"].map(str::to_owned);
        serde_json::from_str::<RawCase>(json).unwrap().record(&wanted)
    }

    #[test]
    fn only_wanted_properties_are_kept_with_their_text() {
        let json = r#"{"case_id":"c1","case_name":null,"external_id":"  ","closed":true,"case_type":"f",
            "properties":{"dhis_beds":" 28 ","dhis_staff":12.50,"gone":null,"other":"x"}}"#;
        let case = record(json).unwrap();
        assert_eq!((case.name.as_str(), case.external_id.as_deref(), case.closed), ("", None, true));
        let kept: Vec<_> = case.properties.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(kept, [("dhis_beds", " 28 "), ("dhis_staff", "12.5")]);
    }

    #[test]
    fn names_and_ids_come_in_any_json_form() {
        let case =
            record(r#"{"case_id":7,"case_name":12,"external_id":345,"closed":"True","properties":{"dhis_beds":""}}"#)
                .unwrap();
        assert_eq!((case.case_id.as_str(), case.name.as_str(), case.closed), ("7", "12", true));
        assert_eq!(case.external_id.as_deref(), Some("345"));
        assert_eq!(case.properties.get("dhis_beds").map(String::as_str), Some(""));
    }

    #[test]
    fn a_case_that_cannot_be_told_is_an_error() {
        for json in ["{}", r#"{"case_id":""}"#, r#"{"case_id":null}"#, r#"{"case_id":"c1"}"#] {
            record(json).unwrap_err();
        }
        let error = record(r#"{"case_id":"c1","error":"no access","properties":{}}"#).unwrap_err();
        assert!(error.contains("no access"), "{error}");
    }

    #[test]
    fn only_not_found_means_missing() {
        let found = |json| serde_json::from_str::<RawCase>(json).unwrap().found(&[]);
        assert_eq!(found(r#"{"case_id":"x","error":"not found"}"#), Ok(Found::Missing("x".into())));
        found(r#"{"case_id":"x","error":"busy"}"#).unwrap_err();
        found(r#"{"error":"not found"}"#).unwrap_err();
    }

    #[test]
    fn a_value_that_is_no_text_does_not_become_a_number() {
        let json = r##"{"case_id":"c1","properties":{"dhis_beds":{"@lang":"en","#text":"12"},"dhis_staff":["1","2"],
            "gone":true}}"##;
        let case = record(json).unwrap();
        let kept: Vec<_> = case.properties.values().map(String::as_str).collect();
        assert_eq!(kept, [r##"{"#text":"12","@lang":"en"}"##, r#"["1","2"]"#, "true"]);
        let odd = serde_json::from_str::<RawCase>(r#"{"case_id":"c1","properties":[]}"#);
        assert!(odd.is_err(), "an empty list is not taken for no properties");
    }

    #[test]
    fn the_older_form_says_the_same() {
        let newer = record(
            r#"{"case_id":"c1","case_name":"Ngelehun","case_type":"f","external_id":"DiszpKrYNg8","closed":true,
            "server_last_modified":"2026-01-05T22:30:04.5Z","indexed_on":"2026-01-05T22:30:09Z",
            "properties":{"dhis_beds":"28"}}"#,
        );
        let older = r#"{"id":"c1","case_id":"c1","closed":true,"server_date_modified":"2026-01-05T22:30:04.5Z",
            "indexed_on":"2026-01-05T22:30:09Z","date_modified":"x","properties":{"case_name":"Ngelehun",
            "case_type":"f","external_id":"DiszpKrYNg8","owner_id":"o","date_opened":"x","dhis_beds":"28"}}"#;
        let wanted = ["dhis_beds", "owner_id", "date_opened"].map(str::to_owned);
        let read = |json: &str| serde_json::from_str::<OlderCase>(json).unwrap().newer().record(&wanted);
        assert_eq!(read(older), newer);
        read(r#"{"properties":{}}"#).unwrap_err();
        read(r#"{"id":"c1"}"#).unwrap_err();
    }

    #[test]
    fn the_newest_time_is_found_by_its_meaning() {
        let of = |times: &[&str]| newest(times.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["soon", ""]), None);
        let newest = "2026-01-05T22:30:09.5Z";
        assert_eq!(of(&["2026-01-05T22:30:09Z", newest, "odd", "2026-01-05T22:30:09.000001"]).as_deref(), Some(newest));
        assert_eq!(of(&["2026-01-05T23:30:10+01:00", newest]).as_deref(), Some("2026-01-05T23:30:10+01:00"));
    }
}
