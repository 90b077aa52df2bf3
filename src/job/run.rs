//! What a run did and where the review stands after it, as text and JSON. Pure: everything is given in.

mod standing;
mod summary;

pub use standing::{ByOutcome, Left, OpenCheck, Standing, State};
pub use summary::{HeldBack, Run, held_back};
