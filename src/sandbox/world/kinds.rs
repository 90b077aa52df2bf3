//! What the numbers of each data element look like: type, aggregation, parts, size and habit.

use crate::sandbox::{MONTHLY_LAST, MONTHLY_SUM};

/// How the values of an element move from quarter to quarter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Habit {
    /// A count of events in the quarter: mean at a health centre, and how strongly it follows the rains (0 to 1).
    Events {
        /// Mean count in a quarter at a health centre.
        mean: f64,
        /// Height of the wave over the year, as a part of the mean.
        wave: f64,
    },
    /// A count of things that are there: size at a health centre, and the chance that it changes in a quarter.
    Level {
        /// Size at a health centre.
        mean: f64,
        /// Chance of a change in one quarter.
        change: f64,
    },
    /// An estimate for a year, the same in its four quarters.
    Estimate {
        /// Size at a health centre.
        mean: f64,
    },
    /// Money granted for a year, the same in its four quarters, in hundredths.
    Grant {
        /// Amount at a health centre.
        mean: f64,
    },
    /// Money spent in the quarter, in hundredths.
    Spending {
        /// Amount at a health centre.
        mean: f64,
    },
    /// Only district hospitals report it; the others would report 0.
    DistrictLevel {
        /// Size at a district hospital.
        mean: f64,
    },
}

/// The parts a value is reported in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disaggregation {
    /// One value.
    None,
    /// Male, Female.
    Sex,
    /// Under 5, 5 and over.
    Age,
    /// The four of both.
    AgeAndSex,
    /// Three whose names are made to break a screen.
    Hostile,
}

/// Type, aggregation and shape of the numbers of a data element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Profile {
    /// DHIS2 value type.
    pub(crate) value_type: &'static str,
    /// DHIS2 aggregation type.
    pub(crate) aggregation: &'static str,
    /// Whether zeros are kept.
    pub(crate) zero_is_significant: bool,
    /// The parts it is reported in.
    pub(crate) disaggregation: Disaggregation,
    /// How it moves.
    pub(crate) habit: Habit,
}

impl Profile {
    /// Whether it is a number of things there, one value, zeros kept.
    pub(crate) fn is_level(&self) -> bool {
        matches!(self.habit, Habit::Level { .. })
    }

    /// Whether values are stored in hundredths.
    pub(crate) fn is_money(&self) -> bool {
        matches!(self.habit, Habit::Grant { .. } | Habit::Spending { .. })
    }
}

const fn events(mean: f64, wave: f64, disaggregation: Disaggregation, zero_is_significant: bool) -> Profile {
    let habit = Habit::Events { mean, wave };
    Profile { value_type: "INTEGER_ZERO_OR_POSITIVE", aggregation: "SUM", zero_is_significant, disaggregation, habit }
}

const fn level(mean: f64, change: f64, disaggregation: Disaggregation) -> Profile {
    Profile {
        value_type: "INTEGER_ZERO_OR_POSITIVE",
        aggregation: "AVERAGE_SUM_ORG_UNIT",
        zero_is_significant: true,
        disaggregation,
        habit: Habit::Level { mean, change },
    }
}

const fn money(habit: Habit, aggregation: &'static str) -> Profile {
    Profile {
        value_type: "NUMBER",
        aggregation,
        zero_is_significant: false,
        disaggregation: Disaggregation::None,
        habit,
    }
}

/// The profile of the element behind a case property of the built-in mapping; a plain count for any other.
pub(crate) fn profile_of(property: &str) -> Profile {
    use Disaggregation::{Age, AgeAndSex, None, Sex};
    match property {
        "dhis_hmis_data_discussed" => events(1.4, 0.0, None, true),
        "dhis_admissions_in_quarter" => events(64.0, 0.2, AgeAndSex, false),
        "dhis_suspected_malaria_cases_under_5yrs" => events(31.0, 0.7, Sex, false),
        "dhis_total_budget_for_drugs" => money(Habit::Grant { mean: 11_500_000.0 }, "LAST"),
        "dhis_expenditure_in_quarter" => money(Habit::Spending { mean: 2_900_000.0 }, "SUM"),
        "dhis_health_facilities_under_hospital_management_supervision" => Profile {
            zero_is_significant: false,
            aggregation: "SUM",
            habit: Habit::DistrictLevel { mean: 34.0 },
            ..level(0.0, 0.0, None)
        },
        "dhis_ambulances_functional" => level(0.7, 0.04, None),
        "dhis_what_is_the_total_number_of_beds_at_the_facility" => level(17.0, 0.05, None),
        "dhis_quarterly_estimated_children_under_5_in_area" => {
            Profile { habit: Habit::Estimate { mean: 2_300.0 }, ..level(0.0, 0.0, Sex) }
        }
        "dhis_prev_new_smear_positive_cases_cured" => events(3.2, 0.0, Sex, false),
        "dhis_prev_new_smear_positive_cases_dead" => events(0.4, 0.0, Sex, false),
        "dhis_prev_new_smear_positive_cases_treatment_failure" => events(0.15, 0.0, Sex, false),
        "dhis_prev_new_eptb_cases_cured" => events(1.1, 0.0, Age, true),
        "dhis_prev_new_eptb_cases_treatment_completed" => events(1.6, 0.0, Age, true),
        "dhis_prev_new_eptb_cases_dead" => events(0.25, 0.0, Age, false),
        "dhis_prev_new_eptb_cases_treatment_failure" => events(0.1, 0.0, Age, false),
        "dhis_village_clinics" => level(7.0, 0.05, None),
        "dhis_cbdas" => level(11.0, 0.05, Sex),
        "dhis_village_health_committees" => level(14.0, 0.06, None),
        "dhis_households_with_improved_latrines" => level(1_450.0, 0.3, None),
        "dhis_households_access_to_clean_water" => level(1_900.0, 0.3, None),
        _ => events(6.0, 0.0, None, false),
    }
}

/// Elements no mapping names: their name, a property whose data set they are in, and their numbers.
pub(crate) const EXTRAS: &[(&str, &str, Profile)] = &[
    ("HMIS OPD Attendance", "dhis_admissions_in_quarter", events(900.0, 0.3, Disaggregation::AgeAndSex, false)),
    ("HMIS Deliveries by Skilled Staff", "dhis_admissions_in_quarter", events(44.0, 0.1, Disaggregation::None, false)),
    (
        "TBTO Contacts Screened",
        "dhis_prev_new_smear_positive_cases_cured",
        events(5.0, 0.0, Disaggregation::None, true),
    ),
    ("HTS Clients Tested", "dhis_cbdas", events(130.0, 0.0, Disaggregation::Sex, false)),
];

/// Elements of the monthly set: their ids, names and numbers, each for one month.
pub(crate) const MONTHLY: &[(&str, &str, Profile)] = &[
    (MONTHLY_SUM, "HMIS15 Fever Cases under 5", events(11.0, 0.7, Disaggregation::None, false)),
    (
        MONTHLY_LAST,
        "HMIS15 ORS Sachets in Stock, end of month",
        Profile { aggregation: "LAST", ..level(220.0, 0.9, Disaggregation::None) },
    ),
];

/// The element whose rows are split by who paid.
pub(crate) const PARTNER: Profile = events(5.0, 0.0, Disaggregation::None, true);

/// The element beside it, with hostile names of its parts.
pub(crate) const HOSTILE: Profile = events(9.0, 0.0, Disaggregation::Hostile, true);

/// Elements called much like ones the ONSE project looked for.
pub(crate) const LIKE: [(&str, Profile); 2] = [
    ("CHD EPI # of Pregnant Women", level(320.0, 0.4, Disaggregation::None)),
    ("TB COMM Number of Sputum Collection Points", level(3.0, 0.1, Disaggregation::None)),
];

/// An element nobody reports any more.
pub(crate) const UNPLACED: Profile = events(0.0, 0.0, Disaggregation::None, false);

/// A sensible name for a data set of the built-in mapping, which gives ids only.
pub(crate) fn set_name(uid: &str) -> String {
    let name = match uid {
        "q1Es3k3sZem" => "HMIS Quarterly Management Report",
        "uk3Vkwy5cIe" => "HMIS 17 Quarterly Hospital Report",
        "iTo9FkAJTSl" => "Environmental Health Quarterly Report",
        "rkyO2EAX45C" => "CMED Population Estimates",
        "VEqRXwmqhM1" => "TB Treatment Outcomes, Smear Positive",
        "fOiOJU7Vt2n" => "TB Treatment Outcomes, Extrapulmonary",
        "hWDsGIjs16g" => "Community Health, IMCI Village Clinics",
        "wLQlOnKX6yN" => "HIV Testing Services Quarterly Report",
        _ => return format!("Quarterly Report {uid}"),
    };
    name.to_owned()
}
