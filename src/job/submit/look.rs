//! Reading back: what the cases of a form hold, and what that settles.

use std::{sync::Arc, time::Duration};

use anyhow::Result;

use super::{
    super::now::{Cases, as_planned, facilities, value_of},
    Goal, Run, cells_of,
};
use crate::{
    domain::{
        outcome::{Outcome, read_back},
        value::same,
    },
    io::{
        commcare::CaseRecord,
        http::{Side, signed_out},
        store::{Form, FormCell, Seen},
    },
};

/// Times the cases are read back before a value that does not show is left as accepted.
const LOOKS: u32 = 5;
/// Pause before reading back again; the search index refreshes about every 5 s (commcare.md section 8.3).
const LOOK_PAUSE: Duration = Duration::from_secs(5);

/// What is said while the index lags.
const NOT_SEEN_YET: &str = "what was accepted does not show yet; reading back again";

/// Whether what the search index shows of a case is no older than what it was checked with for the form: then our value can only have
/// come there since. An index that is older may show the same value from long before. Where `CommCare` tells no times its word is taken.
fn is_after(form: &Form, cell: &FormCell, case: &CaseRecord) -> bool {
    let (since, changed) = (form.since(cell.facility), case.changed());
    since.zip(changed).is_none_or(|(since, changed)| changed >= since)
}

impl Run<'_> {
    /// Reads the cases of a form once, keeps what settles a cell, and answers the cases. With `sure` the database is asked about
    /// every case that does not show our value in the index, as far as the allowance goes. The outer error is the review file's.
    pub(super) async fn look(&mut self, at: usize, sure: bool) -> Result<Result<Cases>> {
        let (form, plan) = (&self.forms[at], &self.plan);
        let open: Vec<&FormCell> = form.cells.iter().filter(|cell| !form.outcome_of(cell.cell()).settled()).collect();
        // A form that may have to go again is looked at whole: all of its cells would be written again.
        let whole = form.sent != Outcome::Accepted;
        let asked = if whole { cells_of(form) } else { open.iter().map(|cell| cell.cell()).collect() };
        let shows = |cell: &FormCell, case: Option<&CaseRecord>| {
            let case = as_planned(plan, cell.cell(), case).ok().filter(|case| is_after(form, cell, case));
            case.is_some_and(|case| same(value_of(plan, cell.cell(), case), Some(&cell.new)))
        };
        let doubt = |facility, case: Option<&CaseRecord>| {
            // Cells stand facility by facility.
            let from = open.partition_point(|cell| cell.facility < facility);
            sure && open[from..].iter().take_while(|cell| cell.facility == facility).any(|cell| !shows(cell, case))
        };
        let read = self.eyes().cases(&facilities(asked), doubt).await;
        let cases = match read {
            Ok(cases) => cases,
            Err(error) => {
                self.refused |= signed_out(&error) == Some(Side::CommCare);
                return Ok(Err(error));
            }
        };
        let mut seen: Vec<Seen> = open.iter().filter_map(|cell| self.seen(form, cell, &cases)).collect();
        seen.extend(self.overwritten(form, &seen, &cases));
        self.see(at, seen).await?;
        Ok(Ok(cases))
    }

    /// What one cell shows, where that settles it.
    fn seen(&self, form: &Form, cell: &FormCell, cases: &Cases) -> Option<Seen> {
        let case = cases.found.get(&cell.facility);
        let proof = form.sent == Outcome::Accepted && cases.sure.contains(&cell.facility);
        let value = case.and_then(|case| value_of(&self.plan, cell.cell(), case));
        // A case that is gone holds no value, not an empty one.
        let outcome = match case {
            Some(case) if cases.sure.contains(&cell.facility) || is_after(form, cell, case) => {
                read_back(&cell.new, value, proof)?
            }
            None if proof => Outcome::NotApplied,
            // An index as it was before the form says nothing of it, also where it shows our value.
            Some(_) | None => return None,
        };
        Some(Seen { cell: cell.cell(), outcome, value: value.map(str::to_owned) })
    }

    /// Cells of an unanswered form that hold somebody's newer value, where all others of it show ours: it took effect, whole or not
    /// at all (commcare.md section 5.4), and does not have to go again. `seen` is what was found now.
    fn overwritten(&self, form: &Form, seen: &[Seen], cases: &Cases) -> Vec<Seen> {
        let mut newer = Vec::new();
        if !matches!(form.sent, Outcome::Frozen | Outcome::Unknown) {
            return newer;
        }
        let applied = |cell: &FormCell| {
            form.outcome_of(cell.cell()) == Outcome::Applied
                || seen.iter().any(|one| one.cell == cell.cell() && one.outcome == Outcome::Applied)
        };
        for cell in form.cells.iter().filter(|cell| !applied(cell)) {
            let case = cases.found.get(&cell.facility).filter(|_| cases.sure.contains(&cell.facility));
            let Some(case) = case else { return Vec::new() };
            let value = value_of(&self.plan, cell.cell(), case);
            if same(value, cell.old.as_deref()) {
                return Vec::new();
            }
            newer.push(Seen { cell: cell.cell(), outcome: Outcome::NotApplied, value: value.map(str::to_owned) });
        }
        if newer.len() * 2 < form.cells.len() { newer } else { Vec::new() }
    }

    async fn see(&mut self, at: usize, seen: Vec<Seen>) -> Result<()> {
        if seen.is_empty() {
            return Ok(());
        }
        let number = self.forms[at].number;
        // HQ took the form, so the approval is spent: what did not last is looked at again before it goes again.
        let lost = seen.iter().filter(|one| one.outcome == Outcome::NotApplied).map(|one| one.cell);
        let stamp = self.session.stamp();
        let reset = self.ledger.forget(&self.plan, lost, &stamp);
        let reset = reset.map(|entry| (entry, Arc::clone(&self.plan)));
        self.session.store.keep_seen(number, seen.clone(), reset, stamp).await?;
        self.forms[at].see(seen);
        self.show(at);
        Ok(())
    }

    /// Reads back until everything accepted was seen, or patience ends, the last time with the database. A form without an answer is
    /// looked at once, with it. Answers the last thing that went wrong, if any still does.
    pub(super) async fn read_back_patiently(&mut self) -> Result<Option<anyhow::Error>> {
        let mut failed = None;
        if self.refused {
            return Ok(failed);
        }
        for look in 0..LOOKS {
            // What has no answer does not show by waiting; it is looked at once.
            let waits = |form: &Form| form.is_open() && (look == 0 || form.sent == Outcome::Accepted);
            let open: Vec<usize> = (0..self.forms.len()).filter(|at| waits(&self.forms[*at])).collect();
            if open.is_empty() || self.steering.abandon.is_cancelled() {
                return Ok(failed.filter(|_| !open.is_empty()));
            }
            if look > 0 {
                self.say(|state| state.note = Some(NOT_SEEN_YET.to_owned()));
                tokio::select! {
                    biased;
                    () = self.steering.abandon.cancelled() => return Ok(failed),
                    () = (self.session.sleep)(LOOK_PAUSE) => {}
                }
            }
            failed = None;
            // The database is asked when the index had its time; who only verifies comes later anyway.
            let sure = look + 1 == LOOKS || self.goal == Goal::Verify;
            for at in open {
                let sure = sure || self.forms[at].sent != Outcome::Accepted;
                if let Err(error) = self.look(at, sure).await? {
                    if self.refused {
                        return Ok(Some(error));
                    }
                    failed = Some(error);
                }
            }
        }
        Ok(failed)
    }
}
