//! A form that may have left already: whether the same bytes may go again, and what is said where they may not. Never makes a form.

use anyhow::Result;

use super::{
    super::{now::moved, preflight::held, recheck::moved_totals, report::Held},
    Run, STOPPED, cells_of,
    deliver::Fate,
};
use crate::domain::{outcome::Outcome, plan::Cell};

/// What is left to do about a form that nothing here settles.
const WAY_OUT: &str = "Look for its id in CommCare (Reports, Submit History); where it is, its values are in the cases, and where it is not, \
    what is still to be done goes into a new review: onse review --new.";
/// Whether a form may be sent again.
pub(super) enum Again {
    /// Reading back settled it.
    Settled,
    /// Nothing moved.
    Stands,
    /// These cells moved.
    Moved(Vec<Held>),
    /// That could not be seen, and why.
    Unread(String),
}

impl Run<'_> {
    /// Forms of an earlier run that may have left: settled by reading back, else by the same bytes. The server knows their ids,
    /// so they take effect once. Not sent while a case of theirs holds a third value: that one is somebody's newer number.
    pub(super) async fn settle_earlier(&mut self) -> Result<Option<String>> {
        let mut gone_on = false;
        for at in 0..self.forms.len() {
            if !matches!(self.forms[at].sent, Outcome::Frozen | Outcome::Unknown) || !self.forms[at].is_open() {
                continue;
            }
            if self.steering.stop.is_cancelled() {
                return Ok(Some(STOPPED.to_owned()));
            }
            let bytes = match self.may_go_again(at, true).await? {
                Again::Settled => continue,
                Again::Unread(why) => return Ok(Some(why)),
                Again::Moved(held) => {
                    self.leave_open(at, held).await?;
                    continue;
                }
                Again::Stands => self.session.store.form_bytes(self.forms[at].number).await?,
            };
            match self.deliver(at, bytes.into(), true).await? {
                Fate::Through | Fate::Open | Fate::Redo => {}
                Fate::Stop(why) if self.forms[at].sent == Outcome::Unknown && !gone_on && !self.refused => {
                    // One form that gets no answer does not keep the others back; two are the server.
                    gone_on = true;
                    self.unsettled.push(format!("{why}. {WAY_OUT}"));
                }
                // Of one that is dead the cells are approved as before and go out in a later run, under a new count.
                Fate::Stop(why) | Fate::Halve(why) | Fate::Shrink(why) => return Ok(Some(why)),
            }
        }
        Ok(None)
    }

    /// Looks whether a form may be sent again: nothing moved on either side since it was made. `source` says whether DHIS2 is asked.
    pub(super) async fn may_go_again(&mut self, at: usize, source: bool) -> Result<Again> {
        let number = self.forms[at].number;
        let unread =
            |error| Again::Unread(format!("form {number} is not sent again before both sides are read: {error:#}"));
        let mut gone = match self.look(at, true).await? {
            Ok(cases) => moved(&self.plan, &self.forms[at].cells, &cases.found),
            Err(error) => return Ok(unread(error)),
        };
        if !self.forms[at].is_open() {
            return Ok(Again::Settled);
        }
        if source && self.plan.head.undo.is_none() {
            let form = &self.forms[at];
            let open: Vec<Cell> = cells_of(form).into_iter().filter(|cell| !form.outcome_of(*cell).settled()).collect();
            match moved_totals(&self.sources.dhis2, &self.plan, &open).await {
                Ok(totals) => gone.extend(totals.into_iter().map(|(cell, why)| held(&self.plan, cell, why))),
                Err(error) => return Ok(unread(error)),
            }
        }
        Ok(if gone.is_empty() { Again::Stands } else { Again::Moved(gone) })
    }

    /// A form that may have left and may not go again, since these cells of it moved. It stays open.
    pub(super) async fn leave_open(&mut self, at: usize, held: Vec<Held>) -> Result<()> {
        let (number, id) = (self.forms[at].number, self.forms[at].form_id.clone());
        let why = format!(
            "form {number} stays {} and is not sent again: {} of its cells moved since it was made, so sending it might undo somebody's \
             change. {WAY_OUT} Its id is {id}",
            self.forms[at].sent.stands(),
            held.len(),
        );
        // The cells stay in the form; their approval is spent on it.
        self.hold(held.into_iter().map(|one| Held { moved: false, ..one }).collect()).await?;
        self.unsettled.push(why);
        Ok(())
    }
}
