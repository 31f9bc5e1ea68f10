//! VPC reachability: what can reach what, what the internet can reach, and every reason why not.
//!
//! A reader fills an [`estate::Estate`] with AWS's own records; [`Network`] resolves it; questions walk it with exact
//! sets of packets ([`packet`]), forward and back. What was not read makes an answer unknown and names the call.

pub mod change;
pub mod code;
pub mod estate;
pub mod filter;
pub mod firewall;
pub mod packet;
pub mod question;
pub mod read;
mod topology;
pub mod view;
pub mod walk;
pub mod words;

pub use topology::{Link, Missing, Network, Role};
