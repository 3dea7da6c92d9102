//! What session stores promise, proved on those of this crate: the suite that every store has to pass, and what is
//! special to each. Those of `RedisStore` are in its own crate. Every test has a directory of its own.

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
