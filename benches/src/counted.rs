//! How much is counted. `cargo xtask bench` compiles this, too.

/// How many calls are counted; what is counted is divided by this.
pub const CALLS: u32 = 100;
