//! What is said once instead of a thousand times: a flag that hits more than a tenth of a property's cells is one of the property
//! (data-quality-flags.md section 5, point 4; C4). The cells keep the sentence for their detail, as INFO.

use std::collections::BTreeMap;

use super::{Check, Flag, Limit, Limits, Severity, count, percent, real};

/// Rules that compare a number with its own past: C4 stands for all of them.
const SIZES: [&str; 4] = ["T1", "T2", "T3", "T4"];
/// Those that C4 counts.
const COUNTED: [&str; 2] = ["T1", "T2"];
/// Rules of the case and its organisation unit, which are the same in every property, of what moved meanwhile, and of numbers that
/// are another quarter's or may be 0: no sign that the property is wrong, and never to be taken in bulk unseen.
const NEVER: [&str; 7] = ["S30", "S31", "S32", "S33", "S34", "A02", "A03"];
/// Said of cells without a number.
const MISSING: &str = "T5";

/// Whether a check of a property stands for this flag of its cells.
pub fn stands_for(check: &str, flag: &str) -> bool {
    check == flag || (check == "C4" && SIZES.contains(&flag))
}

/// The flags of a property's cells, by facility.
pub type Flags = Vec<(u32, Flag)>;

/// Takes out what is said once, and says it. `with` is how many cells have a number, `of` how many there are.
pub fn fold(name: &str, flags: &mut Flags, with: usize, of: usize, limits: &Limits) -> Vec<Check> {
    let base = |id: &str| if id == MISSING { of } else { with };
    let hits = |number: usize, base: usize| {
        real(base) >= limits.get(Limit::ColumnLeast) && real(number) > limits.get(Limit::FoldShare) * real(base)
    };
    let mut cells: BTreeMap<&str, BTreeMap<u32, &Flag>> = BTreeMap::new();
    let counts = |flag: &Flag| flag.severity != Severity::Info && !NEVER.contains(&flag.id.as_str());
    for (facility, flag) in flags.iter().filter(|(_, flag)| counts(flag)) {
        cells.entry(&flag.id).or_default().insert(*facility, flag);
    }
    let mut checks = Vec::new();
    let mut folded: Vec<String> = Vec::new();
    // A cell has one of both at most.
    let odd: usize = COUNTED.iter().filter_map(|id| cells.get(id)).map(BTreeMap::len).sum();
    if hits(odd, with) {
        let sentence = format!(
            "{} of {} numbers ({}) are far from their usual: a changed definition looks like this",
            count(odd),
            count(with),
            percent(odd, with)
        );
        checks.push(Check::of_property("C4", Severity::Stop, name, sentence));
        folded.extend(SIZES.map(str::to_owned));
    }
    for (id, cells) in &cells {
        if folded.iter().any(|known| known == id) || !hits(cells.len(), base(id)) {
            continue;
        }
        let Some(first) = cells.values().max_by_key(|flag| flag.severity) else { continue };
        let sentence = format!(
            "{} of {} cells ({}), such as: {}",
            count(cells.len()),
            count(base(id)),
            percent(cells.len(), base(id)),
            first.sentence
        );
        checks.push(Check::of_property(id, first.severity, name, sentence));
        folded.push((*id).to_owned());
    }
    for (_, flag) in flags.iter_mut().filter(|(_, flag)| folded.contains(&flag.id)) {
        flag.severity = Severity::Info;
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(ids: &[(&str, Severity, u32)]) -> Flags {
        let mut all = Vec::new();
        for (id, severity, cells) in ids {
            all.extend((0..*cells).map(|at| (at, Flag::new(id, *severity, format!("{id} of {at}")))));
        }
        all
    }

    fn folded(ids: &[(&str, Severity, u32)], with: usize, of: usize) -> (Vec<String>, usize) {
        let mut flags = flags(ids);
        let checks = fold("dhis_beds", &mut flags, with, of, &Limits::default());
        let said = checks.iter().map(|check| format!("{} {}", check.severity.word(), check.statement())).collect();
        (said, flags.iter().filter(|(_, flag)| flag.severity == Info).count())
    }

    use Severity::{Info, Review, Stop};

    #[test]
    fn more_than_a_tenth_is_one_of_the_property() {
        assert_eq!(folded(&[("S09", Stop, 10)], 100, 100), (vec![], 0), "a tenth is not more");
        let said = "STOP S09: 11 of 100 cells (11 %), such as: S09 of 10";
        assert_eq!(folded(&[("S09", Stop, 11)], 100, 100), (vec![said.to_owned()], 11));
        assert_eq!(folded(&[("S09", Stop, 19)], 19, 19), (vec![], 0), "too few to be a column");
        assert_eq!(folded(&[("S09", Stop, 3)], 20, 20).0.len(), 1);
        assert_eq!(folded(&[("S03", Info, 90)], 100, 100), (vec![], 90), "information floods nobody");
        for id in NEVER {
            assert_eq!(folded(&[(id, Stop, 90)], 100, 100), (vec![], 0), "{id} is no matter of the property");
        }
    }

    #[test]
    fn numbers_far_from_their_usual_are_c4() {
        let said = "STOP C4: 12 of 100 numbers (12 %) are far from their usual: a changed definition looks like this";
        let some = [("T1", Stop, 4), ("T2", Review, 8), ("T4", Stop, 2), ("S14", Review, 1)];
        assert_eq!(folded(&some, 100, 100), (vec![said.to_owned()], 14), "S14 is another one");
        let some = [("T1", Stop, 4), ("T2", Review, 6), ("T4", Stop, 9)];
        assert_eq!(folded(&some, 100, 100), (vec![], 0));
        let zeros = folded(&[("T4", Review, 20)], 100, 100);
        assert_eq!(zeros.0, ["REVIEW T4: 20 of 100 cells (20 %), such as: T4 of 19"]);
    }

    #[test]
    fn c4_stands_for_all_sizes_and_any_other_for_its_own() {
        assert!(SIZES.iter().all(|id| stands_for("C4", id)) && stands_for("S09", "S09"));
        assert!(!stands_for("C4", "S09") && !stands_for("C5", "T1") && !stands_for("T1", "T2"));
    }

    #[test]
    fn what_is_missing_is_counted_among_all_cells() {
        assert_eq!(folded(&[("T5", Review, 10)], 20, 100), (vec![], 0));
        let said = "REVIEW T5: 11 of 100 cells (11 %), such as: T5 of 10";
        assert_eq!(folded(&[("T5", Review, 11)], 20, 100), (vec![said.to_owned()], 11));
    }

    #[test]
    fn the_worst_of_a_rule_gives_its_severity_and_its_sentence() {
        let mut all = flags(&[("S02", Review, 30)]);
        all[7].1 = Flag::new("S02", Stop, "worse");
        all.extend(flags(&[("S02", Info, 2)]).into_iter().map(|(at, flag)| (at + 50, flag)));
        let checks = fold("p", &mut all, 100, 100, &Limits::default());
        assert_eq!(checks.len(), 1);
        assert_eq!((checks[0].severity, checks[0].sentence.as_str()), (Stop, "30 of 100 cells (30 %), such as: worse"));
    }

    #[test]
    fn every_rule_that_hits_so_many_is_said_beside_c4() {
        let some = [("S02", Review, 11), ("S09", Stop, 30), ("S14", Review, 10), ("T2", Review, 12), ("T4", Stop, 20)];
        let said = [
            "STOP C4: 12 of 100 numbers (12 %) are far from their usual: a changed definition looks like this",
            "REVIEW S02: 11 of 100 cells (11 %), such as: S02 of 10",
            "STOP S09: 30 of 100 cells (30 %), such as: S09 of 29",
        ];
        assert_eq!(folded(&some, 100, 100), (said.map(str::to_owned).to_vec(), 73), "all but those of S14");
    }
}
