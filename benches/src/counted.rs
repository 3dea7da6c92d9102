//! The number of counted calls. `cargo xtask bench` compiles this file as well.

/// How many calls are counted. The result is divided by this number.
pub const CALLS: u32 = 100;
