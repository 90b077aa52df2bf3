//! The data set explorer against the sandbox: what DHIS2 holds for every row of a mapping, searches, and what a facility would get.
//! Rows D04, D20, D21 and M16 of the fault matrix. Counts are compared with ones worked out the plainest way.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

#[path = "datasets/explore.rs"]
mod explore;
#[path = "support/faults.rs"]
#[expect(dead_code, reason = "faults of other rows are tested elsewhere")]
mod faults;
#[path = "datasets/rig.rs"]
mod rig;
#[path = "datasets/search.rs"]
mod search;
mod support;
#[path = "datasets/trouble.rs"]
mod trouble;
