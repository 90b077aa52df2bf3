//! The ids of the flags a cell can carry, each with its meaning in a few words, for lists and for filters. What fires when stands in
//! `docs/flags.md`; what a flag found on a cell stands in its sentence. Checks of properties and of the run are not here.

/// Every flag of a cell: its id, and what it says.
pub const KNOWN: [(&str, &str); 36] = [
    ("T1", "extreme: very far from the usual"),
    ("T2", "unusual: far from the usual"),
    ("T3", "a number where 0 is usual"),
    ("T4", "drops to zero"),
    ("T5", "stopped reporting"),
    ("S13", "same number again, or same breakdown"),
    ("S14", "a digit too many or lost"),
    ("S15", "large, and nothing was reported before"),
    ("L1", "a level that changed"),
    ("L2", "a level that jumped or fell"),
    ("L3", "a running sum that fell"),
    ("S01", "not all months of the quarter"),
    ("S02", "report not registered complete"),
    ("S03", "registered complete late"),
    ("S04", "a category option is gone"),
    ("S05", "a category option that does not belong"),
    ("S06", "total and breakdown both entered"),
    ("S07", "several attribute options summed"),
    ("S08", "the same slice twice"),
    ("S09", "below zero"),
    ("S10", "not a whole number"),
    ("S11", "marked for follow-up in DHIS2"),
    ("S12", "changed after it was complete"),
    ("S20", "a relation does not hold"),
    ("S30", "the case moved since the approval"),
    ("S31", "DHIS2 moved since the approval"),
    ("S32", "not what was written there last"),
    ("S33", "two cases of one organisation unit"),
    ("S34", "case or organisation unit closed"),
    ("S35", "names have nothing in common"),
    ("S36", "would blank a value"),
    ("A01", "summed, but does not add up"),
    ("A02", "number of an earlier quarter"),
    ("A03", "(0?) whose 0 would be flagged"),
    ("A04", "undo: becomes blank"),
    ("A05", "undo: not put back"),
];

/// The id as it stands on cells, whatever the letter case it is typed in; `None` where no flag of a cell has it.
pub fn flag_id(typed: &str) -> Option<&'static str> {
    KNOWN.iter().map(|(id, _)| *id).find(|id| id.eq_ignore_ascii_case(typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_any_letter_case_and_each_once() {
        assert_eq!(
            (flag_id("t4"), flag_id("S09"), flag_id("s9"), flag_id("C4"), flag_id("")),
            (Some("T4"), Some("S09"), None, None, None)
        );
        for (at, (id, meaning)) in KNOWN.iter().enumerate() {
            assert!(KNOWN[..at].iter().all(|(other, said)| other != id && said != meaning), "{id}");
        }
    }
}
