//! Tests of the sandbox over HTTP.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod accounts;
mod binary;
mod contract;
mod control;
#[cfg(feature = "docs")]
mod docs;
mod faults;
mod gateway;
mod lifecycle;
mod requests;
mod sessions;
mod support;
mod tokens;
