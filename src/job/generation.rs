//! Another reading into the same review file: its plan is put in the places of the one before, and what was decided on values
//! that did not move stands. Making the plan is not here.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Result, bail};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    fetch::Ask,
    reach::Finer,
    report::Reading,
    session::{Opened, Session},
};
use crate::{
    domain::{generation::align, head::NOT_READ, plan::Plan, text::shell_word},
    io::store::{FacilityHistory, FacilityParts},
};

/// What is chosen for one data set that is not quarterly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pick {
    /// Its id.
    pub data_set: String,
    /// What is made of it; `None` takes a choice back, so that nothing is proposed until another is made.
    pub finer: Option<Finer>,
}

impl Session {
    /// Reads both sides into the review file, whole or not at all, and opens it. Into a file that holds a reading already goes the
    /// next one; what was chosen there for data sets that are not quarterly stays chosen where `ask` does not say otherwise.
    pub async fn read(&self, ask: &Ask, progress: watch::Sender<Reading>, stop: CancellationToken) -> Result<Opened> {
        if self.store.is_blank().await? {
            return self.read_as(ask, progress, stop).await;
        }
        let ask = self.following(ask).await?;
        self.read_as(&ask, progress, stop).await
    }

    /// Reads both sides again into this review, as the next generation. What was chosen in it for data sets that are not quarterly
    /// stays chosen, but for `pick`; what `ask` says of them does not count.
    ///
    /// Fails where the file holds no reading yet, and as [`Session::read`] does; the review is then what it was.
    pub async fn read_again(
        &self,
        ask: &Ask,
        pick: Option<Pick>,
        progress: watch::Sender<Reading>,
        stop: CancellationToken,
    ) -> Result<Opened> {
        let mut chosen = self.chosen().await?;
        if let Some(Pick { data_set, finer }) = pick {
            match finer {
                Some(finer) => _ = chosen.insert(data_set, finer),
                None => _ = chosen.remove(&data_set),
            }
        }
        self.read_as(&choosing(ask, chosen), progress, stop).await
    }

    /// The same with what was chosen in this review, as far as `ask` does not choose itself.
    pub(super) async fn following(&self, ask: &Ask) -> Result<Ask> {
        let mut chosen = self.chosen().await?;
        chosen.extend(ask.reach.finer.iter().cloned());
        Ok(choosing(ask, chosen))
    }

    /// What was chosen in this review. Fails where forms of it are not settled: the next reading would not know whether what it
    /// finds in a case is theirs.
    async fn chosen(&self) -> Result<BTreeMap<String, Finer>> {
        let kept = self.store.load().await?;
        if kept.plan.head.undo.is_some() {
            bail!("nothing was read: {NOT_READ}");
        }
        let open = kept.forms.iter().filter(|form| form.is_open()).count();
        if open > 0 {
            bail!(
                "nothing was read: {open} of the forms sent are not settled, so what the cases hold is not certain. onse verify {0} \
                 or v on tab 4 of onse review {0} looks at them again; where a form stays open for good, the rest goes into a new review: \
                 onse review --new",
                shell_word(&self.path().display().to_string())
            );
        }
        Ok(kept.plan.head.choices.iter().map(|(set, choice)| (set.clone(), choice.into())).collect())
    }

    /// Keeps `plan`, whose ordinals and generation may be any, as the next generation of this review and opens it. `parts` name
    /// facilities by their ordinals in `plan`. Decisions stand where old and new value are what they were, the others are in
    /// [`Opened::reset`], and a change that was approved has a STOP where they moved; cells that are in a form stay sent.
    ///
    /// Fails, and changes nothing, where the plan is of another project, quarter or case type. Not to be called while forms are
    /// being sent.
    pub async fn next_generation(
        &self,
        plan: &Plan,
        parts: Vec<FacilityParts>,
        history: Vec<FacilityHistory>,
    ) -> Result<Opened> {
        let Opened { plan: before, ledger, .. } = self.open().await?;
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
        let aligned = align(&before, &ledger, plan);
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

fn choosing(ask: &Ask, chosen: BTreeMap<String, Finer>) -> Ask {
    let mut ask = ask.clone();
    ask.reach.finer = chosen.into_iter().collect();
    ask
}
