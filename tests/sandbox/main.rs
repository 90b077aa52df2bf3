//! The sandbox as a client sees it: both servers through the transport, and once through a real socket.
#![expect(clippy::unwrap_used, reason = "a test binary; a failure here is the test's answer")]

mod accounts;
mod cases;
mod clients;
mod country;
mod door;
mod faults;
mod later;
mod limits;
mod older;
mod receiver;
mod receiving;
mod reports;
mod rig;
mod socket;
mod values;
mod versions;
