//! The directory on a real `slapd`, which the tests start and end themselves.

mod check;
mod contract;
mod groups;
mod outage;
mod status;
mod tls;
mod world;
mod write_through;
