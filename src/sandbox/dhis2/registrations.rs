//! `GET completeDataSetRegistrations` (dhis2.md section 3.3).

use std::fmt::Write;

use axum::response::Response;
use http::StatusCode;

use super::{
    View, no_store,
    rows::clerk,
    rules::{Broken, Rule},
    selection::Selection,
};
use crate::sandbox::{answer, query::Query};

/// Every registration of the reports asked for. The empty answer has no list in any version. Units are looked for below
/// those for entering data, whoever asks.
pub(crate) fn registrations(view: &View<'_>, query: &Query) -> Response {
    let view = &View { lenient: true, ..*view };
    let selection = match Selection::new(view, query) {
        Ok(selection) => selection,
        Err(refused) => return *refused,
    };
    let none = selection.sets.known.is_empty().then(|| Broken::new(view.version, &Rule::NoSet));
    let broken = none.or_else(|| selection.broken_rule(view));
    if let Some(broken) = broken.or_else(|| selection.forbidden(view, &view.account.capture)) {
        return broken.answer();
    }
    let mut left = selection.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let mut body = "{\"completeDataSetRegistrations\":[".to_owned();
    let first = body.len();
    for facility in selection.facilities(view) {
        let (unit, clerk) = (view.country.facility_uid(facility), clerk(view.country, facility));
        for (period, when) in &selection.periods {
            for &set in selection.sets.known.iter().take(left) {
                let Some((day, complete)) = view.registration(facility, set, &period.id, *when) else { continue };
                let set = &view.country.model.sets[set];
                let combos = view.country.model.combos[set.combo].cocs.clone();
                for coc in combos.filter(|&coc| view.account.reads_combo(view.country, coc)).take(left) {
                    let comma = if body.len() > first { "," } else { "" };
                    let _ = write!(
                        body,
                        "{comma}{{\"period\":\"{}\",\"dataSet\":\"{}\",\"organisationUnit\":\"{unit}\",\
                         \"attributeOptionCombo\":\"{}\",\"date\":\"{day}\",\"storedBy\":\"{clerk}\",\
                         \"completed\":{complete}}}",
                        period.id, set.uid, view.country.model.cocs[coc].uid,
                    );
                    left -= 1;
                }
            }
        }
    }
    let body = if body.len() > first { body + "]}" } else { "{}".to_owned() };
    no_store(answer::body(StatusCode::OK, "application/json", body))
}
