use std::collections::BTreeSet;

use super::*;
use crate::domain::{
    flags::Flag,
    ledger::{Act, Stamp},
    plan::sample,
    query::Filter,
};
use proptest::prelude::*;

fn cell(property: u16) -> Cell {
    Cell { facility: 0, property }
}

/// One facility: 0 doubles, 1 is new, 2 falls to 0, 3 a text that becomes a number, 4 a large one, 5 does not change,
/// 6 stopped reporting, 7 reads `(0?)`.
fn plan() -> Plan {
    sample(1, 8, |draft| {
        for (at, old, held, state) in [
            (0, Some("10"), Some("20"), State::Reported),
            (1, None, Some("7"), State::Reported),
            (2, Some("61"), Some("0"), State::ReportedZero),
            (3, Some("about 12"), Some("14"), State::Reported),
            (4, Some("1000"), Some("2310.5"), State::Reported),
            (5, Some("0.0"), Some("0"), State::ReportedZero),
            (6, Some("12"), None, State::NotReported),
            (7, Some("12"), None, State::ZeroNotStored),
        ] {
            draft.set(cell(at), old, held, state);
            draft.set_usual(cell(at), Some("5"));
        }
        draft.flag(cell(2), Flag::new("T4", Severity::Review, ""));
        draft.flag(cell(2), Flag::new("S35", Severity::Info, ""));
        draft.flag(cell(6), Flag::new("T5", Severity::Review, ""));
    })
}

/// Which cells a word asks for.
fn found(word: &str) -> Vec<u16> {
    let plan = plan();
    let mut ledger = Ledger::new(&plan);
    let stamp = Stamp { at: String::new(), who: String::new() };
    ledger.decide(&plan, Act::Reject, [cell(0)], Some("a reason is no note"), "", &stamp).unwrap();
    ledger.put_note(&plan, [cell(0)], "Moved to the new ward", "", &stamp).unwrap();
    ledger.decide(&plan, Act::Zero, [cell(7)], None, "", &stamp).unwrap();
    let (wanted, term) = parse(word).unwrap();
    plan.row(0).filter(|cell| term.holds(&plan, &ledger, *cell) == wanted).map(|cell| cell.property).collect()
}

#[test]
fn each_word_asks_for_its_cells() {
    for (word, cells) in [
        ("flag:T4", vec![2]),
        ("Flag:t4", vec![2]),
        ("flag:s35", vec![2]),
        ("flag:T5", vec![6]),
        ("-flag:T4", vec![0, 1, 3, 4, 5, 6, 7]),
        ("change>50%", vec![0, 1, 2, 4, 7]),
        ("change>=100%", vec![0, 1, 2, 4, 7]),
        ("change>100%", vec![1, 4]),
        ("change<20%", vec![5]),
        ("change<=100%", vec![0, 2, 5, 7]),
        ("change>1,000", vec![4]),
        ("change>=1,310.5", vec![4]),
        ("change<8", vec![1, 5]),
        ("change<=0", vec![5]),
        ("-change<20%", vec![0, 1, 2, 3, 4, 6, 7]),
        ("usual>3", vec![0, 4]),
        ("usual>=4x", vec![0, 4]),
        ("usual<0.5", vec![2, 5]),
        ("old:0", vec![5]),
        ("old:1,000", vec![4]),
        ("old:-", vec![1]),
        ("-old:-", vec![0, 2, 3, 4, 5, 6, 7]),
        ("new:0", vec![2, 5, 7]),
        ("new:2,310.50", vec![4]),
        ("new:2,310.5", vec![4]),
        ("new:-", vec![6]),
        ("note:", vec![0]),
        ("note:WARD", vec![0]),
        ("note:clinic", vec![]),
        ("note:reason", vec![]),
        ("is:Rejected", vec![0]),
        ("state:Not_Reported", vec![6]),
    ] {
        assert_eq!(found(word), cells, "{word}");
    }
}

#[test]
fn what_cannot_be_read_is_told_with_a_remedy() {
    for (word, said) in [
        ("flag:", "flag:T4; there is T1, "),
        ("flag:T9", "there is flag:T1, T2, T3, T4, T5"),
        ("flag:x", "flag:T1, T2"),
        ("flag:C5", "stand on Overview"),
        ("flag:\u{1b}[2J", "<1B>"),
        ("prop:", "needs a property"),
        ("is:lef", "perhaps is:left is meant; there is is:left"),
        ("is:", "there is is:left"),
        ("state:", "there is state:reported"),
        ("state:notreported", "perhaps state:not_reported"),
        ("nots:x", "perhaps note: is meant"),
        ("old:", "old:0"),
        ("old:abc", "old:- for none"),
        ("new:1e3", "is no number"),
        ("old:NaN", "is no number"),
        ("old:\u{2212}5", "is no number"),
        ("old:1,5", "is no number"),
        ("old:1,0000", "is no number"),
        ("change", ""),
        ("change:50", "change>50%"),
        ("change=50", "change>50%"),
        ("change>", "change>50%"),
        (">50%", "without spaces"),
        ("change>1e999", "cannot be read"),
        ("change>-0", "cannot be read"),
        ("change>NaN", "cannot be read"),
        ("change>inf", "cannot be read"),
        ("change>\u{2212}5", "cannot be read"),
        ("change>50%%", "cannot be read"),
        ("change>1,5%", "cannot be read"),
        ("change=>5", "cannot be read"),
        ("usual>300%", "cannot be read"),
        ("usual<", "usual<0.5"),
    ] {
        match parse(word) {
            Ok(_) => assert_eq!(said, "", "{word}"),
            Err(why) => assert!(!said.is_empty() && why.contains(said), "{word}: {why}"),
        }
    }
    let long = format!("change>{}", "9".repeat(400));
    assert!(parse(&long).is_err());
    assert_eq!(parse("Ward:A"), Ok((true, Term::Word("ward:a".to_owned()))), "a name may hold a colon");
    assert_eq!(parse("-"), Ok((true, Term::Word("-".to_owned()))));
}

#[test]
fn what_excludes_each_other_finds_nothing() {
    let words =
        ["is:left", "is:approved", "is:rejected", "is:stop", "is:review", "is:plain", "state:reported", "flag:T4"];
    let term = |word: &str| parse(word).unwrap().1;
    for (one, two) in words.iter().flat_map(|one| words.map(|two| (*one, two))) {
        if term(one).excludes(&term(two)) {
            let both: Vec<u16> = found(one).into_iter().filter(|cell| found(two).contains(cell)).collect();
            assert!(both.is_empty(), "{one} {two}: {both:?}");
        }
    }
    assert!(term("is:stop").excludes(&term("is:plain")) && !term("is:stop").excludes(&term("is:left")));
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in "\\PC{0,40}", word in "-?(flag|old|new|note|is|state|prop|change|usual)[:<>=]{0,2}[-0-9.,%exT\u{2212}]{0,8}") {
        for text in [text, word] {
            if let Ok(filter) = Filter::parse(&text) {
                let plan = plan();
                _ = filter.decidable(&plan, &Ledger::new(&plan)).count();
                _ = filter.toggled("is:stop");
            }
        }
    }

    #[test]
    fn a_word_turned_round_asks_for_all_others(
        kind in 0_usize..7,
        side in prop::sample::select(vec![">", "<", ">=", "<="]),
        number in prop::sample::select(vec!["0", "0.5", "2", "10", "61", "100", "1,000", "1,310.5"]),
    ) {
        let word = match kind {
            0 => format!("change{side}{number}"),
            1 => format!("change{side}{number}%"),
            2 => format!("usual{side}{number}"),
            3 => format!("old:{number}"),
            4 => format!("new:{number}"),
            5 => format!("is:{}", IS[number.len() % IS.len()].0),
            _ => format!("flag:{}", KNOWN[number.len() % KNOWN.len()].0),
        };
        let (is, not): (BTreeSet<u16>, BTreeSet<u16>) =
            (found(&word).into_iter().collect(), found(&format!("-{word}")).into_iter().collect());
        prop_assert!(is.is_disjoint(&not), "{word}");
        prop_assert_eq!(is.union(&not).count(), 8, "{}", word);
    }
}
