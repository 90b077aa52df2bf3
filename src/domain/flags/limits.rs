//! Every number a rule compares with: its name in `[flags]` of the settings, the rule it belongs to, its default and the range it
//! may be set in. The defaults are those of data-quality-flags.md; the rules themselves stand elsewhere.

use crate::domain::nearest::nearest;

/// One number of the rules, as the table has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct About {
    /// The key in the settings.
    pub name: &'static str,
    /// Id of the rule, or of the rules.
    pub rule: &'static str,
    /// What it is, with its unit.
    pub meaning: &'static str,
    /// What it is unless set.
    pub default: f64,
    /// Least it may be set to.
    pub least: f64,
    /// Most it may be set to.
    pub most: f64,
    /// Whether it counts something, so that only whole numbers fit.
    pub whole: bool,
}

/// For the table: a number that counts something.
const COUNT: bool = true;
/// For the table: a number that need not be whole.
const REAL: bool = false;

/// Makes the names, the values and the table out of one list.
macro_rules! limits {
    ($($limit:ident $name:ident $rule:literal: $default:literal in $least:literal ..= $most:literal $whole:ident, $meaning:literal;)+) => {
        /// A number that stands in a rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Limit {
            $(#[doc = $meaning] $limit,)+
        }

        impl Limit {
            /// Every one, in the order of the rules.
            pub const ALL: &[Self] = &[$(Self::$limit),+];

            /// What the table says of it.
            pub fn about(self) -> About {
                match self {
                    $(Self::$limit => About {
                        name: stringify!($name),
                        rule: $rule,
                        meaning: $meaning,
                        default: $default,
                        least: $least,
                        most: $most,
                        whole: $whole,
                    },)+
                }
            }
        }

        /// The numbers the rules compare with. The default is the one of data-quality-flags.md.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Limits {
            $($name: f64,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Limits {
            /// The number.
            #[inline]
            pub fn get(&self, limit: Limit) -> f64 {
                match limit {
                    $(Limit::$limit => self.$name,)+
                }
            }

            fn place(&mut self, limit: Limit) -> &mut f64 {
                match limit {
                    $(Limit::$limit => &mut self.$name,)+
                }
            }
        }
    };
}

limits! {
    T1Away t1_away "T1": 6.0 in 1.0..=50.0 REAL, "Spreads away from the usual from which a number is extreme.";
    T1Ratio t1_ratio "T1": 3.0 in 1.1..=100.0 REAL, "Times the usual, up or down, from which a number is extreme.";
    T2Away t2_away "T2": 3.5 in 1.0..=50.0 REAL, "Spreads away from the usual from which a number is unusual.";
    T2Ratio t2_ratio "T2": 2.0 in 1.1..=100.0 REAL, "Times the usual, up or down, from which a number is unusual.";
    History t_history "T1, T2, T3": 4.0 in 2.0..=8.0 COUNT, "Reported quarters needed, and needed for a facility to count in the spread of its column.";
    T3Least t3_least "T3": 5.0 in 1.0..=1_000_000.0 REAL, "Least number that is a first activity.";
    T3Times t3_times "T3": 3.0 in 1.0..=100.0 REAL, "Times the largest earlier number from which it is one.";
    T4History t4_history "T4": 3.0 in 1.0..=8.0 COUNT, "Reported quarters needed.";
    T4Median t4_median "T4": 5.0 in 1.0..=1_000_000.0 REAL, "Usual number from which a zero is asked about.";
    T4Stop t4_stop "T4": 20.0 in 1.0..=1_000_000.0 REAL, "Usual number from which a zero is decided one by one.";
    T5Reported t5_reported "T5": 3.0 in 1.0..=8.0 COUNT, "Reported quarters needed of those looked at.";
    T5Quarters t5_quarters "T5": 4.0 in 1.0..=8.0 COUNT, "Last quarters looked at.";
    SpreadDefault spread_default "T1, T2": 0.25 in 0.01..=2.0 REAL, "Spread of a column with too few facilities to tell it, in units of the natural logarithm.";
    SpreadFacilities spread_facilities "T1, T2": 20.0 in 1.0..=10_000.0 COUNT, "Fewest facilities that tell the spread of their column.";
    SpreadPrior spread_prior "T1, T2": 4.0 in 0.0..=100.0 REAL, "Quarters that the spread of the column weighs.";
    SpreadFloor spread_floor "T1, T2": 0.10 in 0.01..=1.0 REAL, "Least spread believed, in units of the natural logarithm.";
    S02Change s02_change "S02": 0.20 in 0.0..=1.0 REAL, "Share by which the sum changed from which a report not marked complete is looked at.";
    S03Days s03_days "S03": 15.0 in 0.0..=366.0 COUNT, "Days after the quarter's end a report may take where the data set does not say.";
    S04Share s04_share "S04": 0.05 in 0.0..=1.0 REAL, "Share of the total from which a category is missed.";
    S04Reported s04_reported "S04": 3.0 in 1.0..=8.0 COUNT, "Quarters in which it held that share.";
    S04Quarters s04_quarters "S04": 4.0 in 1.0..=8.0 COUNT, "Last reported quarters looked at.";
    S04Least s04_least "S04": 5.0 in 0.0..=1_000_000.0 REAL, "Usual number of a category from which it is missed; below it is often 0 by chance.";
    S13Least s13_least "S13": 10.0 in 1.0..=1_000_000.0 REAL, "Least total for which being the same again means something.";
    S14Median s14_median "S14": 5.0 in 1.0..=1_000_000.0 REAL, "Usual number from which a digit slip is told.";
    S14Low s14_low "S14": 8.0 in 1.5..=100.0 REAL, "Times the usual, up or down, from which it is about ten.";
    S14High s14_high "S14": 12.5 in 1.5..=100.0 REAL, "Times the usual, up or down, up to which it is about ten.";
    S15Percentile s15_percentile "S15": 99.0 in 50.0..=100.0 REAL, "Percentile of the column above which a number without history is large.";
    L1Least l1_least "L1": 2.0 in 0.0..=1_000_000.0 REAL, "Difference to the last number that is never too large.";
    L1Share l1_share "L1": 0.20 in 0.0..=10.0 REAL, "Share of the last number that is not too large a difference.";
    L2Ratio l2_ratio "L2": 3.0 in 1.1..=100.0 REAL, "Times the last number, up or down, that is a jump.";
    L2Least l2_least "L2": 5.0 in 0.0..=1_000_000.0 REAL, "Least difference that is a jump.";
    FoldShare fold_share "C4 and folding": 0.10 in 0.01..=1.0 REAL, "Share of a column's cells above which one flag of the column stands for the cells' flags.";
    ColumnLeast column_least "C4, C5 and folding": 20.0 in 1.0..=10_000.0 COUNT, "Fewest cells of a column that can be told to be alike.";
    C1Low c1_low "C1": 0.67 in 0.01..=0.99 REAL, "Sum of the column over the usual sum below which it has shifted.";
    C1High c1_high "C1": 1.33 in 1.01..=100.0 REAL, "Sum of the column over the usual sum above which it has shifted.";
    C2Share c2_share "C2": 0.90 in 0.0..=1.0 REAL, "Share of facilities with a value below which a column is incomplete.";
    C3Share c3_share "C3": 0.75 in 0.0..=1.0 REAL, "Share of reports on time below which a column is late.";
    C5Low c5_low "C5": 0.8 in 0.01..=0.99 REAL, "Median ratio to the usual below which the unit may have changed.";
    C5High c5_high "C5": 1.25 in 1.01..=100.0 REAL, "Median ratio to the usual above which the unit may have changed.";
    C5Within c5_within "C5": 0.15 in 0.01..=0.99 REAL, "Share of the median ratio within which cells are alike.";
    C5Share c5_share "C5": 0.75 in 0.01..=1.0 REAL, "Share of the cells that must be alike.";
    C6Facilities c6_facilities "C6": 20.0 in 2.0..=10_000.0 COUNT, "Fewest facilities whose equal numbers are a flat column.";
    R1Change r1_change "R1": 0.10 in 0.0..=1.0 REAL, "Share by which the number of facilities differs from the last run.";
    R3Days r3_days "R3": 120.0 in 1.0..=3_660.0 COUNT, "Days after its end from which a quarter is old.";
    AcceptedWithin accepted_within "accepted last quarter": 0.20 in 0.0..=1.0 REAL, "Share of an accepted number within which accepting still holds.";
}

/// Pairs of which the first may not be above the second, or, where the last says so, must be below it.
const ORDER: [(Limit, Limit, bool); 6] = [
    (Limit::T2Away, Limit::T1Away, false),
    (Limit::T2Ratio, Limit::T1Ratio, false),
    (Limit::T4Median, Limit::T4Stop, false),
    (Limit::T5Reported, Limit::T5Quarters, false),
    (Limit::S04Reported, Limit::S04Quarters, false),
    (Limit::S14Low, Limit::S14High, true),
];

impl Limit {
    /// The number with this key.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|limit| limit.about().name == name)
    }
}

impl Limits {
    /// Sets the number called `name`. The error is a sentence with the rule's id and the range, or with the nearest name there is;
    /// nothing is changed then.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), String> {
        let limit = Limit::named(name).ok_or_else(|| unknown(name))?;
        let about = limit.about();
        if !(about.least..=about.most).contains(&value) || (about.whole && value.fract() != 0.0) {
            let wanted = if about.whole { "whole number" } else { "number" };
            let About { rule, least, most, .. } = about;
            return Err(format!("{name} (rule {rule}) must be a {wanted} from {least} to {most}, not {value}."));
        }
        *self.place(limit) = value;
        Ok(())
    }

    /// What differs from the default: key, default, value.
    pub fn changed(&self) -> impl Iterator<Item = (&'static str, f64, f64)> + '_ {
        let all = Limit::ALL.iter().map(|limit| (limit.about().name, limit.about().default, self.get(*limit)));
        all.filter(|(_, default, value)| default.total_cmp(value).is_ne())
    }

    /// Whether the numbers fit each other. The error names every pair that does not.
    pub fn check(&self) -> Result<(), String> {
        let wrong: Vec<String> = ORDER.iter().filter_map(|pair| self.misfit(*pair)).collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join(" ")) }
    }

    fn misfit(&self, (low, high, below): (Limit, Limit, bool)) -> Option<String> {
        let (least, most) = (self.get(low), self.get(high));
        let fits = if below { least < most } else { least <= most };
        let relation = if below { "be below" } else { "not be above" };
        let (low, high) = (low.about(), high.about());
        let pair = || format!("{} (rule {}), {least}, must {relation} {}, {most}.", low.name, low.rule, high.name);
        (!fits).then(pair)
    }
}

fn unknown(name: &str) -> String {
    let known = Limit::ALL.iter().map(|limit| limit.about().name);
    let meant = nearest(name, known.clone()).map_or_else(String::new, |near| format!(" Perhaps \"{near}\" is meant."));
    let known = known.collect::<Vec<_>>().join(", ");
    format!("There is no threshold \"{}\".{meant} Known: {known}.", name.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_lies_in_its_range_and_can_be_set() {
        let mut limits = Limits::default();
        for limit in Limit::ALL {
            let about = limit.about();
            assert_eq!(Limit::named(about.name), Some(*limit));
            assert!(about.least < about.most, "{about:?}");
            for value in [about.default, about.least, about.most] {
                assert_eq!(limits.set(about.name, value), Ok(()), "{about:?}");
                assert_eq!(limits.get(*limit).total_cmp(&value), std::cmp::Ordering::Equal);
            }
            for wrong in [about.least - 0.001, about.most + 0.001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                let error = limits.set(about.name, wrong).unwrap_err();
                assert!(error.contains(about.rule) && error.contains(&format!("from {} to", about.least)), "{error}");
                assert_eq!(limits.get(*limit).total_cmp(&about.most), std::cmp::Ordering::Equal, "unchanged");
            }
            let half = about.least + 0.5;
            assert_eq!(limits.set(about.name, half).is_err(), about.whole || half > about.most, "{about:?}");
        }
    }

    #[test]
    fn the_defaults_are_the_documents() {
        let all: Vec<String> =
            Limit::ALL.iter().map(|limit| limit.about()).map(|a| format!("{} {}", a.name, a.default)).collect();
        assert_eq!(
            all.join(", "),
            "t1_away 6, t1_ratio 3, t2_away 3.5, t2_ratio 2, t_history 4, t3_least 5, t3_times 3, t4_history 3, t4_median 5, \
             t4_stop 20, t5_reported 3, t5_quarters 4, spread_default 0.25, spread_facilities 20, spread_prior 4, \
             spread_floor 0.1, s02_change 0.2, s03_days 15, s04_share 0.05, s04_reported 3, s04_quarters 4, s04_least 5, s13_least 10, \
             s14_median 5, s14_low 8, s14_high 12.5, s15_percentile 99, l1_least 2, l1_share 0.2, l2_ratio 3, l2_least 5, \
             fold_share 0.1, column_least 20, c1_low 0.67, c1_high 1.33, c2_share 0.9, c3_share 0.75, c5_low 0.8, c5_high 1.25, \
             c5_within 0.15, c5_share 0.75, c6_facilities 20, r1_change 0.1, r3_days 120, accepted_within 0.2"
        );
        let limits = Limits::default();
        for limit in Limit::ALL {
            assert!(limits.get(*limit).total_cmp(&limit.about().default).is_eq(), "{limit:?}");
        }
        assert_eq!((limits.changed().count(), limits.check()), (0, Ok(())));
    }

    #[test]
    fn a_wrong_number_or_name_is_said_with_rule_range_and_nearest_name() {
        let mut limits = Limits::default();
        let mut say = |name: &str, value: f64| limits.set(name, value).unwrap_err();
        assert_eq!(say("t1_away", 0.5), "t1_away (rule T1) must be a number from 1 to 50, not 0.5.");
        assert_eq!(say("t4_history", 3.5), "t4_history (rule T4) must be a whole number from 1 to 8, not 3.5.");
        let error = say("t1-awya", 5.0);
        assert!(
            error.starts_with("There is no threshold \"t1-awya\". Perhaps \"t1_away\" is meant. Known: t1_away, "),
            "{error}"
        );
        assert!(error.ends_with(", r3_days, accepted_within."), "{error}");
        assert!(say("\u{1b}[2J password", 1.0).starts_with("There is no threshold \"\\u{1b}[2J password\". Known: "));
        assert_eq!(limits, Limits::default());
    }

    #[test]
    fn what_was_changed_is_told_in_the_order_of_the_rules() {
        let mut limits = Limits::default();
        limits.set("s14_low", 7.5).unwrap();
        limits.set("t1_away", 6.0).unwrap();
        limits.set("t2_away", 4.0).unwrap();
        assert_eq!(limits.changed().collect::<Vec<_>>(), [("t2_away", 3.5, 4.0), ("s14_low", 8.0, 7.5)]);
    }

    #[test]
    fn numbers_that_do_not_fit_each_other_are_refused() {
        for (low, high, equal_fits) in [
            ("t2_away", "t1_away", true),
            ("t2_ratio", "t1_ratio", true),
            ("t4_median", "t4_stop", true),
            ("t5_reported", "t5_quarters", true),
            ("s04_reported", "s04_quarters", true),
            ("s14_low", "s14_high", false),
        ] {
            let with = |least: f64, most: f64| {
                let mut limits = Limits::default();
                limits.set(low, least).unwrap();
                limits.set(high, most).unwrap();
                limits.check()
            };
            assert_eq!(with(4.0, 5.0), Ok(()), "{low}");
            assert_eq!(with(5.0, 5.0).is_ok(), equal_fits, "{low}");
            assert!(with(6.0, 5.0).unwrap_err().starts_with(low));
        }
        let mut limits = Limits::default();
        limits.set("t2_away", 7.0).unwrap();
        limits.set("s14_low", 12.5).unwrap();
        assert_eq!(
            limits.check().unwrap_err(),
            "t2_away (rule T2), 7, must not be above t1_away, 6. s14_low (rule S14), 12.5, must be below s14_high, 12.5."
        );
    }
}
