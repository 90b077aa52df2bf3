//! Does what the review in lines asks for, on a [`Session`]: prints, records, loads, checks, sends. Decides nothing.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow};
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    review::{Out, Review, line},
    say, submit,
};
use crate::{
    domain::{
        ledger::Entry,
        plan::{Cell, Plan},
        text::inert,
    },
    job::{
        fetch::Ask,
        report::{Detail, Phase, Reading, Sending},
        session::{Opened, Session},
        submit::Steering,
    },
};

/// Between two lines about a submission, and about reading.
const FORMS: Duration = Duration::from_secs(3);
const SELDOM: Duration = Duration::from_secs(10);
/// The interrupt of a submission that leaves the program.
const LEAVES: u8 = 3;
/// Longest wait, on leaving, for a form that was let go of to be recorded as UNKNOWN.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// A signal of the operating system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// ctrl-c.
    Interrupt,
    /// SIGTERM or SIGHUP: leave now.
    Terminate,
}

/// How the review was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// By the person's own choice, or because no line came any more.
    Done,
    /// By ctrl-c or a signal.
    Interrupted,
    /// The same after a submission was cut short.
    CutShort,
    /// Nothing was ever read.
    Unread,
    /// A decision or a submission was refused, since nobody is there to be asked.
    Refused,
}

/// What the review in lines starts with.
#[derive(Debug)]
pub struct Opening {
    /// The review file, with or without the servers.
    pub session: Session,
    /// What reading means; none where nothing can be read.
    pub ask: Option<Ask>,
    /// Whether it is read first: the file holds no plan yet.
    pub fresh: bool,
    /// Who is signed in to `CommCare`; stands in the forms.
    pub username: String,
    /// Why both sides cannot be read again.
    pub not_again: Option<String>,
    /// Why nothing can be decided or sent, e.g. who holds the file.
    pub refuses: Option<String>,
    /// Whether a person types: else what came in is printed behind its prompt, and a refused decision ends in [`Left::Refused`].
    pub person: bool,
    /// Whether only ASCII can be printed; any other character is a question mark then.
    pub ascii: bool,
}

/// The person's side: where lines come from and go to.
pub struct Seat<'a> {
    /// Lines as they are typed; closed at the end of input.
    pub lines: mpsc::UnboundedReceiver<String>,
    /// Signals as they come.
    pub signals: mpsc::UnboundedReceiver<Signal>,
    /// Results.
    pub out: &'a mut (dyn Write + Send),
    /// Progress and messages, a line each.
    pub tell: &'a mut (dyn FnMut(&str) + Send),
}

impl std::fmt::Debug for Seat<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seat").finish_non_exhaustive()
    }
}

/// Reviews in lines until the person leaves. What was decided and sent is in the review file, however it ended. Fails where the
/// review cannot be opened or lines cannot be printed; a reader that went away is the end of input (fault matrix row K22).
pub async fn run(opening: Opening, seat: Seat<'_>) -> Result<Left> {
    let mut desk = Desk { opening, seat, review: None, cut: false };
    let left = match desk.go().await {
        Err(error) if is_gone(&error) => Ok(Left::Done),
        other => other,
    };
    if let Some(review) = desk.review.as_ref().filter(|review| review.keeps_place())
        && let Err(error) = desk.opening.session.save_place(review.place()).await
    {
        tracing::error!("the place could not be kept: {error:#}");
    }
    let refused = desk.review.as_ref().is_some_and(Review::was_refused) && !desk.opening.person;
    Ok(match left? {
        Left::Done if refused => Left::Refused,
        Left::Interrupted if desk.cut => Left::CutShort,
        left => left,
    })
}

/// Whether nobody reads any more.
fn is_gone(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// What is done about forms.
enum Work {
    Send(usize),
    Settle,
    Verify,
}

struct Desk<'a> {
    opening: Opening,
    seat: Seat<'a>,
    review: Option<Review>,
    /// Whether a submission was interrupted.
    cut: bool,
}

impl Desk<'_> {
    async fn go(&mut self) -> Result<Left> {
        if self.opening.fresh {
            if let Some(left) = self.read().await? {
                return Ok(left);
            }
        } else {
            let opened = self.opening.session.open().await?;
            self.open(opened).await?;
        }
        loop {
            let Some(text) = self.line().await? else {
                let left = if self.review.is_none() { Left::Unread } else { Left::Done };
                return Ok(left);
            };
            let Some(text) = text else { return Ok(Left::Interrupted) };
            let stamp = self.opening.session.stamp();
            let outs = match &mut self.review {
                Some(review) => review.answer(&text, &stamp),
                None => unread(&text),
            };
            if let Some(left) = self.perform(outs).await? {
                return Ok(left);
            }
        }
    }

    /// Prints the prompt and waits for a line: `None` at the end of input, `Some(None)` after a signal.
    async fn line(&mut self) -> Result<Option<Option<String>>> {
        let prompt = self.review.as_ref().map_or_else(|| "> ".to_owned(), Review::prompt);
        let asks = self.opening.person && self.review.as_ref().is_some_and(Review::asks);
        if asks {
            // What was typed before the question could be read is no answer to it.
            while self.seat.lines.try_recv().is_ok() {}
        }
        write!(self.seat.out, "{prompt}")?;
        self.seat.out.flush()?;
        let text = tokio::select! {
            biased;
            Some(_) = self.seat.signals.recv() => {
                writeln!(self.seat.out)?;
                return Ok(Some(None));
            }
            text = self.seat.lines.recv() => text,
        };
        if asks {
            // Nor is what was pasted behind an answer a command (fault matrix row V08).
            while self.seat.lines.try_recv().is_ok() {}
        }
        match &text {
            // The terminal shows what is typed by itself.
            Some(text) if !self.opening.person => self.print(text)?,
            Some(_) => {}
            None => writeln!(self.seat.out)?,
        }
        Ok(text.map(Some))
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        let text = inert(text);
        if self.opening.ascii && !text.is_ascii() {
            let text: String = text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
            return writeln!(self.seat.out, "{text}");
        }
        writeln!(self.seat.out, "{text}")
    }

    fn tell(&mut self, text: &str) {
        (self.seat.tell)(&inert(text));
    }

    /// Does these, in order; answers how the review was left, if it was.
    async fn perform(&mut self, outs: Vec<Out>) -> Result<Option<Left>> {
        for out in outs {
            match out {
                Out::Line(text) => self.print(&text)?,
                Out::Past(cell) => self.behind(cell, |plan, detail| Vec::from_iter(say::past(plan, detail))).await?,
                Out::Usual(cell) => self.behind(cell, |plan, detail| Vec::from_iter(say::usual(plan, detail))).await?,
                Out::Parts(cell) => self.behind(cell, say::parts).await?,
                Out::Record(entry) => {
                    if !self.record(*entry).await? {
                        break;
                    }
                }
                Out::Check => self.check().await?,
                Out::Submit(count) => return self.send(Work::Send(count)).await,
                Out::Settle => return self.send(Work::Settle).await,
                Out::Verify => return self.send(Work::Verify).await,
                Out::Read => return self.read().await,
                Out::Quit => return Ok(Some(if self.review.is_none() { Left::Unread } else { Left::Done })),
            }
        }
        Ok(None)
    }

    fn plan(&self) -> Option<Arc<Plan>> {
        self.review.as_ref().map(|review| Arc::clone(review.plan()))
    }

    /// Writes a decision; whether it is on the disk. One that is not is taken back.
    async fn record(&mut self, entry: Entry) -> Result<bool> {
        let Some(plan) = self.plan() else { return Ok(false) };
        let seq = entry.seq;
        let Err(error) = self.opening.session.record(entry, &plan).await else { return Ok(true) };
        let said = self.review.as_mut().map(|review| review.not_recorded(seq, &format!("{error:#}")));
        if let Some(Out::Line(text)) = said {
            self.print(&text)?;
        }
        Ok(false)
    }

    /// Prints what is behind a cell.
    async fn behind(&mut self, cell: Cell, told: impl Fn(&Plan, &Detail) -> Vec<String>) -> Result<()> {
        let Some(plan) = self.plan() else { return Ok(()) };
        let lines = match self.opening.session.detail(&plan, cell).await {
            Ok(detail) => told(&plan, &detail),
            Err(error) => vec![format!("   what is behind it cannot be had: {error:#}")],
        };
        for text in lines {
            self.print(&text)?;
        }
        Ok(())
    }

    /// Shows what was opened, and what was sent before.
    async fn open(&mut self, opened: Opened) -> Result<()> {
        let standing = opened.standing();
        let Opened { plan, ledger, place, reset, .. } = opened;
        let outs = match &mut self.review {
            Some(review) => review.read_again(plan, ledger, reset),
            none => {
                let refuses = self.opening.refuses.clone();
                none.insert(Review::new(plan, ledger, reset, place.as_deref(), refuses)).begin()
            }
        };
        for out in outs {
            // Only lines and what is behind cells: nobody has typed anything yet.
            Box::pin(self.perform(vec![out])).await?;
        }
        if let Some(sent) = standing.filter(|sent| sent.accepted + sent.unknown > 0) {
            let open = say::plural(sent.accepted + sent.unknown, "change");
            self.print(&format!("{open} sent earlier and not settled; verify reads back, settle forms settles."))?;
        }
        Ok(())
    }

    async fn check(&mut self) -> Result<()> {
        let check = Box::pin(async {
            let opened = self.opening.session.open().await?;
            self.opening.session.check(&opened.plan, &opened.ledger).await
        });
        let result = check.await.map_err(|error| format!("{error:#}"));
        let outs = self.review.as_mut().map(|review| review.checked(result)).unwrap_or_default();
        for out in outs {
            if let Out::Line(text) = out {
                self.print(&text)?;
            }
        }
        Ok(())
    }

    /// Reads both sides, the first time or again. A failure leaves the review as it was.
    async fn read(&mut self) -> Result<Option<Left>> {
        let Some(ask) = self.opening.ask.clone() else {
            let why = self.opening.not_again.clone();
            let why = why.unwrap_or_else(|| "this review file is looked at as it is".to_owned());
            self.print(&format!("not read again: {why}."))?;
            return Ok(None);
        };
        let (session, again, stop) = (self.opening.session.clone(), self.review.is_some(), CancellationToken::new());
        let (progress, shown) = watch::channel(Reading::default());
        let token = stop.clone();
        let work = Box::pin(async move {
            if again {
                session.read_again(&ask, None, progress, token).await
            } else {
                session.read(&ask, progress, token).await
            }
        });
        let (result, signal) = self.watch(work, shown, &stop).await;
        self.was_read(result, signal).await
    }

    /// Waits for a reading, telling now and then how far it is. The first signal stops it.
    async fn watch(
        &mut self,
        work: impl Future<Output = Result<Opened>> + Send,
        shown: watch::Receiver<Reading>,
        stop: &CancellationToken,
    ) -> (Result<Opened>, Option<Signal>) {
        let (mut signal, mut told) = (None, String::new());
        let mut tick = interval(SELDOM);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.tick().await;
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                result = &mut work => return (result, signal),
                Some(came) = self.seat.signals.recv() => {
                    stop.cancel();
                    signal = signal.or(Some(came));
                }
                _ = tick.tick() => {
                    let text = say::reading(&shown.borrow());
                    if text != told {
                        self.tell(&text);
                        told = text;
                    }
                }
            }
        }
    }

    async fn was_read(&mut self, result: Result<Opened>, signal: Option<Signal>) -> Result<Option<Left>> {
        let again = self.review.is_some();
        match (result, signal) {
            (Ok(opened), None | Some(Signal::Interrupt)) => {
                self.open(opened).await?;
                Ok(None)
            }
            (_, Some(Signal::Terminate)) => Ok(Some(Left::Interrupted)),
            (Err(_), Some(_)) if again => {
                self.print("stopped; the review is as it was read before, with every decision.")?;
                Ok(None)
            }
            (Err(_), Some(_)) => Ok(Some(Left::Interrupted)),
            (Err(error), None) if again => {
                self.print(&format!("not read again, the review is as it was: {error:#}"))?;
                Ok(None)
            }
            (Err(error), None) => {
                self.tell(&format!("nothing was read: {error:#}"));
                self.print("nothing was read. read tries again, q leaves.")?;
                Ok(None)
            }
        }
    }

    /// Sends, settles or reads back. A first interrupt stops after the form under way, a second lets go of it, a third leaves.
    async fn send(&mut self, work: Work) -> Result<Option<Left>> {
        let (progress, shown) = watch::channel(Sending::default());
        let (_resume, pause) = watch::channel(false);
        let (stop, abandon) = (CancellationToken::new(), CancellationToken::new());
        let steering = Steering { stop: stop.clone(), abandon: abandon.clone(), pause };
        let (session, username) = (self.opening.session.clone(), self.opening.username.clone());
        let job = Box::pin(async move {
            match work {
                Work::Send(count) => session.submit(&username, count, progress, steering).await,
                Work::Settle => session.settle(&username, progress, steering).await,
                Work::Verify => session.verify(progress, steering).await,
            }
        });
        let (interrupts, result) = self.steer(job, shown, &stop, &abandon).await;
        if interrupts >= LEAVES {
            return Ok(Some(Left::Interrupted));
        }
        self.ended(result.unwrap_or_else(|| Err(anyhow!("it was left")))).await?;
        Ok(None)
    }

    /// Waits for a submission, telling how far it is; answers how often it was interrupted. `None` where it was left.
    async fn steer(
        &mut self,
        job: impl Future<Output = Result<Sending>> + Send,
        shown: watch::Receiver<Sending>,
        stop: &CancellationToken,
        abandon: &CancellationToken,
    ) -> (u8, Option<Result<Sending>>) {
        let (mut interrupts, mut told) = (0, String::new());
        let mut tick = interval(FORMS);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tick.tick().await;
        tokio::pin!(job);
        loop {
            tokio::select! {
                biased;
                result = &mut job => return (interrupts, Some(result)),
                Some(signal) = self.seat.signals.recv() => {
                    interrupts = if signal == Signal::Terminate { LEAVES } else { interrupts + 1 };
                    self.cut = true;
                    stop.cancel();
                    if interrupts > 1 {
                        abandon.cancel();
                    }
                    self.tell(match interrupts {
                        1 => "stopping after the form under way; ctrl-c lets go of it (UNKNOWN)",
                        2 => "letting go of the form under way, it becomes UNKNOWN; ctrl-c leaves",
                        _ => "leaving",
                    });
                    if interrupts >= LEAVES {
                        return (interrupts, tokio::time::timeout(LAST_WAIT, &mut job).await.ok());
                    }
                }
                _ = tick.tick() => {
                    let text = submit::sending(&shown.borrow());
                    if text != told {
                        self.tell(&text);
                        told = text;
                    }
                }
            }
        }
    }

    /// What became of it, read from the review file: that knows what left this machine, also after a failure.
    async fn ended(&mut self, result: Result<Sending>) -> Result<()> {
        let opened = self.opening.session.open().await.context("the review file could not be read again")?;
        let standing = opened.standing();
        if let Some(review) = &mut self.review {
            review.set_ledger(opened.ledger);
        }
        let sent = match (result, standing) {
            (Ok(sending), _) => sending,
            (Err(error), Some(standing)) => Sending { note: Some(format!("{error:#}")), ..standing },
            (Err(error), None) => return Ok(self.print(&format!("nothing was sent: {error:#}"))?),
        };
        let sent = Sending { phase: Phase::Ended, ..sent };
        let Some(plan) = self.plan() else { return Ok(()) };
        for out in submit::result(&plan, &sent) {
            if let Out::Line(text) = out {
                self.print(&text)?;
            }
        }
        Ok(())
    }
}

/// What can be done while nothing was read.
fn unread(text: &str) -> Vec<Out> {
    match text.trim().to_lowercase().as_str() {
        "" => Vec::new(),
        "read" => vec![Out::Read],
        "q" | "quit" | "exit" => vec![Out::Quit],
        _ => vec![line("nothing was read, so there is nothing to look at; read tries again, q leaves.")],
    }
}
