//! Progress on standard error: a bar that is redrawn on a terminal, elsewhere a plain line now and then.

use std::{
    io::{IsTerminal as _, Write as _, stderr},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::{
    domain::{
        outcome::Outcome,
        text::{fit, inert},
        value::grouped,
    },
    job::{
        report::{Bar, Phase, Reading, Sending},
        session::Clock,
    },
};

/// Between two plain lines.
const SELDOM: Duration = Duration::from_secs(10);
/// Between two drawings of the bar.
const OFTEN: Duration = Duration::from_millis(100);
/// Cells of a bar.
const CELLS: usize = 14;

/// Says when it is time for the next line. The first change is told at once on a terminal, elsewhere after the pause.
struct Pacer {
    pause: Duration,
    next: Timestamp,
}

impl Pacer {
    fn new(terminal: bool, now: Timestamp) -> Self {
        if terminal { Self { pause: OFTEN, next: now } } else { Self { pause: SELDOM, next: now + SELDOM } }
    }

    fn due(&mut self, now: Timestamp) -> bool {
        let due = now >= self.next;
        if due {
            self.next = now + self.pause;
        }
        due
    }
}

/// Waits for `job`, telling meanwhile how far it is.
pub(super) async fn watched<T, R>(
    job: impl Future<Output = R>,
    mut news: watch::Receiver<T>,
    clock: &Clock,
    line: impl Fn(&T) -> String,
) -> R {
    let terminal = stderr().is_terminal();
    let mut pacer = Pacer::new(terminal, clock());
    let mut job = std::pin::pin!(job);
    let mut open = true;
    loop {
        tokio::select! {
            biased;
            result = &mut job => {
                if terminal {
                    let _ = write!(stderr(), "\r\x1b[K");
                }
                return result;
            }
            changed = news.changed(), if open => {
                open = changed.is_ok();
                if pacer.due(clock()) {
                    tell(terminal, &line(&news.borrow()));
                }
            }
        }
    }
}

fn tell(terminal: bool, line: &str) {
    let line = inert(line);
    let mut to = stderr();
    // A standard error that is closed hears nothing; the work goes on.
    let _ = if terminal {
        let columns = crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
        write!(to, "\r\x1b[K{}", fit(&line, columns.saturating_sub(1))).and_then(|()| to.flush())
    } else {
        writeln!(to, "{line}")
    };
}

/// Reading in one line: the side that is still under way, and the newest wait.
pub(super) fn reading(reading: &Reading) -> String {
    let (name, bar) = if reading.cases.ended && reading.reports.total.is_some() {
        ("DHIS2 reports", &reading.reports)
    } else {
        ("CommCare cases", &reading.cases)
    };
    let wait = reading.waits.last().map(|wait| format!("   waited: {wait}")).unwrap_or_default();
    format!("{name}  {}{wait}", of(bar))
}

/// Sending in one line.
pub(super) fn sending(sending: &Sending) -> String {
    let settled = sending.forms.iter().filter(|form| form.outcome.is_some_and(Outcome::settled)).count();
    let phase = match sending.phase {
        Phase::Checking => "checking the cases",
        Phase::Sending => "sending",
        Phase::ReadingBack => "reading back",
        Phase::Ended => "ended",
    };
    let bar = Bar { done: settled, total: Some(sending.forms.len()), elapsed: sending.elapsed, ended: false };
    let note = sending.note.as_deref().map(|note| format!("   {note}")).unwrap_or_default();
    format!("forms  {}   {phase}, {} changes applied{note}", of(&bar), number(sending.applied))
}

/// `512 of 1,106  ██████░░░░░░░░   46%  85/s  0:07 left`.
fn of(bar: &Bar) -> String {
    let Some(total) = bar.total else { return format!("{} so far", number(bar.done)) };
    let part = |of: usize| (bar.done * of).checked_div(total).unwrap_or(of).min(of);
    let picture = "█".repeat(part(CELLS)) + &"░".repeat(CELLS - part(CELLS));
    let millis = usize::try_from(bar.elapsed.as_millis()).unwrap_or(usize::MAX).max(1);
    let pace = match bar.done {
        0 => String::new(),
        _ if bar.ended => format!("  done in {}", minutes(millis / 1000)),
        done => {
            let left = total.saturating_sub(done).saturating_mul(millis) / done / 1000;
            format!("  {}/s  {} left", number(done.saturating_mul(1000) / millis), minutes(left))
        }
    };
    format!("{} of {}  {picture}  {:>3}%{pace}", number(bar.done), number(total), part(100))
}

fn number(n: usize) -> String {
    grouped(&n.to_string())
}

fn minutes(seconds: usize) -> String {
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_are_seldom() {
        let at = |seconds: i64| Timestamp::from_second(1_000 + seconds).unwrap();
        let mut pacer = Pacer::new(false, at(0));
        let told: Vec<i64> = (0..40).filter(|second| pacer.due(at(*second))).collect();
        assert_eq!(told, [10, 20, 30]);
        assert!(Pacer::new(true, at(0)).due(at(0)));
    }

    #[test]
    fn a_bar_has_count_rate_and_time_left() {
        let bar = Bar { done: 512, total: Some(1_106), elapsed: Duration::from_secs(6), ended: false };
        assert_eq!(of(&bar), "512 of 1,106  ██████░░░░░░░░   46%  85/s  0:06 left");
        assert_eq!(of(&Bar { done: 7, ..Bar::default() }), "7 so far");
        assert_eq!(of(&Bar { total: Some(0), ..Bar::default() }), "0 of 0  ██████████████  100%");
        let ended = Bar { done: 4, total: Some(4), elapsed: Duration::from_secs(61), ended: true };
        assert!(of(&ended).ends_with("100%  done in 1:01"), "{}", of(&ended));
    }

    #[test]
    fn the_side_under_way_is_told_with_its_wait() {
        let mut now = Reading::default();
        assert!(reading(&now).starts_with("CommCare cases  0 so far"));
        now.cases.ended = true;
        now.reports.total = Some(8);
        now.waits.push("DHIS2: asked to slow down; next try in 4 s".to_owned());
        assert!(
            reading(&now).starts_with("DHIS2 reports  0 of 8") && reading(&now).ends_with("4 s"),
            "{}",
            reading(&now)
        );
    }
}
