//! The store on a Redis server: the suite that every store has to pass, tests of this store, and the examples that use
//! it. Every test has its own server.

#![cfg(unix)]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod account_in_a_file;
mod account_on_a_server;
mod advice;
#[path = "../../../../tests/promises/leaks.rs"]
#[allow(dead_code, reason = "nothing is logged here")]
mod leaks;
mod one;
mod replicated;
#[cfg(feature = "rustls-no-provider")]
mod secured;
mod server;
mod several;
mod support;

#[path = "../../examples/account.rs"]
#[allow(dead_code, reason = "its `main` is the example's own")]
mod example;
