//! One frozen form to the server, with the same bytes until its fate is known, patience ends, or a person says stop.

use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;

use super::{
    super::{
        forms::{Judged, Next, Patience, judge},
        report::Pausing,
    },
    Run,
    again::Again,
};
use crate::{domain::outcome::Outcome, io::commcare::Receipt};

/// First pause between two tries, doubled each time up to [`LONGEST_PAUSE`] (fault matrix section 2).
const FIRST_PAUSE: Duration = Duration::from_secs(15);
/// Longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// A wait after which both sides are looked at before the same bytes go again.
const LONG: Duration = Duration::from_mins(1);

/// How a form that is open is settled.
const GO_ON: &str = "Submit again: its cases are read first, then the same bytes go, and they take effect once";

/// How the sending of a form ended.
pub(super) enum Fate {
    /// HQ has it, or reading back decides.
    Through,
    /// It is dead and one of its cases is to blame.
    Halve(String),
    /// It is dead, being too large.
    Shrink(String),
    /// It was given up before HQ took it, since a case of it moved meanwhile: its cells are checked and sent anew.
    Redo,
    /// It may have left and may not go again: it stays open, and others go on.
    Open,
    /// Nothing more is sent.
    Stop(String),
}

impl Patience {
    /// Tries in all with the same bytes.
    fn tries(self) -> u32 {
        match self {
            Self::Few => 6,
            Self::Lock => 9,
            Self::Endless => u32::MAX,
        }
    }
}

impl Run<'_> {
    /// Sends a frozen form. `left` says whether an earlier run may have sent it.
    pub(super) async fn deliver(&mut self, at: usize, bytes: Bytes, mut left: bool) -> Result<Fate> {
        let (number, id) = (self.forms[at].number, self.forms[at].form_id.clone());
        let mut pause = FIRST_PAUSE;
        let mut attempt = 0_u32;
        self.left = true;
        loop {
            attempt = attempt.saturating_add(1);
            let receipt = tokio::select! {
                biased;
                () = self.steering.abandon.cancelled() => {
                    Receipt::Unknown { why: "the request was abandoned".to_owned(), gateway: false }
                }
                receipt = self.sources.commcare.submit(bytes.clone(), &id) => receipt,
            };
            self.refused |= matches!(receipt, Receipt::Refused { status: 401, .. });
            let Judged { sent, answer, next, slow } = judge(receipt, left);
            left |= sent != Outcome::Frozen;
            // Known before it is written down: where that fails it is told all the same (fault matrix row F02).
            self.answered(at, sent, answer.clone());
            self.session.store.keep_sent(number, sent, answer, self.session.stamp()).await?;
            if slow {
                self.queue.smaller();
                self.show_all();
            }
            let told = |why: String| format!("form {number}: {why}");
            let (named, why, patience) = match next {
                Next::GoOn => return Ok(Fate::Through),
                Next::Halve(why) => return Ok(Fate::Halve(told(why))),
                Next::Shrink(why) => return Ok(Fate::Shrink(told(why))),
                Next::Stop(why) => return Ok(Fate::Stop(told(why))),
                Next::Again(named, why, patience) => (named, why, patience),
            };
            let open = || Fate::Stop(format!("form {number} is {}: {why}. {GO_ON}", sent.stands()));
            if self.steering.stop.is_cancelled() || attempt >= patience.tries() {
                return Ok(open());
            }
            let wait = named.unwrap_or(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
            let before = (self.session.clock)();
            if !self.rest(wait, format!("form {number}: {why}; the same bytes are sent again")).await {
                return Ok(open());
            }
            if (self.session.clock)().duration_since(before).unsigned_abs() >= LONG
                && let Some(fate) = self.after_a_long_wait(at, left).await?
            {
                return Ok(fate);
            }
        }
    }

    /// After a wait both sides may have moved (fault matrix row N20): looks, and answers what becomes of the form where it does not just
    /// go again.
    async fn after_a_long_wait(&mut self, at: usize, left: bool) -> Result<Option<Fate>> {
        Ok(match self.may_go_again(at, !left).await? {
            Again::Stands => None,
            Again::Settled => Some(Fate::Through),
            Again::Unread(why) => Some(Fate::Stop(why)),
            Again::Moved(held) if left => {
                self.leave_open(at, held).await?;
                Some(Fate::Open)
            }
            Again::Moved(_) => {
                // Every answer so far said that it was not taken, and no earlier run sent it.
                let why = "given up before it was taken, since a case of it moved meanwhile".to_owned();
                self.answered(at, Outcome::NotApplied, Some(why.clone()));
                let number = self.forms[at].number;
                self.session.store.keep_sent(number, Outcome::NotApplied, Some(why), self.session.stamp()).await?;
                Some(Fate::Redo)
            }
        })
    }

    /// Waits, telling why. False where a person said stop meanwhile.
    async fn rest(&mut self, wait: Duration, why: String) -> bool {
        let now = (self.session.clock)();
        let until = now.checked_add(wait).unwrap_or(now);
        self.say(|state| state.pause = Some(Pausing { why, until }));
        let stop = self.steering.stop.clone();
        let slept = tokio::select! {
            biased;
            () = stop.cancelled() => false,
            () = (self.session.sleep)(wait) => true,
        };
        self.say(|state| state.pause = None);
        slept
    }
}
