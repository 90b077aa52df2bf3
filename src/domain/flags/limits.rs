//! The thresholds of the flag rules that settings may change, each with its range. What they mean is with the rules.

use crate::domain::nearest::nearest;

/// Name, rule id, default, least and most.
const TABLE: [(&str, &str, f64, f64, f64); 2] =
    [("extreme_spreads", "T1", 6.0, 1.0, 100.0), ("unusual_spreads", "T2", 3.5, 1.0, 100.0)];

/// The thresholds in use.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    values: [f64; TABLE.len()],
}

impl Default for Limits {
    fn default() -> Self {
        Self { values: TABLE.map(|(_, _, default, _, _)| default) }
    }
}

impl Limits {
    /// Changes the threshold `name`. Fails for an unknown name, saying the nearest, and for a value outside its range, saying
    /// the rule and the range.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), String> {
        let found = TABLE.iter().zip(&mut self.values).find(|((known, ..), _)| *known == name);
        let Some(((_, rule, _, least, most), place)) = found else {
            let close = nearest(name, TABLE.map(|(name, ..)| name));
            let close = close.map(|close| format!(" Perhaps {close} is meant.")).unwrap_or_default();
            return Err(format!("[flags] has no {}.{close}", name.escape_debug()));
        };
        if !(*least..=*most).contains(&value) {
            return Err(format!("{name} (rule {rule}) must be a number from {least} to {most}."));
        }
        *place = value;
        Ok(())
    }

    /// Fails where the thresholds contradict each other.
    pub fn check(&self) -> Result<(), String> {
        let [extreme, unusual] = self.values;
        if extreme > unusual {
            return Ok(());
        }
        Err("extreme_spreads (rule T1) must be above unusual_spreads (rule T2).".to_owned())
    }
}
