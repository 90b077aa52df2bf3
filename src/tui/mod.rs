//! The review full screen: draws, and turns keys into decisions. It never talks to a server or a file; it asks for that
//! with [`msg::Cmd`].

pub mod keymap;
mod keys;
pub mod layout;
pub mod model;
pub mod msg;
pub mod parts;
pub mod screen;
pub mod table;
pub mod theme;
pub mod update;
