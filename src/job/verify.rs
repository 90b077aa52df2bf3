//! What the cases hold of forms whose recorded outcomes cannot be trusted. Sends nothing, writes nothing.

use std::sync::Mutex;

use anyhow::Result;
use jiff::Timestamp;
use tokio::sync::watch;

use super::{
    forms::standing,
    now::{Eyes, facilities, value_of},
    report::Sending,
    session::Sources,
};
use crate::{
    domain::{outcome::read_back, plan::Plan},
    io::store::{Form, FormCell, Seen},
};

/// Every form with what its cases show now: APPLIED where they hold what it set, else UNKNOWN.
pub async fn as_they_stand(
    sources: &Sources,
    plan: &Plan,
    mut forms: Vec<Form>,
    now: Timestamp,
    progress: &watch::Sender<Sending>,
) -> Result<Sending> {
    let allowance = Mutex::default();
    for at in 0..forms.len() {
        let eyes = Eyes { sources, plan, allowance: &allowance, now, stops: false };
        let cases = eyes.cases(&facilities(forms[at].cells.iter().map(FormCell::cell)), |_, _| false).await?;
        let seen = forms[at].cells.iter().filter_map(|cell| {
            let value = value_of(plan, cell.cell(), cases.found.get(&cell.facility)?);
            let outcome = read_back(&cell.new, value, false)?;
            Some(Seen { cell: cell.cell(), outcome, value: value.map(str::to_owned) })
        });
        let seen = seen.collect();
        forms[at].see(seen);
        if let Some(standing) = standing(plan, &forms) {
            progress.send_replace(standing);
        }
    }
    Ok(standing(plan, &forms).unwrap_or_default())
}
