//! What looks wrong with a property or with the run as a whole (data-quality-flags.md section 4). Shown before any cell is.

use serde::{Deserialize, Serialize};

use super::{Kind, Severity};

/// One statement about a property, or about the whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Rule id, e.g. `C5`; the id of a cell's rule where that hits so many cells that it is said once.
    pub id: String,
    /// How bad. A STOP of a property takes no bulk approval until it is settled.
    pub severity: Severity,
    /// Name of the property; `None` where it is about the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// The sentence, with the numbers it compared.
    pub sentence: String,
}

impl Check {
    /// A check of the run.
    pub fn of_run(id: &str, severity: Severity, sentence: impl Into<String>) -> Self {
        Self { id: id.to_owned(), severity, property: None, sentence: sentence.into() }
    }

    /// A check of a property.
    pub fn of_property(id: &str, severity: Severity, property: &str, sentence: impl Into<String>) -> Self {
        Self { property: Some(property.to_owned()), ..Self::of_run(id, severity, sentence) }
    }

    /// The id and the sentence: what is settled is this statement, not another one of the same rule.
    pub fn statement(&self) -> String {
        format!("{}: {}", self.id, self.sentence)
    }

    /// Whether this is what it states; asked for every frame, so nothing is put together for it.
    pub fn states(&self, statement: &str) -> bool {
        let sentence = statement.strip_prefix(self.id.as_str()).and_then(|rest| rest.strip_prefix(": "));
        sentence == Some(self.sentence.as_str())
    }
}

/// What a property is as a whole, beside its checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    /// What kind of number it is.
    pub kind: Kind,
    /// Spread of the facilities together, in parts of the usual number on a logarithmic scale, with four decimals
    /// (data-quality-flags.md section 3.2); empty where none was worked out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub spread: String,
    /// Sum now as a multiple of the quarters before, such as `1.1`; `None` where nothing can be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<String>,
    /// Facilities with a value.
    pub with: u32,
    /// Facilities that are to have one: those the data set is assigned to.
    pub of: u32,
}

impl Whole {
    /// The spread as a number; `None` where none was worked out.
    pub fn spread(&self) -> Option<f64> {
        self.spread.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_states_its_own_statement_and_no_other() {
        let check = Check::of_property("C5", Severity::Stop, "dhis_beds", "whole column is 4.0x the usual");
        assert_eq!((check.property.as_deref(), check.severity), (Some("dhis_beds"), Severity::Stop));
        assert_eq!(check.statement(), "C5: whole column is 4.0x the usual");
        assert!(check.states(&check.statement()));
        for other in [
            "",
            "C5",
            "C5: ",
            "C5: whole column is 4.1x the usual",
            "C5: whole column is 4.0x the usual.",
            "C6: whole column is 4.0x the usual",
            "C5 whole column is 4.0x the usual",
            "whole column is 4.0x the usual",
        ] {
            assert!(!check.states(other), "{other}");
        }
        assert_eq!(Check::of_run("R3", Severity::Review, "late").property, None);
    }

    #[test]
    fn a_spread_is_a_number_or_not_known() {
        let spread = |text: &str| {
            Whole { kind: Kind::Flow, spread: text.to_owned(), shift: None, with: 1, of: 1 }
                .spread()
                .map(|spread| spread.to_string())
        };
        assert_eq!(spread("0.2534").as_deref(), Some("0.2534"));
        assert_eq!((spread(""), spread("wide")), (None, None));
    }
}
