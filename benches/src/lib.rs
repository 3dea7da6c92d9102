//! What the benchmarks share: the same two requests, made by the crate and written by hand, and the sandbox that
//! answers them. `cargo xtask bench` runs the programs of this package and says what they are held to.

pub mod control;
pub mod counted;
pub mod facade;
pub mod hand;
pub mod meter;
pub mod requests;

use std::error::Error;

/// What can go wrong is told to a person, and ends the run.
pub type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
