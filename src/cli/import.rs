//! `onse import`: verdicts from an exported spreadsheet, taken as one decision by the rules of the screen (review-ux.md rule 3).
//! Which rows fit is `domain::returned`; reading the file is `io::spreadsheet`.

use std::{ffi::OsStr, io::Write as _, path::Path, sync::Arc};

use anyhow::{Context as _, Result, anyhow};
use serde::Serialize;

use super::{
    args,
    exit::{Exit, told, usage},
    here::Here,
    out::{Out, count, say, shell},
};
use crate::{
    domain::{
        flags::Severity,
        ledger::{Act, Ledger, Row},
        plan::Plan,
        returned::{Judged, Refused, judge},
        text::inert,
        value::grouped,
    },
    io::{
        spreadsheet,
        store::{Loaded, Store},
    },
    job::{
        export::{decided, write},
        session::{Opened, opened},
    },
};

/// The endings of files that verdicts come back in.
const ENDINGS: [&str; 2] = ["csv", "xlsx"];

/// What became of the rows, as JSON.
#[derive(Serialize)]
struct Json<'a> {
    schema: u32,
    file: String,
    spreadsheet: String,
    dry_run: bool,
    counts: Counts,
    refused: Vec<NotTaken<'a>>,
}

/// How many rows became what. The first five were taken, or would be.
#[derive(Clone, Copy, Default, Serialize)]
struct Counts {
    approved: usize,
    zeros: usize,
    rejected: usize,
    cleared: usize,
    /// Rows that changed the reason alone.
    reasons: usize,
    unchanged: usize,
    /// Of these, rows with a reason and no verdict.
    without_verdict: usize,
    refused: usize,
    #[serde(skip)]
    review: usize,
    #[serde(skip)]
    stop: usize,
}

#[derive(Serialize)]
struct NotTaken<'a> {
    row: u64,
    case_id: &'a str,
    facility: Option<&'a str>,
    property: &'a str,
    reason: &'a str,
}

pub(super) async fn import(here: &Here, args: &args::Import, out: &mut Out) -> Result<Exit> {
    let ending = args.path.extension().map(OsStr::to_ascii_lowercase);
    if !ENDINGS.iter().any(|known| ending.as_deref() == Some(known.as_ref())) {
        let path = args.path.display();
        return Err(usage(format!(
            "verdicts come back in a .csv or an .xlsx that onse export wrote, and not in {path}"
        )));
    }
    if args.dry_run {
        // Reads only, so that it also tells of a review that is open elsewhere.
        let loaded: Loaded = Store::read_only(&args.file)?;
        let Opened { plan, ledger, .. } = opened(loaded)?;
        let judged = judged(args, &plan, &ledger)?;
        let counts = Counts::of(&plan, &ledger, &judged);
        tell(args, &counts, &judged.refused, None, out).context("what would be taken could not be told")?;
        return Ok(exit(&judged));
    }
    let session = here.session(Store::open(&args.file)?, None);
    let done = async {
        let Opened { plan, mut ledger, .. } = session.open().await?;
        let judged = judged(args, &plan, &ledger)?;
        let counts = Counts::of(&plan, &ledger, &judged);
        if !judged.rows.is_empty() {
            let entry = ledger
                .import(&plan, judged.rows.clone(), &label(args, judged.rows.len()), &session.stamp())
                .map_err(|why| anyhow!("{}: {why}", args.path.display()))?;
            session.record(entry, &plan).await?;
        }
        let (taken, refused) = (count(judged.rows.len(), "row", "rows"), grouped(&judged.refused.len().to_string()));
        here.noted.say(format!("{taken} of {} taken, {refused} refused", args.path.display()));
        tell(args, &counts, &judged.refused, Some((&plan, &ledger)), out).with_context(|| {
            told(Exit::Failed, format!("the verdicts taken are in {}; it could not be told", args.file.display()))
        })?;
        Ok(exit(&judged))
    }
    .await;
    session.close();
    done
}

/// Reads the spreadsheet and judges its rows.
fn judged(args: &args::Import, plan: &Arc<Plan>, ledger: &Ledger) -> Result<Judged> {
    let rows = spreadsheet::read(&args.path)?;
    let review = Store::id(&args.file)?.unwrap_or_default();
    judge(plan, ledger, &review, &rows).map_err(|why| anyhow!("{}: {why}", args.path.display()))
}

/// What the entry is called: `31 verdicts from Q2.xlsx, filled in by Grace`.
fn label(args: &args::Import, taken: usize) -> String {
    let name = args.path.file_name().unwrap_or_default().to_string_lossy();
    let by = args.by.as_ref().map(|by| format!(", filled in by {by}")).unwrap_or_default();
    format!("{} from {}{by}", count(taken, "verdict", "verdicts"), inert(&name))
}

/// 0 where nothing is refused, 5 where some of it is taken, 6 where an open STOP refused all that was asked for.
fn exit(judged: &Judged) -> Exit {
    match judged.refused[..] {
        [] => Exit::Done,
        _ if !judged.rows.is_empty() => Exit::Held,
        _ if judged.refused.iter().all(|refused| refused.stop) => Exit::Stopped,
        _ => Exit::Failed,
    }
}

impl Counts {
    /// What judged rows do to a ledger that has not taken them yet.
    fn of(plan: &Plan, ledger: &Ledger, judged: &Judged) -> Self {
        let mut counts = Self {
            unchanged: judged.unchanged,
            without_verdict: judged.unsaid,
            refused: judged.refused.len(),
            ..Self::default()
        };
        for Row { cell, act, .. } in &judged.rows {
            if ledger.verdict(plan, *cell) == act.verdict() {
                counts.reasons += 1;
                continue;
            }
            *match act {
                Act::Approve => &mut counts.approved,
                Act::Zero => &mut counts.zeros,
                Act::Reject => &mut counts.rejected,
                Act::Clear => &mut counts.cleared,
            } += 1;
            match plan.severity(*cell).filter(|_| act.writes()) {
                Some(Severity::Stop) => counts.stop += 1,
                Some(Severity::Review) => counts.review += 1,
                _ => {}
            }
        }
        counts
    }

    fn taken(&self) -> usize {
        self.approved + self.zeros + self.rejected + self.cleared + self.reasons
    }

    /// In words: `approved 28 changes (STOP 1, REVIEW 6, no flag 21), rejected 2, cleared 1`.
    fn words(&self) -> String {
        let n = |n: usize| grouped(&n.to_string());
        let mut words = Vec::new();
        let writes = self.approved + self.zeros;
        if writes > 0 {
            let zeros = if self.zeros == 0 { String::new() } else { format!("0 for {} of them, ", n(self.zeros)) };
            let (stop, review) = (n(self.stop), n(self.review));
            let plain = n(writes - self.stop - self.review);
            let values = count(writes, "value", "values");
            words.push(format!("approved {values} ({zeros}STOP {stop}, REVIEW {review}, no flag {plain})"));
        }
        for (what, how_many) in
            [("rejected", self.rejected), ("cleared", self.cleared), ("another reason for", self.reasons)]
        {
            words.extend((how_many > 0).then(|| format!("{what} {}", n(how_many))));
        }
        words.join(", ")
    }
}

/// Says what was taken, names every row that was not, and what to do next. `after` is the review as it is now; `None` where nothing
/// was to be decided.
fn tell(
    args: &args::Import,
    counts: &Counts,
    refused: &[Refused],
    after: Option<(&Plan, &Ledger)>,
    out: &mut Out,
) -> Result<()> {
    if args.json {
        let file = |path: &Path| path.display().to_string();
        let (file, spreadsheet) = (file(&args.file), file(&args.path));
        let refused = refused.iter().map(not_taken).collect();
        write(&Json { schema: 1, file, spreadsheet, dry_run: args.dry_run, counts: *counts, refused }, out)?;
    } else {
        let mut lines = told_lines(args, counts, refused);
        lines.extend(after.map(|(_, ledger)| decided(&ledger.all(), ledger.sent())));
        for line in lines {
            writeln!(out, "{}", inert(&line))?;
        }
    }
    out.flush()?;
    next(args, counts, refused, after);
    Ok(())
}

fn not_taken(refused: &Refused) -> NotTaken<'_> {
    let Refused { row, case_id, facility, property, why, .. } = refused;
    NotTaken { row: *row, case_id, facility: facility.as_deref(), property, reason: why }
}

fn told_lines(args: &args::Import, counts: &Counts, refused: &[Refused]) -> Vec<String> {
    let path = args.path.display();
    let mut lines = vec![match (counts.taken(), args.dry_run) {
        (0, _) => format!("no verdict of {path} is taken"),
        (n, true) => format!("would import {} from {path}: {}", count(n, "verdict", "verdicts"), counts.words()),
        (n, false) => format!("imported {} from {path}: {}", count(n, "verdict", "verdicts"), counts.words()),
    }];
    lines.push(format!("unchanged  {}", count(counts.unchanged, "row", "rows")));
    if counts.without_verdict > 0 {
        let rows = count(counts.without_verdict, "row", "rows");
        lines.push(format!("of these, {rows} with a reason and no verdict: a reason alone decides nothing"));
    }
    if !refused.is_empty() {
        lines.push(format!("refused  {}, which stay as they were:", count(refused.len(), "row", "rows")));
    }
    for Refused { row, case_id, facility, property, why, .. } in refused {
        lines.push(format!("  row {row}  {}  {property}: {why}", facility.as_ref().unwrap_or(case_id)));
    }
    lines
}

/// The next command.
fn next(args: &args::Import, counts: &Counts, refused: &[Refused], after: Option<(&Plan, &Ledger)>) {
    let (file, path) = (shell(&args.file), shell(&args.path));
    if counts.taken() == 0 {
        say(if refused.is_empty() {
            "nothing to do: no row says anything that is not so already"
        } else {
            "nothing was decided: every verdict asked for was refused"
        });
    }
    if !refused.is_empty() {
        say(&format!("mend the refused rows and import again, or export what is left: onse export {file} --to {path}"));
    }
    match after {
        None if counts.taken() > 0 => {
            let by = args.by.as_ref().map(|by| format!(" --by '{}'", by.replace('\'', "'\\''"))).unwrap_or_default();
            say(&format!("nothing was decided; to take them: onse import {file} {path}{by}"));
        }
        Some((plan, ledger)) if counts.taken() > 0 => {
            say(&format!("the import is one decision: u on tab 1, 2 or 3 of onse review {file} takes it back"));
            let ready = ledger.to_send(plan).count();
            if ready > 0 {
                say(&format!("nothing was sent; when all is decided: onse submit {file} --write {ready}"));
            }
        }
        _ => {}
    }
}
