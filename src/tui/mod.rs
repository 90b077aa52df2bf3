//! The review full screen: draws, and turns keys into decisions.

pub mod parts;
pub mod table;
pub mod theme;
