//! The shapes of a review and a submission as JSON: a contract with scripts (commands page). Fields are added, never renamed or
//! removed, within one `schema`.

use serde::Serialize;

use crate::{
    domain::{
        flags::{Flag, Severity},
        history::Past,
        plan::{Plan, UndoOf},
    },
    job::report::Held,
};

#[derive(Serialize)]
pub(super) struct JsonReview<'a> {
    pub(super) schema: u32,
    pub(super) period: String,
    pub(super) project: &'a str,
    pub(super) label: &'a str,
    pub(super) dhis2: &'a str,
    pub(super) commcare: &'a str,
    pub(super) case_type: &'a str,
    pub(super) mapping: &'a str,
    pub(super) mapping_rows: usize,
    pub(super) properties: usize,
    pub(super) mapping_problems: &'a [String],
    pub(super) notes: &'a [String],
    pub(super) scope: &'a str,
    pub(super) read_at: &'a str,
    pub(super) incomplete: bool,
    /// The review that is undone by this one; not there in any other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) undo: Option<&'a UndoOf>,
    pub(super) counts: Counts,
    pub(super) checks: Vec<JsonCheck<'a>>,
    pub(super) facilities: Vec<JsonFacility<'a>>,
    pub(super) skipped: Vec<JsonSkipped<'a>>,
}

/// How many cells of each kind a review has. Cells that read `(0?)` are no changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Facilities in scope.
    pub facilities: usize,
    /// Facilities times properties.
    pub cells: usize,
    /// Cells with another value than the case.
    pub changes: usize,
    /// Cells with the value the case has.
    pub same: usize,
    /// Cells for which nothing is proposed.
    pub without_value: usize,
    /// Changes approved.
    pub approved: u32,
    /// Changes rejected.
    pub rejected: u32,
    /// Changes undecided.
    pub undecided: u32,
    /// Cells that read `(0?)` and whose case does not hold 0; they are among those without a value.
    pub may_be_zero: u32,
    /// Of these, those for which 0 was approved.
    pub zeros: u32,
    /// Of these, those that keep their old value.
    pub zeros_kept: u32,
    /// Cells in a form that was not refused, or whose case held the value already.
    pub sent: usize,
}

/// What looks wrong with a property, or with the run where `property` is `null`.
#[derive(Serialize)]
pub(super) struct JsonCheck<'a> {
    pub(super) id: &'a str,
    pub(super) severity: Severity,
    pub(super) property: Option<&'a str>,
    pub(super) sentence: &'a str,
    /// The reason it was settled with; `null` where it was not.
    pub(super) settled: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct JsonFacility<'a> {
    pub(super) case_id: &'a str,
    pub(super) case_name: &'a str,
    pub(super) external_id: &'a str,
    pub(super) cells: Vec<JsonCell<'a>>,
}

#[derive(Serialize)]
pub(super) struct JsonCell<'a> {
    pub(super) property: &'a str,
    pub(super) data_element: &'a str,
    pub(super) data_set: &'a str,
    pub(super) old: Option<&'a str>,
    pub(super) new: Option<&'a str>,
    pub(super) state: &'static str,
    pub(super) period: String,
    pub(super) verdict: Option<&'static str>,
    pub(super) reason: Option<&'a str>,
    /// What a person noted on it; `null` for nothing.
    pub(super) note: Option<&'a str>,
    pub(super) outcome: Option<&'static str>,
    pub(super) flags: &'a [Flag],
    /// The quarters before, newest first; `null` where they were not asked for.
    pub(super) history: Option<Vec<JsonPast>>,
    pub(super) parts: Vec<JsonPart<'a>>,
}

/// One quarter before. Its value is the exact sum of its rows; `null` where nothing, or no number, was stored.
#[derive(Serialize)]
pub(super) struct JsonPast {
    pub(super) period: String,
    pub(super) value: Option<String>,
}

impl JsonPast {
    pub(super) fn of(past: &Past) -> Self {
        Self { period: past.quarter.to_string(), value: past.total().map(|total| total.to_string()) }
    }
}

#[derive(Serialize)]
pub(super) struct JsonPart<'a> {
    pub(super) category_option_combo: &'a str,
    pub(super) name: Option<&'a str>,
    pub(super) attribute_option_combo: &'a str,
    pub(super) attribute_name: Option<&'a str>,
    pub(super) value: Option<&'a str>,
    pub(super) comment: Option<&'a str>,
    pub(super) follow_up: bool,
}

#[derive(Serialize)]
pub(super) struct JsonSkipped<'a> {
    pub(super) case_id: &'a str,
    pub(super) case_name: &'a str,
    pub(super) reason: &'a str,
}

#[derive(Serialize)]
pub(super) struct JsonSubmission<'a> {
    pub(super) schema: u32,
    pub(super) period: String,
    pub(super) project: &'a str,
    pub(super) forms: Vec<JsonForm<'a>>,
    pub(super) held: Vec<JsonHeld<'a>>,
    pub(super) already_set: Vec<JsonHeld<'a>>,
    /// Facilities whose case CommCare rejects by itself.
    pub(super) rejected: Vec<JsonCase<'a>>,
    /// Facilities whose case somebody changed within the minute before its form.
    pub(super) recent: Vec<JsonCase<'a>>,
    pub(super) counts: SubmissionCounts,
    pub(super) note: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct JsonForm<'a> {
    pub(super) number: usize,
    pub(super) form_id: Option<&'a str>,
    pub(super) cases: usize,
    pub(super) changes: usize,
    pub(super) outcome: Option<&'static str>,
    pub(super) answer: Option<&'a str>,
    /// Dead, and all its cells went out again in later forms.
    pub(super) replaced: bool,
}

#[derive(Serialize)]
pub(super) struct JsonHeld<'a> {
    pub(super) case_id: &'a str,
    pub(super) case_name: &'a str,
    pub(super) property: &'a str,
    pub(super) old: Option<&'a str>,
    pub(super) new: Option<&'a str>,
    pub(super) now: Option<&'a str>,
    pub(super) already_set: bool,
    /// The approval was taken back, since what it was made on moved.
    pub(super) reset: bool,
    pub(super) reason: &'a str,
}

#[derive(Serialize)]
pub(super) struct JsonCase<'a> {
    pub(super) case_id: &'a str,
    pub(super) case_name: &'a str,
    pub(super) reason: Option<&'a str>,
}

impl<'a> JsonCase<'a> {
    pub(super) fn of(plan: &'a Plan, facility: u32, reason: Option<&'a str>) -> Self {
        let facility = plan.facility(facility);
        Self { case_id: &facility.case_id, case_name: &facility.name, reason }
    }
}

impl<'a> JsonHeld<'a> {
    pub(super) fn of(plan: &'a Plan, held: &'a Held) -> Self {
        let facility = plan.facility(held.cell.facility);
        Self {
            case_id: &facility.case_id,
            case_name: &facility.name,
            property: &plan.property(held.cell.property).name,
            old: plan.old(held.cell),
            new: plan.offer(held.cell),
            now: held.now.as_deref(),
            already_set: held.already_set,
            reset: held.moved,
            reason: &held.why,
        }
    }
}

#[derive(Serialize)]
pub(super) struct SubmissionCounts {
    pub(super) changes: usize,
    pub(super) applied: usize,
    pub(super) accepted: usize,
    pub(super) not_applied: usize,
    pub(super) unknown: usize,
    pub(super) held: usize,
    pub(super) already_set: usize,
}
