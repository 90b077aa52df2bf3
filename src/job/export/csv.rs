//! A review as comma-separated values: one line for each cell, numbers as they are stored. What a person fills in of it comes back
//! through `io::spreadsheet`.

use std::io::{self, Write};

use super::{View, fates, proposed};
use crate::{
    domain::{
        outcome::Outcome,
        plan::{Cell, Kind},
        returned::mark_of,
    },
    io::spreadsheet::quoted,
};

/// The headings. New ones go to the end: scripts know the others by their place.
const HEADINGS: [&str; 16] = [
    "case_id", "org_unit", "facility", "property", "period", "old", "new", "usual", "state", "verdict", "reason",
    "flags", "told", "outcome", "note", "mark",
];

/// The mark that says UTF-8. Without it Excel reads a file in the letters of its own country, and `é` as `Ã©`.
const UTF8: &[u8] = b"\xEF\xBB\xBF";

impl View<'_> {
    /// Writes the cells as comma-separated values for a file that a person opens in a spreadsheet: [`View::csv_lines`] behind the mark
    /// that says UTF-8.
    pub fn csv(&self, to: &mut dyn Write) -> io::Result<()> {
        to.write_all(UTF8)?;
        self.csv_lines(to)
    }

    /// Writes the cells as comma-separated values under a line of headings, for programs. A text that a spreadsheet would take for a
    /// formula gets an apostrophe before it (fault matrix row M23); numbers stand as they are stored.
    pub fn csv_lines(&self, to: &mut dyn Write) -> io::Result<()> {
        let fates = fates(self.forms);
        let mut table = ::csv::Writer::from_writer(to);
        table.write_record(HEADINGS)?;
        for cell in self.cells {
            table.write_record(self.fields(*cell, fates.get(cell).copied()))?;
        }
        table.flush()
    }

    fn fields(&self, cell: Cell, fate: Option<Outcome>) -> [String; HEADINGS.len()] {
        let plan = self.plan;
        let (facility, property) = (plan.facility(cell.facility), plan.property(cell.property));
        let flags = plan.flags(cell);
        let ids: Vec<String> = flags.iter().map(|flag| format!("{} {}", flag.severity.word(), flag.id)).collect();
        let told: Vec<&str> = flags.iter().map(|flag| flag.sentence.as_str()).collect();
        [
            facility.case_id.as_str(),
            &facility.external_id,
            &facility.name,
            &property.name,
            &plan.quarter(cell).to_string(),
            plan.old(cell).unwrap_or(""),
            self.shown_new(cell).unwrap_or(""),
            plan.usual(cell).unwrap_or(""),
            plan.state(cell).name(),
            self.verdict_word(cell),
            self.ledger.reason(cell).unwrap_or(""),
            &ids.join(", "),
            &told.join("; "),
            fate.map_or("", Outcome::words),
            self.ledger.note(cell).unwrap_or(""),
            &self.mark(cell),
        ]
        .map(|text| quoted(text).into_owned())
    }

    /// What stands in the verdict column: nothing where there is nothing to decide.
    pub(super) fn verdict_word(&self, cell: Cell) -> &'static str {
        match self.ledger.verdict(self.plan, cell) {
            Some(verdict) => verdict.name(),
            None if self.to_decide(cell) => "undecided",
            None => "",
        }
    }

    /// Whether a cell takes a verdict.
    pub(super) fn to_decide(&self, cell: Cell) -> bool {
        self.plan.kind(cell) == Kind::Change || self.plan.may_be_zero(cell)
    }

    /// What stands in the column of new values.
    pub(super) fn shown_new(&self, cell: Cell) -> Option<&str> {
        let held = || self.plan.held(cell).filter(|_| self.plan.kind(cell) != Kind::Without);
        proposed(self.plan, self.ledger, cell).or_else(held)
    }

    /// What tells, when the row comes back, whether it still fits.
    pub(super) fn mark(&self, cell: Cell) -> String {
        mark_of(self.plan, self.ledger, self.review, cell)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::{
        flags::{Flag, Severity},
        ledger::{Act, Ledger, Stamp, Verdict},
        plan::{State, sample},
    };

    #[test]
    fn a_line_for_each_cell_and_nothing_that_acts() {
        let cell = |facility| Cell { facility, property: 0 };
        let plan = sample(3, 1, |draft| {
            draft.set(cell(0), Some("-4"), Some("1310.5"), State::Reported);
            draft.set_usual(cell(0), Some("118"));
            draft.flag(cell(0), Flag::new("T1", Severity::Stop, "=cmd(\"x\"), 11x"));
            draft.set(cell(1), Some("=1+1"), None, State::NotReported);
        });
        let mut ledger = Ledger::new(&plan);
        let stamp = Stamp { at: String::new(), who: String::new() };
        ledger.decide(&plan, Act::Approve, [cell(0)], Some("@home \u{1b}[2J"), "", &stamp).unwrap();
        let (parts, history) = (BTreeMap::new(), BTreeMap::new());
        let cells = [cell(0), cell(1), cell(2)];
        let view = View {
            review: "",
            plan: &plan,
            ledger: &ledger,
            forms: &[],
            parts: &parts,
            history: &history,
            cells: &cells,
        };
        let mut out = Vec::new();
        view.csv(&mut out).unwrap();
        let text = out.strip_prefix(UTF8).unwrap();
        let mut lines = Vec::new();
        view.csv_lines(&mut lines).unwrap();
        assert_eq!(lines, text);
        let mut table = ::csv::Reader::from_reader(text);
        assert_eq!(table.headers().unwrap().iter().collect::<Vec<_>>(), HEADINGS);
        let rows: Vec<Vec<String>> =
            table.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        let verdict = Verdict::Approve.name();
        let first = ["case0", "ou000000000", "Facility 0", "dhis_p0", "2026Q2", "-4", "1310.5", "118"];
        assert_eq!(rows[0][..8], first);
        assert_eq!(
            rows[0][8..14],
            [State::Reported.name(), verdict, "'@home <1B>[2J", "STOP T1", "'=cmd(\"x\"), 11x", ""]
        );
        assert_eq!(rows[1][5..11], ["'=1+1", "", "", State::NotReported.name(), "", ""]);
        assert_eq!((rows[2][9].as_str(), rows.len()), ("undecided", 3));
        assert_eq!(rows[2][15], mark_of(&plan, &ledger, "", cell(2)));
    }
}
