//! Sending: what is approved is checked against both servers as they are now, frozen into forms, sent one by one and read back.
//!
//! No byte of a form leaves before its bytes and id are on the disk, and they are never built twice (fault matrix P1, P2).
//! Nothing is called APPLIED that was not seen (P3).

mod again;
mod deliver;
mod look;
mod queue;
mod told;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use anyhow::{Result, bail};
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::{deliver::Fate, queue::Queue};
use super::{
    forms::{bytes, fresh_id},
    now::{Eyes, Sorted, three_way},
    preflight::{fitting, held},
    recheck::moved_totals,
    report::{Held, Phase, Sending},
    session::{Opened, Session, Sources},
};
use crate::{
    domain::{
        ledger::Ledger,
        outcome::Outcome,
        plan::{Cell, Plan},
    },
    io::{
        commcare::is_per_case,
        http::{Side, signed_out},
        store::{Form, FormCell, HeldCell, Seen, Store, Used},
    },
};

pub(super) use self::{queue::cut, told::Counts};

/// Why nothing more is sent after a person said stop.
const STOPPED: &str = "stopped between forms; submit again to go on";
/// Largest form in bytes: what HQ takes as a file (commcare.md section 4.2).
pub(super) const LARGEST: usize = 10 << 20;

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

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    /// Send what is approved, at most so many changes; forms of an earlier run come first.
    Send(usize),
    /// Settle forms of an earlier run, with the same bytes where need be.
    Settle,
    /// Read back only.
    Verify,
}

/// A submission under way.
struct Run<'a> {
    session: &'a Session,
    sources: Sources,
    plan: Arc<Plan>,
    used: Used,
    username: String,
    goal: Goal,
    /// Changes that may still be sent.
    limit: usize,
    queue: Queue,
    forms: Vec<Form>,
    counts: Counts,
    /// Facilities in a form that was not refused.
    touched: BTreeSet<u32>,
    ledger: Ledger,
    /// Whether a form of this run may have left this machine.
    left: bool,
    /// Whether `CommCare` refused the sign-in. It is asked nothing more then: whoever asks on locks the account (fault matrix rows
    /// D01 and X09).
    refused: bool,
    /// Forms of an earlier run that stay open, and why.
    unsettled: Vec<String>,
    state: Arc<Mutex<Sending>>,
    progress: watch::Sender<Sending>,
    steering: Steering,
    started: Timestamp,
}

impl Session {
    /// Sends every approved cell that is still as it was when decided, and reads it back. Forms of an earlier run are settled
    /// first: with the same bytes, or by reading back, never by a new form.
    ///
    /// At most `limit` changes are sent, which is the number the person confirmed: one that was held when it was counted and
    /// is not held any more would be one too many, so sending stops before that form.
    ///
    /// Refused where the review is too old or its mapping is another now (see [`Session::stale_after`], [`Session::mapped_by`]), and
    /// where a copy of the review file lies beside it: which of them holds what was sent nobody could tell (fault matrix row F17).
    ///
    /// An error means that nothing left this machine; what was done before it is in the review file. Whatever goes wrong after that
    /// is told in the answer, with the outcomes as they are known, whether or not they could be written down (row F02).
    pub async fn submit(
        &self,
        username: &str,
        limit: usize,
        progress: watch::Sender<Sending>,
        steering: Steering,
    ) -> Result<Sending> {
        self.run(Goal::Send(limit), username, progress, steering).await
    }

    /// Settles forms of an earlier run whose fate is open: by reading back, else with the same bytes. Makes no new form, so it is
    /// never too late for it.
    pub async fn settle(
        &self,
        username: &str,
        progress: watch::Sender<Sending>,
        steering: Steering,
    ) -> Result<Sending> {
        self.run(Goal::Settle, username, progress, steering).await
    }

    /// Reads back what is open. Sends nothing.
    pub async fn verify(&self, progress: watch::Sender<Sending>, steering: Steering) -> Result<Sending> {
        self.run(Goal::Verify, "", progress, steering).await
    }

    async fn run(
        &self,
        goal: Goal,
        username: &str,
        progress: watch::Sender<Sending>,
        steering: Steering,
    ) -> Result<Sending> {
        let loaded = self.store.load().await?;
        let used = loaded.used.clone();
        let opened = super::session::opened(loaded)?;
        let before = opened.applied_words(self.path());
        let Opened { plan, ledger, forms, .. } = opened;
        if goal != Goal::Verify {
            alone(&self.store)?;
        }
        let state = Arc::new(Mutex::new(Sending::default()));
        let sources = self.sources(told::waits(&state, &progress))?;
        let cells: Vec<Cell> = if let Goal::Send(_) = goal { ledger.to_send(&plan).collect() } else { Vec::new() };
        if let Goal::Send(_) = goal
            && let Some(why) = self.against(&plan, &cells)
        {
            bail!("{why}");
        }
        if cells.is_empty() && !forms.iter().any(Form::is_open) {
            bail!("nothing to send: no approved change is left that was not sent already{before}");
        }
        let queue = Queue::new(&cells, used.chunk_size, &rejected_alone(&forms));
        let limit = if let Goal::Send(limit) = goal { limit } else { 0 };
        let mut run = Run {
            session: self,
            sources,
            counts: Counts::new(&forms),
            touched: forms
                .iter()
                .filter(|form| form.sent != Outcome::NotApplied)
                .flat_map(told::facilities_of)
                .collect(),
            ledger,
            plan,
            used,
            username: username.to_owned(),
            goal,
            limit,
            queue,
            forms,
            left: false,
            refused: false,
            unsettled: Vec::new(),
            state,
            progress,
            steering,
            started: (self.clock)(),
        };
        Box::pin(run.go()).await
    }
}

/// Refuses where the review file has a twin.
fn alone(store: &Store) -> Result<()> {
    let copies = Store::copies(store.path())?;
    if let Some(copy) = copies.first() {
        bail!(
            "{} is a copy of this review, {}: what was sent may stand in either. Keep the one that is right, move the other to \
             another folder, and submit again. Nothing was sent",
            copy.display(),
            store.path().display()
        );
    }
    Ok(())
}

/// Facilities that a form of their own was rejected for.
fn rejected_alone(forms: &[Form]) -> BTreeSet<u32> {
    let rejected = forms.iter().filter(|form| form.answer.as_deref().is_some_and(is_per_case));
    rejected
        .filter_map(|form| {
            let first = form.cells.first()?.facility;
            form.cells.iter().all(|cell| cell.facility == first).then_some(first)
        })
        .collect()
}

impl Run<'_> {
    async fn go(&mut self) -> Result<Sending> {
        self.show_all();
        let stopped = match self.work().await {
            Ok(stopped) => stopped,
            Err(error) if !self.left => return Err(error),
            Err(error) => Some(format!(
                "stopped, since the review file takes nothing more: {error:#}. The outcomes told here are what is known; make room, \
                 then submit again: its cases are read first, and the same bytes take effect once"
            )),
        };
        // Neither hides the other: a form that stays open is not settled by what ends the run.
        let notes: Vec<String> = stopped.into_iter().chain(std::mem::take(&mut self.unsettled)).collect();
        let (stopped, refused) = ((!notes.is_empty()).then(|| notes.join(". ")), self.refused);
        Ok(self.say(|state| {
            (state.phase, state.refused) = (Phase::Ended, refused);
            (state.note, state.pause) = (stopped, None);
        }))
    }

    /// Everything up to the end, which comes early where something stands against going on: then it says why.
    async fn work(&mut self) -> Result<Option<String>> {
        let mut stopped = if self.goal == Goal::Verify { None } else { self.settle_earlier().await? };
        while stopped.is_none() {
            stopped = self.between_forms().await;
            let Some(group) = self.queue.next().filter(|_| stopped.is_none()) else { break };
            stopped = self.send_group(group).await?;
        }
        self.say(|state| state.phase = Phase::ReadingBack);
        if let Some(error) = self.read_back_patiently().await? {
            let why = format!("reading back failed, so what was accepted is not called applied: {error:#}");
            stopped.get_or_insert(why);
        }
        Ok(stopped)
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
                biased;
                () = steering.stop.cancelled() => {}
                changed = pause.changed() => if changed.is_err() { break },
            }
        }
        if paused {
            self.say(|state| state.note = None);
        }
        let waits = self.queue.waiting().next().is_some();
        (steering.stop.is_cancelled() && waits).then(|| STOPPED.to_owned())
    }

    /// Checks, freezes and sends one form. Says why to stop, if so.
    async fn send_group(&mut self, group: Vec<Cell>) -> Result<Option<String>> {
        let number = self.forms.len() + 1;
        let Sorted { send, elsewhere, held, recent } = match self.ready(&group).await {
            Ok(sorted) => sorted,
            Err(error) => {
                self.refused |= signed_out(&error) == Some(Side::CommCare);
                return Ok(Some(format!("stopped before form {number}: {error:#}")));
            }
        };
        if !elsewhere.is_empty() {
            let settled = |one: &Held| Seen { cell: one.cell, outcome: Outcome::Applied, value: one.now.clone() };
            let seen = elsewhere.iter().map(settled).collect();
            self.session.store.keep_seen(0, seen, None, self.session.stamp()).await?;
        }
        self.hold(held).await?;
        let (made, unfit) = self.make(send);
        self.hold(unfit).await?;
        self.say(|state| {
            state.phase = Phase::Sending;
            state.elsewhere.extend(elsewhere);
            state.recent.extend(recent);
        });
        let Some((form, bytes)) = made else {
            self.show_all();
            return Ok(None);
        };
        if bytes.len() > LARGEST && self.queue.halve(&cells_of(&form)) {
            self.show_all();
            return Ok(None);
        }
        let Some(rest) = self.limit.checked_sub(form.cells.len()) else {
            return Ok(Some(format!(
                "stopped before form {number}: a change that was held is ready now, so more would be sent than was confirmed. \
                 Submit again to count anew"
            )));
        };
        self.limit = rest;
        self.session.store.freeze(form.clone(), bytes.clone(), self.session.who().to_owned()).await?;
        let waited = self.new_in(&group);
        self.add(form);
        self.show_newest(waited);
        self.send_form(bytes.into()).await
    }

    /// Sends the newest form, which is frozen.
    async fn send_form(&mut self, bytes: Bytes) -> Result<Option<String>> {
        let at = self.forms.len() - 1;
        self.left = true;
        let cells = cells_of(&self.forms[at]);
        let stop = match self.deliver(at, bytes, false).await? {
            Fate::Through | Fate::Open => None,
            Fate::Stop(why) => Some(why),
            Fate::Redo => {
                self.limit += cells.len();
                self.queue.redo(cells);
                self.show_all();
                return Ok(None);
            }
            Fate::Halve(why) => {
                // These take no effect in this form, so they may go in another.
                self.limit += cells.len();
                if !self.queue.halve(&cells) {
                    self.name_rejected(at, &why);
                    self.limit -= cells.len();
                }
                self.show_all();
                return Ok(None);
            }
            Fate::Shrink(why) => {
                self.limit += cells.len();
                let goes_on = self.queue.shrink(&cells);
                self.show_all();
                return Ok((!goes_on).then(|| format!("{why}: not even one facility can be sent")));
            }
        };
        if self.refused {
            return Ok(stop);
        }
        // A look at once; what the index does not show yet is looked for again at the end.
        if let Err(error) = self.look(at, false).await? {
            let why = format!("form {} could not be read back yet: {error:#}", self.forms[at].number);
            if self.refused {
                return Ok(stop.or(Some(why)));
            }
            self.say(|state| state.note = Some(why));
        }
        Ok(stop)
    }

    /// The cells that are as they were on both sides, DHIS2 first: the cases are what a form changes, so they are read last.
    async fn ready(&mut self, group: &[Cell]) -> Result<Sorted> {
        let mut moved = match self.plan.head.undo {
            Some(_) => BTreeMap::new(),
            None => moved_totals(&self.sources.dhis2, &self.plan, group).await?,
        };
        let mut sorted = three_way(&self.eyes(), group, &self.touched).await?;
        let mut gone = Vec::new();
        sorted.send.retain(|ready| match moved.remove(&ready.cell()) {
            None => true,
            Some(why) => {
                gone.push(held(&self.plan, ready.cell(), why));
                false
            }
        });
        sorted.held.extend(gone);
        Ok(sorted)
    }

    fn eyes(&self) -> Eyes<'_> {
        let (session, sources, plan) = (self.session, &self.sources, &*self.plan);
        Eyes { sources, plan, allowance: &session.allowance, now: (session.clock)(), stops: true }
    }

    /// A form of these cells and its bytes, and the cells that no form can carry.
    fn make(&self, cells: Vec<FormCell>) -> (Option<(Form, Vec<u8>)>, Vec<Held>) {
        let (at, form_id) = ((self.session.clock)(), fresh_id());
        let (made, unfit) =
            fitting(cells, &self.plan, |cells| bytes(&self.plan, cells, &self.used, &self.username, &form_id, at));
        let form = |(cells, bytes): (Vec<FormCell>, Vec<u8>)| {
            let form = Form {
                number: u32::try_from(self.forms.len() + 1).unwrap_or(u32::MAX),
                form_id: form_id.clone(),
                generation: self.plan.head.generation,
                frozen_at: self.session.now(),
                size: bytes.len(),
                cells,
                sent: Outcome::Frozen,
                answer: None,
                seen: Vec::new(),
            };
            (form, bytes)
        };
        (made.map(form), unfit)
    }

    /// Holds cells back, in the trail of the review at once. The approval of what moved is taken back with it, so that it is looked at
    /// again; everything else stands.
    async fn hold(&mut self, held: Vec<Held>) -> Result<()> {
        if held.is_empty() {
            return Ok(());
        }
        let plan = &self.plan;
        let own = |text: Option<&str>| text.map(str::to_owned);
        let kept = held.iter().map(|one| HeldCell {
            cell: one.cell,
            case_id: plan.facility(one.cell.facility).case_id.clone(),
            property: plan.property(one.cell.property).name.clone(),
            base: own(plan.old(one.cell)),
            now: one.now.clone(),
            new: own(plan.offer(one.cell)),
            why: one.why.clone(),
        });
        let stamp = self.session.stamp();
        let kept = kept.collect();
        let moved = held.iter().filter(|one| one.moved).map(|one| one.cell);
        let reset = self.ledger.forget(&self.plan, moved, &stamp);
        self.session.store.keep_held(kept, reset.map(|entry| (entry, Arc::clone(&self.plan))), stamp).await?;
        self.say(|state| state.held.extend(held));
        Ok(())
    }
}

/// The cells of a form.
fn cells_of(form: &Form) -> Vec<Cell> {
    form.cells.iter().map(FormCell::cell).collect()
}
