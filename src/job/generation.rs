//! Another reading into the same review file: its plan is put in the places of the one before, and what was decided on values
//! that did not move stands. Making the plan is not here.

use std::sync::Arc;

use anyhow::{Result, bail};

use super::session::{Opened, Session};
use crate::{
    domain::{generation::align, plan::Plan},
    io::store::{FacilityHistory, FacilityParts},
};

impl Session {
    /// Keeps `plan`, whose ordinals and generation may be any, as the next generation of this review and opens it. `parts` name
    /// facilities by their ordinals in `plan`. Decisions stand where old and new value are what they were, the others are in
    /// [`Opened::reset`]; cells that are in a form stay sent.
    ///
    /// Fails, and changes nothing, where the plan is of another project, quarter or case type. Not to be called while forms are
    /// being sent.
    pub async fn next_generation(
        &self,
        plan: &Plan,
        parts: Vec<FacilityParts>,
        history: Vec<FacilityHistory>,
    ) -> Result<Opened> {
        let before = self.store.load().await?.plan;
        let about = |plan: &Plan| (plan.head.project.clone(), plan.head.quarter, plan.head.case_type.clone());
        if about(&before) != about(plan) {
            bail!(
                "the new reading is of {} in {}, the review of {} in {}; nothing was changed. A new review is begun with onse \
                 review --new",
                plan.head.quarter,
                plan.head.project,
                before.head.quarter,
                before.head.project
            );
        }
        let used = self.store.used().await?;
        let aligned = align(&before, plan);
        let (mut parts, mut history) = (parts, history);
        let at = parts.iter_mut().map(|one| &mut one.facility).chain(history.iter_mut().map(|one| &mut one.facility));
        for facility in at {
            let place = usize::try_from(*facility).ok().and_then(|at| aligned.facilities.get(at));
            let Some(place) = place else { bail!("there are rows of a facility that is not in the plan") };
            *facility = *place;
        }
        self.store.save_plan(Arc::new(aligned.plan), used, parts, history).await?;
        self.open().await
    }
}
