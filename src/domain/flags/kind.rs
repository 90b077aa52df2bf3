//! What kind of number a property holds, which decides the rules that look at its size (data-quality-flags.md section 3.1).

/// How the numbers of a property behave from quarter to quarter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Kind {
    /// Counted anew each quarter, such as admissions.
    #[default]
    Flow,
    /// Stays until something changes it, such as beds.
    Level,
    /// Grows over a year, such as budget spent to date. Never guessed.
    Cumulative {
        /// The month the year starts in, 1 to 12.
        from: u8,
    },
}

impl Kind {
    /// The kind that DHIS2's aggregation type suggests; a flow where the type is not known or says nothing
    /// (data-quality-flags.md section 3.1).
    pub fn of_aggregation(aggregation_type: &str) -> Self {
        let level = ["LAST", "FIRST", "AVERAGE"].iter().any(|start| aggregation_type.starts_with(start))
            || matches!(aggregation_type, "MAX" | "MIN");
        if level { Self::Level } else { Self::Flow }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn the_aggregation_type_suggests_the_kind() {
        for flow in ["SUM", "COUNT", "", "NONE", "CUSTOM", "STDDEV", "VARIANCE", "DEFAULT", "MAXIMUM", "sum"] {
            assert_eq!(Kind::of_aggregation(flow), Kind::Flow, "{flow}");
        }
        for level in [
            "LAST",
            "LAST_LAST_ORG_UNIT",
            "LAST_AVERAGE_ORG_UNIT",
            "LAST_IN_PERIOD",
            "FIRST",
            "FIRST_AVERAGE_ORG_UNIT",
            "AVERAGE",
            "AVERAGE_SUM_ORG_UNIT",
            "MAX",
            "MIN",
        ] {
            assert_eq!(Kind::of_aggregation(level), Kind::Level, "{level}");
        }
        assert_eq!(Kind::default(), Kind::Flow);
    }
}
