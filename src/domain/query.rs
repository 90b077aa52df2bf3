//! Words to facilities and cells: a filter, which is a view and changes no decision and no total, and the naming of single
//! facilities. What a word asks for is in `word`, the order of what is found in `order`.

mod order;
mod pick;
mod scan;
mod word;

use super::{
    ledger::{Act, Ledger},
    plan::{Cell, Kind, Plan, State},
};

pub use order::{Found, Sort};
pub use pick::{Called, pick};
pub use word::noted;

use scan::Scan;
use word::{Is, Term};

/// Words that must all hold; a leading `-` turns one round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    terms: Vec<(bool, Term)>,
    text: String,
}

impl Filter {
    /// Reads `kasenga prop:beds flag:T4 change>50% -is:approved`. The error names the word that is not understood and what there is.
    pub fn parse(text: &str) -> Result<Self, String> {
        let terms = text.split_whitespace().map(word::parse).collect::<Result<_, _>>()?;
        Ok(Self { terms, text: text.trim().to_owned() })
    }

    /// As typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it has this word.
    pub fn has(&self, word: &str) -> bool {
        word::parse(word).is_ok_and(|term| self.terms.contains(&term))
    }

    /// Its text with this word behind it, or without it where it has it. What is put in takes out what it leaves nothing of: the
    /// word turned round, and of states, marks and severities the one before. All else stays as it was typed.
    pub fn toggled(&self, word: &str) -> String {
        let Ok((wanted, term)) = word::parse(word) else { return self.text.clone() };
        let has = self.has(word);
        let goes = |typed: &str| {
            word::parse(typed).is_ok_and(|(sign, other)| {
                let same = other == term && (!has || sign == wanted);
                same || (!has && wanted && sign && term.excludes(&other))
            })
        };
        let mut text = String::new();
        // Each word goes with the space before it, so that what is left stands as it stood.
        let mut rest = self.text.as_str();
        while !rest.is_empty() {
            let start = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
            let end = rest[start..].find(char::is_whitespace).map_or(rest.len(), |at| start + at);
            if !goes(&rest[start..end]) {
                text.push_str(&rest[..end]);
            }
            rest = &rest[end..];
        }
        if !has {
            text.push(' ');
            text.push_str(word);
        }
        text.trim().to_owned()
    }

    fn asks(&self, test: impl Fn(bool, &Term) -> bool) -> bool {
        self.terms.iter().any(|(wanted, term)| test(*wanted, term))
    }

    /// Whether it asks for REVIEW changes by name, which is what a bulk approval of them takes.
    pub fn names_review(&self) -> bool {
        self.asks(|wanted, term| wanted && *term == Term::Is(Is::Review))
    }

    /// Whether it asks for cells most of which are without a change, so that these have to be listed: by their state, by a flag, or
    /// by their note.
    pub fn names_unchanged(&self) -> bool {
        self.asks(|wanted, term| match term {
            Term::State(_) => true,
            Term::Flag(_) | Term::Note(_) => wanted,
            _ => false,
        })
    }

    /// Whether it asks for what cells without a change have as well, so that not each of them is meant.
    fn names_standing(&self) -> bool {
        self.asks(|_, term| term.stands() || matches!(term, Term::Property(_)))
    }

    /// Whether a cell without a change is among those asked for, where those are listed at all. Says nothing of its facility.
    pub fn unchanged(&self, plan: &Plan, ledger: &Ledger, cell: Cell) -> bool {
        plan.kind(cell) != Kind::Change
            && self.terms.iter().all(|(wanted, term)| match term {
                Term::Property(word) => property(plan, cell.property, word) == *wanted,
                _ => !term.stands() || term.holds(plan, ledger, cell) == *wanted,
            })
    }

    /// Whether it names a change: a property by `prop:` and a facility by a word. A filter that finds one change by accident,
    /// such as `is:left` at the end of a review, does not.
    pub fn names_change(&self) -> bool {
        self.asks(|wanted, term| wanted && matches!(term, Term::Property(_)))
            && self.asks(|wanted, term| wanted && matches!(term, Term::Word(_)))
    }

    /// A word after `prop:` that no property has in its name: a slip of the person who typed it.
    pub fn unknown_property(&self, plan: &Plan) -> Option<&str> {
        let known = |word: &str| plan.property_search().iter().any(|name| name.contains(word));
        self.terms.iter().find_map(|(_, term)| match term {
            Term::Property(word) if !known(word) => Some(word.as_str()),
            _ => None,
        })
    }

    /// Whether it asks for some cells only; else it asks for facilities at most.
    pub fn names_cells(&self) -> bool {
        self.asks(|_, term| !matches!(term, Term::Word(_)))
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether the words of names and ids hold for a facility; says nothing of its cells.
    pub fn facility(&self, plan: &Plan, facility: u32) -> bool {
        self.terms.iter().all(|(wanted, term)| match term {
            Term::Word(word) => plan.search_text(facility).contains(word.as_str()) == *wanted,
            _ => true,
        })
    }

    /// Properties whose words hold, by ordinal.
    fn columns(&self, plan: &Plan) -> Vec<bool> {
        let holds = |at: u16| {
            self.terms.iter().all(|(wanted, term)| match term {
                Term::Property(word) => property(plan, at, word) == *wanted,
                _ => true,
            })
        };
        (0..plan.width()).map(holds).collect()
    }

    /// The properties it names; `None` where it names none, or asks for more than properties.
    pub fn properties(&self, plan: &Plan) -> Option<Vec<u16>> {
        let named = self.asks(|wanted, term| wanted && matches!(term, Term::Property(_)));
        let only = !self.asks(|_, term| !matches!(term, Term::Property(_)));
        let columns = self.columns(plan);
        (named && only).then(|| (0..plan.width()).filter(|property| columns[usize::from(*property)]).collect())
    }

    /// Whether it asks for the cells that read `(0?)` by name, which is what a bulk decision on those takes.
    pub fn names_zero(&self) -> bool {
        self.asks(|wanted, term| wanted && *term == Term::State(State::ZeroNotStored))
    }

    /// Every cell that can be decided and for which the words hold, in cell order: changes, and cells that read `(0?)`.
    pub fn decidable<'a>(&'a self, plan: &'a Plan, ledger: &'a Ledger) -> impl Iterator<Item = Cell> + 'a {
        let cells = self.cells(plan, ledger, Scan::cell);
        cells.filter(|cell| Act::Reject.fits(plan, *cell))
    }

    /// The changes shown, in cell order, with the cells that read `(0?)` and are decided.
    pub fn changes<'a>(&'a self, plan: &'a Plan, ledger: &'a Ledger) -> impl Iterator<Item = Cell> + 'a {
        self.cells(plan, ledger, Scan::change)
    }

    /// The cells for which this holds, of the facilities the words let through.
    fn cells<'a>(
        &'a self,
        plan: &'a Plan,
        ledger: &'a Ledger,
        holds: impl Fn(&Scan<'a>, Cell) -> bool + 'a,
    ) -> impl Iterator<Item = Cell> + 'a {
        let scan = Scan::new(self, plan, ledger);
        let through = |facility: &u32| scan.facility(*facility);
        let facilities: Vec<u32> = (0..plan.height()).filter(through).collect();
        facilities.into_iter().flat_map(|facility| plan.row(facility)).filter(move |cell| holds(&scan, *cell))
    }
}

/// Whether the name of a property is the whole name the word gives, or, where the word is nobody's whole name, holds it.
fn property(plan: &Plan, at: u16, word: &str) -> bool {
    let names = plan.property_search();
    let whole = |name: &str| name == word || name.strip_prefix("dhis_") == Some(word);
    let name = names[usize::from(at)].as_str();
    if names.iter().any(|name| whole(name)) { whole(name) } else { name.contains(word) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        flags::{Flag, Severity},
        ledger::Stamp,
        plan::sample,
    };

    fn plan() -> Plan {
        sample(3, 2, |draft| {
            draft.set(Cell { facility: 1, property: 0 }, Some("5"), Some("5"), State::Reported);
            draft.set(Cell { facility: 0, property: 1 }, None, None, State::NotReported);
            draft.flag(Cell { facility: 2, property: 1 }, Flag::new("S09", Severity::Stop, "-4"));
        })
    }

    fn found(text: &str) -> Vec<(u32, u16)> {
        let plan = plan();
        let mut ledger = Ledger::new(&plan);
        let stamp = Stamp { at: String::new(), who: String::new() };
        ledger.decide(&plan, Act::Reject, [Cell { facility: 2, property: 0 }], None, "", &stamp).unwrap();
        Filter::parse(text).unwrap().changes(&plan, &ledger).map(|c| (c.facility, c.property)).collect()
    }

    #[test]
    fn words_narrow() {
        assert_eq!(found(""), [(0, 0), (1, 1), (2, 0), (2, 1)]);
        assert_eq!(found("FACILITY 2"), [(2, 0), (2, 1)]);
        assert_eq!(found("ou000000001"), [(1, 1)]);
        assert_eq!(found("prop:p1"), [(1, 1), (2, 1)]);
        assert_eq!(found("prop:dhis_p0 -facility-9"), [(0, 0), (2, 0)]);
        assert_eq!(found("-case1 is:left"), [(0, 0), (2, 1)]);
        assert_eq!(found("is:stop"), [(2, 1)]);
        assert_eq!(found("is:plain -is:rejected"), [(0, 0), (1, 1)]);
        assert_eq!(found("zaria"), []);
    }

    #[test]
    fn a_whole_name_is_not_also_a_part() {
        let plan = sample(1, 12, |_| {});
        let ledger = Ledger::new(&plan);
        let count = |text: &str| Filter::parse(text).unwrap().changes(&plan, &ledger).count();
        assert_eq!(count("prop:p1"), 1);
        assert_eq!(count("prop:dhis_p1"), 1);
        assert_eq!(count("prop:_p1"), 3);
    }

    #[test]
    fn a_change_is_named_by_property_and_facility() {
        let names = |text: &str| Filter::parse(text).unwrap().names_change();
        assert!(names("case1 prop:beds") && names("prop:beds zomba is:stop"));
        for text in ["", "case1", "prop:beds", "is:stop", "prop:beds is:stop", "-case1 prop:beds", "case1 -prop:beds"] {
            assert!(!names(text), "{text}");
        }
    }

    #[test]
    fn a_property_that_is_none_is_told() {
        let unknown = |text: &str| Filter::parse(text).unwrap().unknown_property(&plan()).map(str::to_owned);
        assert_eq!(unknown("prop:p1 prop:dhis_p0 facility"), None);
        assert_eq!(unknown("prop:p1 -prop:Beds").as_deref(), Some("beds"));
    }

    #[test]
    fn unknown_words_are_named() {
        assert!(Filter::parse("is:odd").unwrap_err().contains("is:left"));
        assert!(Filter::parse("state:odd").unwrap_err().contains("state:not_reported"));
        assert!(Filter::parse("flg:T1").unwrap_err().contains("\"flg:\" is not known; perhaps flag: is meant"));
        assert!(Filter::parse("12:30").is_ok());
    }

    #[test]
    fn a_state_lists_cells_and_never_adds_changes() {
        let plan = plan();
        let listed = |text: &str| -> Vec<(u32, u16)> {
            let filter = Filter::parse(text).unwrap();
            let ledger = Ledger::new(&plan);
            plan.cells()
                .filter(|cell| filter.unchanged(&plan, &ledger, *cell))
                .map(|c| (c.facility, c.property))
                .collect()
        };
        assert_eq!(listed("state:not_reported"), [(0, 1)]);
        assert_eq!(listed("-state:not_reported"), [(1, 0)]);
        assert_eq!(found("state:not_reported"), []);
        assert_eq!(found("state:reported"), found(""));
        assert!(Filter::parse("state:blank_in_report").unwrap().names_unchanged());
    }

    #[test]
    fn a_word_goes_in_and_out_and_leaves_the_rest_as_typed() {
        let toggled = |text: &str, word: &str| Filter::parse(text).unwrap().toggled(word);
        assert_eq!(toggled("", "flag:T4"), "flag:T4");
        assert_eq!(toggled("Area  25 -prop:beds", "flag:T4"), "Area  25 -prop:beds flag:T4");
        assert_eq!(toggled("Area  25 flag:t4 -prop:beds", "flag:T4"), "Area  25 -prop:beds");
        assert_eq!(toggled("flag:T4 zomba", "flag:T4"), "zomba");
        assert_eq!(toggled("-flag:T4 zomba", "flag:T4"), "zomba flag:T4", "what would leave nothing goes");
        assert_eq!(toggled("is:stop is:left", "is:review"), "is:left is:review");
        assert_eq!(toggled("state:reported is:left", "state:not_reported"), "is:left state:not_reported");
        assert_eq!(toggled("flag:T1", "flag:T2"), "flag:T1 flag:T2", "a cell can carry both");
        assert_eq!(toggled("-is:stop", "is:plain"), "-is:stop is:plain");
        assert_eq!(toggled("zomba", "flag:odd"), "zomba", "what is no word changes nothing");
        let filter = Filter::parse("Flag:t4 -is:left").unwrap();
        assert!(filter.has("flag:T4") && filter.has("-is:left") && !filter.has("is:left") && !filter.has("flag:"));
    }

    #[test]
    fn words_of_names_ask_for_no_cells() {
        let names = |text: &str| Filter::parse(text).unwrap().names_cells();
        assert!(!names("") && !names("zomba -kasenga"));
        assert!(names("is:left") && names("zomba prop:beds") && names("-state:reported"));
    }
}
