//! What a job says while it runs and when it ends. Plain data, made by jobs, shown by `tui`, `plain` and the commands.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;

use super::pace::{Pace, between};
use crate::{
    domain::{history::Series, outcome::Outcome, plan::Cell},
    io::http::{Cause, Side, Wait},
};

/// One line of progress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// Done so far.
    pub done: usize,
    /// Of how many; `None` until known.
    pub total: Option<usize>,
    /// Since it began; stands still once it ended.
    pub elapsed: Duration,
    /// Whether it ended.
    pub ended: bool,
    /// How fast it goes.
    pub pace: Pace,
    /// When it began.
    pub began: Option<Timestamp>,
}

impl Bar {
    /// So much of so much is done at this time. The first call is the beginning.
    pub fn set(&mut self, done: usize, total: Option<usize>, now: Timestamp) {
        (self.done, self.total) = (done, total);
        self.elapsed = between(*self.began.get_or_insert(now), now);
        self.ended = total.is_some_and(|total| done >= total);
        self.pace.step(now, done);
    }

    /// So much more is done.
    pub fn add(&mut self, more: usize, now: Timestamp) {
        self.set(self.done.saturating_add(more), self.total, now);
    }

    /// Time left at the rate of the last seconds; `None` where there is none to be told.
    pub fn left(&self, now: Timestamp) -> Option<Duration> {
        let left = self.total?.checked_sub(self.done).filter(|_| !self.ended)?;
        Some(self.pace.rate(now)?.time_for(left))
    }
}

/// The quarters before, which a value is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// How many quarters; 0 where none is asked for.
    pub quarters: u8,
    /// In what the job counts, as facilities times data sets; without a total while it waits for the quarter itself.
    pub bar: Bar,
    /// Of those done, how many were known from an earlier run.
    pub cached: usize,
}

/// A pause under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The server waited for.
    pub side: Side,
    /// Why.
    pub cause: Cause,
    /// What the other side, or the system, said of it; may be empty.
    pub detail: String,
    /// When it is over.
    pub until: Timestamp,
    /// How long it is in all.
    pub pause: Duration,
}

impl Waiting {
    /// Whole seconds to go, rounded up; `None` once it is over. Never more than the pause, should a clock be set back.
    pub fn seconds(&self, now: Timestamp) -> Option<u64> {
        let left = between(now, self.until).min(self.pause);
        (!left.is_zero()).then(|| left.as_secs() + u64::from(left.subsec_nanos() > 0))
    }
}

/// The pauses of a job so far, and those under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waited {
    /// How many of each cause.
    pub counts: BTreeMap<Cause, usize>,
    /// Those under way when the last one began.
    pub open: Vec<Waiting>,
}

impl Waited {
    /// Notes a pause that begins.
    pub fn begin(&mut self, wait: &Wait, now: Timestamp) {
        *self.counts.entry(wait.cause).or_default() += 1;
        self.open.retain(|waiting| waiting.seconds(now).is_some());
        let &Wait { side, cause, pause, .. } = wait;
        // A pause beyond the end of time does not end.
        let until = now.checked_add(pause).unwrap_or(Timestamp::MAX);
        self.open.push(Waiting { side, cause, detail: wait.detail.clone(), until, pause });
    }

    /// How many there were.
    pub fn number(&self) -> usize {
        self.counts.values().sum()
    }

    /// The pause that is over next.
    pub fn next(&self, now: Timestamp) -> Option<&Waiting> {
        self.open.iter().filter(|waiting| waiting.seconds(now).is_some()).min_by_key(|waiting| waiting.until)
    }

    /// How many last.
    pub fn lasting(&self, now: Timestamp) -> usize {
        self.open.iter().filter(|waiting| waiting.seconds(now).is_some()).count()
    }

    /// `2 x asked to slow down (429), 1 x no answer`.
    pub fn causes(&self) -> String {
        let mut kinds: Vec<_> = self.counts.iter().collect();
        kinds.sort_by_key(|(cause, count)| (Reverse(**count), **cause));
        kinds.into_iter().map(|(cause, count)| format!("{count} x {cause}")).collect::<Vec<_>>().join(", ")
    }

    /// The same with `; next try in 4 s` while something is waited for.
    pub fn words(&self, now: Timestamp) -> String {
        let next = self.next(now).and_then(|waiting| waiting.seconds(now));
        self.causes() + &next.map(|seconds| format!("; next try in {seconds} s")).unwrap_or_default()
    }
}

/// Reading both sides, as it stands now. The job calls the methods as things happen; what a screen shows of it depends on
/// the time it is looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// `CommCare` cases, in cases.
    pub cases: Bar,
    /// DHIS2 reports: facilities times data sets.
    pub reports: Bar,
    /// The quarters before.
    pub history: History,
    /// Names of data elements, data sets, organisation units and category options, in requests.
    pub names: Bar,
    /// Pauses.
    pub waited: Waited,
    /// Requests under way, those that pause included.
    pub under_way: usize,
    /// Rows of cases and data values that came.
    pub rows: usize,
    /// Problems of the mapping, one sentence each with its line.
    pub mapping_problems: Vec<String>,
    /// Where the mapping is from, and its rows: `built-in   21 rows, 21 usable`.
    pub mapping: String,
    /// Requests that were answered.
    pub answers: usize,
    /// How fast answers come.
    pub pace: Pace,
}

impl Reading {
    /// A request is sent.
    pub fn asked(&mut self, now: Timestamp) {
        self.under_way += 1;
        if self.answers == 0 && self.under_way == 1 {
            self.pace = Pace::default();
            self.pace.step(now, 0);
        }
    }

    /// A request was answered, with so many rows.
    pub fn answered(&mut self, now: Timestamp, rows: usize) {
        self.under_way = self.under_way.saturating_sub(1);
        (self.answers, self.rows) = (self.answers.saturating_add(1), self.rows.saturating_add(rows));
        self.pace.step(now, self.answers);
    }

    /// A request ended without an answer that can be used.
    pub fn unanswered(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// A pause before the next try of a request begins.
    pub fn waits(&mut self, wait: &Wait, now: Timestamp) {
        self.waited.begin(wait, now);
    }

    /// Time left of one of the bars. While all requests wait it is that much longer.
    pub fn left(&self, bar: &Bar, now: Timestamp) -> Option<Duration> {
        let left = bar.left(now)?;
        let wait = self.waited.next(now).filter(|_| self.at_once(now) == 0).and_then(|waiting| waiting.seconds(now));
        Some(left.saturating_add(Duration::from_secs(wait.unwrap_or(0))))
    }

    /// Requests under way that do not wait.
    fn at_once(&self, now: Timestamp) -> usize {
        self.under_way.saturating_sub(self.waited.lasting(now))
    }

    /// `4 requests at once, 14 a second`; nothing while nothing is asked for.
    pub fn together(&self, now: Timestamp) -> Option<String> {
        if self.under_way == 0 {
            return None;
        }
        let requests = match self.at_once(now) {
            0 => return Some("no request until the next try".to_owned()),
            1 => "1 request at once".to_owned(),
            more => format!("{more} requests at once"),
        };
        let pace = match (self.pace.rate(now), self.pace.silent(now)) {
            (Some(rate), _) => format!(", {rate} a second"),
            (None, Some(silence)) => format!(", no answer for {} s", silence.as_secs()),
            (None, None) => String::new(),
        };
        Some(requests + &pace)
    }
}

/// One category option of a cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartLine {
    /// Name of the category option combo; its id where the server gave no name.
    pub name: String,
    /// Name of the attribute option combo where it is not the default one.
    pub attribute: Option<String>,
    /// The month it is of, as DHIS2 writes it (`202604`), where the data set is reported each month.
    pub period: Option<String>,
    /// The stored text; `None` for a row that holds only a comment.
    pub value: Option<String>,
    /// What the clerk wrote beside it.
    pub comment: Option<String>,
    /// Marked for follow-up in DHIS2.
    pub follow_up: bool,
    /// Who entered it.
    pub stored_by: Option<String>,
    /// When it was last changed, as sent.
    pub last_updated: Option<String>,
    /// The part of the total its category option usually has, 1 for all of it; `None` where that is not known, or where the row
    /// is not all there is of the option in the quarter.
    pub usual: Option<f64>,
}

/// What is behind a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// Which cell; an answer for another cell than the one under the cursor is dropped.
    pub cell: Cell,
    /// Its category options.
    pub parts: Vec<PartLine>,
    /// The quarters before; `None` where they were not asked for.
    pub history: Option<Series>,
}

/// How a line of the checks before sending reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Passes.
    Ok,
    /// Something to look at.
    Look,
    /// Nothing can be sent.
    Stop,
}

impl Level {
    /// The word that carries it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Look => "look",
            Self::Stop => "stop",
        }
    }
}

/// Why an approved cell is not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Which cell.
    pub cell: Cell,
    /// What the case holds now; `None` where it is not set or the case is gone.
    pub now: Option<String>,
    /// Whether the case holds the new value already.
    pub already_set: bool,
    /// Whether what it was approved on is not so any more, so that the approval does not stand.
    pub moved: bool,
    /// The sentence.
    pub why: String,
}

/// The checks before sending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Check {
    /// When it was made, clock time.
    pub at: String,
    /// Approved changes that would be sent.
    pub changes: usize,
    /// In how many facilities.
    pub facilities: usize,
    /// As how many forms.
    pub forms: usize,
    /// Approved cells that would not be sent.
    pub held: Vec<Held>,
    /// Each check in words.
    pub lines: Vec<(Level, String)>,
    /// The property every submitted case is stamped with and the date it gets, where the review has one.
    pub stamp: Option<(String, String)>,
}

/// One form of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormLine {
    /// 1 for the first.
    pub number: usize,
    /// First facility in it.
    pub first: String,
    /// Last facility in it.
    pub last: String,
    /// Facilities in it.
    pub facilities: usize,
    /// Changes in it.
    pub changes: usize,
    /// Its id, once its bytes are frozen.
    pub form_id: Option<String>,
    /// `None` while it waits.
    pub outcome: Option<Outcome>,
    /// What the server said, where it said anything worth showing.
    pub answer: Option<String>,
    /// Whether it is dead and all its cells went out again in later forms.
    pub replaced: bool,
    /// Its cells with what became of each; all frozen while it waits. Shared, since a submission is told of often.
    pub cells: Arc<[(Cell, Outcome)]>,
}

/// A pause of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pausing {
    /// What is waited for, in words.
    pub why: String,
    /// When it is over.
    pub until: Timestamp,
}

impl Pausing {
    /// The words with the whole seconds to go, rounded up.
    pub fn words(&self, now: Timestamp) -> String {
        let left = between(now, self.until);
        format!("{} in {} s", self.why, left.as_secs() + u64::from(left.subsec_nanos() > 0))
    }
}

/// Where a submission is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Cases are read again.
    #[default]
    Checking,
    /// Forms are being sent.
    Sending,
    /// Cases are being read back.
    ReadingBack,
    /// Nothing more is done.
    Ended,
}

/// A submission as it stands now, and at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sending {
    /// Where it is.
    pub phase: Phase,
    /// Changes asked for.
    pub changes: usize,
    /// Every form, in the order of sending.
    pub forms: Vec<FormLine>,
    /// Changes by what became of them.
    pub applied: usize,
    /// Accepted, not seen yet.
    pub accepted: usize,
    /// The server said no, or another value was read back.
    pub not_applied: usize,
    /// No answer that settles it.
    pub unknown: usize,
    /// Not sent because of a conflict, with the reason.
    pub held: Vec<Held>,
    /// Cells the case holds already: settled without sending.
    pub elsewhere: Vec<Held>,
    /// Facilities, by ordinal, whose case `CommCare` rejects by itself, each with its message.
    pub rejected: Vec<(u32, String)>,
    /// Facilities, by ordinal, whose case somebody changed within the minute before its form.
    pub recent: Vec<u32>,
    /// Changes in forms that wait and in no form yet.
    pub waiting: usize,
    /// The pause under way before the same bytes go again.
    pub pause: Option<Pausing>,
    /// What is being waited for, or why it stopped, in a sentence.
    pub note: Option<String>,
    /// Whether `CommCare` refused the sign-in, so that it was asked nothing more.
    pub refused: bool,
    /// Since it started.
    pub elapsed: Duration,
}

/// What is said where [`Sending::refused`], and something can still be decided.
pub const SIGNED_OUT: &str = "CommCare refused the sign-in and was asked nothing more. What was approved stands. Leave, and start again with the \
                              right key, or with --ask, which asks for it.";

impl Sending {
    /// Whether every change asked for was read back with its new value.
    pub fn all_applied(&self) -> bool {
        self.phase == Phase::Ended && self.applied == self.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_780_000_000_000 + millis).unwrap()
    }

    fn wait(cause: Cause, seconds: u64) -> Wait {
        let (asked, detail) = (String::new(), String::new());
        Wait { side: Side::Dhis2, asked, cause, detail, pause: Duration::from_secs(seconds), next_try: 2 }
    }

    #[test]
    fn a_wait_counts_down_and_goes_away() {
        let mut reading = Reading::default();
        reading.waits(&wait(Cause::SlowDown(429), 4), at(0));
        let words = |reading: &Reading, millis| reading.waited.words(at(millis));
        assert_eq!(words(&reading, 0), "1 x asked to slow down (429); next try in 4 s");
        assert_eq!(words(&reading, 1), "1 x asked to slow down (429); next try in 4 s");
        assert_eq!(words(&reading, 3_001), "1 x asked to slow down (429); next try in 1 s");
        assert_eq!(words(&reading, 4_000), "1 x asked to slow down (429)");
        assert!(words(&reading, -90_000).ends_with("next try in 4 s"), "a clock that was set back");
        reading.waits(&wait(Cause::NoAnswer, 9), at(5_000));
        reading.waits(&wait(Cause::SlowDown(429), 2), at(5_000));
        assert_eq!(words(&reading, 5_000), "2 x asked to slow down (429), 1 x no answer; next try in 2 s");
        assert_eq!((reading.waited.lasting(at(6_999)), reading.waited.lasting(at(7_000))), (2, 1));
        assert!(words(&reading, 7_000).ends_with("next try in 7 s"));
        reading.waits(&wait(Cause::Server(502), u64::MAX), at(20_000));
        assert_eq!(reading.waited.open.len(), 1, "what is over is forgotten");
        assert_eq!(
            (reading.waited.number(), reading.waited.next(at(20_000)).map(|next| next.cause)),
            (4, Some(Cause::Server(502)))
        );
    }

    #[test]
    fn requests_at_once_are_those_that_do_not_wait() {
        let mut reading = Reading::default();
        assert_eq!(reading.together(at(0)), None);
        for _ in 0..4 {
            reading.asked(at(0));
        }
        assert_eq!(reading.together(at(0)).unwrap(), "4 requests at once");
        reading.waits(&wait(Cause::NoAnswer, 1), at(0));
        reading.answered(at(500), 20);
        reading.unanswered();
        assert_eq!(reading.together(at(500)).unwrap(), "1 request at once, 2.0 a second");
        assert_eq!(reading.together(at(1_500)).unwrap(), "2 requests at once, 2.0 a second");
        assert_eq!(reading.together(at(8_500)).unwrap(), "2 requests at once, no answer for 8 s");
        reading.waits(&wait(Cause::NoAnswer, 3), at(8_500));
        reading.waits(&wait(Cause::NoAnswer, 2), at(8_500));
        assert_eq!(reading.together(at(8_500)).unwrap(), "no request until the next try");
        let mut bar = Bar::default();
        bar.set(0, Some(10), at(0));
        bar.set(5, Some(10), at(8_000));
        assert_eq!(bar.left(at(8_500)), Some(Duration::from_secs(8)));
        assert_eq!(reading.left(&bar, at(8_500)), Some(Duration::from_secs(10)));
        assert_eq!(reading.left(&bar, at(10_500)), Some(Duration::from_secs(8)), "one goes on");
        reading.answered(at(9_000), 1);
        reading.answered(at(9_000), 1);
        assert_eq!((reading.together(at(9_000)), reading.rows), (None, 22));
        reading.unanswered();
        assert_eq!(reading.under_way, 0);
    }

    #[test]
    fn time_left_is_told_from_the_first_answer_to_the_end() {
        let mut bar = Bar::default();
        assert_eq!(bar.left(at(0)), None);
        bar.set(0, Some(100), at(0));
        assert_eq!(bar.left(at(900)), None);
        bar.add(25, at(1_000));
        assert_eq!(bar.left(at(1_000)), Some(Duration::from_secs(3)));
        bar.set(10, Some(100), at(1_500));
        assert_eq!(bar.left(at(1_500)), Some(Duration::from_millis(13_500)), "begun again");
        bar.set(100, Some(100), at(2_000));
        assert_eq!((bar.left(at(2_000)), bar.ended, bar.elapsed), (None, true, Duration::from_secs(2)));
        bar.set(120, Some(100), at(3_000));
        assert_eq!((bar.left(at(3_000)), bar.ended), (None, true), "more than announced");
    }
}
