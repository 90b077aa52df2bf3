//! Rows of a spreadsheet that came back with verdicts: which of them still fit the review, and what is to be decided. Pure: reading
//! the file is `io::spreadsheet`.

use ring::digest::{Context, SHA256};

use super::{
    ledger::{Ledger, Verdict},
    plan::{Cell, Plan},
    text::inert,
};

mod judge;

pub use judge::{Judged, Refused, judge};

/// One row as it stands in the spreadsheet, text for text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Returned {
    /// Its row in the sheet, or its line in the file, from 1.
    pub row: u64,
    /// Case id.
    pub case_id: String,
    /// Name of the facility, by which a person knows the row; `None` where that column was taken out.
    pub facility: Option<String>,
    /// Case property.
    pub property: String,
    /// What [`mark_of`] was when it was exported.
    pub mark: String,
    /// Old value as the spreadsheet has it now; empty where there is none.
    pub old: String,
    /// New value as the spreadsheet has it now; empty where there is none.
    pub new: String,
    /// What stands in the verdict column.
    pub verdict: String,
    /// What stands in the reason column.
    pub reason: String,
}

/// Letters in a mark: 48 bits, so that no two rows of a review are taken for one another by chance.
const LETTERS: usize = 12;

/// The letter behind a mark, for the verdict at export.
const VERDICTS: [(char, Option<Verdict>); 4] =
    [('u', None), ('y', Some(Verdict::Approve)), ('z', Some(Verdict::Zero)), ('n', Some(Verdict::Reject))];

/// The letters behind that one, for the reason at export: 24 bits.
const REASON_LETTERS: usize = 6;

/// Letters that tell whether a row is of this review and its two values are still what they were when it was exported. `review` is
/// the id of the review file, `old` what the case holds ([`Plan::old`]), `new` what a verdict would write ([`Plan::offer`]); absent is
/// not the same as empty. Letters alone, so that no spreadsheet takes them for a number, a date or a formula.
///
/// [`Plan::old`]: crate::domain::plan::Plan::old
/// [`Plan::offer`]: crate::domain::plan::Plan::offer
pub fn mark(review: &str, case_id: &str, property: &str, old: Option<&str>, new: Option<&str>) -> String {
    letters(&[Some(review), Some(case_id), Some(property), old, new], LETTERS)
}

fn letters(parts: &[Option<&str>], count: usize) -> String {
    let mut hash = Context::new(&SHA256);
    for part in parts {
        // The length stands before each part, so that no text can pass for the end of one and the start of the next.
        match part {
            Some(text) => {
                hash.update(format!("{}:", text.len()).as_bytes());
                hash.update(text.as_bytes());
            }
            None => hash.update(b"-"),
        }
    }
    let letter = |half: u8| char::from(b'a' + half);
    hash.finish().as_ref().iter().flat_map(|byte| [letter(byte >> 4), letter(byte & 15)]).take(count).collect()
}

/// [`mark`] of a cell as the plan has it now, and behind it letters for the verdict and the reason it has: a row that comes back with
/// those it went out with was not decided in the spreadsheet.
pub fn mark_of(plan: &Plan, ledger: &Ledger, review: &str, cell: Cell) -> String {
    let (case_id, property) = (&plan.facility(cell.facility).case_id, &plan.property(cell.property).name);
    let mut mark = mark(review, case_id, property, plan.old(cell), plan.offer(cell));
    let verdict = ledger.verdict(plan, cell);
    mark.extend(VERDICTS.iter().find(|(_, of)| *of == verdict).map(|(letter, _)| *letter));
    mark.push_str(&of_reason(ledger.reason(cell).unwrap_or_default()));
    mark
}

/// Letters for a reason, the same for one as it is kept and as it is shown.
fn of_reason(reason: &str) -> String {
    letters(&[Some(inert(reason.trim()).trim())], REASON_LETTERS)
}

/// What a row went out with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Then<'a> {
    verdict: Option<Verdict>,
    /// [`of_reason`]; `None` in a mark of an older release, which has none.
    reason: Option<&'a str>,
}

/// What a mark says its row went out with; `None` where it has no letters for that.
fn then(mark: &str) -> Option<Then<'_>> {
    let mut rest = mark.trim().get(LETTERS..)?.chars();
    let letter = rest.next()?;
    let (_, verdict) = VERDICTS.iter().find(|(known, _)| *known == letter)?;
    Some(Then { verdict: *verdict, reason: rest.as_str().get(..REASON_LETTERS) })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_mark_is_twelve_letters_and_no_two_rows_have_the_same() {
        let parts = [
            ("r", "case", "p", Some("1"), Some("2")),
            ("s", "case", "p", Some("1"), Some("2")),
            ("r", "case", "p", Some("12"), None),
            ("r", "case", "p", None, Some("12")),
            ("r", "case", "p", None, None),
            ("r", "case", "p", Some(""), None),
            ("r", "case", "p", Some(""), Some("")),
            ("r", "casep", "", Some("1"), Some("2")),
            ("r", "cas", "ep", Some("1"), Some("2")),
            ("r", "case", "p1:1", None, Some("2")),
        ];
        let marks: BTreeSet<String> = parts.iter().map(|(r, c, p, old, new)| mark(r, c, p, *old, *new)).collect();
        assert_eq!(marks.len(), parts.len());
        assert!(marks.iter().all(|mark| mark.len() == 12 && mark.bytes().all(|b| (b'a'..=b'p').contains(&b))));
        assert_eq!(
            mark("r", "case", "p", Some("1"), Some("2")),
            "kmcdpckfhkan",
            "what was exported yesterday is known today"
        );
    }
}
