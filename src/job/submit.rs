//! Sending: what is approved is checked against the cases as they are now, frozen into forms, sent one by one and read back.
//!
//! No byte of a form leaves before its bytes and id are on the disk, and they are never built twice (fault matrix P1, P2).
//! Nothing is called APPLIED that was not seen (P3).

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Result, bail};
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    forms::{
        Judged, Next, Sorted, bytes, cases_now, chunks, fates, form_count, forms_now, fresh_id, judge, line, line_of,
        moved, place, stamp, three_way, value_of,
    },
    report::{Check, FormLine, Held, Level, Phase, Sending},
    session::{Opened, Session, Sources},
};
use crate::{
    domain::{
        flags::Severity,
        ledger::Ledger,
        outcome::{Outcome, read_back},
        plan::{Cell, Plan},
        value::grouped,
    },
    io::{
        commcare::{CaseRecord, Receipt},
        store::{Form, FormCell, Seen, Used},
    },
};

/// Tries with the same bytes before a form is left as it is.
const TRIES: u32 = 6;
/// First pause between two tries, doubled each time up to [`LONGEST_PAUSE`] (fault matrix section 2).
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// Longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// Times the cases are read back before a value that does not show is left as accepted.
const LOOKS: u32 = 5;
/// Pause before reading back again; the search index refreshes about every 5 s (commcare.md section 8.3).
const LOOK_PAUSE: Duration = Duration::from_secs(5);

/// Why nothing more is sent after a person said stop.
const STOPPED: &str = "stopped between forms; submit again to go on";
/// How a form that is open is settled.
const GO_ON: &str = "Submit again: its cases are read first, then the same bytes go, and they take effect once";
/// What is said while the index lags.
const NOT_SEEN_YET: &str = "what was accepted does not show yet; reading back again";

/// How a person steers a submission. Each is looked at between forms; `abandon` also ends a wait.
#[derive(Clone, Debug)]
pub struct Steering {
    /// Stop after the form under way.
    pub stop: CancellationToken,
    /// Leave the request under way: its form becomes UNKNOWN.
    pub abandon: CancellationToken,
    /// Whether to wait between forms.
    pub pause: watch::Receiver<bool>,
}

/// A submission under way.
struct Run<'a> {
    session: &'a Session,
    sources: Sources,
    plan: Arc<Plan>,
    used: Used,
    username: String,
    /// Changes that may still be sent.
    limit: usize,
    forms: Vec<Form>,
    /// Forms of an earlier run that stay open, and why.
    unsettled: Vec<String>,
    state: Arc<Mutex<Sending>>,
    progress: watch::Sender<Sending>,
    steering: Steering,
    started: Timestamp,
}

impl Session {
    /// Reads the cases of the approved cells again and says what would be sent and what would be held. Changes nothing.
    pub async fn check(&self, plan: &Plan, ledger: &Ledger) -> Result<Check> {
        let used = self.store.used().await?;
        let sources = self.sources(Arc::new(|_| {}))?;
        let cells: Vec<Cell> = ledger.to_send(plan).collect();
        let Sorted { send, elsewhere, held } = three_way(&sources, plan, &cells).await?;
        let ready: Vec<Cell> = send.iter().map(FormCell::cell).collect();
        let facilities = ready.chunk_by(|a, b| a.facility == b.facility).count();
        let mut lines = vec![(
            Level::Ok,
            format!("cases read again: {} of {} cells as they were", number(ready.len()), number(cells.len())),
        )];
        if !elsewhere.is_empty() {
            lines.push((
                Level::Ok,
                format!("{} cells hold the new value already and need no form", number(elsewhere.len())),
            ));
        }
        for one in held.iter().take(3) {
            lines.push((Level::Look, format!("held: {}: {}", place(plan, one.cell), one.why)));
        }
        if held.len() > 3 {
            lines.push((Level::Look, format!("{} more are held", held.len() - 3)));
        }
        let stops = ready.iter().filter(|cell| plan.severity(**cell) == Some(Severity::Stop)).count();
        if stops > 0 {
            lines.push((Level::Look, format!("{stops} STOP approved, each with a reason")));
        }
        let zeros = ready.iter().filter(|cell| plan.may_be_zero(**cell)).count();
        if zeros > 0 {
            lines.push((Level::Look, format!("{} write 0 where DHIS2 may not have stored one", number(zeros))));
        }
        if ready.is_empty() {
            lines.push((Level::Stop, "nothing to send".to_owned()));
        }
        lines.extend(self.stale(plan).map(|why| (Level::Stop, why)));
        let at = self.now();
        let forms = form_count(&ready, used.chunk_size);
        let stamp = stamp(&used, (self.clock)());
        Ok(Check { at, changes: ready.len(), facilities, forms, held, lines, stamp })
    }

    /// The forms as they stand now; see [`forms_now`]. Reads the review file only.
    pub async fn forms_now(&self, username: &str) -> Result<Vec<Vec<u8>>> {
        let loaded = self.store.load().await?;
        let used = loaded.used.clone();
        let Opened { plan, ledger, .. } = super::session::opened(loaded)?;
        forms_now(&plan, &ledger, &used, username, (self.clock)())
    }

    /// Sends every approved cell that is still as it was when decided, and reads it back. Forms of an earlier run are settled
    /// first: with the same bytes, or by reading back, never by a new form.
    ///
    /// At most `limit` changes are sent, which is the number the person confirmed: one that was held when it was counted and
    /// is not held any more would be one too many, so sending stops before that form.
    ///
    /// With a limit of 0 it only settles. With another, a review that is too old is refused (see [`Session::stale_after`]).
    ///
    /// An error means that nothing more could be done; what was done until then is in the review file.
    pub async fn submit(
        &self,
        username: &str,
        limit: usize,
        progress: watch::Sender<Sending>,
        steering: Steering,
    ) -> Result<Sending> {
        let loaded = self.store.load().await?;
        let used = loaded.used.clone();
        let Opened { plan, ledger, forms, .. } = super::session::opened(loaded)?;
        // Settling what was sent before makes no new form, so it is never too late for it.
        if let Some(why) = self.stale(&plan).filter(|_| limit > 0) {
            bail!("{why}");
        }
        let state = Arc::new(Mutex::new(Sending::default()));
        let waits = (Arc::clone(&state), progress.clone());
        let sources = self.sources(Arc::new(move |wait| {
            let mut state = waits.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.note = Some(format!("{}: {}; next try in {} s", wait.side, wait.cause, wait.pause.as_secs()));
            waits.1.send_replace(state.clone());
        }))?;
        let started = (self.clock)();
        let username = username.to_owned();
        let unsettled = Vec::new();
        let mut run = Run {
            session: self,
            sources,
            plan,
            used,
            username,
            limit,
            forms,
            unsettled,
            state,
            progress,
            steering,
            started,
        };
        run.go(&ledger).await
    }
}

impl Run<'_> {
    async fn go(&mut self, ledger: &Ledger) -> Result<Sending> {
        let cells: Vec<Cell> = ledger.to_send(&self.plan).collect();
        let groups = chunks(&cells, self.used.chunk_size);
        if groups.is_empty() && !self.forms.iter().any(Form::is_open) {
            bail!("nothing to send: no approved change is left that was not sent already");
        }
        let before: Vec<FormLine> = self.forms.iter().map(|form| line_of(&self.plan, form)).collect();
        let waiting = groups.iter().enumerate().map(|(at, group)| line(&self.plan, self.forms.len() + at + 1, group));
        let lines = before.into_iter().chain(waiting).collect();
        self.say(|state| state.forms = lines);
        let mut stopped = self.settle_earlier().await?;
        for group in &groups {
            if stopped.is_none() {
                stopped = self.between_forms().await;
            }
            if stopped.is_some() {
                break;
            }
            stopped = self.send_group(group).await?;
        }
        self.say(|state| state.phase = Phase::ReadingBack);
        if let Some(error) = self.read_back_patiently().await {
            let why = format!("reading back failed, so what was accepted is not called applied: {error:#}");
            stopped.get_or_insert(why);
        }
        let stopped = stopped.or_else(|| (!self.unsettled.is_empty()).then(|| self.unsettled.join(". ")));
        Ok(self.say(|state| {
            state.phase = Phase::Ended;
            state.note = stopped;
        }))
    }

    /// Forms of an earlier run that may have left: settled by reading back, else by the same bytes. The server knows their ids,
    /// so they take effect once. Not sent while a case of theirs holds a third value: that one is somebody's newer number.
    async fn settle_earlier(&mut self) -> Result<Option<String>> {
        for at in 0..self.forms.len() {
            if !matches!(self.forms[at].sent, Outcome::Frozen | Outcome::Unknown) || !self.forms[at].is_open() {
                continue;
            }
            if self.steering.stop.is_cancelled() {
                return Ok(Some(STOPPED.to_owned()));
            }
            let number = self.forms[at].number;
            let now = match self.look(at).await {
                Ok(now) => now,
                Err(error) => {
                    return Ok(Some(format!("form {number} is not sent again before its cases are read: {error:#}")));
                }
            };
            if !self.forms[at].is_open() {
                continue;
            }
            let moved = moved(&self.plan, &self.forms[at].cells, &now);
            if moved.is_empty() {
                let stop = self.deliver(at, true).await?;
                if stop.is_some() {
                    return Ok(stop);
                }
                continue;
            }
            let why = format!(
                "form {number} stays UNKNOWN and is not sent again: {} of its cells hold a third value, so sending it might undo \
                 somebody's change. Look at them in CommCare; the form's id is {}",
                moved.len(),
                self.forms[at].form_id
            );
            self.say(|state| state.held.extend(moved));
            self.unsettled.push(why);
        }
        Ok(None)
    }

    /// Waits while paused; says why to stop, if so.
    async fn between_forms(&mut self) -> Option<String> {
        let steering = self.steering.clone();
        let mut pause = steering.pause.clone();
        let mut paused = false;
        while *pause.borrow_and_update() && !steering.stop.is_cancelled() {
            paused = true;
            self.say(|state| state.note = Some("paused between forms".to_owned()));
            tokio::select! {
                () = steering.stop.cancelled() => {}
                changed = pause.changed() => if changed.is_err() { break },
            }
        }
        if paused {
            self.say(|state| state.note = None);
        }
        steering.stop.is_cancelled().then(|| STOPPED.to_owned())
    }

    /// Checks, freezes and sends one form. Says why to stop, if so.
    async fn send_group(&mut self, group: &[Cell]) -> Result<Option<String>> {
        let number = self.forms.len() + 1;
        let Sorted { send: cells, elsewhere, held } = match three_way(&self.sources, &self.plan, group).await {
            Ok(sorted) => sorted,
            Err(error) => return Ok(Some(format!("stopped before form {number}: {error:#}"))),
        };
        let settled = |one: &Held| Seen { cell: one.cell, outcome: Outcome::Applied, value: one.now.clone() };
        self.session.store.keep_seen(0, elsewhere.iter().map(settled).collect(), self.session.now()).await?;
        self.say(|state| {
            state.phase = Phase::Sending;
            state.held.extend(held);
            state.elsewhere.extend(elsewhere);
        });
        if cells.is_empty() {
            self.say(|state| drop_line(&mut state.forms, number));
            return Ok(None);
        }
        let Some(rest) = self.limit.checked_sub(cells.len()) else {
            return Ok(Some(format!(
                "stopped before form {number}: a change that was held is ready now, so more would be sent than was confirmed. \
                 Submit again to count anew"
            )));
        };
        self.limit = rest;
        let form = self.freeze(number, cells).await?;
        self.forms.push(form);
        self.show(number - 1);
        let stop = self.deliver(number - 1, false).await?;
        // A look at once; what the index does not show yet is looked for again at the end.
        if let Err(error) = self.look(number - 1).await {
            self.say(|state| state.note = Some(format!("form {number} could not be read back yet: {error:#}")));
        }
        Ok(stop)
    }

    /// Makes the bytes of a form and keeps them with a fresh id; both are on the disk when this returns.
    async fn freeze(&self, number: usize, cells: Vec<FormCell>) -> Result<Form> {
        let form_id = fresh_id();
        let bytes = bytes(&self.plan, &cells, &self.used, &self.username, &form_id, (self.session.clock)())?;
        let form = Form {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            form_id,
            generation: self.plan.head.generation,
            frozen_at: self.session.now(),
            bytes,
            cells,
            sent: Outcome::Frozen,
            answer: None,
            seen: Vec::new(),
        };
        self.session.store.freeze(form.clone()).await?;
        Ok(form)
    }

    /// Sends a frozen form until its fate is known, patience ends, or a person said stop. `left` says whether an earlier run
    /// may have sent it. Says why to stop, if so.
    async fn deliver(&mut self, at: usize, mut left: bool) -> Result<Option<String>> {
        let (number, id) = (self.forms[at].number, self.forms[at].form_id.clone());
        let bytes = Bytes::from(self.forms[at].bytes.clone());
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let receipt = tokio::select! {
                biased;
                () = self.steering.abandon.cancelled() => Receipt::Unknown { why: "the request was abandoned".to_owned() },
                receipt = self.sources.commcare.submit(bytes.clone(), &id) => receipt,
            };
            let Judged { sent, answer, next } = judge(receipt, left);
            left |= sent != Outcome::Frozen;
            self.session.store.keep_sent(number, sent, answer.clone()).await?;
            let form = &mut self.forms[at];
            form.sent = sent;
            form.answer = answer;
            self.show(at);
            let (named, why) = match next {
                Next::GoOn => return Ok(None),
                Next::Stop(why) => return Ok(Some(format!("form {number}: {why}"))),
                Next::Again(named, why) => (named, why),
            };
            if self.steering.stop.is_cancelled() || attempt == TRIES {
                return Ok(Some(format!("form {number} is {}: {why}. {GO_ON}", sent.name())));
            }
            let wait = named.unwrap_or(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
            let note = format!("form {number}: {why}; the same bytes are sent again in {} s", wait.as_secs());
            self.say(|state| state.note = Some(note));
            tokio::select! {
                () = (self.session.sleep)(wait) => {}
                () = self.steering.stop.cancelled() => return Ok(Some(format!("form {number} is {}: {why}. {GO_ON}", sent.name()))),
            }
        }
        Ok(None)
    }

    /// Reads the cases of a form once, keeps what settles a cell, and answers the cases.
    async fn look(&mut self, at: usize) -> Result<BTreeMap<u32, CaseRecord>> {
        let form = &self.forms[at];
        let cells: Vec<Cell> = form.cells.iter().map(FormCell::cell).collect();
        let now = cases_now(&self.sources, &self.plan, &cells).await?;
        let frozen: Option<Timestamp> = form.frozen_at.parse().ok();
        let mut seen = Vec::new();
        for cell in form.cells.iter().filter(|cell| !form.outcome_of(cell.cell()).settled()) {
            let Some(case) = now.get(&cell.facility) else { continue };
            let changed: Option<Timestamp> = case.server_last_modified.as_ref().and_then(|at| at.parse().ok());
            let later =
                form.sent == Outcome::Accepted && changed.zip(frozen).is_some_and(|(changed, frozen)| changed > frozen);
            let value = value_of(&self.plan, cell.cell(), case);
            if let Some(outcome) = read_back(cell.old.as_deref(), &cell.new, value, later) {
                seen.push(Seen { cell: cell.cell(), outcome, value: value.map(str::to_owned) });
            }
        }
        if !seen.is_empty() {
            self.session.store.keep_seen(form.number, seen.clone(), self.session.now()).await?;
            self.forms[at].seen.extend(seen);
            self.show(at);
        }
        Ok(now)
    }

    /// Reads back until everything sent was seen, or patience ends. Answers the last thing that went wrong, if any still does.
    async fn read_back_patiently(&mut self) -> Option<anyhow::Error> {
        let mut failed = None;
        for look in 0..LOOKS {
            let open: Vec<usize> = (0..self.forms.len()).filter(|at| self.forms[*at].is_open()).collect();
            if open.is_empty() || self.steering.abandon.is_cancelled() {
                return failed.filter(|_| !open.is_empty());
            }
            if look > 0 {
                self.say(|state| state.note = Some(NOT_SEEN_YET.to_owned()));
                tokio::select! {
                    () = (self.session.sleep)(LOOK_PAUSE) => {}
                    () = self.steering.abandon.cancelled() => return failed,
                }
            }
            failed = None;
            for at in open {
                if let Err(error) = self.look(at).await {
                    failed = Some(error);
                }
            }
        }
        failed
    }

    /// Shows a form as it is now.
    fn show(&self, at: usize) {
        let line = line_of(&self.plan, &self.forms[at]);
        self.say(|state| state.forms[at] = line);
    }

    /// Changes what is shown and recounts it.
    fn say(&self, change: impl FnOnce(&mut Sending)) -> Sending {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let fates = fates(&self.forms);
        let count = |outcome| fates.values().filter(|fate| **fate == outcome).count();
        state.applied = count(Outcome::Applied);
        state.accepted = count(Outcome::Accepted);
        state.not_applied = count(Outcome::NotApplied);
        state.unknown = count(Outcome::Unknown) + count(Outcome::Frozen);
        let waiting: usize = state.forms.iter().filter(|line| line.form_id.is_none()).map(|line| line.changes).sum();
        state.changes = fates.len() + waiting;
        state.elapsed = (self.session.clock)().duration_since(self.started).unsigned_abs();
        self.progress.send_replace(state.clone());
        state.clone()
    }
}

fn number(n: usize) -> String {
    grouped(&n.to_string())
}

/// Takes out the line of a form that has nothing to send; those after it move up.
fn drop_line(lines: &mut Vec<FormLine>, number: usize) {
    lines.retain(|line| line.number != number);
    for line in lines.iter_mut().filter(|line| line.number > number) {
        line.number -= 1;
    }
}
