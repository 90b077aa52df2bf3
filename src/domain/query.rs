//! Words to facilities and cells: a filter, which is a view and changes no decision and no total, and the naming of single
//! facilities.

use std::cmp::Reverse;

use super::{
    flags::Severity,
    ledger::{Act, Ledger, Verdict},
    plan::{Cell, Kind, Plan, State},
    text::inert,
};

/// What an `is:` word asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    Left,
    Approved,
    Rejected,
    Stop,
    Review,
    Plain,
}

/// The `is:` words.
const IS: [(&str, Is); 6] = [
    ("left", Is::Left),
    ("approved", Is::Approved),
    ("rejected", Is::Rejected),
    ("stop", Is::Stop),
    ("review", Is::Review),
    ("plain", Is::Plain),
];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    /// Part of a facility's name, case id or organisation unit id, in lower case.
    Word(String),
    /// Part of a property's name, in lower case; the whole name where it is one.
    Property(String),
    Is(Is),
    /// Cells in this state.
    State(State),
}

/// Words that must all hold; a leading `-` turns one round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    terms: Vec<(bool, Term)>,
    text: String,
}

impl Filter {
    /// Reads `kasenga prop:beds -is:approved`. The error names the word that is not understood and what there is.
    pub fn parse(text: &str) -> Result<Self, String> {
        let terms = text.split_whitespace().map(term).collect::<Result<_, _>>()?;
        Ok(Self { terms, text: text.trim().to_owned() })
    }

    /// As typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it asks for REVIEW changes by name, which is what a bulk approval of them takes.
    pub fn names_review(&self) -> bool {
        self.terms.contains(&(true, Term::Is(Is::Review)))
    }

    /// Whether it asks for cells by their state; those are mostly without a change.
    pub fn names_state(&self) -> bool {
        self.terms.iter().any(|(_, term)| matches!(term, Term::State(_)))
    }

    /// Whether a cell without a change is among those asked for, where those are listed at all. Says nothing of its facility.
    pub fn unchanged(&self, plan: &Plan, cell: Cell) -> bool {
        plan.kind(cell) != Kind::Change && self.state(plan, cell)
    }

    /// Whether the words about a cell's state hold.
    fn state(&self, plan: &Plan, cell: Cell) -> bool {
        self.terms.iter().all(|(wanted, term)| match term {
            Term::State(state) => (plan.state(cell) == *state) == *wanted,
            _ => true,
        })
    }

    /// Whether it names a change: a property by `prop:` and a facility by a word. A filter that finds one change by accident,
    /// such as `is:left` at the end of a review, does not.
    pub fn names_change(&self) -> bool {
        let has = |test: fn(&Term) -> bool| self.terms.iter().any(|(wanted, term)| *wanted && test(term));
        has(|term| matches!(term, Term::Property(_))) && has(|term| matches!(term, Term::Word(_)))
    }

    /// A word after `prop:` that no property has in its name: a slip of the person who typed it.
    pub fn unknown_property(&self, plan: &Plan) -> Option<&str> {
        let known = |word: &str| plan.properties().iter().any(|property| property.name.to_lowercase().contains(word));
        self.terms.iter().find_map(|(_, term)| match term {
            Term::Property(word) if !known(word) => Some(word.as_str()),
            _ => None,
        })
    }

    /// Whether it asks for some cells only; else it asks for facilities at most.
    pub fn names_cells(&self) -> bool {
        self.terms.iter().any(|(_, term)| !matches!(term, Term::Word(_)))
    }

    /// Whether it lets everything through.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a facility's own words hold; says nothing of its cells.
    pub fn facility(&self, plan: &Plan, facility: u32) -> bool {
        self.terms.iter().all(|(wanted, term)| match term {
            Term::Word(word) => plan.search_text(facility).contains(word.as_str()) == *wanted,
            _ => true,
        })
    }

    /// Properties whose words hold, by ordinal; worked out once, so that a scan of all cells compares no names.
    fn columns(&self, plan: &Plan) -> Vec<bool> {
        let names: Vec<String> = plan.properties().iter().map(|property| property.name.to_lowercase()).collect();
        let holds = |name: &str| {
            self.terms.iter().all(|(wanted, term)| match term {
                Term::Property(word) => property(&names, name, word) == *wanted,
                _ => true,
            })
        };
        names.iter().map(|name| holds(name)).collect()
    }

    /// The properties it names; `None` where it names none, or asks for more than properties.
    pub fn properties(&self, plan: &Plan) -> Option<Vec<u16>> {
        let named = self.terms.iter().any(|(wanted, term)| *wanted && matches!(term, Term::Property(_)));
        let only = self.terms.iter().all(|(_, term)| matches!(term, Term::Property(_)));
        let columns = self.columns(plan);
        (named && only).then(|| (0..plan.width()).filter(|property| columns[usize::from(*property)]).collect())
    }

    /// Whether it asks for the cells that read `(0?)` by name, which is what a bulk decision on those takes.
    pub fn names_zero(&self) -> bool {
        self.terms.contains(&(true, Term::State(State::ZeroNotStored)))
    }

    /// Whether this is listed as a change and the words about it hold; says nothing of its facility. What was said of a cell
    /// that reads `(0?)` is listed too, since a zero that will be written has to be seen.
    fn cell(&self, plan: &Plan, ledger: &Ledger, columns: &[bool], cell: Cell) -> bool {
        let said = || plan.may_be_zero(cell) && ledger.verdict(plan, cell).is_some();
        (plan.kind(cell) == Kind::Change || said()) && self.words(plan, ledger, columns, cell)
    }

    /// Whether the words about a cell hold; says nothing of its facility.
    fn words(&self, plan: &Plan, ledger: &Ledger, columns: &[bool], cell: Cell) -> bool {
        columns[usize::from(cell.property)]
            && self.state(plan, cell)
            && self.terms.iter().all(|(wanted, term)| match term {
                Term::Is(is) => holds(*is, plan, ledger, cell) == *wanted,
                _ => true,
            })
    }

    /// Every cell that can be decided and for which the words hold, in cell order: changes, and cells that read `(0?)`.
    pub fn decidable<'a>(&'a self, plan: &'a Plan, ledger: &'a Ledger) -> impl Iterator<Item = Cell> + 'a {
        let columns = self.columns(plan);
        (0..plan.height())
            .filter(|facility| self.facility(plan, *facility))
            .flat_map(|facility| plan.row(facility))
            .filter(|cell| Act::Reject.fits(plan, *cell))
            .filter(move |cell| self.words(plan, ledger, &columns, *cell))
    }

    /// The changes shown, in cell order, with the cells that read `(0?)` and are decided.
    pub fn changes<'a>(&'a self, plan: &'a Plan, ledger: &'a Ledger) -> impl Iterator<Item = Cell> + 'a {
        let columns = self.columns(plan);
        (0..plan.height())
            .filter(|facility| self.facility(plan, *facility))
            .flat_map(|facility| plan.row(facility))
            .filter(move |cell| self.cell(plan, ledger, &columns, *cell))
    }

    /// Facilities with at least one change shown, most attention first: those with something flagged and left, by how much of their
    /// properties their flagged cells move (data-quality-flags.md section 5), then by STOP, by REVIEW and by name.
    pub fn facilities(&self, plan: &Plan, ledger: &Ledger) -> Vec<u32> {
        let columns = self.columns(plan);
        let mut rows: Vec<u32> = (0..plan.height())
            .filter(|f| self.facility(plan, *f))
            .filter(|f| plan.row(*f).any(|cell| self.cell(plan, ledger, &columns, cell)))
            .collect();
        rows.sort_by_cached_key(|facility| {
            let (mut stops, mut reviews, mut settled) = (0_u32, 0_u32, true);
            for cell in plan.row(*facility).filter(|cell| plan.kind(*cell) == Kind::Change) {
                match plan.severity(cell) {
                    Some(Severity::Stop) => stops += 1,
                    Some(Severity::Review) => reviews += 1,
                    _ => continue,
                }
                settled &= ledger.verdict(plan, cell).is_some();
            }
            // No weight is below zero, and the bits of such numbers have the order of the numbers.
            let most = Reverse((plan.weight(*facility).to_bits(), stops, reviews));
            (settled, most, plan.search_text(*facility), *facility)
        });
        rows
    }

    /// The changes of one property shown, most attention first: STOP, REVIEW, those by their distance from the usual number where it
    /// is known, then the largest change against the old value.
    pub fn column(&self, plan: &Plan, ledger: &Ledger, property: u16) -> Vec<Cell> {
        let columns = self.columns(plan);
        let shown = |cell: &Cell| self.facility(plan, cell.facility) && self.cell(plan, ledger, &columns, *cell);
        let mut cells: Vec<Cell> = plan.column(property).filter(shown).collect();
        let distance = |cell: &Cell| plan.severity(*cell).and_then(|_| plan.from_usual(*cell)).map_or(-1.0, f64::abs);
        let size = |cell: &Cell| plan.relative_change(*cell);
        cells.sort_by(|a, b| {
            let flagged = plan.severity(*b).cmp(&plan.severity(*a)).then(distance(b).total_cmp(&distance(a)));
            flagged.then(size(b).total_cmp(&size(a))).then(a.cmp(b))
        });
        cells
    }
}

/// What a person may call a facility by.
#[derive(Clone, Copy, Debug)]
pub struct Called<'a> {
    /// `CommCare` case id.
    pub case_id: &'a str,
    /// DHIS2 organisation unit id; empty where the case has none.
    pub external_id: &'a str,
    /// Case name.
    pub name: &'a str,
}

/// The places of the facilities that `words` mean: one by its case id, every case of an organisation unit id, or the only
/// one with this whole name, else the only one whose name holds the words. Letter case does not matter in names. Where no
/// facility or several are meant, the error is a sentence that says so and tells them apart.
pub fn pick(facilities: &[Called<'_>], words: &str) -> Result<Vec<usize>, String> {
    let places = |test: &dyn Fn(&Called<'_>) -> bool| -> Vec<usize> {
        facilities.iter().enumerate().filter(|(_, one)| test(one)).map(|(at, _)| at).collect()
    };
    let shown = inert(words);
    let by_id = places(&|one| !words.is_empty() && (one.case_id == words || one.external_id == words));
    if !by_id.is_empty() {
        return Ok(by_id);
    }
    let lower = words.to_lowercase();
    let whole = places(&|one| one.name.to_lowercase() == lower);
    if whole.len() > 1 {
        let ids = several(whole.iter().map(|at| facilities[*at].case_id));
        return Err(format!("{} cases have the name \"{shown}\": {ids}; name one by its case id", whole.len()));
    }
    let found = if whole.is_empty() { places(&|one| one.name.to_lowercase().contains(&lower)) } else { whole };
    match found.len() {
        0 => Err(format!("no facility has the name or id \"{shown}\"; names are searched as plain text")),
        1 => Ok(found),
        count => {
            let names = several(found.iter().map(|at| facilities[*at].name));
            Err(format!("\"{shown}\" is in {count} names: {names}; name one"))
        }
    }
}

/// The first few of these texts, and how many more there are.
fn several<'a>(texts: impl ExactSizeIterator<Item = &'a str>) -> String {
    let count = texts.len();
    let first: Vec<String> = texts.take(8).map(|text| inert(text).into_owned()).collect();
    let more = if count > 8 { format!(" and {} more", count - 8) } else { String::new() };
    format!("{}{more}", first.join(", "))
}

fn term(word: &str) -> Result<(bool, Term), String> {
    let (wanted, word) = match word.strip_prefix('-') {
        Some(rest) if !rest.is_empty() => (false, rest),
        _ => (true, word),
    };
    let term = match word.split_once(':') {
        Some(("prop", name)) => Term::Property(name.to_lowercase()),
        Some(("is", what)) => {
            let known = IS.iter().find(|(name, _)| *name == what).ok_or_else(|| {
                let names: Vec<&str> = IS.iter().map(|(name, _)| *name).collect();
                format!("\"is:{}\" is not known; there is is:{}", inert(what), names.join(", is:"))
            })?;
            Term::Is(known.1)
        }
        Some(("state", name)) => Term::State(State::named(&name.to_uppercase()).ok_or_else(|| {
            let names: Vec<String> = State::ALL.iter().map(|state| state.name().to_lowercase()).collect();
            format!("\"state:{}\" is not known; there is state:{}", inert(name), names.join(", state:"))
        })?),
        Some((key, _)) if !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase()) => {
            return Err(format!(
                "\"{key}:\" is not known; there is prop:, is: and state:, and plain words for names and ids"
            ));
        }
        _ => Term::Word(word.to_lowercase()),
    };
    Ok((wanted, term))
}

/// Whether a name is the whole name the word gives, or, where the word is nobody's whole name, holds it. All in lower case.
fn property(names: &[String], name: &str, word: &str) -> bool {
    let whole = |name: &str| name == word || name.strip_prefix("dhis_") == Some(word);
    if names.iter().any(|name| whole(name)) { whole(name) } else { name.contains(word) }
}

fn holds(is: Is, plan: &Plan, ledger: &Ledger, cell: Cell) -> bool {
    let verdict = ledger.verdict(plan, cell);
    let severity = plan.severity(cell);
    match is {
        Is::Left => verdict.is_none(),
        Is::Approved => verdict.is_some_and(Verdict::writes),
        Is::Rejected => verdict == Some(Verdict::Reject),
        Is::Stop => severity == Some(Severity::Stop),
        Is::Review => severity == Some(Severity::Review),
        Is::Plain => severity.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        flags::Flag,
        ledger::{Act, Stamp},
        plan::{State, sample},
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
        assert!(Filter::parse("flg:T1").unwrap_err().contains("\"flg:\""));
        assert!(Filter::parse("12:30").is_ok());
    }

    #[test]
    fn words_mean_one_facility_or_say_why_not() {
        let called = |case_id, external_id, name| Called { case_id, external_id, name };
        let all = [
            called("k1", "Uaaaaaaaaa1", "Kasenga"),
            called("k2", "Uaaaaaaaaa1", "Kasenga Annex"),
            called("k3", "Uaaaaaaaaa3", "Mponela"),
            called("k4", "", "MPONELA"),
        ];
        let found = |words: &str| pick(&all, words);
        assert_eq!(found("k2"), Ok(vec![1]));
        assert_eq!(found("Uaaaaaaaaa1"), Ok(vec![0, 1]), "both cases of an organisation unit");
        assert_eq!(found("KASENGA"), Ok(vec![0]), "a whole name is not also a part");
        assert_eq!(found("annex"), Ok(vec![1]));
        assert!(found("mponela").unwrap_err().contains("2 cases have the name \"mponela\": k3, k4"));
        assert!(found("kas").unwrap_err().contains("is in 2 names: Kasenga, Kasenga Annex"));
        assert!(found("zaria\u{1b}").unwrap_err().contains("no facility"));
        assert!(found("").is_err(), "no words are not the id of a case without one");
    }

    #[test]
    fn a_state_lists_cells_and_never_adds_changes() {
        let plan = plan();
        let listed = |text: &str| -> Vec<(u32, u16)> {
            let filter = Filter::parse(text).unwrap();
            plan.cells().filter(|cell| filter.unchanged(&plan, *cell)).map(|c| (c.facility, c.property)).collect()
        };
        assert_eq!(listed("state:not_reported"), [(0, 1)]);
        assert_eq!(listed("-state:not_reported"), [(1, 0)]);
        assert_eq!(found("state:not_reported"), []);
        assert_eq!(found("state:reported"), found(""));
        assert!(Filter::parse("state:blank_in_report").unwrap().names_state());
    }

    #[test]
    fn attention_comes_first() {
        let plan = plan();
        let ledger = Ledger::new(&plan);
        assert_eq!(Filter::default().facilities(&plan, &ledger), [2, 0, 1]);
        let column: Vec<u32> = Filter::default().column(&plan, &ledger, 1).iter().map(|c| c.facility).collect();
        assert_eq!(column, [2, 1]);
    }

    #[test]
    fn what_moves_most_comes_first_until_it_is_decided() {
        let cell = |facility, property| Cell { facility, property };
        let review = || Flag::new("T2", Severity::Review, "");
        let plan = sample(5, 2, |draft| {
            for at in draft.plan().cells().collect::<Vec<_>>() {
                draft.set_usual(at, Some("100"));
            }
            for (facility, new) in [(0, "130"), (2, "900"), (3, "40"), (4, "700")] {
                draft.set(cell(facility, 1), Some("1"), Some(new), State::Reported);
                draft.flag(cell(facility, 1), review());
            }
            draft.flag(cell(3, 0), Flag::new("S09", Severity::Stop, ""));
        });
        let mut ledger = Ledger::new(&plan);
        let order = |ledger: &Ledger| Filter::default().facilities(&plan, ledger);
        // Facility 3 moves 160 of its first property's 500 and 60 of the other's: more than the 30 of facility 0.
        assert_eq!(order(&ledger), [2, 4, 3, 0, 1]);
        let stamp = Stamp { at: String::new(), who: String::new() };
        ledger.decide(&plan, Act::Reject, [cell(2, 1)], None, "", &stamp).unwrap();
        assert_eq!(order(&ledger), [4, 3, 0, 2, 1], "what is decided comes after, before what was never flagged");
        let column: Vec<u32> = Filter::default().column(&plan, &ledger, 1).iter().map(|c| c.facility).collect();
        assert_eq!(column, [2, 4, 3, 0, 1], "the farthest from its usual first, whatever was decided");
    }

    #[test]
    fn words_of_names_ask_for_no_cells() {
        let names = |text: &str| Filter::parse(text).unwrap().names_cells();
        assert!(!names("") && !names("zomba -kasenga"));
        assert!(names("is:left") && names("zomba prop:beds") && names("-state:reported"));
    }
}
