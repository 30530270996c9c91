//! The doors as clients of a Swarm site use them.

mod clients;
mod doors;
mod manage;
mod world;
