//! The code that the benchmarks share: the same requests, made by the crate and without it, and a client of
//! the sandbox. `cargo xtask bench` runs the programs of this package and checks their results against limits.

pub mod control;
pub mod counted;
pub mod facade;
pub mod hand;
pub mod meter;
pub mod plain;
pub mod requests;

use std::error::Error;

/// Any error ends the run, and its text is printed.
pub type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
