//! A review as comma-separated values, for a spreadsheet: one line for each cell, numbers as they are stored.

use std::io::{self, Write};

use super::{View, fates, proposed};
use crate::domain::{
    outcome::Outcome,
    plan::{Cell, Kind},
    text::inert,
    value::Number,
};

/// The headings.
const HEADINGS: [&str; 14] = [
    "case_id", "org_unit", "facility", "property", "period", "old", "new", "usual", "state", "verdict", "reason",
    "flags", "told", "outcome",
];

impl View<'_> {
    /// Writes the cells as comma-separated values under a line of headings. A text that a spreadsheet would take for a formula gets an
    /// apostrophe before it; numbers stand as they are stored.
    pub fn csv(&self, to: &mut dyn Write) -> io::Result<()> {
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
        let verdict = match self.ledger.verdict(plan, cell) {
            Some(verdict) => verdict.name(),
            None if plan.kind(cell) == Kind::Change || plan.may_be_zero(cell) => "undecided",
            None => "",
        };
        let flags = plan.flags(cell);
        let ids: Vec<String> = flags.iter().map(|flag| format!("{} {}", flag.severity.word(), flag.id)).collect();
        let told: Vec<&str> = flags.iter().map(|flag| flag.sentence.as_str()).collect();
        let new =
            proposed(plan, self.ledger, cell).or_else(|| plan.held(cell).filter(|_| plan.kind(cell) != Kind::Without));
        [
            facility.case_id.as_str(),
            &facility.external_id,
            &facility.name,
            &property.name,
            &plan.quarter(cell).to_string(),
            plan.old(cell).unwrap_or(""),
            new.unwrap_or(""),
            plan.usual(cell).unwrap_or(""),
            plan.state(cell).name(),
            verdict,
            self.ledger.reason(cell).unwrap_or(""),
            &ids.join(", "),
            &told.join("; "),
            fate.map_or("", Outcome::words),
        ]
        .map(field)
    }
}

/// A text as a field that does nothing when it is opened.
fn field(text: &str) -> String {
    let safe = inert(text);
    let acts = safe.starts_with(['=', '+', '-', '@']) && Number::parse(&safe).is_none();
    if acts { format!("'{safe}") } else { safe.into_owned() }
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
        let view = View { plan: &plan, ledger: &ledger, forms: &[], parts: &parts, history: &history, cells: &cells };
        let mut out = Vec::new();
        view.csv(&mut out).unwrap();
        let mut table = ::csv::Reader::from_reader(out.as_slice());
        assert_eq!(table.headers().unwrap().iter().collect::<Vec<_>>(), HEADINGS);
        let rows: Vec<Vec<String>> =
            table.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        let verdict = Verdict::Approve.name();
        let first = ["case0", "ou000000000", "Facility 0", "dhis_p0", "2026Q2", "-4", "1310.5", "118"];
        assert_eq!(rows[0][..8], first);
        assert_eq!(
            rows[0][8..],
            [State::Reported.name(), verdict, "'@home <1B>[2J", "STOP T1", "'=cmd(\"x\"), 11x", ""]
        );
        assert_eq!(rows[1][5..11], ["'=1+1", "", "", State::NotReported.name(), "", ""]);
        assert_eq!((rows[2][9].as_str(), rows.len()), ("undecided", 3));
    }
}
