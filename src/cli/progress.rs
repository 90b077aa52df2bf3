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
        pace::Rate,
        report::{Phase, Reading, Sending},
        session::Clock,
    },
};

/// Between two plain lines.
const SELDOM: Duration = Duration::from_secs(10);
/// Between two drawings of the bar.
const OFTEN: Duration = Duration::from_millis(100);
/// Between two looks at the time: a pause counts down although nothing happens.
const TICK: Duration = Duration::from_secs(1);
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

/// Whether progress can be a bar that is drawn over.
pub(super) fn has_bar() -> bool {
    stderr().is_terminal()
}

/// Waits for `job`, telling meanwhile how far it is: as it goes on, and once a second as time does. `terminal` for a bar.
pub(super) async fn watched<T, R>(
    job: impl Future<Output = R>,
    mut news: watch::Receiver<T>,
    clock: &Clock,
    line: impl Fn(&T, Timestamp) -> String,
    terminal: bool,
) -> R {
    let mut pacer = Pacer::new(terminal, clock());
    let mut job = std::pin::pin!(job);
    let (mut open, mut told) = (true, String::new());
    loop {
        tokio::select! {
            biased;
            result = &mut job => {
                if terminal {
                    let _ = write!(stderr(), "\r\x1b[K");
                }
                return result;
            }
            changed = news.changed(), if open => open = changed.is_ok(),
            () = tokio::time::sleep(TICK) => {}
        }
        let now = clock();
        if pacer.due(now) {
            let line = line(&news.borrow_and_update(), now);
            if line != told {
                tell(terminal, &line);
                told = line;
            }
        }
    }
}

fn tell(terminal: bool, line: &str) {
    let line = inert(line);
    let mut to = stderr();
    // A standard error that is closed hears nothing; the work goes on.
    let _ = if terminal {
        // A terminal that does not know its size says 0.
        let columns = crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns)).filter(|c| *c > 0);
        let columns = columns.unwrap_or(80);
        write!(to, "\r\x1b[K{}", fit(&line, columns.saturating_sub(1))).and_then(|()| to.flush())
    } else {
        writeln!(to, "{line}")
    };
}

/// Reading in one line: the side that is still under way. While something is waited for, that and why, in place of the bar.
pub(super) fn reading(reading: &Reading, now: Timestamp) -> String {
    let (name, bar) = if reading.cases.ended && reading.reports.total.is_some() {
        ("DHIS2 reports", &reading.reports)
    } else {
        ("CommCare cases", &reading.cases)
    };
    let waited = &reading.waited;
    if let Some((waiting, seconds)) = waited.next(now).and_then(|next| Some((next, next.seconds(now)?))) {
        let total = bar.total.map_or_else(|| "so far".to_owned(), |total| format!("of {}", number(total)));
        let detail = if waiting.detail.is_empty() { String::new() } else { format!(" ({})", waiting.detail) };
        let (side, causes) = (waiting.side, waited.causes());
        return format!("{name}  {} {total}   {side}: next try in {seconds} s, {causes}{detail}", number(bar.done));
    }
    let pace = if bar.ended {
        format!("  done in {}", minutes(bar.elapsed))
    } else if let (Some(rate), Some(left)) = (bar.pace.rate(now), reading.left(bar, now)) {
        paced(rate, left)
    } else {
        let silence = bar.pace.silent(now).map(|silence| format!("  nothing for {}", minutes(silence)));
        silence.unwrap_or_default()
    };
    let waits = if waited.number() == 0 { String::new() } else { format!("   waited: {}", waited.causes()) };
    format!("{name}  {}{pace}{waits}", of(bar.done, bar.total))
}

/// Sending in one line.
pub(super) fn sending(sending: &Sending, now: Timestamp) -> String {
    let settled = sending.forms.iter().filter(|form| form.outcome.is_some_and(Outcome::settled)).count();
    let phase = match sending.phase {
        Phase::Checking => "checking the cases",
        Phase::Sending => "sending",
        Phase::ReadingBack => "reading back",
        Phase::Ended => "ended",
    };
    let total = sending.forms.len();
    let pace = match Rate::of(settled, sending.elapsed) {
        Some(rate) => paced(rate, rate.time_for(total.saturating_sub(settled))),
        None => String::new(),
    };
    let told = sending.pause.as_ref().map(|pause| pause.words(now)).or_else(|| sending.note.clone());
    let note = told.map(|note| format!("   {note}")).unwrap_or_default();
    format!("forms  {}{pace}   {phase}, {} changes applied{note}", of(settled, Some(total)), number(sending.applied))
}

/// `  85/s  0:07 left`.
fn paced(rate: Rate, left: Duration) -> String {
    format!("  {rate}/s  {} left", minutes(left))
}

/// `512 of 1,106  ██████░░░░░░░░   46%`.
fn of(done: usize, total: Option<usize>) -> String {
    let Some(total) = total else { return format!("{} so far", number(done)) };
    let part = |of: usize| (done * of).checked_div(total).unwrap_or(of).min(of);
    let picture = "█".repeat(part(CELLS)) + &"░".repeat(CELLS - part(CELLS));
    format!("{} of {}  {picture}  {:>3}%", number(done), number(total), part(100))
}

fn number(n: usize) -> String {
    grouped(&n.to_string())
}

fn minutes(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::http::{Cause, Side, Wait};

    #[test]
    fn plain_lines_are_seldom() {
        let at = |seconds: i64| Timestamp::from_second(1_000 + seconds).unwrap();
        let mut pacer = Pacer::new(false, at(0));
        let told: Vec<i64> = (0..40).filter(|second| pacer.due(at(*second))).collect();
        assert_eq!(told, [10, 20, 30]);
        assert!(Pacer::new(true, at(0)).due(at(0)));
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_780_000_000_000 + millis).unwrap()
    }

    #[test]
    fn a_line_has_count_rate_and_time_left() {
        assert_eq!(of(512, Some(1_106)), "512 of 1,106  ██████░░░░░░░░   46%");
        assert_eq!(of(7, None), "7 so far");
        assert_eq!(of(0, Some(0)), "0 of 0  ██████████████  100%");
        let mut now = Reading::default();
        now.cases.set(0, Some(1_106), at(0));
        assert_eq!(
            reading(&now, at(100)),
            "CommCare cases  0 of 1,106  ░░░░░░░░░░░░░░    0%",
            "no rate before an answer"
        );
        now.cases.set(512, Some(1_106), at(6_000));
        assert!(reading(&now, at(6_500)).ends_with("  46%  85/s  0:06 left"), "{}", reading(&now, at(6_500)));
        assert!(reading(&now, at(66_000)).ends_with("  46%  nothing for 1:00"), "{}", reading(&now, at(66_000)));
        now.cases.set(1_106, Some(1_106), at(61_000));
        assert!(reading(&now, at(90_000)).ends_with("100%  done in 1:01"), "{}", reading(&now, at(90_000)));
    }

    #[test]
    fn the_side_under_way_is_told_with_its_wait_while_it_lasts() {
        let mut now = Reading::default();
        assert_eq!(reading(&now, at(0)), "CommCare cases  0 so far");
        now.cases.set(9, Some(9), at(0));
        now.reports.set(0, Some(8), at(0));
        let wait = |cause, detail: &str, seconds| Wait {
            side: Side::Dhis2,
            asked: "values".to_owned(),
            cause,
            detail: detail.to_owned(),
            pause: Duration::from_secs(seconds),
            next_try: 2,
        };
        now.waits(&wait(Cause::SlowDown(429), "", 4), at(0));
        let told = |millis| reading(&now, at(millis));
        assert_eq!(told(0), "DHIS2 reports  0 of 8   DHIS2: next try in 4 s, 1 x asked to slow down (429)");
        assert!(told(3_100).contains("next try in 1 s"), "{}", told(3_100));
        assert!(told(4_000).ends_with("   waited: 1 x asked to slow down (429)"), "{}", told(4_000));
        now.waits(&wait(Cause::NoConnection, "refused", 2), at(5_000));
        let told = reading(&now, at(5_000));
        assert!(told.ends_with("next try in 2 s, 1 x asked to slow down (429), 1 x no connection (refused)"), "{told}");
    }

    #[test]
    fn sending_is_told_in_forms() {
        let now = Sending { elapsed: Duration::from_secs(6), ..Sending::default() };
        assert!(sending(&now, at(0)).ends_with("checking the cases, 0 changes applied"));
    }
}
