//! The promises of the crate, tested through its public API against the sandbox. The tests use virtual time and free
//! ports, and are independent of each other.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod access_tokens;
mod account_status;
mod bad_days;
mod blocking;
mod catalogue;
mod config_files;
mod configuration;
mod crowds;
mod ecosystem;
mod errors;
mod faces;
mod faults;
mod first_cause;
mod fleet;
mod grown;
mod growth;
mod guard;
mod leaks;
mod matrix;
mod mistakes;
mod operations;
mod origins;
mod outage;
mod own_headers;
mod package;
mod patience;
mod processes;
mod recovery;
mod renewal;
mod repeats;
mod resets;
mod restarts;
mod resumed;
mod retries;
mod rotation;
mod rotation_killed;
mod round_trips;
mod seasons;
mod secrets;
mod service;
mod spans;
mod spec;
mod support;
mod swaps;
#[cfg(any(feature = "rustls-no-provider", feature = "native-tls"))]
mod tls;
mod told;
mod troubled_stores;
mod vaults;
mod wire;
mod written;
