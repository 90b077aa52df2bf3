//! `system/info` and `me` (dhis2.md sections 3.1 and 3.2).

use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{VERSION, fields::Fields};
use crate::sandbox::{DHIS2_USER, answer, query::Query, world::Country};

/// `GET system/info`, as an account without all rights sees it.
pub(crate) fn system_info(country: &Country, origin: &str, now: Timestamp) -> Response {
    let local = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S.%3f").to_string();
    let body = json!({
        "contextPath": format!("{origin}/dhis2"),
        "calendar": "iso8601",
        "dateFormat": "yyyy-mm-dd",
        "serverDate": local(now),
        "serverTimeZoneId": "Etc/UTC",
        "serverTimeZoneDisplayName": "Coordinated Universal Time",
        "version": VERSION,
        "revision": "5a4db0c",
        "buildTime": "2025-11-04T09:00:00.000",
        "databaseInfo": { "spatialSupport": true },
        "encryption": false,
        "emailConfigured": false,
        "redisEnabled": false,
        "systemId": "00000000-0000-4000-8000-000000000042",
        "systemName": country.label,
        "instanceBaseUrl": format!("{origin}/dhis2"),
        "isMetadataVersionEnabled": false,
    });
    answer::json(StatusCode::OK, &body)
}

/// `GET me`: a reader of everything below the country.
pub(crate) fn me(country: &Country, query: &Query) -> Response {
    let root = country.root();
    let root = json!({ "id": root.uid, "name": root.name, "path": root.path });
    let sets = country.model.sets.iter().filter(|set| set.readable);
    let whole = json!({
        "id": "Rv1ewImp0rt",
        "username": DHIS2_USER,
        "firstName": "Review",
        "surname": "Importer",
        "displayName": "Review Importer",
        "authorities": ["M_dhis-web-aggregate-data-entry", "F_DATAVALUE_ADD"],
        "organisationUnits": [root],
        "dataViewOrganisationUnits": [root],
        "dataSets": sets.map(|set| Value::from(set.uid.as_str())).collect::<Vec<_>>(),
        "settings": { "keyUiLocale": "en", "keyDbLocale": null },
    });
    let fields: Vec<&str> = query.all("fields").collect();
    let body = if fields.is_empty() { whole } else { Fields::new(&fields.join(",")).pick(&whole) };
    answer::json(StatusCode::OK, &body)
}
