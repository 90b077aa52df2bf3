//! The real program in a real terminal: it starts, decides, sends, is resized, stopped, killed, and gives the terminal back
//! each time. What a key does is tested elsewhere; here it is that the terminal and the program understand each other.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod give_back;
mod hostile;
mod init;
mod manners;
mod mouse;
mod plain;
mod review;
mod stop;
mod tty;
