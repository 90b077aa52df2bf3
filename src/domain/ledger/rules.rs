//! What may be decided together, and what a reason is. That a property with an open STOP takes no bulk approval is `settle`.

use super::{Act, Cell, Kind, Plan, SHORTEST_REASON, Severity, State};

/// Why nothing can be done to these cells.
pub(super) fn nothing(plan: &Plan, act: Act, given: &[Cell]) -> &'static str {
    let read = |state| given.iter().any(|cell| plan.state(*cell) == state);
    match act {
        Act::Approve if given.iter().any(|cell| plan.may_be_zero(*cell)) => {
            "it reads (0?), since DHIS2 may not have stored a 0: 0 writes 0, r keeps the old value"
        }
        Act::Zero if given.iter().any(|cell| plan.kind(*cell) == Kind::Change) => {
            "DHIS2 holds a number here; 0 is for cells that read (0?)"
        }
        _ if read(State::ZeroNotStored) => "the case holds 0 already; nothing to decide",
        _ => "nothing to decide here",
    }
}

/// A STOP is approved alone and with a reason (review-ux.md rule 3), as a zero too.
pub(super) fn stop_alone(plan: &Plan, act: Act, cells: &[Cell], reason: Option<&str>) -> Result<(), String> {
    if !act.writes() || !cells.iter().any(|cell| plan.severity(*cell) == Some(Severity::Stop)) {
        return Ok(());
    }
    if cells.len() > 1 {
        return Err("a STOP is approved one at a time".to_owned());
    }
    if !is_reason(reason) {
        return Err(format!("a STOP needs a reason of at least {SHORTEST_REASON} characters"));
    }
    Ok(())
}

/// Whether this is a reason to approve a STOP or to settle one.
pub fn is_reason(reason: Option<&str>) -> bool {
    reason.is_some_and(|reason| reason.trim().chars().count() >= SHORTEST_REASON)
}
