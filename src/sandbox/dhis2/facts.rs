//! `system/info` and `me` (dhis2.md sections 3.1 and 3.2).

use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{View, fields::Fields, version::Version};
use crate::sandbox::{answer, query::Query};

/// `GET system/info`; a superuser learns more of the host.
pub(crate) fn system_info(view: &View<'_>) -> Response {
    let local = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%S.%3f").to_string();
    let now = (view.clock)();
    let (version, revision, built) = view.version.build();
    let mut body = json!({
        "contextPath": format!("{}/dhis2", view.origin),
        "calendar": view.calendar,
        "dateFormat": "yyyy-mm-dd",
        "serverDate": local(now),
        "serverTimeZoneId": "Etc/UTC",
        "serverTimeZoneDisplayName": "Coordinated Universal Time",
        "version": version,
        "revision": revision,
        "buildTime": built,
        "databaseInfo": { "spatialSupport": true },
        "encryption": false,
        "emailConfigured": false,
        "redisEnabled": false,
        "systemId": "00000000-0000-4000-8000-000000000042",
        "systemName": view.country.label,
        "isMetadataVersionEnabled": false,
    });
    if view.version >= Version::V38 {
        body["instanceBaseUrl"] = format!("{}/dhis2", view.origin).into();
    }
    if view.version.is_rewritten() {
        body["databaseInfo"]["time"] = local(now).into();
        body["systemMetadataVersion"] = "".into();
    }
    if view.account.superuser {
        body["javaVersion"] = "17.0.12".into();
        body["osName"] = "Linux".into();
        body["cpuCores"] = 4.into();
    }
    answer::json(StatusCode::OK, &body)
}

/// `GET me`. Where the account has no units for viewing the list is empty, which means those for entering data.
pub(crate) fn me(view: &View<'_>, query: &Query) -> Response {
    let account = view.account;
    let units = |units: &[usize]| -> Vec<Value> {
        let units = units.iter().map(|&unit| &view.country.units[unit]);
        units.map(|unit| json!({ "id": unit.uid, "name": unit.name, "path": unit.path })).collect()
    };
    let sets = view.country.model.sets.iter().enumerate();
    let sets = sets.filter(|(at, _)| account.reads_set(view.country, *at)).map(|(_, set)| set.uid.as_str().into());
    let (first, last) = account.name;
    let mut authorities = vec!["M_dhis-web-aggregate-data-entry", "F_DATAVALUE_ADD"];
    if account.superuser {
        authorities.push("ALL");
    }
    let mut whole = json!({
        "id": account.uid,
        "firstName": first,
        "surname": last,
        "displayName": format!("{first} {last}"),
        "authorities": authorities,
        "organisationUnits": units(&account.capture),
        "dataViewOrganisationUnits": units(&account.view),
        "dataSets": sets.collect::<Vec<Value>>(),
        "settings": { "keyUiLocale": "en", "keyDbLocale": null },
    });
    // Old servers keep the name in an object of its own.
    if view.version <= Version::V36 {
        whole["userCredentials"] = json!({ "username": account.user });
    }
    if view.version >= Version::V36 {
        whole["username"] = account.user.into();
    }
    let fields: Vec<&str> = query.all("fields").collect();
    let body = if fields.is_empty() { whole } else { Fields::new(&fields.join(",")).pick(&whole) };
    answer::json(StatusCode::OK, &body)
}
