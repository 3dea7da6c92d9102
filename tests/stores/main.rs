//! Tests of the session stores of this crate: the suite that every store has to pass, and tests for each store. The
//! tests of `RedisStore` are in its own crate. Every test has its own directory.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

mod advice;
mod conformance;
mod damage;
mod faulty;
mod file;
mod memory;
mod processes;
mod rights;
mod sealed;
mod sqlite;
mod support;
