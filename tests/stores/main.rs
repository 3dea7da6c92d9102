//! What session stores promise, proved on those of this crate: the suite that every store has to pass, and what is
//! special to each. Every test has a directory of its own.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking"
)]

#[cfg(unix)]
mod account_tool;
mod advice;
#[cfg(unix)]
mod advice_redis;
mod conformance;
mod damage;
mod faulty;
mod file;
mod memory;
mod processes;
#[cfg(unix)]
mod redis;
mod rights;
mod sealed;
#[cfg(all(unix, feature = "rustls-no-provider"))]
mod secured;
#[cfg(unix)]
mod server;
#[cfg(unix)]
mod several;
mod sqlite;
mod support;
