//! Where a plan is from, and what a reviewer should know about the reading as a whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    finer::{Choice, Unfit},
    flags::{Check, Limits, Whole},
    outcome::Outcome,
    quarter::Quarter,
};

/// Where a plan is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The quarter read.
    pub quarter: Quarter,
    /// `CommCare` project.
    pub project: String,
    /// The profile's label, e.g. PRODUCTION.
    pub label: String,
    /// DHIS2 address without credentials.
    pub dhis2: String,
    /// `CommCare` address without credentials.
    pub commcare: String,
    /// Which mapping: a path or `built-in`.
    pub mapping: String,
    /// Rows of the mapping, used or not.
    #[serde(default)]
    pub mapping_rows: usize,
    /// Case type read.
    pub case_type: String,
    /// When reading ended, RFC 3339.
    pub read_at: String,
    /// 1 for the first reading of a review file, one more for each later one.
    pub generation: u32,
    /// What was read, in words: `whole project`, or the facilities asked for.
    pub scope: String,
    /// Problems of the mapping, one sentence each.
    pub mapping_problems: Vec<String>,
    /// Things the reviewer should know about the reading, one sentence each.
    pub notes: Vec<String>,
    /// Why facilities may be missing from the reading as a whole, one sentence; `None` where none can be.
    #[serde(default)]
    pub incomplete: Option<String>,
    // What came later is left out where it is empty, so that the mark of an older file still fits.
    /// Version of DHIS2, as it says; empty where it does not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub dhis2_version: String,
    /// When the search index of `CommCare` took up the newest case, as it says: what changed later is not in the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index_as_of: Option<String>,
    /// How many quarters an absent number was looked for; 0 is not at all.
    #[serde(default, skip_serializing_if = "is_none")]
    pub look_back: u8,
    /// Organisation units a mapped data set is assigned to, for which there is no case: id and name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_case: Vec<(String, String)>,
    /// What was chosen for data sets that are not quarterly, by data set id; those without a choice propose nothing.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub choices: BTreeMap<String, Choice>,
    /// Mapped data sets that are not quarterly, in the order of their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finer: Vec<Unfit>,
    /// The facilities asked for, in the words they were asked for by; none where all were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facilities: Vec<String>,
    /// Whether the reading did without the quarters before.
    #[serde(default, skip_serializing_if = "is_false")]
    pub without_history: bool,
    /// Thresholds of flags that the settings changed: setting and value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, String>,
    /// What looks wrong with the run and with properties, those of the run first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// What each property is as a whole, by its name; empty where only some facilities were asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub whole: BTreeMap<String, Whole>,
    /// The review that is undone by this one; `None` for one that was read from DHIS2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<UndoOf>,
}

/// The review that is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoOf {
    /// Name of its file, without the folder.
    pub file: String,
    /// When its first form was made, RFC 3339.
    pub first: String,
    /// When its last form was made, RFC 3339.
    pub last: String,
    /// Its forms, in order. Archiving one in `CommCare` reverts its changes too.
    pub forms: Vec<FormOf>,
}

/// A form of the review that is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormOf {
    /// 1 for the first one.
    pub number: u32,
    /// Its `instanceID`, by which `CommCare` finds it.
    pub form_id: String,
    /// What became of it as a whole, as known when the undo was made.
    pub outcome: Outcome,
    /// Whether something of it took effect, or may have.
    pub acted: bool,
}

/// The scope of a reading for which no facility was named.
pub const WHOLE: &str = "whole project";
/// How the note of a reading begins that tells of [`Head::without_case`].
pub const WITHOUT_CASE: &str = "organisation units without a case";

/// Why a review that undoes another one is not read again.
pub const NOT_READ: &str = "this review puts back what CommCare held; it is not read from DHIS2";

impl Head {
    /// The head of a first reading of this quarter that says nothing else.
    pub fn of(quarter: Quarter) -> Self {
        let text = String::new;
        Self {
            quarter,
            project: text(),
            label: text(),
            dhis2: text(),
            commcare: text(),
            mapping: text(),
            mapping_rows: 0,
            case_type: text(),
            read_at: text(),
            generation: 1,
            scope: text(),
            mapping_problems: Vec::new(),
            notes: Vec::new(),
            incomplete: None,
            dhis2_version: text(),
            index_as_of: None,
            look_back: 0,
            without_case: Vec::new(),
            choices: BTreeMap::new(),
            finer: Vec::new(),
            facilities: Vec::new(),
            without_history: false,
            limits: BTreeMap::new(),
            checks: Vec::new(),
            whole: BTreeMap::new(),
            undo: None,
        }
    }

    /// The facilities asked for, in the words they were asked for by; none where all were. A file that does not say it has them in
    /// its scope.
    pub fn asked_for(&self) -> Vec<String> {
        if !self.facilities.is_empty() || self.scope.is_empty() || self.scope == WHOLE {
            return self.facilities.clone();
        }
        self.scope.split(", ").map(str::to_owned).collect()
    }

    /// The thresholds of flags the plan was judged by.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        for (name, value) in &self.limits {
            // One that a later version knows is of no use here.
            let _ = value.parse().map(|value| limits.set(name, value));
        }
        limits
    }

    /// What is known of a data set that is not quarterly; `None` for any other.
    pub fn unfit(&self, data_set: &str) -> Option<&Unfit> {
        self.finer.iter().find(|unfit| unfit.data_set == data_set)
    }

    /// The notes that say nothing of data sets that are not quarterly and of organisation units without a case: for who tells of
    /// these by themselves.
    pub fn other_notes(&self) -> impl Iterator<Item = &String> {
        let told: Vec<String> =
            self.finer.iter().map(|unfit| unfit.sentence(self.quarter, self.choices.get(&unfit.data_set))).collect();
        self.notes.iter().filter(move |note| !told.contains(note) && !note.starts_with(WITHOUT_CASE))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(it: &bool) -> bool {
    !*it
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_none(count: &u8) -> bool {
    *count == 0
}
