//! Which rows that came back are taken, and why the others are not. Nothing is decided here: [`Ledger::import`] does, by the same
//! rules for reasons.

use std::collections::{BTreeMap, BTreeSet};

use super::{LETTERS, Returned, mark, of_reason, then};
use crate::domain::{
    flags::Severity,
    ledger::{Act, Ledger, Missing, Row, SHORTEST_REASON, Verdict},
    plan::{Cell, Plan},
    text::{fit, inert},
    value::Number,
};

/// Columns of a text from the file that a sentence repeats.
const SHOWN: usize = 40;
/// Why what was sent is left alone.
const SENT: &str = "it was sent already, and what was sent cannot be decided again: onse undo takes it back";

/// What becomes of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// To be decided, each cell once.
    pub rows: Vec<Row>,
    /// Not taken, in the order of the file.
    pub refused: Vec<Refused>,
    /// Rows that ask for nothing: without a verdict, with the one they were exported with, or with the one that stands.
    pub unchanged: usize,
    /// Of these, rows with a reason and no verdict.
    pub unsaid: usize,
}

/// A row that is not taken. Nothing of it is inert but the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its row in the sheet, or its line in the file, from 1.
    pub row: u64,
    /// Case id.
    pub case_id: String,
    /// Name of the facility; `None` where the review has none with this case id.
    pub facility: Option<String>,
    /// Case property.
    pub property: String,
    /// Why, and what to do. Inert.
    pub why: String,
    /// Whether it is for want of the reason that an open STOP asks for.
    pub stop: bool,
}

/// Judges what came back for a review with this id. The error says why no row is looked at: none was exported from this review
/// (fault matrix row F13).
pub fn judge(plan: &Plan, ledger: &Ledger, review: &str, returned: &[Returned]) -> Result<Judged, String> {
    let desk = Desk::new(plan, ledger, review);
    let rows: Vec<Known<'_>> = returned.iter().map(|row| desk.known(row)).collect();
    if !rows.is_empty() && rows.iter().all(|row| row.marked == Marked::Elsewhere) {
        return Err("it was exported from another review: not one of its rows has a mark of this one. Write the verdicts into an \
                    export of this review, or import them into the review they are of"
            .to_owned());
    }
    let twice = twice(&rows);
    let (mut judged, mut asked, mut first) = (Judged::default(), Vec::new(), BTreeSet::new());
    for row in &rows {
        match desk.look(row, &twice) {
            // The same said twice is said once.
            Ok(Some(one)) if first.insert(one.cell) => asked.push((row, one)),
            Ok(_) => {
                judged.unchanged += 1;
                judged.unsaid += usize::from(row.says_why_only(&desk));
            }
            Err(why) => judged.refused.push(row.refused(plan, why, false)),
        }
    }
    let missing = ledger.unreasoned(plan, &asked.iter().map(|(_, one)| one).collect::<Vec<_>>());
    for (row, one) in asked {
        match missing.get(&one.cell) {
            Some(missing) => judged.refused.push(row.refused(plan, desk.asks(one.cell, *missing), true)),
            None => judged.rows.push(one),
        }
    }
    judged.refused.sort_by_key(|refused| refused.row);
    judged.rows.sort_by_key(|row| row.cell);
    Ok(judged)
}

/// What stands in the verdict column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Blank,
    Says(Act),
    Unknown,
}

impl Word {
    fn of(text: &str) -> Self {
        match text.trim().to_lowercase().as_str() {
            "" => Self::Blank,
            "approve" | "approved" => Self::Says(Act::Approve),
            "zero" | "approve zero" => Self::Says(Act::Zero),
            "reject" | "rejected" => Self::Says(Act::Reject),
            "undecided" | "clear" | "cleared" => Self::Says(Act::Clear),
            _ => Self::Unknown,
        }
    }
}

/// What the mark of a row tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marked {
    /// Of this review, on the values it has now.
    Now,
    /// Of this review, on the values that stand in the row.
    Then,
    /// Of another review, of other values than stand in the row, or no mark.
    Elsewhere,
}

/// A row with what is found of it.
struct Known<'a> {
    row: &'a Returned,
    cell: Option<Cell>,
    facility: Option<u32>,
    marked: Marked,
    word: Word,
    reason: Option<&'a str>,
}

impl Known<'_> {
    fn refused(&self, plan: &Plan, why: String, stop: bool) -> Refused {
        let Returned { row, case_id, property, .. } = self.row;
        let facility = self.facility.map(|facility| plan.facility(facility).name.clone());
        Refused { row: *row, case_id: case_id.clone(), facility, property: property.clone(), why, stop }
    }

    /// Whether it has a reason, no verdict, and its cell has none either.
    fn says_why_only(&self, desk: &Desk<'_>) -> bool {
        let open = self.cell.is_none_or(|cell| desk.ledger.verdict(desk.plan, cell).is_none());
        let silent = matches!(self.word, Word::Blank | Word::Says(Act::Clear));
        silent && open && self.reason.is_some()
    }
}

/// Cells of which rows say different things, with the numbers of these rows.
fn twice(rows: &[Known<'_>]) -> BTreeMap<Cell, Vec<u64>> {
    let mut said: BTreeMap<Cell, Vec<&Known<'_>>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.word != Word::Blank) {
        if let Some(cell) = row.cell {
            said.entry(cell).or_default().push(row);
        }
    }
    let differ =
        |rows: &Vec<&Known<'_>>| rows.iter().any(|row| (row.word, row.reason) != (rows[0].word, rows[0].reason));
    said.retain(|_, rows| differ(rows));
    said.into_iter().map(|(cell, rows)| (cell, rows.iter().map(|row| row.row.row).collect())).collect()
}

struct Desk<'a> {
    plan: &'a Plan,
    ledger: &'a Ledger,
    review: &'a str,
    facilities: BTreeMap<&'a str, u32>,
    properties: BTreeMap<&'a str, u16>,
}

impl<'a> Desk<'a> {
    fn new(plan: &'a Plan, ledger: &'a Ledger, review: &'a str) -> Self {
        let facilities = (0..plan.height()).map(|at| (plan.facility(at).case_id.as_str(), at)).collect();
        let properties = (0..plan.width()).map(|at| (plan.property(at).name.as_str(), at)).collect();
        Self { plan, ledger, review, facilities, properties }
    }

    fn known<'r>(&self, row: &'r Returned) -> Known<'r> {
        let facility = self.facilities.get(row.case_id.trim()).copied();
        let property = self.properties.get(row.property.trim()).copied();
        let cell = facility.zip(property).map(|(facility, property)| Cell { facility, property });
        let marked = cell.map_or(Marked::Elsewhere, |cell| self.marked(row, cell));
        let reason = Some(row.reason.trim()).filter(|reason| !reason.is_empty());
        Known { row, cell, facility, marked, word: Word::of(&row.verdict), reason }
    }

    fn marked(&self, row: &Returned, cell: Cell) -> Marked {
        let (plan, review) = (self.plan, self.review);
        let (case_id, property) = (&plan.facility(cell.facility).case_id, &plan.property(cell.property).name);
        let Some(letters) = row.mark.trim().get(..LETTERS) else { return Marked::Elsewhere };
        let is = |old: Option<&str>, new: Option<&str>| mark(review, case_id, property, old, new) == letters;
        if is(plan.old(cell), plan.offer(cell)) {
            return Marked::Now;
        }
        let news =
            [could_be(&row.new), if row.new.trim().is_empty() { vec![Some("0".to_owned())] } else { Vec::new() }];
        let news: Vec<Option<String>> = news.concat();
        let then = could_be(&row.old).iter().any(|old| news.iter().any(|new| is(old.as_deref(), new.as_deref())));
        if then { Marked::Then } else { Marked::Elsewhere }
    }

    /// What a row asks for; `None` where that is nothing. The error says why it is not taken.
    fn look(&self, known: &Known<'_>, twice: &BTreeMap<Cell, Vec<u64>>) -> Result<Option<Row>, String> {
        let Known { row, .. } = known;
        let act = match known.word {
            Word::Blank => return self.emptied(known),
            Word::Says(act) => act,
            Word::Unknown => {
                let word = shown(&row.verdict);
                return Err(format!(
                    "{word} is no verdict: write approve, zero, reject or undecided, or leave the column empty"
                ));
            }
        };
        let Some(cell) = known.cell else {
            return Err(match known.facility {
                None => format!("the review has no facility with the case id {}", shown(&row.case_id)),
                Some(_) => format!("the review has no property {}", shown(&row.property)),
            });
        };
        let now = self.ledger.verdict(self.plan, cell);
        let went = then(&row.mark);
        let exported = went.map_or(now, |went| went.verdict);
        let old_words = went.and_then(|went| went.reason).is_some_and(|letters| letters == of_reason(&row.reason));
        let other_reason = known.reason.is_some_and(|reason| !self.is_reason(cell, reason));
        // Where both came to the same verdict, each with a reason, the one that stands does.
        let so_already = now == act.verdict() && (now.is_none() || !other_reason || exported != now);
        // What nobody touched in the spreadsheet was not decided there, whatever was on screen since.
        let untouched = exported == act.verdict() && (now != act.verdict() || old_words);
        if so_already || untouched {
            return Ok(None);
        }
        if let Some(rows) = twice.get(&cell) {
            let rows: Vec<String> = rows.iter().map(u64::to_string).collect();
            return Err(format!(
                "rows {} are of the same value and say different things: keep one of them",
                rows.join(", ")
            ));
        }
        self.named(known, cell)?;
        self.stands(known, cell)?;
        if self.ledger.is_sent(cell) {
            return Err(SENT.to_owned());
        }
        if exported != now {
            let (now, then) = (said(now), said(exported));
            return Err(format!(
                "it was {then} when it was exported and is {now} now: decide it on screen, or export again"
            ));
        }
        if !act.fits(self.plan, cell) {
            return Err(self.unfit(act, cell).to_owned());
        }
        // The reason that stands comes back as it was shown, which is not how it is kept where something in it acts.
        let kept = self.ledger.reason(cell).filter(|_| !other_reason && known.reason.is_some());
        // What it was rejected or put off for is no reason to approve it where a STOP asks for one.
        let approved = now.is_some_and(Verdict::writes);
        let taken_over = act.writes() && !approved && (!other_reason || old_words);
        let dropped = act == Act::Clear || (taken_over && self.ledger.asks_own_reason(self.plan, cell));
        let reason = kept.or(known.reason).filter(|_| !dropped).map(str::to_owned);
        Ok(Some(Row { cell, act, reason }))
    }

    /// Nothing is asked of a row without a verdict, unless it went out with the one that stands: that it was emptied meant something
    /// to a person, and is not to leave it approved in silence.
    fn emptied(&self, known: &Known<'_>) -> Result<Option<Row>, String> {
        let went = then(&known.row.mark).and_then(|went| went.verdict);
        let Some((cell, went)) = known.cell.zip(went) else { return Ok(None) };
        if self.ledger.verdict(self.plan, cell).is_none() {
            return Ok(None);
        }
        if self.ledger.is_sent(cell) {
            return Err(SENT.to_owned());
        }
        let (was, word) = (said(Some(went)), went.name());
        let other = if went.writes() { " or reject" } else { "" };
        Err(format!("it was {was} and is empty now: write undecided{other}, or {word} to leave it as it was"))
    }

    /// Whether the name a person knows the row by is that of its facility. Columns that were sorted or moved apart from those far right
    /// show one facility beside the mark of another.
    fn named(&self, known: &Known<'_>, cell: Cell) -> Result<(), String> {
        let name = &self.plan.facility(cell.facility).name;
        match &known.row.facility {
            Some(sheet) if !is_name(sheet, name) => Err(format!(
                "facility reads {} in the spreadsheet, and its case is of {}. The columns were sorted apart, or it was renamed: export \
                 again and write the verdict there",
                shown(sheet),
                shown(name)
            )),
            _ => Ok(()),
        }
    }

    /// Whether these words are the reason the cell has.
    fn is_reason(&self, cell: Cell, words: &str) -> bool {
        self.ledger.reason(cell).is_some_and(|reason| reason == words || inert(reason) == words)
    }

    /// Whether the row is of this review and its values are those of the plan.
    fn stands(&self, known: &Known<'_>, cell: Cell) -> Result<(), String> {
        let (plan, row) = (self.plan, known.row);
        let zero = plan.may_be_zero(cell) && ["", "0", "(0?)"].contains(&row.new.trim());
        let (old, new) = (plan.old(cell), plan.offer(cell));
        let mut differ = Vec::new();
        for (what, who, sheet, now) in [("old", "the case", &row.old, old), ("new", "DHIS2", &row.new, new)] {
            let moved = known.marked != Marked::Now && sheet.trim() != now.unwrap_or_default().trim();
            if (moved || !reads(sheet, now)) && !(what == "new" && zero) {
                let now =
                    if now.is_none_or(str::is_empty) { "no value".to_owned() } else { shown(now.unwrap_or_default()) };
                let sheet = if sheet.trim().is_empty() { "nothing".to_owned() } else { shown(sheet) };
                differ.push(format!("{what} reads {sheet} in the spreadsheet, and {who} holds {now} now"));
            }
        }
        let values = differ.join("; ");
        match known.marked {
            Marked::Now if differ.is_empty() => Ok(()),
            Marked::Now => Err(format!(
                "{values}. onse writes only what DHIS2 holds: put the value back as it was, or decide it on screen"
            )),
            Marked::Then if !differ.is_empty() => {
                Err(format!("{values}. It moved since it was exported: export again and look at it anew"))
            }
            Marked::Then | Marked::Elsewhere => {
                let values = if values.is_empty() { String::new() } else { format!(" ({values})") };
                Err(format!(
                    "its mark is not of this value of this review{values}: export again and write the verdict there"
                ))
            }
        }
    }

    /// Why this cannot be done to a cell.
    fn unfit(&self, act: Act, cell: Cell) -> &'static str {
        match act {
            Act::Approve if self.plan.may_be_zero(cell) => {
                "it reads (0?), since DHIS2 may not have stored a 0: zero writes 0, reject keeps the old value"
            }
            Act::Zero if Act::Approve.fits(self.plan, cell) => {
                "DHIS2 holds a number here, and zero is for what reads (0?): write approve or reject"
            }
            _ => "there is nothing to decide: no value differs",
        }
    }

    /// Which reason is missing.
    fn asks(&self, cell: Cell, missing: Missing) -> String {
        let name = inert(&self.plan.property(cell.property).name).into_owned();
        let own = format!("its own reason of at least {SHORTEST_REASON} characters");
        match missing {
            Missing::Stop => {
                let stop = self.plan.flags(cell).iter().find(|flag| flag.severity == Severity::Stop);
                let stop = stop.map(|flag| format!(" ({}: {})", flag.id, flag.sentence)).unwrap_or_default();
                format!("a STOP{} is approved with {own} in its row", inert(&stop))
            }
            Missing::Property => {
                let check =
                    self.ledger.blocks(self.plan, cell.property).map(|check| format!(" ({})", check.statement()));
                format!(
                    "{name} has an open STOP{}: approve it with {own} in its row, or settle the STOP first: onse decide FILE --where \
                     prop:{name} --settle --reason TEXT",
                    inert(&check.unwrap_or_default())
                )
            }
            Missing::Own(facilities) => format!(
                "the same reason stands at {facilities} facilities where a STOP asks for one: write for each why its own number is right"
            ),
        }
    }
}

/// A verdict in words.
fn said(verdict: Option<Verdict>) -> &'static str {
    match verdict {
        Some(Verdict::Approve) => "approved",
        Some(Verdict::Zero) => "approved as zero",
        Some(Verdict::Reject) => "rejected",
        None => "undecided",
    }
}

/// A text of the file in a sentence.
fn shown(text: &str) -> String {
    let text = inert(text.trim());
    format!("\"{}\"", fit(&text, SHOWN))
}

/// What a spreadsheet may have made this text of.
fn could_be(text: &str) -> Vec<Option<String>> {
    let text = text.trim();
    if text.is_empty() {
        return vec![None, Some(String::new())];
    }
    let number = number(text).map(|number| number.to_string());
    [Some(text.to_owned()), number].into_iter().flatten().map(Some).collect()
}

/// A number as spreadsheets write it, with a decimal comma too.
fn number(text: &str) -> Option<Number> {
    let text = text.trim();
    Number::parse(text).or_else(|| Number::parse(&text.replacen(',', ".", 1)).filter(|_| !text.contains('.')))
}

/// Whether what stands in a spreadsheet is this value: as text, or as a number, since spreadsheets make 1.5 of 1.50. An apostrophe
/// before it only says that it is text.
fn reads(sheet: &str, value: Option<&str>) -> bool {
    let whole = value.unwrap_or_default();
    let (sheet, value) = (sheet.trim(), whole.trim());
    let plain = sheet.strip_prefix('\'').unwrap_or(sheet).trim();
    if [sheet, plain].iter().any(|text| *text == value || *text == inert(value) || *text == inert(whole).trim()) {
        return true;
    }
    number(plain).is_some_and(|number| Number::parse(value) == Some(number))
}

/// Whether what stands in a spreadsheet is this name. A question mark may be a letter that the character set of a `.csv` does not have.
fn is_name(sheet: &str, name: &str) -> bool {
    let name = inert(name);
    let lost = |(letter, other): (char, char)| letter == other || (letter == '?' && !other.is_ascii());
    let same_length = sheet.trim().chars().count() == name.trim().chars().count();
    reads(sheet, Some(&name)) || (same_length && sheet.trim().chars().zip(name.trim().chars()).all(lost))
}

#[cfg(test)]
mod tests;
