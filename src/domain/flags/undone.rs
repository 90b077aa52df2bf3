//! What is said of a cell in a review that undoes another one. Such a review is not judged: no rule of a number speaks there.

use super::{Flag, Severity};

/// A04: the change makes the property blank, which it was before, or was as good as. It is ours: such a cell is looked at by itself,
/// never taken in bulk unseen (commcare.md section 5.5). `was_set` says whether the property was there at all.
pub fn becomes_blank(was_set: bool) -> Flag {
    let sentence = if was_set {
        "the property was blank before the review, and becomes blank again"
    } else {
        "the property was not set before the review; CommCare cannot remove it, so it becomes blank"
    };
    Flag::new("A04", Severity::Review, sentence)
}

/// A05: why the value before is not put back. It is ours.
pub fn not_put_back(why: &str) -> Flag {
    Flag::new("A05", Severity::Info, why)
}
