//! `dataValueSets`: one request, its rows, whatever version wrote them (dhis2.md section 1.5).

use std::collections::HashSet;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{super::http::text_of, Dhis2, Failure};

/// One stored value: a part of a facility's total.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataValue {
    /// Id of the data element.
    pub data_element: String,
    /// ISO period, such as `2026Q2`.
    pub period: String,
    /// Id of the organisation unit.
    pub org_unit: String,
    /// Id of the category option combo.
    pub category_option_combo: String,
    /// Id of the attribute option combo.
    pub attribute_option_combo: String,
    /// The text as stored; `None` for a row without one, which only carries a comment. Never taken for 0.
    pub value: Option<String>,
    /// What the data clerk wrote beside it.
    pub comment: Option<String>,
    /// Who stored it.
    pub stored_by: Option<String>,
    /// When it was last changed, as DHIS2 wrote it.
    pub last_updated: Option<String>,
    /// Marked in DHIS2 for checking.
    pub follow_up: bool,
    /// Deleted in DHIS2; not to be summed (fault matrix row D18).
    pub deleted: bool,
}

/// The rows of one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    /// Rows of the units and periods asked for, in the server's order, which means nothing.
    pub rows: Vec<DataValue>,
    /// How many rows of other units or periods came and were dropped (fault matrix row D17).
    pub foreign: usize,
}

/// The answer. Newer versions put what all rows share on top and leave it out of the rows.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Envelope {
    #[serde(deserialize_with = "text")]
    period: Option<String>,
    #[serde(deserialize_with = "text")]
    org_unit: Option<String>,
    #[serde(deserialize_with = "text")]
    attribute_option_combo: Option<String>,
    data_values: Option<Vec<Row>>,
    // The members of an error, should a gateway send one with a successful status.
    #[serde(deserialize_with = "text")]
    message: Option<String>,
    #[serde(deserialize_with = "text")]
    error: Option<String>,
    #[serde(deserialize_with = "text")]
    error_code: Option<String>,
    #[serde(deserialize_with = "text")]
    http_status: Option<String>,
    #[serde(deserialize_with = "text")]
    status: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Row {
    #[serde(deserialize_with = "text")]
    data_element: Option<String>,
    #[serde(deserialize_with = "text")]
    period: Option<String>,
    #[serde(deserialize_with = "text")]
    org_unit: Option<String>,
    #[serde(deserialize_with = "text")]
    category_option_combo: Option<String>,
    #[serde(deserialize_with = "text")]
    attribute_option_combo: Option<String>,
    #[serde(deserialize_with = "text")]
    value: Option<String>,
    #[serde(deserialize_with = "text")]
    comment: Option<String>,
    #[serde(deserialize_with = "text")]
    stored_by: Option<String>,
    #[serde(deserialize_with = "text")]
    last_updated: Option<String>,
    // Documents and code disagree on the spelling.
    #[serde(deserialize_with = "text")]
    followup: Option<String>,
    #[serde(deserialize_with = "text", rename = "followUp")]
    follow_up: Option<String>,
    #[serde(deserialize_with = "text")]
    deleted: Option<String>,
}

/// Text, or another JSON value as text; blank text is none.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(text_of(Value::deserialize(from)?).filter(|text| !text.is_empty()))
}

fn is_true(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

impl Dhis2 {
    /// All values of the elements of `data_sets` stored under exactly `periods` and `org_units`, in one request.
    ///
    /// The caller keeps the request line short with [`batches`](super::batches). Units that DHIS2 does not know are
    /// passed over by it without a word; one that the account may not see fails the whole request, see
    /// [`denied`](super::denied). Rows are not told apart by data set: that is a fact of the mapping and the elements.
    pub async fn data_values(
        &self,
        org_units: &[String],
        data_sets: &[String],
        periods: &[String],
    ) -> Result<Values, Failure> {
        let asked = format!(
            "the data values of {} for {} organisation units (data sets {})",
            periods.join(", "),
            org_units.len(),
            data_sets.join(", ")
        );
        let url = self.values_url(org_units, data_sets, periods);
        let envelope: Envelope = self.client.get_json(&url, &asked).await?;
        envelope.values(org_units, periods).map_err(|why| self.client.odd(&asked, why))
    }
}

impl Envelope {
    fn values(mut self, org_units: &[String], periods: &[String]) -> Result<Values, String> {
        let Some(rows) = self.data_values.take() else { return self.nothing() };
        let units: HashSet<&str> = org_units.iter().map(String::as_str).collect();
        let times: HashSet<&str> = periods.iter().map(String::as_str).collect();
        let mut values = Values::default();
        for (place, row) in rows.into_iter().enumerate() {
            let row = self.complete(row).map_err(|missing| {
                format!(
                    "row {} of the data values has no {missing}, and neither has the answer as a whole; no DHIS2 version from 2.30 to 2.43 writes that",
                    place + 1
                )
            })?;
            if units.contains(row.org_unit.as_str()) && times.contains(row.period.as_str()) {
                values.rows.push(row);
            } else {
                values.foreign += 1;
            }
        }
        Ok(values)
    }

    /// Without rows, `{}` and a bare header mean "nothing stored", but an error must not.
    fn nothing(self) -> Result<Values, String> {
        let error = self.message.or(self.error).or(self.error_code).or(self.http_status).or(self.status);
        match error {
            Some(said) => Err(format!("it has no data values but says: {said}")),
            None => Ok(Values::default()),
        }
    }

    /// The row with what stands above it, or the name of what is in neither place.
    fn complete(&self, row: Row) -> Result<DataValue, &'static str> {
        let above = |own: Option<String>, shared: &Option<String>| own.or_else(|| shared.clone());
        Ok(DataValue {
            data_element: row.data_element.ok_or("dataElement")?,
            period: above(row.period, &self.period).ok_or("period")?,
            org_unit: above(row.org_unit, &self.org_unit).ok_or("orgUnit")?,
            category_option_combo: row.category_option_combo.ok_or("categoryOptionCombo")?,
            attribute_option_combo: above(row.attribute_option_combo, &self.attribute_option_combo)
                .ok_or("attributeOptionCombo")?,
            value: row.value,
            comment: row.comment,
            stored_by: row.stored_by,
            last_updated: row.last_updated,
            follow_up: is_true(row.followup.as_deref()) || is_true(row.follow_up.as_deref()),
            deleted: is_true(row.deleted.as_deref()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str) -> Result<Values, String> {
        let envelope: Envelope = serde_json::from_str(json).map_err(|e| e.to_string())?;
        envelope.values(&["ou1".into(), "ou2".into()], &["2026Q2".into()])
    }

    fn one(json: &str) -> DataValue {
        let values = parsed(json).unwrap();
        assert_eq!((values.rows.len(), values.foreign), (1, 0));
        values.rows.into_iter().next().unwrap()
    }

    #[test]
    fn every_spelling_of_nothing() {
        for json in [
            "{}",
            r#"{"dataValues":null}"#,
            r#"{"dataValues":[]}"#,
            r#"{"dataSet":"ds","period":"2026Q2","orgUnit":"ou1"}"#,
            r#"{"dataSet":"ds","completeDate":null,"period":"2026Q2","orgUnit":"ou1","dataValues":[]}"#,
        ] {
            assert_eq!(parsed(json), Ok(Values::default()), "{json}");
        }
    }

    #[test]
    fn an_error_with_a_successful_status_is_not_nothing() {
        for json in [
            r#"{"status":"ERROR","message":"gateway"}"#,
            r#"{"error":{"code":7}}"#,
            r#"{"httpStatus":"Conflict"}"#,
            r#"{"dataValues":null,"errorCode":"E2012"}"#,
        ] {
            parsed(json).unwrap_err();
        }
        for json in [r#"{"dataValues":{}}"#, r#"{"dataValues":"none"}"#, r#"{"dataValues":[7]}"#] {
            parsed(json).unwrap_err();
        }
    }

    #[test]
    fn a_row_of_the_middle_versions() {
        let row = one(
            r#"{"dataValues":[{"dataElement":"de","period":"2026Q2","orgUnit":"ou1","categoryOptionCombo":"c","attributeOptionCombo":"a","value":"112","storedBy":null,"created":"x","lastUpdated":"2026-07-03T00:00:00.000+0000","comment":"","followup":true,"new":{"er":[1]}}]}"#,
        );
        let expected = DataValue {
            data_element: "de".into(),
            period: "2026Q2".into(),
            org_unit: "ou1".into(),
            category_option_combo: "c".into(),
            attribute_option_combo: "a".into(),
            value: Some("112".into()),
            last_updated: Some("2026-07-03T00:00:00.000+0000".into()),
            follow_up: true,
            ..DataValue::default()
        };
        assert_eq!(row, expected);
    }

    #[test]
    fn rows_borrow_from_above_whatever_the_order() {
        let row = one(
            r#"{"dataValues":[{"dataElement":"de","categoryOptionCombo":"c","value":" 7 ","followUp":"true"}],"attributeOptionCombo":"a","orgUnit":"ou2","period":"2026Q2","dataSet":"ds"}"#,
        );
        assert_eq!(
            (row.period.as_str(), row.org_unit.as_str(), row.attribute_option_combo.as_str()),
            ("2026Q2", "ou2", "a")
        );
        assert_eq!((row.value.as_deref(), row.follow_up), (Some(" 7 "), true));
        let own = one(
            r#"{"orgUnit":"ou2","period":"2025Q1","dataValues":[{"dataElement":"de","period":"2026Q2","orgUnit":"ou1","categoryOptionCombo":"c","attributeOptionCombo":"a"}]}"#,
        );
        assert_eq!((own.period.as_str(), own.org_unit.as_str()), ("2026Q2", "ou1"));
    }

    #[test]
    fn a_row_that_belongs_nowhere_is_an_error() {
        let full = [
            r#""dataElement":"de""#,
            r#""period":"2026Q2""#,
            r#""orgUnit":"ou1""#,
            r#""categoryOptionCombo":"c""#,
            r#""attributeOptionCombo":"a""#,
        ];
        assert!(parsed(&format!(r#"{{"dataValues":[{{{}}}]}}"#, full.join(","))).is_ok());
        for (place, name) in
            ["dataElement", "period", "orgUnit", "categoryOptionCombo", "attributeOptionCombo"].iter().enumerate()
        {
            let mut some = full.to_vec();
            some.remove(place);
            let error = parsed(&format!(r#"{{"dataValues":[{{{}}}]}}"#, some.join(","))).unwrap_err();
            assert!(error.contains(name) && error.contains("row 1"), "{error}");
        }
    }

    #[test]
    fn a_missing_value_is_none_and_keeps_its_comment() {
        for value in [r#""value":"","#, r#""value":null,"#, ""] {
            let row = one(&format!(
                r#"{{"dataValues":[{{{value}"dataElement":"de","period":"2026Q2","orgUnit":"ou1","categoryOptionCombo":"c","attributeOptionCombo":"a","comment":"sick leave","deleted":true}}]}}"#
            ));
            assert_eq!((row.value, row.comment.as_deref(), row.deleted), (None, Some("sick leave"), true));
        }
    }

    #[test]
    fn rows_not_asked_for_are_dropped_and_counted() {
        let row = |period: &str, unit: &str| {
            format!(
                r#"{{"dataElement":"de","period":"{period}","orgUnit":"{unit}","categoryOptionCombo":"c","attributeOptionCombo":"a","value":"1"}}"#
            )
        };
        let rows = [row("2026Q2", "ou1"), row("2026Q1", "ou1"), row("2026Q2", "ou3"), row("202604", "ou2")].join(",");
        let values = parsed(&format!(r#"{{"dataValues":[{rows}]}}"#)).unwrap();
        assert_eq!((values.rows.len(), values.foreign), (1, 3));
    }
}
